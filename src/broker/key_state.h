// Keys at the start. Before the threads run, and the recorder at its own start.
#pragma once

#include "broker/core.h"
#include "wire/message.h"

// Takes a KEY_CHANGE entry of the log, in the order of the log. ST_NOT_FOUND, ST_DENIED: a key that
// it names is not at hand, or is another one; the error says which file. ST_UNPROVEN, ST_CORRUPT: a
// key of the log that no registrar's order in the log stands behind.
NODISCARD enum status key_state_take(struct broker *broker, uint64_t index,
                                     const struct wire_public_part *part, struct error *err);

// After the last of them.
NODISCARD enum status key_state_check(struct broker *broker, struct error *err);

// The entry for the next key of tags that has none yet; false: there is none.
bool key_state_next_tag(const struct broker *broker, struct wire_key_change *change);
void key_state_tag_recorded(struct broker *broker, uint64_t index);

// What `vedomo keys rewrap` leaves for the next start: the mark of the old master key.
#define KEY_STATE_MASTER "keys/master.changed"

// *due: the change of the master key is to be recorded; call it again once it is.
NODISCARD enum status key_state_master(const struct broker *broker, struct wire_key_change *change,
                                       bool *due, struct error *err);
void key_state_master_recorded(struct broker *broker, const struct wire_key_change *change);
