// What still counts of entries that are about to be forgotten.
//
// Each forgetting carries everything forward anew, from the whole of what is forgotten by then: so
// the entries that carry it are themselves under the key of the month in which they are written,
// and go with that month. They are entries of class oversight, about nobody; their officer's part
// is read by the broker alone.
//
// The views are walked in many short readings. What changes in between is no harm: a list that goes
// on has a later last entry, a budget that is charged again a later value, and the later one wins.
#include "broker/keeper.h"

#include "base/reader.h"
#include "seal/hash.h"

enum { CARRY_ROWS = 1024, LOOK_ROWS = 16384, KEY_ROOM = 512 };

// One entry under way: what it will carry, in the job's arena.
struct carrying {
    const struct keeping *keeping;
    struct job *job;
    struct audit_reader *reader;
    enum audit_table table;
    struct wire_carried_head *heads;
    size_t head_count;
    struct wire_counter_seen *counters;
    size_t counter_count;
    size_t looked;
    uint8_t next[KEY_ROOM]; // where the next reading goes on
    size_t next_size;
    bool more; // the table goes on behind that
    bool has_last;
    uint8_t last_tag[AUDIT_TAG_BYTES]; // the newest row that was seen, if it may be a last one
    struct audit_subject_row last;
    enum status status;
    struct error *err;
};

// The row that was held back is the last of its list.
static void keep_head(struct carrying *carrying)
{
    if (!carrying->has_last) {
        return;
    }
    carrying->has_last = false;
    const struct audit_subject_row *row = &carrying->last;
    if (row->index >= carrying->keeping->to || audit_kind_lasts(row->kind)) {
        return;
    }
    carrying->heads[carrying->head_count++] = (struct wire_carried_head){
        .tag = job_keep(carrying->job, bytes_of(carrying->last_tag, AUDIT_TAG_BYTES)),
        .sequence = row->sequence,
        .index = row->index,
        .leaf_hash = row->leaf_hash,
        .minutes = row->minutes,
        .kind = (uint32_t)row->kind,
    };
}

static bool take_head(struct carrying *carrying, struct bytes key, struct bytes value)
{
    if (carrying->has_last && memcmp(carrying->last_tag, key.data, AUDIT_TAG_BYTES) != 0) {
        keep_head(carrying);
    }
    memcpy(carrying->last_tag, key.data, AUDIT_TAG_BYTES);
    carrying->status = audit_subject_row_decode(key, value, &carrying->last, carrying->err);
    carrying->has_last = carrying->status == ST_OK;
    return carrying->status == ST_OK;
}

static bool take_counter(struct carrying *carrying, struct bytes key, struct bytes value)
{
    bool carried = carrying->table == AUDIT_TABLE_CARRIED;
    struct audit_counter_row row;
    struct bytes newer;
    carrying->status = audit_counter_row_decode(value, carried, &row, carrying->err);
    if (carrying->status != ST_OK || key.size != DIGEST_BYTES) {
        return carrying->status == ST_OK;
    }
    bool ended = row.until != 0 && row.until <= (uint64_t)carrying->keeping->now_ms;
    if (ended || row.index >= carrying->keeping->to) {
        return true;
    }
    if (carried) { // unless an entry has set it since
        carrying->status =
            audit_reader_get(carrying->reader, AUDIT_TABLE_COUNTER, key, &newer, carrying->err);
        if (carrying->status != ST_NOT_FOUND) {
            return carrying->status == ST_OK;
        }
        carrying->status = ST_OK;
    }
    struct wire_counter_seen *counter = &carrying->counters[carrying->counter_count++];
    *counter = (struct wire_counter_seen){ .value = row.value, .until = row.until };
    memcpy(counter->key.bytes, key.data, DIGEST_BYTES);
    return true;
}

static bool take_row(struct bytes key, struct bytes value, void *context)
{
    struct carrying *carrying = context;
    // One head may still be held back.
    if (carrying->head_count + 1 >= CARRY_ROWS || carrying->counter_count == CARRY_ROWS ||
        carrying->looked++ == LOOK_ROWS) {
        memcpy(carrying->next, key.data, key.size);
        carrying->next_size = key.size;
        carrying->more = true;
        return false;
    }
    return carrying->table == AUDIT_TABLE_SUBJECT ? take_head(carrying, key, value)
                                                  : take_counter(carrying, key, value);
}

static enum status read_rows(struct keeper *keeper, struct carrying *carrying, struct error *err)
{
    uint64_t size = 0;
    carrying->more = false;
    carrying->looked = 0;
    carrying->status = ST_OK;
    carrying->err = err;
    enum status status = audit_reader_begin(keeper->reader, &size, err);
    if (status == ST_OK) {
        status = audit_reader_scan(keeper->reader, carrying->table, (struct bytes){ 0 },
                                   bytes_of(carrying->next, carrying->next_size), false, take_row,
                                   carrying, err);
        status = status == ST_OK ? carrying->status : status;
        audit_reader_end(keeper->reader);
    }
    if (status == ST_OK && !carrying->more) {
        keep_head(carrying);
    }
    return status;
}

static enum status begin_entry(struct carrying *carrying, struct error *err)
{
    struct job *job = job_create(JOB_BROADCAST);
    if (job != NULL) {
        carrying->heads = arena_take(job->arena, CARRY_ROWS * sizeof(*carrying->heads));
        carrying->counters = arena_take(job->arena, CARRY_ROWS * sizeof(*carrying->counters));
    }
    if (job == NULL || carrying->heads == NULL || carrying->counters == NULL) {
        job_destroy(&job);
        return error_set(err, ST_NOMEM, "no memory to carry anything forward");
    }
    carrying->job = job;
    carrying->head_count = 0;
    carrying->counter_count = 0;
    return ST_OK;
}

static enum status write_entry(struct keeper *keeper, struct carrying *carrying, struct error *err)
{
    struct job *job = carrying->job;
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (carrying->head_count + carrying->counter_count == 0) {
        return ST_OK;
    }
    if (officer == NULL) {
        return error_set(err, ST_NOMEM, "no memory to carry anything forward");
    }
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = WIRE_KIND_CARRY_FORWARD,
                                           .decided_at = (uint64_t)carrying->keeping->now_ms,
                                           .carried_heads = carrying->heads,
                                           .carried_heads_count = carrying->head_count,
                                           .carried_counters = carrying->counters,
                                           .carried_counters_count = carrying->counter_count };
    job->record =
        (struct record){ .kind = RECORD_PLAIN, .class = WIRE_CLASS_OVERSIGHT, .officer = officer };
    return keeper_record(keeper, job, err);
}

static enum status carry_table(struct keeper *keeper, struct carrying *carrying, struct error *err)
{
    enum status status = ST_OK;
    carrying->next_size = 0;
    carrying->has_last = false;
    carrying->more = true;
    while (status == ST_OK && carrying->more) {
        status = begin_entry(carrying, err);
        if (status != ST_OK) {
            return status;
        }
        bool full = false;
        while (status == ST_OK && carrying->more && !full) {
            status = read_rows(keeper, carrying, err);
            full = carrying->head_count + 1 >= CARRY_ROWS || carrying->counter_count == CARRY_ROWS;
        }
        if (status == ST_OK) {
            status = write_entry(keeper, carrying, err);
        }
        if (status != ST_CLOSED) { // else the recorder has it
            job_destroy(&carrying->job);
        }
    }
    return status;
}

enum status keeper_carry(struct keeper *keeper, const struct keeping *keeping, struct error *err)
{
    static const enum audit_table tables[] = { AUDIT_TABLE_SUBJECT, AUDIT_TABLE_COUNTER,
                                               AUDIT_TABLE_CARRIED };
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(tables); i++) {
        struct carrying carrying = { .keeping = keeping,
                                     .reader = keeper->reader,
                                     .table = tables[i] };
        status = carry_table(keeper, &carrying, err);
    }
    return status;
}
