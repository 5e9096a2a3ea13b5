// Reading the log: entries, proofs of any size, tiles, receipts of old entries.
#include "log_fixture.h"

#include "base/thread.h"

#include <stdatomic.h>

enum { SIZE = 1100 };

struct reading {
    struct log_fixture fixture;
    struct audit_log *log;
    uint64_t size;
};

static void reading_begin(struct reading *reading, uint64_t size)
{
    struct error err;
    fixture_begin(&reading->fixture);
    fixture_open(&reading->fixture);
    fixture_grow(&reading->fixture, size);
    assert_ok(audit_log_create(reading->fixture.journal, &reading->log, &err));
    assert_ok(audit_log_begin(reading->log, &reading->size, &err));
    assert_int_equal(reading->size, size);
}

static void reading_end(struct reading *reading)
{
    audit_log_destroy(&reading->log);
    fixture_end(&reading->fixture);
}

TEST(every_inclusion_proof_of_every_tried_size_verifies)
{
    struct error err;
    struct reading reading;
    reading_begin(&reading, SIZE);
    static const uint64_t sizes[] = { 1, 2, 255, 256, 257, 300, 511, 512, 513, 1024, SIZE };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct digest root;
        assert_ok(audit_log_root(reading.log, sizes[s], &root, &err));
        for (uint64_t index = 0; index < sizes[s]; index += 37) {
            struct audit_record record;
            struct buffer path = buffer_init(4096);
            assert_ok(audit_log_record(reading.log, index, &record, &err));
            assert_ok(audit_log_inclusion(reading.log, index, sizes[s], &path, &err));
            assert_true(proof_inclusion_verify(&record.leaf_hash, index, sizes[s],
                                               buffer_view(&path), &root));
            buffer_fini(&path);
        }
        for (size_t o = 0; o <= s; o++) {
            struct digest old;
            struct buffer path = buffer_init(4096);
            assert_ok(audit_log_root(reading.log, sizes[o], &old, &err));
            assert_ok(audit_log_consistency(reading.log, sizes[o], sizes[s], &path, &err));
            assert_true(
                proof_consistency_verify(sizes[o], &old, sizes[s], &root, buffer_view(&path)));
            buffer_fini(&path);
        }
    }
    reading_end(&reading);
}

TEST(what_is_beyond_the_log_is_not_found)
{
    struct error err;
    struct reading reading;
    struct digest root;
    struct audit_record record;
    struct buffer out = buffer_init(16384);
    reading_begin(&reading, 300);
    assert_status(ST_NOT_FOUND, audit_log_root(reading.log, 301, &root, &err));
    assert_status(ST_NOT_FOUND, audit_log_record(reading.log, 300, &record, &err));
    assert_status(ST_NOT_FOUND, audit_log_inclusion(reading.log, 300, 300, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_inclusion(reading.log, 0, 301, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_tile(reading.log, 0, 1, 45, 300, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_tile(reading.log, 0, 0, 256, 255, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_tile(reading.log, 1, 0, 2, 300, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_tile(reading.log, 64, 0, 1, 300, &out, &err));
    assert_status(ST_NOT_FOUND, audit_log_tile(reading.log, 0, UINT64_MAX / 2, 1, 300, &out, &err));
    assert_ok(audit_log_tile(reading.log, 0, 1, 44, 300, &out, &err));
    assert_int_equal(out.size, 44 * 32);
    buffer_fini(&out);
    reading_end(&reading);
}

TEST(tiles_of_every_level_fit_one_another)
{
    struct error err;
    struct reading reading;
    struct buffer low = buffer_init(8192);
    struct buffer high = buffer_init(8192);
    reading_begin(&reading, SIZE);
    assert_ok(audit_log_tile(reading.log, 1, 0, 4, SIZE, &high, &err));
    for (uint64_t i = 0; i < 4; i++) {
        buffer_clear(&low);
        assert_ok(audit_log_tile(reading.log, 0, i, 256, SIZE, &low, &err));
        struct proof_frontier frontier = { 0 };
        for (size_t h = 0; h < 256; h++) {
            proof_frontier_append(&frontier, (const struct digest *)(low.data + 32 * h));
        }
        struct digest root = proof_frontier_root(&frontier);
        assert_memory_equal(&root, high.data + 32 * i, 32);
    }
    buffer_fini(&low);
    buffer_fini(&high);
    reading_end(&reading);
}

TEST(receipts_of_old_entries_prove_them)
{
    struct error err;
    struct reading reading;
    struct arena *arena = arena_create(1 << 20);
    reading_begin(&reading, SIZE);
    for (uint64_t index = 0; index < SIZE; index += 101) {
        struct audit_receipt receipt;
        char text[32];
        arena_reset(arena);
        assert_ok(audit_log_receipt(reading.log, index, SIZE - (index % 3), WIRE_PART_SUBJECT,
                                    arena, &receipt, &err));
        assert_ok(fixture_prove(&reading.fixture, &receipt.receipt, &err));
        snprintf(text, sizeof(text), "part 1 of %llu", (unsigned long long)index);
        assert_true(bytes_equal_text(receipt.extra.part, text));
    }
    struct audit_receipt receipt;
    assert_status(ST_MALFORMED,
                  audit_log_receipt(reading.log, 0, SIZE, WIRE_PART_PUBLIC, arena, &receipt, &err));
    arena_destroy(&arena);
    reading_end(&reading);
}

TEST(a_receipt_of_the_only_entry_has_no_path)
{
    struct error err;
    struct reading reading;
    struct audit_receipt receipt;
    struct arena *arena = arena_create(1 << 20);
    reading_begin(&reading, 1);
    assert_ok(audit_log_receipt(reading.log, 0, 1, WIRE_PART_EXCHANGE, arena, &receipt, &err));
    assert_int_equal(receipt.receipt.proof.size, 0);
    assert_ok(fixture_prove(&reading.fixture, &receipt.receipt, &err));
    arena_destroy(&arena);
    reading_end(&reading);
}

struct counting {
    uint64_t next;
    uint64_t stop;
};

static bool count_entry(uint64_t index, const struct audit_record *record, void *context)
{
    struct counting *counting = context;
    assert_int_equal(index, counting->next);
    assert_int_equal(record->class, WIRE_CLASS_EXCHANGE);
    counting->next++;
    return counting->next < counting->stop;
}

TEST(a_scan_gives_entries_in_order_until_told_to_stop)
{
    struct error err;
    struct reading reading;
    reading_begin(&reading, 300);
    struct counting counting = { .next = 100, .stop = UINT64_MAX };
    assert_ok(audit_log_scan(reading.log, 100, 50, count_entry, &counting, &err));
    assert_int_equal(counting.next, 150);
    assert_ok(audit_log_scan(reading.log, 150, UINT64_MAX, count_entry, &counting, &err));
    assert_int_equal(counting.next, 300);
    assert_ok(audit_log_scan(reading.log, 300, 10, count_entry, &counting, &err));
    counting = (struct counting){ .next = 0, .stop = 7 };
    assert_ok(audit_log_scan(reading.log, 0, 300, count_entry, &counting, &err));
    assert_int_equal(counting.next, 7);
    reading_end(&reading);
}

TEST(a_reader_sees_one_size_while_the_writer_goes_on)
{
    struct error err;
    struct reading reading;
    struct digest before;
    struct digest after;
    uint64_t size = 0;
    reading_begin(&reading, 200);
    assert_ok(audit_log_root(reading.log, 200, &before, &err));
    fixture_grow(&reading.fixture, 900);
    assert_int_equal(audit_journal_reader_lag(reading.fixture.journal), 3);
    assert_status(ST_NOT_FOUND, audit_log_root(reading.log, 201, &after, &err));
    assert_ok(audit_log_root(reading.log, 200, &after, &err));
    assert_true(digest_equal(&before, &after));
    audit_log_end(reading.log);
    assert_int_equal(audit_journal_reader_lag(reading.fixture.journal), 0);
    assert_ok(audit_log_begin(reading.log, &size, &err));
    assert_int_equal(size, 900);
    assert_ok(audit_log_root(reading.log, 200, &after, &err));
    assert_true(digest_equal(&before, &after));
    reading_end(&reading);
}

struct proving {
    struct audit_journal *journal;
    atomic_bool stop;
    unsigned proofs;
    unsigned failures;
};

// Proves entries of whatever size it sees, and that it is consistent with what it saw before.
static void prove_all(struct thread *thread, void *argument)
{
    struct proving *proving = argument;
    struct error err;
    struct audit_log *log = NULL;
    struct digest before = proof_empty_root();
    uint64_t seen = 0;
    enum status status = audit_log_create(proving->journal, &log, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&proving->stop)) {
        struct audit_record record;
        struct digest root = before;
        uint64_t size = 0;
        struct buffer path = buffer_init(4096);
        struct buffer consistency = buffer_init(4096);
        status = audit_log_begin(log, &size, &err);
        if (status == ST_OK && size > 0) {
            uint64_t index = proving->proofs * 31 % size;
            status = audit_log_record(log, index, &record, &err);
            status = status == ST_OK ? audit_log_root(log, size, &root, &err) : status;
            status = status == ST_OK ? audit_log_inclusion(log, index, size, &path, &err) : status;
            status = status == ST_OK ? audit_log_consistency(log, seen, size, &consistency, &err)
                                     : status;
            if (status == ST_OK && (!proof_inclusion_verify(&record.leaf_hash, index, size,
                                                            buffer_view(&path), &root) ||
                                    !proof_consistency_verify(seen, &before, size, &root,
                                                              buffer_view(&consistency)))) {
                status = ST_UNPROVEN;
            }
            before = root;
            seen = size;
            proving->proofs++;
        }
        audit_log_end(log);
        buffer_fini(&path);
        buffer_fini(&consistency);
    }
    proving->failures += status != ST_OK;
    audit_log_destroy(&log);
}

TEST(proofs_hold_while_the_writer_writes)
{
    struct error err;
    struct log_fixture fixture;
    struct thread *thread = NULL;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    struct proving proving = { .journal = fixture.journal };
    assert_ok(thread_start("prover", prove_all, &proving, &thread, &err));
    for (uint64_t size = 40; size <= 2000; size += 40) {
        fixture_grow(&fixture, size);
        if (size % 200 == 0) {
            fixture_publish(&fixture);
        }
    }
    atomic_store(&proving.stop, true);
    thread_join(&thread);
    assert_int_equal(proving.failures, 0);
    assert_true(proving.proofs > 0);
    fixture_end(&fixture);
}

TEST(a_minute_is_found_by_halving)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_log *log = NULL;
    uint64_t size = 0;
    uint64_t index = 0;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    for (uint32_t i = 0; i < 20; i++) { // minutes 0 0 2 2 4 4 …
        struct audit_entry entry;
        char texts[3][32];
        const struct audit_entry *list[] = { &entry };
        struct audit_commit *commit = NULL;
        fixture_entry(&entry, WIRE_CLASS_EXCHANGE, i, NOVEMBER + i / 2 * 2, texts);
        assert_ok(audit_journal_append(fixture.journal, list, 1, i,
                                       audit_journal_term(fixture.journal), &commit, &err));
        audit_commit_unref(&commit);
    }
    assert_ok(audit_log_create(fixture.journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_find_minute(log, 0, &index, &err));
    assert_int_equal(index, 0);
    assert_ok(audit_log_find_minute(log, NOVEMBER + 4, &index, &err));
    assert_int_equal(index, 4);
    assert_ok(audit_log_find_minute(log, NOVEMBER + 5, &index, &err));
    assert_int_equal(index, 6);
    assert_ok(audit_log_find_minute(log, NOVEMBER + 500, &index, &err));
    assert_int_equal(index, 20);
    audit_log_destroy(&log);
    fixture_end(&fixture);
}

TEST(a_forgotten_month_keeps_its_leaves_and_proofs)
{
    struct error err;
    struct reading reading;
    struct audit_record record;
    struct audit_body body;
    struct buffer path = buffer_init(4096);
    struct arena *arena = arena_create(1 << 20);
    reading_begin(&reading, 300);
    assert_ok(audit_log_record(reading.log, 5, &record, &err));
    assert_ok(audit_log_body(reading.log, 5, &record, arena, &body, &err));
    assert_ok(audit_vault_forget(reading.fixture.vault, record.key_id, &err));
    assert_status(ST_NOT_FOUND, audit_log_body(reading.log, 5, &record, arena, &body, &err));
    assert_ok(audit_log_inclusion(reading.log, 5, 300, &path, &err));
    arena_destroy(&arena);
    buffer_fini(&path);
    reading_end(&reading);
}
