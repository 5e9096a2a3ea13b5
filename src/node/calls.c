// The table of calls: under way by age, ended by the time of their end. Ended ones are kept for a
// while, so that whoever lost patience can fetch them; the oldest go first when they take too much
// memory.
#include "node/inside.h"

#include "base/clock.h"
#include "seal/secret.h"

#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_GRACE_MS = 2000, // for an answer on its way when the request ends
    RECEIPT_MAX_BYTES = 262144,
    REQUEST_MAX_BYTES = 30000,
    TIMEOUT_MAX_MS = 14 * 60 * 1000
};

// --- the table ---

static void list_add(struct node_call_list *list, struct node_call *call)
{
    call->older = list->newest;
    call->newer = NULL;
    if (list->newest != NULL) {
        list->newest->newer = call;
    } else {
        list->oldest = call;
    }
    list->newest = call;
}

static void list_remove(struct node_call_list *list, struct node_call *call)
{
    if (call->older != NULL) {
        call->older->newer = call->newer;
    } else {
        list->oldest = call->newer;
    }
    if (call->newer != NULL) {
        call->newer->older = call->older;
    } else {
        list->newest = call->older;
    }
}

static size_t call_bytes(const struct node_call *call)
{
    return sizeof(*call) + arena_used_bytes(call->arena) + call->payload.capacity +
           call->decision_text.capacity + call->ending_text.capacity;
}

static void call_free(struct node_engine *engine, struct node_call *call)
{
    static const struct id none;
    if (!id_equal(&call->sent.id, &none)) {
        map_remove(engine->calls, bytes_id(&call->sent.id));
    }
    list_remove(call->state == NODE_CALL_DONE ? &engine->done : &engine->open, call);
    seal_wipe(&call->sent.pair, sizeof(call->sent.pair));
    snapshot_unpin(&call->policy);
    arena_destroy(&call->arena);
    if (call->payload.data != NULL) {
        seal_wipe(call->payload.data, call->payload.capacity);
    }
    buffer_fini(&call->payload);
    buffer_fini(&call->decision_text);
    buffer_fini(&call->ending_text);
    free(call);
}

// --- reports ---

void node_call_fill(const struct node_engine *engine, const struct node_call *call,
                    struct node_report *report)
{
    node_report_fill(engine, call->catalogue, report);
    report->progress = call->state != NODE_CALL_DONE ? NODE_UNDER_WAY
                       : call->failed                ? NODE_FAILED
                                                     : NODE_ANSWERED;
    report->err = &call->err;
    report->fault = call->fault;
    report->retry_after_ms = call->retry_after_ms;
    report->id = call->sent.id;
    report->holder = call->holder;
    report->dataset = call->dataset;
    report->opened = &call->opened;
    report->decision_file = call->decision_file;
    report->ending_file = call->ending_file;
    report->decision_text = buffer_view(&call->decision_text);
    report->ending_text = buffer_view(&call->ending_text);
    report->vouch = node_witness_of(engine, &call->opened.decision_tree, &call->opened.ending_tree);
}

void node_call_report(struct node_engine *engine, struct node_call *call)
{
    struct node_task *task = call->task;
    if (task == NULL) {
        return;
    }
    call->task = NULL;
    struct node_report report = { 0 };
    node_call_fill(engine, call, &report);
    task->report(task, &report);
}

void node_call_finish(struct node_engine *engine, struct node_call *call)
{
    engine->calls_open--;
    if (call->state == NODE_CALL_SENT) {
        engine->sent.under_way--;
        peer_flow_took(&engine->sent, (clock_monotonic_ns() - call->sent_ns) / 1000);
    }
    list_remove(&engine->open, call);
    list_add(&engine->done, call);
    call->state = NODE_CALL_DONE;
    call->done_ms = clock_monotonic_ms();
    seal_wipe(&call->sent.pair, sizeof(call->sent.pair));
    engine->kept_bytes += call_bytes(call);
    node_call_report(engine, call);
}

void node_call_fail(struct node_engine *engine, struct node_call *call, enum status status,
                    const struct error *err)
{
    call->failed = true;
    call->err = *err;
    call->err.status = status;
    node_call_finish(engine, call);
}

void node_calls_expire(struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    struct node_call *call = engine->done.oldest;
    while (call != NULL &&
           (call->done_ms + NODE_KEEP_MS <= now_ms || engine->kept_bytes > NODE_KEEP_BYTES)) {
        engine->kept_bytes -= call_bytes(call);
        call_free(engine, call);
        call = engine->done.oldest;
    }
}

struct node_call *node_call_create(struct node_engine *engine, struct node_task *task,
                                   const struct catalogue_member *holder)
{
    struct node_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->task = task;
    call->arena = task->arena;
    task->arena = NULL;
    call->question = task->question;
    strncpy(call->holder, holder->code, sizeof(call->holder) - 1);
    memcpy(call->dataset, call->question.dataset.data, call->question.dataset.size);
    call->catalogue = snapshot_pin(engine->policy, &call->policy);
    call->payload = buffer_init(REQUEST_MAX_BYTES);
    call->decision_text = buffer_init(RECEIPT_MAX_BYTES);
    call->ending_text = buffer_init(RECEIPT_MAX_BYTES);
    int64_t now_ms = clock_monotonic_ms();
    call->timeout_ms = task->timeout_ms > 0 ? task->timeout_ms : engine->config->api.timeout_ms;
    call->timeout_ms = call->timeout_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : call->timeout_ms;
    call->deadline_ms = now_ms + call->timeout_ms + ANSWER_GRACE_MS;
    call->patience_ms = task->patience_ms < 0 ? INT64_MAX : now_ms + task->patience_ms;
    list_add(&engine->open, call);
    engine->calls_open++;
    return call;
}

void node_call_unsend(struct node_engine *engine, struct node_call *call)
{
    map_remove(engine->calls, bytes_id(&call->sent.id));
    seal_wipe(&call->sent.pair, sizeof(call->sent.pair));
    call->sent = (struct node_sent){ 0 };
    call->opened = (struct node_opened){ 0 };
    buffer_clear(&call->payload);
    engine->sent.under_way--;
    call->state = NODE_CALL_CREDIT;
}

void node_calls_fini(struct node_engine *engine)
{
    while (engine->done.oldest != NULL) {
        call_free(engine, engine->done.oldest);
    }
}
