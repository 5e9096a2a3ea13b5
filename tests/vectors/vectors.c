// The test vectors of docs/protocol.md: one exchange from announcements to receipt, with fixed
// keys, salts and nonces. Without an argument it prints them; with one it compares them with that
// file. tests/vectors/check.py computes the same from the rules, without any code from here.
//
// A line is `name = value`: bytes in hexadecimal, texts in quotes, numbers in decimal.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "proof/map.h"
#include "proof/receipt.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "wire/wire.h"

enum { OUTPUT_MAX = 1 << 20, PLAIN_BYTES = 256, FIELD_COUNT = 3, GRANTED_COUNT = 2, LOG_SIZE = 5 };
static const uint64_t issued_at = UINT64_C(1767225600000); // 2026-01-01T00:00:00Z

static struct buffer out;

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "vectors: %s\n", what);
        exit(2);
    }
}

// Digests that differ, and are easy to write down: 32 counting bytes.
static struct digest counting(uint8_t first)
{
    struct digest digest;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        digest.bytes[i] = (uint8_t)(first + i);
    }
    return digest;
}

static void title(const char *text)
{
    buffer_format(&out, "\n# %s\n", text);
}

static void put_name(const char *format, va_list arguments) PRINTF_LIKE(1, 0);
static void put_name(const char *format, va_list arguments)
{
    char name[64];
    vsnprintf(name, sizeof(name), format, arguments);
    buffer_format(&out, "%s = ", name);
}

static void put_bytes(struct bytes bytes, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_bytes(struct bytes bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_name(format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < bytes.size; i++) {
        buffer_format(&out, "%02x", bytes.data[i]);
    }
    buffer_text(&out, "\n");
}

static void put_text(struct bytes text, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_text(struct bytes text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_name(format, arguments);
    va_end(arguments);
    buffer_format(&out, "\"%.*s\"\n", (int)text.size, text.data);
}

static void put_number(uint64_t number, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_number(uint64_t number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_name(format, arguments);
    va_end(arguments);
    buffer_format(&out, "%ju\n", (uintmax_t)number);
}

static struct buffer encode(enum wire_schema schema, const void *message)
{
    struct error err;
    struct buffer bytes = buffer_init(OUTPUT_MAX);
    if (wire_encode(schema, message, &bytes, &err) != ST_OK) {
        require(false, err.message);
    }
    return bytes;
}

// One side of the exchange.
struct side {
    const char *name;
    const char *member;
    struct seal_signer *signer; // batch key
    struct seal_secret *secret; // of the announced key
    struct digest key;          // announced
    struct buffer announcement; // payload
    struct digest announcement_hash;
};

struct world {
    const char *origin;
    struct digest audience;
    struct side asker;
    struct side holder;
    struct digest pair_key;
    struct buffer request; // payload
    struct id id;
    struct digest request_hash;
    struct digest answer_nonce;
    struct digest decision_leaf; // leaf hash
    struct buffer answer;        // payload
};

static struct seal_signer *make_signer(uint8_t first)
{
    struct error err;
    struct digest seed = counting(first);
    struct seal_secret *secret = NULL;
    struct seal_signer *signer = NULL;
    require(seal_secret_copy(bytes_digest(&seed), &secret, &err) == ST_OK &&
                seal_signer_create(secret, &signer, &err) == ST_OK,
            "signer");
    seal_secret_destroy(&secret);
    return signer;
}

static void make_side(struct world *world, struct side *side, const char *name, const char *member,
                      uint8_t first)
{
    struct error err;
    struct digest secret = counting((uint8_t)(first + 1));
    side->name = name;
    side->member = member;
    side->signer = make_signer(first);
    require(seal_secret_copy(bytes_digest(&secret), &side->secret, &err) == ST_OK &&
                seal_exchange_public(side->secret, &side->key, &err) == ST_OK,
            "side");
    const struct wire_announcement announcement = { .version = 1,
                                                    .member = bytes_text(member),
                                                    .node = bytes_text("gate-1"),
                                                    .audience = world->audience,
                                                    .key = side->key,
                                                    .not_before = issued_at - 60000,
                                                    .not_after = issued_at + 1740000,
                                                    .serial = 7 };
    side->announcement = encode(WIRE_SCHEMA_ANNOUNCEMENT, &announcement);
    side->announcement_hash = seal_announcement_hash(buffer_view(&side->announcement));
    put_text(bytes_text(member), "%s.member", name);
    struct digest seed = counting(first);
    put_bytes(bytes_digest(&seed), "%s.batch.seed", name);
    put_bytes(bytes_digest(seal_signer_key(side->signer)), "%s.batch.key", name);
    put_bytes(bytes_digest(&secret), "%s.sealing.secret", name);
    put_bytes(bytes_digest(&side->key), "%s.sealing.key", name);
    put_bytes(buffer_view(&side->announcement), "%s.announcement.payload", name);
    put_bytes(bytes_digest(&side->announcement_hash), "%s.announcement.hash", name);
}

static void vectors_parties(struct world *world)
{
    title("Parties: batch keys, sealing keys, announcements");
    world->origin = "example.com/audit";
    world->audience = seal_audience(bytes_text(world->origin));
    put_text(bytes_text(world->origin), "origin");
    put_bytes(bytes_digest(&world->audience), "audience");
    make_side(world, &world->asker, "asker", "ru/interior/road-safety", 0x10);
    make_side(world, &world->holder, "holder", "ru/health/clinic-7", 0x30);
}

static void vectors_keys(struct world *world)
{
    title("Shared secret and the key of the pair of announcements");
    struct error err;
    struct digest shared;
    struct digest other;
    require(seal_shared(world->asker.secret, &world->holder.key, &shared, &err) == ST_OK &&
                seal_shared(world->holder.secret, &world->asker.key, &other, &err) == ST_OK &&
                digest_equal(&shared, &other),
            "shared secret");
    world->pair_key =
        seal_pair_key(&shared, &world->asker.announcement_hash, &world->holder.announcement_hash);
    put_bytes(bytes_digest(&shared), "shared");
    put_bytes(bytes_digest(&world->pair_key), "pair.key");
}

static const struct wire_field_ask fields[FIELD_COUNT] = {
    { { (const uint8_t *)"valid", 5 }, { (const uint8_t *)"full", 4 } },
    { { (const uint8_t *)"diagnosis", 9 }, { (const uint8_t *)"full", 4 } },
    { { (const uint8_t *)"birth-date", 10 }, { (const uint8_t *)"match", 5 } },
};
static const char dataset[] = "health.driver-certificate";

static void vectors_request(struct world *world)
{
    title("Request: parameters' box, payload, request hash");
    const struct wire_param item = { .index = 2, .value = bytes_text("1990-05-17") };
    const struct wire_params params = { .version = 1, .items = &item, .items_count = 1 };
    struct buffer plain = encode(WIRE_SCHEMA_PARAMS, &params);
    const struct seal_params bound = { .nonce = counting(0x50),
                                       .asker_announcement = world->asker.announcement_hash,
                                       .holder_announcement = world->holder.announcement_hash };
    uint8_t box[256];
    require(plain.size + SEAL_TAG_BYTES <= sizeof(box), "parameters too long");
    struct bytes sealed = bytes_of(box, plain.size + SEAL_TAG_BYTES);
    seal_params_close(&world->pair_key, &bound, buffer_view(&plain), box);
    struct digest random = counting(0x77);
    world->id = id_make((int64_t)issued_at, random.bytes);
    const struct wire_basis basis = { .kind = 3, .article = bytes_text("196-FZ art. 23") };
    const struct wire_request request = {
        .version = 1,
        .id = world->id,
        .nonce = bound.nonce,
        .issued_at = issued_at,
        .expires_at = issued_at + 60000,
        .asker = bytes_text(world->asker.member),
        .official = bytes_text("official-12"),
        .official_role = bytes_text("inspector"),
        .holder = bytes_text(world->holder.member),
        .dataset = bytes_text(dataset),
        .fields = fields,
        .fields_count = FIELD_COUNT,
        .subject_scheme = bytes_text("snils"),
        .subject = bytes_text("11223344595"),
        .purpose = bytes_text("licence-issue"),
        .basis = &basis,
        .asker_announcement = bound.asker_announcement,
        .holder_announcement = bound.holder_announcement,
        .params = sealed,
        .partial_ok = true,
    };
    world->request = encode(WIRE_SCHEMA_REQUEST, &request);
    world->request_hash = seal_request_hash(buffer_view(&world->request));
    put_bytes(bytes_digest(&bound.nonce), "request.nonce");
    put_bytes(buffer_view(&plain), "params.plain");
    put_bytes(sealed, "params.box");
    put_bytes(buffer_view(&world->request), "request.payload");
    put_bytes(bytes_digest(&world->request_hash), "request.hash");
    buffer_fini(&plain);
}

// Signs messages in one batch and prints every message's share.
static void put_batch(const struct world *world, const struct side *side, const char *name,
                      const char *const *types, const struct bytes *payloads, size_t count)
{
    struct digest leaves[8];
    struct digest salts[8];
    struct seal_batch_path paths[8];
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    require(count <= 8, "batch too large");
    for (size_t i = 0; i < count; i++) {
        salts[i] = counting((uint8_t)(0x90 + i));
        leaves[i] = seal_batch_leaf(types[i], &salts[i], payloads[i]);
    }
    seal_batch_sign(side->signer, &world->audience, leaves, count, signature, paths);
    put_text(bytes_text(side->name), "%s.signer", name);
    put_number(count, "%s.size", name);
    for (size_t i = 0; i < count; i++) {
        struct error err;
        const struct seal_batch_sig sig = {
            .key = *seal_signer_key(side->signer),
            .size = (uint32_t)count,
            .index = (uint32_t)i,
            .salt = salts[i],
            .path = bytes_of(paths[i].steps, paths[i].count * DIGEST_BYTES),
            .signature = bytes_of(signature, sizeof(signature)),
        };
        require(seal_batch_verify(NULL, &world->audience, &sig, types[i], payloads[i], &err) ==
                    ST_OK,
                "batch");
        put_text(bytes_text(types[i]), "%s.%zu.type", name, i);
        put_bytes(payloads[i], "%s.%zu.payload", name, i);
        put_bytes(bytes_digest(&salts[i]), "%s.%zu.salt", name, i);
        put_bytes(bytes_digest(&leaves[i]), "%s.%zu.leaf", name, i);
        put_bytes(sig.path, "%s.%zu.path", name, i);
    }
    put_bytes(bytes_of(signature, sizeof(signature)), "%s.signature", name);
}

static void vectors_asker_batch(struct world *world)
{
    title("A batch signature over three messages of the asker");
    const struct wire_cancel cancel = { .version = 1, .id = world->id };
    struct buffer cancelled = encode(WIRE_SCHEMA_CANCEL, &cancel);
    static const char *const types[] = { "announcement", "request", "cancel" };
    const struct bytes payloads[] = { buffer_view(&world->asker.announcement),
                                      buffer_view(&world->request), buffer_view(&cancelled) };
    put_batch(world, &world->asker, "batch", types, payloads, ARRAY_COUNT(payloads));
    buffer_fini(&cancelled);
}

static struct buffer exchange_part(const struct world *world)
{
    const struct wire_verdict verdicts[FIELD_COUNT] = {
        { fields[0].name, fields[0].form, fields[0].form, bytes_text("agreement") },
        { fields[1].name, fields[1].form, { 0 }, bytes_text("no-agreement") },
        { fields[2].name, fields[2].form, fields[2].form, bytes_text("agreement") },
    };
    const struct wire_exchange_part part = {
        .format = 1,
        .kind = WIRE_KIND_DECISION,
        .exchange_id = world->id,
        .request_hash = world->request_hash,
        .asker = bytes_text(world->asker.member),
        .holder = bytes_text(world->holder.member),
        .dataset = bytes_text(dataset),
        .purpose = bytes_text("licence-issue"),
        .basis = 3,
        .verdicts = verdicts,
        .verdicts_count = FIELD_COUNT,
        .bundle_hash = counting(0x60),
        .agreement = bytes_text("licence-issue"),
        .issued_at = issued_at,
        .expires_at = issued_at + 60000,
        .tag_key_id = 1,
        .recorded_at = issued_at + 40,
    };
    return encode(WIRE_SCHEMA_EXCHANGE_PART, &part);
}

static void vectors_entry(struct world *world)
{
    title("The decision's entry: parts, commitment, leaf, and its receipt in a log of five");
    struct error err;
    struct buffer exchange = exchange_part(world);
    const struct bytes bytes[3] = { buffer_view(&exchange), bytes_text("subject's part"), { 0 } };
    struct digest salts[3];
    struct digest parts[3];
    for (size_t i = 0; i < 3; i++) {
        uint8_t type = (uint8_t)(PROOF_PART_EXCHANGE + i);
        salts[i] = counting((uint8_t)(0xA0 + i));
        parts[i] = proof_part_hash(type, &salts[i], bytes[i]);
        put_bytes(bytes[i], "part.%u.bytes", type);
        put_bytes(bytes_digest(&salts[i]), "part.%u.salt", type);
        put_bytes(bytes_digest(&parts[i]), "part.%u.hash", type);
    }
    const struct proof_leaf leaf = { .class = PROOF_CLASS_EXCHANGE,
                                     .minutes = (uint32_t)(issued_at / 60000),
                                     .commitment =
                                         proof_body_commitment(PROOF_CLASS_EXCHANGE, parts) };
    uint8_t leaf_bytes[PROOF_LEAF_BYTES];
    proof_leaf_encode(&leaf, leaf_bytes);
    world->decision_leaf = seal_leaf_hash(bytes_of(leaf_bytes, sizeof(leaf_bytes)));
    put_number(leaf.minutes, "leaf.minutes");
    put_bytes(bytes_digest(&leaf.commitment), "leaf.commitment");
    put_bytes(bytes_of(leaf_bytes, sizeof(leaf_bytes)), "leaf.bytes");
    put_bytes(bytes_digest(&world->decision_leaf), "leaf.hash");

    struct digest leaves[LOG_SIZE];
    for (size_t i = 0; i < LOG_SIZE; i++) {
        uint8_t number = (uint8_t)i;
        leaves[i] = seal_leaf_hash(bytes_of(&number, 1));
    }
    leaves[3] = world->decision_leaf;
    struct proof_batch *batch = proof_batch_create(LOG_SIZE);
    require(batch != NULL, "memory");
    const struct proof_frontier empty = { 0 };
    proof_batch_run(batch, &empty, leaves, LOG_SIZE);
    struct proof_path path;
    proof_batch_path(batch, 3, &path);
    struct proof_checkpoint checkpoint = { .size = LOG_SIZE, .root = *proof_batch_root(batch) };
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", world->origin);
    proof_batch_destroy(&batch);

    struct seal_signer *signer = make_signer(0x00);
    struct proof_key log;
    require(proof_key_make(world->origin, PROOF_KEY_ED25519, seal_signer_key(signer), &log, &err) ==
                ST_OK,
            "log key");
    struct buffer vkey = buffer_init(OUTPUT_MAX);
    struct buffer note = buffer_init(OUTPUT_MAX);
    struct buffer text = buffer_init(OUTPUT_MAX);
    proof_key_format(&log, &vkey);
    proof_checkpoint_sign(&checkpoint, &log, signer, &note);
    const struct bytes others[2] = { bytes_digest(&parts[1]), bytes_digest(&parts[2]) };
    const struct proof_receipt receipt = { .index = 3,
                                           .path = proof_path_view(&path),
                                           .checkpoint = buffer_view(&note),
                                           .leaf = bytes_of(leaf_bytes, sizeof(leaf_bytes)),
                                           .part_type = PROOF_PART_EXCHANGE,
                                           .part_salt = salts[0],
                                           .part = bytes[0],
                                           .others = others,
                                           .other_count = 2 };
    const struct proof_trust trust = { .log = &log };
    struct proof_proven proven;
    require(proof_receipt_verify(&receipt, &trust, &proven, &err) == ST_OK, "receipt");
    proof_receipt_write(&receipt, &text);
    struct digest seed = counting(0x00);
    put_bytes(bytes_digest(&seed), "log.seed");
    put_text(buffer_view(&vkey), "log.vkey");
    put_number(3, "receipt.index");
    put_number(LOG_SIZE, "receipt.tree_size");
    put_bytes(proof_path_view(&path), "receipt.path");
    put_bytes(bytes_digest(&checkpoint.root), "receipt.root");
    put_bytes(buffer_view(&note), "receipt.checkpoint");
    put_bytes(buffer_view(&text), "receipt.text");
    buffer_fini(&vkey);
    buffer_fini(&note);
    buffer_fini(&text);
    buffer_fini(&exchange);
    seal_signer_destroy(&signer);
}

// Packs a box's content, padded to PLAIN_BYTES.
static struct buffer box_content(uint32_t status, const struct digest *salt, struct bytes value)
{
    static const uint8_t zeros[PLAIN_BYTES];
    struct wire_box_content content = { .status = status,
                                        .salt = *salt,
                                        .source = bytes_text("register of certificates"),
                                        .last_updated = issued_at - 86400000,
                                        .value = value };
    struct buffer bare = encode(WIRE_SCHEMA_BOX_CONTENT, &content);
    require(bare.size + 3 + 128 <= PLAIN_BYTES, "content too long");
    content.padding = bytes_of(zeros, PLAIN_BYTES - bare.size - 3); // tag and a length of 2 bytes
    buffer_fini(&bare);
    struct buffer padded = encode(WIRE_SCHEMA_BOX_CONTENT, &content);
    require(padded.size == PLAIN_BYTES, "padding");
    return padded;
}

static void vectors_answer(struct world *world)
{
    title("Answer: key, boxes, value commitments, payload and its batch signature");
    static const struct {
        uint16_t index;
        uint8_t status;
        const char *value;
    } granted[GRANTED_COUNT] = { { 0, 1, "true" }, { 2, 2, "" } };
    struct wire_answer_field listed[GRANTED_COUNT];
    world->answer_nonce = counting(0x70);
    struct digest key =
        seal_answer_key(&world->pair_key, &world->request_hash, &world->answer_nonce);
    put_bytes(bytes_digest(&world->answer_nonce), "answer.nonce");
    put_bytes(bytes_digest(&key), "answer.key");
    put_text(bytes_text(dataset), "field.dataset");
    for (size_t i = 0; i < GRANTED_COUNT; i++) {
        const struct wire_field_ask *ask = &fields[granted[i].index];
        struct digest salt = counting((uint8_t)(0xB0 + i));
        struct bytes value = bytes_text(granted[i].value);
        struct buffer plain = box_content(granted[i].status, &salt, value);
        const struct seal_field field = { .request_hash = world->request_hash,
                                          .index = granted[i].index,
                                          .dataset = bytes_text(dataset),
                                          .name = ask->name,
                                          .form = ask->form };
        uint8_t box[PLAIN_BYTES + SEAL_TAG_BYTES];
        seal_field_close(&key, &field, buffer_view(&plain), box);
        listed[i] = (struct wire_answer_field){
            .index = granted[i].index,
            .name = ask->name,
            .form = ask->form,
            .box_hash = seal_sha256(bytes_of(box, sizeof(box))),
            .box_length = sizeof(box),
            .commitment = seal_value_commitment(&world->request_hash, ask->name, ask->form, &salt,
                                                granted[i].status, value),
        };
        put_number(granted[i].index, "field.%zu.index", i);
        put_text(ask->name, "field.%zu.name", i);
        put_text(ask->form, "field.%zu.form", i);
        put_bytes(buffer_view(&plain), "field.%zu.plain", i);
        put_bytes(bytes_of(box, sizeof(box)), "field.%zu.box", i);
        put_bytes(bytes_digest(&listed[i].box_hash), "field.%zu.box_hash", i);
        put_bytes(bytes_digest(&listed[i].commitment), "field.%zu.commitment", i);
        buffer_fini(&plain);
    }
    const struct wire_answer answer = { .version = 1,
                                        .id = world->id,
                                        .request_hash = world->request_hash,
                                        .decision_leaf = world->decision_leaf,
                                        .asker_announcement = world->asker.announcement_hash,
                                        .holder_announcement = world->holder.announcement_hash,
                                        .answer_nonce = world->answer_nonce,
                                        .answered_at = issued_at + 55,
                                        .fields = listed,
                                        .fields_count = GRANTED_COUNT };
    world->answer = encode(WIRE_SCHEMA_ANSWER, &answer);
    static const char *const types[] = { "answer" };
    const struct bytes payload = buffer_view(&world->answer);
    put_batch(world, &world->holder, "answer.batch", types, &payload, 1);
}

// Three persons, the proof of one of them and of nobody beside them.
static void vectors_map(void)
{
    enum { PEOPLE = 3, NOBODY = PEOPLE };
    static const int parts_at[PEOPLE + 1] = { -1, 7, 40, 79 }; // from the first: levels
    uint8_t tags[PEOPLE + 1][PROOF_TAG_BYTES];
    struct digest leaves[PEOPLE];
    struct digest secret = counting(0xd0);
    title("The map of an epoch");
    put_bytes(bytes_digest(&secret), "map.secret");
    for (unsigned i = 0; i <= NOBODY; i++) {
        struct digest tag = counting(0x40);
        if (parts_at[i] >= 0) {
            tag.bytes[parts_at[i] / 8] ^= (uint8_t)(0x80 >> parts_at[i] % 8);
        }
        tags[i][0] = 1;
        memcpy(tags[i] + 1, tag.bytes, DIGEST_BYTES);
        struct bytes person = bytes_of(tags[i], PROOF_TAG_BYTES);
        put_bytes(person, "map.%u.tag", i);
        if (i == NOBODY) {
            break;
        }
        struct digest chains[2];
        struct proof_chain_head heads[2] = { { .count = i + 1, .head = counting((uint8_t)i) } };
        for (uint8_t which = 1; which <= 2; which++) {
            uint8_t number[8];
            const struct bytes parts[] = { seal_label("vedomo/1 salt"), bytes_of(&which, 1),
                                           person };
            struct digest salt = seal_blake2b(bytes_digest(&secret), parts, ARRAY_COUNT(parts));
            const struct proof_chain_head *head = &heads[which - 1];
            chains[which - 1] = proof_chain_commitment((enum proof_chain)which, &salt, head);
            put_bytes(seal_u64(number, head->count), "map.%u.%u.count", i, which);
            put_bytes(bytes_digest(&head->head), "map.%u.%u.head", i, which);
            put_bytes(bytes_digest(&salt), "map.%u.%u.salt", i, which);
            put_bytes(bytes_digest(&chains[which - 1]), "map.%u.%u.chain", i, which);
        }
        leaves[i] = proof_map_leaf(tags[i], &chains[0], &chains[1]);
        put_bytes(bytes_digest(&leaves[i]), "map.%u.leaf", i);
    }
    // Siblings: at each level at most one of the others parts from the way there.
    for (unsigned who = 0; who <= NOBODY; who += NOBODY) {
        struct proof_map_path path = { .count = 0 };
        struct digest leaf = { 0 };
        for (unsigned level = PROOF_MAP_DEPTH; level > 0; level--) {
            for (unsigned i = 0; i < PEOPLE; i++) {
                if (i != who && proof_map_common(tags[i], tags[who]) == level - 1) {
                    struct digest node = proof_map_lift(tags[i], PROOF_MAP_DEPTH, level, leaves[i]);
                    proof_map_path_add(&path, level - 1, &node);
                }
            }
        }
        struct digest root = proof_map_root(tags[who], who == NOBODY ? &leaf : &leaves[who], &path);
        put_bytes(bytes_of(path.bitmap, sizeof(path.bitmap)), "map.%u.bitmap", who);
        put_bytes(bytes_of(path.steps, path.count * DIGEST_BYTES), "map.%u.path", who);
        put_bytes(bytes_digest(&root), "map.%u.root", who);
    }
}

static void world_fini(struct world *world)
{
    struct side *const sides[] = { &world->asker, &world->holder };
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        seal_signer_destroy(&sides[i]->signer);
        seal_secret_destroy(&sides[i]->secret);
        buffer_fini(&sides[i]->announcement);
    }
    buffer_fini(&world->request);
    buffer_fini(&world->answer);
}

// 0 when the file has these very bytes; else names the first line that differs.
static int compare(const char *path)
{
    struct error err;
    struct buffer file = buffer_init(OUTPUT_MAX);
    if (file_read(path, OUTPUT_MAX, &file, &err) != ST_OK) {
        fprintf(stderr, "vectors: %s\n", err.message);
        return 1;
    }
    size_t line = 1;
    size_t i = 0;
    for (; i < file.size && i < out.size && file.data[i] == out.data[i]; i++) {
        line += file.data[i] == '\n' ? 1 : 0;
    }
    bool same = i == file.size && i == out.size;
    if (!same) {
        fprintf(stderr, "vectors: %s:%zu: differs from what the code gives\n", path, line);
    }
    buffer_fini(&file);
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct world world = { 0 };
    out = buffer_init(OUTPUT_MAX);
    buffer_text(
        &out, "# Test vectors of docs/protocol.md: bytes in hexadecimal, texts in quotes, numbers "
              "in decimal.\n# Printed by tests/vectors/vectors.c, checked from the rules by "
              "tests/vectors/check.py.\n");
    vectors_parties(&world);
    vectors_keys(&world);
    vectors_request(&world);
    vectors_asker_batch(&world);
    vectors_entry(&world);
    vectors_answer(&world);
    vectors_map();
    world_fini(&world);
    require(!out.failed, "too much output");
    int failed = 0;
    if (argc == 2) {
        failed = compare(argv[1]);
    } else {
        failed = fwrite(out.data, 1, out.size, stdout) == out.size ? 0 : 1;
    }
    buffer_fini(&out);
    return failed;
}
