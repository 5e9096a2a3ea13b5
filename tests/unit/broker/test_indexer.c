// The indexer's watch over the room that is left.
#include "../audit/log_fixture.h"

#include "base/clock.h"
#include "broker/core.h"

enum { MAP_BYTES = 4 << 20, PERCENT = 10, PATIENCE_MS = 20 * 1000 };

// Runs the indexer until `full` has become the other way round.
static void assert_becomes(struct log_fixture *fixture, struct audit_views *views,
                           uint64_t full_percent, bool full)
{
    struct error err;
    struct config_vedomod settings = { .audit.full_percent = full_percent };
    struct broker broker = { .journal = fixture->journal,
                             .views = views,
                             .home.settings = &settings };
    struct thread *indexer = NULL;
    assert_ok(queue_create(1, 0, &broker.alarm, &err));
    atomic_store(&broker.full, !full);
    assert_ok(thread_start("indexer", broker_indexer_run, &broker, &indexer, &err));
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (atomic_load(&broker.full) != full && clock_monotonic_ms() < deadline_ms) {
        broker_wait(&broker, 10);
    }
    bool became = atomic_load(&broker.full);
    atomic_store(&broker.stopping, true);
    queue_close(broker.alarm);
    thread_join(&indexer);
    queue_destroy(&broker.alarm);
    assert_true(became == full);
}

TEST(the_record_is_full_from_the_percentage_on_that_is_set)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_views *views = NULL;
    struct audit_views_opened opened;
    fixture_begin(&fixture);
    fixture.map_bytes = MAP_BYTES;
    fixture_open(&fixture);
    struct audit_views_options options = { .home = fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = fixture.journal };
    assert_ok(audit_views_open(&options, &views, &opened, &err));
    assert_becomes(&fixture, views, PERCENT, false);
    uint64_t size = 0;
    while (audit_journal_used_permille(fixture.journal) < PERCENT * 10) {
        fixture_grow(&fixture, size += FIXTURE_BATCH);
    }
    assert_becomes(&fixture, views, 90, false);
    assert_becomes(&fixture, views, PERCENT, true);
    audit_views_close(&views);
    fixture_end(&fixture);
}
