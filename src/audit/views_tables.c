// The views' tables by their meaning.
#include "audit/views.h"

#include "audit/views_inside.h"
#include "seal/hash.h"
#include "wire/wire.h"

struct page {
    struct audit_subject_row *rows;
    size_t limit;
    size_t count;
    enum status status;
    struct error *err;
};

static bool page_row(struct bytes key, struct bytes value, void *context)
{
    struct page *page = context;
    page->status = audit_subject_row_decode(key, value, &page->rows[page->count], page->err);
    if (page->status != ST_OK) {
        return false;
    }
    page->count++;
    return page->count < page->limit;
}

enum status audit_reader_subject_page(struct audit_reader *reader, const struct audit_tag *tag,
                                      uint64_t from, size_t limit, struct audit_subject_row *rows,
                                      size_t *count, struct error *err)
{
    uint8_t key[AUDIT_TAG_BYTES + 8];
    struct page page = { .rows = rows, .limit = limit, .err = err };
    memcpy(key, tag->bytes, AUDIT_TAG_BYTES);
    (void)seal_u64(key + AUDIT_TAG_BYTES, from);
    struct bytes start = from == 0 ? (struct bytes){ 0 } : bytes_of(key, sizeof(key));
    enum status status = ST_OK;
    if (limit > 0) {
        status = audit_reader_scan(reader, AUDIT_TABLE_SUBJECT, audit_tag_view(tag), start, true,
                                   page_row, &page, err);
    }
    if (status == ST_OK) {
        status = audit_reader_note(reader, page.status);
    }
    if (status == ST_OK) {
        *count = page.count;
    }
    return status;
}

enum status audit_reader_exchange(struct audit_reader *reader, const struct id *id,
                                  struct audit_exchange_row *row, struct error *err)
{
    uint8_t key[AUDIT_EXCHANGE_KEY_BYTES];
    struct bytes decision;
    struct bytes ending = { 0 };
    enum status status =
        audit_reader_get(reader, AUDIT_TABLE_EXCHANGE, audit_exchange_key(id, key), &decision, err);
    if (status != ST_OK) {
        return status;
    }
    key[ID_BYTES] = 1;
    status =
        audit_reader_get(reader, AUDIT_TABLE_EXCHANGE, bytes_of(key, sizeof(key)), &ending, err);
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = audit_reader_note(reader, audit_exchange_row_decode(decision, ending, row, err));
    }
    return status;
}

enum status audit_reader_counter(struct audit_reader *reader, const struct digest *key,
                                 uint64_t *value, struct error *err)
{
    struct bytes found;
    struct audit_counter_row row = { 0 };
    enum status status =
        audit_reader_get(reader, AUDIT_TABLE_COUNTER, bytes_digest(key), &found, err);
    bool carried = status == ST_NOT_FOUND;
    if (carried) {
        status = audit_reader_get(reader, AUDIT_TABLE_CARRIED, bytes_digest(key), &found, err);
    }
    if (status == ST_OK) {
        status = audit_reader_note(reader, audit_counter_row_decode(found, carried, &row, err));
    }
    if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    if (status == ST_OK) {
        *value = row.value;
    }
    return status;
}

enum status audit_reader_forgotten(struct audit_reader *reader, struct audit_forgotten *forgotten,
                                   struct error *err)
{
    struct bytes found;
    enum status status =
        audit_reader_get(reader, AUDIT_TABLE_META, bytes_text("forgotten"), &found, err);
    if (status == ST_NOT_FOUND) {
        *forgotten = (struct audit_forgotten){ 0 };
        return ST_OK;
    }
    return status == ST_OK
               ? audit_reader_note(reader, audit_forgotten_decode(found, forgotten, err))
               : status;
}

static enum status decode_consent(struct bytes value, struct arena *arena,
                                  struct wire_consent_record *record, struct error *err)
{
    enum status status = wire_decode(WIRE_SCHEMA_CONSENT_RECORD, value, arena, record, err);
    return status == ST_MALFORMED || status == ST_UNSUPPORTED ? ST_CORRUPT : status;
}

enum status audit_reader_consent(struct audit_reader *reader, const struct audit_tag *tag,
                                 const struct id *id, struct arena *arena,
                                 struct wire_consent_record *record, struct error *err)
{
    uint8_t key[AUDIT_CONSENT_KEY_BYTES];
    struct bytes value;
    enum status status =
        audit_reader_get(reader, AUDIT_TABLE_CONSENT, audit_consent_key(tag, id, key), &value, err);
    return status == ST_OK ? audit_reader_note(reader, decode_consent(value, arena, record, err))
                           : status;
}

struct consents {
    struct arena *arena;
    struct wire_consent_record *records;
    size_t max;
    size_t count;
    enum status status;
    struct error *err;
};

static bool consent_row(struct bytes key, struct bytes value, void *context)
{
    struct consents *consents = context;
    (void)key;
    consents->status =
        decode_consent(value, consents->arena, &consents->records[consents->count], consents->err);
    if (consents->status != ST_OK) {
        return false;
    }
    consents->count++;
    return consents->count < consents->max;
}

enum status audit_reader_consents(struct audit_reader *reader, const struct audit_tag *tag,
                                  struct arena *arena, size_t max,
                                  struct wire_consent_record *records, size_t *count,
                                  struct error *err)
{
    struct consents consents = { .arena = arena, .records = records, .max = max, .err = err };
    enum status status = ST_OK;
    if (max > 0) {
        status = audit_reader_scan(reader, AUDIT_TABLE_CONSENT, audit_tag_view(tag),
                                   (struct bytes){ 0 }, false, consent_row, &consents, err);
    }
    if (status == ST_OK) {
        status = audit_reader_note(reader, consents.status);
    }
    if (status == ST_OK) {
        *count = consents.count;
    }
    return status;
}
