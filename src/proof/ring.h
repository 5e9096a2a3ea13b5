// The keys that one log has signed with, one after another (docs/audit-log.md, "A new key for the
// log"). A key that has been followed by another counts until its time is over; what it signed
// before that stays good for whoever looks at it later.
#pragma once

#include "proof/note.h"

enum { PROOF_RING_MAX = 16, PROOF_RING_TEXT_MAX = 16384 };

// Oldest first, all of one name. `keys` stand one after another, so that functions which take
// several keys can be given keys + i.
struct proof_ring {
    struct proof_key keys[PROOF_RING_MAX];
    uint64_t until_ms[PROOF_RING_MAX]; // when the key's time is over; 0: it is the newest
    size_t count;                      // at least 1
};

// A ring of one key. ST_USAGE: it is a witness's.
NODISCARD enum status proof_ring_init(struct proof_ring *ring, const struct proof_key *key,
                                      struct error *err);

// A ring from one vkey, or from several, oldest first, with spaces between them: all of them count
// at any time, because vkeys say nothing of times. ST_MALFORMED, ST_UNSUPPORTED, ST_USAGE.
NODISCARD enum status proof_ring_vkeys(struct bytes vkeys, struct proof_ring *ring,
                                       struct error *err);

// The key that signs now.
const struct proof_key *proof_ring_newest(const struct proof_ring *ring);

bool proof_ring_has(const struct proof_ring *ring, const struct digest *key);

// Adds the key that follows the newest one, whose time is over at `until_ms`. ST_EXISTS: it is
// there already. ST_NOT_FOUND: `old_key` is none of these. ST_UNPROVEN: `old_key` has been followed
// by another one. ST_FULL.
NODISCARD enum status proof_ring_follow(struct proof_ring *ring, const struct digest *old_key,
                                        const struct digest *new_key, uint64_t until_ms,
                                        struct error *err);

// Parses a signed checkpoint and verifies that one of the keys whose time is not over at `now_ms`
// has signed it (0: any of them, for what was signed earlier); a bad signature of any of these
// refuses it.
NODISCARD enum status proof_ring_open(const struct proof_ring *ring, uint64_t now_ms,
                                      struct bytes note, struct proof_checkpoint *checkpoint,
                                      struct error *err);

// One line a key, oldest first: "<vkey> <until>", under the line "vedomo-log-keys 1". Parsing is
// strict. ST_CORRUPT: not such a text.
void proof_ring_format(const struct proof_ring *ring, struct buffer *out);
NODISCARD enum status proof_ring_parse(struct bytes text, struct proof_ring *ring,
                                       struct error *err);
