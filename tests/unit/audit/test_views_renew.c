// Views after a month was forgotten: what went is in no file any more, what counts stays, readers
// go on, and views made again from the log are the same.
#include "facts_fixture.h"

#include "audit/month.h"
#include "audit/views_block.h"
#include "audit/views_inside.h"
#include "base/file.h"
#include "base/thread.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OCTOBER = NOVEMBER - 31 * 24 * 60,
    FORGOTTEN_TO = 8, // entries of October
};

struct renewed {
    struct log_fixture fixture;
    struct audit_views *views;
    struct audit_views_opened opened;
    struct audit_reader *reader;
    uint32_t month;
};

static void open_views(struct renewed *renewed)
{
    struct error err;
    struct audit_views_options options = { .home = renewed->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = renewed->fixture.journal };
    assert_ok(audit_views_open(&options, &renewed->views, &renewed->opened, &err));
    assert_ok(audit_reader_create(renewed->views, &renewed->reader, &err));
}

static void open_all(struct renewed *renewed)
{
    fixture_open(&renewed->fixture);
    open_views(renewed);
}

static void close_all(struct renewed *renewed)
{
    audit_reader_destroy(&renewed->reader);
    audit_views_close(&renewed->views);
    fixture_close(&renewed->fixture);
}

static void apply_all(struct renewed *renewed)
{
    struct error err;
    uint64_t applied = 0;
    while (audit_views_tail_entries(renewed->views) > 0) {
        assert_ok(audit_views_apply(renewed->views, &applied, &err));
    }
    audit_views_retire(renewed->views);
}

static void append(struct renewed *renewed, struct made_entry *made)
{
    append_made(&renewed->fixture, renewed->views, made);
}

// October: persons 1 and 2, a counter each of three kinds; November: person 1 alone, and the first
// counter again.
static void fill(struct renewed *renewed)
{
    struct made_entry made;
    made_minutes = OCTOBER;
    make_decision(&made, 1, 1, 1, true);
    append(renewed, &made); // 0
    make_ending(&made, WIRE_KIND_RELEASED, 1, 71, 5);
    append(renewed, &made); // 1
    make_decision(&made, 2, 1, 2, true);
    append(renewed, &made); // 2
    make_ending(&made, WIRE_KIND_RELEASED, 2, 72, 6);
    append(renewed, &made); // 3
    make_consent(&made, 1, 2, 50, 1, WIRE_CONSENT_ACTIVE);
    append(renewed, &made); // 4
    make_decision(&made, 2, 2, 3, true);
    append(renewed, &made); // 5
    make_ending(&made, WIRE_KIND_RELEASED, 3, 73, 7);
    append(renewed, &made); // 6
    make_decision(&made, 1, 3, 4, false);
    append(renewed, &made); // 7
    made_minutes = NOVEMBER;
    make_decision(&made, 1, 4, 5, true);
    append(renewed, &made); // 8
    make_ending(&made, WIRE_KIND_RELEASED, 5, 71, 6);
    append(renewed, &made); // 9
    renewed->month = audit_month_of(OCTOBER);
    assert_int_not_equal(renewed->month, audit_month_of(NOVEMBER));
}

// What the keeper writes: the last entry of person 2's list and the counters, then that it is so.
static void carry(struct renewed *renewed)
{
    struct error err;
    struct made_entry made;
    struct audit_tag tag = tag_of(2);
    struct audit_subject_row row;
    uint64_t size = 0;
    assert_ok(audit_reader_begin(renewed->reader, &size, &err));
    assert_ok(audit_reader_subject_head(renewed->reader, &tag, &row, &err));
    audit_reader_end(renewed->reader);
    struct wire_carried_head head = { .tag = audit_tag_view(&tag),
                                      .sequence = row.sequence,
                                      .index = row.index,
                                      .leaf_hash = row.leaf_hash,
                                      .minutes = row.minutes,
                                      .kind = (uint32_t)row.kind };
    // The first one was charged again meanwhile: what is carried of it must not count.
    // The last one ends before the order is given.
    struct wire_counter_seen counters[] = { { .key = key_of(71), .value = 5 },
                                            { .key = key_of(72), .value = 6 },
                                            { .key = key_of(74), .value = 9, .until = 500 } };
    struct wire_officer_part carried = { .format = 1,
                                         .kind = WIRE_KIND_CARRY_FORWARD,
                                         .carried_heads = &head,
                                         .carried_heads_count = 1,
                                         .carried_counters = counters,
                                         .carried_counters_count = 3 };
    make_entry(&made, WIRE_CLASS_OVERSIGHT, made_minutes, NULL, NULL, &carried, NULL);
    append(renewed, &made);
    struct wire_officer_part officer = { .format = 1, .kind = WIRE_KIND_CARRY_FORWARD };
    struct wire_public_part order = { .format = 1,
                                      .kind = WIRE_KIND_CARRY_FORWARD,
                                      .recorded_at = 1000,
                                      .month = renewed->month,
                                      .forgotten_to = FORGOTTEN_TO };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, made_minutes, NULL, NULL, &officer, &order);
    append(renewed, &made);
    assert_ok(audit_vault_forget(renewed->fixture.vault, renewed->month, &err));
}

static void renew(struct renewed *renewed)
{
    struct error err;
    atomic_bool stop = false;
    assert_ok(audit_views_renew(renewed->views, &stop, &err));
    assert_int_equal(audit_views_renewed(renewed->views), ST_BUSY);
    assert_ok(audit_views_adopt(renewed->views, &err));
    assert_int_equal(audit_views_renewed(renewed->views), ST_OK);
}

static bool is_stale(struct renewed *renewed)
{
    struct error err;
    bool stale = false;
    assert_ok(audit_views_stale(renewed->views, &stale, &err));
    return stale;
}

static bool in_file(const struct renewed *renewed, struct bytes wanted)
{
    struct error err;
    char path[256];
    struct buffer file = buffer_init((size_t)64 << 20);
    snprintf(path, sizeof(path), "%s/views/data.mdb", renewed->fixture.home);
    assert_ok(file_read(path, (size_t)64 << 20, &file, &err));
    bool found = memmem(file.data, file.size, wanted.data, wanted.size) != NULL;
    buffer_fini(&file);
    return found;
}

static uint64_t counter(struct renewed *renewed, unsigned number)
{
    struct error err;
    struct digest key = key_of(number);
    uint64_t value = 0;
    assert_ok(audit_reader_counter(renewed->reader, &key, &value, &err));
    return value;
}

static uint64_t counter_now(struct renewed *renewed, unsigned number)
{
    struct error err;
    uint64_t size = 0;
    assert_ok(audit_reader_begin(renewed->reader, &size, &err));
    uint64_t value = counter(renewed, number);
    audit_reader_end(renewed->reader);
    return value;
}

static bool count_row(struct bytes key, struct bytes value, void *context)
{
    size_t *count = context;
    (void)key;
    (void)value;
    (*count)++;
    return true;
}

static size_t count_carried(struct renewed *renewed)
{
    struct error err;
    uint64_t size = 0;
    size_t count = 0;
    assert_ok(audit_reader_begin(renewed->reader, &size, &err));
    assert_ok(audit_reader_scan(renewed->reader, AUDIT_TABLE_CARRIED, (struct bytes){ 0 },
                                (struct bytes){ 0 }, false, count_row, &count, &err));
    audit_reader_end(renewed->reader);
    return count;
}

// A bit for each entry that has a facet.
static bool take_facet(uint64_t index, const uint8_t *facet, void *context)
{
    static const uint8_t none[AUDIT_FACET_BYTES];
    uint64_t *bits = context;
    if (memcmp(facet, none, sizeof(none)) != 0) {
        *bits |= (uint64_t)1 << index;
    }
    return true;
}

static uint64_t facets(struct renewed *renewed)
{
    struct error err;
    uint64_t size = 0;
    uint64_t bits = 0;
    assert_ok(audit_reader_begin(renewed->reader, &size, &err));
    assert_ok(audit_reader_facets(renewed->reader, size, 0, take_facet, &bits, &err));
    audit_reader_end(renewed->reader);
    return bits;
}

// Whether this process still has that file of the home open, by what stands in its name.
static bool is_mapped(const struct renewed *renewed, const char *what)
{
    char line[1024];
    bool found = false;
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        found =
            found || (strstr(line, renewed->fixture.home) != NULL && strstr(line, what) != NULL);
    }
    fclose(file);
    return found;
}

// What everybody must see from now on.
static void check_kept(struct renewed *renewed)
{
    struct error err;
    struct audit_tag tags[] = { tag_of(1), tag_of(2) };
    struct audit_subject_row rows[8];
    struct audit_exchange_row exchange;
    struct audit_forgotten forgotten;
    struct arena *arena = arena_create(1 << 20);
    struct wire_consent_record record;
    struct id ids[6];
    uint64_t size = 0;
    size_t count = 0;
    assert_ok(audit_reader_begin(renewed->reader, &size, &err));
    assert_ok(audit_reader_forgotten(renewed->reader, &forgotten, &err));
    assert_int_equal(forgotten.to, FORGOTTEN_TO);
    assert_int_equal(forgotten.month, renewed->month);
    // Person 1: the new decision and the consent, whose body is under the lasting key.
    assert_ok(audit_reader_subject_page(renewed->reader, &tags[0], 0, 8, rows, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].sequence, 4);
    assert_int_equal(rows[1].sequence, 2);
    // Person 2 sleeps: the last entry stays, so that the next one can name it.
    assert_ok(audit_reader_subject_page(renewed->reader, &tags[1], 0, 8, rows, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].sequence, 2);
    assert_int_equal(rows[0].index, 5);
    for (unsigned i = 1; i <= 4; i++) {
        ids[i] = id_of(i);
        assert_status(ST_NOT_FOUND,
                      audit_reader_exchange(renewed->reader, &ids[i], &exchange, &err));
    }
    ids[5] = id_of(5);
    assert_ok(audit_reader_exchange(renewed->reader, &ids[5], &exchange, &err));
    assert_int_equal(exchange.ending, WIRE_KIND_RELEASED);
    assert_int_equal(counter(renewed, 71), 6);
    assert_int_equal(counter(renewed, 72), 6);
    assert_int_equal(counter(renewed, 73), 0); // it had ended: nobody carried it
    struct id consent = id_of(50);
    assert_ok(audit_reader_consent(renewed->reader, &tags[0], &consent, arena, &record, &err));
    audit_reader_end(renewed->reader);
    arena_destroy(&arena);
}

static void begin(struct renewed *renewed)
{
    memset(renewed, 0, sizeof(*renewed));
    fixture_begin(&renewed->fixture);
    open_all(renewed);
    fill(renewed);
    apply_all(renewed);
    assert_false(is_stale(renewed));
}

static void end(struct renewed *renewed)
{
    close_all(renewed);
    fixture_end(&renewed->fixture);
    made_minutes = NOVEMBER;
}

TEST(rows_of_forgotten_entries_are_in_no_byte_of_the_file_afterwards)
{
    struct renewed renewed;
    struct id id = id_of(3);
    begin(&renewed);
    assert_true(in_file(&renewed, bytes_id(&id)));
    assert_int_equal(facets(&renewed), 0x3ff);
    carry(&renewed);
    apply_all(&renewed);
    assert_true(is_stale(&renewed));
    renew(&renewed);
    assert_false(is_stale(&renewed));
    assert_false(in_file(&renewed, bytes_id(&id)));
    check_kept(&renewed);
    assert_int_equal(count_carried(&renewed), 1); // of 71 a later one counts, 74 has ended
    // Of October the consent's facet alone, whose body lasts; everything from November on.
    assert_int_equal(facets(&renewed) & 0x3ff, 0x310);
    close_all(&renewed);
    open_all(&renewed); // the file that took the place is a whole one
    assert_false(renewed.opened.rebuilt);
    assert_false(is_stale(&renewed));
    check_kept(&renewed);
    end(&renewed);
}

TEST(files_of_the_old_views_and_of_damaged_ones_are_removed)
{
    struct error err;
    struct renewed renewed;
    char folder[256];
    char path[300];
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    snprintf(folder, sizeof(folder), "%s/views.damaged-1", renewed.fixture.home);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof(path), "%s/data.mdb", folder);
    assert_ok(file_create(path, bytes_text("rows of October"), 0600, &err));
    renew(&renewed);
    assert_false(file_exists(folder));
    snprintf(folder, sizeof(folder), "%s/views.next", renewed.fixture.home);
    assert_false(file_exists(folder));
    end(&renewed);
}

TEST(views_made_again_from_the_log_know_what_was_carried_forward)
{
    struct renewed renewed;
    char path[256];
    begin(&renewed);
    carry(&renewed);
    close_all(&renewed);
    snprintf(path, sizeof(path), "%s/views/data.mdb", renewed.fixture.home);
    assert_int_equal(unlink(path), 0);
    open_all(&renewed);
    check_kept(&renewed);
    apply_all(&renewed);
    renew(&renewed); // and again: nothing changes
    check_kept(&renewed);
    end(&renewed);
}

TEST(a_reader_at_work_keeps_what_it_sees_and_one_that_sleeps_lets_go)
{
    struct error err;
    struct renewed renewed;
    struct audit_reader *sleeper = NULL;
    struct audit_exchange_row exchange;
    struct id id = id_of(1);
    uint64_t size = 0;
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    assert_ok(audit_reader_create(renewed.views, &sleeper, &err));
    assert_ok(audit_reader_begin(sleeper, &size, &err));
    audit_reader_end(sleeper);
    assert_ok(audit_reader_begin(renewed.reader, &size, &err));
    renew(&renewed);
    assert_true(is_mapped(&renewed, "(deleted)"));
    assert_ok(audit_reader_exchange(renewed.reader, &id, &exchange, &err));
    audit_reader_end(renewed.reader);
    check_kept(&renewed);
    // The old file is gone from the disk, and nobody holds it open who does nothing.
    assert_false(is_mapped(&renewed, "(deleted)"));
    assert_ok(audit_reader_begin(sleeper, &size, &err));
    assert_status(ST_NOT_FOUND, audit_reader_exchange(sleeper, &id, &exchange, &err));
    audit_reader_destroy(&sleeper);
    end(&renewed);
}

TEST(what_the_log_gets_during_a_renewal_is_not_lost)
{
    struct error err;
    struct renewed renewed;
    struct made_entry made;
    struct audit_exchange_row exchange;
    struct audit_subject_row row;
    struct audit_tag tag = tag_of(2);
    struct id id = id_of(9);
    atomic_bool stop = false;
    uint64_t size = 0;
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    assert_ok(audit_views_renew(renewed.views, &stop, &err));
    make_decision(&made, 2, 3, 9, true);
    append(&renewed, &made);
    apply_all(&renewed); // into the old file
    make_ending(&made, WIRE_KIND_RELEASED, 9, 72, 8);
    append(&renewed, &made); // and into the tail
    assert_ok(audit_views_adopt(renewed.views, &err));
    apply_all(&renewed);
    assert_ok(audit_reader_begin(renewed.reader, &size, &err));
    assert_ok(audit_reader_exchange(renewed.reader, &id, &exchange, &err));
    assert_int_equal(exchange.ending, WIRE_KIND_RELEASED);
    assert_ok(audit_reader_subject_head(renewed.reader, &tag, &row, &err));
    assert_int_equal(row.sequence, 3);
    assert_int_equal(counter(&renewed, 72), 8);
    audit_reader_end(renewed.reader);
    end(&renewed);
}

struct watcher {
    struct audit_views *views;
    struct thread *thread;
    atomic_bool *stop;
    unsigned rounds;
    unsigned wrong;
};

// Reads as the broker's threads do: what was there is there, whichever file it comes from.
static void watch(struct thread *thread, void *argument)
{
    struct watcher *watcher = argument;
    struct error err = { 0 };
    struct audit_reader *reader = NULL;
    struct audit_exchange_row exchange;
    struct id id = id_of(5);
    struct digest key = key_of(72);
    enum status status = audit_reader_create(watcher->views, &reader, &err);
    thread_ready(thread, status, &err);
    uint64_t last = 0;
    while (status == ST_OK && !atomic_load(watcher->stop)) {
        uint64_t size = 0;
        uint64_t value = 0;
        bool good = audit_reader_begin(reader, &size, &err) == ST_OK && size >= last &&
                    audit_reader_exchange(reader, &id, &exchange, &err) == ST_OK &&
                    exchange.ending == WIRE_KIND_RELEASED &&
                    audit_reader_counter(reader, &key, &value, &err) == ST_OK && value >= 6;
        audit_reader_end(reader);
        watcher->wrong += good ? 0 : 1;
        watcher->rounds++;
        last = size;
    }
    audit_reader_destroy(&reader);
}

TEST(readers_at_work_see_every_entry_while_views_are_renewed_under_them)
{
    enum { WATCHERS = 3, ROUNDS = 4 };
    struct error err;
    struct renewed renewed;
    struct made_entry made;
    struct watcher watchers[WATCHERS];
    atomic_bool stop = false;
    atomic_bool never = false;
    uint64_t applied = 0;
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    for (unsigned i = 0; i < WATCHERS; i++) {
        watchers[i] = (struct watcher){ .views = renewed.views, .stop = &stop };
        assert_ok(thread_start("watcher", watch, &watchers[i], &watchers[i].thread, &err));
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        assert_ok(audit_views_renew(renewed.views, &never, &err));
        for (unsigned i = 0; i < 8; i++) {
            make_ending(&made, WIRE_KIND_RELEASED, 100 + round * 8 + i, 72, 7 + round * 8 + i);
            append(&renewed, &made);
            assert_ok(audit_views_apply(renewed.views, &applied, &err));
        }
        assert_ok(audit_views_adopt(renewed.views, &err));
        assert_int_equal(audit_views_renewed(renewed.views), ST_OK);
        audit_views_retire(renewed.views);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < WATCHERS; i++) {
        thread_join(&watchers[i].thread);
        assert_int_equal(watchers[i].wrong, 0);
        assert_true(watchers[i].rounds > 0);
    }
    assert_int_equal(counter_now(&renewed, 72), 6 + ROUNDS * 8);
    end(&renewed);
}

TEST(a_renewal_that_was_cut_short_leaves_nothing_and_is_made_again)
{
    struct error err;
    struct renewed renewed;
    char path[256];
    atomic_bool stop = true;
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    assert_status(ST_CLOSED, audit_views_renew(renewed.views, &stop, &err));
    assert_true(is_stale(&renewed));
    stop = false;
    assert_ok(audit_views_renew(renewed.views, &stop, &err));
    snprintf(path, sizeof(path), "%s/views.next", renewed.fixture.home);
    assert_true(file_exists(path));
    close_all(&renewed); // before the indexer took it over
    open_all(&renewed);
    assert_false(file_exists(path));
    assert_true(is_stale(&renewed));
    renew(&renewed);
    check_kept(&renewed);
    end(&renewed);
}

// A renewal that meets damage cannot end; the next opening makes the views anew, without what is
// forgotten.
TEST(views_found_damaged_while_they_are_renewed_are_made_again_from_the_log)
{
    struct error err;
    struct renewed renewed;
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    struct bytes value;
    char path[256];
    atomic_bool stop = false;
    uint8_t table = AUDIT_TABLE_SUBJECT;
    struct id id = id_of(3);
    begin(&renewed);
    carry(&renewed);
    apply_all(&renewed);
    close_all(&renewed);
    snprintf(path, sizeof(path), "%s/views", renewed.fixture.home);
    struct store_options options = { .path = path,
                                     .map_bytes = (size_t)1 << 30,
                                     .names = audit_views_tables,
                                     .count = AUDIT_TABLE_COUNT };
    assert_ok(store_open(&options, &store, &err));
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_get(txn, AUDIT_TABLE_RUN, bytes_of(&table, 1), &value, &err));
    assert_ok(store_put(txn, AUDIT_TABLE_RUN, bytes_of(&table, 1), bytes_of("damaged", 7), &err));
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
    open_all(&renewed);
    assert_false(renewed.opened.rebuilt);
    assert_true(is_stale(&renewed));
    assert_status(ST_CORRUPT, audit_views_renew(renewed.views, &stop, &err));
    close_all(&renewed);
    open_all(&renewed);
    assert_true(renewed.opened.rebuilt);
    apply_all(&renewed);
    assert_true(is_stale(&renewed)); // the damaged one lies aside
    renew(&renewed);
    assert_false(is_stale(&renewed));
    assert_false(in_file(&renewed, bytes_id(&id)));
    check_kept(&renewed);
    end(&renewed);
}
