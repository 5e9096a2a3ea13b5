// Calls: questions of the agency's own systems on their way. A call waits for the holder's key,
// then for a place under way, is sent, and ends exactly once: answered, refused, failed or timed
// out (node/calls.c).
#include "node/inside.h"
#include "node/log_keys.h"

#include "base/clock.h"
#include "base/event.h"
#include "node/persons.h"
#include "seal/exchange.h"
#include "seal/secret.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
    PARTNER_LEFT_MS = 30000, // a sealing key must be good for so long yet
    ATTEMPTS_MAX = 4,        // with keys that one side has announced meanwhile
    AGAIN_MS = 100,
    CREDIT_UNKNOWN = 16 // under way before the broker has named a number
};

static void report_failure(struct node_engine *engine, struct node_task *task,
                           const struct error *err, uint32_t retry_after_ms)
{
    struct node_report report = { 0 };
    node_report_fill(engine, NULL, &report);
    report.progress = NODE_FAILED;
    report.err = err;
    report.retry_after_ms = retry_after_ms;
    task->report(task, &report);
}

// --- sending ---

static size_t credit_of(const struct node_engine *engine)
{
    uint32_t credit = peer_credit(engine->peer);
    return credit == 0 ? CREDIT_UNKNOWN : credit;
}

static enum status build_request(struct node_engine *engine, struct node_call *call,
                                 const struct node_partner *partner, struct error *err)
{
    struct node_request_setting setting = { .catalogue = call->catalogue,
                                            .asker = engine->config->member,
                                            .holder = call->holder,
                                            .holder_announcement = partner->announcement.hash,
                                            .now_ms = node_now() };
    setting.expires_ms = setting.now_ms + (uint64_t)call->timeout_ms;
    node_keys_announcement(engine->keys, &setting.asker_announcement);
    enum status status =
        node_keys_pair(engine->keys, &setting.asker_announcement, &partner->announcement, true,
                       setting.now_ms, &setting.pair, err);
    if (status != ST_OK) {
        return status;
    }
    struct id id;
    status = node_request_build(&call->question, &setting, &call->payload, &id, err);
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_REQUEST, buffer_view(&call->payload), call->arena,
                             &call->sent.request, err);
    }
    if (status == ST_OK) {
        call->sent.id = id;
        call->sent.hash = seal_request_hash(buffer_view(&call->payload));
        call->sent.own_key = engine->identity.sign_key;
        call->sent.holder_key = partner->card.batch_key;
        call->sent.pair = setting.pair;
        if (!map_put(engine->calls, bytes_id(&call->sent.id), call)) {
            call->sent.id = (struct id){ 0 };
            status = error_set(err, ST_NOMEM, "request: no memory");
        }
    }
    seal_wipe(&setting.pair, sizeof(setting.pair));
    return status;
}

static enum status send_request(struct node_engine *engine, struct node_call *call,
                                struct error *err)
{
    if (call->timeout_ms < NODE_HURRY_MS) {
        peer_hurry(engine->peer);
    }
    return peer_send(engine->peer, WIRE_REQUEST, &call->sent.id, buffer_view(&call->payload),
                     (struct bytes){ 0 }, err);
}

static void on_directory(struct node_engine *engine, struct bytes context, enum status status,
                         const struct wire_result *result, struct bytes body,
                         const struct error *err);

// Asks the directory for the holder's key, unless that is under way.
static enum status ask_directory(struct node_engine *engine, const struct node_call *call,
                                 struct error *err)
{
    struct bytes member = bytes_text(call->holder);
    if (node_query_pending(engine, on_directory, member)) {
        return ST_OK;
    }
    struct wire_query query = { .version = 1,
                                .kind = WIRE_QUERY_DIRECTORY,
                                .member = member,
                                .dataset = bytes_text(call->dataset) };
    return node_query_send(engine, &query, on_directory, member, err);
}

// As far as the call can go now.
static void advance(struct node_engine *engine, struct node_call *call)
{
    struct error err;
    const struct node_partner *partner =
        node_partners_of(engine->partners, bytes_text(call->holder), node_now(), PARTNER_LEFT_MS);
    if (partner == NULL) {
        call->state = NODE_CALL_PARTNER;
        if (ask_directory(engine, call, &err) != ST_OK) {
            call->retry_after_ms = 1000;
            node_call_fail(engine, call, ST_CLOSED, &err);
        }
        return;
    }
    if (engine->sent.under_way >= credit_of(engine)) {
        call->state = NODE_CALL_CREDIT;
        return;
    }
    enum status status = build_request(engine, call, partner, &err);
    if (status == ST_OK) {
        status = send_request(engine, call, &err);
    }
    if (status != ST_OK) {
        call->retry_after_ms = 1000;
        node_call_fail(engine, call, status == ST_MALFORMED ? ST_USAGE : status, &err);
        return;
    }
    call->state = NODE_CALL_SENT;
    call->sent_ns = clock_monotonic_ns();
    engine->sent.under_way++;
}

static void on_directory(struct node_engine *engine, struct bytes context, enum status status,
                         const struct wire_result *result, struct bytes body,
                         const struct error *err)
{
    (void)result;
    struct error problem = { 0 };
    if (status != ST_OK) {
        problem = *err;
    } else if (node_directory_take(engine, body, &problem) == 0 && problem.message[0] == '\0') {
        error_set(&problem, ST_CLOSED, "the holder is not connected");
    }
    struct node_call *next = engine->open.oldest;
    while (next != NULL) {
        struct node_call *call = next;
        next = call->newer; // before the call may move to the ended ones
        if (call->state != NODE_CALL_PARTNER || !bytes_equal_text(context, call->holder)) {
            continue;
        }
        if (node_partners_of(engine->partners, context, node_now(), PARTNER_LEFT_MS) != NULL) {
            advance(engine, call);
            continue;
        }
        if (problem.message[0] == '\0') {
            error_set(&problem, ST_CLOSED, "the holder's sealing key is about to end");
        }
        call->retry_after_ms = 2000;
        bool lies = problem.status == ST_UNPROVEN || problem.status == ST_MALFORMED;
        node_call_fail(engine, call, lies ? ST_UNPROVEN : ST_CLOSED, &problem);
    }
}

// --- a new call ---

void node_asker_ask(struct node_engine *engine, struct node_task *task)
{
    struct error err = { 0 };
    struct snapshot_item *item = NULL;
    const struct catalogue *catalogue = snapshot_pin(engine->policy, &item);
    const struct catalogue_member *holder = NULL;
    uint32_t retry_ms = 1000;
    enum status status = ST_OK;
    if (engine->stopped) {
        status = error_set(&err, ST_UNPROVEN,
                           "the log was forked or rolled back: this node has stopped asking");
    } else if (peer_state(engine->peer) != PEER_READY) {
        const struct error *problem = peer_problem(engine->peer);
        status = error_set(&err, ST_CLOSED, "not connected to the broker%s%s",
                           problem->message[0] == '\0' ? "" : ": ", problem->message);
    } else if (catalogue == NULL) {
        status = error_set(&err, ST_CLOSED, "there is no policy bundle yet");
    } else if (engine->calls_open >= engine->config->api.calls_max) {
        status = error_set(&err, ST_BUSY, "too many requests of this node are under way");
    } else {
        status = node_question_check(&task->question, catalogue, &err);
    }
    if (status == ST_OK) {
        status = node_question_holder(&task->question, catalogue, &holder, &err);
    }
    struct node_call *call = NULL;
    if (status == ST_OK) {
        call = node_call_create(engine, task, holder);
        if (call == NULL) {
            status = error_set(&err, ST_NOMEM, "request: no memory");
        }
    }
    snapshot_unpin(&item);
    if (status != ST_OK) {
        report_failure(engine, task, &err, retry_ms);
        return;
    }
    advance(engine, call);
}

void node_asker_look(struct node_engine *engine, struct node_task *task, bool cancel)
{
    struct node_report report = { 0 };
    struct node_call *call = map_get(engine->calls, bytes_id(&task->id));
    if (call == NULL) {
        node_report_fill(engine, NULL, &report);
        task->report(task, &report);
        return;
    }
    if (cancel && call->state == NODE_CALL_SENT) {
        struct error err;
        struct buffer payload = buffer_init(256);
        struct wire_cancel said = { .version = 1, .id = call->sent.id };
        if (wire_encode(WIRE_SCHEMA_CANCEL, &said, &payload, &err) != ST_OK ||
            peer_send(engine->peer, WIRE_CANCEL, &call->sent.id, buffer_view(&payload),
                      (struct bytes){ 0 }, &err) != ST_OK) {
            log_event(LOG_LEVEL_WARNING, "request.not-cancelled", log_id("request", call->sent.id),
                      log_text("why", err.message));
        }
        buffer_fini(&payload);
    }
    node_call_fill(engine, call, &report);
    task->report(task, &report);
}

// --- answers ---

// The same person must always be filed under the same pseudonym.
static bool person_agrees(struct node_engine *engine, const struct node_call *call)
{
    const struct wire_request *request = &call->sent.request;
    return !call->opened.recorded || digest_is_zero(&call->opened.asker_check) ||
           node_person_problem(engine, request->subject_scheme, request->subject,
                               call->opened.tag_key_id, &call->opened.asker_check, &call->sent.id,
                               "asker") == NULL;
}

static void save_receipt(struct node_engine *engine, const struct node_call *call,
                         const struct wire_receipt *receipt, const char *kind, struct buffer *text,
                         char path[NODE_PATH_MAX])
{
    struct error err;
    if (receipt == NULL || node_receipt_text(receipt, text, &err) != ST_OK) {
        return;
    }
    node_receipt_save(engine, &call->sent.id, kind, buffer_view(text), path);
}

static struct node_open_setting open_setting(struct node_engine *engine,
                                             const struct node_call *call)
{
    return (struct node_open_setting){ .trust = &engine->trust,
                                       .cache = engine->cache,
                                       .catalogue = call->catalogue,
                                       .arena = call->arena };
}

static void reject(struct node_engine *engine, struct node_call *call, enum node_fault fault,
                   const struct error *err)
{
    log_event(LOG_LEVEL_ERROR, "answer.rejected", log_id("request", call->sent.id),
              log_text("fault", node_fault_name(fault)), log_text("holder", call->holder));
    call->fault = fault;
    peer_acknowledge(engine->peer, &call->sent.id, node_fault_name(fault));
    node_call_fail(engine, call, ST_UNPROVEN, err);
}

static void on_release(struct node_engine *engine, struct node_call *call,
                       const struct peer_message *message)
{
    struct error err = { 0 };
    struct wire_release release;
    enum node_fault fault = NODE_FAULT_MALFORMED;
    struct node_open_setting setting = open_setting(engine, call);
    // The boxes belong to the connection; what is opened is copied into the arena.
    enum status status =
        wire_decode(WIRE_SCHEMA_RELEASE, message->payload, call->arena, &release, &err);
    if (status == ST_OK) {
        status = node_release_open(&setting, &call->sent, &release, message->boxes, &call->opened,
                                   &fault, &err);
    }
    if (status != ST_OK) {
        reject(engine, call, fault, &err);
        return;
    }
    save_receipt(engine, call, release.decision, "decision", &call->decision_text,
                 call->decision_file);
    save_receipt(engine, call, release.release, "release", &call->ending_text, call->ending_file);
    fault = call->opened.fault;
    if (!person_agrees(engine, call)) {
        fault = NODE_FAULT_PERSON_DIFFERS;
    }
    if (fault != NODE_FAULT_NONE) {
        log_event(LOG_LEVEL_ERROR, "answer.faulty", log_id("request", call->sent.id),
                  log_text("fault", node_fault_name(fault)), log_text("holder", call->holder));
    }
    peer_acknowledge(engine->peer, &call->sent.id,
                     fault == NODE_FAULT_NONE ? NULL : node_fault_name(fault));
    node_call_finish(engine, call);
}

// The broker did not admit the request because one side's key is not the one announced last: the
// holder has started anew, or our own announcement is still on its way. Nothing is on record yet,
// so the question is put anew, as a new request with the keys of now.
static bool ask_anew(struct node_engine *engine, struct node_call *call,
                     const struct wire_refusal *refusal)
{
    bool theirs = bytes_equal_text(refusal->reason, status_name(ST_STALE));
    bool ours = bytes_equal_text(refusal->reason, status_name(ST_NOT_FOUND));
    if ((!theirs && !ours) || call->attempts == ATTEMPTS_MAX || call->task == NULL) {
        return false;
    }
    call->attempts++;
    node_call_unsend(engine, call);
    if (ours) {
        node_engine_announce(engine);
        call->again_ms = clock_monotonic_ms() + AGAIN_MS;
        return true;
    }
    node_partners_outdated(engine->partners, bytes_text(call->holder));
    advance(engine, call);
    return true;
}

static void on_refusal(struct node_engine *engine, struct node_call *call,
                       const struct peer_message *message)
{
    struct error err = { 0 };
    struct wire_refusal refusal;
    enum node_fault fault = NODE_FAULT_MALFORMED;
    struct node_open_setting setting = open_setting(engine, call);
    enum status status =
        wire_decode(WIRE_SCHEMA_REFUSAL, message->payload, call->arena, &refusal, &err);
    if (status == ST_OK) {
        status = node_refusal_open(&setting, &call->sent, &refusal, &call->opened, &fault, &err);
    }
    if (status != ST_OK) {
        reject(engine, call, fault, &err);
        return;
    }
    if (!call->opened.recorded && ask_anew(engine, call, &refusal)) {
        return;
    }
    if (!call->opened.recorded) {
        // Not on record, so nothing was decided: it can be asked again.
        call->retry_after_ms = refusal.retry_after_ms;
        error_set(&err, ST_DENIED, "%.*s", (int)refusal.message.size,
                  refusal.message.size == 0 ? "" : (const char *)refusal.message.data);
        node_call_fail(engine, call, refusal.retry_after_ms > 0 ? ST_BUSY : ST_DENIED, &err);
        return;
    }
    person_agrees(engine, call);
    save_receipt(engine, call, refusal.decision, "decision", &call->decision_text,
                 call->decision_file);
    save_receipt(engine, call, refusal.ending, "ending", &call->ending_text, call->ending_file);
    node_call_finish(engine, call);
}

static void on_busy(struct node_engine *engine, struct node_call *call,
                    const struct peer_message *message)
{
    struct error err = { 0 };
    struct wire_busy busy;
    if (wire_decode(WIRE_SCHEMA_BUSY, message->payload, call->arena, &busy, &err) != ST_OK) {
        return;
    }
    call->retry_after_ms = busy.retry_after_ms;
    error_set(&err, ST_BUSY, "the broker has no place now");
    node_call_fail(engine, call, ST_BUSY, &err);
}

void node_asker_message(struct node_engine *engine, const struct peer_message *message)
{
    struct node_call *call = map_get(engine->calls, bytes_id(&message->ref));
    if (call == NULL) {
        log_event(LOG_LEVEL_WARNING, "answer.rejected", log_id("request", message->ref),
                  log_text("fault", node_fault_name(NODE_FAULT_FOREIGN)));
        return;
    }
    if (call->state != NODE_CALL_SENT) {
        log_event(LOG_LEVEL_WARNING, "answer.rejected", log_id("request", message->ref),
                  log_text("fault", node_fault_name(NODE_FAULT_REPLAYED)));
        return;
    }
    if (message->type == WIRE_RELEASE) {
        on_release(engine, call, message);
    } else if (message->type == WIRE_REFUSAL) {
        on_refusal(engine, call, message);
    } else {
        on_busy(engine, call, message);
    }
}

// --- time ---

void node_asker_ready(struct node_engine *engine)
{
    struct error err;
    for (struct node_call *call = engine->open.oldest; call != NULL; call = call->newer) {
        if (call->state == NODE_CALL_SENT && send_request(engine, call, &err) != ST_OK) {
            log_event(LOG_LEVEL_WARNING, "request.not-sent-again", log_id("request", call->sent.id),
                      log_text("why", err.message));
        }
    }
}

static void turn_call(struct node_engine *engine, struct node_call *call, int64_t now_ms)
{
    struct error err;
    if (call->deadline_ms <= now_ms) {
        error_set(&err, ST_TIMEOUT, "there was no answer in time");
        node_call_fail(engine, call, ST_TIMEOUT, &err);
        return;
    }
    if (call->state == NODE_CALL_CREDIT && call->again_ms <= now_ms &&
        engine->sent.under_way < credit_of(engine)) {
        advance(engine, call);
    }
    if (call->patience_ms > now_ms || call->task == NULL) {
        return;
    }
    if (call->state == NODE_CALL_SENT) {
        node_call_report(engine, call);
    } else if (call->state != NODE_CALL_DONE) {
        call->retry_after_ms = 1000;
        error_set(&err, ST_BUSY, "there was no place under way in time");
        node_call_fail(engine, call, ST_BUSY, &err);
    }
}

void node_asker_turn(struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    struct node_call *call = engine->open.oldest;
    while (call != NULL) {
        struct node_call *newer = call->newer;
        turn_call(engine, call, now_ms);
        call = newer;
    }
    node_calls_expire(engine);
}

void node_asker_stop(struct node_engine *engine)
{
    struct error err;
    error_set(&err, ST_CLOSED, "the node is stopping");
    while (engine->open.oldest != NULL) {
        node_call_fail(engine, engine->open.oldest, ST_CLOSED, &err);
    }
    node_calls_fini(engine);
}
