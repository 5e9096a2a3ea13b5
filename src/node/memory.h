// What a node remembers about exchanges and persons, for a time and within a bound: which
// (asker, id) it has answered, and under which pseudonym the log files a person. Persons are kept
// as keyed hashes under a key of this process. Owned by one thread.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct node_memory;

enum { NODE_ONCE_MAX = 262144, NODE_PERSONS_MAX = 65536 };

// `person_ms`: how long a person's check is remembered. NULL: no memory.
NODISCARD struct node_memory *node_memory_create(uint64_t person_ms);
void node_memory_destroy(struct node_memory **memory);

// True the first time that an exchange is seen within a request's life. False: seen already, or
// no room left, which counts the same.
bool node_memory_once(struct node_memory *memory, struct bytes asker, const struct id *id,
                      uint64_t now_ms);

// True unless another check was remembered for the person under this key of the log's. Remembers a
// first one; the one that was first stays.
bool node_memory_person(struct node_memory *memory, struct bytes scheme, struct bytes subject,
                        uint32_t tag_key_id, const struct digest *check, uint64_t now_ms);
