// Pools of threads in front of registers. Invariants: a connection belongs to one thread; a lookup
// comes back exactly once; a register that hangs holds up its own pool until its time limit and
// nobody else. An error of a register is told to the log without the person's identifier.
#include "node/source.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "seal/secret.h"
#include "sql/register.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 32, THREADS_PRESET = 4, WAITING_PER_THREAD = 64 };

struct node_source {
    char *dataset;
    char *title;
    char *field_names[CATALOGUE_FIELDS_MAX]; // of the mapping
    size_t field_count;                      // 0: a service, which has every field
    struct sql_register *registers[THREADS_MAX];
    vedomo_register answer; // NULL: SQLite
    void *context;
    int64_t time_limit_ms;
    struct queue *waiting;
    struct queue *back;
    struct thread *threads[THREADS_MAX];
    size_t thread_count;
};

// One thread's share.
struct share {
    struct node_source *source;
    struct sql_register *reg;
};

struct node_lookup *node_lookup_create(void)
{
    struct node_lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup != NULL) {
        lookup->content = buffer_init(NODE_VALUES_MAX_BYTES);
    }
    return lookup;
}

void node_lookup_destroy(struct node_lookup **lookup)
{
    if (*lookup == NULL) {
        return;
    }
    struct node_lookup *gone = *lookup;
    *lookup = NULL;
    seal_wipe(gone->subject, sizeof(gone->subject));
    if (gone->content.data != NULL) {
        seal_wipe(gone->content.data, gone->content.capacity);
    }
    buffer_fini(&gone->content);
    free(gone);
}

static void unavailable(struct node_lookup *lookup, const char *why)
{
    lookup->status = CATALOGUE_VALUE_UNAVAILABLE;
    snprintf(lookup->problem, sizeof(lookup->problem), "%.*s", (int)sizeof(lookup->problem) - 1,
             why);
}

// --- values of SQLite ---

// "YYYY-MM-DD" with or without a time behind it (RFC 3339, or SQLite's own writing), or whole
// milliseconds. 0: none of these.
static uint64_t read_time(const struct sql_value *value)
{
    if (value->kind == SQL_INTEGER && value->integer > 0) {
        return (uint64_t)value->integer;
    }
    if (value->kind != SQL_TEXT || value->text.size < 10 ||
        !text_date_valid(bytes_of(value->text.data, 10))) {
        return 0;
    }
    char text[20] = { 0 };
    memcpy(text, value->text.data, value->text.size < 19 ? value->text.size : 19);
    struct tm parts = { 0 };
    int fields = sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon,
                        &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec);
    if (fields < 3) {
        return 0;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    time_t seconds = timegm(&parts);
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

// Copies one value into the lookup's content; `offset` is where it stands.
static void take_value(struct node_lookup *lookup, size_t at, const struct sql_value *value,
                       size_t *offset)
{
    *offset = lookup->content.size;
    switch (value->kind) {
    case SQL_NULL:
        return;
    case SQL_INTEGER:
        buffer_format(&lookup->content, "%" PRId64, value->integer);
        break;
    case SQL_TEXT:
        buffer_bytes(&lookup->content, value->text);
        break;
    case SQL_REAL:
    case SQL_BLOB:
        lookup->wrong_type[at] = true;
        return;
    case SQL_TOO_LONG:
        lookup->too_long[at] = true;
        return;
    }
    if (lookup->content.failed) {
        lookup->content.failed = false;
        lookup->content.size = *offset;
        lookup->too_long[at] = true;
        return;
    }
    lookup->values[at].size = lookup->content.size - *offset;
    buffer_u8(&lookup->content, 0); // so that an empty value has a place too
}

// Views are set once all is in, because the content moves while it grows.
static void place_values(struct node_lookup *lookup, const size_t *offsets, const bool *present)
{
    for (size_t i = 0; i < lookup->field_count; i++) {
        if (present[i]) {
            lookup->values[i].data = lookup->content.data + offsets[i];
        }
    }
}

static size_t column_of(const struct node_source *source, struct bytes field)
{
    size_t at = 0;
    while (at < source->field_count && !bytes_equal_text(field, source->field_names[at])) {
        at++;
    }
    return at;
}

static void look_in_sqlite(const struct share *share, struct node_lookup *lookup,
                           int64_t deadline_ms)
{
    uint64_t wanted = 0;
    size_t columns[CATALOGUE_FIELDS_MAX];
    for (size_t i = 0; i < lookup->field_count; i++) {
        columns[i] = column_of(share->source, lookup->fields[i]);
        if (columns[i] == share->source->field_count) {
            unavailable(lookup, "the mapping lacks a field");
            return;
        }
        wanted |= (uint64_t)1 << columns[i];
    }
    struct error err;
    struct sql_row row;
    enum status status =
        sql_register_read(share->reg, bytes_text(lookup->subject), wanted, deadline_ms, &row, &err);
    if (status != ST_OK) {
        unavailable(lookup, err.message);
        return;
    }
    if (row.found != SQL_FOUND_ONE) {
        lookup->status = row.found == SQL_FOUND_NONE ? CATALOGUE_VALUE_PERSON_UNKNOWN
                                                     : CATALOGUE_VALUE_PERSON_AMBIGUOUS;
        return;
    }
    lookup->status = CATALOGUE_VALUE_PRESENT;
    lookup->updated_ms = read_time(&row.updated);
    size_t offsets[CATALOGUE_FIELDS_MAX];
    bool present[CATALOGUE_FIELDS_MAX] = { 0 };
    for (size_t i = 0; i < lookup->field_count; i++) {
        const struct sql_value *value = &row.values[columns[i]];
        take_value(lookup, i, value, &offsets[i]);
        present[i] = value->kind != SQL_NULL && !lookup->wrong_type[i] && !lookup->too_long[i];
    }
    place_values(lookup, offsets, present);
}

// --- values of a program's own function ---

struct vedomo_record {
    struct node_lookup *lookup;
    size_t offsets[CATALOGUE_FIELDS_MAX];
    bool present[CATALOGUE_FIELDS_MAX];
};

PUBLIC_API void vedomo_record_found(struct vedomo_record *record, enum vedomo_found found)
{
    record->lookup->status = found == VEDOMO_FOUND_ONE    ? CATALOGUE_VALUE_PRESENT
                             : found == VEDOMO_FOUND_NONE ? CATALOGUE_VALUE_PERSON_UNKNOWN
                                                          : CATALOGUE_VALUE_PERSON_AMBIGUOUS;
}

PUBLIC_API enum vedomo_status vedomo_record_value(struct vedomo_record *record, size_t index,
                                                  const char *value, size_t size)
{
    struct node_lookup *lookup = record->lookup;
    if (index >= lookup->field_count || value == NULL) {
        return VEDOMO_USAGE;
    }
    struct sql_value text = { .kind = SQL_TEXT, .text = bytes_of(value, size) };
    take_value(lookup, index, &text, &record->offsets[index]);
    record->present[index] = !lookup->too_long[index];
    return lookup->too_long[index] ? VEDOMO_FULL : VEDOMO_OK;
}

PUBLIC_API void vedomo_record_updated(struct vedomo_record *record, int64_t updated_ms)
{
    record->lookup->updated_ms = updated_ms > 0 ? (uint64_t)updated_ms : 0;
}

static void look_in_service(const struct share *share, struct node_lookup *lookup,
                            int64_t deadline_ms)
{
    char names[CATALOGUE_FIELDS_MAX][CATALOGUE_CODE_MAX + 1];
    const char *fields[CATALOGUE_FIELDS_MAX];
    for (size_t i = 0; i < lookup->field_count; i++) {
        size_t size = lookup->fields[i].size < CATALOGUE_CODE_MAX ? lookup->fields[i].size
                                                                  : CATALOGUE_CODE_MAX;
        memcpy(names[i], lookup->fields[i].data, size);
        names[i][size] = '\0';
        fields[i] = names[i];
    }
    struct vedomo_lookup asked = { .dataset = share->source->dataset,
                                   .subject = lookup->subject,
                                   .fields = fields,
                                   .field_count = lookup->field_count,
                                   .time_left_ms = deadline_ms - clock_monotonic_ms() };
    struct vedomo_record record = { .lookup = lookup };
    lookup->status = CATALOGUE_VALUE_PERSON_UNKNOWN;
    if (share->source->answer(share->source->context, &asked, &record) != VEDOMO_OK) {
        unavailable(lookup, "the program's own register did not answer");
        return;
    }
    place_values(lookup, record.offsets, record.present);
}

// --- the pool ---

static void work(struct thread *thread, void *argument)
{
    struct share share = *(struct share *)argument;
    struct node_source *source = share.source;
    thread_ready(thread, ST_OK, NULL);
    void *item = NULL;
    while (queue_wait(source->waiting, &item, 1, -1) == 1) {
        struct node_lookup *lookup = item;
        int64_t now_ms = clock_monotonic_ms();
        int64_t limit_ms = now_ms + source->time_limit_ms;
        int64_t deadline_ms = lookup->deadline_ms < limit_ms ? lookup->deadline_ms : limit_ms;
        if (queue_is_closed(source->waiting)) {
            unavailable(lookup, "the node is stopping");
        } else if (deadline_ms <= now_ms) {
            unavailable(lookup, "no time left before the register was asked");
        } else if (source->answer != NULL) {
            look_in_service(&share, lookup, deadline_ms);
        } else {
            look_in_sqlite(&share, lookup, deadline_ms);
        }
        // The queue has a place for every lookup under way.
        queue_push(source->back, &item, 1);
    }
}

static enum status start_pool(struct node_source *source, size_t count, struct error *err)
{
    enum status status = queue_create(count * WAITING_PER_THREAD, 0, &source->waiting, err);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        // thread_start() returns once the thread has copied its share.
        struct share share = { .source = source, .reg = source->registers[i] };
        status = thread_start("register", work, &share, &source->threads[i], err);
        source->thread_count += status == ST_OK ? 1 : 0;
    }
    return status;
}

static struct node_source *source_create(const char *dataset, const char *title,
                                         int64_t time_limit_ms, struct queue *back)
{
    struct node_source *source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return NULL;
    }
    source->dataset = strdup(dataset);
    source->title = strdup(title);
    source->time_limit_ms = time_limit_ms;
    source->back = back;
    if (source->dataset == NULL || source->title == NULL) {
        node_source_close(&source);
    }
    return source;
}

// A connection for each thread; the first one checks the mapping.
static enum status open_registers(struct node_source *source, const struct config_dataset *dataset,
                                  const struct config_register *reg, size_t count,
                                  struct error *err)
{
    const struct config_column *columns = dataset->fields.items;
    const char *expressions[CATALOGUE_FIELDS_MAX];
    for (size_t i = 0; i < dataset->fields.count; i++) {
        expressions[i] = columns[i].column;
        source->field_names[i] = strdup(columns[i].field);
        if (source->field_names[i] == NULL) {
            return error_set(err, ST_NOMEM, "dataset %s: no memory", dataset->code);
        }
        source->field_count++;
    }
    bool has_updated = dataset->updated != NULL && dataset->updated[0] != '\0';
    struct sql_mapping mapping = { .path = reg->path,
                                   .query = dataset->query,
                                   .updated = has_updated ? dataset->updated : NULL,
                                   .columns = expressions,
                                   .column_count = dataset->fields.count,
                                   .value_max_bytes = NODE_VALUES_MAX_BYTES };
    for (size_t i = 0; i < count; i++) {
        enum status status = sql_register_open(&mapping, &source->registers[i], err);
        if (status != ST_OK) {
            error_wrap(err, "dataset %s", dataset->code);
            return status;
        }
    }
    return ST_OK;
}

enum status node_source_open(const struct config_dataset *dataset,
                             const struct config_register *reg, int64_t time_limit_ms,
                             struct queue *back, struct node_source **source, struct error *err)
{
    if (reg->kind != CONFIG_REGISTER_SQLITE) {
        return error_set(err, ST_UNSUPPORTED,
                         "register %s: this version reads SQLite registers only", reg->name);
    }
    if (dataset->fields.count == 0 || dataset->fields.count > CATALOGUE_FIELDS_MAX) {
        return error_set(err, ST_USAGE, "dataset %s: 1 to %d fields", dataset->code,
                         CATALOGUE_FIELDS_MAX);
    }
    if (strlen(dataset->source) >= CATALOGUE_BOX_SOURCE_MAX) {
        return error_set(err, ST_USAGE, "dataset %s: source is longer than %d bytes", dataset->code,
                         CATALOGUE_BOX_SOURCE_MAX - 1);
    }
    struct node_source *made = source_create(dataset->code, dataset->source, time_limit_ms, back);
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "dataset %s: no memory", dataset->code);
    }
    size_t count = reg->connections == 0            ? 1
                   : reg->connections > THREADS_MAX ? THREADS_MAX
                                                    : (size_t)reg->connections;
    enum status status = open_registers(made, dataset, reg, count, err);
    if (status == ST_OK) {
        status = start_pool(made, count, err);
    }
    if (status != ST_OK) {
        node_source_close(&made);
        return status;
    }
    *source = made;
    return ST_OK;
}

enum status node_source_serve(const struct vedomo_service *service, int64_t time_limit_ms,
                              struct queue *back, struct node_source **source, struct error *err)
{
    const char *title = service->source == NULL ? "" : service->source;
    if (service->dataset == NULL || service->answer == NULL ||
        strlen(title) >= CATALOGUE_BOX_SOURCE_MAX) {
        return error_set(err, ST_USAGE,
                         "a service needs a dataset, a function, and a source of at most %d bytes",
                         CATALOGUE_BOX_SOURCE_MAX - 1);
    }
    struct node_source *made = source_create(service->dataset, title, time_limit_ms, back);
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "dataset %s: no memory", service->dataset);
    }
    made->answer = service->answer;
    made->context = service->context;
    size_t count = service->threads == 0            ? THREADS_PRESET
                   : service->threads > THREADS_MAX ? THREADS_MAX
                                                    : service->threads;
    enum status status = start_pool(made, count, err);
    if (status != ST_OK) {
        node_source_close(&made);
        return status;
    }
    *source = made;
    return ST_OK;
}

void node_source_close(struct node_source **source)
{
    if (*source == NULL) {
        return;
    }
    struct node_source *gone = *source;
    *source = NULL;
    if (gone->waiting != NULL) {
        queue_close(gone->waiting);
    }
    for (size_t i = 0; i < gone->thread_count; i++) {
        thread_join(&gone->threads[i]);
    }
    queue_destroy(&gone->waiting);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        sql_register_close(&gone->registers[i]);
    }
    for (size_t i = 0; i < gone->field_count; i++) {
        free(gone->field_names[i]);
    }
    free(gone->dataset);
    free(gone->title);
    free(gone);
}

const char *node_source_dataset(const struct node_source *source)
{
    return source->dataset;
}

const char *node_source_title(const struct node_source *source)
{
    return source->title;
}

bool node_source_has(const struct node_source *source, struct bytes field)
{
    return source->answer != NULL || column_of(source, field) < source->field_count;
}

enum status node_source_look(struct node_source *source, struct node_lookup **lookup,
                             struct error *err)
{
    void *item = *lookup;
    if (queue_push(source->waiting, &item, 1) == 0) {
        return error_set(err, ST_BUSY, "dataset %s: too many lookups wait", source->dataset);
    }
    *lookup = NULL;
    return ST_OK;
}
