// Inside of the engine: its tables, for the files of this folder. All of it belongs to the engine's
// thread.
#pragma once

#include "base/map.h"
#include "base/snapshot.h"
#include "base/thread.h"
#include "node/answer.h"
#include "node/engine.h"
#include "node/keys.h"
#include "node/memory.h"
#include "node/source.h"
#include "node/witness.h"
#include "seal/keyfile.h"

enum {
    NODE_ASKS_MAX = 4096,    // asks of others under way
    NODE_QUERIES_MAX = 1024, // of ours to the broker
    NODE_QUERY_MS = 4000,    // the broker's time for one
    NODE_SOURCES_MAX = 64,
    NODE_HURRY_MS = 1000, // what has less time left gathers no company
    NODE_TICK_MS = 50     // how exact deadlines of calls are kept
};

// Called once: with the result, or with ST_TIMEOUT, ST_CLOSED or the broker's own status.
typedef void (*node_query_done)(struct node_engine *engine, struct bytes context,
                                enum status status, const struct wire_result *result,
                                struct bytes body, const struct error *err);

struct node_query {
    struct id ref;
    node_query_done done;
    uint8_t context[REGISTRY_MEMBER_BYTES];
    size_t context_size;
    int64_t deadline_ms;
};

// The asker's side.
enum node_call_state {
    NODE_CALL_PARTNER = 0, // waits for the holder's key
    NODE_CALL_CREDIT,      // waits for a place under way
    NODE_CALL_SENT,
    NODE_CALL_DONE
};

struct node_call {
    enum node_call_state state;
    struct node_task *task; // NULL once reported
    struct arena *arena;    // the question, and what the answer is decoded into
    struct node_question question;
    char holder[REGISTRY_MEMBER_BYTES];
    char dataset[CATALOGUE_CODE_MAX + 1];
    struct snapshot_item *policy; // pinned; NULL: none
    const struct catalogue *catalogue;
    struct buffer payload; // of the request
    struct node_sent sent;
    int64_t patience_ms; // monotonic; INT64_MAX: until the end
    int64_t deadline_ms; // monotonic
    int64_t timeout_ms;
    int64_t sent_ns, done_ms; // monotonic
    int64_t again_ms;         // monotonic; not sent before
    unsigned attempts;
    bool failed;
    struct error err;
    enum node_fault fault;
    uint32_t retry_after_ms;
    struct node_opened opened;
    char decision_file[NODE_PATH_MAX], ending_file[NODE_PATH_MAX];
    struct buffer decision_text, ending_text;
    struct node_call *older, *newer;
};

struct node_call_list {
    struct node_call *oldest, *newest;
};

// The holder's side.
enum node_ask_state {
    NODE_ASK_PARTNER = 0, // waits for the asker's card
    NODE_ASK_POLICY,      // waits for the policy that it was decided under
    NODE_ASK_REGISTER     // is being looked up
};

struct node_ask {
    enum node_ask_state state;
    struct arena *arena;
    struct node_asked asked;
    struct node_grant grant;
    struct node_match match;
    struct node_source *source;
    struct snapshot_item *policy;
    int64_t begun_ns, deadline_ms; // monotonic
    struct node_ask *older, *newer;
};

struct node_policy_fetch {
    bool under_way;
    struct digest hash;
    struct registry_bundle_head head;
    struct buffer signed_head, blob;
    int64_t retry_ms; // monotonic; not before
};

struct node_engine {
    const struct config_node *config;
    struct node_trust trust;
    struct seal_identity identity;
    struct registry_card broker;
    char checkpoint_path[NODE_PATH_MAX];
    char bundle_path[NODE_PATH_MAX];
    char receipts_path[NODE_PATH_MAX];
    int lock; // on the state folder
    struct seal_secret *pseudonym_key;

    struct bus_context *context;
    struct bus_poller *poller;
    struct peer *peer;
    enum peer_state peer_seen; // as of the last turn
    struct seal_batch_cache *cache;
    struct node_keys *keys;
    struct node_partners *partners;
    struct node_memory *memory;
    struct snapshot *policy; // of struct catalogue
    uint64_t policy_serial;
    struct node_policy_fetch fetch;
    struct node_witness witness;

    struct node_source *sources[NODE_SOURCES_MAX];
    size_t source_count;
    struct queue *tasks; // of struct node_task
    struct queue *found; // of struct node_lookup

    struct id announced;        // ref of the last announcement
    struct map *queries;        // ref → struct node_query
    struct map *calls;          // request's id → struct node_call
    struct node_call_list open; // by age
    struct node_call_list done; // by the time of their end
    size_t calls_open;
    size_t kept_bytes; // of DONE ones
    struct node_ask *ask_oldest, *ask_newest;
    struct peer_flow sent, asked; // calls in state SENT; asks

    struct thread *thread;
    bool stopped; // the log was forked or rolled back
};

// engine.c
void node_engine_announce(struct node_engine *engine);       // the current sealing key
void node_engine_run(struct thread *thread, void *argument); // the thread
uint64_t node_now(void);                                     // wall clock, ms
NODISCARD enum status node_query_send(struct node_engine *engine, const struct wire_query *query,
                                      node_query_done done, struct bytes context,
                                      struct error *err);
void node_report_fill(const struct node_engine *engine, const struct catalogue *catalogue,
                      struct node_report *report);
// Verifies and keeps partners from a directory's answer; returns how many rows were good.
size_t node_directory_take(struct node_engine *engine, struct bytes body, struct error *err);
// True when a query under this context is under way already.
bool node_query_pending(const struct node_engine *engine, node_query_done done,
                        struct bytes context);

// calls.c: the table of calls, their reports and endings
struct node_call *node_call_create(struct node_engine *engine, struct node_task *task,
                                   const struct catalogue_member *holder);
void node_call_fill(const struct node_engine *engine, const struct node_call *call,
                    struct node_report *report);
void node_call_report(struct node_engine *engine, struct node_call *call); // if anybody waits
void node_call_finish(struct node_engine *engine, struct node_call *call);
void node_call_fail(struct node_engine *engine, struct node_call *call, enum status status,
                    const struct error *err);
void node_call_unsend(struct node_engine *engine, struct node_call *call); // to be sent anew
void node_calls_expire(struct node_engine *engine);                        // forgets ended ones
void node_calls_fini(struct node_engine *engine);                          // all have ended

// asker.c
void node_asker_ask(struct node_engine *engine, struct node_task *task);
void node_asker_look(struct node_engine *engine, struct node_task *task, bool cancel);
void node_asker_message(struct node_engine *engine, const struct peer_message *message);
void node_asker_ready(struct node_engine *engine); // connected again: what was sent is sent again
void node_asker_turn(struct node_engine *engine);  // deadlines, waiting calls
void node_asker_stop(struct node_engine *engine);

// holder.c
void node_holder_ask(struct node_engine *engine, const struct peer_message *message);
void node_holder_found(struct node_engine *engine, struct node_lookup *lookup);
void node_holder_turn(struct node_engine *engine);
void node_holder_stop(struct node_engine *engine);

// policy.c
NODISCARD enum status node_policy_load(struct node_engine *engine, struct error *err);
void node_policy_turn(struct node_engine *engine); // fetches when the broker names another bundle
void node_policy_fini(struct node_engine *engine);

// receipts.c: writes the text into today's folder and gives its path; "" when it could not.
void node_receipt_save(struct node_engine *engine, const struct id *id, const char *kind,
                       struct bytes text, char path[NODE_PATH_MAX]);
