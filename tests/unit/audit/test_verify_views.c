// The checker over a whole home: views row by row, checkpoints that were kept elsewhere, homes put
// together from pieces, and bits flipped anywhere. Whatever is damaged is found, or shown to be in
// a place that says nothing.
#include "facts_fixture.h"

#include "audit/facet.h"
#include "audit/record.h"
#include "audit/verify.h"
#include "audit/views_block.h"
#include "audit/views_runs.h"
#include "audit/views_stored.h"
#include "audit/views_inside.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, FINDINGS_KEPT = 64 };

struct heard {
    unsigned count[AUDIT_FAULT_COUNT];
    struct audit_finding findings[FINDINGS_KEPT];
    unsigned total;
};

struct house {
    struct log_fixture fixture;
    struct audit_views *views;
    struct buffer vkey;
    struct audit_verify_result result;
    struct heard heard;
    struct audit_verify_checkpoint checkpoints[4];
    size_t checkpoint_count;
    uint64_t restart; // index of an entry
};

static void hear(const struct audit_finding *finding, void *context)
{
    struct heard *heard = context;
    assert_true((unsigned)finding->fault < AUDIT_FAULT_COUNT);
    heard->count[finding->fault]++;
    if (heard->total < FINDINGS_KEPT) {
        heard->findings[heard->total] = *finding;
    }
    heard->total++;
}

static void open_views(struct house *house)
{
    struct error err;
    struct audit_views_opened opened;
    struct audit_views_options options = { .home = house->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = house->fixture.journal };
    assert_ok(audit_search_key(house->fixture.master, options.search_key, &err));
    assert_ok(audit_views_open(&options, &house->views, &opened, &err));
}

static void apply_all(struct house *house)
{
    struct error err;
    uint64_t applied = 0;
    while (audit_views_tail_entries(house->views) > 0) {
        assert_ok(audit_views_apply(house->views, &applied, &err));
    }
    audit_views_retire(house->views);
}

static void append_hold(struct house *house, unsigned number)
{
    struct made_entry made;
    struct wire_hold hold = { .id = id_of(number),
                              .name = bytes_text("case 7"),
                              .since = 1,
                              .until = 2,
                              .state = 1,
                              .set_by = bytes_text("ru/privacy"),
                              .set_node = bytes_text("desk"),
                              .set_at = 5 };
    struct wire_officer_part officer = { .format = 1, .kind = WIRE_KIND_HOLD, .hold = &hold };
    struct wire_public_part public_ = { .format = 1, .kind = WIRE_KIND_HOLD };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, &officer, &public_);
    append_made(&house->fixture, house->views, &made);
}

// Entries of every kind that has rows.
static void append_round(struct house *house, unsigned round)
{
    struct made_entry made;
    unsigned first = 100 + 10 * round;
    unsigned lost[] = { first + 2 };
    make_decision(&made, 1, 5 * round + 1, first, true);
    append_made(&house->fixture, house->views, &made);
    make_ending(&made, WIRE_KIND_RELEASED, first, 1 + round % 5, round);
    append_made(&house->fixture, house->views, &made);
    make_decision(&made, 2 + round, 1, first + 1, round % 2 == 0);
    append_made(&house->fixture, house->views, &made);
    make_consent(&made, 1, 5 * round + 2, 50 + round % 3, 1 + round, WIRE_CONSENT_ACTIVE);
    append_made(&house->fixture, house->views, &made);
    make_decision(&made, 1, 5 * round + 3, first + 2, true);
    append_made(&house->fixture, house->views, &made);
    house->restart = audit_journal_size(house->fixture.journal);
    make_restart(&made, lost, 1);
    append_made(&house->fixture, house->views, &made);
}

static void house_fill(struct house *house)
{
    append_hold(house, 70);
    append_hold(house, 71);
    for (unsigned round = 0; round < ROUNDS; round++) {
        append_round(house, round);
        if (round == ROUNDS / 2) {
            apply_all(house);
            fixture_publish(&house->fixture);
        }
    }
    apply_all(house);
    fixture_publish(&house->fixture);
}

static void house_open(struct house *house, const char *folder)
{
    char path[192];
    memset(house, 0, sizeof(*house));
    fixture_begin_in(&house->fixture, folder);
    fixture_open(&house->fixture);
    open_views(house);
    snprintf(path, sizeof(path), "%s/keys", house->fixture.home);
    assert_true(mkdir(path, 0700) == 0);
    snprintf(path, sizeof(path), "%s/keys/body", house->fixture.home);
    assert_int_equal(symlink("../body", path), 0);
    house->vkey = buffer_init(1024);
    proof_key_format(&house->fixture.key, &house->vkey);
    buffer_u8(&house->vkey, 0);
}

static void house_close(struct house *house)
{
    audit_views_close(&house->views);
    fixture_close(&house->fixture);
}

// Where a second home goes: within the first one's folder, which minds nothing there.
static const char *within(const struct house *house, const char *name, char path[192])
{
    snprintf(path, 192, "%.100s/%s", house->fixture.home, name);
    assert_true(mkdir(path, 0700) == 0);
    return path;
}

// A home with everything, closed.
static void house_begin(struct house *house)
{
    house_open(house, test_directory());
    house_fill(house);
    house_close(house);
}

static void house_end(struct house *house)
{
    house_close(house);
    buffer_fini(&house->vkey);
    fixture_end(&house->fixture);
}

static void check(struct house *house)
{
    struct error err;
    struct audit_verify_options options = {
        .home = house->fixture.home,
        .vkey = (const char *)house->vkey.data,
        .master = house->fixture.master,
        .views = true,
        .checkpoints = house->checkpoints,
        .checkpoint_count = house->checkpoint_count,
        .map_bytes = (size_t)1 << 30,
        .found = hear,
        .context = &house->heard,
    };
    memset(&house->heard, 0, sizeof(house->heard));
    assert_ok(audit_verify(&options, &house->result, &err));
    assert_int_equal(house->result.findings, house->heard.total);
}

static void assert_only(const struct house *house, enum audit_fault fault, unsigned count)
{
    if (house->heard.total != count || house->heard.count[fault] != count) {
        for (unsigned i = 0; i < house->heard.total && i < FINDINGS_KEPT; i++) {
            print_error("%s: %s\n", audit_fault_name(house->heard.findings[i].fault),
                        house->heard.findings[i].message);
        }
        fail_msg("%u findings, expected %u of '%s'", house->heard.total, count,
                 audit_fault_name(fault));
    }
}

// ---- changing the stored views

static void views_path(const struct house *house, char path[192])
{
    snprintf(path, 192, "%s/views", house->fixture.home);
}

static struct store *open_stored(const struct house *house, bool read_only)
{
    struct error err;
    char path[192];
    struct store *store = NULL;
    views_path(house, path);
    struct store_options options = { .path = path,
                                     .map_bytes = (size_t)1 << 30,
                                     .names = audit_views_tables,
                                     .count = AUDIT_TABLE_COUNT,
                                     .read_only = read_only };
    assert_ok(store_open(&options, &store, &err));
    return store;
}

// The rows of a table in runs, with one that is set, or removed where `value` is empty.
static void change_rows(struct store_txn *txn, enum audit_table table, struct bytes key,
                        struct bytes value, struct buffer *rows)
{
    struct error err;
    struct audit_stored stored = { .txn = txn };
    struct audit_stored_walk walk;
    struct bytes row_key;
    struct bytes row_value;
    bool done = value.size == 0;
    assert_ok(audit_stored_open(&walk, &stored, table, (struct bytes){ 0 }, false, &err));
    enum status status = audit_stored_seek(&walk, (struct bytes){ 0 }, &row_key, &row_value, &err);
    while (status == ST_OK) {
        int order = bytes_compare(row_key, key);
        if (!done && order >= 0) {
            buffer_bytes(rows, key);
            buffer_bytes(rows, value);
            done = true;
        }
        if (order != 0) {
            buffer_bytes(rows, row_key);
            buffer_bytes(rows, row_value);
        }
        status = audit_stored_next(&walk, &row_key, &row_value, &err);
    }
    if (!done) {
        buffer_bytes(rows, key);
        buffer_bytes(rows, value);
    }
    audit_stored_close(&walk);
}

// Makes one run of a table's rows, with that change.
static void change_run(struct store_txn *txn, enum audit_table table, struct bytes key,
                       struct bytes value)
{
    struct error err;
    const struct audit_run_form *form = audit_run_form(table);
    struct buffer rows = buffer_init(1 << 20);
    struct audit_runs runs;
    struct audit_run_writer run;
    change_rows(txn, table, key, value, &rows);
    assert_ok(audit_runs_load(txn, table, &runs, &err));
    for (bool more = true; more;) {
        struct store_cursor *cursor = NULL;
        struct bytes name;
        struct bytes page;
        assert_ok(store_cursor_open(txn, table, &cursor, &err));
        more = store_cursor_first(cursor, &name, &page, &err) == ST_OK;
        store_cursor_close(&cursor);
        if (more) {
            assert_ok(store_remove(txn, table, name, &err));
        }
    }
    runs.count = 0;
    assert_ok(audit_runs_save(txn, &runs, &err));
    assert_ok(audit_run_begin(&run, txn, table, &err));
    for (size_t at = 0; at < rows.size; at += form->row_bytes) {
        assert_ok(audit_run_put(
            &run, txn, bytes_of(rows.data + at, form->key_bytes),
            bytes_of(rows.data + at + form->key_bytes, form->row_bytes - form->key_bytes), &err));
    }
    assert_ok(audit_run_end(&run, txn, &err));
    buffer_fini(&rows);
}

// Sets a row, or removes it where `value` is empty.
static void change_row(const struct house *house, enum audit_table table, struct bytes key,
                       struct bytes value)
{
    struct error err;
    struct store *store = open_stored(house, false);
    struct store_txn *txn = NULL;
    assert_ok(store_begin_write(store, &txn, &err));
    if (audit_run_form(table) != NULL) {
        change_run(txn, table, key, value);
    } else if (value.size == 0) {
        assert_ok(store_remove(txn, table, key, &err));
    } else {
        assert_ok(store_put(txn, table, key, value, &err));
    }
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
}

struct kept_row {
    uint8_t key[600];
    size_t key_size;
    uint8_t value[4096];
    size_t value_size;
};

// How many rows a table has; a copy of the one at `place`, if it has so many.
static uint64_t copy_row(struct store_txn *txn, enum audit_table table, uint64_t place,
                         struct kept_row *row)
{
    struct error err;
    struct audit_stored stored = { .txn = txn };
    struct audit_stored_walk walk;
    struct bytes key;
    struct bytes value;
    uint64_t count = 0;
    assert_ok(audit_stored_open(&walk, &stored, table, (struct bytes){ 0 }, false, &err));
    enum status status = audit_stored_seek(&walk, (struct bytes){ 0 }, &key, &value, &err);
    while (status == ST_OK) {
        if (count++ == place) {
            memcpy(row->key, key.data, key.size);
            memcpy(row->value, value.data, value.size);
            row->key_size = key.size;
            row->value_size = value.size;
        }
        status = audit_stored_next(&walk, &key, &value, &err);
    }
    audit_stored_close(&walk);
    return count;
}

// A copy of the row in the middle of a table. False: the table is empty.
static bool middle_row(const struct house *house, enum audit_table table, struct kept_row *row)
{
    struct error err;
    struct store *store = open_stored(house, true);
    struct store_txn *txn = NULL;
    assert_ok(store_begin_read(store, &txn, &err));
    uint64_t count = copy_row(txn, table, UINT64_MAX, row);
    (void)copy_row(txn, table, count / 2, row);
    store_abort(&txn);
    store_close(&store);
    return count > 0;
}

TEST(views_that_are_the_logs_pass_beside_their_writer_and_without)
{
    struct house house;
    house_open(&house, test_directory());
    house_fill(&house);
    for (int open = 1; open >= 0; open--) {
        check(&house);
        assert_only(&house, AUDIT_FAULT_VIEW, 0);
        assert_true(house.result.views);
        assert_int_equal(house.result.applied, house.result.size);
        assert_true(house.result.rows > 8 * ROUNDS);
        house_close(&house);
    }
    house_end(&house);
}

TEST(views_behind_the_log_pass_and_are_compared_as_far_as_they_go)
{
    struct house house;
    house_open(&house, test_directory());
    house_fill(&house);
    uint64_t applied = audit_journal_size(house.fixture.journal);
    append_round(&house, ROUNDS);
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 0);
    assert_int_equal(house.result.applied, applied);
    assert_true(house.result.size > applied);
    house_end(&house);
}

TEST(a_missing_a_changed_and_an_added_row_of_each_table_are_found)
{
    struct house house;
    struct kept_row row;
    house_begin(&house);
    unsigned tried = 0;
    for (int table = AUDIT_TABLE_META + 1; table < AUDIT_TABLE_RUN; table++) {
        enum audit_table place = (enum audit_table)table;
        if (place == AUDIT_TABLE_BLOCK || !middle_row(&house, place, &row)) {
            continue;
        }
        tried++;
        struct bytes key = bytes_of(row.key, row.key_size);
        struct bytes value = bytes_of(row.value, row.value_size);
        change_row(&house, place, key, (struct bytes){ 0 });
        check(&house);
        assert_only(&house, AUDIT_FAULT_VIEW, 1);
        assert_non_null(strstr(house.heard.findings[0].message, audit_views_tables[table]));
        assert_non_null(strstr(house.heard.findings[0].message, "missing"));
        assert_int_equal(house.heard.findings[0].count, 1);
        for (size_t byte = 0; byte < row.value_size; byte += 1 + row.value_size / 7) {
            row.value[byte] ^= 0x10;
            change_row(&house, place, key, value);
            check(&house);
            assert_only(&house, AUDIT_FAULT_VIEW, 1);
            assert_non_null(strstr(house.heard.findings[0].message, "not what the log gives"));
            row.value[byte] ^= 0x10;
        }
        change_row(&house, place, key, value);
        check(&house);
        assert_only(&house, AUDIT_FAULT_VIEW, 0);
        row.key[4] ^= 0x40;
        change_row(&house, place, key, value);
        check(&house);
        assert_only(&house, AUDIT_FAULT_VIEW, 1);
        assert_non_null(strstr(house.heard.findings[0].message, "not in the log"));
        change_row(&house, place, key, (struct bytes){ 0 });
    }
    assert_true(tried >= 7);
    house_end(&house);
}

TEST(what_entries_are_searched_by_is_compared_entry_by_entry)
{
    struct house house;
    struct kept_row row;
    house_begin(&house);
    assert_true(middle_row(&house, AUDIT_TABLE_BLOCK, &row));
    struct bytes key = bytes_of(row.key, row.key_size);
    struct bytes value = bytes_of(row.value, row.value_size);
    uint64_t first = (uint64_t)row.key[7] * AUDIT_BLOCK_FACETS;
    row.value[3 * AUDIT_FACET_BYTES + 17] ^= 4;
    change_row(&house, AUDIT_TABLE_BLOCK, key, value);
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 1);
    assert_int_equal(house.heard.findings[0].index, first + 3);
    row.value[3 * AUDIT_FACET_BYTES + 17] ^= 4;
    change_row(&house, AUDIT_TABLE_BLOCK, key, bytes_of(row.value, 7 * AUDIT_FACET_BYTES));
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, AUDIT_BLOCK_FACETS - 7);
    change_row(&house, AUDIT_TABLE_BLOCK, key, (struct bytes){ 0 });
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, AUDIT_BLOCK_FACETS);
    change_row(&house, AUDIT_TABLE_BLOCK, key, value);
    row.key[6] ^= 1;
    change_row(&house, AUDIT_TABLE_BLOCK, key, value);
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, AUDIT_BLOCK_FACETS);
    house_end(&house);
}

// What is done to a table's list of runs, or to its pages.
static void spoil_runs(const struct house *house, unsigned how)
{
    struct error err;
    struct store *store = open_stored(house, false);
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    struct audit_runs runs;
    struct bytes name;
    struct bytes page;
    uint8_t moved[64];
    uint8_t bytes[AUDIT_RUN_PAGE_BYTES];
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_SUBJECT, &runs, &err));
    assert_true(runs.count > 0);
    switch (how) {
    case 0: // rows are counted wrongly
        runs.runs[0].rows++;
        break;
    case 1: // another run stands in the list
        runs.runs[0].number++;
        break;
    case 2: // an empty one more
        runs.runs[runs.count++] = (struct audit_run){ .number = 60, .rows = 1 };
        break;
    default: // a page of a run that is in no list
        assert_ok(store_cursor_open(txn, AUDIT_TABLE_SUBJECT, &cursor, &err));
        assert_ok(store_cursor_first(cursor, &name, &page, &err));
        memcpy(moved, name.data, name.size);
        memcpy(bytes, page.data, page.size);
        moved[0] = 61;
        store_cursor_close(&cursor);
        assert_ok(store_put(txn, AUDIT_TABLE_SUBJECT, bytes_of(moved, name.size),
                            bytes_of(bytes, page.size), &err));
        break;
    }
    assert_ok(audit_runs_save(txn, &runs, &err));
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
}

TEST(a_list_of_runs_that_does_not_fit_what_is_there_is_found)
{
    for (unsigned how = 0; how < 4; how++) {
        struct house house;
        house_begin(&house);
        spoil_runs(&house, how);
        check(&house);
        assert_true(house.heard.count[AUDIT_FAULT_VIEW] > 0);
        assert_non_null(strstr(house.heard.findings[0].message, "list of runs"));
        house_end(&house);
    }
}

// The rows of the home are few, so a filter is put there.
TEST(a_filter_that_hides_a_row_is_found)
{
    struct house house;
    struct error err;
    struct store_txn *txn = NULL;
    uint8_t name[2] = { AUDIT_TABLE_SUBJECT, 0 };
    uint8_t words[64];
    struct audit_runs runs;
    house_begin(&house);
    for (int hides = 0; hides < 2; hides++) {
        struct store *store = open_stored(&house, false);
        memset(words, hides ? 0x55 : 0xff, sizeof(words));
        assert_ok(store_begin_write(store, &txn, &err));
        assert_ok(audit_runs_load(txn, AUDIT_TABLE_SUBJECT, &runs, &err));
        name[1] = runs.runs[0].number;
        assert_ok(store_put(txn, AUDIT_TABLE_RUN, bytes_of(name, 2), bytes_of(words, sizeof(words)),
                            &err));
        assert_ok(store_commit(&txn, &err));
        store_close(&store);
        check(&house);
        assert_only(&house, AUDIT_FAULT_VIEW, hides ? 1 : 0);
        assert_true(!hides || strstr(house.heard.findings[0].message, "hides") != NULL);
    }
    house_end(&house);
}

TEST(a_row_that_is_off_names_its_entry_and_its_place_in_a_persons_list)
{
    struct house house;
    struct audit_subject_row subject;
    struct kept_row row;
    struct error err;
    char text[80];
    house_begin(&house);
    assert_true(middle_row(&house, AUDIT_TABLE_SUBJECT, &row));
    struct bytes key = bytes_of(row.key, row.key_size);
    struct bytes value = bytes_of(row.value, row.value_size);
    assert_ok(audit_subject_row_decode(key, value, &subject, &err));
    row.value[20] ^= 1;
    change_row(&house, AUDIT_TABLE_SUBJECT, key, value);
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 1);
    assert_int_equal(house.heard.findings[0].index, subject.index);
    snprintf(text, sizeof(text), "of entry %llu, place %llu of its person's list",
             (unsigned long long)subject.index, (unsigned long long)subject.sequence);
    assert_non_null(strstr(house.heard.findings[0].message, text));
    house_end(&house);
}

TEST(what_views_say_of_themselves_is_checked)
{
    static const struct {
        const char *word;
        const char *value;
        const char *message;
    } cases[] = {
        { "format", "\x7f", "another form" },
        { "origin", "another log's origin, 32 bytes..", "of another log" },
        { "leaf", "another log's leaf, of 32 bytes.", "of another log" },
        { "applied", "12345", "" },
        { "surprise", "1", "means nothing" },
    };
    struct house house;
    house_begin(&house);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err;
        uint8_t before[64];
        struct bytes value = { 0 };
        struct store *store = open_stored(&house, true);
        struct store_txn *txn = NULL;
        assert_ok(store_begin_read(store, &txn, &err));
        enum status status =
            store_get(txn, AUDIT_TABLE_META, bytes_text(cases[i].word), &value, &err);
        size_t size = status == ST_OK ? value.size : 0;
        if (size > 0) {
            memcpy(before, value.data, size);
        }
        store_abort(&txn);
        store_close(&store);
        change_row(&house, AUDIT_TABLE_META, bytes_text(cases[i].word), bytes_text(cases[i].value));
        check(&house);
        assert_true(house.heard.count[AUDIT_FAULT_VIEW] > 0);
        assert_non_null(strstr(house.heard.findings[0].message, cases[i].message));
        change_row(&house, AUDIT_TABLE_META, bytes_text(cases[i].word), bytes_of(before, size));
    }
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 0);
    house_end(&house);
}

// ---- homes put together from pieces

static void copy_file(const char *from, const char *to)
{
    struct error err;
    struct buffer content = buffer_init((size_t)64 << 20);
    (void)unlink(to);
    assert_ok(file_read(from, (size_t)64 << 20, &content, &err));
    assert_ok(file_create(to, buffer_view(&content), 0600, &err));
    buffer_fini(&content);
}

static void piece(const struct house *house, const char *name, char path[192])
{
    snprintf(path, 192, "%s/%s", house->fixture.home, name);
}

// Copies a file of one home over that of another.
static void transplant(const struct house *from, const struct house *to, const char *name)
{
    char source[192];
    char target[192];
    piece(from, name, source);
    piece(to, name, target);
    copy_file(source, target);
}

TEST(views_of_another_home_are_found)
{
    char path[192];
    struct house house;
    struct house other;
    house_begin(&house);
    house_open(&other, within(&house, "other", path));
    append_round(&other, 0);
    append_hold(&other, 3);
    for (unsigned round = 1; round < ROUNDS; round++) {
        append_round(&other, round);
    }
    apply_all(&other);
    house_close(&other);
    transplant(&other, &house, "views/data.mdb");
    check(&house);
    assert_true(house.heard.count[AUDIT_FAULT_VIEW] > 0);
    assert_int_equal(house.heard.count[AUDIT_FAULT_VIEW], house.heard.total);
    house_end(&other);
    house_end(&house);
}

TEST(views_ahead_of_their_log_are_found)
{
    char path[192];
    struct house house;
    struct house copy;
    house_open(&house, test_directory());
    house_fill(&house);
    house_close(&house);
    house_open(&copy, within(&house, "copy", path));
    house_close(&copy);
    transplant(&house, &copy, "log/data.mdb"); // a copy of the log, older than the views
    fixture_open(&house.fixture);
    open_views(&house);
    append_round(&house, ROUNDS);
    apply_all(&house);
    house_close(&house);
    transplant(&copy, &house, "log/data.mdb");
    piece(&house, "log.published", path);
    check(&house);
    assert_true(house.heard.count[AUDIT_FAULT_VIEW] > 0);
    assert_non_null(strstr(house.heard.findings[0].message, "the log has"));
    house_end(&copy);
    house_end(&house);
}

TEST(a_log_of_another_home_is_found)
{
    char path[192];
    struct house house;
    struct house other;
    struct error err;
    house_begin(&house);
    memset(&other, 0, sizeof(other));
    fixture_begin_in(&other.fixture, within(&house, "other", path));
    struct digest bytes;
    memset(&bytes, 11, sizeof(bytes));
    seal_signer_destroy(&other.fixture.signer);
    seal_secret_destroy(&other.fixture.seed);
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &other.fixture.seed, &err));
    assert_ok(seal_signer_create(other.fixture.seed, &other.fixture.signer, &err));
    fixture_open(&other.fixture);
    open_views(&other);
    house_fill(&other);
    house_close(&other);
    transplant(&other, &house, "log/data.mdb");
    check(&house);
    assert_true(house.heard.count[AUDIT_FAULT_STORE] > 0);
    house_end(&other);
    house_end(&house);
}

TEST(a_log_put_back_to_an_older_copy_is_found_by_a_checkpoint_kept_elsewhere)
{
    char path[192];
    struct house house;
    struct house copy;
    struct error err;
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    house_begin(&house);
    house_open(&copy, within(&house, "copy", path));
    house_close(&copy);
    static const char *const files[] = { "log/data.mdb", "views/data.mdb", "log.published" };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        transplant(&house, &copy, files[i]);
    }
    fixture_open(&house.fixture);
    open_views(&house);
    append_round(&house, ROUNDS);
    fixture_publish(&house.fixture);
    assert_ok(audit_journal_published(house.fixture.journal, &size, &note, &err));
    house_close(&house);
    house.checkpoints[0] =
        (struct audit_verify_checkpoint){ .name = "node.checkpoint", .note = buffer_view(&note) };
    house.checkpoint_count = 1;
    check(&house);
    assert_only(&house, AUDIT_FAULT_SHORT, 0);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        transplant(&copy, &house, files[i]);
    }
    house.checkpoint_count = 0;
    check(&house);
    assert_only(&house, AUDIT_FAULT_SHORT, 0); // the home alone cannot tell
    house.checkpoint_count = 1;
    check(&house);
    assert_only(&house, AUDIT_FAULT_SHORT, 1);
    assert_non_null(strstr(house.heard.findings[0].message, "node.checkpoint"));
    // And one that is no checkpoint of this log.
    note.data[note.size - 5] ^= 1;
    check(&house);
    assert_only(&house, AUDIT_FAULT_CHECKPOINT, 1);
    buffer_fini(&note);
    house_end(&copy);
    house_end(&house);
}

TEST(another_history_is_found_by_a_checkpoint_kept_elsewhere)
{
    char path[192];
    struct house house;
    struct house other;
    struct error err;
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    house_begin(&house);
    house_open(&other, within(&house, "other", path));
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        append_round(&other, round);
    }
    fixture_publish(&other.fixture);
    assert_ok(audit_journal_published(other.fixture.journal, &size, &note, &err));
    house.checkpoints[0] =
        (struct audit_verify_checkpoint){ .name = "kept", .note = buffer_view(&note) };
    house.checkpoint_count = 1;
    check(&house);
    assert_only(&house, AUDIT_FAULT_CHECKPOINT, 1);
    buffer_fini(&note);
    house_end(&other);
    house_end(&house);
}

TEST(views_cut_anywhere_are_found_and_nothing_crashes)
{
    struct house house;
    struct stat info;
    char path[192];
    house_begin(&house);
    piece(&house, "views/data.mdb", path);
    struct buffer whole = buffer_init((size_t)64 << 20);
    struct error err;
    assert_ok(file_read(path, (size_t)64 << 20, &whole, &err));
    assert_int_equal(stat(path, &info), 0);
    for (off_t size = 0; size < info.st_size; size += 4096 * 3 + 100) {
        assert_int_equal(truncate(path, size), 0);
        check(&house);
        assert_true(house.heard.count[AUDIT_FAULT_VIEW] > 0);
        assert_int_equal(house.heard.count[AUDIT_FAULT_VIEW], house.heard.total);
        (void)unlink(path);
        assert_ok(file_create(path, buffer_view(&whole), 0600, &err));
    }
    buffer_fini(&whole);
    house_end(&house);
}

// ---- bits flipped anywhere

// A hash over everything that a store says, in a process of its own. False: it cannot be read.
static bool say_all(const char *path, const char *const *names, unsigned count, struct digest *said)
{
    int ends[2];
    int how = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error err;
        struct store *store = NULL;
        struct store_txn *txn = NULL;
        struct digest hash = { 0 };
        struct store_options options = { .path = path,
                                         .map_bytes = (size_t)1 << 30,
                                         .names = names,
                                         .count = count,
                                         .read_only = true };
        if (freopen("/dev/null", "w", stderr) == NULL ||
            store_open(&options, &store, &err) != ST_OK ||
            store_begin_read(store, &txn, &err) != ST_OK) {
            _exit(1);
        }
        for (unsigned table = 0; table < count; table++) {
            struct store_cursor *cursor = NULL;
            struct bytes key;
            struct bytes value;
            if (store_cursor_open(txn, table, &cursor, &err) != ST_OK) {
                _exit(1);
            }
            enum status status = store_cursor_first(cursor, &key, &value, &err);
            while (status == ST_OK) {
                // Two times that nothing is made from stand beside what is said.
                bool term = names == audit_journal_tables && table == AUDIT_JOURNAL_TERM;
                bool point = names == audit_journal_tables && table == AUDIT_JOURNAL_CHECKPOINT;
                key.size = point && key.size > 8 ? 8 : key.size;
                value.size = term ? 0 : value.size;
                struct bytes parts[] = { bytes_digest(&hash), bytes_of(&table, sizeof(table)), key,
                                         value };
                hash = seal_sha256_parts(parts, ARRAY_COUNT(parts));
                status = store_cursor_next(cursor, &key, &value, &err);
            }
            if (status != ST_NOT_FOUND) {
                _exit(1);
            }
            store_cursor_close(&cursor);
        }
        _exit(write(ends[1], &hash, sizeof(hash)) == (ssize_t)sizeof(hash) ? 0 : 1);
    }
    close(ends[1]);
    bool good = read(ends[0], said, sizeof(*said)) == (ssize_t)sizeof(*said);
    close(ends[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    return good && WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

struct flipped_file {
    const char *name;
    const char *const *tables; // NULL: a text, of which every byte counts
    unsigned table_count;
    struct digest said;
};

static bool says_the_same(const struct house *house, const struct flipped_file *file)
{
    char path[192];
    struct digest said;
    if (file->tables == NULL) {
        return false;
    }
    piece(house, file->name, path);
    *strrchr(path, '/') = '\0';
    return say_all(path, file->tables, file->table_count, &said) &&
           digest_equal(&said, &file->said);
}

static void flip_bit(const char *path, off_t offset, unsigned bit)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= (uint8_t)(1U << bit);
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 4;
}

TEST(a_bit_flipped_anywhere_in_a_home_is_found_or_says_nothing)
{
    enum { FLIPS = 360 };
    static struct house house;
    struct flipped_file files[] = {
        { .name = "log/data.mdb",
          .tables = audit_journal_tables,
          .table_count = AUDIT_JOURNAL_TABLES },
        { .name = "views/data.mdb",
          .tables = audit_views_tables,
          .table_count = AUDIT_TABLE_COUNT },
        { .name = "log.published" },
        { .name = "body/lasting.key" },
        { .name = "body/2026-11.key" },
    };
    unsigned found[ARRAY_COUNT(files)] = { 0 };
    unsigned nothing[ARRAY_COUNT(files)] = { 0 };
    uint32_t random = 20261121;
    house_begin(&house);
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 0);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char path[192];
        piece(&house, files[i].name, path);
        *strrchr(path, '/') = '\0';
        if (files[i].tables != NULL) {
            assert_true(say_all(path, files[i].tables, files[i].table_count, &files[i].said));
        }
    }
    for (unsigned i = 0; i < FLIPS; i++) {
        size_t which = i % 9 < 4 ? 0 : i % 9 < 8 ? 1 : 2 + i / 9 % 3;
        char path[192];
        struct stat info;
        piece(&house, files[which].name, path);
        assert_int_equal(stat(path, &info), 0);
        off_t offset = (off_t)(next_random(&random) % (uint32_t)info.st_size);
        unsigned bit = next_random(&random) % 8;
        flip_bit(path, offset, bit);
        check(&house);
        if (house.heard.total > 0) {
            found[which]++;
        } else if (says_the_same(&house, &files[which])) {
            nothing[which]++; // a free page, room between rows, the older of the two heads
        } else {
            fail_msg("%s: bit %u of byte %lld says something else and is not found",
                     files[which].name, bit, (long long)offset);
        }
        flip_bit(path, offset, bit);
    }
    check(&house);
    assert_only(&house, AUDIT_FAULT_VIEW, 0);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        print_message("%s: %u found, %u in places that say nothing\n", files[i].name, found[i],
                      nothing[i]);
        assert_true(found[i] > 0);
    }
    house_end(&house);
}
