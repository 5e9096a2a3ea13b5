// The node's engine: one thread that owns the connection to the broker, the keys, the policy and
// every table. Other threads hand it tasks and get reports. Registers are read in pools of their
// own (node/source.h).
#pragma once

#include "base/arena.h"
#include "catalogue/catalogue.h"
#include "config/config.h"
#include "node/open.h"
#include "node/request.h"
#include "peer/peer.h"
#include "vedomo/node.h"

struct node_engine;
struct node_task;

enum {
    NODE_PATIENCE_MS = 5000,            // then a caller gets the id instead of the answer
    NODE_KEEP_MS = 10 * 60 * 1000,      // answers can be fetched for so long
    NODE_KEEP_BYTES = 64 * 1024 * 1024, // and within this much memory
    NODE_PATH_MAX = 512,
    NODE_ARENA_BYTES = 2 * 1024 * 1024 // of one call: its question, and its answer decoded
};

enum node_progress {
    NODE_UNKNOWN = 0, // no such call, or forgotten
    NODE_UNDER_WAY,
    NODE_ANSWERED, // `opened` counts
    NODE_FAILED    // `err` counts
};

// Who stands behind the receipts of an answer.
enum node_vouch {
    NODE_VOUCH_UNASKED = 0, // the log; no witness policy is configured
    NODE_VOUCH_SIGNED,      // the log alone so far
    NODE_VOUCH_WITNESSED    // a quorum of witnesses as well
};

// What became of a task. Borrowed for the call.
struct node_report {
    enum node_progress progress;
    const struct error *err; // FAILED: status and words
    enum node_fault fault;   // FAILED with ST_UNPROVEN: what the answer lacked
    uint32_t retry_after_ms; // FAILED with ST_BUSY or ST_CLOSED
    struct id id;            // zero before the request was sent
    const char *holder;      // codes
    const char *dataset;
    const struct node_opened *opened;
    const char *decision_file; // receipts, as paths; "" where there is none
    const char *ending_file;
    struct bytes decision_text; // and as texts
    struct bytes ending_text;
    enum node_vouch vouch; // ANSWERED

    // For every kind of task.
    const struct catalogue *catalogue; // the policy in force; NULL: none yet
    const char *member;                // own code
    enum peer_state peer;
    const struct error *problem; // why the peer is not ready
    int64_t skew_ms;             // own clock minus the broker's
    uint64_t log_size;           // of the newest verified checkpoint
    bool has_witnesses;          // a witness policy is configured
    uint64_t witnessed_size;     // of the newest witnessed checkpoint
    uint64_t witnessed_s;        // when it was cosigned last, since 1970 UTC; 0: there is none
    bool witnessed_trial;        // the broker counts witnesses on its own host
    size_t under_way;            // calls
    size_t answering;            // asks of others
};

enum node_task_kind {
    NODE_TASK_ASK = 1, // one report: when it has ended, or after its patience
    NODE_TASK_LOOK,    // at a call by id
    NODE_TASK_CANCEL,  // a call by id; reports as LOOK does
    NODE_TASK_STATE    // for catalogue and health
};

// Handed in by any thread. The engine calls `report` exactly once, in its own thread or, when it
// stops, in the one that stops it; then the task is the reporter's to destroy.
struct node_task {
    enum node_task_kind kind;
    struct id id;                  // LOOK, CANCEL
    struct arena *arena;           // ASK: what `question` views; may be NULL else
    struct node_question question; // ASK
    int64_t timeout_ms;            // ASK: 0: as configured
    int64_t patience_ms;           // ASK: -1: until the end
    void (*report)(struct node_task *task, const struct node_report *report);
    void *context;
};

NODISCARD struct node_task *node_task_create(enum node_task_kind kind); // NULL: no memory
void node_task_destroy(struct node_task **task);

// Starts the engine. `config` must outlive it. Services are copied. ST_USAGE and others say in
// words what in the configuration, the keys or the registers is wrong. ST_EXISTS: a node is running
// with this state folder.
NODISCARD enum status node_engine_start(const struct config_node *config,
                                        const struct vedomo_service *services, size_t service_count,
                                        struct node_engine **engine, struct error *err);

// Every task that waits is reported as failed (ST_CLOSED).
void node_engine_stop(struct node_engine **engine);

// Consumes the task. ST_BUSY: too many wait; it stays the caller's.
NODISCARD enum status node_engine_hand(struct node_engine *engine, struct node_task **task,
                                       struct error *err);
