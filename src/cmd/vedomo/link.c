// A connection for one command. Everything that comes back is checked before a command sees it: the
// broker's card by the registrar's signature, its results by its batch key (in peer/), the log by
// consistency from the checkpoint that we kept, the policy bundle by the policy keys.
#include "link.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/context.h"
#include "peer/peer.h"
#include "receipts.h"
#include "registry/file.h"
#include "registry/log_key.h"
#include "seal/hash.h"

enum {
    CALL_ARENA_BYTES = WIRE_ROWS_ARENA_BYTES + 2 * WIRE_BOXES_MAX_BYTES,
    MESSAGE_VERSION = 1,
    PAGES_MAX = 1 << 20,
};

struct link {
    struct seal_identity identity;
    struct bus_context *context;
    struct peer *peer;
    struct proof_key log; // the pinned one
    struct registry_of_log of_log;
    struct registry_pins registrar;
    struct registry_pins policy;
    char *endpoint;
    char *vkey;
    char checkpoint[PATH_MAX];
    int64_t timeout_ms;
};

void link_close(struct link **link)
{
    struct link *l = *link;
    if (l == NULL) {
        return;
    }
    peer_destroy(&l->peer);
    bus_context_destroy(&l->context);
    seal_identity_fini(&l->identity);
    free(l->endpoint);
    free(l->vkey);
    free(l);
    *link = NULL;
}

static enum status read_trust(struct link *link, const struct settings *settings, struct error *err)
{
    const char *vkey = NULL;
    const struct registry_pins *pins = NULL;
    enum status status = settings_need_vkey(settings, &vkey, err);
    if (status == ST_OK) {
        status = proof_key_parse(bytes_text(vkey), &link->log, err);
    }
    if (status == ST_OK) {
        status = settings_need_registrar(settings, &pins, err);
    }
    if (status != ST_OK) {
        return status;
    }
    link->registrar = *pins;
    link->policy = settings->policy;
    link->vkey = strdup(vkey);
    return link->vkey == NULL ? error_set(err, ST_NOMEM, "connection") : ST_OK;
}

static enum status read_own(struct link *link, const struct settings *settings, struct error *err)
{
    const char *key = NULL;
    enum status status = settings_need_key(settings, &key, err);
    if (status == ST_OK) {
        status = seal_keyfile_load(key, &link->identity, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!seal_role_connects(link->identity.role)) {
        return error_set(err, ST_USAGE,
                         "%s is the key of a %s, which signs offline and never connects", key,
                         seal_role_name(link->identity.role));
    }
    if (settings->endpoint == NULL || settings->broker_card == NULL) {
        return error_set(err, ST_USAGE,
                         "which broker? Give --broker and --broker-card, or a "
                         "profile with 'endpoint' and 'broker_card'");
    }
    const char *suffix = settings->checkpoint == NULL ? ".checkpoint" : "";
    const char *path = settings->checkpoint == NULL ? key : settings->checkpoint;
    int size = snprintf(link->checkpoint, sizeof(link->checkpoint), "%s%s", path, suffix);
    if (size < 0 || (size_t)size >= sizeof(link->checkpoint)) {
        return error_set(err, ST_USAGE, "%s: path too long", path);
    }
    link->endpoint = strdup(settings->endpoint);
    return link->endpoint == NULL ? error_set(err, ST_NOMEM, "connection") : ST_OK;
}

static enum status make_peer(struct link *link, const struct registry_card *broker,
                             struct error *err)
{
    enum status status = bus_context_create(1, &link->context, err);
    if (status != ST_OK) {
        return status;
    }
    struct peer_config config = {
        .context = link->context,
        .endpoint = link->endpoint,
        .identity = &link->identity,
        .broker_curve_key = broker->curve_key,
        .broker_batch_key = broker->batch_key,
        .origin = link->log.name,
        .log_vkey = link->vkey,
        .checkpoint_path = link->checkpoint,
        .key_order = registry_log_key_admit,
        .key_order_argument = &link->of_log,
    };
    link->of_log = (struct registry_of_log){ .registrar = &link->registrar,
                                             .origin = bytes_text(link->log.name) };
    return peer_create(&config, &link->peer, err);
}

enum status link_open(const struct settings *settings, struct link **link, struct error *err)
{
    struct link *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return error_set(err, ST_NOMEM, "connection");
    }
    struct registry_card broker;
    l->timeout_ms = (int64_t)settings->timeout_ms;
    enum status status = read_trust(l, settings, err);
    if (status == ST_OK) {
        status = read_own(l, settings, err);
    }
    if (status == ST_OK) {
        status = registry_file_broker(settings->broker_card, bytes_text(l->log.name), &l->registrar,
                                      (uint64_t)clock_wall_ms(), &broker, err);
    }
    if (status == ST_OK) {
        status = make_peer(l, &broker, err);
    }
    if (status != ST_OK) {
        link_close(&l);
        return status;
    }
    *link = l;
    return ST_OK;
}

const struct seal_identity *link_identity(const struct link *link)
{
    return &link->identity;
}

const struct proof_ring *link_keys(const struct link *link)
{
    return peer_log_keys(link->peer);
}

struct bytes link_origin(const struct link *link)
{
    return bytes_text(link->log.name);
}

const struct registry_pins *link_registrar(const struct link *link)
{
    return &link->registrar;
}

uint64_t link_checkpoint(const struct link *link, struct bytes *note)
{
    return peer_checkpoint(link->peer, note);
}

struct peer_vouched link_vouched(const struct link *link)
{
    return peer_vouched(link->peer);
}

enum status link_call(struct link *link, enum wire_type type, const void *message,
                      struct bytes boxes, struct arena *arena, struct wire_result *result,
                      struct bytes *body, struct error *err)
{
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    enum status status = wire_encode(wire_type_schema(type), message, &payload, err);
    if (status == ST_MALFORMED) {
        // Our own message: what the rules refuse in it is what the person typed.
        status = ST_USAGE;
    }
    if (status == ST_OK) {
        status = peer_call(link->peer, type, buffer_view(&payload), boxes,
                           clock_monotonic_ms() + link->timeout_ms, arena, result, body, err);
    }
    buffer_fini(&payload);
    return status;
}

enum status link_query(struct link *link, const struct wire_query *query, struct arena *arena,
                       struct wire_result *result, struct wire_rows *rows, struct error *err)
{
    struct wire_query question = *query;
    question.version = MESSAGE_VERSION;
    struct bytes body;
    enum status status =
        link_call(link, WIRE_QUERY, &question, (struct bytes){ 0 }, arena, result, &body, err);
    if (status != ST_OK) {
        return status;
    }
    return wire_decode(WIRE_SCHEMA_ROWS, body, arena, rows, err);
}

enum status link_each(struct link *link, const struct wire_query *query, uint64_t limit,
                      link_row each, void *context, struct error *err)
{
    struct arena *arena = arena_create(CALL_ARENA_BYTES);
    struct buffer cursor = buffer_init(1024);
    struct wire_query question = *query;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "query") : ST_OK;
    uint64_t seen = 0;
    for (size_t page = 0; status == ST_OK && page < PAGES_MAX; page++) {
        struct wire_result result;
        struct wire_rows rows;
        status = link_query(link, &question, arena, &result, &rows, err);
        for (size_t i = 0; status == ST_OK && i < rows.rows_count; i++) {
            if (limit != 0 && seen == limit) {
                break;
            }
            seen++;
            status = each(context, &rows.rows[i], err);
        }
        if (status != ST_OK || result.cursor.size == 0 || (limit != 0 && seen == limit)) {
            break;
        }
        buffer_clear(&cursor);
        buffer_bytes(&cursor, result.cursor);
        question.cursor = buffer_view(&cursor);
        if (question.kind == WIRE_QUERY_MEMBERS) {
            (void)text_u64_parse(question.cursor, UINT64_MAX, &question.offset);
        }
        status = buffer_ok(&cursor, "cursor", err);
        arena_reset(arena);
    }
    buffer_fini(&cursor);
    arena_destroy(&arena);
    return status;
}

// Fetches the bundle named `hash` piece by piece; the signed head comes with the first.
static enum status fetch_bundle(struct link *link, const struct digest *hash,
                                struct registry_bundle_head *head, struct buffer *blob,
                                struct error *err)
{
    struct arena *arena = arena_create(CALL_ARENA_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "policy bundle") : ST_OK;
    bool more = true;
    while (status == ST_OK && more) {
        struct wire_query query = {
            .version = MESSAGE_VERSION,
            .kind = WIRE_QUERY_BUNDLE,
            .hash = *hash,
            .offset = blob->size,
        };
        struct wire_result result;
        struct bytes piece;
        status =
            link_call(link, WIRE_QUERY, &query, (struct bytes){ 0 }, arena, &result, &piece, err);
        if (status == ST_OK && blob->size == 0) {
            status = registry_bundle_head_verify(result.value, link_origin(link), &link->policy,
                                                 head, err);
        }
        if (status == ST_OK && (piece.size == 0 || piece.size > head->size - blob->size)) {
            status = error_set(err, ST_UNPROVEN, "policy bundle: not as long as its head says");
        }
        if (status == ST_OK) {
            buffer_bytes(blob, piece);
            status = buffer_ok(blob, "policy bundle", err);
            more = blob->size < head->size;
        }
        arena_reset(arena);
    }
    arena_destroy(&arena);
    return status;
}

static void ignore(void *argument, const struct peer_message *message)
{
    (void)argument;
    (void)message;
}

// A call that changes and asks nothing, so that WELCOME has told the bundle in force.
static enum status greet(struct link *link, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + link->timeout_ms;
    while (peer_state(link->peer) != PEER_READY) {
        enum status status = peer_step(link->peer, deadline, ignore, NULL, err);
        if (status != ST_OK) {
            return status;
        }
        const struct error *problem = peer_problem(link->peer);
        if (problem->status != ST_OK && peer_state(link->peer) == PEER_WAITING) {
            return error_set(err, problem->status, "%s", problem->message);
        }
        if (clock_monotonic_ms() >= deadline) {
            return error_set(err, ST_TIMEOUT, "no answer from the broker at %s", link->endpoint);
        }
    }
    return ST_OK;
}

enum status link_catalogue(struct link *link, struct catalogue **catalogue,
                           struct registry_bundle_head *head, struct error *err)
{
    if (link->policy.count == 0) {
        return error_set(err, ST_USAGE,
                         "whose policy to trust? Give --policy-pin ed25519:..., or a "
                         "profile with 'policy'");
    }
    enum status status = greet(link, err);
    if (status != ST_OK) {
        return status;
    }
    struct digest hash = *peer_bundle_hash(link->peer);
    if (digest_is_zero(&hash)) {
        return error_set(err, ST_NOT_FOUND,
                         "the broker has no policy yet: 'vedomo policy apply FILE' hands one in");
    }
    struct buffer blob = buffer_init(REGISTRY_BLOB_MAX);
    struct registry_bundle_head verified;
    status = fetch_bundle(link, &hash, &verified, &blob, err);
    if (status == ST_OK) {
        struct digest is = seal_sha256(buffer_view(&blob));
        if (!digest_equal(&is, &hash) || !digest_equal(&is, &verified.hash)) {
            status = error_set(err, ST_UNPROVEN, "policy bundle: not the one that was signed");
        }
    }
    if (status == ST_OK) {
        status = catalogue_load(buffer_view(&blob), &hash, catalogue, err);
    }
    if (status == ST_OK && head != NULL) {
        *head = verified;
    }
    buffer_fini(&blob);
    return status;
}

enum status link_receipt(const struct link *link, const struct wire_receipt *receipt,
                         struct error *err)
{
    if (receipt == NULL || receipt->extra == NULL) {
        return error_set(err, ST_UNPROVEN, "the broker gave no receipt");
    }
    struct proof_receipt plain = receipt_plain(receipt);
    const struct proof_ring *keys = link_keys(link);
    struct proof_trust trust = { .log = keys->keys, .log_count = keys->count };
    struct proof_proven proven;
    return proof_receipt_verify(&plain, &trust, &proven, err);
}
