// Layout of a facet, big-endian:
//   u8 kind ‖ u8 verdict·16 + basis ‖ u8 asked ‖ u8 over-asked ‖ u32 minutes
//   ‖ 8 codes of 48 bits (enum audit_code) ‖ u64 mask of fields and reasons
// All zero: nothing is known of the entry.
#include "audit/facet.h"

#include "base/reader.h"
#include "seal/secret.h"

enum { FIELD_DOMAIN = 64, REASON_DOMAIN, CODE_BITS = 48, CODE_BYTES = CODE_BITS / 8 };

// Where things stand in a facet.
enum { KIND_PLACE = 0, BOTH_PLACE = 1, OVER_ASKED_PLACE = 3, CODES_PLACE = 8, WORDS_PLACE = 56 };

static size_t code_place(int code)
{
    return CODES_PLACE + (size_t)code * CODE_BYTES;
}

enum status audit_search_key(const struct seal_secret *master, uint8_t key[SEAL_SHORT_KEY_BYTES],
                             struct error *err)
{
    struct seal_secret *secret = NULL;
    enum status status = seal_kdf(master, "search", 1, &secret, err);
    if (status == ST_OK) {
        memcpy(key, seal_secret_view(secret).data, SEAL_SHORT_KEY_BYTES);
    }
    seal_secret_destroy(&secret);
    return status;
}

static uint64_t hash_of(const uint8_t key[SEAL_SHORT_KEY_BYTES], int domain, struct bytes value)
{
    uint8_t own[SEAL_SHORT_KEY_BYTES];
    memcpy(own, key, sizeof(own));
    own[0] ^= (uint8_t)domain; // the same text as another code has another hash
    return seal_short(own, value);
}

static uint64_t code_hash(const uint8_t key[SEAL_SHORT_KEY_BYTES], enum audit_code code,
                          struct bytes value)
{
    if (value.size == 0) {
        return 0;
    }
    uint64_t hash = hash_of(key, (int)code, value) >> (64 - CODE_BITS);
    return hash == 0 ? 1 : hash;
}

// Two of the mask's bits.
static uint64_t word_bits(const uint8_t key[SEAL_SHORT_KEY_BYTES], int domain, struct bytes value)
{
    if (value.size == 0) {
        return 0;
    }
    uint64_t hash = hash_of(key, domain, value);
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63);
}

static uint8_t at_most_255(size_t number)
{
    return number < 255 ? (uint8_t)number : 255;
}

void audit_facet_write(const struct audit_terms *terms, const uint8_t key[SEAL_SHORT_KEY_BYTES],
                       uint8_t facet[AUDIT_FACET_BYTES])
{
    uint64_t words = 0;
    uint8_t *next = facet;
    *next++ = (uint8_t)terms->kind;
    *next++ = (uint8_t)((unsigned)terms->verdict << 4 | (terms->basis & 15));
    *next++ = at_most_255(terms->asked);
    *next++ = at_most_255(terms->over_asked);
    for (int shift = 24; shift >= 0; shift -= 8) {
        *next++ = (uint8_t)(terms->minutes >> shift);
    }
    for (int code = 0; code < AUDIT_CODE_COUNT; code++) {
        uint64_t hash = code_hash(key, (enum audit_code)code, terms->codes[code]);
        for (int shift = CODE_BITS - 8; shift >= 0; shift -= 8) {
            *next++ = (uint8_t)(hash >> shift);
        }
    }
    for (size_t i = 0; audit_terms_field(terms, i).size > 0; i++) {
        words |= word_bits(key, FIELD_DOMAIN, audit_terms_field(terms, i));
    }
    struct bytes last = { 0 };
    for (size_t i = 0; audit_terms_reason(terms, i).size > 0; i++) {
        struct bytes reason = audit_terms_reason(terms, i);
        words |= bytes_equal(reason, last) ? 0 : word_bits(key, REASON_DOMAIN, reason);
        last = reason;
    }
    (void)seal_u64(next, words);
}

void audit_facet_read(const uint8_t bytes[AUDIT_FACET_BYTES], struct audit_facet *facet)
{
    struct reader reader = reader_init(bytes_of(bytes, AUDIT_FACET_BYTES));
    facet->kind = (enum wire_kind)reader_u8(&reader);
    facet->known = facet->kind != WIRE_KIND_NONE;
    uint8_t both = reader_u8(&reader);
    facet->verdict = (enum wire_filter_verdict)(both >> 4);
    facet->basis = both & 15;
    facet->asked = reader_u8(&reader);
    facet->over_asked = reader_u8(&reader);
    facet->minutes = reader_u32(&reader);
    for (int code = 0; code < AUDIT_CODE_COUNT; code++) {
        uint64_t high = reader_u16(&reader);
        facet->codes[code] = high << 32 | reader_u32(&reader);
    }
    facet->words = reader_u64(&reader);
}

static void put_code(uint8_t *place, uint64_t hash)
{
    for (int shift = CODE_BITS - 8; shift >= 0; shift -= 8) {
        *place++ = (uint8_t)(hash >> shift);
    }
}

void audit_facet_filter(const struct audit_filter *filter, const uint8_t key[SEAL_SHORT_KEY_BYTES],
                        struct audit_facet_filter *out)
{
    const struct wire_filter *wanted = filter->filter;
    uint8_t mask[AUDIT_FACET_BYTES] = { 0 };
    uint8_t value[AUDIT_FACET_BYTES] = { 0 };
    uint64_t words = 0;
    *out = (struct audit_facet_filter){ .member = filter->member.size > 0 };
    put_code(out->member_asks, code_hash(key, AUDIT_CODE_ASKER, filter->member));
    put_code(out->member_holds, code_hash(key, AUDIT_CODE_HOLDER, filter->member));
    for (int code = 0; code < AUDIT_CODE_COUNT; code++) {
        struct bytes wanted_code = audit_filter_code(filter, (enum audit_code)code);
        if (wanted_code.size > 0) {
            memset(mask + code_place(code), 0xff, CODE_BYTES);
            put_code(value + code_place(code), code_hash(key, (enum audit_code)code, wanted_code));
        }
    }
    if (wanted != NULL) {
        mask[KIND_PLACE] = wanted->entry_kind != 0 ? 0xff : 0;
        value[KIND_PLACE] = (uint8_t)wanted->entry_kind;
        mask[BOTH_PLACE] =
            (uint8_t)((wanted->verdict != 0 ? 0xf0 : 0) | (wanted->basis != 0 ? 0x0f : 0));
        value[BOTH_PLACE] = (uint8_t)(wanted->verdict << 4 | (wanted->basis & 15));
        out->over_asked = wanted->over_asked;
        words = word_bits(key, FIELD_DOMAIN, wanted->field) |
                word_bits(key, REASON_DOMAIN, wanted->reason);
    }
    (void)seal_u64(mask + WORDS_PLACE, words);
    (void)seal_u64(value + WORDS_PLACE, words);
    memcpy(out->mask, mask, sizeof(mask));
    memcpy(out->value, value, sizeof(value));
    out->certain = id_is_zero(&filter->exchange) && words == 0;
}

bool audit_facet_may_match(const struct audit_facet_filter *filter,
                           const uint8_t facet[AUDIT_FACET_BYTES])
{
    uint64_t have[AUDIT_FACET_BYTES / 8];
    if (facet[KIND_PLACE] == WIRE_KIND_NONE) {
        return true;
    }
    memcpy(have, facet, sizeof(have));
    for (size_t i = 0; i < ARRAY_COUNT(have); i++) {
        if ((have[i] & filter->mask[i]) != filter->value[i]) {
            return false;
        }
    }
    return (!filter->over_asked || facet[OVER_ASKED_PLACE] > 0) &&
           (!filter->member ||
            memcmp(facet + code_place(AUDIT_CODE_ASKER), filter->member_asks, CODE_BYTES) == 0 ||
            memcmp(facet + code_place(AUDIT_CODE_HOLDER), filter->member_holds, CODE_BYTES) == 0);
}
