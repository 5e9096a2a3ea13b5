// The log's public keys as a broker's folder has them: HOME/log.keys, which the broker writes when
// a key follows another; before that, the public half of HOME/keys/log.key.
#pragma once

#include "audit/tag.h"
#include "proof/ring.h"
#include "seal/keyfile.h"

NODISCARD enum status home_keys_read(const char *home, struct proof_ring *ring, struct error *err);

// All of them with spaces between, and a zero byte: what takes a vkey takes several.
NODISCARD enum status home_keys_text(const char *home, struct buffer *vkeys, struct error *err);

// ST_NOT_FOUND, in words: this is no broker's folder, for it has no log.
NODISCARD enum status home_has_log(const char *home, struct error *err);

// The keys of tags that are in HOME/keys, and what makes tags of them.
struct home_tags {
    struct seal_identity files[AUDIT_TAG_KEYS_MAX];
    struct audit_tagger *tagger;
};

// ST_OK also where there is none: tagger is NULL then. home_tags_fini() is due either way.
NODISCARD enum status home_tags_read(const char *home, struct home_tags *tags, struct error *err);
void home_tags_fini(struct home_tags *tags);
