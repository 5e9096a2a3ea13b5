// The checker's views. The rows that the log gives come out of the sorter in the order of the
// store's tables; both are walked side by side, and whatever one has alone, or has otherwise, is
// named.
//
// Views of a running broker go on meanwhile: they are looked at in one transaction, and rows of
// entries beyond what they stood for then are left out. Entries that they show and the walk over
// the log did not reach are read afterwards.
//
// What comes from a forgotten entry cannot be compared with anything: such rows are counted.
#include "audit/verify_walk.h"

#include <limits.h>
#include <stdio.h>

#include "audit/views_stored.h"
#include "audit/views_block.h"
#include "audit/views_inside.h"
#include "base/reader.h"
#include "seal/hash.h"
#include "wire/wire.h"

enum { PROGRESS_ROWS = 1 << 16 };

struct comparing {
    struct audit_walk *walk;
    struct store *store;
    struct store_txn *txn;
    struct audit_stored stored;
    struct audit_stored_walk table; // the one at hand, in order
    uint64_t applied;
    struct audit_sorted sorted; // the next row of the log
    bool has_sorted;
    struct audit_sorted held; // a facet of the next block
    bool has_held;
    struct audit_block block; // what `sorted` views, where it is one
    uint8_t block_key[8];
    struct bytes key; // the next row of the store
    struct bytes value;
    bool has_stored;
    uint64_t rows; // looked at
};

// ---- of which entry a row is

// The entry that a row says it comes from; false: it does not say, or is no such row.
static bool row_index(struct audit_walk *walk, enum audit_table table, struct bytes key,
                      struct bytes value, uint64_t *index)
{
    struct reader reader = reader_init(value);
    struct audit_subject_row subject;
    struct audit_counter_row counter;
    struct wire_consent_record consent;
    struct error err;
    switch (table) {
    case AUDIT_TABLE_SUBJECT:
        *index = 0;
        if (audit_subject_row_decode(key, value, &subject, &err) != ST_OK) {
            return false;
        }
        *index = subject.index;
        return true;
    case AUDIT_TABLE_EXCHANGE:
        if (value.size == 1 + 8) { // an ending
            (void)reader_u8(&reader);
        } else {
            (void)reader_digest(&reader);
        }
        *index = reader_u64(&reader);
        return reader_ok(&reader);
    case AUDIT_TABLE_OPEN:
        *index = reader_u64(&reader);
        return reader_finished(&reader);
    case AUDIT_TABLE_CONSENT:
        arena_reset(walk->arena);
        if (wire_decode(WIRE_SCHEMA_CONSENT_RECORD, value, walk->arena, &consent, &err) != ST_OK) {
            return false;
        }
        *index = consent.index;
        return true;
    case AUDIT_TABLE_COUNTER:
        if (audit_counter_row_decode(value, false, &counter, &err) != ST_OK) {
            return false;
        }
        *index = counter.index;
        return true;
    case AUDIT_TABLE_GOVERNANCE:
        reader = reader_init(key);
        *index = reader_u64(&reader);
        return reader_finished(&reader);
    case AUDIT_TABLE_HOLD:
    case AUDIT_TABLE_CARRIED:
    case AUDIT_TABLE_META:
    case AUDIT_TABLE_FACET:
    case AUDIT_TABLE_BLOCK:
    case AUDIT_TABLE_RUN:
    case AUDIT_TABLE_COUNT:
        break;
    }
    return false;
}

// Tables whose rows go with the entries that they come from, and whether this row may have.
static bool is_forgotten(struct audit_walk *walk, enum audit_table table, struct bytes key,
                         struct bytes value)
{
    struct audit_subject_row subject;
    struct error err;
    uint64_t index = 0;
    if (walk->forgotten_to == 0) {
        return false;
    }
    if (table == AUDIT_TABLE_CARRIED) {
        return true; // they go when they have ended
    }
    if (table == AUDIT_TABLE_SUBJECT &&
        audit_subject_row_decode(key, value, &subject, &err) == ST_OK) {
        return subject.index < walk->forgotten_to && !audit_kind_lasts(subject.kind);
    }
    bool goes =
        table == AUDIT_TABLE_EXCHANGE || table == AUDIT_TABLE_COUNTER || table == AUDIT_TABLE_OPEN;
    return goes && row_index(walk, table, key, value, &index) && index < walk->forgotten_to;
}

// "entry 12, place 3 of a person's list"; or what can be said.
static void describe(struct audit_walk *walk, enum audit_table table, struct bytes key,
                     struct bytes value, uint64_t *index, char text[80])
{
    struct audit_subject_row subject;
    struct error err;
    bool known = row_index(walk, table, key, value, index);
    if (!known) {
        *index = 0;
        snprintf(text, 80, "of no entry that it names");
    } else if (table == AUDIT_TABLE_SUBJECT &&
               audit_subject_row_decode(key, value, &subject, &err) == ST_OK) {
        snprintf(text, 80, "of entry %llu, place %llu of its person's list",
                 (unsigned long long)*index, (unsigned long long)subject.sequence);
    } else {
        snprintf(text, 80, "of entry %llu", (unsigned long long)*index);
    }
}

// ---- findings

// Of two blocks, each facet by itself.
static void found_facets(struct comparing *comparing, struct bytes expected, struct bytes stored)
{
    static const uint8_t none[AUDIT_FACET_BYTES];
    struct audit_walk *walk = comparing->walk;
    struct reader reader =
        reader_init(expected.size > 0 ? comparing->sorted.row.key : comparing->key);
    uint64_t first = reader_u64(&reader) * AUDIT_BLOCK_FACETS;
    size_t size = expected.size > stored.size ? expected.size : stored.size;
    for (size_t offset = 0; offset < size; offset += AUDIT_FACET_BYTES) {
        uint64_t index = first + offset / AUDIT_FACET_BYTES;
        bool there = offset + AUDIT_FACET_BYTES <= stored.size;
        const uint8_t *right = offset < expected.size ? expected.data + offset : none;
        if (there && memcmp(stored.data + offset, right, AUDIT_FACET_BYTES) == 0) {
            continue;
        }
        if (index < walk->forgotten_to) {
            walk->result.unknown++;
        } else if (there || offset < expected.size) {
            audit_walk_found(walk, AUDIT_FAULT_VIEW, index, 1,
                             "views, block: what entry %llu is searched by is not what the log "
                             "gives",
                             (unsigned long long)index);
        }
    }
    if (stored.size % AUDIT_FACET_BYTES != 0 || stored.size > AUDIT_BLOCK_BYTES) {
        audit_walk_found(walk, AUDIT_FAULT_VIEW, first, AUDIT_BLOCK_FACETS,
                         "views, block: the one of entry %llu is cut", (unsigned long long)first);
    }
}

static void found_missing(struct comparing *comparing)
{
    struct audit_walk *walk = comparing->walk;
    const struct audit_row *row = &comparing->sorted.row;
    if (row->table == AUDIT_TABLE_BLOCK) {
        found_facets(comparing, row->value, (struct bytes){ 0 });
        return;
    }
    if (is_forgotten(walk, row->table, row->key, row->value)) {
        walk->result.unknown++;
        return;
    }
    audit_walk_found(walk, AUDIT_FAULT_VIEW, comparing->sorted.index, 1,
                     "views, %s: the row of entry %llu is missing", audit_views_tables[row->table],
                     (unsigned long long)comparing->sorted.index);
}

static void found_extra(struct comparing *comparing, enum audit_table table)
{
    struct audit_walk *walk = comparing->walk;
    char text[80];
    uint64_t index = 0;
    if (table == AUDIT_TABLE_BLOCK) {
        found_facets(comparing, (struct bytes){ 0 }, comparing->value);
        return;
    }
    if (is_forgotten(walk, table, comparing->key, comparing->value)) {
        walk->result.unknown++;
        return;
    }
    describe(walk, table, comparing->key, comparing->value, &index, text);
    audit_walk_found(walk, AUDIT_FAULT_VIEW, index, 1, "views, %s: a row %s is not in the log",
                     audit_views_tables[table], text);
}

static void found_other(struct comparing *comparing)
{
    struct audit_walk *walk = comparing->walk;
    const struct audit_row *row = &comparing->sorted.row;
    char text[80];
    uint64_t index = 0;
    uint64_t stored = 0;
    if (row->table == AUDIT_TABLE_BLOCK) {
        found_facets(comparing, row->value, comparing->value);
        return;
    }
    // A later entry has set it, and that one is forgotten.
    if (is_forgotten(walk, row->table, comparing->key, comparing->value) &&
        row_index(walk, row->table, comparing->key, comparing->value, &stored) &&
        stored > comparing->sorted.index) {
        walk->result.unknown++;
        return;
    }
    describe(walk, row->table, row->key, row->value, &index, text);
    audit_walk_found(walk, AUDIT_FAULT_VIEW, comparing->sorted.index, 1,
                     "views, %s: the row %s is not what the log gives",
                     audit_views_tables[row->table], text);
}

// ---- side by side

static uint64_t facet_index(const struct audit_sorted *sorted)
{
    struct reader reader = reader_init(sorted->row.key);
    return reader_u64(&reader);
}

// Facets come one by one and are stored in blocks: the block that the facet at hand begins.
static enum status next_block(struct comparing *comparing, struct error *err)
{
    struct audit_block *block = &comparing->block;
    enum status status = ST_OK;
    memset(block, 0, sizeof(*block));
    block->number = facet_index(&comparing->sorted) / AUDIT_BLOCK_FACETS;
    uint64_t first = comparing->sorted.index;
    while (status == ST_OK && comparing->sorted.row.table == AUDIT_TABLE_FACET &&
           facet_index(&comparing->sorted) / AUDIT_BLOCK_FACETS == block->number) {
        size_t offset =
            (size_t)(facet_index(&comparing->sorted) % AUDIT_BLOCK_FACETS) * AUDIT_FACET_BYTES;
        memcpy(block->bytes + offset, comparing->sorted.row.value.data, AUDIT_FACET_BYTES);
        block->size = offset + AUDIT_FACET_BYTES;
        status = audit_sorter_next(comparing->walk->sorter, &comparing->sorted, err);
    }
    comparing->has_held = status == ST_OK;
    comparing->held = comparing->sorted;
    comparing->sorted = (struct audit_sorted){
        .row = { .table = AUDIT_TABLE_BLOCK,
                 .key = seal_u64(comparing->block_key, block->number),
                 .value = bytes_of(block->bytes, block->size) },
        .index = first,
    };
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status next_sorted(struct comparing *comparing, struct error *err)
{
    enum status status = ST_OK;
    if (comparing->block.size > 0) { // the row behind the block has been read already
        comparing->sorted = comparing->held;
        comparing->block.size = 0;
        status = comparing->has_held ? ST_OK : ST_NOT_FOUND;
    } else {
        status = audit_sorter_next(comparing->walk->sorter, &comparing->sorted, err);
    }
    comparing->has_sorted = status == ST_OK;
    if (status == ST_OK && comparing->sorted.row.table == AUDIT_TABLE_FACET) {
        return next_block(comparing, err);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status take_stored(struct comparing *comparing, enum status status)
{
    comparing->has_stored = status == ST_OK;
    comparing->rows += status == ST_OK ? 1 : 0;
    if (comparing->rows % PROGRESS_ROWS == PROGRESS_ROWS - 1) {
        audit_walk_progress(comparing->walk, comparing->walk->next, comparing->walk->size);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

static enum status first_stored(struct comparing *comparing, enum audit_table table,
                                struct error *err)
{
    enum status status = audit_stored_open(&comparing->table, &comparing->stored, table,
                                           (struct bytes){ 0 }, false, err);
    return status == ST_OK
               ? take_stored(comparing, audit_stored_seek(&comparing->table, (struct bytes){ 0 },
                                                          &comparing->key, &comparing->value, err))
               : status;
}

static enum status next_stored(struct comparing *comparing, struct error *err)
{
    return take_stored(
        comparing, audit_stored_next(&comparing->table, &comparing->key, &comparing->value, err));
}

// The row that both have.
static enum status compare_both(struct comparing *comparing, struct error *err)
{
    if (bytes_equal(comparing->value, comparing->sorted.row.value)) {
        comparing->walk->result.rows++;
    } else {
        found_other(comparing);
    }
    enum status status = next_sorted(comparing, err);
    return status == ST_OK ? next_stored(comparing, err) : status;
}

static enum status compare_table(struct comparing *comparing, enum audit_table table,
                                 struct error *err)
{
    enum status status = first_stored(comparing, table, err);
    while (status == ST_OK) {
        const struct audit_sorted *sorted = &comparing->sorted;
        bool more = comparing->has_sorted && sorted->row.table == table;
        if (!more && !comparing->has_stored) {
            break;
        }
        int order = !more                    ? 1
                    : !comparing->has_stored ? -1
                                             : bytes_compare(sorted->row.key, comparing->key);
        if (order == 0) {
            status = compare_both(comparing, err);
        } else if (order < 0) {
            found_missing(comparing);
            status = next_sorted(comparing, err);
        } else {
            found_extra(comparing, table);
            status = next_stored(comparing, err);
        }
    }
    audit_stored_close(&comparing->table);
    return status;
}

// ---- what the views say of themselves

static void found_state(struct comparing *comparing, const char *what)
{
    audit_walk_found(comparing->walk, AUDIT_FAULT_VIEW, 0, comparing->applied, "views: %s", what);
}

static enum status leaf_before(struct comparing *comparing, struct digest *hash, struct error *err)
{
    struct audit_record record;
    struct audit_key key = audit_key_u64(comparing->applied - 1);
    struct bytes value;
    memset(hash, 0, sizeof(*hash));
    if (comparing->applied == 0) {
        return ST_OK;
    }
    enum status status =
        store_get(comparing->walk->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
    if (status == ST_OK) {
        status = audit_record_decode(value, comparing->applied - 1, &record, err);
    }
    if (status == ST_OK) {
        *hash = record.leaf_hash;
    }
    return status == ST_NOT_FOUND || status == ST_CORRUPT ? ST_OK : status; // named already
}

static void compare_word(struct comparing *comparing, struct bytes key, struct bytes value,
                         const struct digest *leaf, struct bytes forgotten)
{
    const struct audit_walk *walk = comparing->walk;
    uint8_t tags = walk->options->tagger == NULL ? 0
                   : walk->tag_keys == 0         ? 1
                                                 : (uint8_t)walk->tag_keys;
    uint8_t format = AUDIT_VIEWS_FORMAT;
    uint8_t applied[8];
    struct digest origin = seal_sha256(bytes_text(comparing->walk->log_keys->keys[0].name));
    struct digest search = audit_search_check(comparing->walk->search_key);
    const struct {
        const char *word;
        struct bytes expected;
        const char *otherwise;
    } words[] = {
        { "format", bytes_of(&format, 1), "they are of another form than this program reads" },
        { "origin", bytes_digest(&origin), "they are of another log" },
        { "applied", seal_u64(applied, comparing->applied), "how far they go cannot be read" },
        { "leaf", bytes_digest(leaf), "they are of another log than the one here" },
        { "search", bytes_digest(&search), "what is searched by is under another master key" },
        { "tags", bytes_of(&tags, 1), "persons are under another key of tags than the log says" },
        { "forgotten", forgotten, "what has been forgotten is not what the log says" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (bytes_equal_text(key, words[i].word)) {
            if (bytes_equal(value, words[i].expected)) {
                comparing->walk->result.rows++;
            } else {
                found_state(comparing, words[i].otherwise);
            }
            return;
        }
    }
    // For which forgetting they were renewed.
    if (!bytes_equal_text(key, "kept") || value.size != 8 || forgotten.size == 0) {
        found_state(comparing, "a word about themselves that means nothing");
    }
}

static enum status compare_state(struct comparing *comparing, struct error *err)
{
    static const char *const needed[] = { "format", "origin", "applied", "leaf", "search", "tags" };
    struct digest leaf;
    struct buffer forgotten = buffer_init(64);
    enum status status = leaf_before(comparing, &leaf, err);
    while (status == ST_OK && comparing->has_sorted &&
           comparing->sorted.row.table == AUDIT_TABLE_META) {
        struct audit_forgotten row;
        buffer_clear(&forgotten);
        buffer_bytes(&forgotten, comparing->sorted.row.value);
        if (audit_forgotten_decode(comparing->sorted.row.value, &row, err) == ST_OK &&
            row.to > comparing->walk->forgotten_to) {
            comparing->walk->forgotten_to = row.to;
        }
        status = next_sorted(comparing, err);
    }
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(needed); i++) {
        struct bytes value;
        status = store_get(comparing->txn, AUDIT_TABLE_META, bytes_text(needed[i]), &value, err);
        if (status == ST_NOT_FOUND) {
            found_state(comparing, "they do not say what they are");
            status = ST_OK;
        }
    }
    if (status == ST_OK) {
        status = first_stored(comparing, AUDIT_TABLE_META, err);
    }
    while (status == ST_OK && comparing->has_stored) {
        compare_word(comparing, comparing->key, comparing->value, &leaf, buffer_view(&forgotten));
        status = next_stored(comparing, err);
    }
    audit_stored_close(&comparing->table);
    buffer_fini(&forgotten);
    return status;
}

// ---- the whole

// Entries that the views have and the walk has not seen: a running broker's newest.
static enum status read_newest(struct comparing *comparing, struct error *err)
{
    struct audit_walk *walk = comparing->walk;
    uint64_t size = 0;
    uint64_t before = walk->result.bodies;
    uint64_t at = walk->next;
    enum status status = audit_record_size(walk->txn, &size, err);
    if (status == ST_OK && comparing->applied > size) {
        audit_walk_found(walk, AUDIT_FAULT_VIEW, size, comparing->applied - size,
                         "views: they show %llu entries, the log has %llu",
                         (unsigned long long)comparing->applied, (unsigned long long)size);
    }
    for (; status == ST_OK && walk->next < size && walk->next < comparing->applied; walk->next++) {
        struct audit_key key = audit_key_u64(walk->next);
        struct audit_record record;
        struct bytes value;
        status = store_get(walk->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
        if (status == ST_OK) {
            status = audit_record_decode(value, walk->next, &record, err);
        }
        if (status == ST_OK) {
            status = audit_walk_body(walk, &record, err);
        }
    }
    walk->next = at;
    walk->result.bodies = before;
    return status;
}

static bool is_of_our_form(struct comparing *comparing)
{
    struct bytes value;
    return store_get(comparing->txn, AUDIT_TABLE_META, bytes_text("format"), &value, NULL) ==
               ST_OK &&
           value.size == 1 && value.data[0] == AUDIT_VIEWS_FORMAT;
}

static bool says_anything(struct comparing *comparing)
{
    uint64_t words = 0;
    return store_count(comparing->txn, AUDIT_TABLE_META, &words, NULL) != ST_OK || words > 0;
}

static enum status compare_all(struct comparing *comparing, struct error *err)
{
    struct audit_walk *walk = comparing->walk;
    enum status status = store_begin_read(comparing->store, &comparing->txn, err);
    if (status == ST_OK) {
        comparing->stored.txn = comparing->txn;
        status = audit_views_applied(comparing->txn, &comparing->applied, err);
        walk->result.applied = comparing->applied;
    }
    if (status == ST_OK && comparing->applied == 0 && !says_anything(comparing)) {
        return ST_OK; // made, and nothing written into them yet
    }
    if (status == ST_OK && !is_of_our_form(comparing)) {
        found_state(comparing, "they are of another form than this program reads");
        return ST_OK;
    }
    if (status == ST_OK) {
        status = store_begin_read(walk->store, &walk->txn, err);
    }
    if (status == ST_OK) {
        status = read_newest(comparing, err);
    }
    if (status == ST_OK) {
        status = audit_sorter_begin(walk->sorter, comparing->applied, err);
    }
    if (status == ST_OK) {
        status = next_sorted(comparing, err);
    }
    if (status == ST_OK) {
        status = compare_state(comparing, err);
    }
    for (int table = AUDIT_TABLE_META + 1; status == ST_OK && table < AUDIT_TABLE_RUN; table++) {
        status = audit_walk_runs(walk, comparing->txn, (enum audit_table)table, err);
        if (status == ST_OK) {
            status = compare_table(comparing, (enum audit_table)table, err);
        }
    }
    walk->result.views = true;
    return status;
}

static struct store_options stored(const char *path)
{
    return (struct store_options){
        .path = path,
        .names = audit_views_tables,
        .count = AUDIT_TABLE_COUNT,
        .read_only = true,
    };
}

unsigned audit_walk_views_tags(const char *path)
{
    struct error ignored;
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    struct bytes value;
    unsigned version = 0;
    struct store_options options = stored(path);
    if (store_open(&options, &store, &ignored) == ST_OK &&
        store_begin_read(store, &txn, &ignored) == ST_OK &&
        store_get(txn, AUDIT_TABLE_META, bytes_text("tags"), &value, &ignored) == ST_OK &&
        value.size == 1) {
        version = value.data[0];
    }
    store_abort(&txn);
    store_close(&store);
    return version;
}

enum status audit_walk_views(struct audit_walk *walk, struct error *err)
{
    char path[PATH_MAX];
    struct comparing comparing = { .walk = walk };
    if (snprintf(path, sizeof(path), "%s/views", walk->options->home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", walk->options->home);
    }
    audit_walk_progress(walk, walk->next, walk->size); // tells that the views come now
    struct store_options options = stored(path);
    audit_walk_end(walk);
    enum status status = store_open(&options, &comparing.store, err);
    if (status == ST_OK) {
        status = compare_all(&comparing, err);
    } else if (status == ST_NOT_FOUND) {
        status = error_set(err, ST_CORRUPT, "views: tables are missing: a broker makes them again");
    }
    store_abort(&comparing.txn);
    store_close(&comparing.store);
    return status;
}
