// Sealing of one exchange. The formulas stand in the header; nothing here is kept between calls.
// A field's AD is gathered on the stack.
#include "seal/exchange.h"

#include "seal/hash.h"
#include "seal/secret.h"

#include <assert.h>
#include <sodium.h>

enum status seal_exchange_create(struct seal_secret **secret, struct digest *public_key,
                                 struct error *err)
{
    enum status status = seal_secret_random(crypto_scalarmult_SCALARBYTES, secret, err);
    return status == ST_OK ? seal_exchange_public(*secret, public_key, err) : status;
}

static enum status check_secret(const struct seal_secret *secret, struct error *err)
{
    size_t size = seal_secret_view(secret).size;
    return size == crypto_scalarmult_SCALARBYTES
               ? ST_OK
               : error_set(err, ST_MALFORMED, "an X25519 secret has %u bytes, not %zu",
                           crypto_scalarmult_SCALARBYTES, size);
}

enum status seal_exchange_public(const struct seal_secret *secret, struct digest *public_key,
                                 struct error *err)
{
    enum status status = check_secret(secret, err);
    if (status == ST_OK) {
        crypto_scalarmult_base(public_key->bytes, seal_secret_view(secret).data);
    }
    return status;
}

enum status seal_shared(const struct seal_secret *secret, const struct digest *public_key,
                        struct digest *shared, struct error *err)
{
    enum status status = check_secret(secret, err);
    if (status != ST_OK) {
        return status;
    }
    struct digest made;
    // libsodium gives -1 for the all-zero result.
    if (crypto_scalarmult(made.bytes, seal_secret_view(secret).data, public_key->bytes) != 0) {
        return error_set(err, ST_UNPROVEN, "the other side's sealing key is of small order");
    }
    *shared = made;
    seal_wipe(&made, sizeof(made));
    return ST_OK;
}

struct digest seal_announcement_hash(struct bytes payload)
{
    return seal_sha256(payload);
}

struct digest seal_request_hash(struct bytes payload)
{
    const struct bytes parts[] = { seal_label("vedomo/1 request"), payload };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

struct digest seal_pair_key(const struct digest *shared, const struct digest *asker_announcement,
                            const struct digest *holder_announcement)
{
    const struct bytes parts[] = { seal_label("vedomo/1 pair"), bytes_digest(asker_announcement),
                                   bytes_digest(holder_announcement) };
    return seal_blake2b(bytes_digest(shared), parts, ARRAY_COUNT(parts));
}

static const char params_label[] = "vedomo/1 params";
static const uint8_t params_box_nonce[SEAL_NONCE_BYTES];

static struct digest params_key(const struct digest *pair_key, const struct seal_params *params)
{
    const struct bytes parts[] = { seal_label(params_label), bytes_digest(&params->nonce) };
    return seal_blake2b(bytes_digest(pair_key), parts, ARRAY_COUNT(parts));
}

enum { PARAMS_AD_BYTES = sizeof(params_label) + 3 * DIGEST_BYTES };

static void params_ad(const struct seal_params *params, uint8_t ad[PARAMS_AD_BYTES])
{
    memcpy(ad, params_label, sizeof(params_label));
    ad += sizeof(params_label);
    memcpy(ad, params->nonce.bytes, DIGEST_BYTES);
    memcpy(ad + DIGEST_BYTES, params->asker_announcement.bytes, DIGEST_BYTES);
    memcpy(ad + 2 * DIGEST_BYTES, params->holder_announcement.bytes, DIGEST_BYTES);
}

void seal_params_close(const struct digest *pair_key, const struct seal_params *params,
                       struct bytes plain, uint8_t *box)
{
    uint8_t ad[PARAMS_AD_BYTES];
    params_ad(params, ad);
    struct digest key = params_key(pair_key, params);
    seal_box_close(&key, params_box_nonce, bytes_of(ad, sizeof(ad)), plain, box);
    seal_wipe(&key, sizeof(key));
}

bool seal_params_open(const struct digest *pair_key, const struct seal_params *params,
                      struct bytes box, uint8_t *plain)
{
    uint8_t ad[PARAMS_AD_BYTES];
    params_ad(params, ad);
    struct digest key = params_key(pair_key, params);
    bool good = seal_box_open(&key, params_box_nonce, bytes_of(ad, sizeof(ad)), box, plain);
    seal_wipe(&key, sizeof(key));
    return good;
}

struct digest seal_answer_key(const struct digest *pair_key, const struct digest *request_hash,
                              const struct digest *answer_nonce)
{
    const struct bytes parts[] = { seal_label("vedomo/1 answer"), bytes_digest(request_hash),
                                   bytes_digest(answer_nonce) };
    return seal_blake2b(bytes_digest(pair_key), parts, ARRAY_COUNT(parts));
}

static const char field_label[] = "vedomo/1 field";
enum { FIELD_AD_MAX = sizeof(field_label) + DIGEST_BYTES + 2 + 3 * (2 + SEAL_TEXT_MAX) };

static size_t put(uint8_t *out, size_t used, struct bytes bytes)
{
    if (bytes.size > 0) {
        memcpy(out + used, bytes.data, bytes.size);
    }
    return used + bytes.size;
}

static size_t put_lp(uint8_t *out, size_t used, struct bytes text)
{
    uint8_t length[2];
    return put(out, put(out, used, seal_u16(length, (uint16_t)text.size)), text);
}

static bool field_texts_fit(const struct seal_field *field)
{
    return field->dataset.size <= SEAL_TEXT_MAX && field->name.size <= SEAL_TEXT_MAX &&
           field->form.size <= SEAL_TEXT_MAX;
}

static struct bytes field_ad(const struct seal_field *field, uint8_t ad[FIELD_AD_MAX])
{
    uint8_t index[2];
    size_t used = put(ad, 0, seal_label(field_label));
    used = put(ad, used, bytes_digest(&field->request_hash));
    used = put(ad, used, seal_u16(index, field->index));
    used = put_lp(ad, used, field->dataset);
    used = put_lp(ad, used, field->name);
    used = put_lp(ad, used, field->form);
    return bytes_of(ad, used);
}

static void field_nonce(const struct seal_field *field, uint8_t nonce[SEAL_NONCE_BYTES])
{
    memset(nonce, 0, SEAL_NONCE_BYTES);
    seal_u64(nonce + SEAL_NONCE_BYTES - 8, field->index);
}

void seal_field_close(const struct digest *answer_key, const struct seal_field *field,
                      struct bytes plain, uint8_t *box)
{
    assert(field_texts_fit(field)); // the request was checked against the catalogue
    uint8_t ad[FIELD_AD_MAX];
    uint8_t nonce[SEAL_NONCE_BYTES];
    field_nonce(field, nonce);
    seal_box_close(answer_key, nonce, field_ad(field, ad), plain, box);
}

bool seal_field_open(const struct digest *answer_key, const struct seal_field *field,
                     struct bytes box, uint8_t *plain)
{
    if (!field_texts_fit(field)) {
        return false;
    }
    uint8_t ad[FIELD_AD_MAX];
    uint8_t nonce[SEAL_NONCE_BYTES];
    field_nonce(field, nonce);
    return seal_box_open(answer_key, nonce, field_ad(field, ad), box, plain);
}

struct digest seal_value_commitment(const struct digest *request_hash, struct bytes field,
                                    struct bytes form, const struct digest *salt, uint8_t status,
                                    struct bytes value)
{
    assert(field.size <= SEAL_TEXT_MAX && form.size <= SEAL_TEXT_MAX);
    uint8_t field_size[2];
    uint8_t form_size[2];
    const struct bytes parts[] = { seal_label("vedomo/1 value"),
                                   bytes_digest(request_hash),
                                   seal_u16(field_size, (uint16_t)field.size),
                                   field,
                                   seal_u16(form_size, (uint16_t)form.size),
                                   form,
                                   bytes_digest(salt),
                                   bytes_of(&status, 1),
                                   value };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}
