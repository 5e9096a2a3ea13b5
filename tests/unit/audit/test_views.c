// The views: what readers see is what the log says, whatever is stored and whatever is in the tail.
#include "facts_fixture.h"

#include "base/file.h"
#include "base/thread.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct seen {
    struct log_fixture fixture;
    struct audit_views *views;
    struct audit_views_opened opened;
    struct audit_reader *reader;
};

static enum status seen_try(struct seen *seen, struct error *err)
{
    struct audit_views_options options = { .home = seen->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = seen->fixture.journal };
    return audit_views_open(&options, &seen->views, &seen->opened, err);
}

static void seen_open(struct seen *seen)
{
    struct error err;
    fixture_open(&seen->fixture);
    assert_ok(seen_try(seen, &err));
    assert_ok(audit_reader_create(seen->views, &seen->reader, &err));
}

static void seen_begin(struct seen *seen)
{
    memset(seen, 0, sizeof(*seen));
    fixture_begin(&seen->fixture);
    seen_open(seen);
}

static void seen_close(struct seen *seen)
{
    audit_reader_destroy(&seen->reader);
    audit_views_close(&seen->views);
    fixture_close(&seen->fixture);
}

static void seen_end(struct seen *seen)
{
    seen_close(seen);
    fixture_end(&seen->fixture);
}

static void apply_all(struct seen *seen)
{
    struct error err;
    uint64_t applied = 0;
    while (audit_views_tail_entries(seen->views) > 0) {
        assert_ok(audit_views_apply(seen->views, &applied, &err));
    }
    audit_views_retire(seen->views);
}

// A little of everything: two persons, five exchanges, consents, a counter, a restart.
static void fill(struct seen *seen)
{
    struct made_entry made;
    static const unsigned lost[] = { 4 };
    make_decision(&made, 1, 1, 1, true);
    append_made(&seen->fixture, seen->views, &made); // 0
    make_ending(&made, WIRE_KIND_RELEASED, 1, 7, 1);
    append_made(&seen->fixture, seen->views, &made); // 1
    make_decision(&made, 2, 1, 2, false);
    append_made(&seen->fixture, seen->views, &made); // 2
    make_consent(&made, 1, 2, 50, 1, WIRE_CONSENT_ACTIVE);
    append_made(&seen->fixture, seen->views, &made); // 3
    make_decision(&made, 1, 3, 3, true);
    append_made(&seen->fixture, seen->views, &made); // 4
    make_ending(&made, WIRE_KIND_RELEASED, 3, 7, 2);
    append_made(&seen->fixture, seen->views, &made); // 5
    make_consent(&made, 1, 4, 50, 2, WIRE_CONSENT_WITHDRAWN);
    append_made(&seen->fixture, seen->views, &made); // 6
    make_decision(&made, 1, 5, 4, true);
    append_made(&seen->fixture, seen->views, &made); // 7
    make_restart(&made, lost, 1);
    append_made(&seen->fixture, seen->views, &made); // 8
    make_decision(&made, 1, 6, 5, true);
    append_made(&seen->fixture, seen->views, &made); // 9
}

static bool count_row(struct bytes key, struct bytes value, void *context)
{
    (void)key;
    (void)value;
    ++*(unsigned *)context;
    return true;
}

// What fill() must show, from wherever it is read.
static void check_filled(struct seen *seen)
{
    struct error err;
    uint64_t size = 0;
    uint64_t value = 0;
    size_t count = 0;
    unsigned open = 0;
    struct audit_tag first = tag_of(1);
    struct audit_tag second = tag_of(2);
    struct audit_tag nobody = tag_of(3);
    struct audit_subject_row rows[8];
    struct audit_exchange_row exchange;
    struct wire_consent_record records[4];
    struct arena *arena = arena_create(1 << 20);
    assert_ok(audit_reader_begin(seen->reader, &size, &err));
    assert_int_equal(size, 10);
    assert_ok(audit_reader_subject_head(seen->reader, &first, rows, &err));
    assert_int_equal(rows[0].sequence, 6);
    assert_int_equal(rows[0].index, 9);
    assert_ok(audit_reader_subject_head(seen->reader, &second, rows, &err));
    assert_int_equal(rows[0].index, 2);
    assert_status(ST_NOT_FOUND, audit_reader_subject_head(seen->reader, &nobody, rows, &err));
    assert_ok(audit_reader_subject_page(seen->reader, &first, 0, 4, rows, &count, &err));
    assert_int_equal(count, 4);
    assert_int_equal(rows[3].sequence, 3);
    assert_ok(audit_reader_subject_page(seen->reader, &first, 2, 8, rows, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].sequence, 2);
    assert_int_equal(rows[0].kind, WIRE_KIND_CONSENT);
    assert_int_equal(rows[1].sequence, 1);

    static const struct {
        enum wire_kind ending;
        uint64_t index;
    } endings[] = { { WIRE_KIND_RELEASED, 1 },
                    { WIRE_KIND_DECISION, 2 },
                    { WIRE_KIND_RELEASED, 5 },
                    { WIRE_KIND_RESTART, 8 },
                    { WIRE_KIND_NONE, 0 } };
    for (unsigned i = 0; i < 5; i++) {
        struct id id = id_of(i + 1);
        assert_ok(audit_reader_exchange(seen->reader, &id, &exchange, &err));
        assert_int_equal(exchange.ending, endings[i].ending);
        assert_int_equal(exchange.ending_index, endings[i].index);
    }
    struct id none = id_of(6);
    assert_status(ST_NOT_FOUND, audit_reader_exchange(seen->reader, &none, &exchange, &err));
    assert_ok(audit_reader_scan(seen->reader, AUDIT_TABLE_OPEN, (struct bytes){ 0 },
                                (struct bytes){ 0 }, false, count_row, &open, &err));
    assert_int_equal(open, 1);

    struct digest key = key_of(7);
    assert_ok(audit_reader_counter(seen->reader, &key, &value, &err));
    assert_int_equal(value, 2);
    key = key_of(8);
    assert_ok(audit_reader_counter(seen->reader, &key, &value, &err));
    assert_int_equal(value, 0);

    struct id consent = id_of(50);
    assert_ok(audit_reader_consent(seen->reader, &first, &consent, arena, records, &err));
    assert_int_equal(records[0].state, WIRE_CONSENT_WITHDRAWN);
    assert_int_equal(records[0].index, 6);
    assert_status(ST_NOT_FOUND,
                  audit_reader_consent(seen->reader, &second, &consent, arena, records, &err));
    assert_ok(audit_reader_consents(seen->reader, &first, arena, 4, records, &count, &err));
    assert_int_equal(count, 1);
    audit_reader_end(seen->reader);
    arena_destroy(&arena);
}

TEST(the_tail_the_stored_view_and_any_mix_of_them_show_the_same)
{
    struct error err;
    uint64_t applied = 0;
    struct seen seen;
    seen_begin(&seen);
    fill(&seen);
    assert_int_equal(audit_views_tail_entries(seen.views), 10);
    check_filled(&seen);
    assert_ok(audit_views_apply(seen.views, &applied, &err));
    check_filled(&seen); // stored, and still in the tail
    apply_all(&seen);
    check_filled(&seen);
    seen_close(&seen);
    seen_open(&seen);
    assert_int_equal(seen.opened.stored, 10);
    assert_false(seen.opened.rebuilt);
    check_filled(&seen);
    seen_end(&seen);
}

// With a log of `size` entries a person's list (an exchange) was looked at; does that still stand?
static bool list_stands(struct seen *seen, unsigned person, uint64_t size)
{
    struct audit_tag tag = tag_of(person);
    return audit_reader_still(seen->reader, AUDIT_TABLE_SUBJECT, audit_tag_view(&tag), size);
}

TEST(what_was_seen_stands_until_an_entry_has_changed_it_or_left_the_tail)
{
    struct seen seen;
    struct error err;
    uint64_t size = 0;
    seen_begin(&seen);
    fill(&seen);
    assert_ok(audit_reader_begin(seen.reader, &size, &err));
    // Entry 2 is the last about the second person, 9 about the first; the third has none.
    for (uint64_t at = 0; at <= size; at++) {
        assert_true(at <= 9 ? !list_stands(&seen, 1, at) : list_stands(&seen, 1, at));
        assert_true(at > 2 || !list_stands(&seen, 2, at));
        assert_true(list_stands(&seen, 3, at));
    }
    assert_true(list_stands(&seen, 2, size));
    audit_reader_end(seen.reader);

    apply_all(&seen);
    assert_ok(audit_reader_begin(seen.reader, &size, &err));
    assert_false(list_stands(&seen, 1, 9)); // entry 9 has left the tail
    assert_false(list_stands(&seen, 3, 9)); // and so nobody can tell
    assert_true(list_stands(&seen, 1, size));
    audit_reader_end(seen.reader);
    seen_end(&seen);
}

TEST(opening_loads_what_the_stored_view_lacks)
{
    struct error err;
    uint64_t applied = 0;
    struct made_entry made;
    struct seen seen;
    seen_begin(&seen);
    make_decision(&made, 1, 1, 1, true);
    append_made(&seen.fixture, seen.views, &made);
    assert_ok(audit_views_apply(seen.views, &applied, &err));
    assert_int_equal(applied, 1);
    make_decision(&made, 1, 2, 2, true);
    append_made(&seen.fixture, seen.views, &made);
    make_decision(&made, 1, 3, 3, true);
    append_made(&seen.fixture, NULL, &made); // durable, and the process died before publishing
    seen_close(&seen);
    seen_open(&seen);
    assert_int_equal(seen.opened.stored, 1);
    assert_int_equal(audit_views_tail_entries(seen.views), 2);
    struct audit_tag tag = tag_of(1);
    struct audit_subject_row row;
    uint64_t size = 0;
    assert_ok(audit_reader_begin(seen.reader, &size, &err));
    assert_int_equal(size, 3);
    assert_ok(audit_reader_subject_head(seen.reader, &tag, &row, &err));
    assert_int_equal(row.sequence, 3);
    audit_reader_end(seen.reader);
    seen_end(&seen);
}

static void views_path(const struct seen *seen, const char *name, char path[320])
{
    snprintf(path, 320, "%s/%s", seen->fixture.home, name);
}

TEST(a_missing_or_damaged_view_is_built_again)
{
    struct error err;
    char path[320];
    struct seen seen;
    seen_begin(&seen);
    fill(&seen);
    apply_all(&seen);
    seen_close(&seen);

    views_path(&seen, "views/data.mdb", path); // cut short
    assert_int_equal(truncate(path, 4096 * 3), 0);
    seen_open(&seen);
    assert_true(seen.opened.rebuilt);
    assert_string_not_equal(seen.opened.aside, "");
    check_filled(&seen);
    apply_all(&seen);
    char aside[320];
    views_path(&seen, seen.opened.aside, aside);
    assert_true(file_exists(aside));
    seen_close(&seen);

    assert_int_equal(unlink(path), 0); // gone
    seen_open(&seen);
    assert_int_equal(seen.opened.stored, 0);
    check_filled(&seen);
    apply_all(&seen);
    seen_close(&seen);

    views_path(&seen, "views.damaged", path); // found damaged while in use
    assert_ok(file_create(path, bytes_text("x"), 0600, &err));
    seen_open(&seen);
    assert_true(seen.opened.rebuilt);
    check_filled(&seen);
    assert_false(file_exists(path));
    seen_end(&seen);
}

static void move_in_home(const struct seen *seen, const char *from, const char *to)
{
    char old[320];
    char new[320];
    views_path(seen, from, old);
    views_path(seen, to, new);
    assert_int_equal(rename(old, new), 0);
}

TEST(a_view_of_another_log_or_ahead_of_its_log_is_built_again)
{
    struct seen seen;
    struct made_entry made;
    seen_begin(&seen);
    fill(&seen);
    apply_all(&seen);
    seen_close(&seen);
    // Another log of the same origin: shorter first, then of the same length.
    move_in_home(&seen, "log", "log.first");
    move_in_home(&seen, "views", "views.first");
    seen_open(&seen);
    make_decision(&made, 9, 1, 90, true);
    append_made(&seen.fixture, seen.views, &made);
    seen_close(&seen);
    move_in_home(&seen, "views", "views.second");
    move_in_home(&seen, "views.first", "views");
    seen_open(&seen); // ahead: ten applied, one in the log
    assert_true(seen.opened.rebuilt);
    struct error err;
    uint64_t size = 0;
    struct audit_subject_row row;
    struct audit_tag first = tag_of(1);
    assert_ok(audit_reader_begin(seen.reader, &size, &err));
    assert_int_equal(size, 1);
    assert_status(ST_NOT_FOUND, audit_reader_subject_head(seen.reader, &first, &row, &err));
    audit_reader_end(seen.reader);
    apply_all(&seen);
    seen_close(&seen);
    // The view of one entry of that log, beside the first log.
    move_in_home(&seen, "log", "log.second");
    move_in_home(&seen, "log.first", "log");
    seen_open(&seen);
    assert_true(seen.opened.rebuilt);
    check_filled(&seen);
    seen_end(&seen);
}

TEST(a_forgotten_month_does_not_stop_a_rebuild)
{
    struct error err;
    struct seen seen;
    seen_begin(&seen);
    fill(&seen);
    assert_ok(audit_vault_forget(seen.fixture.vault,
                                 audit_vault_key_id(WIRE_CLASS_EXCHANGE, NOVEMBER), &err));
    seen_close(&seen);
    seen_open(&seen);
    struct wire_consent_record record;
    struct arena *arena = arena_create(1 << 20);
    struct audit_tag tag = tag_of(1);
    struct id consent = id_of(50);
    uint64_t size = 0;
    assert_ok(audit_reader_begin(seen.reader, &size, &err));
    assert_ok(audit_reader_consent(seen.reader, &tag, &consent, arena, &record, &err));
    audit_reader_end(seen.reader);
    arena_destroy(&arena);
    seen_end(&seen);
}

TEST(a_full_store_leaves_the_view_as_it_was)
{
    struct error err;
    uint64_t applied = 0;
    struct seen seen;
    memset(&seen, 0, sizeof(seen));
    fixture_begin(&seen.fixture);
    fixture_open(&seen.fixture);
    struct audit_views_options options = { .home = seen.fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = 256 * 1024,
                                           .journal = seen.fixture.journal };
    assert_ok(audit_views_open(&options, &seen.views, &seen.opened, &err));
    assert_ok(audit_reader_create(seen.views, &seen.reader, &err));
    fill(&seen);
    apply_all(&seen);
    struct audit_rows *rows = audit_rows_create();
    static uint8_t large[1500];
    for (unsigned i = 0; i < 400; i++) {
        struct digest key = key_of(i);
        struct audit_row row = { .table = AUDIT_TABLE_GOVERNANCE,
                                 .key = bytes_digest(&key),
                                 .value = bytes_of(large, sizeof(large)) };
        assert_ok(audit_rows_put(rows, &row, &err));
    }
    fixture_grow(&seen.fixture, 11);
    assert_ok(audit_views_publish(seen.views, &rows, 11, &err));
    assert_status(ST_FULL, audit_views_apply(seen.views, &applied, &err));
    assert_int_equal(audit_views_tail_entries(seen.views), 1);
    seen_end(&seen);
}

// ---- against a model

enum { MODEL_KEYS = 300, MODEL_ENTRIES = 4000 };

struct model {
    bool has[2][MODEL_KEYS];
    uint32_t value[2][MODEL_KEYS];
};

// One stands in the store row by row, the other in runs: its rows are of one size and stay.
static const enum audit_table model_tables[2] = { AUDIT_TABLE_CONSENT, AUDIT_TABLE_SUBJECT };

enum { MODEL_IN_RUNS = 1, RUN_KEY = AUDIT_TAG_BYTES + 8, RUN_VALUE = 45 };

// Keys of different lengths, some beginning with others; in runs they have one length.
static struct bytes model_key(unsigned table, unsigned number, uint8_t storage[64])
{
    unsigned person = number / 10;
    size_t size = AUDIT_TAG_BYTES + number % 10;
    struct audit_tag tag = tag_of(person % 20);
    memset(storage, 0xff, 64);
    memcpy(storage, tag.bytes, AUDIT_TAG_BYTES);
    storage[AUDIT_TAG_BYTES - 1] = (uint8_t)(person / 20 + 253); // up to 0xff
    if (table == MODEL_IN_RUNS) {
        storage[RUN_KEY - 1] = (uint8_t)(number % 10 + 246); // up to 0xff
        return bytes_of(storage, RUN_KEY);
    }
    return bytes_of(storage, size);
}

struct walk {
    struct model *model;
    unsigned table;
    struct bytes prefix;
    bool reverse;
    uint8_t last[64];
    size_t last_size;
    unsigned count;
};

static bool walk_row(struct bytes key, struct bytes value, void *context)
{
    struct walk *walk = context;
    struct bytes last = bytes_of(walk->last, walk->last_size);
    if (walk->count > 0) {
        int order = bytes_compare(key, last);
        assert_true(walk->reverse ? order < 0 : order > 0);
    }
    bool found = false;
    for (unsigned i = 0; i < MODEL_KEYS && !found; i++) {
        uint8_t storage[64];
        if (bytes_equal(model_key(walk->table, i, storage), key)) {
            assert_true(walk->model->has[walk->table][i]);
            assert_memory_equal(value.data, &walk->model->value[walk->table][i], 4);
            found = true;
        }
    }
    assert_true(found);
    memcpy(walk->last, key.data, key.size);
    walk->last_size = key.size;
    walk->count++;
    return true;
}

static void check_model(struct seen *seen, struct model *model)
{
    struct error err;
    uint64_t size = 0;
    assert_ok(audit_reader_begin(seen->reader, &size, &err));
    for (unsigned t = 0; t < 2; t++) {
        unsigned expected = 0;
        for (unsigned i = 0; i < MODEL_KEYS; i++) {
            uint8_t storage[64];
            struct bytes value;
            struct bytes key = model_key(t, i, storage);
            enum status status = audit_reader_get(seen->reader, model_tables[t], key, &value, &err);
            assert_int_equal(status, model->has[t][i] ? ST_OK : ST_NOT_FOUND);
            if (status == ST_OK) {
                assert_memory_equal(value.data, &model->value[t][i], 4);
                expected++;
            }
        }
        for (int reverse = 0; reverse < 2; reverse++) {
            struct walk walk = { .model = model, .table = t, .reverse = reverse != 0 };
            assert_ok(audit_reader_scan(seen->reader, model_tables[t], (struct bytes){ 0 },
                                        (struct bytes){ 0 }, walk.reverse, walk_row, &walk, &err));
            assert_int_equal(walk.count, expected);
            for (unsigned p = 0; p < MODEL_KEYS; p += 23) {
                uint8_t prefix[64];
                uint8_t start[64];
                struct bytes from = model_key(t, p, start);
                unsigned want = 0;
                (void)model_key(t, p, prefix);
                walk = (struct walk){ .model = model, .table = t, .reverse = reverse != 0 };
                walk.prefix = bytes_of(prefix, AUDIT_TAG_BYTES);
                for (unsigned i = 0; i < MODEL_KEYS; i++) {
                    uint8_t storage[64];
                    struct bytes key = model_key(t, i, storage);
                    int order = bytes_compare(key, from);
                    want += model->has[t][i] && memcmp(key.data, prefix, AUDIT_TAG_BYTES) == 0 &&
                            (walk.reverse ? order <= 0 : order >= 0);
                }
                assert_ok(audit_reader_scan(seen->reader, model_tables[t], walk.prefix, from,
                                            walk.reverse, walk_row, &walk, &err));
                assert_int_equal(walk.count, want);
            }
        }
    }
    audit_reader_end(seen->reader);
}

TEST(whatever_is_published_applied_and_retired_readers_see_the_newest_of_each_key)
{
    struct error err;
    static struct model model;
    struct seen seen;
    uint64_t random = 12345;
    uint64_t applied = 0;
    memset(&model, 0, sizeof(model));
    seen_begin(&seen);
    for (uint64_t size = 0; size < MODEL_ENTRIES;) {
        struct audit_rows *rows = audit_rows_create();
        random = random * 6364136223846793005U + 1442695040888963407U;
        unsigned count = (unsigned)(random >> 40) % 60;
        for (unsigned i = 0; i < count; i++) {
            uint8_t storage[64];
            random = random * 6364136223846793005U + 1442695040888963407U;
            unsigned table = (unsigned)(random >> 33) % 2;
            unsigned key = (unsigned)(random >> 40) % MODEL_KEYS;
            uint32_t value = (uint32_t)(random >> 20);
            uint8_t bytes[RUN_VALUE] = { 0 };
            memcpy(bytes, &value, sizeof(value));
            bool removed = table != MODEL_IN_RUNS && (random >> 60) < 5;
            size_t value_size = table == MODEL_IN_RUNS ? RUN_VALUE : sizeof(value);
            struct audit_row row = { .table = model_tables[table],
                                     .key = model_key(table, key, storage),
                                     .value = bytes_of(bytes, removed ? 0 : value_size),
                                     .removed = removed };
            assert_ok(audit_rows_put(rows, &row, &err));
            model.has[table][key] = !removed;
            model.value[table][key] = value;
        }
        size += 40;
        fixture_grow(&seen.fixture, size);
        assert_ok(audit_views_publish(seen.views, &rows, size, &err));
        unsigned what = (unsigned)(random >> 50) % 8;
        if (what == 0) {
            assert_ok(audit_views_apply(seen.views, &applied, &err));
            assert_int_equal(applied, size);
        } else if (what == 1) {
            audit_views_retire(seen.views);
        }
        if (what < 4) {
            check_model(&seen, &model);
        }
    }
    seen_end(&seen);
}

// ---- the last of each list

enum { LISTS = 400, LIST_PUBLISHED = 60, LIST_ROWS_MAX = 1500 };

static void put_last(struct audit_rows *rows, unsigned person, uint64_t sequence, uint64_t index)
{
    struct error err;
    struct audit_tag tag = tag_of(person);
    uint8_t key[AUDIT_TAG_BYTES + 8];
    uint8_t value[RUN_VALUE] = { 0 };
    memcpy(key, tag.bytes, AUDIT_TAG_BYTES);
    (void)seal_u64(key + AUDIT_TAG_BYTES, sequence);
    (void)seal_u64(value, index);
    value[RUN_VALUE - 1] = WIRE_KIND_DECISION;
    struct audit_row row = { .table = AUDIT_TABLE_SUBJECT,
                             .key = bytes_of(key, sizeof(key)),
                             .value = bytes_of(value, sizeof(value)) };
    assert_ok(audit_rows_put(rows, &row, &err));
}

static void check_last(struct seen *seen, const uint64_t sequences[LISTS])
{
    struct error err;
    uint64_t size = 0;
    assert_ok(audit_reader_begin(seen->reader, &size, &err));
    for (unsigned person = 0; person < LISTS; person++) {
        struct audit_tag tag = tag_of(person);
        struct audit_subject_row head;
        struct audit_subject_row page;
        size_t count = 0;
        enum status status = audit_reader_subject_head(seen->reader, &tag, &head, &err);
        assert_int_equal(status, sequences[person] == 0 ? ST_NOT_FOUND : ST_OK);
        assert_ok(audit_reader_subject_page(seen->reader, &tag, 0, 1, &page, &count, &err));
        assert_int_equal(count, sequences[person] == 0 ? 0 : 1);
        if (count > 0) {
            assert_int_equal(head.sequence, sequences[person]);
            assert_int_equal(page.sequence, sequences[person]);
            assert_int_equal(head.index, page.index);
        }
    }
    audit_reader_end(seen->reader);
}

// Lists that grow all the time, for a while, and one that never does; in the tail, in runs that are
// merged and in large ones.
TEST(the_last_row_of_a_list_is_found_wherever_the_newest_of_its_rows_stand)
{
    struct error err;
    struct seen seen;
    uint64_t sequences[LISTS] = { 0 };
    uint64_t random = 4711;
    uint64_t applied = 0;
    uint64_t size = 0;
    seen_begin(&seen);
    for (unsigned i = 0; i < LIST_PUBLISHED; i++) {
        struct audit_rows *rows = audit_rows_create();
        random = random * 6364136223846793005U + 1442695040888963407U;
        unsigned count = (unsigned)(random >> 40) % (i % 7 == 0 ? LIST_ROWS_MAX : 20);
        for (unsigned k = 0; k < count; k++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            unsigned often = (unsigned)(random >> 33) % 5;
            unsigned now =
                (i * LISTS / LIST_PUBLISHED + (unsigned)(random >> 33) % 40) % (LISTS - 1);
            unsigned person = (random >> 60) < 3 ? often : now;
            put_last(rows, person, ++sequences[person], size + k);
        }
        size += count + 1;
        fixture_grow(&seen.fixture, size);
        assert_ok(audit_views_publish(seen.views, &rows, size, &err));
        check_last(&seen, sequences);
        if ((random >> 55) % 3 == 0) {
            assert_ok(audit_views_apply(seen.views, &applied, &err));
            check_last(&seen, sequences); // the tail has them still
            audit_views_retire(seen.views);
            check_last(&seen, sequences);
        }
    }
    seen_end(&seen);
}

// ---- threads

struct traffic {
    struct seen *seen;
    atomic_bool stop;
    atomic_uint_fast64_t published;
    atomic_uint failures;
    unsigned reads;
};

static void index_all(struct thread *thread, void *argument)
{
    struct traffic *traffic = argument;
    struct error err;
    uint64_t applied = 0;
    thread_ready(thread, ST_OK, NULL);
    while (!atomic_load(&traffic->stop)) {
        if (audit_views_apply(traffic->seen->views, &applied, &err) != ST_OK) {
            atomic_fetch_add(&traffic->failures, 1);
            return;
        }
    }
}

// Every chain has one row an entry: a reader must see as many as the size that it was told.
static void read_all(struct thread *thread, void *argument)
{
    struct traffic *traffic = argument;
    struct error err;
    struct audit_reader *reader = NULL;
    struct audit_tag tag = tag_of(1);
    enum status status = audit_reader_create(traffic->seen->views, &reader, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&traffic->stop)) {
        uint64_t least = atomic_load(&traffic->published);
        uint64_t size = 0;
        struct audit_subject_row row = { 0 };
        status = audit_reader_begin(reader, &size, &err);
        if (status != ST_OK) {
            break;
        }
        status = audit_reader_subject_head(reader, &tag, &row, &err);
        status = status == ST_NOT_FOUND && size == 0 ? ST_OK : status;
        if (size < least || row.sequence < size) {
            status = ST_CORRUPT;
        }
        audit_reader_end(reader);
        traffic->reads++;
    }
    if (status != ST_OK) {
        atomic_fetch_add(&traffic->failures, 1);
    }
    audit_reader_destroy(&reader);
}

TEST(readers_see_every_published_entry_while_the_indexer_works)
{
    struct error err;
    struct seen seen;
    struct thread *indexer = NULL;
    struct thread *reading = NULL;
    seen_begin(&seen);
    static struct traffic traffic;
    memset(&traffic, 0, sizeof(traffic));
    traffic.seen = &seen;
    assert_ok(thread_start("indexer", index_all, &traffic, &indexer, &err));
    assert_ok(thread_start("reader", read_all, &traffic, &reading, &err));
    for (unsigned i = 1; i <= 400; i++) {
        struct made_entry made;
        make_decision(&made, 1, i, i, i % 2 == 0);
        append_made(&seen.fixture, seen.views, &made);
        atomic_store(&traffic.published, i);
    }
    atomic_store(&traffic.stop, true);
    thread_join(&indexer);
    thread_join(&reading);
    assert_int_equal(atomic_load(&traffic.failures), 0);
    assert_true(traffic.reads > 0);
    seen_end(&seen);
}

TEST(the_tail_is_full_at_its_bound_and_not_after_it_was_applied)
{
    struct error err;
    struct seen seen;
    uint64_t applied = 0;
    seen_begin(&seen);
    fixture_grow(&seen.fixture, 5);
    struct audit_rows *rows = audit_rows_create();
    assert_ok(audit_views_publish(seen.views, &rows, 5, &err));
    assert_false(audit_views_tail_full(seen.views));
    static uint8_t large[100000];
    rows = audit_rows_create();
    for (unsigned i = 0; i < 700; i++) {
        struct digest key = key_of(i);
        struct audit_row row = { .table = AUDIT_TABLE_CONSENT,
                                 .key = bytes_digest(&key),
                                 .value = bytes_of(large, sizeof(large)) };
        assert_ok(audit_rows_put(rows, &row, &err));
    }
    fixture_grow(&seen.fixture, 6);
    assert_ok(audit_views_publish(seen.views, &rows, 6, &err));
    assert_true(audit_views_tail_full(seen.views));
    assert_ok(audit_views_apply(seen.views, &applied, &err));
    audit_views_retire(seen.views);
    assert_false(audit_views_tail_full(seen.views));
    seen_end(&seen);
}
