// A log of at most 64 leaves with its key, and witnesses' keys, for tests of who vouches for what.
// With `branch` its leaves from that one on are others: a fork, signed by the same key.
#pragma once

#include "proof/note.h"
#include "proof/tree.h"
#include "seal/hash.h"
#include "signer.h"

#include <stdio.h>
#include <string.h>

enum { TINYLOG_MAX = 64, TINYLOG_WITNESSES = 4, TINYLOG_TIME = 1767225600 };

struct tinylog {
    struct seal_signer *signer;
    struct proof_key key;
    struct seal_signer *witness_signers[TINYLOG_WITNESSES];
    struct proof_key witnesses[TINYLOG_WITNESSES];
};

static inline void tinylog_begin(struct tinylog *log)
{
    struct error err;
    memset(log, 0, sizeof(*log));
    log->signer = signer_of(0x00);
    assert_ok(proof_key_make("example.com/audit", PROOF_KEY_ED25519, seal_signer_key(log->signer),
                             &log->key, &err));
    for (size_t i = 0; i < TINYLOG_WITNESSES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "witness.example/w%zu", i + 1);
        log->witness_signers[i] = signer_of((uint8_t)(0x20 + 0x20 * i));
        assert_ok(proof_key_make(name, PROOF_KEY_COSIGNATURE,
                                 seal_signer_key(log->witness_signers[i]), &log->witnesses[i],
                                 &err));
    }
}

static inline void tinylog_end(struct tinylog *log)
{
    seal_signer_destroy(&log->signer);
    for (size_t i = 0; i < TINYLOG_WITNESSES; i++) {
        seal_signer_destroy(&log->witness_signers[i]);
    }
}

// A proof_reader; *context is the branch, 0: none.
static inline enum status tinylog_node(void *context, unsigned level, uint64_t position,
                                       struct digest *node, struct error *err)
{
    uint64_t branch = *(const uint64_t *)context;
    (void)err;
    if (level > 0) {
        struct digest halves[2];
        (void)tinylog_node(context, level - 1, 2 * position, &halves[0], err);
        (void)tinylog_node(context, level - 1, 2 * position + 1, &halves[1], err);
        *node = seal_node_hash(&halves[0], &halves[1]);
        return ST_OK;
    }
    uint8_t leaf[2] = { (uint8_t)position, branch > 0 && position >= branch ? 1 : 0 };
    *node = seal_leaf_hash(bytes_of(leaf, sizeof(leaf)));
    return ST_OK;
}

static inline struct proof_checkpoint tinylog_checkpoint(const struct tinylog *log, uint64_t size,
                                                         uint64_t branch)
{
    struct error err;
    struct proof_checkpoint checkpoint = { .size = size };
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", log->key.name);
    assert_ok(proof_root(size, tinylog_node, &branch, &checkpoint.root, &err));
    return checkpoint;
}

// Appends the signed checkpoint, cosigned by the witnesses whose bit is set in `witnesses`.
static inline void tinylog_note(const struct tinylog *log, uint64_t size, uint64_t branch,
                                unsigned witnesses, struct buffer *note)
{
    struct proof_checkpoint checkpoint = tinylog_checkpoint(log, size, branch);
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(&checkpoint, &text);
    proof_checkpoint_sign(&checkpoint, &log->key, log->signer, note);
    for (size_t i = 0; i < TINYLOG_WITNESSES; i++) {
        if ((witnesses >> i & 1) != 0) {
            proof_note_sign(buffer_view(&text), &log->witnesses[i], log->witness_signers[i],
                            TINYLOG_TIME, note);
        }
    }
    buffer_fini(&text);
}

// Appends witness i's line alone.
static inline void tinylog_line(const struct tinylog *log, uint64_t size, uint64_t branch, size_t i,
                                uint64_t time_s, struct buffer *line)
{
    struct proof_checkpoint checkpoint = tinylog_checkpoint(log, size, branch);
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(&checkpoint, &text);
    proof_note_sign(buffer_view(&text), &log->witnesses[i], log->witness_signers[i], time_s, line);
    buffer_fini(&text);
}

static inline struct proof_path tinylog_path(uint64_t from, uint64_t to, uint64_t branch)
{
    struct error err;
    struct proof_path path;
    assert_ok(proof_consistency(from, to, tinylog_node, &branch, &path, &err));
    return path;
}

// Appends a tlog-policy: the log, all witnesses, and the rest as given.
static inline void tinylog_policy(const struct tinylog *log, const char *rest, struct buffer *text)
{
    buffer_text(text, "log ");
    proof_key_format(&log->key, text);
    buffer_text(text, "\n");
    for (size_t i = 0; i < TINYLOG_WITNESSES; i++) {
        buffer_format(text, "witness w%zu ", i + 1);
        proof_key_format(&log->witnesses[i], text);
        buffer_format(text, " http://127.0.0.1:%zu/\n", 7001 + i);
    }
    buffer_text(text, rest);
}
