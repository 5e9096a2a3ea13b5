// The log's public keys as a broker's folder has them: HOME/log.keys, which the broker writes when
// a key follows another; before that, the public half of HOME/keys/log.key.
#pragma once

#include "proof/ring.h"

NODISCARD enum status home_keys_read(const char *home, struct proof_ring *ring, struct error *err);

// All of them with spaces between, and a zero byte: what takes a vkey takes several.
NODISCARD enum status home_keys_text(const char *home, struct buffer *vkeys, struct error *err);
