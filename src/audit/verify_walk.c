// The checker's inside: one pass over the entries in order, in transactions of a bounded number of
// entries so that a running broker's file does not grow.
//
// Two trees are grown beside one another: one of the leaves as hashed from the entries, one of the
// hashes as the tiles have them (behind the last full tile they are the same). An entry that
// differs from its tile is named. A checkpoint is compared with both: when the tiles fit it, the
// entries that differ have been named already; when neither does, whatever lies behind the last
// checkpoint that fitted is in doubt.
//
// Length: the pass is one thing, and all of it works on one state.
#include "audit/verify_walk.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/month.h"
#include "audit/rows.h"
#include "audit/tiles.h"
#include "base/file.h"
#include "base/reader.h"

enum {
    CHUNK = 16384, // entries under one transaction; whole tiles
    GAP_MAX = 1000000,
    KEYS_MAX = 4096,
    BODY_BYTES_MAX = AUDIT_BODY_BYTES_MAX + 1024,
    ARENA_BYTES = 32 * 1024 * 1024,
};

// What is known of one body key.
struct key_state {
    enum { KEY_UNKNOWN = 0, KEY_GOOD, KEY_FORGOTTEN, KEY_BAD } state;
    uint64_t first; // the first entry under a bad key
    uint64_t count; // and how many there are
    bool said;      // an entry says that the month is forgotten
};

struct walk {
    const struct audit_verify_options *options;
    const struct proof_ring *log_keys;
    int pipe;
    struct store *store;
    struct store_txn *txn;
    struct store_cursor *entries;
    struct store_cursor *checkpoints;
    struct audit_vault *vault; // NULL: bodies are not opened
    struct key_state *keys;    // KEYS_MAX
    struct arena *arena;
    uint8_t *plain; // BODY_BYTES_MAX

    uint64_t size;    // entries when the walk began
    uint64_t next;    // the entry that is due
    uint32_t minutes; // of the one before
    struct proof_frontier leaves;
    struct audit_edge tiles;
    struct proof_frontier stored;
    struct digest hashes[AUDIT_TILE_HASHES]; // of the tile under way, from the entries
    const struct digest *tile;               // and as stored; NULL: it is not full, or missing

    uint64_t fitted;                    // size of the last checkpoint that fitted
    uint64_t row_size;                  // the last row of checkpoints that was looked at
    uint64_t row_when;                  // and its time
    bool has_row;                       // there was one
    struct buffer file;                 // HOME/log.published
    struct proof_checkpoint file_point; // and what it says, when it verifies
    bool has_file;
    struct audit_verify_result result;
};

// ---- telling

static void found(struct walk *walk, enum audit_fault fault, uint64_t index, uint64_t count,
                  const char *format, ...) PRINTF_LIKE(5, 6);

static void found(struct walk *walk, enum audit_fault fault, uint64_t index, uint64_t count,
                  const char *format, ...)
{
    struct audit_tell tell = { .kind = AUDIT_TELL_FINDING };
    va_list list;
    tell.finding.fault = fault;
    tell.finding.index = index;
    tell.finding.count = count;
    va_start(list, format);
    vsnprintf(tell.finding.message, sizeof(tell.finding.message), format, list);
    va_end(list);
    audit_tell_send(walk->pipe, &tell);
}

static void progress(const struct walk *walk)
{
    struct audit_tell tell = {
        .kind = AUDIT_TELL_PROGRESS,
        .done = walk->next,
        .total = walk->size,
        .result = walk->result,
    };
    audit_tell_send(walk->pipe, &tell);
}

// ---- checkpoints

// Compares a verified checkpoint with the trees as they stand at its size.
static void compare_checkpoint(struct walk *walk, const struct proof_checkpoint *point,
                               const char *where)
{
    struct digest leaves = proof_frontier_root(&walk->leaves);
    struct digest stored = proof_frontier_root(&walk->stored);
    walk->result.checkpoints++;
    if (digest_equal(&point->root, &leaves)) {
        walk->fitted = point->size;
    } else if (!digest_equal(&point->root, &stored)) {
        found(walk, AUDIT_FAULT_CHECKPOINT, walk->fitted, point->size - walk->fitted,
              "%s: the first %llu entries are not those that were published", where,
              (unsigned long long)point->size);
    }
    if (point->size > walk->result.published) {
        walk->result.published = point->size;
    }
}

static bool open_checkpoint(struct walk *walk, struct bytes note, const char *where,
                            struct proof_checkpoint *point)
{
    struct error err;
    if (proof_ring_open(walk->log_keys, 0, note, point, &err) != ST_OK) {
        found(walk, AUDIT_FAULT_CHECKPOINT, walk->fitted, 0, "%s: %s", where, err.message);
        return false;
    }
    return true;
}

static void check_row(struct walk *walk, uint64_t size, struct bytes note)
{
    struct proof_checkpoint point;
    char where[64];
    snprintf(where, sizeof(where), "published checkpoint of %llu", (unsigned long long)size);
    if (!open_checkpoint(walk, note, where, &point)) {
        return;
    }
    if (point.size != size) {
        found(walk, AUDIT_FAULT_CHECKPOINT, size, 0, "%s: it is of size %llu", where,
              (unsigned long long)point.size);
        return;
    }
    compare_checkpoint(walk, &point, where);
}

// Checks every row for the size that the walk has reached (at the end: and beyond).
static enum status check_rows(struct walk *walk, bool at_end, struct error *err)
{
    struct audit_key from = audit_key_pair(walk->row_size, walk->row_when);
    struct bytes key;
    struct bytes note;
    enum status status =
        store_cursor_seek(walk->checkpoints, audit_key_view(&from), &key, &note, err);
    while (status == ST_OK) {
        struct reader reader = reader_init(key);
        uint64_t size = reader_u64(&reader);
        uint64_t when = reader_u64(&reader);
        bool again = walk->has_row && bytes_equal(key, audit_key_view(&from));
        if (!reader_finished(&reader) || size < walk->row_size) {
            return error_set(err, ST_CORRUPT, "published checkpoints: keys out of order");
        }
        if (size > walk->next && !at_end) {
            break;
        }
        if (!again && size > walk->next) {
            found(walk, AUDIT_FAULT_SHORT, walk->next, size - walk->next,
                  "the log has %llu entries, %llu were published", (unsigned long long)walk->next,
                  (unsigned long long)size);
        } else if (!again && size == walk->next) {
            check_row(walk, size, note);
        }
        walk->row_size = size;
        walk->row_when = when;
        walk->has_row = true;
        status = store_cursor_next(walk->checkpoints, &key, &note, err);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status check_published(struct walk *walk, bool at_end, struct error *err)
{
    if (walk->has_file && walk->file_point.size == walk->next && !at_end) {
        compare_checkpoint(walk, &walk->file_point, AUDIT_JOURNAL_PUBLISHED);
    }
    if (walk->has_file && at_end && walk->file_point.size > walk->next) {
        found(walk, AUDIT_FAULT_SHORT, walk->next, walk->file_point.size - walk->next,
              "the log has %llu entries, %llu were published (" AUDIT_JOURNAL_PUBLISHED ")",
              (unsigned long long)walk->next, (unsigned long long)walk->file_point.size);
    }
    return check_rows(walk, at_end, err);
}

// ---- bodies

static struct key_state *key_state(struct walk *walk, const struct audit_record *record)
{
    struct error err;
    struct key_state *key = &walk->keys[record->key_id];
    if (key->state == KEY_UNKNOWN) {
        enum status status = audit_vault_check(walk->vault, record->key_id, &err);
        key->first = walk->next;
        key->state = status == ST_OK ? KEY_GOOD : status == ST_NOT_FOUND ? KEY_FORGOTTEN : KEY_BAD;
    }
    return key;
}

// An entry that says which month was forgotten.
static void take_governance(struct walk *walk, const struct audit_body *body)
{
    struct error err;
    struct audit_facts facts = { 0 };
    arena_reset(walk->arena);
    if (audit_facts_decode(body, walk->arena, &facts, &err) != ST_OK) {
        found(walk, AUDIT_FAULT_BODY, walk->next, 1, "entry %llu: %s",
              (unsigned long long)walk->next, err.message);
    } else if (facts.public_ != NULL && facts.public_->kind == WIRE_KIND_CARRY_FORWARD &&
               facts.public_->month < KEYS_MAX) {
        walk->keys[facts.public_->month].said = true;
    }
}

static void check_body(struct walk *walk, const struct audit_record *record)
{
    struct error err;
    struct audit_body body;
    if (walk->vault == NULL) {
        return;
    }
    if (record->key_id >= KEYS_MAX || record->box.size > BODY_BYTES_MAX) {
        found(walk, AUDIT_FAULT_BODY, walk->next, 1, "entry %llu: no such body key",
              (unsigned long long)walk->next);
        return;
    }
    struct key_state *key = key_state(walk, record);
    key->count++;
    if (key->state == KEY_FORGOTTEN) {
        walk->result.forgotten++;
    } else if (key->state == KEY_GOOD) {
        walk->result.bodies++;
        if (audit_record_body(walk->vault, bytes_text(walk->log_keys->keys[0].name), walk->next,
                              record, walk->plain, &body, &err) != ST_OK) {
            found(walk, AUDIT_FAULT_BODY, walk->next, 1, "%s", err.message);
        } else if (record->class == WIRE_CLASS_GOVERNANCE) {
            take_governance(walk, &body);
        }
    }
}

// What the keys say and what the log says have to be the same.
static void tell_forgetting(struct walk *walk, uint32_t id, const struct key_state *key)
{
    char month[AUDIT_MONTH_TEXT_BYTES];
    audit_month_format(id, month);
    if (key->state == KEY_FORGOTTEN && !key->said) {
        found(walk, AUDIT_FAULT_KEY, key->first, key->count,
              "the key of %s was destroyed, and no entry says that the month was forgotten", month);
    } else if (key->state == KEY_GOOD && key->said) {
        found(walk, AUDIT_FAULT_KEY, key->first, key->count,
              "an entry says that %s was forgotten, and its key is there; start the broker: it "
              "destroys it",
              month);
    }
}

static void tell_bad_keys(struct walk *walk)
{
    struct error err;
    for (uint32_t id = 0; walk->vault != NULL && id < KEYS_MAX; id++) {
        const struct key_state *key = &walk->keys[id];
        if (key->state == KEY_BAD && audit_vault_check(walk->vault, id, &err) != ST_OK) {
            found(walk, AUDIT_FAULT_KEY, key->first, key->count, "%s", err.message);
        }
        tell_forgetting(walk, id, key);
    }
}

// ---- entries and tiles

// Called for the tiles that the stored hashes lead to; those of level 0 are where they come from.
static enum status compare_tile(void *context, unsigned level, uint64_t number,
                                const struct digest *hashes, struct error *err)
{
    struct walk *walk = context;
    struct audit_key key = audit_key_tile(level, number);
    struct bytes tile;
    uint64_t first = number << (8 * (level + 1));
    uint64_t count = (uint64_t)1 << (8 * (level + 1));
    if (level == 0) {
        return ST_OK;
    }
    enum status status = store_get(walk->txn, AUDIT_JOURNAL_TILE, audit_key_view(&key), &tile, err);
    if (status == ST_NOT_FOUND) {
        found(walk, AUDIT_FAULT_TILE, first, count, "tile %u/%llu is missing", level,
              (unsigned long long)number);
        return ST_OK;
    }
    if (status == ST_OK && !bytes_equal(tile, bytes_of(hashes, AUDIT_TILE_BYTES))) {
        found(walk, AUDIT_FAULT_TILE, first, count,
              "tile %u/%llu is not what the tiles below it give", level,
              (unsigned long long)number);
    }
    walk->result.tiles += status == ST_OK ? 1 : 0;
    return status;
}

// Finds the tile that the next entry is the first of; NULL in walk->tile when there is none.
static enum status begin_tile(struct walk *walk, struct error *err)
{
    struct audit_key key = audit_key_tile(0, walk->next / AUDIT_TILE_HASHES);
    struct bytes tile;
    enum status status = store_get(walk->txn, AUDIT_JOURNAL_TILE, audit_key_view(&key), &tile, err);
    walk->tile = NULL;
    if (status == ST_OK && tile.size == AUDIT_TILE_BYTES) {
        walk->tile = (const struct digest *)tile.data;
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// The 256 entries of a tile have been read: compares, and carries on with what the tile has.
static enum status finish_tile(struct walk *walk, struct error *err)
{
    uint64_t first = walk->next - AUDIT_TILE_HASHES;
    const struct digest *hashes = walk->tile == NULL ? walk->hashes : walk->tile;
    enum status status = ST_OK;
    if (walk->tile == NULL) {
        found(walk, AUDIT_FAULT_TILE, first, AUDIT_TILE_HASHES, "tile 0/%llu is missing",
              (unsigned long long)first / AUDIT_TILE_HASHES);
    } else {
        walk->result.tiles++;
    }
    for (size_t i = 0; status == ST_OK && i < AUDIT_TILE_HASHES; i++) {
        if (!digest_equal(&hashes[i], &walk->hashes[i])) {
            found(walk, AUDIT_FAULT_TILE, first + i, 1, "entry %llu is not what its tile has",
                  (unsigned long long)(first + i));
        }
        status = audit_edge_append(&walk->tiles, &hashes[i], compare_tile, walk, err);
    }
    return status;
}

// Takes a leaf's hash into both trees.
static enum status take_leaf(struct walk *walk, const struct digest *hash, struct error *err)
{
    unsigned place = (unsigned)(walk->next % AUDIT_TILE_HASHES);
    enum status status = place == 0 ? begin_tile(walk, err) : ST_OK;
    if (status != ST_OK) {
        return status;
    }
    walk->hashes[place] = *hash;
    proof_frontier_append(&walk->leaves, hash);
    proof_frontier_append(&walk->stored, walk->tile == NULL ? hash : &walk->tile[place]);
    walk->next++;
    walk->result.size = walk->next;
    return place == AUDIT_TILE_HASHES - 1 ? finish_tile(walk, err) : ST_OK;
}

static enum status take_entry(struct walk *walk, struct bytes value, struct error *err)
{
    struct audit_record record;
    struct digest hash = { 0 };
    if (audit_record_decode(value, walk->next, &record, err) != ST_OK) {
        found(walk, AUDIT_FAULT_ENTRY, walk->next, 1, "%s", err->message);
    } else {
        hash = record.leaf_hash;
        if (record.minutes < walk->minutes) {
            found(walk, AUDIT_FAULT_ENTRY, walk->next, 1, "entry %llu: its time goes backwards",
                  (unsigned long long)walk->next);
        } else {
            walk->minutes = record.minutes;
        }
        check_body(walk, &record);
    }
    return take_leaf(walk, &hash, err);
}

// Entries that are not there: the trees go on with what the tiles have.
static enum status take_gap(struct walk *walk, uint64_t until, struct error *err)
{
    struct digest none = { 0 };
    enum status status = ST_OK;
    found(walk, AUDIT_FAULT_ENTRY, walk->next, until - walk->next, "%llu entries are missing",
          (unsigned long long)(until - walk->next));
    while (status == ST_OK && walk->next < until) {
        status = take_leaf(walk, &none, err);
        if (status == ST_OK) {
            status = check_published(walk, false, err);
        }
    }
    return status;
}

// Up to CHUNK entries under one transaction.
static enum status walk_chunk(struct walk *walk, struct error *err)
{
    struct audit_key from = audit_key_u64(walk->next);
    struct bytes key;
    struct bytes value;
    uint64_t end = walk->size - walk->next < CHUNK ? walk->size : walk->next + CHUNK;
    enum status status = store_cursor_seek(walk->entries, audit_key_view(&from), &key, &value, err);
    while (walk->next < end) {
        uint64_t index = walk->size;
        if (status == ST_OK) {
            status = audit_number_decode(key, &index, err);
        }
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (index < walk->next) {
            return error_set(err, ST_CORRUPT, "entries: keys out of order");
        }
        if (index > walk->next) {
            status = take_gap(walk, index < walk->size ? index : walk->size, err);
        }
        if (status == ST_OK && walk->next < walk->size) {
            status = take_entry(walk, value, err);
        }
        if (status == ST_OK) {
            status = check_published(walk, false, err);
        }
        if (status == ST_OK && walk->next < end) {
            status = store_cursor_next(walk->entries, &key, &value, err);
        }
    }
    return status;
}

// Tiles that no entry stands behind.
static enum status check_tile_keys(struct walk *walk, uint64_t size, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes tile;
    uint64_t last = 0;
    unsigned last_level = 0;
    bool any = false;
    enum status status = store_cursor_open(walk->txn, AUDIT_JOURNAL_TILE, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &key, &tile, err);
    }
    while (status == ST_OK) {
        struct reader reader = reader_init(key);
        unsigned level = reader_u8(&reader);
        uint64_t number = reader_u64(&reader);
        bool known = reader_finished(&reader) && level < AUDIT_TILE_LEVELS - 1 &&
                     number < size >> (8 * (level + 1));
        if (any && (level < last_level || (level == last_level && number <= last))) {
            status = error_set(err, ST_CORRUPT, "tiles: keys out of order");
            break;
        }
        if (!known) {
            found(walk, AUDIT_FAULT_TILE, size, 0, "tile %u/%llu lies beyond the last entry", level,
                  (unsigned long long)number);
        }
        any = true;
        last_level = level;
        last = number;
        status = store_cursor_next(cursor, &key, &tile, err);
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// ---- the whole

static void end_transaction(struct walk *walk)
{
    store_cursor_close(&walk->entries);
    store_cursor_close(&walk->checkpoints);
    store_abort(&walk->txn);
}

static enum status begin_transaction(struct walk *walk, struct error *err)
{
    end_transaction(walk);
    enum status status = store_begin_read(walk->store, &walk->txn, err);
    if (status == ST_OK) {
        status = store_cursor_open(walk->txn, AUDIT_JOURNAL_ENTRY, &walk->entries, err);
    }
    if (status == ST_OK) {
        status = store_cursor_open(walk->txn, AUDIT_JOURNAL_CHECKPOINT, &walk->checkpoints, err);
    }
    return status;
}

static enum status check_meta(struct walk *walk, struct error *err)
{
    static const char *const words[] = { "origin", "key" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        struct bytes value = { 0 };
        struct digest key = { { 0 } };
        enum status status =
            store_get(walk->txn, AUDIT_JOURNAL_META, bytes_text(words[i]), &value, err);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (value.size == DIGEST_BYTES) {
            memcpy(key.bytes, value.data, DIGEST_BYTES);
        }
        bool same = i == 0 ? bytes_equal_text(value, walk->log_keys->keys[0].name)
                           : proof_ring_has(walk->log_keys, &key);
        if (!same) {
            found(walk, AUDIT_FAULT_STORE, 0, 0, "the log's %s is another than the key given",
                  words[i]);
        }
    }
    return ST_OK;
}

// A damaged last key must not send the walk through entries that never were.
static enum status bound_size(struct walk *walk, struct error *err)
{
    uint64_t count = 0;
    enum status status = store_count(walk->txn, AUDIT_JOURNAL_ENTRY, &count, err);
    if (status == ST_OK && walk->size > count && walk->size - count > GAP_MAX) {
        found(walk, AUDIT_FAULT_ENTRY, count, 0, "%llu entries, but the last one is %llu",
              (unsigned long long)count, (unsigned long long)walk->size - 1);
        walk->size = count;
    }
    return status;
}

static enum status walk_all(struct walk *walk, struct error *err)
{
    uint64_t size = 0;
    enum status status = begin_transaction(walk, err);
    if (status == ST_OK) {
        status = check_meta(walk, err);
    }
    if (status == ST_OK) {
        status = audit_record_size(walk->txn, &walk->size, err);
    }
    if (status == ST_OK) {
        status = bound_size(walk, err);
    }
    if (status == ST_OK) {
        status = check_published(walk, false, err); // of the empty tree
    }
    progress(walk);
    while (status == ST_OK && walk->next < walk->size) {
        status = walk_chunk(walk, err);
        progress(walk);
        if (status == ST_OK) {
            status = begin_transaction(walk, err);
        }
    }
    if (status == ST_OK) {
        status = audit_record_size(walk->txn, &size, err);
    }
    if (status == ST_OK) {
        status = check_tile_keys(walk, size, err);
    }
    // A broker may have gone on meanwhile; what it published since is not looked at.
    if (status == ST_OK && size == walk->size) {
        status = check_published(walk, true, err);
    }
    walk->result.root = proof_frontier_root(&walk->leaves);
    return status;
}

static void read_file(struct walk *walk)
{
    struct error err;
    char path[PATH_MAX];
    walk->file = buffer_init(PROOF_NOTE_MAX);
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_PUBLISHED, walk->options->home) >=
        (int)sizeof(path)) {
        return;
    }
    enum status status = file_read(path, PROOF_NOTE_MAX, &walk->file, &err);
    if (status == ST_OK) {
        walk->has_file = open_checkpoint(walk, buffer_view(&walk->file), AUDIT_JOURNAL_PUBLISHED,
                                         &walk->file_point);
    } else if (status != ST_NOT_FOUND) {
        found(walk, AUDIT_FAULT_CHECKPOINT, 0, 0, "%s", err.message);
    }
}

static enum status open_all(struct walk *walk, struct error *err)
{
    char path[PATH_MAX];
    const char *home = walk->options->home;
    enum status status = ST_OK;
    walk->keys = calloc(KEYS_MAX, sizeof(*walk->keys));
    walk->plain = malloc(BODY_BYTES_MAX);
    walk->arena = arena_create(ARENA_BYTES);
    if (walk->keys == NULL || walk->plain == NULL || walk->arena == NULL) {
        return error_set(err, ST_NOMEM, "audit verify");
    }
    if (walk->options->master != NULL) {
        if (snprintf(path, sizeof(path), "%s/" AUDIT_VAULT_FOLDER, home) >= (int)sizeof(path)) {
            return error_set(err, ST_USAGE, "%s: path too long", home);
        }
        status = file_exists(path)
                     ? audit_vault_open(path, walk->options->master, &walk->vault, err)
                     : error_set(err, ST_NOT_FOUND, "%s: no body keys there", path);
    }
    if (status != ST_OK) {
        return status;
    }
    read_file(walk); // before the store, so that a running broker's log is never behind it
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_FOLDER, home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    size_t map_bytes = walk->options->map_bytes;
    struct store_options store = {
        .path = path,
        .map_bytes = map_bytes == 0 ? AUDIT_JOURNAL_MAP_BYTES : map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    return store_open(&store, &walk->store, err);
}

void audit_verify_walk(const struct audit_verify_options *options, const struct proof_ring *keys,
                       int pipe)
{
    struct audit_tell tell = { .kind = AUDIT_TELL_END };
    struct error err = { .status = ST_OK };
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        _exit(1);
    }
    walk->options = options;
    walk->log_keys = keys;
    walk->pipe = pipe;
    enum status status = open_all(walk, &err);
    if (status == ST_OK) {
        status = walk_all(walk, &err);
        tell_bad_keys(walk);
        if (status != ST_OK && status != ST_NOMEM) {
            status = ST_CORRUPT; // whatever the store says once it is open is about its content
        }
    }
    if (status == ST_CORRUPT) {
        found(walk, AUDIT_FAULT_STORE, walk->next, 0, "%s", err.message);
        status = ST_OK;
    }
    if (status != ST_OK) {
        tell.error = err;
        tell.error.status = status;
    }
    tell.result = walk->result;
    audit_tell_send(walk->pipe, &tell);
    end_transaction(walk);
    store_close(&walk->store);
    audit_vault_close(&walk->vault);
    buffer_fini(&walk->file);
    arena_destroy(&walk->arena);
    free(walk->keys);
    free(walk->plain);
    free(walk);
}
