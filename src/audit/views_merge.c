// Merging runs. Four neighbours of like size become one, so a row is moved once for each time that
// the table has grown fourfold; small merges go before large ones, which may take as long as it
// took their rows to come.
#include "audit/views_runs.h"

#include <stdlib.h>
#include <string.h>

#include "audit/views_filter.h"

enum {
    FANOUT = 4,         // neighbours of like size that are merged
    SMALL_ROWS = 512,   // runs up to this size are alike
    MOVED_PER_ROW = 10, // more than the times that a row is moved in its life
    MOVED_AT_LEAST = 512,
    RUNS_HIGH = AUDIT_RUNS_MAX * 3 / 4, // from here on merging goes on until there are fewer
};

// A run that gives its rows away: a copy of its lowest page, which is no longer in the store.
struct giver {
    size_t listed; // place in the list
    size_t at;     // bytes of the page that are given already
    size_t size;
    uint8_t page[AUDIT_RUN_PAGE_BYTES];
};

struct merging {
    struct store_txn *txn;
    struct audit_runs runs;
    const struct audit_run_form *form;
    struct audit_run_writer writer;
    size_t count;
    struct giver givers[AUDIT_RUNS_GROUP_MAX]; // oldest first
};

// ---- what is merged

static unsigned level_of(uint64_t rows)
{
    unsigned level = 0;
    for (; rows > SMALL_ROWS; rows /= FANOUT) {
        level++;
    }
    return level;
}

static bool is_target(const struct audit_runs *runs, uint8_t number)
{
    for (size_t i = 0; i < runs->count; i++) {
        if (runs->runs[i].into == number) {
            return true;
        }
    }
    return false;
}

static bool is_free(const struct audit_runs *runs, size_t place)
{
    return runs->runs[place].into == 0 && !is_target(runs, runs->runs[place].number);
}

// Of the free runs [begin, *end): the newest neighbours that are alike, as [*end - result, *end). A
// run that is smaller than a newer one counts as large as that. 0: there are not enough.
static size_t find_alike(const struct audit_runs *runs, size_t begin, size_t *end)
{
    unsigned level = 0;
    size_t last = *end;
    size_t place = *end;
    for (; place > begin; place--) {
        unsigned next = level_of(runs->runs[place - 1].rows);
        if (next > level) {
            if (last - place >= FANOUT) {
                break;
            }
            level = next;
            last = place;
        }
    }
    size_t count = last - place < AUDIT_RUNS_GROUP_MAX ? last - place : AUDIT_RUNS_GROUP_MAX;
    *end = last;
    return count >= FANOUT ? count : 0;
}

static void begin_group(struct audit_runs *runs, size_t first, size_t count, uint8_t number)
{
    memmove(&runs->runs[first + 1], &runs->runs[first],
            (runs->count - first) * sizeof(runs->runs[0]));
    runs->count++;
    runs->runs[first] = (struct audit_run){ .number = number };
    for (size_t i = 0; i < count; i++) {
        runs->runs[first + 1 + i].into = number;
    }
}

// Marks every group that can be merged.
static enum status begin_groups(struct store_txn *txn, struct audit_runs *runs, struct error *err)
{
    size_t end = runs->count;
    enum status status = ST_OK;
    while (status == ST_OK && end > 0) {
        size_t begin = end;
        while (begin > 0 && is_free(runs, begin - 1)) {
            begin--;
        }
        size_t last = end;
        size_t count = find_alike(runs, begin, &last);
        uint8_t number = audit_runs_unused(runs);
        if (count > 0 && number != 0) {
            begin_group(runs, last - count, count, number);
            status = audit_filter_drop(txn, runs->table, number, err);
        }
        end = begin > 0 ? begin - 1 : 0;
    }
    return status;
}

// ---- moving rows

// Takes the giver's next page out of the store. Size 0: the run has none left.
static enum status take_page(struct merging *merging, struct giver *giver, struct error *err)
{
    uint8_t number = merging->runs.runs[giver->listed].number;
    uint8_t name[AUDIT_RUN_KEY_MAX];
    struct store_cursor *cursor = NULL;
    struct bytes key = { 0 };
    struct bytes page;
    giver->at = 0;
    giver->size = 0;
    enum status status = store_cursor_open(merging->txn, merging->runs.table, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_seek(cursor, bytes_of(&number, 1), &key, &page, err);
    }
    if (status == ST_OK && key.data[0] != number) {
        status = ST_NOT_FOUND;
    }
    if (status == ST_OK) {
        status = audit_run_page_check(merging->runs.table, key, page, err);
    }
    if (status == ST_OK) {
        memcpy(name, key.data, key.size);
        memcpy(giver->page, page.data, page.size);
        giver->size = page.size;
        key.data = name;
    }
    store_cursor_close(&cursor);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    return status == ST_OK ? store_remove(merging->txn, merging->runs.table, key, err) : status;
}

static enum status take_givers(struct merging *merging, size_t target, struct error *err)
{
    uint8_t number = merging->runs.runs[target].number;
    enum status status = ST_OK;
    merging->count = 0;
    for (size_t i = 0; status == ST_OK && i < merging->runs.count; i++) {
        if (merging->runs.runs[i].into == number) {
            struct giver *giver = &merging->givers[merging->count++];
            giver->listed = i;
            status = take_page(merging, giver, err);
        }
    }
    return status;
}

static const uint8_t *row_of(const struct giver *giver)
{
    return giver->page + giver->at;
}

// The giver whose row comes next; of equal keys the newest. NULL: all are empty.
static struct giver *next_giver(struct merging *merging)
{
    struct giver *best = NULL;
    for (size_t i = 0; i < merging->count; i++) {
        struct giver *giver = &merging->givers[i];
        if (giver->at < giver->size &&
            (best == NULL || memcmp(row_of(giver), row_of(best), merging->form->key_bytes) <= 0)) {
            best = giver;
        }
    }
    return best;
}

// ST_CORRUPT: the rows that come next do not lie behind those that the run has. Written there, they
// would stand in front of others that are newer, or in their place.
static enum status check_behind(struct merging *merging, size_t target, struct error *err)
{
    uint8_t highest[AUDIT_RUN_KEY_MAX];
    size_t key_bytes = merging->form->key_bytes;
    struct store_cursor *cursor = NULL;
    struct bytes page;
    const struct giver *giver = next_giver(merging);
    if (giver == NULL) {
        return ST_OK;
    }
    memset(highest, 0xff, key_bytes);
    enum status status = store_cursor_open(merging->txn, merging->runs.table, &cursor, err);
    if (status == ST_OK) {
        status = audit_run_seek(cursor, merging->runs.table, merging->runs.runs[target].number,
                                bytes_of(highest, key_bytes), &page, err);
    }
    if (status == ST_OK &&
        memcmp(page.data + page.size - merging->form->row_bytes, row_of(giver), key_bytes) >= 0) {
        status = error_set(err, ST_CORRUPT, "views: rows of a run out of order");
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// Every giver goes past `key`.
static enum status pass(struct merging *merging, const uint8_t *key, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < merging->count; i++) {
        struct giver *giver = &merging->givers[i];
        if (giver->at == giver->size || memcmp(row_of(giver), key, merging->form->key_bytes) != 0) {
            continue;
        }
        struct audit_run *run = &merging->runs.runs[giver->listed];
        run->rows -= run->rows > 0 ? 1 : 0;
        giver->at += merging->form->row_bytes;
        if (giver->at == giver->size) {
            status = take_page(merging, giver, err);
        }
    }
    return status;
}

static enum status move_rows(struct merging *merging, uint64_t *quota, struct error *err)
{
    const struct audit_run_form *form = merging->form;
    uint8_t key[AUDIT_RUN_KEY_MAX];
    enum status status = ST_OK;
    while (status == ST_OK && *quota > 0) {
        const struct giver *giver = next_giver(merging);
        if (giver == NULL) {
            break;
        }
        const uint8_t *row = row_of(giver);
        memcpy(key, row, form->key_bytes);
        status =
            audit_run_put(&merging->writer, merging->txn, bytes_of(row, form->key_bytes),
                          bytes_of(row + form->key_bytes, form->row_bytes - form->key_bytes), err);
        if (status == ST_OK) {
            status = pass(merging, key, err);
        }
        --*quota;
    }
    return status;
}

// What a giver did not give goes back under the name that it has now.
static enum status put_back(struct merging *merging, const struct giver *giver, struct error *err)
{
    struct audit_run_writer writer = { .table = merging->runs.table,
                                       .number = merging->runs.runs[giver->listed].number,
                                       .size = giver->size - giver->at };
    if (writer.size > 0) {
        memcpy(writer.page, row_of(giver), writer.size);
    }
    return audit_run_flush(&writer, merging->txn, err);
}

static enum status drop_empty(struct merging *merging, struct error *err)
{
    struct audit_runs *runs = &merging->runs;
    enum status status = ST_OK;
    for (size_t i = merging->count; status == ST_OK && i > 0; i--) {
        const struct giver *giver = &merging->givers[i - 1];
        if (giver->size == 0) {
            uint8_t number = runs->runs[giver->listed].number;
            status = audit_filter_drop(merging->txn, runs->table, number, err);
            memmove(&runs->runs[giver->listed], &runs->runs[giver->listed + 1],
                    (runs->count - giver->listed - 1) * sizeof(runs->runs[0]));
            runs->count--;
        }
    }
    return status;
}

// Goes on with one merge.
static enum status go_on(struct merging *merging, size_t target, uint64_t *quota, struct error *err)
{
    struct audit_run *run = &merging->runs.runs[target];
    merging->writer =
        (struct audit_run_writer){ .table = merging->runs.table, .number = run->number };
    enum status status = take_givers(merging, target, err);
    if (status == ST_OK) {
        status = check_behind(merging, target, err);
    }
    if (status == ST_OK) {
        status = move_rows(merging, quota, err);
    }
    if (status == ST_OK) {
        status = audit_run_flush(&merging->writer, merging->txn, err);
    }
    for (size_t i = 0; status == ST_OK && i < merging->count; i++) {
        status = put_back(merging, &merging->givers[i], err);
    }
    run->rows += merging->writer.rows;
    if (status == ST_OK) {
        status = drop_empty(merging, err);
    }
    if (status == ST_OK && !is_target(&merging->runs, run->number)) {
        status = audit_filter_make(merging->txn, merging->runs.table, run->number, run->rows, err);
    }
    return status;
}

// The newest run that others go into; the count: none.
static size_t newest_target(const struct audit_runs *runs)
{
    for (size_t i = runs->count; i > 0; i--) {
        if (is_target(runs, runs->runs[i - 1].number)) {
            return i - 1;
        }
    }
    return runs->count;
}

enum status audit_runs_merge(struct store_txn *txn, enum audit_table table, uint64_t rows,
                             struct error *err)
{
    uint64_t quota = rows * MOVED_PER_ROW + MOVED_AT_LEAST;
    struct merging *merging = malloc(sizeof(*merging));
    if (merging == NULL) {
        return error_set(err, ST_NOMEM, "views: merging runs");
    }
    merging->txn = txn;
    merging->form = audit_run_form(table);
    enum status status = audit_runs_load(txn, table, &merging->runs, err);
    while (status == ST_OK) {
        status = begin_groups(txn, &merging->runs, err);
        size_t target = newest_target(&merging->runs);
        if (status != ST_OK || target == merging->runs.count || quota == 0) {
            break;
        }
        status = go_on(merging, target, &quota, err);
        if (quota == 0 && merging->runs.count >= RUNS_HIGH) {
            quota = MOVED_AT_LEAST;
        }
    }
    if (status == ST_OK) {
        status = audit_runs_save(txn, &merging->runs, err);
    }
    free(merging);
    return status;
}
