// Reading the view of legal holds. There are few of them, so each question looks at all.
// Invariant: in doubt an entry is held; what is forgotten cannot be brought back.
#include "audit/hold.h"

#include <stdio.h>

#include "wire/wire.h"

enum {
    HOLD_ARENA_BYTES = 64 * 1024,
    LAST_ENDING_MINUTES = 60,
    MS_PER_MINUTE = 60 * 1000,
    MORE_BYTES = sizeof(" and 4294967295 more"),
};

static enum status decode(struct bytes value, struct arena *arena, struct wire_hold *hold,
                          struct error *err)
{
    enum status status = wire_decode(WIRE_SCHEMA_HOLD, value, arena, hold, err);
    return status == ST_MALFORMED || status == ST_UNSUPPORTED ? ST_CORRUPT : status;
}

enum status audit_hold_find(struct audit_reader *reader, const struct id *id, struct arena *arena,
                            struct wire_hold *hold, struct error *err)
{
    struct bytes value;
    enum status status = audit_reader_get(reader, AUDIT_TABLE_HOLD, bytes_id(id), &value, err);
    return status == ST_OK ? decode(value, arena, hold, err) : status;
}

struct walk {
    struct arena *arena;
    bool (*visit)(const struct wire_hold *hold, void *context);
    void *context;
    enum status status;
    struct error *err;
};

static bool visit_row(struct bytes key, struct bytes value, void *context)
{
    struct walk *walk = context;
    struct wire_hold hold;
    (void)key;
    arena_reset(walk->arena);
    walk->status = decode(value, walk->arena, &hold, walk->err);
    return walk->status == ST_OK && walk->visit(&hold, walk->context);
}

enum status audit_holds_each(struct audit_reader *reader, const struct id *from,
                             bool (*visit)(const struct wire_hold *hold, void *context),
                             void *context, struct error *err)
{
    struct walk walk = { .visit = visit, .context = context, .err = err };
    walk.arena = arena_create(HOLD_ARENA_BYTES);
    enum status status =
        walk.arena == NULL ? error_set(err, ST_NOMEM, "legal holds")
                           : audit_reader_scan(reader, AUDIT_TABLE_HOLD, (struct bytes){ 0 },
                                               from == NULL ? (struct bytes){ 0 } : bytes_id(from),
                                               false, visit_row, &walk, err);
    arena_destroy(&walk.arena);
    return status == ST_OK ? walk.status : status;
}

// ---- a month

struct month {
    struct audit_reader *reader;
    const struct audit_tagger *tagger;
    uint32_t from; // minutes
    uint32_t to;
    struct audit_covering covering;
    size_t named;
    size_t room_used; // of covering.cases
    enum status status;
    struct error *err;
};

// The newest row of a person's list before `to` is looked for; the list is in order of time.
static enum status list_reaches(struct month *month, const struct audit_tag *tag, bool *reaches)
{
    enum { PAGE = 64 };
    struct audit_subject_row rows[PAGE];
    uint32_t from = month->from > LAST_ENDING_MINUTES ? month->from - LAST_ENDING_MINUTES : 0;
    uint64_t next = 0;
    size_t count = PAGE;
    while (count == PAGE) {
        enum status status =
            audit_reader_subject_page(month->reader, tag, next, PAGE, rows, &count, month->err);
        if (status != ST_OK) {
            return status;
        }
        for (size_t i = 0; i < count; i++) {
            if (rows[i].minutes < month->to) {
                *reaches = rows[i].minutes >= from;
                return ST_OK;
            }
        }
        next = count == 0 ? 0 : rows[count - 1].sequence - 1;
        count = next == 0 ? 0 : count;
    }
    return ST_OK;
}

static enum status person_reaches(struct month *month, struct bytes stored, bool *reaches)
{
    struct audit_tag tag;
    enum status status = audit_tagger_renew(month->tagger, stored, &tag, month->err);
    if (status == ST_OK) {
        status = list_reaches(month, &tag, reaches);
    }
    // A list that began under an older key may still stand under the tag that it began with.
    if (status == ST_OK && !*reaches && !bytes_equal(stored, audit_tag_view(&tag))) {
        memcpy(tag.bytes, stored.data, AUDIT_TAG_BYTES);
        status = list_reaches(month, &tag, reaches);
    }
    return status;
}

// The first ones by name, as long as there is room for them and for how many more there are.
static void count_covering(struct month *month, struct bytes name)
{
    struct audit_covering *covering = &month->covering;
    size_t left = sizeof(covering->cases) - month->room_used;
    bool names = month->named == covering->count && month->named < AUDIT_COVERING_NAMED &&
                 name.size + sizeof(", ''") + MORE_BYTES <= left;
    covering->count++;
    if (names) {
        month->room_used += (size_t)snprintf(covering->cases + month->room_used, left, "%s'%.*s'",
                                             month->named == 0 ? "" : ", ", (int)name.size,
                                             (const char *)name.data);
        month->named++;
    }
}

static bool look_at(const struct wire_hold *hold, void *context)
{
    struct month *month = context;
    bool reaches = hold->tag.size != AUDIT_TAG_BYTES;
    uint64_t begin_ms = (uint64_t)month->from * MS_PER_MINUTE;
    uint64_t end_ms = (uint64_t)month->to * MS_PER_MINUTE;
    if (hold->state != WIRE_HOLD_SET || hold->since >= end_ms ||
        (hold->until > 0 && hold->until < begin_ms)) {
        return true;
    }
    if (!reaches) {
        month->status = person_reaches(month, hold->tag, &reaches);
    }
    if (month->status == ST_OK && reaches) {
        count_covering(month, hold->name);
    }
    return month->status == ST_OK;
}

enum status audit_holds_cover_month(struct audit_reader *reader, const struct audit_tagger *tagger,
                                    uint32_t from, uint32_t to, struct audit_covering *covering,
                                    struct error *err)
{
    struct month month = { .reader = reader, .tagger = tagger, .from = from, .to = to, .err = err };
    enum status status = audit_holds_each(reader, NULL, look_at, &month, err);
    status = status == ST_OK ? month.status : status;
    if (status == ST_OK && month.named < month.covering.count) {
        snprintf(month.covering.cases + month.room_used,
                 sizeof(month.covering.cases) - month.room_used, " and %zu more",
                 month.covering.count - month.named);
    }
    if (status == ST_OK) {
        *covering = month.covering;
    }
    return status;
}
