// Walking a person's consents.
#include "broker/consents.h"

#include "wire/wire.h"

struct walk {
    struct arena *scratch;
    consents_visit visit;
    void *context;
    enum status status;
    struct error *err;
};

static enum status decode(struct bytes packed, struct arena *arena, struct consents_row *row,
                          struct error *err)
{
    row->packed = packed;
    enum status status = wire_decode(WIRE_SCHEMA_CONSENT_RECORD, packed, arena, &row->record, err);
    return status != ST_OK ? status
                           : wire_decode(WIRE_SCHEMA_ARTEFACT, row->record.artefact, arena,
                                         &row->artefact, err);
}

static bool visit_row(struct bytes key, struct bytes value, void *context)
{
    struct walk *walk = context;
    struct consents_row row;
    (void)key;
    arena_reset(walk->scratch);
    walk->status = decode(value, walk->scratch, &row, walk->err);
    return walk->status == ST_OK && walk->visit(walk->context, &row);
}

enum status consents_walk(struct audit_reader *reader, const struct audit_tag *tag,
                          const struct id *from, struct arena *scratch, consents_visit visit,
                          void *context, struct error *err)
{
    struct walk walk = { .scratch = scratch, .visit = visit, .context = context, .err = err };
    uint8_t key[AUDIT_CONSENT_KEY_BYTES];
    enum status status =
        audit_reader_scan(reader, AUDIT_TABLE_CONSENT, audit_tag_view(tag),
                          from == NULL ? (struct bytes){ 0 } : audit_consent_key(tag, from, key),
                          false, visit_row, &walk, err);
    return status == ST_OK ? walk.status : status;
}

enum status consents_keep(const struct consents_row *row, struct arena *arena,
                          struct consents_row *kept, struct error *err)
{
    struct bytes packed = arena_copy(arena, row->packed);
    if (packed.data == NULL) {
        return error_set(err, ST_NOMEM, "a consent: no memory");
    }
    return decode(packed, arena, kept, err);
}

struct requested {
    struct bytes asker;
    size_t count;
};

static bool count_requested(void *context, const struct consents_row *row)
{
    struct requested *requested = context;
    requested->count += row->record.state == WIRE_CONSENT_REQUESTED &&
                                bytes_equal(row->artefact.asker, requested->asker)
                            ? 1
                            : 0;
    return requested->count < CONSENTS_REQUESTED_MAX;
}

enum status consents_may_request(struct audit_reader *reader, const struct audit_tag *tag,
                                 struct bytes asker, size_t more, struct arena *scratch,
                                 struct error *err)
{
    struct requested requested = { .asker = asker, .count = more };
    enum status status =
        consents_walk(reader, tag, NULL, scratch, count_requested, &requested, err);
    if (status == ST_OK && requested.count >= CONSENTS_REQUESTED_MAX) {
        status = error_set(err, ST_DENIED, "this person has %d requests of yours to answer already",
                           CONSENTS_REQUESTED_MAX);
    }
    return status;
}
