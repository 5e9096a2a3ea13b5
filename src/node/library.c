// libvedomo: the engine behind the public interface. A question waits for its report in a queue of
// one place; the report is copied into the answer, which owns everything that it hands out.
#include "vedomo/node.h"

#include "base/clock.h"
#include "base/queue.h"
#include "base/text.h"
#include "node/engine.h"
#include "node/words.h"
#include "wire/codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READY_LOOK_MS = 50, TOKEN_MAX_BYTES = 256 };

struct vedomo_node {
    struct config *config;
    struct node_engine *engine;
};

struct vedomo_answer {
    struct arena *arena;
    char id[TEXT_ID_BYTES];
    struct vedomo_answer_field fields[CATALOGUE_FIELDS_MAX];
    size_t field_count;
    const char *decision;
    const char *ending;
    struct id exchange; // `id` as bytes
    enum vedomo_vouched vouched;
    bool trial;
};

static enum vedomo_status give(const struct error *err, enum status status,
                               struct vedomo_error *error)
{
    // The two lists of statuses are one list: tests/unit/node/test_library.c holds them together.
    enum vedomo_status given = (enum vedomo_status)status;
    if (error != NULL) {
        error->status = given;
        snprintf(error->message, sizeof(error->message), "%s", status == ST_OK ? "" : err->message);
    }
    return given;
}

PUBLIC_API enum vedomo_status vedomo_node_open(const char *path,
                                               const struct vedomo_service *services,
                                               size_t service_count, struct vedomo_node **node,
                                               struct vedomo_error *error)
{
    struct error err = { 0 };
    struct vedomo_node *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return give(&err, error_set(&err, ST_NOMEM, "node: no memory"), error);
    }
    enum status status = config_load(CONFIG_NODE, path, &made->config, &err);
    if (status == ST_OK) {
        status = node_engine_start(config_node(made->config), services, service_count,
                                   &made->engine, &err);
    }
    if (status != ST_OK) {
        config_destroy(&made->config);
        free(made);
        return give(&err, status, error);
    }
    *node = made;
    return give(&err, ST_OK, error);
}

PUBLIC_API void vedomo_node_close(struct vedomo_node **node)
{
    if (*node == NULL) {
        return;
    }
    node_engine_stop(&(*node)->engine);
    config_destroy(&(*node)->config);
    free(*node);
    *node = NULL;
}

// --- waiting for a report ---

// What the engine's thread leaves for the one that waits.
struct waiting {
    struct queue *done;
    struct vedomo_answer *answer;
    enum catalogue_language language;
    enum status status;
    struct error err;
};

static void finish(struct node_task *task, struct waiting *waiting)
{
    node_task_destroy(&task);
    void *item = waiting;
    queue_push(waiting->done, &item, 1); // its one place
}

// Hands a task in and waits until it was reported.
static enum status run(struct vedomo_node *node, struct node_task **task, struct waiting *waiting,
                       struct error *err)
{
    enum status status = queue_create(1, 0, &waiting->done, err);
    if (status != ST_OK) {
        return status;
    }
    (*task)->context = waiting;
    status = node_engine_hand(node->engine, task, err);
    void *item = NULL;
    if (status == ST_OK && queue_wait(waiting->done, &item, 1, -1) == 1) {
        status = waiting->status;
        *err = waiting->err;
    }
    queue_destroy(&waiting->done);
    return status;
}

static void on_state(struct node_task *task, const struct node_report *report)
{
    struct waiting *waiting = task->context;
    waiting->status = ST_OK;
    if (report->peer != PEER_READY) {
        waiting->status =
            error_set(&waiting->err, ST_CLOSED, "not connected to the broker%s%s",
                      report->problem->message[0] == '\0' ? "" : ": ", report->problem->message);
    } else if (report->catalogue == NULL) {
        waiting->status = error_set(&waiting->err, ST_CLOSED, "there is no policy bundle yet");
    }
    finish(task, waiting);
}

// Passes a little time without a sleep of its own.
static void pass(int64_t until_ms)
{
    struct error err;
    struct queue *nothing = NULL;
    void *item = NULL;
    if (queue_create(1, 0, &nothing, &err) == ST_OK) {
        size_t count = queue_wait(nothing, &item, 1, until_ms);
        (void)count;
    }
    queue_destroy(&nothing);
}

PUBLIC_API enum vedomo_status vedomo_node_ready(struct vedomo_node *node, int64_t wait_ms,
                                                struct vedomo_error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    struct error err = { 0 };
    enum status status = ST_OK;
    for (;;) {
        struct waiting waiting = { 0 };
        struct node_task *task = node_task_create(NODE_TASK_STATE);
        if (task == NULL) {
            return give(&err, error_set(&err, ST_NOMEM, "node: no memory"), error);
        }
        task->report = on_state;
        status = run(node, &task, &waiting, &err);
        node_task_destroy(&task);
        int64_t now_ms = clock_monotonic_ms();
        if (status != ST_CLOSED || now_ms >= deadline_ms) {
            return give(&err, status, error);
        }
        pass(now_ms + READY_LOOK_MS < deadline_ms ? now_ms + READY_LOOK_MS : deadline_ms);
    }
}

// --- questions ---

static struct bytes text_or_none(const char *text)
{
    return text == NULL ? (struct bytes){ 0 } : bytes_text(text);
}

static struct bytes keep_text(struct arena *arena, const char *text)
{
    return text == NULL ? (struct bytes){ 0 } : arena_copy(arena, bytes_text(text));
}

static enum status read_ask(const struct vedomo_ask *ask, struct arena *arena,
                            struct node_question *question, struct error *err)
{
    if (ask->field_count == 0 || ask->field_count > CATALOGUE_FIELDS_MAX) {
        return error_set(err, ST_USAGE, "fields: 1 to %d", CATALOGUE_FIELDS_MAX);
    }
    *question = (struct node_question){
        .holder = keep_text(arena, ask->holder),
        .dataset = keep_text(arena, ask->dataset),
        .field_count = ask->field_count,
        .scheme = keep_text(arena, ask->scheme),
        .subject = keep_text(arena, ask->subject),
        .purpose = keep_text(arena, ask->purpose),
        .basis = catalogue_basis_parse(text_or_none(ask->basis)),
        .article = keep_text(arena, ask->article),
        .justification = keep_text(arena, ask->justification),
        .official = keep_text(arena, ask->official),
        .official_role = keep_text(arena, ask->official_role),
        .case_ref = keep_text(arena, ask->case_ref),
        .traceparent = keep_text(arena, ask->traceparent),
        .automated = ask->automated,
        .all_or_nothing = ask->all_or_nothing,
        .exact = ask->exact,
    };
    for (size_t i = 0; i < ask->field_count; i++) {
        question->fields[i] =
            (struct node_question_field){ .name = keep_text(arena, ask->fields[i].name),
                                          .form = keep_text(arena, ask->fields[i].form),
                                          .match = keep_text(arena, ask->fields[i].match) };
    }
    if (ask->consent != NULL && !text_id_parse(bytes_text(ask->consent), &question->consent)) {
        return error_set(err, ST_USAGE, "consent: not an id");
    }
    if (ask->token != NULL) {
        struct buffer token = buffer_init(TOKEN_MAX_BYTES);
        bool good = text_base64_decode(&token, bytes_text(ask->token));
        question->token = arena_copy(arena, buffer_view(&token));
        buffer_fini(&token);
        if (!good) {
            return error_set(err, ST_USAGE, "token: not base64");
        }
    }
    return ST_OK;
}

// --- answers ---

static const char *own_text(struct arena *arena, struct bytes text)
{
    const char *copy = arena_text(arena, text);
    return copy == NULL ? "" : copy;
}

static enum vedomo_field_state state_of(const struct node_opened_field *field)
{
    if (field->given.size == 0) {
        return VEDOMO_FIELD_REFUSED;
    }
    if (field->fault != NODE_FAULT_NONE) {
        return VEDOMO_FIELD_WITHHELD;
    }
    return (enum vedomo_field_state)field->status;
}

static void copy_field(const struct node_report *report, const struct node_opened_field *field,
                       enum catalogue_language language, struct vedomo_answer *answer,
                       struct vedomo_answer_field *out)
{
    struct buffer sentence = buffer_init(4096);
    if (!bytes_equal(field->asked, field->given)) {
        node_words_sentence(report, field, language, &sentence);
    }
    *out = (struct vedomo_answer_field){
        .name = own_text(answer->arena, field->name),
        .state = state_of(field),
        .form = own_text(answer->arena, field->given),
        .reason = own_text(answer->arena, field->reason),
        .sentence = own_text(answer->arena, buffer_view(&sentence)),
        .value = own_text(answer->arena, field->value),
        .value_size = field->value.size,
        .last_updated_ms = (int64_t)field->last_updated,
    };
    buffer_fini(&sentence);
}

static void take_vouched(struct vedomo_answer *answer, const struct node_report *report)
{
    static const enum vedomo_vouched told[] = { [NODE_VOUCH_UNASKED] = VEDOMO_VOUCHED_UNASKED,
                                                [NODE_VOUCH_SIGNED] = VEDOMO_VOUCHED_SIGNED,
                                                [NODE_VOUCH_WITNESSED] = VEDOMO_VOUCHED_WITNESSED };
    answer->vouched = told[report->vouch];
    answer->trial = report->vouch == NODE_VOUCH_WITNESSED && report->witnessed_trial;
}

static struct vedomo_answer *answer_of(const struct node_report *report,
                                       enum catalogue_language language)
{
    struct vedomo_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL) {
        return NULL;
    }
    answer->arena = arena_create((size_t)NODE_ARENA_BYTES * 2);
    if (answer->arena == NULL) {
        free(answer);
        return NULL;
    }
    text_id_format(&report->id, answer->id);
    answer->exchange = report->id;
    take_vouched(answer, report);
    answer->field_count = report->opened->field_count;
    for (size_t i = 0; i < answer->field_count; i++) {
        copy_field(report, &report->opened->fields[i], language, answer, &answer->fields[i]);
    }
    answer->decision = own_text(answer->arena, report->decision_text);
    answer->ending = own_text(answer->arena, report->ending_text);
    return answer;
}

static void on_report(struct node_task *task, const struct node_report *report)
{
    struct waiting *waiting = task->context;
    if (report->progress == NODE_ANSWERED) {
        waiting->answer = answer_of(report, waiting->language);
        waiting->status = waiting->answer == NULL
                              ? error_set(&waiting->err, ST_NOMEM, "answer: no memory")
                              : ST_OK;
    } else {
        waiting->err = *report->err;
        waiting->status = report->err->status;
    }
    finish(task, waiting);
}

PUBLIC_API enum vedomo_status vedomo_node_ask(struct vedomo_node *node,
                                              const struct vedomo_ask *ask, const char *language,
                                              struct vedomo_answer **answer,
                                              struct vedomo_error *error)
{
    struct error err = { 0 };
    struct waiting waiting = { .language = language != NULL && strcmp(language, "ru") == 0
                                               ? CATALOGUE_RU
                                               : CATALOGUE_EN };
    struct node_task *task = node_task_create(NODE_TASK_ASK);
    if (task != NULL) {
        task->arena = arena_create(NODE_ARENA_BYTES);
    }
    if (task == NULL || task->arena == NULL) {
        node_task_destroy(&task);
        return give(&err, error_set(&err, ST_NOMEM, "request: no memory"), error);
    }
    task->timeout_ms = ask->timeout_ms;
    task->patience_ms = -1;
    task->report = on_report;
    enum status status = read_ask(ask, task->arena, &task->question, &err);
    if (status == ST_OK) {
        status = run(node, &task, &waiting, &err);
    }
    node_task_destroy(&task);
    if (status == ST_OK) {
        *answer = waiting.answer;
    }
    return give(&err, status, error);
}

static void on_look(struct node_task *task, const struct node_report *report)
{
    struct waiting *waiting = task->context;
    waiting->status = ST_OK;
    if (report->progress == NODE_ANSWERED) {
        take_vouched(waiting->answer, report);
    } else if (report->progress == NODE_FAILED) {
        waiting->err = *report->err;
        waiting->status = report->err->status;
    } else {
        waiting->status =
            error_set(&waiting->err, ST_NOT_FOUND, "the node does not know this answer any more");
    }
    finish(task, waiting);
}

PUBLIC_API enum vedomo_status vedomo_node_look_again(struct vedomo_node *node,
                                                     struct vedomo_answer *answer,
                                                     struct vedomo_error *error)
{
    struct error err = { 0 };
    struct waiting waiting = { .answer = answer };
    struct node_task *task = node_task_create(NODE_TASK_LOOK);
    if (task == NULL) {
        return give(&err, error_set(&err, ST_NOMEM, "node: no memory"), error);
    }
    task->id = answer->exchange;
    task->report = on_look;
    enum status status = run(node, &task, &waiting, &err);
    node_task_destroy(&task);
    return give(&err, status, error);
}

PUBLIC_API void vedomo_answer_destroy(struct vedomo_answer **answer)
{
    if (*answer != NULL) {
        arena_destroy(&(*answer)->arena);
        free(*answer);
        *answer = NULL;
    }
}

PUBLIC_API const char *vedomo_answer_id(const struct vedomo_answer *answer)
{
    return answer->id;
}

PUBLIC_API size_t vedomo_answer_field_count(const struct vedomo_answer *answer)
{
    return answer->field_count;
}

PUBLIC_API const struct vedomo_answer_field *vedomo_answer_field(const struct vedomo_answer *answer,
                                                                 size_t index)
{
    return index < answer->field_count ? &answer->fields[index] : NULL;
}

PUBLIC_API const char *vedomo_answer_decision_receipt(const struct vedomo_answer *answer)
{
    return answer->decision;
}

PUBLIC_API const char *vedomo_answer_ending_receipt(const struct vedomo_answer *answer)
{
    return answer->ending;
}

PUBLIC_API enum vedomo_vouched vedomo_answer_vouched(const struct vedomo_answer *answer)
{
    return answer->vouched;
}

PUBLIC_API bool vedomo_answer_trial(const struct vedomo_answer *answer)
{
    return answer->trial;
}
