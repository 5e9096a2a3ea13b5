// What a decision is fed with besides the request, as the registry and the log have it: the same
// for whoever decides and for whoever decides again.
#pragma once

#include "audit/tag.h"
#include "policy/decide.h"
#include "registry/registry.h"

enum policy_standing standing_of_member(const struct registry *registry, struct bytes code);

// Of the batch key that signed the request, at that moment.
enum policy_standing standing_of_key(const struct registry *registry, const struct digest *key,
                                     int64_t now_ms);

// The row of the COUNTER table.
struct digest standing_counter_key(const struct policy_counter *counter,
                                   const struct audit_tag *tag);
