// The recorder at work on a real log, stopped before each of its commits: what is urgent overtakes
// what waits already, and is not held up by it.
#include "../audit/log_fixture.h"

#include "base/clock.h"
#include "broker/core.h"
#include "broker/policy_bundle.h"

#include <semaphore.h>
#include <time.h>

enum { BATCH = 128, WAITING = 200, URGENT_BATCH_MAX = 64, PLACES = 512, PATIENCE_S = 20 };

struct works {
    struct log_fixture log;
    struct audit_views *views;
    struct config_vedomod settings;
    struct broker broker;
    struct thread *recorder;
    atomic_bool stops; // before each commit
    sem_t at_commit;
    sem_t go;
};

static enum status before_commit(bool committed, void *context)
{
    struct works *works = context;
    if (!committed && atomic_load(&works->stops)) {
        sem_post(&works->at_commit);
        sem_wait(&works->go);
    }
    return ST_OK;
}

static void free_nothing(void *object)
{
    (void)object;
}

static void begin(struct works *works)
{
    struct error err;
    struct audit_views_opened opened;
    memset(works, 0, sizeof(*works));
    sem_init(&works->at_commit, 0, 0);
    sem_init(&works->go, 0, 0);
    fixture_begin(&works->log);
    works->log.hook = before_commit;
    works->log.hook_context = works;
    fixture_open(&works->log);
    struct audit_views_options options = { .home = works->log.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = works->log.journal };
    assert_ok(audit_views_open(&options, &works->views, &opened, &err));
    works->settings.audit.batch_max = BATCH;
    struct broker *broker = &works->broker;
    snprintf(broker->home.path, sizeof(broker->home.path), "%s", works->log.home);
    broker->home.settings = &works->settings;
    broker->home.vault = works->log.vault;
    broker->journal = works->log.journal;
    broker->views = works->views;
    broker->registry = snapshot_create(free_nothing);
    broker->policy = snapshot_create(policy_bundle_free);
    assert_ok(queue_create(PLACES, 0, &broker->to_recorder, &err));
    assert_ok(queue_create(PLACES, 0, &broker->to_router, &err));
    assert_ok(queue_create(PLACES, 0, &broker->to_workers, &err));
    assert_ok(thread_start("recorder", broker_recorder_run, broker, &works->recorder, &err));
}

static void end(struct works *works)
{
    queue_close(works->broker.to_recorder);
    thread_join(&works->recorder);
    snapshot_destroy(&works->broker.registry);
    snapshot_destroy(&works->broker.policy);
    queue_destroy(&works->broker.to_recorder);
    queue_destroy(&works->broker.to_router);
    queue_destroy(&works->broker.to_workers);
    audit_views_close(&works->views);
    fixture_end(&works->log);
    sem_destroy(&works->at_commit);
    sem_destroy(&works->go);
}

// A note for the log, handed to the recorder.
static void hand_in(struct works *works, bool urgent)
{
    struct job *job = job_create(JOB_BROADCAST);
    assert_non_null(job);
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    *public_part = (struct wire_public_part){ .format = 1,
                                              .kind = WIRE_KIND_RESTART,
                                              .recorded_at = (uint64_t)clock_wall_ms(),
                                              .note = bytes_text("test") };
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_RESTART };
    job->urgent = urgent;
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .officer = officer,
                                   .public_ = public_part };
    broker_pass_ahead(works->broker.to_recorder, job);
}

// Until the recorder stands before a commit.
static void await_commit(struct works *works)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(sem_timedwait(&works->at_commit, &until), 0);
}

// The next job that comes out: its place in the log.
static uint64_t collect(struct works *works, bool *urgent)
{
    struct job *job = NULL;
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_S * 1000;
    assert_int_equal(queue_wait(works->broker.to_router, (void **)&job, 1, deadline_ms), 1);
    assert_int_equal(job->record.result, RECORD_DONE);
    uint64_t index = job->record.index;
    *urgent = job->urgent;
    job_destroy(&job);
    return index;
}

TEST(what_is_urgent_goes_into_the_log_before_all_that_waits_and_shares_its_commit_with_few)
{
    struct works works;
    bool urgent = false;
    begin(&works);
    uint64_t size = audit_journal_size(works.log.journal);
    assert_int_equal(collect(&works, &urgent), 0); // the log begins
    atomic_store(&works.stops, true);
    hand_in(&works, false);
    await_commit(&works); // it is on its way
    for (size_t i = 0; i < WAITING; i++) {
        hand_in(&works, false);
    }
    hand_in(&works, true);
    hand_in(&works, true);
    sem_post(&works.go);
    await_commit(&works); // the first of those that waited are
    assert_int_equal(audit_journal_size(works.log.journal), size + 1);
    sem_post(&works.go);
    await_commit(&works);
    assert_true(audit_journal_size(works.log.journal) <= size + 1 + URGENT_BATCH_MAX);
    atomic_store(&works.stops, false);
    sem_post(&works.go);
    for (uint64_t i = 0; i < WAITING + 3; i++) {
        assert_int_equal(collect(&works, &urgent), size + i);
        assert_true(urgent == (i == 1 || i == 2));
    }
    end(&works);
}
