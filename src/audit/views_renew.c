// A new stored view without what goes with forgotten entries.
//
// Deleted rows stay readable in a store's free pages, so nothing is deleted: what stays is copied,
// in order, into a store of its own (HOME/views.next), while the old one is read and written as
// ever. The copy is made in many short transactions; what the log got since the first of them is
// applied to it afterwards, from the log. So it ends as the old one stands, whatever happened
// meanwhile. The indexer closes the last gap, moves the file into the old one's place and lets the
// readers go over. A renewal that was cut short is removed at the next opening, and made again: the
// word "kept" in the state of the views says for which forgetting they were renewed last.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/views_runs.h"
#include "audit/views_stored.h"
#include "audit/views_block.h"
#include "audit/views_inside.h"
#include "base/file.h"
#include "base/reader.h"
#include "seal/hash.h"

enum {
    COPY_ROWS = 16384, // looked at in one transaction
    GAP_MAX = 1024,    // entries that the indexer closes by itself
    KEY_ROOM = STORE_KEY_BYTES_MAX + 1,
};

struct audit_renewal {
    struct audit_views *views;
    struct audit_forgotten forgotten;
    struct audit_log *log; // the keeper's
    struct arena *arena;
    struct store *store;
    uint64_t applied; // entries that it stands for
};

// The last row of a citizen's list stays, so it is known only with the next one.
struct held_row {
    bool has;
    size_t key_size;
    size_t value_size;
    uint8_t key[KEY_ROOM];
    uint8_t value[64];
};

struct copying {
    struct audit_renewal *renewal;
    enum audit_table table;
    struct store_txn *from;
    struct audit_stored stored; // what `from` is read through
    struct store_txn *to;
    struct held_row held;
    struct audit_run_writer run; // of a table in runs: what stays of it is one
    uint8_t last[KEY_ROOM];      // where the next transaction goes on
    size_t last_size;
    bool ended;
};

static void name(const struct audit_views *views, const char *what, char path[PATH_MAX + 32])
{
    snprintf(path, PATH_MAX + 32, "%s.next%s", views->folder, what);
}

// ---- remains

void audit_views_clear_folder(const char *folder)
{
    static const char *const files[] = { "data.mdb", "lock.mdb" };
    char path[2 * PATH_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

void audit_views_clear_renewal(const struct audit_views *views)
{
    char path[PATH_MAX + 32];
    name(views, "", path);
    audit_views_clear_folder(path);
}

// Views that were moved aside as damaged hold rows of what is forgotten by now.
static void clear_aside(const struct audit_views *views)
{
    char home[PATH_MAX];
    char path[2 * PATH_MAX];
    const struct dirent *entry;
    size_t length = strlen(views->folder) - strlen("/views");
    memcpy(home, views->folder, length);
    home[length] = '\0';
    DIR *folder = opendir(home);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strncmp(entry->d_name, "views.damaged-", strlen("views.damaged-")) == 0) {
            snprintf(path, sizeof(path), "%s/%s", home, entry->d_name);
            audit_views_clear_folder(path);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

void audit_renewal_destroy(struct audit_renewal **renewal)
{
    if (*renewal != NULL) {
        store_close(&(*renewal)->store);
        audit_log_destroy(&(*renewal)->log);
        arena_destroy(&(*renewal)->arena);
        free(*renewal);
        *renewal = NULL;
    }
}

// ---- what stays

// A counter that was carried forward goes when it has ended, or when a later entry has set it.
static enum status carried_stays(struct copying *copying, struct bytes key, struct bytes value,
                                 bool *stays, struct error *err)
{
    const struct audit_forgotten *forgotten = &copying->renewal->forgotten;
    struct audit_counter_row row;
    struct bytes newer;
    enum status status = audit_counter_row_decode(value, true, &row, err);
    *stays = status == ST_OK && (row.until == 0 || row.until > forgotten->at_ms);
    if (!*stays) {
        return status;
    }
    status = audit_stored_get(&copying->stored, AUDIT_TABLE_COUNTER, key, &newer, err);
    if (status == ST_OK) {
        status = audit_counter_row_decode(newer, false, &row, err);
        *stays = status == ST_OK && row.index < forgotten->to;
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// Of a row's value, the entry that it comes from.
static enum status exchange_index(struct bytes value, uint64_t *index, struct error *err)
{
    struct reader reader = reader_init(value);
    if (value.size == 1 + 8) { // an ending
        (void)reader_u8(&reader);
    } else {
        (void)reader_digest(&reader);
    }
    *index = reader_u64(&reader);
    if (!reader_ok(&reader)) {
        return error_set(err, ST_CORRUPT, "views: an exchange row that is none");
    }
    return ST_OK;
}

static enum status row_stays(struct copying *copying, struct bytes key, struct bytes value,
                             bool *stays, struct error *err)
{
    uint64_t to = copying->renewal->forgotten.to;
    struct audit_counter_row counter;
    uint64_t index = 0;
    enum status status = ST_OK;
    *stays = true;
    switch (copying->table) {
    case AUDIT_TABLE_EXCHANGE:
        status = exchange_index(value, &index, err);
        *stays = status == ST_OK && index >= to;
        break;
    case AUDIT_TABLE_COUNTER:
        status = audit_counter_row_decode(value, false, &counter, err);
        *stays = status == ST_OK && counter.index >= to;
        break;
    case AUDIT_TABLE_CARRIED:
        return carried_stays(copying, key, value, stays, err);
    case AUDIT_TABLE_SUBJECT: // see below
    case AUDIT_TABLE_BLOCK:   // see below
    case AUDIT_TABLE_FACET:
    case AUDIT_TABLE_OPEN:
    case AUDIT_TABLE_CONSENT:
    case AUDIT_TABLE_GOVERNANCE:
    case AUDIT_TABLE_HOLD:
    case AUDIT_TABLE_META:
    case AUDIT_TABLE_RUN:
    case AUDIT_TABLE_COUNT:
        break;
    }
    return status;
}

// ---- copying

static enum status put(struct copying *copying, struct bytes key, struct bytes value,
                       struct error *err)
{
    uint8_t *room = NULL;
    if (audit_run_form(copying->table) != NULL) {
        return audit_run_put(&copying->run, copying->to, key, value, err);
    }
    enum status status = store_append(copying->to, copying->table, key, value.size, &room, err);
    if (status == ST_OK && value.size > 0) {
        memcpy(room, value.data, value.size);
    }
    return status;
}

// Decides about the row that was held back. `next`: the key behind it; empty: the table ends.
static enum status settle(struct copying *copying, struct bytes next, struct error *err)
{
    struct held_row *held = &copying->held;
    struct audit_subject_row row;
    if (!held->has) {
        return ST_OK;
    }
    held->has = false;
    struct bytes key = bytes_of(held->key, held->key_size);
    struct bytes value = bytes_of(held->value, held->value_size);
    enum status status = audit_subject_row_decode(key, value, &row, err);
    bool last = next.size < AUDIT_TAG_BYTES || memcmp(next.data, key.data, AUDIT_TAG_BYTES) != 0;
    if (status == ST_OK &&
        (last || row.index >= copying->renewal->forgotten.to || audit_kind_lasts(row.kind))) {
        status = put(copying, key, value, err);
    }
    return status;
}

static enum status take_subject(struct copying *copying, struct bytes key, struct bytes value,
                                struct error *err)
{
    struct held_row *held = &copying->held;
    enum status status = settle(copying, key, err);
    if (status != ST_OK) {
        return status;
    }
    if (value.size > sizeof(held->value)) {
        return error_set(err, ST_CORRUPT, "views: a subject row that is none");
    }
    memcpy(held->key, key.data, key.size);
    memcpy(held->value, value.data, value.size);
    held->key_size = key.size;
    held->value_size = value.size;
    held->has = true;
    return ST_OK;
}

static enum status take_block(struct copying *copying, struct bytes key, struct bytes value,
                              struct error *err)
{
    uint8_t kept[AUDIT_BLOCK_BYTES];
    size_t size = 0;
    enum status status =
        audit_block_keep(key, value, copying->renewal->forgotten.to, kept, &size, err);
    return status == ST_OK && size > 0 ? put(copying, key, bytes_of(kept, size), err) : status;
}

static enum status take_row(struct copying *copying, struct bytes key, struct bytes value,
                            struct error *err)
{
    bool stays = false;
    if (copying->table == AUDIT_TABLE_SUBJECT) {
        return take_subject(copying, key, value, err);
    }
    if (copying->table == AUDIT_TABLE_BLOCK) {
        return take_block(copying, key, value, err);
    }
    enum status status = row_stays(copying, key, value, &stays, err);
    return status == ST_OK && stays ? put(copying, key, value, err) : status;
}

// The table has been copied whole.
static enum status end_table(struct copying *copying, struct error *err)
{
    enum status status = settle(copying, (struct bytes){ 0 }, err);
    copying->ended = true;
    return status == ST_OK && audit_run_form(copying->table) != NULL
               ? audit_run_end(&copying->run, copying->to, err)
               : status;
}

static enum status copy_rows(struct copying *copying, struct error *err)
{
    struct audit_stored_walk walk;
    struct bytes key;
    struct bytes value;
    size_t count = 0;
    enum status status =
        audit_stored_open(&walk, &copying->stored, copying->table, (struct bytes){ 0 }, false, err);
    if (status == ST_OK) {
        // `last` is a key and one zero byte: nothing lies between the two.
        status = audit_stored_seek(&walk, bytes_of(copying->last, copying->last_size), &key, &value,
                                   err);
    }
    while (status == ST_OK && count++ < COPY_ROWS) {
        status = take_row(copying, key, value, err);
        if (status == ST_OK) {
            memcpy(copying->last, key.data, key.size);
            copying->last[key.size] = 0;
            copying->last_size = key.size + 1;
            status = audit_stored_next(&walk, &key, &value, err);
        }
    }
    if (status == ST_NOT_FOUND) {
        status = end_table(copying, err);
    }
    audit_stored_close(&walk);
    return status;
}

static enum status copy_part(struct copying *copying, struct error *err)
{
    struct snapshot_item *item = NULL;
    struct audit_renewal *renewal = copying->renewal;
    struct store *store = snapshot_pin(renewal->views->stored, &item);
    enum status status = store_begin_read(store, &copying->from, err);
    copying->stored = (struct audit_stored){ .txn = copying->from };
    if (status == ST_OK) {
        status = store_begin_write(renewal->store, &copying->to, err);
    }
    if (status == ST_OK && audit_run_form(copying->table) != NULL && copying->run.number == 0) {
        status = audit_run_begin(&copying->run, copying->to, copying->table, err);
    }
    if (status == ST_OK) {
        status = copy_rows(copying, err);
    }
    if (status == ST_OK) {
        status = store_commit(&copying->to, err);
    }
    store_abort(&copying->to);
    store_abort(&copying->from);
    snapshot_unpin(&item);
    return status;
}

static enum status copy_table(struct audit_renewal *renewal, enum audit_table table,
                              atomic_bool *stop, struct error *err)
{
    struct copying copying = { .renewal = renewal, .table = table };
    enum status status = ST_OK;
    while (status == ST_OK && !copying.ended) {
        status = atomic_load(stop) ? ST_CLOSED : copy_part(&copying, err);
    }
    return status;
}

// The words of the state that no delta brings.
static enum status put_words(struct audit_renewal *renewal, struct error *err)
{
    uint8_t number[8];
    struct store_txn *txn = NULL;
    struct store_txn *old = NULL;
    struct snapshot_item *item = NULL;
    struct bytes forgotten;
    struct store *store = snapshot_pin(renewal->views->stored, &item);
    enum status status = store_begin_read(store, &old, err);
    if (status == ST_OK) {
        status = store_begin_write(renewal->store, &txn, err);
    }
    if (status == ST_OK) {
        status = store_get(old, AUDIT_TABLE_META, bytes_text("forgotten"), &forgotten, err);
    }
    if (status == ST_OK) {
        status = store_put(txn, AUDIT_TABLE_META, bytes_text("forgotten"), forgotten, err);
    }
    if (status == ST_OK) {
        status = store_put(txn, AUDIT_TABLE_META, bytes_text("kept"),
                           seal_u64(number, renewal->forgotten.to), err);
    }
    if (status == ST_OK) {
        status = audit_views_put_state(renewal->views, renewal->log, txn, renewal->applied, err);
    }
    if (status == ST_OK) {
        status = store_commit(&txn, err);
    }
    store_abort(&txn);
    store_abort(&old);
    snapshot_unpin(&item);
    return status;
}

// Applies what the log has up to `to`.
static enum status follow(struct audit_renewal *renewal, struct audit_log *log, uint64_t to,
                          atomic_bool *stop, struct error *err)
{
    enum status status = ST_OK;
    while (status == ST_OK && renewal->applied < to) {
        struct audit_rows *rows = NULL;
        struct audit_delta *delta = NULL;
        uint64_t left = to - renewal->applied;
        uint64_t end = left < AUDIT_LOAD_CHUNK ? to : renewal->applied + AUDIT_LOAD_CHUNK;
        if (stop != NULL && atomic_load(stop)) {
            return ST_CLOSED;
        }
        status = audit_views_decode(renewal->views, log, renewal->arena, renewal->applied, end,
                                    &rows, err);
        if (status == ST_OK) {
            delta = audit_delta_create(rows, renewal->applied, end);
            status = delta == NULL
                         ? error_set(err, ST_NOMEM, "views")
                         : audit_views_write(renewal->views, log, renewal->store, delta, err);
        }
        if (status == ST_OK) {
            renewal->applied = end;
        }
        audit_delta_unref(&delta);
        audit_rows_destroy(&rows);
    }
    return status;
}

static enum status begin(struct audit_views *views, struct audit_renewal **renewal,
                         struct error *err)
{
    char folder[PATH_MAX + 32];
    struct store_txn *txn = NULL;
    struct snapshot_item *item = NULL;
    struct bytes value;
    struct audit_renewal *made = calloc(1, sizeof(*made));
    *renewal = made;
    if (made == NULL || (made->arena = arena_create(AUDIT_LOAD_ARENA_BYTES)) == NULL) {
        return error_set(err, ST_NOMEM, "views");
    }
    made->views = views;
    audit_views_clear_renewal(views);
    name(views, "", folder);
    struct store *store = snapshot_pin(views->stored, &item);
    enum status status = audit_log_create(views->journal, &made->log, err);
    if (status == ST_OK) {
        status = store_begin_read(store, &txn, err);
    }
    if (status == ST_OK) {
        status = audit_views_applied(txn, &made->applied, err);
    }
    if (status == ST_OK) {
        status = store_get(txn, AUDIT_TABLE_META, bytes_text("forgotten"), &value, err);
    }
    if (status == ST_OK) {
        status = audit_forgotten_decode(value, &made->forgotten, err);
    }
    store_abort(&txn);
    snapshot_unpin(&item);
    return status == ST_OK ? audit_views_open_store(views, folder, &made->store, err) : status;
}

enum status audit_views_renew(struct audit_views *views, atomic_bool *stop, struct error *err)
{
    struct audit_renewal *renewal = NULL;
    enum status status = begin(views, &renewal, err);
    for (int table = AUDIT_TABLE_META + 1; status == ST_OK && table < AUDIT_TABLE_RUN; table++) {
        status = copy_table(renewal, (enum audit_table)table, stop, err);
    }
    status = audit_views_note(views, status); // made again, they are without those rows as well
    if (status == ST_OK) {
        status = put_words(renewal, err);
    }
    while (status == ST_OK && renewal->applied + GAP_MAX < atomic_load(&views->applied)) {
        status = follow(renewal, renewal->log, atomic_load(&views->applied), stop, err);
    }
    if (status == ST_OK) {
        atomic_store(&views->renewal_status, (int)ST_BUSY);
        atomic_store(&views->renewed, renewal);
    } else {
        audit_renewal_destroy(&renewal);
        audit_views_clear_renewal(views);
    }
    return status;
}

// ---- taking over

// Both files go to the old ones' place at once: whoever opens the views from another process has to
// meet the data together with its own lock file.
static enum status take_place(const struct audit_views *views, struct error *err)
{
    static const char *const files[] = { "/data.mdb", "/lock.mdb" };
    char from[PATH_MAX + 32];
    char to[PATH_MAX + 32];
    name(views, "", from);
    enum status status = file_exchange(from, views->folder, err);
    if (status != ST_UNSUPPORTED) {
        return status;
    }
    status = ST_OK; // one after the other, then
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(files); i++) {
        name(views, files[i], from);
        snprintf(to, sizeof(to), "%s%s", views->folder, files[i]);
        status = file_move(from, to, err);
    }
    return status;
}

static enum status adopt(struct audit_views *views, struct audit_renewal *renewal,
                         struct error *err)
{
    enum status status = follow(renewal, views->log, atomic_load(&views->applied), NULL, err);
    if (status == ST_OK) {
        status = take_place(views, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (!snapshot_swap(views->stored, renewal->store)) {
        return error_set(err, ST_IO, "views: no memory to go over to the new ones");
    }
    views->store = renewal->store;
    renewal->store = NULL;
    audit_readers_release(views);
    clear_aside(views);
    return ST_OK;
}

enum status audit_views_adopt(struct audit_views *views, struct error *err)
{
    struct audit_renewal *renewal = atomic_exchange(&views->renewed, NULL);
    if (renewal == NULL) {
        return ST_OK;
    }
    enum status status = adopt(views, renewal, err);
    audit_renewal_destroy(&renewal);
    audit_views_clear_renewal(views);
    atomic_store(&views->renewal_status, (int)(status == ST_BUSY ? ST_IO : status));
    return status == ST_IO ? ST_IO : ST_OK;
}

enum status audit_views_renewed(struct audit_views *views)
{
    return (enum status)atomic_load(&views->renewal_status);
}

enum status audit_views_stale(struct audit_views *views, bool *stale, struct error *err)
{
    struct snapshot_item *item = NULL;
    struct store_txn *txn = NULL;
    struct bytes value;
    struct audit_forgotten forgotten = { 0 };
    uint64_t kept = 0;
    struct store *store = snapshot_pin(views->stored, &item);
    enum status status = store_begin_read(store, &txn, err);
    if (status == ST_OK) {
        status = store_get(txn, AUDIT_TABLE_META, bytes_text("forgotten"), &value, err);
    }
    if (status == ST_OK) {
        status = audit_forgotten_decode(value, &forgotten, err);
    }
    if (status == ST_OK) {
        status = store_get(txn, AUDIT_TABLE_META, bytes_text("kept"), &value, err);
        if (status == ST_OK) {
            struct reader reader = reader_init(value);
            kept = reader_u64(&reader);
        }
    }
    store_abort(&txn);
    snapshot_unpin(&item);
    if (status == ST_OK || status == ST_NOT_FOUND) {
        *stale = forgotten.to > kept;
        status = ST_OK;
    }
    return status;
}
