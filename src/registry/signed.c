// Signatures by offline keys, pinned keys, and their text form.
//
// Counting: every pinned key counts once, however often it signed. A pinned key's signature that
// does not verify spoils the whole: it cannot come from carelessness of others, only from damage or
// forgery. Keys that are not pinned say nothing, good or bad.
#include "registry/card.h"

#include "seal/hash.h"
#include "seal/sign.h"
#include "wire/wire.h"

enum { SIGNATURES_MAX = 16, SIGNED_TEXT_BYTES = 128 };

static const char *const label_names[REGISTRY_LABEL_COUNT] = {
    [REGISTRY_CARD] = "card",
    [REGISTRY_ORDER] = "order",
    [REGISTRY_BUNDLE] = "bundle",
    [REGISTRY_LOG_KEY] = "log-key",
};

const char *registry_label_name(enum registry_label label)
{
    return (unsigned)label < REGISTRY_LABEL_COUNT ? label_names[label] : "unknown";
}

enum status registry_pins_add(struct registry_pins *pins, struct bytes text, struct error *err)
{
    struct digest key;
    if (!seal_key_parse(text, &key)) {
        return error_set(err, ST_USAGE, "'%.*s' is not a public key of the form ed25519:<base64>",
                         (int)(text.size < 80 ? text.size : 80), (const char *)text.data);
    }
    for (size_t i = 0; i < pins->count; i++) {
        if (digest_equal(&pins->keys[i], &key)) {
            return error_set(err, ST_EXISTS, "the key %.*s is named twice", (int)text.size,
                             (const char *)text.data);
        }
    }
    if (pins->count == REGISTRY_PINS_MAX) {
        return error_set(err, ST_FULL, "more than %d keys", REGISTRY_PINS_MAX);
    }
    pins->keys[pins->count++] = key;
    return ST_OK;
}

// What is signed: "vedomo/1 <label>\0" || audience || SHA-256(payload).
static struct bytes signed_text(enum registry_label label, const struct digest *audience,
                                struct bytes payload, uint8_t text[SIGNED_TEXT_BYTES])
{
    static const char prefix[] = "vedomo/1 ";
    const char *name = registry_label_name(label);
    size_t name_size = strlen(name) + 1; // with its NUL
    struct digest hash = seal_sha256(payload);
    size_t used = sizeof(prefix) - 1;
    memcpy(text, prefix, used);
    memcpy(text + used, name, name_size);
    used += name_size;
    memcpy(text + used, audience->bytes, DIGEST_BYTES);
    used += DIGEST_BYTES;
    memcpy(text + used, hash.bytes, DIGEST_BYTES);
    return bytes_of(text, used + DIGEST_BYTES);
}

static const struct wire_key_signature *find_signature(const struct wire_signed *message,
                                                       const struct digest *key)
{
    for (size_t i = 0; i < message->signatures_count; i++) {
        if (digest_equal(&message->signatures[i].key, key)) {
            return &message->signatures[i];
        }
    }
    return NULL;
}

enum status registry_signed_verify(enum registry_label label, const struct registry_pins *pins,
                                   const struct digest *audience, struct bytes signed_message,
                                   struct arena *arena, struct bytes *payload, struct error *err)
{
    struct wire_signed message;
    enum status status = wire_decode(WIRE_SCHEMA_SIGNED, signed_message, arena, &message, err);
    if (status != ST_OK) {
        return status;
    }
    uint8_t text[SIGNED_TEXT_BYTES];
    struct bytes covered = signed_text(label, audience, message.payload, text);
    size_t good = 0;
    for (size_t i = 0; i < pins->count; i++) {
        const struct wire_key_signature *signature = find_signature(&message, &pins->keys[i]);
        if (signature == NULL) {
            continue;
        }
        if (!seal_verify(&signature->key, covered, signature->signature)) {
            return error_set(err, ST_UNPROVEN,
                             "%s: the signature by pinned key %zu of %zu is wrong: it was made for "
                             "something else or another federation, or the %s was changed",
                             registry_label_name(label), i + 1, pins->count,
                             registry_label_name(label));
        }
        good++;
    }
    if (pins->threshold == 0 || good < pins->threshold) {
        return error_set(err, ST_UNPROVEN, "%s: signed by %zu of the %zu keys that must sign",
                         registry_label_name(label), good, pins->threshold);
    }
    *payload = message.payload;
    return ST_OK;
}

static enum status sign_into(enum registry_label label, const struct wire_signed *message,
                             const struct digest *audience, const struct seal_signer *signer,
                             struct buffer *out, struct error *err)
{
    struct wire_key_signature signatures[SIGNATURES_MAX];
    size_t count = message->signatures_count;
    if (count >= SIGNATURES_MAX) {
        return error_set(err, ST_FULL, "there are %zu signatures already", count);
    }
    if (count > 0) {
        memcpy(signatures, message->signatures, count * sizeof(*signatures));
    }
    uint8_t text[SIGNED_TEXT_BYTES];
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    seal_sign(signer, signed_text(label, audience, message->payload, text), signature);
    signatures[count] = (struct wire_key_signature){
        .key = *seal_signer_key(signer),
        .signature = bytes_of(signature, sizeof(signature)),
    };
    struct wire_signed grown = {
        .payload = message->payload,
        .signatures = signatures,
        .signatures_count = count + 1,
    };
    return wire_encode(WIRE_SCHEMA_SIGNED, &grown, out, err);
}

enum status registry_signed_make(enum registry_label label, struct bytes payload,
                                 const struct digest *audience, const struct seal_signer *signer,
                                 struct buffer *out, struct error *err)
{
    struct wire_signed message = { .payload = payload };
    return sign_into(label, &message, audience, signer, out, err);
}

enum status registry_signed_add(enum registry_label label, struct bytes signed_message,
                                const struct digest *audience, const struct seal_signer *signer,
                                struct buffer *out, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "signing a %s", registry_label_name(label));
    }
    struct wire_signed message;
    struct digest key = *seal_signer_key(signer);
    enum status status = wire_decode(WIRE_SCHEMA_SIGNED, signed_message, arena, &message, err);
    if (status == ST_OK && find_signature(&message, &key) != NULL) {
        status = error_set(err, ST_EXISTS, "this key has signed the %s already",
                           registry_label_name(label));
    }
    if (status == ST_OK) {
        status = sign_into(label, &message, audience, signer, out, err);
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_signed_payload(struct bytes signed_message, struct arena *arena,
                                    struct bytes *payload, struct error *err)
{
    struct wire_signed message;
    enum status status = wire_decode(WIRE_SCHEMA_SIGNED, signed_message, arena, &message, err);
    if (status == ST_OK) {
        *payload = message.payload;
    }
    return status;
}
