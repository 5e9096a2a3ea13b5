// Body keys that are exchanged: their ids and names, from which entry on a new one counts, and what
// a full disk or a kill leaves.
#include "facts_fixture.h"

#include "audit/record.h"
#include "base/file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MONTH = 683 }; // of NOVEMBER

// ---- ids

TEST(a_key_that_was_never_exchanged_has_the_months_number)
{
    assert_int_equal(audit_body_key(MONTH, 0), MONTH);
    assert_int_equal(audit_body_key(AUDIT_KEY_LASTING, 0), 0);
    for (uint32_t month = 0; month < AUDIT_KEY_MONTHS; month += 91) {
        for (uint32_t i = 0; i < AUDIT_KEY_GENERATIONS; i++) {
            uint32_t id = audit_body_key(month, i);
            assert_true(id < AUDIT_KEY_IDS);
            assert_int_equal(audit_body_key_month(id), month);
            assert_int_equal(audit_body_key_generation(id), i);
        }
    }
    assert_int_equal(audit_body_key(MONTH, 1), 4096 + MONTH);
}

TEST(a_name_is_of_one_key_and_a_key_has_one_name)
{
    char name[AUDIT_KEY_NAME_BYTES];
    uint32_t id = 0;
    static const struct {
        uint32_t month;
        uint32_t generation;
        const char *name;
    } names[] = {
        { MONTH, 0, "2026-11" },
        { MONTH, 1, "2026-11-2" },
        { MONTH, AUDIT_KEY_GENERATIONS - 1, "2026-11-64" },
        { 1, 9, "1970-01-10" },
        { AUDIT_KEY_LASTING, 0, "lasting" },
        { AUDIT_KEY_LASTING, 2, "lasting-3" },
        { AUDIT_MONTH_MAX, 63, "2311-03-64" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        uint32_t wanted = audit_body_key(names[i].month, names[i].generation);
        audit_body_key_name(wanted, name);
        assert_string_equal(name, names[i].name);
        assert_true(audit_body_key_parse(bytes_text(name), &id));
        assert_int_equal(id, wanted);
    }
    static const char *const bad[] = { "",           "2026-1",     "2026-11-",   "2026-11-1",
                                       "2026-11-0",  "2026-11-02", "2026-11-65", "2026-11-2x",
                                       "2026-13",    "2026-11x2",  "lasting-1",  "lasting2",
                                       "lastings-2", "last",       "1969-12",    "2026-11-2-2" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (audit_body_key_parse(bytes_text(bad[i]), &id)) {
            fail_msg("'%s' is no key's name", bad[i]);
        }
    }
}

// ---- in the log

// Appends entries of class exchange with one of class governance at `place`, which brings the key.
static enum status append_change(struct log_fixture *fixture, size_t count, size_t place,
                                 uint32_t key_id, struct error *err)
{
    enum { MOST = 16 };
    static struct audit_entry entries[MOST];
    static char texts[MOST][3][32];
    const struct audit_entry *list[MOST];
    struct made_entry made;
    struct audit_commit *commit = NULL;
    const struct wire_key_change change = { .what = WIRE_KEY_OF_BODIES, .number = key_id };
    const struct wire_public_part part = { .format = 1,
                                           .kind = WIRE_KIND_KEY_CHANGE,
                                           .key_change = &change };
    uint64_t size = audit_journal_size(fixture->journal);
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, NULL, &part);
    for (size_t i = 0; i < count; i++) {
        fixture_entry(&entries[i], WIRE_CLASS_EXCHANGE, (unsigned)(size + i), NOVEMBER, texts[i]);
        list[i] = i == place ? &made.entry : &entries[i];
    }
    audit_vault_plan(fixture->vault, key_id, place);
    enum status status = audit_journal_append(fixture->journal, list, count, size,
                                              audit_journal_term(fixture->journal), &commit, err);
    audit_commit_unref(&commit);
    made_fini(&made);
    return status;
}

// Every body opens, and is under `first` up to entry `to`, under `then` behind it.
static void expect_keys(struct log_fixture *fixture, uint64_t to, uint32_t first, uint32_t then)
{
    struct error err;
    struct audit_log *log = NULL;
    struct audit_record record;
    struct audit_body body;
    struct arena *arena = arena_create(1 << 20);
    uint64_t size = 0;
    assert_ok(audit_log_create(fixture->journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    for (uint64_t i = 0; i < size; i++) {
        arena_reset(arena);
        assert_ok(audit_log_record(log, i, &record, &err));
        if (record.class == WIRE_CLASS_EXCHANGE) {
            assert_int_equal(record.key_id, i <= to ? first : then);
        }
        assert_ok(audit_log_body(log, i, &record, arena, &body, &err));
    }
    audit_log_end(log);
    audit_log_destroy(&log);
    arena_destroy(&arena);
}

TEST(a_new_key_counts_behind_the_entry_that_brings_it_in_one_batch_and_later)
{
    struct error err;
    struct log_fixture fixture;
    uint32_t second = 0;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 5);
    assert_ok(audit_vault_renew(fixture.vault, MONTH, &second, &err));
    assert_int_equal(second, audit_body_key(MONTH, 1));
    assert_int_equal(audit_vault_current(fixture.vault, WIRE_CLASS_EXCHANGE, NOVEMBER), MONTH);
    assert_ok(append_change(&fixture, 8, 3, second, &err));
    fixture_grow(&fixture, 20);
    expect_keys(&fixture, 8, MONTH, second);
    assert_int_equal(audit_vault_since(fixture.vault, second), 8);
    assert_int_equal(audit_vault_since(fixture.vault, MONTH), 0);
    // Other months and the lasting key have their own.
    assert_int_equal(audit_vault_current(fixture.vault, WIRE_CLASS_GOVERNANCE, NOVEMBER),
                     AUDIT_KEY_LASTING);
    assert_int_equal(audit_vault_current(fixture.vault, WIRE_CLASS_DELAYED, NOVEMBER + 44640),
                     MONTH + 1);
    // After a start the log has to be read first.
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_ok(audit_vault_take(fixture.vault, second, 8, &err));
    fixture_grow(&fixture, 25);
    expect_keys(&fixture, 8, MONTH, second);
    fixture_end(&fixture);
}

TEST(a_new_lasting_key_is_for_what_lasts_alone)
{
    struct error err;
    struct log_fixture fixture;
    uint32_t second = 0;
    uint32_t third = 0;
    struct audit_record record;
    struct audit_log *log = NULL;
    uint64_t size = 0;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    assert_ok(audit_vault_renew(fixture.vault, AUDIT_KEY_LASTING, &second, &err));
    assert_ok(append_change(&fixture, 2, 0, second, &err));
    assert_ok(audit_vault_renew(fixture.vault, AUDIT_KEY_LASTING, &third, &err));
    assert_ok(append_change(&fixture, 2, 0, third, &err));
    expect_keys(&fixture, 0, MONTH, MONTH);
    assert_ok(audit_log_create(fixture.journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_record(log, 0, &record, &err));
    assert_int_equal(record.key_id, AUDIT_KEY_LASTING);
    assert_ok(audit_log_record(log, 2, &record, &err));
    assert_int_equal(record.key_id, second);
    audit_log_end(log);
    audit_log_destroy(&log);
    fixture_end(&fixture);
}

static enum status refuse_commit(bool committed, void *context)
{
    bool *refuse = context;
    return !committed && *refuse ? ST_FULL : ST_OK;
}

TEST(a_key_whose_entry_was_not_written_is_never_used)
{
    struct error err;
    struct log_fixture fixture;
    uint32_t second = 0;
    uint32_t third = 0;
    bool refuse = false;
    fixture_begin(&fixture);
    fixture.hook = refuse_commit;
    fixture.hook_context = &refuse;
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    assert_ok(audit_vault_renew(fixture.vault, MONTH, &second, &err));
    refuse = true;
    assert_status(ST_FULL, append_change(&fixture, 4, 1, second, &err));
    refuse = false;
    fixture_grow(&fixture, 6);
    expect_keys(&fixture, 6, MONTH, MONTH);
    assert_ok(audit_vault_renew(fixture.vault, MONTH, &third, &err));
    assert_int_equal(third, audit_body_key(MONTH, 2)); // the second lay about
    assert_ok(append_change(&fixture, 2, 0, third, &err));
    expect_keys(&fixture, 6, MONTH, third);
    assert_status(ST_CORRUPT, audit_vault_take(fixture.vault, second, 7, &err));
    assert_status(ST_CORRUPT, audit_vault_take(fixture.vault, third, 7, &err));
    assert_status(ST_CORRUPT, audit_vault_take(fixture.vault, MONTH + 1, 7, &err));
    assert_status(ST_CORRUPT, audit_vault_take(fixture.vault, AUDIT_KEY_IDS + MONTH, 7, &err));
    fixture_end(&fixture);
}

static enum status kill_at(bool committed, void *context)
{
    const int *at = context;
    if (*at == (committed ? 1 : 0)) {
        kill(getpid(), SIGKILL);
    }
    return ST_OK;
}

// Orders a new key in a process of its own, which is killed before or after the commit.
static void order_and_be_killed(struct log_fixture *fixture, int when)
{
    int how = 0;
    int at = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error err;
        uint32_t second = 0;
        fixture->hook = kill_at;
        fixture->hook_context = &at;
        if (fixture_try(fixture, &err) == ST_OK &&
            audit_vault_renew(fixture->vault, MONTH, &second, &err) == ST_OK) {
            at = when;
            (void)append_change(fixture, 4, 1, second, &err);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
}

TEST(killed_around_the_commit_the_log_says_which_key_is_in_use_and_its_file_is_there)
{
    for (int when = 0; when <= 1; when++) {
        struct error err;
        struct log_fixture fixture;
        char home[160];
        uint32_t next = 0;
        uint32_t second = audit_body_key(MONTH, 1);
        snprintf(home, sizeof(home), "%s/%d", test_directory(), when);
        assert_ok(file_make_folder(home, 0700, &err));
        fixture_begin_in(&fixture, home);
        fixture_open(&fixture);
        fixture_grow(&fixture, 3);
        fixture_close(&fixture);
        order_and_be_killed(&fixture, when);
        fixture_open(&fixture);
        assert_ok(audit_vault_check(fixture.vault, second, &err)); // durable before either
        assert_int_equal(audit_journal_size(fixture.journal), when == 0 ? 3 : 7);
        if (when == 1) {
            assert_ok(audit_vault_take(fixture.vault, second, 4, &err)); // as the entry says
        }
        fixture_grow(&fixture, 10);
        expect_keys(&fixture, 4, MONTH, when == 0 ? MONTH : second);
        assert_ok(audit_vault_renew(fixture.vault, MONTH, &next, &err));
        assert_int_equal(next, audit_body_key(MONTH, 2));
        fixture_end(&fixture);
    }
}

TEST(a_record_that_names_another_months_key_or_none_is_refused)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_log *log = NULL;
    struct audit_record record;
    struct audit_body body;
    uint64_t size = 0;
    uint32_t second = 0;
    uint8_t plain[4096];
    static const struct {
        uint32_t key_id;
        enum status status;
    } wrong[] = {
        { MONTH + 1, ST_CORRUPT },
        { 4096 + MONTH + 1, ST_CORRUPT },
        { AUDIT_KEY_LASTING, ST_CORRUPT },
        { 4096, ST_CORRUPT }, // the lasting key, the second one
        { AUDIT_KEY_IDS + MONTH, ST_CORRUPT },
        { UINT32_MAX, ST_CORRUPT },
        { 4096 + MONTH, ST_CORRUPT }, // another key of the month: it does not open
        { 2 * 4096 + MONTH, ST_IO },  // of the month, and there is none
    };
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 1);
    assert_ok(audit_vault_renew(fixture.vault, MONTH, &second, &err));
    assert_ok(audit_log_create(fixture.journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_record(log, 0, &record, &err));
    assert_true(record.box.size < sizeof(plain));
    assert_ok(audit_record_body(fixture.vault, bytes_text(ORIGIN), 0, &record, plain, &body, &err));
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        record.key_id = wrong[i].key_id;
        assert_status(wrong[i].status, audit_record_body(fixture.vault, bytes_text(ORIGIN), 0,
                                                         &record, plain, &body, &err));
    }
    audit_log_end(log);
    audit_log_destroy(&log);
    fixture_end(&fixture);
}
