// A federation in one process for the node's tests: a registrar, a policy, a log that records
// whatever a test tells it to, an asking node and a holding one. Everything is honest unless the
// test lies.
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "catalogue/bundle.h"
#include "node/answer.h"
#include "node/keys.h"
#include "node/open.h"
#include "node/request.h"
#include "proof/tree.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/keyfile.h"
#include "seal/random.h"
#include "seal/secret.h"
#include "test.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "vedomo.test/log"
#define ASKER  "ru/interior/road-safety"
#define HOLDER "ru/health/clinic-2"
#define OTHER  "ru/social/support"

enum { FED_LEAVES = 64, FED_ARENA_BYTES = 32 << 20 };

struct fed_node {
    struct seal_identity identity;
    struct node_keys *keys;
    struct node_partner partner; // as others know it
    struct bytes row_card;       // Signed
    struct bytes announcement;   // Head
};

struct federation {
    struct arena *arena;
    struct seal_identity log;
    struct seal_identity registrar;
    struct proof_key log_key;
    struct node_trust trust;
    struct seal_batch_cache *cache;
    struct catalogue *catalogue;
    struct fed_node asker;
    struct fed_node holder;
    struct fed_node other;
    struct digest leaves[FED_LEAVES];
    uint64_t size;
    uint64_t now_ms;
};

static inline struct bytes fed_keep(struct federation *fed, struct buffer *buffer)
{
    struct error err;
    assert_ok(buffer_ok(buffer, "test", &err));
    struct bytes kept = arena_copy(fed->arena, buffer_view(buffer));
    assert_true(buffer->size == 0 || kept.data != NULL);
    buffer_fini(buffer);
    return kept;
}

static inline struct bytes fed_pack(struct federation *fed, enum wire_schema schema,
                                    const void *message)
{
    struct error err;
    struct buffer out = buffer_init(300000);
    assert_ok(wire_encode(schema, message, &out, &err));
    return fed_keep(fed, &out);
}

// A Head, signed by the node's batch key as a batch of one.
static inline struct bytes fed_head(struct federation *fed, const struct fed_node *node,
                                    enum wire_type type, struct bytes payload)
{
    struct digest salt = seal_random_digest();
    struct digest leaf = seal_batch_leaf(wire_type_name(type), &salt, payload);
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    struct seal_batch_path path;
    seal_batch_sign(node->identity.signer, &fed->trust.audience, &leaf, 1, signature, &path);
    struct wire_batch_sig sig = { .key = node->identity.sign_key,
                                  .size = 1,
                                  .salt = salt,
                                  .signature = bytes_of(signature, sizeof(signature)) };
    struct wire_head head = {
        .type = type, .ref = seal_random_id(), .payload = payload, .sig = &sig
    };
    return fed_pack(fed, WIRE_SCHEMA_HEAD, &head);
}

// --- the log ---

static inline enum status fed_node_hash(void *context, unsigned level, uint64_t position,
                                        struct digest *node, struct error *err)
{
    const struct federation *fed = context;
    if (level == 0) {
        *node = fed->leaves[position];
        return ST_OK;
    }
    struct digest left;
    struct digest right;
    enum status status = fed_node_hash(context, level - 1, position * 2, &left, err);
    if (status == ST_OK) {
        status = fed_node_hash(context, level - 1, position * 2 + 1, &right, err);
    }
    if (status == ST_OK) {
        *node = seal_node_hash(&left, &right);
    }
    return status;
}

// Records an entry of the class whose part of the type is `part`; other parts are empty. The
// receipt is for the log as it then is.
static inline const struct wire_receipt *fed_record(struct federation *fed, unsigned entry_class,
                                                    unsigned part_type, struct bytes part)
{
    struct error err;
    const uint8_t *types = NULL;
    size_t count = proof_class_parts(entry_class, &types);
    struct digest hashes[PROOF_PARTS_MAX];
    struct digest salt = seal_random_digest();
    struct bytes *others = arena_take(fed->arena, PROOF_PARTS_MAX * sizeof(*others));
    size_t other_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool own = types[i] == part_type;
        struct digest other_salt = seal_random_digest();
        hashes[i] = own ? proof_part_hash(types[i], &salt, part)
                        : proof_part_hash(types[i], &other_salt, (struct bytes){ 0 });
        if (!own) {
            others[other_count++] = arena_copy(fed->arena, bytes_digest(&hashes[i]));
        }
    }
    struct proof_leaf leaf = { .class = (uint8_t)entry_class,
                               .minutes = (uint32_t)(fed->now_ms / 60000),
                               .commitment = proof_body_commitment(entry_class, hashes) };
    uint8_t leaf_bytes[PROOF_LEAF_BYTES];
    proof_leaf_encode(&leaf, leaf_bytes);
    assert_true(fed->size < FED_LEAVES);
    fed->leaves[fed->size] = seal_leaf_hash(bytes_of(leaf_bytes, sizeof(leaf_bytes)));
    uint64_t index = fed->size++;

    struct proof_checkpoint checkpoint = { .size = fed->size };
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", ORIGIN);
    assert_ok(proof_root(fed->size, fed_node_hash, fed, &checkpoint.root, &err));
    struct proof_path path;
    assert_ok(proof_inclusion(index, fed->size, fed_node_hash, fed, &path, &err));
    struct buffer note = buffer_init(4096);
    proof_checkpoint_sign(&checkpoint, &fed->log_key, fed->log.signer, &note);

    struct wire_receipt_extra *extra = arena_take(fed->arena, sizeof(*extra));
    *extra = (struct wire_receipt_extra){ .leaf = arena_copy(
                                              fed->arena, bytes_of(leaf_bytes, sizeof(leaf_bytes))),
                                          .part_type = part_type,
                                          .part_salt = salt,
                                          .part = part,
                                          .others = others,
                                          .others_count = other_count };
    struct wire_receipt *receipt = arena_take(fed->arena, sizeof(*receipt));
    *receipt = (struct wire_receipt){ .index = index,
                                      .proof = arena_copy(fed->arena, proof_path_view(&path)),
                                      .checkpoint = fed_keep(fed, &note),
                                      .extra = extra };
    return receipt;
}

static inline const struct wire_receipt *fed_record_exchange(struct federation *fed,
                                                             const struct wire_exchange_part *part)
{
    return fed_record(fed, WIRE_CLASS_EXCHANGE, WIRE_PART_EXCHANGE,
                      fed_pack(fed, WIRE_SCHEMA_EXCHANGE_PART, part));
}

// --- members ---

static inline void fed_node_make(struct federation *fed, const char *member, struct fed_node *node)
{
    struct error err;
    bool renewed = false;
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, member, "gate-1", &node->identity, &err));
    assert_ok(node_keys_create(member, "gate-1", &fed->trust.audience, &node->keys, &err));
    assert_ok(node_keys_turn(node->keys, fed->now_ms, &renewed, &err));
    struct registry_card card = { .role = REGISTRY_ROLE_NODE,
                                  .curve_key = node->identity.curve_key,
                                  .batch_key = node->identity.sign_key,
                                  .not_before = fed->now_ms - 86400000,
                                  .not_after = fed->now_ms + 86400000 };
    snprintf(card.member, sizeof(card.member), "%s", member);
    snprintf(card.node, sizeof(card.node), "gate-1");
    struct buffer payload = buffer_init(4096);
    struct buffer signed_card = buffer_init(8192);
    assert_ok(registry_card_encode(&card, bytes_text(ORIGIN), &payload, &err));
    assert_ok(registry_signed_make(REGISTRY_CARD, buffer_view(&payload), &fed->trust.audience,
                                   fed->registrar.signer, &signed_card, &err));
    buffer_fini(&payload);
    node->row_card = fed_keep(fed, &signed_card);
    struct digest hash;
    struct bytes said = node_keys_announcement(node->keys, &hash);
    node->announcement = fed_head(fed, node, WIRE_ANNOUNCEMENT, arena_copy(fed->arena, said));
    node->partner.card = card;
    assert_ok(node_announcement_read(&fed->trust.audience, said, fed->now_ms, fed->arena,
                                     &node->partner.announcement, &err));
}

static inline void fed_node_end(struct fed_node *node)
{
    node_keys_destroy(&node->keys);
    seal_identity_fini(&node->identity);
}

static inline struct federation *fed_open(void)
{
    struct error err;
    struct federation *fed = calloc(1, sizeof(*fed));
    assert_non_null(fed);
    fed->arena = arena_create(FED_ARENA_BYTES);
    fed->now_ms = (uint64_t)clock_wall_ms();
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", ORIGIN, &fed->log, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_REGISTRAR, "", "", &fed->registrar, &err));
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, &fed->log.sign_key, &fed->log_key, &err));
    struct buffer vkey = buffer_init(1024);
    proof_key_format(&fed->log_key, &vkey);
    struct registry_pins pins = { .keys = { fed->registrar.sign_key }, .count = 1, .threshold = 1 };
    assert_ok(node_trust_init(&fed->trust, buffer_view(&vkey), &pins, &pins, &err));
    buffer_fini(&vkey);
    fed->cache = seal_batch_cache_create(64);
    struct buffer blob = buffer_init(1 << 20);
    assert_ok(catalogue_bundle_pack(PROJECT_DIR "/config/scenario", &blob, &err));
    struct digest hash = seal_sha256(buffer_view(&blob));
    assert_ok(catalogue_load(buffer_view(&blob), &hash, &fed->catalogue, &err));
    buffer_fini(&blob);
    fed_node_make(fed, ASKER, &fed->asker);
    fed_node_make(fed, HOLDER, &fed->holder);
    fed_node_make(fed, OTHER, &fed->other);
    return fed;
}

static inline void fed_close(struct federation **fed)
{
    fed_node_end(&(*fed)->asker);
    fed_node_end(&(*fed)->holder);
    fed_node_end(&(*fed)->other);
    catalogue_destroy(&(*fed)->catalogue);
    seal_batch_cache_destroy(&(*fed)->cache);
    seal_identity_fini(&(*fed)->log);
    seal_identity_fini(&(*fed)->registrar);
    arena_destroy(&(*fed)->arena);
    free(*fed);
    *fed = NULL;
}

// --- one exchange ---

// Anna's certificate: four fields that are allowed (the number only in part) and one that is not.
static inline struct node_question fed_question(void)
{
    return (struct node_question){
        .dataset = bytes_text("health.driver-certificate"),
        .fields = { { .name = bytes_text("fit") },
                    { .name = bytes_text("categories") },
                    { .name = bytes_text("diagnoses") },
                    { .name = bytes_text("valid_until") },
                    { .name = bytes_text("certificate_no") } },
        .field_count = 5,
        .scheme = bytes_text("vd"),
        .subject = bytes_text("VD-004217-6"),
        .purpose = bytes_text("driving-licence-issue"),
        .basis = CATALOGUE_BASIS_CONSENT,
        .official = bytes_text("o-17"),
        .official_role = bytes_text("inspector"),
        .case_ref = bytes_text("2026/117"),
    };
}

struct fed_exchange {
    struct bytes payload; // of the request
    struct node_sent sent;
    struct bytes request_head;
    struct wire_verdict verdicts[5];
    struct wire_exchange_part decision;
    const struct wire_receipt *decision_receipt;
    struct digest decision_leaf;
    struct wire_ask ask;
    struct node_asked asked;
    struct node_grant grant;
    struct bytes answer_payload;
    struct bytes answer_head;
    struct bytes boxes;
    uint32_t released[8];
    struct wire_exchange_part ending;
    struct wire_release release;
};

// The signed request.
static inline void fed_request(struct federation *fed, const struct node_question *question,
                               struct fed_exchange *exchange)
{
    struct error err;
    *exchange = (struct fed_exchange){ 0 };
    struct node_request_setting setting = {
        .catalogue = fed->catalogue,
        .asker = ASKER,
        .holder = HOLDER,
        .holder_announcement = fed->holder.partner.announcement.hash,
        .now_ms = fed->now_ms,
        .expires_ms = fed->now_ms + 60000,
    };
    node_keys_announcement(fed->asker.keys, &setting.asker_announcement);
    assert_ok(node_keys_pair(fed->asker.keys, &setting.asker_announcement,
                             &fed->holder.partner.announcement, true, fed->now_ms, &setting.pair,
                             &err));
    struct buffer payload = buffer_init(30000);
    assert_ok(node_question_check(question, fed->catalogue, &err));
    assert_ok(node_request_build(question, &setting, &payload, &exchange->sent.id, &err));
    exchange->payload = fed_keep(fed, &payload);
    assert_ok(wire_decode(WIRE_SCHEMA_REQUEST, exchange->payload, fed->arena,
                          &exchange->sent.request, &err));
    exchange->sent.hash = seal_request_hash(exchange->payload);
    exchange->sent.own_key = fed->asker.identity.sign_key;
    exchange->sent.holder_key = fed->holder.identity.sign_key;
    exchange->sent.pair = setting.pair;
    exchange->request_head = fed_head(fed, &fed->asker, WIRE_REQUEST, exchange->payload);
}

// What an honest broker decides: fill it in, change it if the test wants to, then fed_decided().
static inline void fed_decide(struct federation *fed, struct fed_exchange *exchange)
{
    static const char *const given[] = { "full", "full", "", "full", "last4" };
    static const char *const reasons[] = { "allowed", "allowed", "no-agreement", "allowed",
                                           "weaker-form" };
    const struct wire_request *request = &exchange->sent.request;
    for (size_t i = 0; i < request->fields_count && i < 5; i++) {
        exchange->verdicts[i] = (struct wire_verdict){ .name = request->fields[i].name,
                                                       .asked = request->fields[i].form,
                                                       .given = bytes_text(given[i]),
                                                       .reason = bytes_text(reasons[i]) };
    }
    exchange->decision =
        (struct wire_exchange_part){ .format = 1,
                                     .kind = WIRE_KIND_DECISION,
                                     .exchange_id = request->id,
                                     .request_hash = exchange->sent.hash,
                                     .asker = request->asker,
                                     .holder = request->holder,
                                     .dataset = request->dataset,
                                     .purpose = request->purpose,
                                     .basis = request->basis->kind,
                                     .verdicts = exchange->verdicts,
                                     .verdicts_count = request->fields_count,
                                     .bundle_hash = *catalogue_hash(fed->catalogue),
                                     .agreement = bytes_text("licence-certificate"),
                                     .issued_at = request->issued_at,
                                     .expires_at = request->expires_at,
                                     .asker_check = seal_sha256(bytes_text("asker's")),
                                     .holder_check = seal_sha256(bytes_text("holder's")),
                                     .tag_key_id = 1,
                                     .recorded_at = fed->now_ms,
                                     .signer = exchange->sent.own_key };
}

static inline void fed_decided(struct federation *fed, struct fed_exchange *exchange)
{
    exchange->decision_receipt = fed_record_exchange(fed, &exchange->decision);
    exchange->decision_leaf = fed->leaves[exchange->decision_receipt->index];
    exchange->ask = (struct wire_ask){ .version = 1,
                                       .id = exchange->sent.id,
                                       .request = exchange->request_head,
                                       .decision = exchange->decision_receipt,
                                       .timeout_ms = 5000 };
}

// What the holder's node says to the ask.
static inline enum status fed_check_ask(struct federation *fed, struct fed_exchange *exchange,
                                        const struct node_partner *partner, struct error *err)
{
    struct bytes payload = fed_pack(fed, WIRE_SCHEMA_ASK, &exchange->ask);
    enum status status = node_ask_read(payload, fed->arena, &exchange->asked, err);
    struct node_ask_setting setting = { .trust = &fed->trust,
                                        .cache = fed->cache,
                                        .catalogue = fed->catalogue,
                                        .partner = partner,
                                        .member = HOLDER,
                                        .now_ms = fed->now_ms,
                                        .arena = fed->arena };
    return status != ST_OK ? status
                           : node_ask_check(&setting, &exchange->asked, &exchange->grant, err);
}

// The holder's answer; `values` by place in the grant, NULL: none.
static inline void fed_answer(struct federation *fed, struct fed_exchange *exchange,
                              const char *const *values)
{
    struct error err;
    assert_ok(fed_check_ask(fed, exchange, &fed->asker.partner, &err));
    struct digest pair;
    assert_ok(node_keys_pair(fed->holder.keys, &exchange->sent.request.holder_announcement,
                             &fed->asker.partner.announcement, false, fed->now_ms, &pair, &err));
    struct node_match match;
    assert_ok(node_match_open(&exchange->asked, &pair, fed->arena, &match, &err));
    struct node_found found[CATALOGUE_FIELDS_MAX] = { 0 };
    for (size_t i = 0; i < exchange->grant.field_count; i++) {
        found[i].status = CATALOGUE_VALUE_PRESENT;
        if (values[i] != NULL) {
            found[i].value = bytes_text(values[i]);
        }
    }
    struct node_answer_setting setting = { .pair = &pair,
                                           .match = &match,
                                           .source = bytes_text("the clinic"),
                                           .last_updated = 1700000000000,
                                           .now_ms = fed->now_ms };
    struct buffer payload = buffer_init(30000);
    struct buffer boxes = buffer_init(260000);
    assert_ok(node_answer_build(&exchange->asked, &exchange->grant, found, &setting, &payload,
                                &boxes, &err));
    exchange->answer_payload = fed_keep(fed, &payload);
    exchange->boxes = fed_keep(fed, &boxes);
    exchange->answer_head = fed_head(fed, &fed->holder, WIRE_ANSWER, exchange->answer_payload);
}

// What an honest broker records of it: change it if the test wants to, then fed_released().
static inline void fed_release(struct federation *fed, struct fed_exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->grant.field_count; i++) {
        exchange->released[i] = exchange->grant.fields[i].index;
    }
    exchange->ending =
        (struct wire_exchange_part){ .format = 1,
                                     .kind = WIRE_KIND_RELEASED,
                                     .exchange_id = exchange->sent.id,
                                     .decision_index = exchange->decision_receipt->index,
                                     .decision_leaf = exchange->decision_leaf,
                                     .answer_hash = seal_sha256(exchange->answer_payload),
                                     .released = exchange->released,
                                     .released_count = exchange->grant.field_count,
                                     .recorded_at = fed->now_ms,
                                     .signer = fed->holder.identity.sign_key };
}

static inline void fed_released(struct federation *fed, struct fed_exchange *exchange)
{
    exchange->release =
        (struct wire_release){ .version = 1,
                               .id = exchange->sent.id,
                               .answer = exchange->answer_head,
                               .decision = exchange->decision_receipt,
                               .release = fed_record_exchange(fed, &exchange->ending) };
}

static const char *const fed_values[] = { "true", "[\"A\",\"B\"]", "2030-01-31", "АБ-1234567" };

// The whole of it, honest.
static inline void fed_exchange_run(struct federation *fed, struct fed_exchange *exchange)
{
    struct node_question question = fed_question();
    fed_request(fed, &question, exchange);
    fed_decide(fed, exchange);
    fed_decided(fed, exchange);
    fed_answer(fed, exchange, fed_values);
    fed_release(fed, exchange);
    fed_released(fed, exchange);
}

// What the asker's node says to the release, as it came over the wire.
static inline enum status fed_open_release(struct federation *fed, struct fed_exchange *exchange,
                                           struct node_opened *opened, enum node_fault *fault,
                                           struct error *err)
{
    struct wire_release release;
    struct bytes payload = fed_pack(fed, WIRE_SCHEMA_RELEASE, &exchange->release);
    if (wire_decode(WIRE_SCHEMA_RELEASE, payload, fed->arena, &release, err) != ST_OK) {
        fail_msg("%s", err->message);
    }
    struct node_open_setting setting = {
        .trust = &fed->trust, .cache = fed->cache, .catalogue = fed->catalogue, .arena = fed->arena
    };
    return node_release_open(&setting, &exchange->sent, &release, exchange->boxes, opened, fault,
                             err);
}
