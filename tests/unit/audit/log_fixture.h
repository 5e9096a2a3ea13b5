// A log in a scratch folder, for the tests of the audit module.
#pragma once

#include "audit/journal.h"
#include "audit/log.h"
#include "proof/receipt.h"
#include "proof/ring.h"
#include "seal/hash.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN "log.example/test"

enum { NOVEMBER = 29910000 }; // minutes; in November 2026

struct log_fixture {
    char home[128];
    struct seal_secret *master;
    struct seal_secret *seed;
    struct seal_signer *signer;
    struct proof_key key;
    struct proof_ring ring; // of it
    struct audit_vault *vault;
    struct audit_journal *journal;
    store_commit_hook hook;
    void *hook_context;
    size_t map_bytes;
};

static inline void fixture_begin_in(struct log_fixture *fixture, const char *home)
{
    struct error err;
    struct digest bytes;
    memset(fixture, 0, sizeof(*fixture));
    fixture->map_bytes = (size_t)1 << 30;
    snprintf(fixture->home, sizeof(fixture->home), "%s", home);
    memset(&bytes, 7, sizeof(bytes));
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &fixture->master, &err));
    memset(&bytes, 9, sizeof(bytes));
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &fixture->seed, &err));
    assert_ok(seal_signer_create(fixture->seed, &fixture->signer, &err));
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(fixture->signer),
                             &fixture->key, &err));
    assert_ok(proof_ring_init(&fixture->ring, &fixture->key, &err));
}

static inline void fixture_begin(struct log_fixture *fixture)
{
    fixture_begin_in(fixture, test_directory());
}

static inline enum status fixture_try(struct log_fixture *fixture, struct error *err)
{
    char folder[160];
    snprintf(folder, sizeof(folder), "%s/body", fixture->home);
    enum status status = audit_vault_open(folder, fixture->master, &fixture->vault, err);
    struct audit_journal_options options = {
        .home = fixture->home,
        .origin = ORIGIN,
        .map_bytes = fixture->map_bytes,
        .signer = fixture->signer,
        .vault = fixture->vault,
        .create = true,
        .commit_hook = fixture->hook,
        .commit_context = fixture->hook_context,
    };
    if (status == ST_OK) {
        status = audit_journal_open(&options, &fixture->journal, err);
    }
    if (status != ST_OK) {
        audit_vault_close(&fixture->vault);
    }
    return status;
}

static inline void fixture_open(struct log_fixture *fixture)
{
    struct error err;
    assert_ok(fixture_try(fixture, &err));
}

static inline void fixture_close(struct log_fixture *fixture)
{
    audit_journal_close(&fixture->journal);
    audit_vault_close(&fixture->vault);
}

static inline void fixture_end(struct log_fixture *fixture)
{
    fixture_close(fixture);
    seal_signer_destroy(&fixture->signer);
    seal_secret_destroy(&fixture->seed);
    seal_secret_destroy(&fixture->master);
}

// An entry with short texts in its parts, all different by `number`. `texts` must live on.
static inline void fixture_entry(struct audit_entry *entry, enum wire_class class, unsigned number,
                                 uint32_t minutes, char texts[3][32])
{
    struct error err;
    memset(entry, 0, sizeof(*entry));
    entry->class = class;
    for (size_t i = 0; i < proof_class_parts((unsigned)class, NULL); i++) {
        snprintf(texts[i], 32, "part %zu of %u", i, number);
        entry->parts[i].bytes = bytes_text(texts[i]);
    }
    assert_ok(audit_entry_seal(entry, minutes, &err));
}

enum { FIXTURE_BATCH = 300 };

// Appends `count` entries of class exchange in one batch.
static inline enum status fixture_append(struct log_fixture *fixture, size_t count,
                                         struct audit_commit **commit, struct error *err)
{
    static struct audit_entry entries[FIXTURE_BATCH];
    static char texts[FIXTURE_BATCH][3][32];
    const struct audit_entry *list[FIXTURE_BATCH];
    uint64_t size = audit_journal_size(fixture->journal);
    uint32_t minutes = audit_journal_minutes(fixture->journal, (int64_t)NOVEMBER * 60000);
    for (size_t i = 0; i < count; i++) {
        fixture_entry(&entries[i], WIRE_CLASS_EXCHANGE, (unsigned)(size + i), minutes, texts[i]);
        list[i] = &entries[i];
    }
    return audit_journal_append(fixture->journal, list, count, size,
                                audit_journal_term(fixture->journal), commit, err);
}

static inline void fixture_grow(struct log_fixture *fixture, uint64_t size)
{
    struct error err;
    while (audit_journal_size(fixture->journal) < size) {
        struct audit_commit *commit = NULL;
        uint64_t left = size - audit_journal_size(fixture->journal);
        size_t count = left < FIXTURE_BATCH ? (size_t)left : FIXTURE_BATCH;
        assert_ok(fixture_append(fixture, count, &commit, &err));
        audit_commit_unref(&commit);
    }
}

static inline void fixture_publish(struct log_fixture *fixture)
{
    struct error err;
    struct digest root;
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    assert_ok(audit_journal_checkpoint(fixture->journal, &size, &root, &note, &err));
    assert_ok(audit_journal_publish(fixture->journal, buffer_view(&note), &err));
    buffer_fini(&note);
}

// What a reader checks, from a receipt as it goes over the wire.
static inline enum status fixture_prove(const struct log_fixture *fixture,
                                        const struct wire_receipt *receipt, struct error *err)
{
    struct proof_trust trust = { .log = &fixture->key };
    struct proof_proven proven;
    struct proof_receipt plain = {
        .index = receipt->index,
        .path = receipt->proof,
        .checkpoint = receipt->checkpoint,
        .leaf = receipt->extra->leaf,
        .part_type = receipt->extra->part_type,
        .part_salt = receipt->extra->part_salt,
        .part = receipt->extra->part,
        .others = receipt->extra->others,
        .other_count = receipt->extra->others_count,
    };
    return proof_receipt_verify(&plain, &trust, &proven, err);
}
