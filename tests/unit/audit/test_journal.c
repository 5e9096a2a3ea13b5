// The journal: what is durable is signed, what is not is not, and nothing published is taken back.
#include "log_fixture.h"

#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(every_entry_of_a_commit_has_a_receipt_that_proves_it)
{
    struct error err;
    struct log_fixture fixture;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 5);

    enum { COUNT = 6 };
    static const enum wire_class classes[COUNT] = { WIRE_CLASS_EXCHANGE,  WIRE_CLASS_CONSENT,
                                                    WIRE_CLASS_OVERSIGHT, WIRE_CLASS_GOVERNANCE,
                                                    WIRE_CLASS_DELAYED,   WIRE_CLASS_EPOCH };
    struct audit_entry entries[COUNT];
    char texts[COUNT][3][32];
    const struct audit_entry *list[COUNT];
    struct audit_commit *commit = NULL;
    for (unsigned i = 0; i < COUNT; i++) {
        fixture_entry(&entries[i], classes[i], i, NOVEMBER, texts[i]);
        list[i] = &entries[i];
    }
    assert_ok(audit_journal_append(fixture.journal, list, COUNT, 5,
                                   audit_journal_term(fixture.journal), &commit, &err));
    assert_int_equal(audit_commit_first(commit), 5);
    assert_int_equal(audit_commit_count(commit), COUNT);
    assert_int_equal(audit_commit_size(commit), 11);
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t *types = NULL;
        size_t parts = proof_class_parts(classes[i], &types);
        for (size_t p = 0; p < parts; p++) {
            struct audit_receipt receipt;
            assert_ok(audit_commit_receipt(commit, i, &entries[i], types[p], &receipt, &err));
            assert_int_equal(receipt.receipt.index, 5 + i);
            assert_ok(fixture_prove(&fixture, &receipt.receipt, &err));
            receipt.extra.part = bytes_text("something else");
            assert_status(ST_UNPROVEN, fixture_prove(&fixture, &receipt.receipt, &err));
        }
    }
    struct audit_receipt receipt;
    assert_status(ST_MALFORMED,
                  audit_commit_receipt(commit, 0, &entries[0], WIRE_PART_PUBLIC, &receipt, &err));
    audit_commit_unref(&commit);
    fixture_end(&fixture);
}

TEST(receipts_hold_at_every_size_around_full_tiles)
{
    struct error err;
    struct log_fixture fixture;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    static const size_t batches[] = { 1, 1, 2, 3, 200, 48, 1, 1, 255, 256, 257, 3, 300 };
    for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
        struct audit_commit *commit = NULL;
        assert_ok(fixture_append(&fixture, batches[b], &commit, &err));
        uint64_t size = audit_commit_size(commit);
        struct digest root = audit_commit_root(commit);
        for (size_t i = 0; i < batches[b]; i++) {
            assert_true(proof_inclusion_verify(audit_commit_leaf_hash(commit, i),
                                               audit_commit_first(commit) + i, size,
                                               audit_commit_path(commit, i), &root));
        }
        struct proof_checkpoint checkpoint;
        assert_ok(proof_checkpoint_open(audit_commit_checkpoint(commit), &fixture.key, &checkpoint,
                                        &err));
        assert_int_equal(checkpoint.size, size);
        assert_true(digest_equal(&checkpoint.root, &root));
        audit_commit_unref(&commit);
    }
    fixture_end(&fixture);
}

TEST(a_log_goes_on_where_it_stopped)
{
    struct error err;
    struct log_fixture fixture;
    struct digest roots[2];
    uint64_t size = 0;
    for (int reopened = 0; reopened < 2; reopened++) {
        // Leaves are salted, so the same leaves are needed: compare against the reader's roots.
        fixture_begin(&fixture);
        fixture_open(&fixture);
        fixture_grow(&fixture, 700);
        uint64_t term = audit_journal_term(fixture.journal);
        if (reopened == 1) {
            fixture_close(&fixture);
            fixture_open(&fixture);
            assert_int_equal(audit_journal_size(fixture.journal), 700);
            assert_int_equal(audit_journal_term(fixture.journal), term + 1);
        }
        fixture_grow(&fixture, 1300);
        struct buffer note = buffer_init(PROOF_NOTE_MAX);
        struct audit_log *log = NULL;
        assert_ok(audit_journal_checkpoint(fixture.journal, &size, &roots[0], &note, &err));
        assert_ok(audit_log_create(fixture.journal, &log, &err));
        assert_ok(audit_log_begin(log, &size, &err));
        assert_int_equal(size, 1300);
        assert_ok(audit_log_root(log, 1300, &roots[1], &err));
        assert_true(digest_equal(&roots[0], &roots[1]));
        audit_log_destroy(&log);
        buffer_fini(&note);
        fixture_end(&fixture);
    }
}

TEST(an_append_decided_from_another_size_or_term_is_stale)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_entry entry;
    char texts[3][32];
    const struct audit_entry *list[] = { &entry };
    struct audit_commit *commit = NULL;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    uint64_t term = audit_journal_term(fixture.journal);
    fixture_entry(&entry, WIRE_CLASS_EXCHANGE, 1, NOVEMBER, texts);
    assert_status(ST_STALE, audit_journal_append(fixture.journal, list, 1, 2, term, &commit, &err));
    assert_status(ST_STALE, audit_journal_append(fixture.journal, list, 1, 4, term, &commit, &err));
    assert_status(ST_STALE,
                  audit_journal_append(fixture.journal, list, 1, 3, term + 1, &commit, &err));
    assert_status(ST_STALE,
                  audit_journal_append(fixture.journal, list, 1, 3, term - 1, &commit, &err));
    assert_null(commit);
    assert_int_equal(audit_journal_size(fixture.journal), 3);
    assert_ok(audit_journal_append(fixture.journal, list, 1, 3, term, &commit, &err));
    audit_commit_unref(&commit);
    fixture_end(&fixture);
}

// Runs `work` in a child process (an environment is opened once in a process) and gives how the
// child ended.
static int in_child(void (*work)(struct log_fixture *fixture), struct log_fixture *fixture)
{
    int how = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void open_and_append(struct log_fixture *fixture)
{
    struct error err;
    struct audit_commit *commit = NULL;
    if (fixture_try(fixture, &err) != ST_OK || fixture_append(fixture, 2, &commit, &err) != ST_OK) {
        _exit(1);
    }
}

TEST(a_writer_whose_term_was_taken_cannot_write)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    struct log_fixture other = fixture;
    other.journal = NULL;
    other.vault = NULL;
    assert_int_equal(in_child(open_and_append, &other), 0);
    assert_status(ST_STALE, fixture_append(&fixture, 1, &commit, &err));
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_int_equal(audit_journal_size(fixture.journal), 5);
    fixture_grow(&fixture, 6);
    fixture_end(&fixture);
}

TEST(time_in_leaves_never_goes_backwards)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_entry entries[2];
    char texts[2][3][32];
    const struct audit_entry *list[] = { &entries[0], &entries[1] };
    struct audit_commit *commit = NULL;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    uint64_t term = audit_journal_term(fixture.journal);
    fixture_entry(&entries[0], WIRE_CLASS_EXCHANGE, 0, NOVEMBER + 5, texts[0]);
    fixture_entry(&entries[1], WIRE_CLASS_EXCHANGE, 1, NOVEMBER + 4, texts[1]);
    assert_status(ST_MALFORMED,
                  audit_journal_append(fixture.journal, list, 2, 0, term, &commit, &err));
    assert_ok(audit_journal_append(fixture.journal, list, 1, 0, term, &commit, &err));
    audit_commit_unref(&commit);
    fixture_close(&fixture);
    fixture_open(&fixture);
    term = audit_journal_term(fixture.journal);
    assert_status(ST_MALFORMED,
                  audit_journal_append(fixture.journal, &list[1], 1, 1, term, &commit, &err));
    assert_int_equal(audit_journal_minutes(fixture.journal, 0), NOVEMBER + 5);
    assert_int_equal(audit_journal_minutes(fixture.journal, (int64_t)(NOVEMBER + 9) * 60000),
                     NOVEMBER + 9);
    fixture_end(&fixture);
}

struct failing {
    int left;         // commits until one fails
    enum status with; // how
};

static enum status fail_one(bool committed, void *context)
{
    struct failing *failing = context;
    return !committed && failing->left-- == 0 ? failing->with : ST_OK;
}

TEST(a_full_disk_refuses_the_batch_and_a_later_one_goes_through)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    struct failing failing = { .left = 2, .with = ST_FULL };
    fixture_begin(&fixture);
    fixture.hook = fail_one;
    fixture.hook_context = &failing;
    fixture_open(&fixture); // commit 0
    fixture_grow(&fixture, 250);
    assert_status(ST_FULL, fixture_append(&fixture, 10, &commit, &err));
    assert_null(commit);
    assert_false(audit_journal_is_poisoned(fixture.journal));
    assert_int_equal(audit_journal_size(fixture.journal), 250);
    assert_ok(fixture_append(&fixture, 10, &commit, &err));
    struct digest root = audit_commit_root(commit);
    assert_true(proof_inclusion_verify(audit_commit_leaf_hash(commit, 7), 257, 260,
                                       audit_commit_path(commit, 7), &root));
    audit_commit_unref(&commit);
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_int_equal(audit_journal_size(fixture.journal), 260);
    fixture_end(&fixture);
}

TEST(a_full_map_refuses_the_batch_and_what_was_written_stays_good)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    fixture_begin(&fixture);
    fixture.map_bytes = 512 * 1024;
    fixture_open(&fixture);
    enum status status = ST_OK;
    while (status == ST_OK) {
        status = fixture_append(&fixture, 100, &commit, &err);
        audit_commit_unref(&commit);
    }
    assert_int_equal(status, ST_FULL);
    assert_true(audit_journal_used_permille(fixture.journal) > 700);
    uint64_t size = audit_journal_size(fixture.journal);
    assert_true(size >= 100);
    fixture_close(&fixture);
    fixture.map_bytes = (size_t)1 << 30;
    fixture_open(&fixture);
    assert_int_equal(audit_journal_size(fixture.journal), size);
    fixture_grow(&fixture, size + 300);
    fixture_end(&fixture);
}

TEST(a_commit_that_fails_otherwise_ends_all_writing)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    struct failing failing = { .left = 2, .with = ST_IO };
    fixture_begin(&fixture);
    fixture.hook = fail_one;
    fixture.hook_context = &failing;
    fixture_open(&fixture);
    fixture_grow(&fixture, 5);
    assert_status(ST_IO, fixture_append(&fixture, 1, &commit, &err));
    assert_true(audit_journal_is_poisoned(fixture.journal));
    assert_status(ST_IO, fixture_append(&fixture, 1, &commit, &err));
    assert_null(commit);
    fixture_end(&fixture);
}

// ---- killed at any instant

struct killing {
    int left;    // calls of the hook until the process is killed
    int promise; // pipe: sizes whose receipts were handed out
};

static enum status kill_at(bool committed, void *context)
{
    struct killing *killing = context;
    (void)committed;
    if (killing->left-- == 0) {
        raise(SIGKILL);
    }
    return ST_OK;
}

static void append_and_promise(struct log_fixture *fixture)
{
    struct error err;
    struct killing *killing = fixture->hook_context;
    if (fixture_try(fixture, &err) != ST_OK) {
        _exit(1);
    }
    for (int i = 0; i < 4; i++) {
        struct audit_commit *commit = NULL;
        if (fixture_append(fixture, 90, &commit, &err) != ST_OK) {
            _exit(1);
        }
        struct proof_checkpoint promised;
        if (proof_checkpoint_open(audit_commit_checkpoint(commit), &fixture->key, &promised,
                                  &err) != ST_OK ||
            write(killing->promise, &promised, sizeof(promised)) != sizeof(promised)) {
            _exit(1);
        }
        if (i == 1 && audit_journal_publish(fixture->journal, audit_commit_checkpoint(commit),
                                            &err) != ST_OK) {
            _exit(1);
        }
        audit_commit_unref(&commit);
    }
    _exit(0);
}

TEST(whatever_was_promised_before_a_kill_is_there_after_it)
{
    struct error err;
    bool finished = false;
    for (int step = 0; !finished; step++) {
        struct log_fixture fixture;
        int ends[2];
        fixture_begin(&fixture);
        assert_int_equal(pipe(ends), 0);
        struct killing killing = { .left = step, .promise = ends[1] };
        fixture.hook = kill_at;
        fixture.hook_context = &killing;
        int how = in_child(append_and_promise, &fixture);
        close(ends[1]);
        finished = WIFEXITED(how);
        if (finished) {
            assert_int_equal(WEXITSTATUS(how), 0);
            assert_true(step >= 10); // opening and four appends, before and after each commit
        }
        fixture.hook = NULL;
        fixture_open(&fixture);
        struct audit_log *log = NULL;
        struct proof_checkpoint promised;
        struct digest root;
        uint64_t size = 0;
        assert_ok(audit_log_create(fixture.journal, &log, &err));
        assert_ok(audit_log_begin(log, &size, &err));
        assert_int_equal(size % 90, 0);
        while (read(ends[0], &promised, sizeof(promised)) == sizeof(promised)) {
            assert_true(promised.size <= size);
            assert_ok(audit_log_root(log, promised.size, &root, &err));
            assert_true(digest_equal(&root, &promised.root));
        }
        close(ends[0]);
        audit_log_destroy(&log);
        fixture_grow(&fixture, size + 400);
        fixture_end(&fixture);
    }
}

// ---- publication

// Copies, or removes, the environment's folder.
static void copy_log(const struct log_fixture *fixture, const char *from, const char *to)
{
    struct error err;
    char path[192];
    struct buffer data = buffer_init((size_t)1 << 26);
    snprintf(path, sizeof(path), "%s/%s/data.mdb", fixture->home, from);
    assert_ok(file_read(path, (size_t)1 << 26, &data, &err));
    snprintf(path, sizeof(path), "%s/%s", fixture->home, to);
    assert_ok(file_make_folder(path, 0700, &err));
    snprintf(path, sizeof(path), "%s/%s/data.mdb", fixture->home, to);
    assert_ok(file_create(path, buffer_view(&data), 0600, &err));
    buffer_fini(&data);
}

static void remove_log(const struct log_fixture *fixture)
{
    static const char *const names[] = { "log/data.mdb", "log/lock.mdb", "log" };
    for (size_t i = 0; i < 3; i++) {
        char path[192];
        snprintf(path, sizeof(path), "%s/%s", fixture->home, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

TEST(a_log_shorter_than_what_was_published_does_not_open)
{
    struct error err;
    struct log_fixture fixture;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 20);
    fixture_close(&fixture);
    copy_log(&fixture, "log", "old");
    fixture_open(&fixture);
    fixture_grow(&fixture, 30);
    fixture_publish(&fixture);
    fixture_close(&fixture);
    remove_log(&fixture);
    copy_log(&fixture, "old", "log");
    assert_status(ST_UNPROVEN, fixture_try(&fixture, &err));
    assert_non_null(strstr(err.message, "older copy"));
    fixture_end(&fixture);
}

TEST(a_log_with_other_entries_than_were_published_does_not_open)
{
    struct error err;
    struct log_fixture fixture;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 20);
    fixture_publish(&fixture);
    fixture_close(&fixture);
    remove_log(&fixture);
    char published[160];
    char away[160];
    snprintf(published, sizeof(published), "%s/log.published", fixture.home);
    snprintf(away, sizeof(away), "%s/away", fixture.home);
    assert_int_equal(rename(published, away), 0);
    fixture_open(&fixture); // a new log of the same origin and key, with other entries
    fixture_grow(&fixture, 40);
    fixture_close(&fixture);
    assert_int_equal(rename(away, published), 0);
    assert_status(ST_UNPROVEN, fixture_try(&fixture, &err));
    assert_non_null(strstr(err.message, "not those that were published"));
    fixture_end(&fixture);
}

TEST(the_row_in_the_log_stands_in_for_a_lost_file)
{
    struct error err;
    struct log_fixture fixture;
    char published[160];
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 20);
    assert_status(ST_NOT_FOUND, audit_journal_published(fixture.journal, &size, &note, &err));
    fixture_publish(&fixture);
    fixture_grow(&fixture, 25); // takes the row along
    fixture_close(&fixture);
    snprintf(published, sizeof(published), "%s/log.published", fixture.home);
    assert_int_equal(unlink(published), 0);
    fixture_open(&fixture);
    assert_ok(audit_journal_published(fixture.journal, &size, &note, &err));
    assert_int_equal(size, 20);
    assert_true(file_exists(published));
    buffer_fini(&note);
    fixture_end(&fixture);
}

TEST(a_published_checkpoint_outlives_a_crash_before_its_row)
{
    struct error err;
    struct log_fixture fixture;
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 20);
    fixture_publish(&fixture);
    fixture_close(&fixture); // the row is still in memory
    fixture_open(&fixture);
    fixture_grow(&fixture, 21); // now it is written
    fixture_close(&fixture);
    char published[160];
    snprintf(published, sizeof(published), "%s/log.published", fixture.home);
    assert_int_equal(unlink(published), 0);
    fixture_open(&fixture);
    assert_ok(audit_journal_published(fixture.journal, &size, &note, &err));
    assert_int_equal(size, 20);
    buffer_fini(&note);
    fixture_end(&fixture);
}

TEST(nothing_lower_or_foreign_is_published)
{
    struct error err;
    struct log_fixture fixture;
    struct digest root;
    uint64_t size = 0;
    struct buffer low = buffer_init(PROOF_NOTE_MAX);
    struct buffer foreign = buffer_init(PROOF_NOTE_MAX);
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 10);
    assert_ok(audit_journal_checkpoint(fixture.journal, &size, &root, &low, &err));
    fixture_grow(&fixture, 20);
    fixture_publish(&fixture);
    fixture_publish(&fixture); // the same again is fine
    assert_status(ST_UNPROVEN, audit_journal_publish(fixture.journal, buffer_view(&low), &err));
    struct proof_checkpoint checkpoint = { .origin = ORIGIN, .size = 20 };
    proof_checkpoint_sign(&checkpoint, &fixture.key, fixture.signer, &foreign);
    assert_status(ST_UNPROVEN, audit_journal_publish(fixture.journal, buffer_view(&foreign), &err));
    buffer_clear(&foreign);
    checkpoint.size = 2000;
    proof_checkpoint_sign(&checkpoint, &fixture.key, fixture.signer, &foreign);
    assert_status(ST_UNPROVEN, audit_journal_publish(fixture.journal, buffer_view(&foreign), &err));
    assert_status(ST_UNPROVEN, audit_journal_publish(fixture.journal, bytes_text("words"), &err));
    buffer_fini(&low);
    buffer_fini(&foreign);
    fixture_end(&fixture);
}

TEST(a_log_of_another_origin_or_key_does_not_open)
{
    struct error err;
    struct log_fixture fixture;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    fixture_close(&fixture);
    struct seal_signer *own = fixture.signer;
    assert_ok(seal_signer_create(fixture.master, &fixture.signer, &err));
    assert_status(ST_DENIED, fixture_try(&fixture, &err));
    seal_signer_destroy(&fixture.signer);
    fixture.signer = own;
    fixture_open(&fixture);
    fixture_end(&fixture);
}
