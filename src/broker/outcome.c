// What the router does with a job that has come back: sends what it holds, moves its exchange
// along, and notes for the log what became of releases.
//
// "Handed to the connection" is all that a send says. Whether the asker opened the answer comes by
// ACK; a release without ACK goes into the log as handed over when the answer is forgotten.
#include "base/clock.h"
#include "base/event.h"
#include "broker/metric.h"
#include "broker/policy_bundle.h"
#include "broker/router.h"
#include "catalogue/reason.h"

#include <stdio.h>

enum { DELIVERIES_MAX = 256, DELIVERY_WAIT_MS = 1000 };

// ---- sending

static void reply(struct router *router, struct job *job)
{
    outbox_reply(router->outbox, job->connection, &job->from.route, &job->reply_head,
                 &job->reply_boxes);
}

static void give_credit_back(struct router *router, const struct digest *asker_key)
{
    struct connection *connection = connection_find(router->connections, asker_key, false);
    if (connection != NULL && connection->requests > 0) {
        connection->requests--;
    }
}

// ---- deliveries

static struct job *make_delivery(struct router *router)
{
    struct job *job = job_create(JOB_DELIVERY);
    struct wire_exchange_part *part = job == NULL ? NULL : arena_take(job->arena, sizeof(*part));
    struct wire_officer_part *officer =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*officer));
    struct wire_subject_part *subject =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*subject));
    struct wire_delivery *list =
        job == NULL ? NULL : arena_take(job->arena, DELIVERIES_MAX * sizeof(*list));
    if (part == NULL || officer == NULL || subject == NULL || list == NULL) {
        job_destroy(&job);
        return NULL;
    }
    part->format = officer->format = subject->format = 1;
    part->kind = officer->kind = subject->kind = WIRE_KIND_DELIVERY;
    part->deliveries = list;
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_EXCHANGE,
                                   .exchange = part,
                                   .subject = subject,
                                   .officer = officer };
    router->delivery_ms = clock_monotonic_ms() + DELIVERY_WAIT_MS;
    return job;
}

void router_flush_deliveries(struct router *router, int64_t now_ms, bool all)
{
    struct job *job = router->delivery;
    if (job == NULL || (!all && now_ms < router->delivery_ms &&
                        job->record.exchange->deliveries_count < DELIVERIES_MAX)) {
        return;
    }
    job->record.exchange->recorded_at = (uint64_t)clock_wall_ms();
    router->delivery = NULL;
    broker_pass_one(router->broker->to_recorder, job);
}

static void delivered(struct router *router, uint64_t index, enum wire_delivery_state state)
{
    if (state == WIRE_DELIVERY_FAILED) {
        metric_add(METRIC_UNDELIVERED, 1);
    } else if (state == WIRE_DELIVERY_OPENED) {
        metric_add(METRIC_OPENED, 1);
    }
    if (router->delivery == NULL) {
        router->delivery = make_delivery(router);
    }
    if (router->delivery == NULL) {
        log_event(LOG_LEVEL_ERROR, "delivery.not-noted", log_number("entry", (int64_t)index));
        return;
    }
    struct wire_exchange_part *part = router->delivery->record.exchange;
    struct wire_delivery *list = (struct wire_delivery *)part->deliveries;
    list[part->deliveries_count++] = (struct wire_delivery){ .index = index, .state = state };
    router_flush_deliveries(router, 0, part->deliveries_count == DELIVERIES_MAX);
}

void router_forget(struct router *router, struct exchange *exchange)
{
    bool unsent = outbox_recall(exchange);
    if (exchange->state == PENDING_RELEASED && !exchange->acknowledged) {
        delivered(router, exchange->ending_index,
                  unsent && !exchange->given_again ? WIRE_DELIVERY_FAILED : WIRE_DELIVERY_HANDED);
    }
    pending_drop(router->pending, &exchange);
}

void router_acknowledged(struct router *router, const struct job *job, const struct wire_ack *ack)
{
    for (size_t i = 0; i < ack->items_count; i++) {
        const struct wire_ack_item *item = &ack->items[i];
        struct exchange *exchange = pending_find(router->pending, &item->id);
        if (exchange == NULL || exchange->state != PENDING_RELEASED ||
            !digest_equal(&exchange->asker_key, &job->from.batch_key)) {
            continue;
        }
        if (!exchange->acknowledged) {
            exchange->acknowledged = true;
            delivered(router, exchange->ending_index,
                      item->opened ? WIRE_DELIVERY_OPENED : WIRE_DELIVERY_FAULTY);
        }
        if (item->opened && !exchange->lent) {
            router_forget(router, exchange); // nobody needs it again
        }
    }
}

// One entry a peer a minute for all that was turned away: noise must not fill the log.
void router_note_rejected(struct router *router, struct connection *connection, int64_t now_ms)
{
    enum { EVERY_MS = 60 * 1000 };
    struct job *job = job_create(JOB_DELIVERY);
    struct wire_subject_part *subject =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*officer));
    if (subject == NULL || officer == NULL) {
        job_destroy(&job);
        return; // counted on, and noted later
    }
    *subject = (struct wire_subject_part){ .format = 1, .kind = WIRE_KIND_REJECTED };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = WIRE_KIND_REJECTED,
                                           .reader = job_keep(job, bytes_text(connection->member)),
                                           .node = job_keep(job, bytes_text(connection->node)),
                                           .question = bytes_text("messages turned away"),
                                           .answered = connection->rejected,
                                           .decided_at = (uint64_t)clock_wall_ms() };
    job->record = (struct record){
        .kind = RECORD_PLAIN, .class = WIRE_CLASS_OVERSIGHT, .subject = subject, .officer = officer
    };
    connection->rejected = 0;
    connection->rejected_ms = now_ms + EVERY_MS;
    broker_pass_one(router->broker->to_recorder, job);
}

// ---- endings

static enum pending_state state_of(enum wire_kind kind)
{
    return kind == WIRE_KIND_EXPIRED     ? PENDING_EXPIRED
           : kind == WIRE_KIND_CANCELLED ? PENDING_CANCELLED
                                         : PENDING_REFUSED;
}

static struct job *make_ending(const struct exchange *exchange, enum wire_kind kind,
                               const char *reason)
{
    struct job *job = job_create(JOB_ENDING);
    if (job == NULL) {
        return NULL;
    }
    struct wire_exchange_part *part = arena_take(job->arena, sizeof(*part));
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (part == NULL || subject == NULL || officer == NULL) {
        job_destroy(&job);
        return NULL;
    }
    *part = (struct wire_exchange_part){
        .format = 1,
        .kind = kind,
        .exchange_id = exchange->id,
        .request_hash = exchange->request_hash,
        .asker = exchange->asker,
        .holder = exchange->holder,
        .decision_index = exchange->decision_index,
        .decision_leaf = exchange->decision_leaf,
        .reason = bytes_text(exchange->ending_told != NULL ? exchange->ending_told : reason),
        .recorded_at = (uint64_t)clock_wall_ms(),
    };
    *subject = (struct wire_subject_part){ .format = 1, .kind = kind, .exchange_id = exchange->id };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = kind,
                                           .tag = audit_tag_view(&exchange->tag),
                                           .reason = bytes_text(reason) };
    job->record = (struct record){ .kind = RECORD_ENDING,
                                   .class = WIRE_CLASS_EXCHANGE,
                                   .receipt_part = WIRE_PART_EXCHANGE,
                                   .exchange = part,
                                   .subject = subject,
                                   .officer = officer,
                                   .tag = exchange->tag };
    return job;
}

void router_end(struct router *router, struct exchange *exchange, enum wire_kind kind,
                const char *reason)
{
    outbox_recall(exchange);
    if (pending_may_move(exchange->state, state_of(kind))) {
        pending_move(router->pending, exchange, state_of(kind), -1);
    }
    exchange->ending_kind = kind;
    exchange->ending_reason = reason;
    struct job *job = make_ending(exchange, kind, reason);
    if (job == NULL) {
        router->unrecorded[router->unrecorded_count++] = exchange;
        return;
    }
    job->exchange = exchange;
    broker_pass_one(router->broker->to_recorder, job);
}

// ---- outcomes

// A key may come again from a new connection when its old one has gone. Two that live at once mean
// that the key is in two places.
static void welcome(struct router *router, struct job *job)
{
    struct connection *connection = job->connection;
    int64_t now_ms = clock_monotonic_ms();
    if (connection->greeted && !bus_route_equal(&connection->route, &job->from.route) &&
        router_ping(router, connection, now_ms)) {
        metric_add(METRIC_SECOND_CONNECTION, 1);
        log_event(LOG_LEVEL_WARNING, "key.second-connection",
                  log_text("member", (const char *)job->from.member.data));
    }
    outbox_untell(router->outbox, connection);
    connection->route = job->from.route;
    connection->greeted = true;
    connection->heard_ms = now_ms;
    reply(router, job);
}

static void make_room(struct router *router)
{
    struct exchange *old;
    while ((old = pending_surplus(router->pending)) != NULL && !old->lent) {
        router_forget(router, old);
    }
}

static void ask(struct router *router, struct job *job)
{
    struct error err;
    struct exchange *exchange = job->exchange;
    int64_t left_ms = exchange->expires_at - clock_wall_ms();
    int64_t most_ms = router->broker->home.settings->exchange.answer_ms;
    int64_t deadline_ms = clock_monotonic_ms() + (left_ms < most_ms ? left_ms : most_ms);
    if (pending_add(router->pending, &job->exchange, &err) != ST_OK) {
        // The decision stays open in the log and is closed as lost at the next start.
        log_event(LOG_LEVEL_ERROR, "exchange.dropped", log_text("why", err.message));
        give_credit_back(router, &exchange->asker_key);
        frame_refuse(&router->maker, job, "lost", err.message, 0);
        reply(router, job);
        return;
    }
    job->owns_exchange = false;
    pending_move(router->pending, exchange, PENDING_RECORDING, -1);
    pending_move(router->pending, exchange, PENDING_ASKED, deadline_ms);
    if (bus_frame_view(&job->reply_head).size == 0) {
        router_end(router, exchange, WIRE_KIND_REFUSED,
                   catalogue_reason_name(CATALOGUE_REASON_LOST));
    } else if (outbox_send(router->outbox, &exchange->holder_key, exchange, &job->reply_head,
                           &job->reply_boxes) == OUTBOX_GONE) {
        router_end(router, exchange, WIRE_KIND_REFUSED, "holder-silent");
    }
}

// It was released but did not leave: the held answer stays for the asker to ask again. Of one that
// is given again, the log has what became of it the first time, or gets it.
static void not_delivered(struct router *router, struct exchange *exchange)
{
    if (exchange->given_again) {
        return;
    }
    exchange->acknowledged = true;
    delivered(router, exchange->ending_index, WIRE_DELIVERY_FAILED);
}

void router_lost(void *argument, struct exchange *exchange)
{
    struct router *router = argument;
    if (exchange->state == PENDING_ASKED) {
        router_end(router, exchange, WIRE_KIND_REFUSED, "holder-silent");
    } else if (exchange->state == PENDING_RELEASED) {
        not_delivered(router, exchange);
    }
}

// What is kept for a repeated request.
static void hold(struct exchange *exchange, struct job *job)
{
    bus_frame_share(&exchange->held_head, &job->reply_head);
    bus_frame_share(&exchange->held_boxes, &job->reply_boxes);
}

static void release(struct router *router, struct job *job)
{
    struct exchange *exchange = job->exchange;
    int64_t keep_ms = router->broker->home.settings->exchange.keep_answers_ms;
    int64_t life_ms = exchange->expires_at - clock_wall_ms();
    pending_move(router->pending, exchange, PENDING_RELEASED,
                 clock_monotonic_ms() + (life_ms < keep_ms ? life_ms : keep_ms));
    exchange_shed(exchange);
    give_credit_back(router, &exchange->asker_key);
    hold(exchange, job);
    if (bus_frame_view(&job->reply_head).size == 0 ||
        outbox_send(router->outbox, &exchange->asker_key, exchange, &job->reply_head,
                    &job->reply_boxes) == OUTBOX_GONE) {
        not_delivered(router, exchange);
    }
    pending_hold(router->pending, exchange);
    make_room(router);
}

static void end(struct router *router, struct job *job)
{
    struct exchange *exchange = job->exchange;
    if (job->record.result == RECORD_DONE) {
        if (pending_may_move(exchange->state, PENDING_REFUSED)) {
            pending_move(router->pending, exchange, PENDING_REFUSED, -1);
        }
        metric_add(exchange->state == PENDING_EXPIRED     ? METRIC_EXPIRED
                   : exchange->state == PENDING_CANCELLED ? METRIC_CANCELLED
                                                          : METRIC_REFUSALS,
                   1);
        give_credit_back(router, &exchange->asker_key);
        struct connection *asker =
            connection_find(router->connections, &exchange->asker_key, false);
        if (asker != NULL && asker->greeted) {
            outbox_reply(router->outbox, asker, &asker->route, &job->reply_head, &job->reply_boxes);
        }
        router_forget(router, exchange);
    } else if (job->kind == JOB_ENDING) {
        router->unrecorded[router->unrecorded_count++] = exchange;
    } else {
        // The holder's fault, or ours: a full log, a bundle that will not stand still.
        router_end(router, exchange, WIRE_KIND_REFUSED,
                   catalogue_reason_name(job->rejected ? CATALOGUE_REASON_ANSWER_REJECTED
                                                       : CATALOGUE_REASON_LOST));
    }
}

// The held answer is looked at by the recorder first: what was withdrawn since never leaves again.
static void look_again(struct router *router, struct job *job, struct exchange *held)
{
    exchange_destroy(&job->exchange);
    job->owns_exchange = false;
    job->exchange = held;
    job->record = (struct record){ .kind = RECORD_REPEAT };
    held->lent = true;
    broker_pass_one(router->broker->to_recorder, job);
}

// True: the job has gone on.
static bool again(struct router *router, struct job *job)
{
    struct exchange *held = pending_find(router->pending, &job->exchange->id);
    metric_add(METRIC_REPEATED, 1);
    job->repeated = true;
    give_credit_back(router, &job->from.batch_key);
    if (held != NULL && !digest_equal(&held->request_hash, &job->exchange->request_hash)) {
        held = NULL;
    }
    if (held != NULL && (held->state != PENDING_RELEASED || held->lent)) {
        return false; // under way: the answer will go to the key's newest connection
    }
    if (held != NULL) {
        look_again(router, job, held);
    } else {
        // What it got the first time is in the log: a reader gives the receipts again.
        broker_pass_one(router->broker->to_readers, job);
    }
    return true;
}

// Sent on behalf of its exchange, as the first time: while it waits, a withdrawal takes it back.
static void give_again(struct router *router, struct job *job, struct exchange *held)
{
    struct bus_frame head;
    struct bus_frame boxes;
    if (held->waiting != NULL) {
        return; // it goes to the key's newest connection as soon as that takes it
    }
    held->given_again = true;
    bus_frame_init(&head);
    bus_frame_init(&boxes);
    bus_frame_share(&head, &held->held_head);
    bus_frame_share(&boxes, &held->held_boxes);
    if (outbox_send(router->outbox, &held->asker_key, held, &head, &boxes) == OUTBOX_GONE &&
        digest_equal(&job->from.batch_key, &held->asker_key)) {
        // The key is not greeted, so it leaves at once or never.
        outbox_reply(router->outbox, job->connection, &job->from.route, &head, &boxes);
    }
    bus_frame_fini(&head);
    bus_frame_fini(&boxes);
}

static void repeat(struct router *router, struct job *job)
{
    struct exchange *held = job->exchange;
    held->lent = false;
    if (job->record.result != RECORD_AGAIN || job->record.reason != NULL) {
        frame_refuse(&router->maker, job, "no-consent", "it may not be given again", 0);
        reply(router, job);
        return;
    }
    give_again(router, job, held);
}

static void cancel(struct router *router, struct job *job)
{
    const struct wire_cancel *payload = job->payload;
    struct exchange *exchange = pending_find(router->pending, &payload->id);
    if (exchange != NULL && exchange->state == PENDING_ASKED &&
        digest_equal(&exchange->asker_key, &job->from.batch_key)) {
        router_end(router, exchange, WIRE_KIND_CANCELLED, "cancelled");
    }
}

static void broadcast(struct router *router, struct job *job)
{
    size_t cursor = 0;
    struct bytes key;
    void *value;
    while (map_next(router->connections, &cursor, &key, &value)) {
        struct connection *connection = value;
        if (connection->greeted) {
            outbox_tell(router->outbox, connection, &job->reply_head);
        }
    }
}

// True: the exchange's answer may no longer leave.
typedef bool (*outcome_stops)(const void *context, const struct exchange *exchange);

static bool under_consent(const void *consent, const struct exchange *exchange)
{
    return id_equal(&exchange->consent, consent);
}

static bool of_unfit_member(const void *registry, const struct exchange *exchange)
{
    uint64_t now = (uint64_t)clock_wall_ms();
    return registry_key_standing(registry_by_batch(registry, &exchange->asker_key), now) !=
               REGISTRY_GOOD ||
           registry_key_standing(registry_by_batch(registry, &exchange->holder_key), now) !=
               REGISTRY_GOOD;
}

// Answers that wait for a full connection and may no longer leave never do.
static void recall_releases(struct router *router, outcome_stops stops, const void *context)
{
    const struct outbox_item *cursor = NULL;
    struct exchange *exchange;
    while ((exchange = outbox_next(router->outbox, &cursor)) != NULL) {
        if (exchange->state == PENDING_RELEASED && stops(context, exchange)) {
            outbox_recall(exchange);
            not_delivered(router, exchange);
        }
    }
}

// A consent no longer holds, or members and keys have changed. Only after this is that
// acknowledged.
static void recall_after(struct router *router, const struct job *job)
{
    if (job->record.result != RECORD_DONE) {
        return;
    }
    if (job->record.kind == RECORD_CONSENT) {
        recall_releases(router, under_consent, &job->record.officer->consent->id);
    } else if (job->record.kind == RECORD_REGISTRY) {
        struct snapshot_item *item;
        const struct registry *registry = snapshot_pin(router->broker->registry, &item);
        recall_releases(router, of_unfit_member, registry);
        snapshot_unpin(&item);
    }
}

// What is being asked for under a consent that has changed ends now, and not when the holder
// answers: the recorder would let none of it leave. What was decided under the changed consent may
// have come before this, and stands. After the acknowledgement, which waits for nothing that this
// takes.
static void end_asked(struct router *router, const struct wire_consent_record *consent)
{
    struct exchange *exchange =
        pending_asked_under(router->pending, &consent->id, consent->revision);
    if (exchange == NULL) {
        return;
    }
    enum catalogue_reason reason = consent->state == WIRE_CONSENT_PAUSED
                                       ? CATALOGUE_REASON_CONSENT_PAUSED
                                       : CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT;
    struct snapshot_item *item;
    const struct policy_bundle *bundle = snapshot_pin(router->broker->policy, &item);
    while (bundle != NULL && exchange != NULL) {
        exchange->ending_told =
            catalogue_reason_name(catalogue_asker_reason(bundle->catalogue, reason));
        router_end(router, exchange, WIRE_KIND_REFUSED, catalogue_reason_name(reason));
        exchange = pending_asked_under(router->pending, &consent->id, consent->revision);
    }
    snapshot_unpin(&item);
}

static void answered(struct router *router, struct job *job)
{
    recall_after(router, job);
    if (job->head.type == WIRE_REQUEST && !job->repeated) {
        give_credit_back(router, &job->from.batch_key);
    }
    reply(router, job);
    if (job->record.kind == RECORD_CONSENT && job->record.result == RECORD_DONE) {
        metric_add(METRIC_CONSENT_CHANGES, 1);
        metric_add(METRIC_CONSENT_NS, (uint64_t)(clock_monotonic_ns() - job->received_ns));
        end_asked(router, job->record.officer->consent);
    }
}

static void nothing(struct router *router, struct job *job)
{
    (void)router;
    (void)job;
}

static void (*const outcomes[OUTCOME_COUNT])(struct router *, struct job *) = {
    [OUTCOME_NONE] = nothing,  [OUTCOME_REPLY] = answered,  [OUTCOME_WELCOME] = welcome,
    [OUTCOME_ASK] = ask,       [OUTCOME_RELEASE] = release, [OUTCOME_END] = end,
    [OUTCOME_REPEAT] = repeat, [OUTCOME_CANCEL] = cancel,   [OUTCOME_BROADCAST] = broadcast,
};

void router_finish(struct router *router, struct job *job)
{
    router->in_threads -= job->admitted ? 1 : 0;
    router->calls_in_threads -= job->called ? 1 : 0;
    if (job->urgent) {
        connection_leave_urgent(job->connection, &router->urgent_in_threads);
    }
    if (job->rejected && job->connection != NULL) {
        job->connection->rejected++;
    }
    job->admitted = job->called = job->urgent = false;
    if (job->outcome == OUTCOME_AGAIN && again(router, job)) {
        return;
    }
    if (job->outcome != OUTCOME_AGAIN) {
        outcomes[job->outcome](router, job);
    }
    job_destroy(&job);
}
