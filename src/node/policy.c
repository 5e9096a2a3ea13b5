// The node's own copy of the policy: fetched in pieces when the broker names another bundle, taken
// only with the policy keys' signature, whole, of its signed hash, and never of a lower serial than
// before. Kept on disk, so that a node starts with the policy that it had.
#include "node/inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "registry/file.h"
#include "seal/hash.h"
#include "wire/wire.h"

#include <stdlib.h>

enum { RETRY_MS = 5000, BUNDLE_MODE = 0600 };

// The signed head and the blob belong together, and the blob is a policy.
static enum status take_bundle(struct node_engine *engine, struct bytes signed_head,
                               struct bytes blob, struct error *err)
{
    struct registry_bundle_head head;
    struct catalogue *catalogue = NULL;
    enum status status = registry_bundle_head_verify(signed_head, node_trust_origin(&engine->trust),
                                                     &engine->trust.policy, &head, err);
    if (status != ST_OK) {
        return status;
    }
    if (head.serial < engine->policy_serial) {
        return error_set(err, ST_STALE, "policy bundle: an older one than the node has");
    }
    struct digest hash = seal_sha256(blob);
    if (head.size != blob.size || !digest_equal(&head.hash, &hash)) {
        return error_set(err, ST_UNPROVEN, "policy bundle: not the files that were signed");
    }
    status = catalogue_load(blob, &hash, &catalogue, err);
    if (status != ST_OK) {
        return status;
    }
    if (!snapshot_swap(engine->policy, catalogue)) {
        catalogue_destroy(&catalogue);
        return error_set(err, ST_NOMEM, "policy bundle: no memory");
    }
    engine->policy_serial = head.serial;
    return ST_OK;
}

enum status node_policy_load(struct node_engine *engine, struct error *err)
{
    if (!file_exists(engine->bundle_path)) {
        return ST_OK;
    }
    struct registry_file_content content;
    enum status status =
        registry_file_read(engine->bundle_path, 1u << REGISTRY_FILE_BUNDLE, &content, err);
    if (status != ST_OK) {
        return status;
    }
    status = take_bundle(engine, buffer_view(&content.message), buffer_view(&content.blob), err);
    registry_file_fini(&content);
    if (status != ST_OK) {
        error_wrap(err, "'%s'", engine->bundle_path);
    }
    return status;
}

static void fetch_end(struct node_engine *engine)
{
    buffer_fini(&engine->fetch.signed_head);
    buffer_fini(&engine->fetch.blob);
    engine->fetch.under_way = false;
}

static void fetch_fail(struct node_engine *engine, const struct error *err)
{
    log_event(LOG_LEVEL_ERROR, "policy.refused", log_text("why", err->message));
    engine->fetch.retry_ms = clock_monotonic_ms() + RETRY_MS;
    fetch_end(engine);
}

static void keep_on_disk(struct node_engine *engine)
{
    struct error err;
    struct buffer text = buffer_init(REGISTRY_BLOB_MAX + (size_t)REGISTRY_FILE_MAX * 2);
    enum status status =
        registry_file_format(REGISTRY_FILE_BUNDLE, buffer_view(&engine->fetch.signed_head),
                             buffer_view(&engine->fetch.blob), NULL, &text, &err);
    if (status == ST_OK) {
        status = file_replace(engine->bundle_path, buffer_view(&text), BUNDLE_MODE, &err);
    }
    if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "policy.not-kept", log_text("why", err.message));
    }
    buffer_fini(&text);
}

static void fetch_piece(struct node_engine *engine);

static void fetch_finish(struct node_engine *engine)
{
    struct error err;
    enum status status = take_bundle(engine, buffer_view(&engine->fetch.signed_head),
                                     buffer_view(&engine->fetch.blob), &err);
    if (status != ST_OK) {
        fetch_fail(engine, &err);
        return;
    }
    keep_on_disk(engine);
    log_event(LOG_LEVEL_NOTICE, "policy.applied",
              log_number("serial", (int64_t)engine->policy_serial));
    fetch_end(engine);
}

// The first piece comes with the signed head: nothing is fetched for a head that does not verify.
static enum status take_head(struct node_engine *engine, struct bytes signed_head,
                             struct error *err)
{
    struct node_policy_fetch *fetch = &engine->fetch;
    enum status status = registry_bundle_head_verify(signed_head, node_trust_origin(&engine->trust),
                                                     &engine->trust.policy, &fetch->head, err);
    if (status != ST_OK) {
        return status;
    }
    if (!digest_equal(&fetch->head.hash, &fetch->hash) || fetch->head.size > CATALOGUE_BLOB_MAX) {
        return error_set(err, ST_UNPROVEN, "policy bundle: another one than the broker named");
    }
    if (fetch->head.serial < engine->policy_serial) {
        return error_set(err, ST_STALE, "policy bundle: an older one than the node has");
    }
    fetch->signed_head = buffer_init(REGISTRY_FILE_MAX);
    fetch->blob = buffer_init(fetch->head.size);
    buffer_bytes(&fetch->signed_head, signed_head);
    return buffer_ok(&fetch->signed_head, "policy bundle's head", err);
}

static void on_piece(struct node_engine *engine, struct bytes context, enum status status,
                     const struct wire_result *result, struct bytes body, const struct error *err)
{
    (void)context;
    struct node_policy_fetch *fetch = &engine->fetch;
    if (!fetch->under_way) {
        return;
    }
    struct error problem = { 0 };
    if (status != ST_OK) {
        fetch_fail(engine, err);
        return;
    }
    if (fetch->blob.size == 0) {
        status = take_head(engine, result->value, &problem);
    }
    if (status == ST_OK && body.size == 0) {
        status = error_set(&problem, ST_MALFORMED, "policy bundle: an empty piece");
    }
    if (status == ST_OK) {
        buffer_bytes(&fetch->blob, body);
        status = buffer_ok(&fetch->blob, "policy bundle", &problem);
    }
    if (status != ST_OK) {
        fetch_fail(engine, &problem);
    } else if (fetch->blob.size == fetch->head.size) {
        fetch_finish(engine);
    } else {
        fetch_piece(engine);
    }
}

static void fetch_piece(struct node_engine *engine)
{
    struct error err;
    struct wire_query query = { .version = 1,
                                .kind = WIRE_QUERY_BUNDLE,
                                .hash = engine->fetch.hash,
                                .offset = engine->fetch.blob.size };
    if (node_query_send(engine, &query, on_piece, (struct bytes){ 0 }, &err) != ST_OK) {
        fetch_fail(engine, &err);
    }
}

void node_policy_turn(struct node_engine *engine)
{
    const struct digest *named = peer_bundle_hash(engine->peer);
    if (peer_state(engine->peer) != PEER_READY || engine->fetch.under_way ||
        digest_is_zero(named) || clock_monotonic_ms() < engine->fetch.retry_ms) {
        return;
    }
    struct snapshot_item *item = NULL;
    const struct catalogue *catalogue = snapshot_pin(engine->policy, &item);
    bool same = catalogue != NULL && digest_equal(catalogue_hash(catalogue), named);
    snapshot_unpin(&item);
    if (same) {
        return;
    }
    engine->fetch.under_way = true;
    engine->fetch.hash = *named;
    fetch_piece(engine);
}

void node_policy_fini(struct node_engine *engine)
{
    fetch_end(engine);
}
