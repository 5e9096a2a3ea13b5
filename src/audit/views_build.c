// The stored view made anew. Its rows are sorted first (audit/sorter.h) and then written in order,
// so that each page is written once and full. All of it stands in HOME/views.new until it is whole;
// then HOME/views is moved aside, the new one takes its place, and the old one is removed. What a
// process that was killed has left behind is removed by the next that opens or builds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/views_runs.h"
#include "audit/sorter.h"
#include "audit/views_block.h"
#include "audit/views_inside.h"
#include "base/file.h"

enum {
    SORT_BYTES = 256 * 1024 * 1024,
    COMMIT_BYTES = 64 * 1024 * 1024,
    PATH_ROOM = PATH_MAX + 32,
};

struct building {
    struct audit_views *views;
    const struct audit_views_options *options;
    struct audit_sorter *sorter;
    struct arena *arena;
    struct store *store;
    struct store_txn *txn;
    uint64_t size; // of the log
    size_t bytes;  // written in this transaction
    struct audit_block block;
    struct audit_run_writer run; // of a table in runs: all of its rows are one
};

static void beside(const struct audit_views *views, const char *what, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s.%s", views->folder, what);
}

static enum status read_log(struct building *building, struct error *err)
{
    const struct audit_views_options *options = building->options;
    enum status status = ST_OK;
    for (uint64_t from = 0; status == ST_OK && from < building->size; from += AUDIT_LOAD_CHUNK) {
        uint64_t left = building->size - from;
        uint64_t to = left < AUDIT_LOAD_CHUNK ? building->size : from + AUDIT_LOAD_CHUNK;
        struct audit_rows *rows = NULL;
        status = audit_views_decode(building->views, building->views->log, building->arena, from,
                                    to, &rows, err);
        for (size_t i = 0; status == ST_OK && i < audit_rows_count(rows); i++) {
            struct audit_row row = audit_rows_at(rows, i);
            status = audit_sorter_add(building->sorter, &row, from, err);
        }
        audit_rows_destroy(&rows);
        if (status == ST_OK && options->progress != NULL) {
            options->progress(to, building->size, options->progress_context);
        }
    }
    return status;
}

static enum status append_row(struct building *building, const struct audit_row *row,
                              struct error *err)
{
    uint8_t *room = NULL;
    if (row->table == AUDIT_TABLE_FACET) {
        return audit_block_add(&building->block, building->txn, row, err);
    }
    if (audit_run_form(row->table) != NULL) {
        return audit_run_put(&building->run, building->txn, row->key, row->value, err);
    }
    enum status status =
        store_append(building->txn, row->table, row->key, row->value.size, &room, err);
    if (status == ST_OK && row->value.size > 0) {
        memcpy(room, row->value.data, row->value.size);
    }
    return status;
}

static enum status commit(struct building *building, struct error *err)
{
    enum status status = audit_block_flush(&building->block, building->txn, err);
    building->bytes = 0;
    return status == ST_OK ? store_commit(&building->txn, err) : status;
}

// The next row is of this table: the run of the one before ends, and one of its own begins.
static enum status turn_to(struct building *building, enum audit_table table, struct error *err)
{
    enum status status = ST_OK;
    if (building->run.table == table) {
        return ST_OK;
    }
    if (building->run.rows > 0) {
        status = audit_run_end(&building->run, building->txn, err);
    }
    building->run.rows = 0;
    building->run.table = table;
    return status == ST_OK && audit_run_form(table) != NULL
               ? audit_run_begin(&building->run, building->txn, table, err)
               : status;
}

static enum status write_row(struct building *building, const struct audit_row *row,
                             struct error *err)
{
    enum status status = ST_OK;
    if (building->txn == NULL) {
        status = store_begin_write(building->store, &building->txn, err);
    }
    if (status == ST_OK) {
        status = turn_to(building, row->table, err);
    }
    if (status == ST_OK) {
        status = append_row(building, row, err);
    }
    building->bytes += row->key.size + row->value.size;
    return status == ST_OK && building->bytes >= COMMIT_BYTES ? commit(building, err) : status;
}

static enum status write_rows(struct building *building, struct error *err)
{
    struct audit_sorted sorted;
    enum status status = audit_sorter_begin(building->sorter, building->size, err);
    while (status == ST_OK) {
        status = audit_sorter_next(building->sorter, &sorted, err);
        if (status == ST_OK) {
            status = write_row(building, &sorted.row, err);
        }
    }
    if (status == ST_NOT_FOUND) {
        status =
            building->txn == NULL ? store_begin_write(building->store, &building->txn, err) : ST_OK;
    }
    if (status == ST_OK) {
        status = turn_to(building, AUDIT_TABLE_COUNT, err);
    }
    // Up to where it stands goes in last: a view that was cut short says nothing.
    if (status == ST_OK) {
        status = audit_views_put_state(building->views, building->views->log, building->txn,
                                       building->size, err);
    }
    if (status == ST_OK) {
        status = commit(building, err);
    }
    store_abort(&building->txn);
    return status;
}

// Puts the finished view into the place of the one that is there.
static enum status take_place(const struct audit_views *views, const char *made, struct error *err)
{
    char old[PATH_ROOM];
    beside(views, "old", old);
    audit_views_clear_folder(old);
    enum status status = file_exists(views->folder) ? file_move(views->folder, old, err) : ST_OK;
    if (status == ST_OK) {
        status = file_move(made, views->folder, err);
    }
    if (status == ST_OK) {
        (void)remove(views->damaged);
        audit_views_clear_folder(old);
    }
    return status;
}

enum status audit_views_build(struct audit_views *views, const struct audit_views_options *options,
                              struct error *err)
{
    char folder[PATH_ROOM];
    struct building building = { .views = views,
                                 .options = options,
                                 .arena = arena_create(AUDIT_LOAD_ARENA_BYTES),
                                 .size = audit_journal_size(options->journal) };
    beside(views, "new", folder);
    audit_views_clear_folder(folder);
    enum status status = building.arena == NULL ? error_set(err, ST_NOMEM, "views")
                                                : audit_sorter_create(options->home, SORT_BYTES,
                                                                      &building.sorter, err);
    if (status == ST_OK) {
        status = read_log(&building, err);
    }
    if (status == ST_OK) {
        status = audit_views_open_store(views, folder, &building.store, err);
    }
    if (status == ST_OK) {
        status = write_rows(&building, err);
    }
    store_close(&building.store);
    audit_sorter_destroy(&building.sorter);
    arena_destroy(&building.arena);
    if (status == ST_OK) {
        status = take_place(views, folder, err);
    }
    if (status != ST_OK) {
        audit_views_clear_folder(folder);
    }
    return status;
}
