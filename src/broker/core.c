// The broker's life: opening the home, making state from the log, starting and ending the threads.
//
// Order of the start: log and views are open, registry and bundle stand as the log says, the
// recorder has closed what was open when the process ended last, the first checkpoint is published;
// only then is the endpoint bound. The ZAP handler comes before the endpoint and goes after it.
#include "broker/core.h"

#include "audit/facet.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/reader.h"
#include "broker/directory.h"
#include "broker/key_state.h"
#include "broker/epoch.h"
#include "broker/metric.h"
#include "broker/policy_bundle.h"
#include "bus/endpoint.h"
#include "seal/batch.h"
#include "seal/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    QUEUE_SPARE = 8192,
    ALARM_PLACES = 1,
    ARENA_BLOCK_BYTES = 12 * 1024, // most messages need one
    ARENA_BLOCKS_KEPT = 1024,
    SIGNATURES_KEPT = 8192,
};

// ---- handing on

void broker_pass(struct queue *queue, struct job **jobs, size_t count)
{
    size_t pushed = count == 0 ? 0 : queue_push(queue, (void **)jobs, count);
    // Only while the broker ends: a closed queue takes nothing.
    for (size_t i = pushed; i < count; i++) {
        job_destroy(&jobs[i]);
    }
}

void broker_pass_one(struct queue *queue, struct job *job)
{
    broker_pass(queue, &job, 1);
}

void broker_pass_ahead(struct queue *queue, struct job *job)
{
    if (!job->urgent) {
        broker_pass_one(queue, job);
    } else if (queue_push_urgent(queue, (void **)&job, 1) == 0) {
        job_destroy(&job); // as above
    }
}

void broker_wait(struct broker *broker, int64_t ms)
{
    void *nothing;
    queue_wait(broker->alarm, &nothing, 1, clock_monotonic_ms() + ms);
}

void broker_fail(struct broker *broker, const char *what, const struct error *err)
{
    uint64_t one = 1;
    atomic_store(&broker->fatal, true);
    log_event(LOG_LEVEL_ERROR, what, log_text("why", err->message));
    ssize_t done = write(broker->stop_fd, &one, sizeof(one));
    (void)done; // an eventfd of ours: it cannot fail
}

int broker_stop_fd(const struct broker *broker)
{
    return broker->stop_fd;
}

bool broker_has_failed(const struct broker *broker)
{
    return atomic_load(&broker->fatal);
}

void broker_thread_figures(struct broker *broker, void *context,
                           void (*add)(void *context, const char *name, uint64_t number))
{
    const struct {
        const char *name;
        struct thread *const *threads;
        size_t count;
    } groups[] = {
        { "cpu.router-us", &broker->router, 1 },
        { "cpu.workers-us", broker->workers, broker->worker_count },
        { "cpu.recorder-us", &broker->recorder, 1 },
        { "cpu.indexer-us", &broker->indexer, 1 },
        { "cpu.readers-us", broker->readers, CONFIG_READERS_MAX },
        { "cpu.control-us", &broker->control, 1 },
        { "cpu.publisher-us", &broker->publisher, 1 },
        { "cpu.keeper-us", &broker->keeper, 1 },
        { "cpu.epoch-us", &broker->epoch_maker, 1 },
        { "cpu.witnesses-us", &broker->witnesses, 1 },
    };
    if (!atomic_load(&broker->started)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
        int64_t used_ns = 0;
        for (size_t k = 0; k < groups[i].count; k++) {
            used_ns += groups[i].threads[k] == NULL ? 0 : thread_cpu_ns(groups[i].threads[k]);
        }
        add(context, groups[i].name, (uint64_t)used_ns / 1000);
    }
}

// ---- state from the log

struct governance {
    struct broker *broker;
    struct audit_log *log;
    struct arena *arena;
    struct registry_change *changes;
    size_t count;
    size_t capacity;
    struct bytes policy_head; // of the last bundle
    enum status status;
    struct error *err;
};

static bool keep_change(struct governance *governance, enum registry_label label,
                        struct bytes signed_message, uint64_t index)
{
    if (governance->count == governance->capacity) {
        size_t capacity = governance->capacity == 0 ? 64 : governance->capacity * 2;
        struct registry_change *grown =
            realloc(governance->changes, capacity * sizeof(*governance->changes));
        if (grown == NULL) {
            governance->status = error_set(governance->err, ST_NOMEM, "registry: no memory");
            return false;
        }
        governance->changes = grown;
        governance->capacity = capacity;
    }
    governance->changes[governance->count++] = (struct registry_change){
        .label = label, .signed_message = signed_message, .entry_index = index
    };
    return true;
}

static bool take_entry(struct bytes key, struct bytes value, void *context)
{
    struct governance *governance = context;
    struct reader reader = reader_init(key);
    uint64_t index = reader_u64(&reader);
    enum wire_kind kind = value.size > 0 ? (enum wire_kind)value.data[0] : WIRE_KIND_NONE;
    struct audit_record record;
    struct audit_body body;
    struct audit_facts facts;
    if (kind != WIRE_KIND_MEMBER && kind != WIRE_KIND_ORDER && kind != WIRE_KIND_POLICY &&
        kind != WIRE_KIND_KEY_CHANGE) {
        return true;
    }
    governance->status = audit_log_record(governance->log, index, &record, governance->err);
    if (governance->status == ST_OK) {
        governance->status = audit_log_body(governance->log, index, &record, governance->arena,
                                            &body, governance->err);
    }
    if (governance->status == ST_OK) {
        governance->status = audit_facts_decode(&body, governance->arena, &facts, governance->err);
    }
    if (governance->status != ST_OK || facts.public_ == NULL) {
        return governance->status == ST_OK;
    }
    if (kind == WIRE_KIND_KEY_CHANGE) {
        governance->status =
            key_state_take(governance->broker, index, facts.public_, governance->err);
        return governance->status == ST_OK;
    }
    if (kind == WIRE_KIND_POLICY) {
        governance->policy_head = facts.public_->signed_;
        return true;
    }
    return keep_change(governance, kind == WIRE_KIND_MEMBER ? REGISTRY_CARD : REGISTRY_ORDER,
                       facts.public_->signed_, index);
}

static enum status load_registry(struct governance *governance, struct error *err)
{
    struct broker *broker = governance->broker;
    struct registry *empty = NULL;
    struct registry *registry = NULL;
    enum status status = registry_create(broker->home.origin, &broker->home.registrar, &empty, err);
    if (status == ST_OK && governance->count > 0) {
        status = registry_next(empty, governance->changes, governance->count, &registry, err);
        if (status != ST_OK) {
            error_wrap(err, "the log's cards and orders (were the registrar's pins changed?)");
        }
    } else if (status == ST_OK) {
        registry = empty;
        empty = NULL;
    }
    if (status == ST_OK && !snapshot_swap(broker->registry, registry)) {
        registry_destroy(&registry);
        status = error_set(err, ST_NOMEM, "registry: no memory");
    }
    registry_destroy(&empty);
    return status;
}

static enum status load_policy(struct governance *governance, struct error *err)
{
    struct broker *broker = governance->broker;
    struct registry_bundle_head head;
    struct policy_bundle *bundle = NULL;
    struct buffer blob = buffer_init(CATALOGUE_BLOB_MAX);
    if (governance->policy_head.size == 0) {
        return ST_OK;
    }
    enum status status = registry_bundle_head_verify(governance->policy_head, broker->home.origin,
                                                     &broker->home.policy, &head, err);
    if (status == ST_OK) {
        status = policy_bundle_read(broker->home.bundles, &head.hash, &blob, err);
    }
    if (status == ST_OK) {
        status = policy_bundle_create(governance->policy_head, buffer_view(&blob),
                                      broker->home.origin, &broker->home.policy, &bundle, err);
    }
    if (status == ST_OK && !snapshot_swap(broker->policy, bundle)) {
        policy_bundle_destroy(&bundle);
        status = error_set(err, ST_NOMEM, "policy bundle: no memory");
    }
    buffer_fini(&blob);
    return status;
}

static enum status load_governance(struct broker *broker, struct error *err)
{
    enum { ARENA_BYTES = 256 << 20 };
    struct governance governance = { .broker = broker, .err = err };
    struct audit_reader *reader = NULL;
    uint64_t size;
    broker->tag_recorded = 1;
    governance.arena = arena_create(ARENA_BYTES);
    enum status status = governance.arena == NULL
                             ? error_set(err, ST_NOMEM, "registry: no memory")
                             : audit_reader_create(broker->views, &reader, err);
    if (status == ST_OK) {
        status = audit_log_create(broker->journal, &governance.log, err);
    }
    if (status == ST_OK) {
        status = audit_reader_begin(reader, &size, err);
    }
    if (status == ST_OK) {
        status = audit_log_begin(governance.log, &size, err);
        if (status == ST_OK) {
            status = audit_reader_scan(reader, AUDIT_TABLE_GOVERNANCE, (struct bytes){ 0 },
                                       (struct bytes){ 0 }, false, take_entry, &governance, err);
            status = status == ST_OK ? governance.status : status;
            audit_log_end(governance.log);
        }
        audit_reader_end(reader);
    }
    if (status == ST_OK) {
        status = key_state_check(broker, err);
    }
    if (status == ST_OK) {
        status = load_registry(&governance, err);
    }
    if (status == ST_OK) {
        status = load_policy(&governance, err);
    }
    audit_log_destroy(&governance.log);
    audit_reader_destroy(&reader);
    arena_destroy(&governance.arena);
    free(governance.changes);
    return status;
}

// ---- opening

static void say_progress(uint64_t done, uint64_t total, void *context)
{
    (void)context;
    log_event(LOG_LEVEL_NOTICE, "views.rebuilding", log_number("done", (int64_t)done),
              log_number("of", (int64_t)total));
}

static enum status open_log(struct broker *broker, struct error *err)
{
    const struct config_vedomod *settings = broker->home.settings;
    const struct seal_signer *signers[PROOF_RING_MAX];
    for (size_t i = 0; i < broker->home.log_count; i++) {
        signers[i] = broker->home.logs[i].signer;
    }
    struct audit_journal_options journal = {
        .home = broker->home.path,
        .origin = settings->origin,
        .map_bytes = (size_t)settings->audit.log_map_bytes,
        .signers = signers,
        .signer_count = broker->home.log_count,
        .vault = broker->home.vault,
        .create = true,
    };
    struct audit_views_opened opened = { 0 };
    enum status status = audit_journal_open(&journal, &broker->journal, err);
    if (status != ST_OK) {
        return status;
    }
    status =
        audit_tagger_create(broker->home.tag_secrets, broker->home.tag_count, &broker->tagger, err);
    if (status != ST_OK) {
        return status;
    }
    struct audit_views_options views = {
        .tagger = broker->tagger,
        .home = broker->home.path,
        .origin = settings->origin,
        .map_bytes = (size_t)settings->audit.views_map_bytes,
        .journal = broker->journal,
        .progress = say_progress,
    };
    status = audit_search_key(broker->home.master.secrets[0], views.search_key, err);
    if (status == ST_OK) {
        status = audit_views_open(&views, &broker->views, &opened, err);
    }
    if (status == ST_OK && opened.rebuilt) {
        log_event(LOG_LEVEL_NOTICE, "views.rebuilt", log_text("moved-aside", opened.aside));
    }
    return status;
}

static enum status make_queues(struct broker *broker, struct error *err)
{
    size_t places = (size_t)broker->home.settings->limits.pending_max * 2 + QUEUE_SPARE;
    struct queue **queues[] = { &broker->to_router,  &broker->to_workers, &broker->to_recorder,
                                &broker->to_control, &broker->to_readers, &broker->to_keeper,
                                &broker->to_epoch };
    enum status status = queue_create(ALARM_PLACES, 0, &broker->alarm, err);
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(queues); i++) {
        status = queue_create(places, 0, queues[i], err);
    }
    return status;
}

static void free_registry(void *registry)
{
    struct registry *r = registry;
    registry_destroy(&r);
}

static enum status make_shared(struct broker *broker, struct error *err)
{
    const struct config_vedomod *settings = broker->home.settings;
    struct directory *directory = directory_create();
    broker->audience = seal_audience(broker->home.origin);
    broker->registry = snapshot_create(free_registry);
    broker->policy = snapshot_create(policy_bundle_free);
    broker->directory = snapshot_create(directory_free);
    broker->epoch = snapshot_create(epoch_now_free);
    broker->witnessed = snapshot_create(free);
    unsigned per_asker = (unsigned)settings->limits.pending_per_asker;
    unsigned per_holder = (unsigned)settings->limits.pending_per_holder;
    // One pair may take half of what either of the two may have.
    unsigned per_pair = ((per_asker < per_holder ? per_asker : per_holder) + 1) / 2;
    broker->verified = recent_create(SIGNATURES_KEPT);
    broker->verified_key = seal_random_digest();
    broker->arenas = arena_pool_create(ARENA_BLOCK_BYTES, ARENA_BLOCKS_KEPT);
    broker->load = load_create(per_asker, per_holder, per_pair);
    if (broker->registry == NULL || broker->policy == NULL || broker->directory == NULL ||
        broker->epoch == NULL || broker->witnessed == NULL || broker->load == NULL ||
        broker->arenas == NULL || broker->verified == NULL || directory == NULL ||
        !snapshot_swap(broker->directory, directory)) {
        directory_destroy(&directory);
        return error_set(err, ST_NOMEM, "broker: no memory");
    }
    return make_queues(broker, err);
}

// May a key with this CURVE key shake hands? Asked in the ZAP thread.
static bool allow(void *argument, const struct digest *curve_key, const char *address)
{
    struct broker *broker = argument;
    struct snapshot_item *item;
    (void)address;
    const struct registry *registry = snapshot_pin(broker->registry, &item);
    enum registry_standing standing =
        registry_key_standing(registry_by_curve(registry, curve_key), (uint64_t)clock_wall_ms());
    snapshot_unpin(&item);
    bool good = standing == REGISTRY_GOOD || standing == REGISTRY_SUSPENDED;
    metric_add(METRIC_DENIED, good ? 0 : 1);
    return good;
}

static size_t workers_wanted(const struct broker *broker)
{
    long wanted = (long)broker->home.settings->threads.workers;
    if (wanted == 0) {
        wanted = sysconf(_SC_NPROCESSORS_ONLN);
    }
    return wanted < 1 ? 1 : wanted > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (size_t)wanted;
}

static enum status start_threads(struct broker *broker, struct error *err)
{
    enum status status =
        thread_start("recorder", broker_recorder_run, broker, &broker->recorder, err);
    if (status == ST_OK) {
        status = thread_start("indexer", broker_indexer_run, broker, &broker->indexer, err);
    }
    if (status == ST_OK) {
        status = thread_start("publisher", broker_publisher_run, broker, &broker->publisher, err);
    }
    if (status == ST_OK) {
        status = thread_start("epoch", broker_epoch_run, broker, &broker->epoch_maker, err);
    }
    if (status == ST_OK && broker->home.settings->witnesses.policy[0] != '\0') {
        status = thread_start("witnesses", broker_witnesses_run, broker, &broker->witnesses, err);
    }
    size_t workers = workers_wanted(broker);
    for (size_t i = 0; status == ST_OK && i < workers; i++) {
        status = thread_start("worker", broker_worker_run, broker, &broker->workers[i], err);
        broker->worker_count += status == ST_OK ? 1 : 0;
    }
    for (size_t i = 0; status == ST_OK && i < broker->home.settings->threads.readers; i++) {
        status = thread_start("reader", broker_reader_run, broker, &broker->readers[i], err);
    }
    if (status == ST_OK) {
        status = thread_start("control", broker_control_run, broker, &broker->control, err);
    }
    if (status == ST_OK) {
        status = thread_start("keeper", broker_keeper_run, broker, &broker->keeper, err);
    }
    // For the router, and for the transport's threads, which begin with the first socket.
    thread_wake_soon();
    if (status == ST_OK) {
        status = bus_context_create(1, &broker->context, err);
    }
    if (status == ST_OK) {
        status = bus_zap_start(broker->context, allow, broker, &broker->zap, err);
    }
    if (status == ST_OK) {
        status = thread_start("router", broker_router_run, broker, &broker->router, err);
    }
    return status;
}

enum status broker_start(const char *home, struct broker **broker, struct error *err)
{
    struct broker *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return error_set(err, ST_NOMEM, "broker: no memory");
    }
    b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum status status = b->stop_fd < 0 ? error_errno(err, ST_IO, "broker: eventfd")
                                        : broker_home_open(home, &b->home, err);
    if (status == ST_OK) {
        status = broker_home_settled(&b->home, err);
    }
    if (status == ST_OK) {
        log_configure(STDERR_FILENO, (enum log_level)b->home.settings->watch.level);
        // A start that cannot serve must not write: a copy of a home that is started beside the
        // original would end it, as two logs of one name.
        status = bus_endpoint_free(b->home.settings->listen.endpoint, err);
    }
    if (status == ST_OK) {
        status = open_log(b, err);
    }
    if (status == ST_OK) {
        status = make_shared(b, err);
    }
    if (status == ST_OK) {
        status = load_governance(b, err);
    }
    if (status == ST_OK) {
        status = start_threads(b, err);
        atomic_store(&b->started, status == ST_OK);
    }
    if (status != ST_OK) {
        broker_stop(&b);
        return status;
    }
    *broker = b;
    return ST_OK;
}

// ---- ending

static void close_queue(struct queue *queue)
{
    if (queue != NULL) {
        queue_close(queue);
    }
}

static void drain(struct queue **queue)
{
    struct job *job;
    while (*queue != NULL && queue_take(*queue, (void **)&job, 1) == 1) {
        job_destroy(&job);
    }
    queue_destroy(queue);
}

// Readers first: they look at the other threads for their figures. The router goes on taking jobs
// back until every other thread has ended.
static void stop_threads(struct broker *broker)
{
    close_queue(broker->to_readers);
    for (size_t i = 0; i < CONFIG_READERS_MAX; i++) {
        thread_join(&broker->readers[i]);
    }
    close_queue(broker->to_workers);
    for (size_t i = 0; i < broker->worker_count; i++) {
        thread_join(&broker->workers[i]);
    }
    close_queue(broker->to_control);
    thread_join(&broker->control);
    atomic_store(&broker->keeper_stops, true);
    close_queue(broker->to_keeper);
    thread_join(&broker->keeper);
    close_queue(broker->to_recorder);
    thread_join(&broker->recorder);
    atomic_store(&broker->stopping, true);
    close_queue(broker->alarm);
    thread_join(&broker->publisher);
    thread_join(&broker->epoch_maker);
    if (broker->witnesses != NULL) {
        thread_join(&broker->witnesses);
    }
    thread_join(&broker->indexer);
    close_queue(broker->to_router);
    thread_join(&broker->router);
}

void broker_stop(struct broker **broker)
{
    struct broker *b = *broker;
    if (b == NULL) {
        return;
    }
    stop_threads(b);
    if (b->context != NULL) {
        bus_zap_stop(&b->zap);
        bus_context_destroy(&b->context);
    }
    drain(&b->to_workers);
    drain(&b->to_readers);
    drain(&b->to_control);
    drain(&b->to_keeper);
    drain(&b->to_recorder);
    drain(&b->to_epoch);
    drain(&b->to_router);
    queue_destroy(&b->alarm);
    snapshot_destroy(&b->registry);
    snapshot_destroy(&b->policy);
    snapshot_destroy(&b->directory);
    snapshot_destroy(&b->epoch);
    snapshot_destroy(&b->witnessed);
    load_destroy(&b->load);
    arena_pool_destroy(&b->arenas);
    recent_destroy(&b->verified);
    audit_tagger_destroy(&b->tagger);
    audit_views_close(&b->views);
    audit_journal_close(&b->journal);
    broker_home_close(&b->home);
    if (b->stop_fd >= 0) {
        close(b->stop_fd);
    }
    free(b);
    *broker = NULL;
}
