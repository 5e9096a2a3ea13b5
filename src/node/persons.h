// The pseudonym under which the log files each person, as this node has seen it: the alarm when it
// is another one. Engine's thread.
#pragma once

#include "node/inside.h"

// Opens the file `persons` in the node's state folder, under keys that come from the node's own.
NODISCARD enum status node_persons_open(struct node_engine *engine, struct error *err);

// NULL when the check is the one that this node knows; else what is wrong, in words (static), and
// the alarm is in the node's log.
const char *node_person_problem(struct node_engine *engine, struct bytes scheme,
                                struct bytes subject, uint32_t tag_key_id,
                                const struct digest *check, const struct id *request,
                                const char *side);
