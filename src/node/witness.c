// Signed, or witnessed? With a witness policy in its configuration a node asks for each tree that
// it has verified how it leads into the newest one that a quorum has cosigned. What stays
// unanswered for `witnesses.alarm` is an alarm: then the log's word stands alone. Without a policy
// nothing happens here.
#include "node/inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/reader.h"

enum {
    PROOFS_AT_ONCE = 16,
    ASK_AGAIN_MS = 5000,
    ALARM_EVERY_MS = 60 * 1000,
    LOOK_EVERY_MS = 1000,
    CONTEXT_BYTES = 2 * (8 + DIGEST_BYTES),
};

enum status node_witness_open(struct node_engine *engine, struct error *err)
{
    const struct config_node *config = engine->config;
    const char *path = config->witnesses.policy;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    if (path[0] == '\0') {
        return ST_OK;
    }
    enum status status = file_read(path, PROOF_POLICY_BYTES_MAX, &text, err);
    if (status == ST_OK) {
        status = proof_policy_parse(buffer_view(&text), &engine->witness.policy, err);
    }
    buffer_fini(&text);
    if (status == ST_OK && !proof_policy_has_log(engine->witness.policy, &engine->trust.log, 1)) {
        status = error_set(err, ST_USAGE, "no log line has the key that broker.vkey names");
    }
    if (status == ST_OK && !proof_policy_has_quorum(engine->witness.policy)) {
        status = error_set(err, ST_USAGE, "its quorum is none; leave the setting out instead");
    }
    if (status == ST_OK) {
        engine->witness.trees = node_trees_create(engine->witness.policy);
        status =
            engine->witness.trees == NULL ? error_set(err, ST_NOMEM, "node: no memory") : ST_OK;
    }
    if (status != ST_OK) {
        return error_wrap(err, "witnesses.policy '%s'", path);
    }
    engine->trust.trees = engine->witness.trees;
    return ST_OK;
}

void node_witness_close(struct node_engine *engine)
{
    node_trees_destroy(&engine->witness.trees);
    proof_policy_destroy(&engine->witness.policy);
}

enum node_vouch node_witness_of(const struct node_engine *engine, const struct node_tree *decision,
                                const struct node_tree *ending)
{
    const struct node_trees *trees = engine->witness.trees;
    if (trees == NULL) {
        return NODE_VOUCH_UNASKED;
    }
    bool all = node_trees_is_witnessed(trees, decision) &&
               (ending->size == 0 || node_trees_is_witnessed(trees, ending));
    return all ? NODE_VOUCH_WITNESSED : NODE_VOUCH_SIGNED;
}

// ---- proofs

static void put_tree(struct buffer *out, const struct node_tree *tree)
{
    buffer_u64(out, tree->size);
    buffer_bytes(out, bytes_digest(&tree->root));
}

static struct node_tree take_tree(struct reader *reader)
{
    struct node_tree tree = { .size = reader_u64(reader) };
    struct bytes root = reader_bytes(reader, DIGEST_BYTES);
    if (root.size == DIGEST_BYTES) {
        memcpy(tree.root.bytes, root.data, DIGEST_BYTES);
    }
    return tree;
}

static void on_proof(struct node_engine *engine, struct bytes context, enum status status,
                     const struct wire_result *result, struct bytes body, const struct error *err)
{
    struct reader reader = reader_init(context);
    struct node_tree tree = take_tree(&reader);
    struct node_tree into = take_tree(&reader);
    struct wire_rows rows = { 0 };
    struct error why = *err;
    struct arena *arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    (void)result;
    engine->witness.under_way--;
    if (arena == NULL) {
        return; // asked again
    }
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_ROWS, body, arena, &rows, &why);
    }
    if (status == ST_OK && rows.rows_count == 2 &&
        !node_trees_prove(engine->witness.trees, &tree, &into, rows.rows[1].announcement)) {
        log_event(LOG_LEVEL_ERROR, "log.unproven", log_number("size", (int64_t)tree.size),
                  log_number("witnessed", (int64_t)into.size));
    } else if (status != ST_OK && status != ST_TIMEOUT && status != ST_CLOSED) {
        log_event(LOG_LEVEL_WARNING, "log.no-proof", log_text("why", why.message));
    }
    arena_destroy(&arena);
}

static void ask_proofs(struct node_engine *engine)
{
    uint64_t time_s = 0;
    struct error err;
    struct node_tree tree;
    struct node_tree into = node_trees_witnessed(engine->witness.trees, &time_s);
    while (engine->witness.under_way < PROOFS_AT_ONCE &&
           node_trees_next(engine->witness.trees, clock_monotonic_ms(), ASK_AGAIN_MS, &tree)) {
        struct buffer context = buffer_init(CONTEXT_BYTES);
        const struct wire_query query = {
            .version = 1, .kind = WIRE_QUERY_CONSISTENCY, .from = tree.size, .to = into.size
        };
        put_tree(&context, &tree);
        put_tree(&context, &into);
        bool sent = !context.failed &&
                    node_query_send(engine, &query, on_proof, buffer_view(&context), &err) == ST_OK;
        engine->witness.under_way += sent ? 1 : 0;
        buffer_fini(&context);
        if (!sent) {
            return;
        }
    }
}

// ---- what the broker says

static void take_vouched(struct node_engine *engine)
{
    struct error err;
    struct bytes note;
    struct proof_checkpoint newest;
    bool met = false;
    bool forked = false;
    struct peer_vouched vouched = peer_vouched(engine->peer);
    if (peer_checkpoint(engine->peer, &note) > 0 &&
        proof_ring_open(peer_log_keys(engine->peer), 0, note, &newest, &err) == ST_OK) {
        const struct node_tree tree = { .size = newest.size, .root = newest.root };
        node_trees_add(engine->witness.trees, &tree, clock_monotonic_ms());
    }
    if (vouched.trial && !engine->witness.trial) {
        log_event(LOG_LEVEL_WARNING, "witnesses.trial",
                  log_text("note", "the broker counts witnesses on its own host"));
    }
    engine->witness.trial = vouched.trial;
    if (vouched.size == 0 ||
        node_trees_take(engine->witness.trees, vouched.note, peer_log_keys(engine->peer), &met,
                        &forked, &err) == ST_OK) {
        return;
    }
    log_event(LOG_LEVEL_ERROR, forked ? "log.forked" : "log.cosignature-wrong",
              log_text("why", err.message));
    engine->witness.forked = engine->witness.forked || forked;
}

void node_witness_heard(struct node_engine *engine)
{
    if (engine->witness.trees != NULL && !engine->stopped) {
        take_vouched(engine);
    }
}

static void look_at_age(struct node_engine *engine, int64_t now_ms)
{
    struct node_witness *witness = &engine->witness;
    int64_t since_ms = node_trees_waiting_ms(witness->trees);
    bool late = since_ms != INT64_MAX && now_ms - since_ms > engine->config->witnesses.alarm_ms;
    if (late && (!witness->alarmed || now_ms - witness->alarm_ms >= ALARM_EVERY_MS)) {
        witness->alarm_ms = now_ms;
        log_event(LOG_LEVEL_ERROR, "log.unwitnessed",
                  log_number("age-s", (now_ms - since_ms) / 1000));
    } else if (!late && witness->alarmed) {
        log_event(LOG_LEVEL_NOTICE, "log.witnessed");
    }
    witness->alarmed = late;
}

void node_witness_turn(struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    if (engine->witness.trees == NULL) {
        return;
    }
    // As when the broker itself shows a fork: not another word.
    if (engine->witness.forked && !engine->stopped) {
        engine->stopped = true;
        peer_detach(engine->peer);
    }
    if (peer_state(engine->peer) == PEER_READY && !engine->stopped) {
        ask_proofs(engine);
    }
    if (now_ms - engine->witness.looked_ms >= LOOK_EVERY_MS) {
        engine->witness.looked_ms = now_ms;
        look_at_age(engine, now_ms);
    }
}
