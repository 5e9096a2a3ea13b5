// The public check of receipts: proof/receipt behind an interface that needs none of our headers.
#include "vedomo/verify.h"

#include "proof/receipt.h"
#include "proof/ring.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

// The public statuses are ours by number, so that one table of names serves both.
static_assert((int)VEDOMO_USAGE == (int)ST_USAGE, "statuses differ");
static_assert((int)VEDOMO_UNPROVEN == (int)ST_UNPROVEN, "statuses differ");
static_assert((int)VEDOMO_NOMEM == (int)ST_NOMEM, "statuses differ");
static_assert((int)VEDOMO_NOMEM + 1 == (int)ST_COUNT, "statuses differ");
static_assert((int)VEDOMO_MESSAGE_BYTES == (int)ERROR_MESSAGE_BYTES, "messages differ");

struct vedomo_receipt {
    struct vedomo_proven proven;
    uint8_t part[]; // what proven.part views
};

static enum vedomo_status report(enum status status, const struct error *err,
                                 struct vedomo_error *out)
{
    if (out != NULL) {
        out->status = (enum vedomo_status)status;
        snprintf(out->message, sizeof(out->message), "%s", status == ST_OK ? "" : err->message);
    }
    return (enum vedomo_status)status;
}

static enum status parse_key(const char *vkey, enum proof_key_type type, struct proof_key *key,
                             struct error *err)
{
    enum status status = proof_key_parse(bytes_text(vkey), key, err);
    if (status != ST_OK) {
        err->status = ST_USAGE;
        return ST_USAGE;
    }
    if (key->type != type) {
        return error_set(err, ST_USAGE, "%s: a key of type %d where type %d is due", key->name,
                         (int)key->type, (int)type);
    }
    return ST_OK;
}

static enum status make_receipt(const struct proof_receipt *receipt,
                                const struct proof_proven *proven, struct vedomo_receipt **out,
                                struct error *err)
{
    struct vedomo_receipt *made = calloc(1, sizeof(*made) + receipt->part.size);
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for a receipt");
    }
    if (receipt->part.size > 0) {
        memcpy(made->part, receipt->part.data, receipt->part.size);
    }
    made->proven = (struct vedomo_proven){
        .index = receipt->index,
        .tree_size = proven->checkpoint.size,
        .entry_class = proven->leaf.class,
        .recorded_ms = (int64_t)proven->leaf.minutes * 60000,
        .part_type = receipt->part_type,
        .part = made->part,
        .part_size = receipt->part.size,
        .witnesses = proven->witnesses,
        .witnessed_s = (int64_t)proven->witnessed_s,
        .witnessed = proven->witnessed ? 1 : 0,
    };
    memcpy(made->proven.leaf_hash, proven->leaf_hash.bytes, DIGEST_BYTES);
    memcpy(made->proven.root, proven->checkpoint.root.bytes, DIGEST_BYTES);
    *out = made;
    return ST_OK;
}

static enum status verify(struct bytes text, const struct proof_trust *trust,
                          struct vedomo_receipt **out, struct error *err)
{
    struct proof_receipt_file file;
    struct proof_proven proven;
    enum status status = proof_receipt_parse(text, &file, err);
    if (status != ST_OK) {
        return status;
    }
    status = proof_receipt_verify(&file.receipt, trust, &proven, err);
    if (status == ST_OK) {
        status = make_receipt(&file.receipt, &proven, out, err);
    }
    proof_receipt_file_fini(&file);
    return status;
}

PUBLIC_API enum vedomo_status
vedomo_receipt_verify(const char *text, size_t size, const char *log_vkey,
                      const char *const *witness_vkeys, size_t witness_count,
                      struct vedomo_receipt **receipt, struct vedomo_error *error)
{
    struct error err = { .status = ST_OK };
    struct proof_ring log;
    struct proof_key witnesses[PROOF_WITNESSES_MAX];
    enum status status = proof_ring_vkeys(bytes_text(log_vkey), &log, &err);
    if (status != ST_OK) {
        status = ST_USAGE;
        err.status = ST_USAGE;
    }
    if (status == ST_OK && witness_count > PROOF_WITNESSES_MAX) {
        status = error_set(&err, ST_USAGE, "more than %d witnesses", PROOF_WITNESSES_MAX);
    }
    for (size_t i = 0; i < witness_count && status == ST_OK; i++) {
        status = parse_key(witness_vkeys[i], PROOF_KEY_COSIGNATURE, &witnesses[i], &err);
    }
    if (status == ST_OK) {
        const struct proof_trust trust = { .log = log.keys,
                                           .log_count = log.count,
                                           .witnesses = witnesses,
                                           .witness_count = witness_count };
        status = verify(bytes_of(text, size), &trust, receipt, &err);
    }
    return report(status, &err, error);
}

PUBLIC_API enum vedomo_status vedomo_receipt_verify_policy(const char *text, size_t size,
                                                           const char *log_vkey, const char *policy,
                                                           size_t policy_size,
                                                           struct vedomo_receipt **receipt,
                                                           struct vedomo_error *error)
{
    struct error err = { .status = ST_OK };
    struct proof_ring log;
    struct proof_policy *parsed = NULL;
    enum status status = proof_ring_vkeys(bytes_text(log_vkey), &log, &err);
    status = status == ST_OK ? ST_OK : ST_USAGE;
    if (status == ST_OK) {
        status = proof_policy_parse(bytes_of(policy, policy_size), &parsed, &err);
        status = status == ST_MALFORMED ? ST_USAGE : status;
    }
    if (status == ST_OK) {
        const struct proof_trust trust = { .log = log.keys,
                                           .log_count = log.count,
                                           .policy = parsed };
        status = verify(bytes_of(text, size), &trust, receipt, &err);
    }
    proof_policy_destroy(&parsed);
    return report(status, &err, error);
}

PUBLIC_API const struct vedomo_proven *vedomo_receipt_proven(const struct vedomo_receipt *receipt)
{
    return &receipt->proven;
}

PUBLIC_API void vedomo_receipt_destroy(struct vedomo_receipt **receipt)
{
    free(*receipt);
    *receipt = NULL;
}

PUBLIC_API const char *vedomo_status_name(enum vedomo_status status)
{
    return status_name((enum status)status);
}
