// Gathering a breach's accesses by person, field and day.
#include "breach.h"

#include <stdlib.h>

#include "base/map.h"
#include "evidence.h"

enum { ARENA_BYTES = 1024 * 1024 * 1024, NAME_BYTES_MAX = 1024, DAY_BYTES = 10 };

enum status breach_init(struct breach *breach, struct error *err)
{
    *breach = (struct breach){
        .arena = arena_create(ARENA_BYTES),
        .by_reference = map_create(),
        .by_field = map_create(),
        .by_day = map_create(),
        .people = calloc(BREACH_PEOPLE_MAX, sizeof(*breach->people)),
        .fields = calloc(BREACH_NAMES_MAX, sizeof(*breach->fields)),
        .days = calloc(BREACH_NAMES_MAX, sizeof(*breach->days)),
    };
    if (breach->arena == NULL || breach->by_reference == NULL || breach->by_field == NULL ||
        breach->by_day == NULL || breach->people == NULL || breach->fields == NULL ||
        breach->days == NULL) {
        breach_fini(breach);
        return error_set(err, ST_NOMEM, "breach report");
    }
    return ST_OK;
}

void breach_fini(struct breach *breach)
{
    map_destroy(&breach->by_reference);
    map_destroy(&breach->by_field);
    map_destroy(&breach->by_day);
    arena_destroy(&breach->arena);
    free(breach->people);
    free(breach->fields);
    free(breach->days);
    *breach = (struct breach){ 0 };
}

static enum status count_up(struct breach *breach, struct map *map, struct breach_count **list,
                            size_t *count, struct bytes name, struct error *err)
{
    struct breach_count *found = map_get(map, name);
    if (found == NULL) {
        if (*count == BREACH_NAMES_MAX) {
            return error_set(err, ST_FULL, "breach report: more than %d fields or days",
                             BREACH_NAMES_MAX);
        }
        found = arena_take(breach->arena, sizeof(*found));
        struct bytes kept = arena_copy(breach->arena, name);
        if (found == NULL || kept.data == NULL || !map_put(map, kept, found)) {
            return error_set(err, ST_NOMEM, "breach report");
        }
        found->name = kept;
        list[(*count)++] = found;
    }
    found->number++;
    return ST_OK;
}

static enum status count_fields(struct breach *breach, const struct wire_exchange_part *part,
                                struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < part->verdicts_count; i++) {
        if (part->verdicts[i].given.size == 0) {
            continue;
        }
        struct buffer name = buffer_init(NAME_BYTES_MAX);
        buffer_bytes(&name, part->dataset);
        buffer_text(&name, ".");
        buffer_bytes(&name, part->verdicts[i].name);
        status = buffer_ok(&name, "field", err);
        if (status == ST_OK) {
            status = count_up(breach, breach->by_field, breach->fields, &breach->field_count,
                              buffer_view(&name), err);
        }
        buffer_fini(&name);
    }
    return status;
}

static enum status count_day(struct breach *breach, uint64_t at_ms, struct error *err)
{
    struct buffer time = buffer_init(64);
    evidence_time(at_ms, &time);
    enum status status = ST_OK;
    if (time.size >= DAY_BYTES) {
        status = count_up(breach, breach->by_day, breach->days, &breach->day_count,
                          bytes_of(time.data, DAY_BYTES), err);
    }
    buffer_fini(&time);
    return status;
}

static struct breach_person *find_person(struct breach *breach, const char *reference)
{
    struct breach_person *person = map_get(breach->by_reference, bytes_text(reference));
    if (person != NULL || breach->people_count == BREACH_PEOPLE_MAX) {
        return person;
    }
    person = arena_take(breach->arena, sizeof(*person));
    if (person == NULL) {
        return NULL;
    }
    memcpy(person->reference, reference, QUESTION_REFERENCE_BYTES);
    person->end = &person->accesses;
    if (!map_put(breach->by_reference, bytes_text(person->reference), person)) {
        return NULL;
    }
    breach->people[breach->people_count++] = person;
    return person;
}

// The row's parts are borrowed from it: what is kept is decoded from a copy.
static enum status read_row(struct breach *breach, const struct wire_row *row,
                            struct entry_text *entry, struct error *err)
{
    struct wire_row kept = *row;
    struct wire_row_part *parts = arena_take(breach->arena, row->parts_count * sizeof(*parts));
    if (parts == NULL) {
        return error_set(err, ST_NOMEM, "breach report");
    }
    for (size_t i = 0; i < row->parts_count; i++) {
        parts[i] = row->parts[i];
        parts[i].bytes = arena_copy(breach->arena, row->parts[i].bytes);
    }
    kept.parts = parts;
    return entry_text_read(&kept, breach->arena, entry, err);
}

enum status breach_add(struct breach *breach, const struct wire_row *row, struct error *err)
{
    struct entry_text entry;
    char reference[QUESTION_REFERENCE_BYTES];
    enum status status = read_row(breach, row, &entry, err);
    if (status != ST_OK || entry.exchange == NULL || entry.officer == NULL ||
        entry.officer->tag.size == 0) {
        return status;
    }
    struct breach_person *person =
        find_person(breach, question_reference(entry.officer->tag, reference));
    struct breach_access *access = arena_take(breach->arena, sizeof(*access));
    if (person == NULL || access == NULL) {
        return error_set(err, ST_FULL, "breach report: more than %d people; narrow the time",
                         BREACH_PEOPLE_MAX);
    }
    *access = (struct breach_access){ .exchange = entry.exchange,
                                      .index = entry.index,
                                      .at_ms = entry.recorded_ms,
                                      .passed_on = entry.ending == WIRE_KIND_RELEASED };
    *person->end = access;
    person->end = &access->next;
    person->count++;
    breach->accesses++;
    breach->passed_on += access->passed_on ? 1 : 0;
    status = count_day(breach, access->at_ms, err);
    return status == ST_OK && access->passed_on ? count_fields(breach, access->exchange, err)
                                                : status;
}
