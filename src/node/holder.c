// Asks of other agencies. An ask waits for the asker's card, then (rarely) for the policy that it
// was decided under, is looked up in its register, answered and forgotten. What does not hold is
// not answered at all: the log has its decision, and the broker sees the silence. Nothing about a
// person is logged here, only codes and the exchange's id.
#include "node/inside.h"
#include "node/log_keys.h"

#include "base/clock.h"
#include "base/event.h"
#include "node/persons.h"
#include "seal/secret.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_MAX_MS = 15 * 60 * 1000 };

static void ask_free(struct node_engine *engine, struct node_ask *ask)
{
    if (ask->older != NULL) {
        ask->older->newer = ask->newer;
    } else {
        engine->ask_oldest = ask->newer;
    }
    if (ask->newer != NULL) {
        ask->newer->older = ask->older;
    } else {
        engine->ask_newest = ask->older;
    }
    engine->asked.under_way--;
    snapshot_unpin(&ask->policy);
    arena_destroy(&ask->arena);
    free(ask);
}

static void refuse(struct node_engine *engine, struct node_ask *ask, const char *event,
                   const char *why)
{
    log_event(LOG_LEVEL_WARNING, event, log_id("request", ask->asked.request.id),
              log_text("why", why));
    ask_free(engine, ask);
}

// --- the answer ---

static void answer(struct node_engine *engine, struct node_ask *ask, const struct node_found *found,
                   uint64_t updated_ms)
{
    struct error err = { 0 };
    struct digest pair;
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    struct buffer boxes = buffer_init(WIRE_BOXES_MAX_BYTES);
    uint64_t now_ms = node_now();
    const struct node_partner *partner =
        node_partners_by_hash(engine->partners, &ask->asked.request.asker_announcement);
    enum status status = partner == NULL
                             ? error_set(&err, ST_DENIED, "the asker's key was dropped meanwhile")
                             : node_keys_pair(engine->keys, &ask->asked.request.holder_announcement,
                                              &partner->announcement, false, now_ms, &pair, &err);
    if (status == ST_OK) {
        struct node_answer_setting setting = {
            .pair = &pair,
            .match = &ask->match,
            .source = bytes_text(node_source_title(ask->source)),
            .last_updated = updated_ms,
            .now_ms = now_ms,
            .pseudonym_key = seal_secret_view(engine->pseudonym_key),
        };
        status =
            node_answer_build(&ask->asked, &ask->grant, found, &setting, &payload, &boxes, &err);
        seal_wipe(&pair, sizeof(pair));
    }
    if (ask->deadline_ms - clock_monotonic_ms() < NODE_HURRY_MS) {
        peer_hurry(engine->peer);
    }
    if (status == ST_OK) {
        status = peer_send(engine->peer, WIRE_ANSWER, &ask->asked.request.id, buffer_view(&payload),
                           buffer_view(&boxes), &err);
    }
    buffer_fini(&payload);
    buffer_fini(&boxes);
    if (status != ST_OK) {
        refuse(engine, ask, "ask.not-answered", err.message);
        return;
    }
    peer_flow_took(&engine->asked, (clock_monotonic_ns() - ask->begun_ns) / 1000);
    ask_free(engine, ask);
}

// The register could not be asked: that, too, is an answer.
static void answer_unavailable(struct node_engine *engine, struct node_ask *ask)
{
    struct node_found found[CATALOGUE_FIELDS_MAX];
    for (size_t i = 0; i < ask->grant.field_count; i++) {
        found[i] = (struct node_found){ .status = CATALOGUE_VALUE_UNAVAILABLE };
    }
    answer(engine, ask, found, 0);
}

void node_holder_found(struct node_engine *engine, struct node_lookup *lookup)
{
    struct node_ask *ask = lookup->owner;
    struct node_found found[CATALOGUE_FIELDS_MAX];
    if (lookup->status == CATALOGUE_VALUE_UNAVAILABLE) {
        log_event(LOG_LEVEL_ERROR, "register.unavailable",
                  log_text("dataset", node_source_dataset(ask->source)),
                  log_text("why", lookup->problem));
    }
    for (size_t i = 0; i < ask->grant.field_count; i++) {
        found[i] = (struct node_found){ .status = lookup->status, .value = lookup->values[i] };
        if (lookup->wrong_type[i]) {
            found[i].status = CATALOGUE_VALUE_NOT_OF_TYPE;
        } else if (lookup->too_long[i]) {
            found[i].status = CATALOGUE_VALUE_TOO_LONG;
        }
    }
    if (clock_monotonic_ms() >= ask->deadline_ms) {
        refuse(engine, ask, "ask.too-late", "the time for the answer is over");
    } else {
        answer(engine, ask, found, lookup->updated_ms);
    }
    node_lookup_destroy(&lookup);
}

static void look_up(struct node_engine *engine, struct node_ask *ask)
{
    struct error err;
    const struct wire_request *request = &ask->asked.request;
    struct node_lookup *lookup = node_lookup_create();
    if (lookup == NULL || request->subject.size >= sizeof(lookup->subject)) {
        node_lookup_destroy(&lookup);
        answer_unavailable(engine, ask);
        return;
    }
    lookup->owner = ask;
    memcpy(lookup->subject, request->subject.data, request->subject.size);
    lookup->deadline_ms = ask->deadline_ms;
    lookup->field_count = ask->grant.field_count;
    for (size_t i = 0; i < ask->grant.field_count; i++) {
        lookup->fields[i] = ask->grant.fields[i].field->name_bytes;
    }
    ask->state = NODE_ASK_REGISTER;
    if (node_source_look(ask->source, &lookup, &err) != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "register.busy",
                  log_text("dataset", node_source_dataset(ask->source)));
        node_lookup_destroy(&lookup);
        answer_unavailable(engine, ask);
    }
}

// --- checking ---

static void on_directory(struct node_engine *engine, struct bytes context, enum status status,
                         const struct wire_result *result, struct bytes body,
                         const struct error *err);

static void ask_directory(struct node_engine *engine, struct node_ask *ask)
{
    struct error err;
    ask->state = NODE_ASK_PARTNER;
    struct bytes hash = bytes_digest(&ask->asked.request.asker_announcement);
    struct wire_query query = { .version = 1,
                                .kind = WIRE_QUERY_DIRECTORY,
                                .hash = ask->asked.request.asker_announcement };
    if (!node_query_pending(engine, on_directory, hash) &&
        node_query_send(engine, &query, on_directory, hash, &err) != ST_OK) {
        refuse(engine, ask, "ask.refused", err.message);
    }
}

// Has the broker named another policy than the one that is in force here?
static bool policy_is_behind(const struct node_engine *engine, const struct catalogue *catalogue)
{
    const struct digest *named = peer_bundle_hash(engine->peer);
    return catalogue == NULL || !digest_equal(catalogue_hash(catalogue), named);
}

// Everything that the ask has to stand up to, once the asker's card is known.
static enum status check(struct node_engine *engine, struct node_ask *ask,
                         const struct node_partner *partner, const struct catalogue *catalogue,
                         struct error *err)
{
    struct node_ask_setting setting = { .trust = &engine->trust,
                                        .cache = engine->cache,
                                        .catalogue = catalogue,
                                        .partner = partner,
                                        .member = engine->config->member,
                                        .now_ms = node_now(),
                                        .arena = ask->arena };
    enum status status = node_ask_check(&setting, &ask->asked, &ask->grant, err);
    if (status != ST_OK) {
        return status;
    }
    struct digest pair;
    status = node_keys_pair(engine->keys, &ask->asked.request.holder_announcement,
                            &partner->announcement, false, setting.now_ms, &pair, err);
    if (status != ST_OK) {
        return status;
    }
    status = node_match_open(&ask->asked, &pair, ask->arena, &ask->match, err);
    seal_wipe(&pair, sizeof(pair));
    return status;
}

// The log files each person under one pseudonym; another one is an alarm.
static bool person_agrees(struct node_engine *engine, struct node_ask *ask)
{
    const struct wire_request *request = &ask->asked.request;
    if (digest_is_zero(&ask->grant.holder_check)) {
        return true;
    }
    const char *problem = node_person_problem(engine, request->subject_scheme, request->subject,
                                              ask->grant.tag_key_id, &ask->grant.holder_check,
                                              &request->id, "holder");
    if (problem != NULL) {
        refuse(engine, ask, "ask.refused", problem);
    }
    return problem == NULL;
}

static void advance(struct node_engine *engine, struct node_ask *ask)
{
    struct error err;
    const struct wire_request *request = &ask->asked.request;
    const struct node_partner *partner =
        node_partners_by_hash(engine->partners, &request->asker_announcement);
    if (partner == NULL) {
        ask_directory(engine, ask);
        return;
    }
    snapshot_unpin(&ask->policy);
    const struct catalogue *catalogue = snapshot_pin(engine->policy, &ask->policy);
    enum status status = catalogue == NULL
                             ? error_set(&err, ST_DENIED, "there is no policy bundle yet")
                             : check(engine, ask, partner, catalogue, &err);
    if (status == ST_DENIED && policy_is_behind(engine, catalogue)) {
        ask->state = NODE_ASK_POLICY;
        return;
    }
    if (status != ST_OK) {
        refuse(engine, ask, "ask.refused", err.message);
        return;
    }
    if (!node_memory_once(engine->memory, request->asker, &request->id, node_now())) {
        refuse(engine, ask, "ask.repeated", "this exchange was answered already");
        return;
    }
    if (!person_agrees(engine, ask)) {
        return;
    }
    look_up(engine, ask);
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
        error_set(&problem, ST_NOT_FOUND, "the directory does not know the asker's key");
    }
    struct node_ask *ask = engine->ask_oldest;
    while (ask != NULL) {
        struct node_ask *newer = ask->newer;
        const struct digest *hash = &ask->asked.request.asker_announcement;
        if (ask->state == NODE_ASK_PARTNER && bytes_equal(context, bytes_digest(hash))) {
            if (node_partners_by_hash(engine->partners, hash) != NULL) {
                advance(engine, ask);
            } else {
                refuse(engine, ask, "ask.refused",
                       problem.message[0] == '\0' ? "the asker's key is another one"
                                                  : problem.message);
            }
        }
        ask = newer;
    }
}

// --- a new ask ---

static struct node_source *source_for(const struct node_engine *engine, struct bytes dataset)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        if (bytes_equal_text(dataset, node_source_dataset(engine->sources[i]))) {
            return engine->sources[i];
        }
    }
    return NULL;
}

void node_holder_ask(struct node_engine *engine, const struct peer_message *message)
{
    struct error err = { 0 };
    if (engine->asked.under_way >= NODE_ASKS_MAX || engine->stopped) {
        log_event(LOG_LEVEL_WARNING, "ask.dropped", log_id("request", message->ref));
        return;
    }
    struct node_ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL) {
        return;
    }
    ask->begun_ns = clock_monotonic_ns();
    ask->older = engine->ask_newest;
    if (engine->ask_newest != NULL) {
        engine->ask_newest->newer = ask;
    } else {
        engine->ask_oldest = ask;
    }
    engine->ask_newest = ask;
    engine->asked.under_way++;
    ask->arena = arena_create(NODE_ARENA_BYTES);
    if (ask->arena == NULL ||
        node_ask_read(message->payload, ask->arena, &ask->asked, &err) != ST_OK) {
        refuse(engine, ask, "ask.malformed", err.message);
        return;
    }
    engine->asked.told = ask->asked.ask.under_way;
    int64_t left_ms = ask->asked.ask.timeout_ms;
    ask->deadline_ms = clock_monotonic_ms() + (left_ms > ASK_MAX_MS ? ASK_MAX_MS : left_ms);
    ask->source = source_for(engine, ask->asked.request.dataset);
    if (ask->source == NULL) {
        refuse(engine, ask, "ask.refused", "this node does not answer for that dataset");
        return;
    }
    advance(engine, ask);
}

void node_holder_turn(struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    struct node_ask *ask = engine->ask_oldest;
    while (ask != NULL) {
        struct node_ask *newer = ask->newer;
        // One that is being looked up comes back by itself.
        if (ask->state != NODE_ASK_REGISTER && ask->deadline_ms <= now_ms) {
            refuse(engine, ask, "ask.too-late", "the time for the answer is over");
        } else if (ask->state == NODE_ASK_POLICY && !engine->fetch.under_way) {
            struct snapshot_item *item = NULL;
            const struct catalogue *catalogue = snapshot_pin(engine->policy, &item);
            bool behind = policy_is_behind(engine, catalogue);
            snapshot_unpin(&item);
            if (!behind) {
                advance(engine, ask);
            }
        }
        ask = newer;
    }
}

void node_holder_stop(struct node_engine *engine)
{
    // The pools are closed: what was being looked up has come back.
    void *item = NULL;
    while (queue_take(engine->found, &item, 1) == 1) {
        struct node_lookup *lookup = item;
        node_lookup_destroy(&lookup);
    }
    while (engine->ask_oldest != NULL) {
        ask_free(engine, engine->ask_oldest);
    }
}
