// A job: one message, or one of the broker's own tasks, on its way through the threads. Exactly one
// thread has a job at a time; handing it on is a queue_push(). Everything that a job needs lives in
// its arena and goes with it.
//
//   router -> worker -> recorder -> router            requests, answers
//   router -> control -> recorder -> router           a citizen's changes of consent
//   router -> worker -> control -> recorder -> control -> router    sessions, orders
//   router -> worker -> control -> recorder -> router               an agency's wish for a consent
//   router -> worker -> reader -> recorder -> reader -> router      greetings, questions
#pragma once

#include "audit/tag.h"
#include "base/arena.h"
#include "broker/record.h"
#include "bus/frame.h"
#include "registry/registry.h"
#include "wire/message.h"

struct connection;
struct exchange;
struct queue;

enum job_kind {
    JOB_MESSAGE = 1, // from a peer
    JOB_ENDING,      // an exchange ends without a release: expired, cancelled, holder gone
    JOB_DELIVERY,    // what became of releases, in batches
    JOB_BROADCAST,   // a PROOF for every connected peer
};

// What the router does with a job that comes back to it.
enum job_outcome {
    OUTCOME_NONE = 0,  // nothing: the job is done
    OUTCOME_REPLY,     // send `head` and `boxes` to where the job came from
    OUTCOME_WELCOME,   // the same, and this connection is the key's from now on
    OUTCOME_ASK,       // the decision is on record: the exchange is pending, ask the holder
    OUTCOME_RELEASE,   // the release is on record: send it, hold it
    OUTCOME_END,       // the ending is on record: tell the asker, forget the exchange
    OUTCOME_AGAIN,     // the same request was decided before: repeat what it got
    OUTCOME_REPEAT,    // the held answer was looked at again: send it, or not
    OUTCOME_CANCEL,    // the asker no longer wants an exchange
    OUTCOME_BROADCAST, // send `head` to every greeted connection
    OUTCOME_COUNT,
};

// Who sent a message, as the registry knew the key when it came. The registry may have changed
// since: what is decided is compared again when it is recorded.
struct job_sender {
    struct bus_route route;
    struct digest curve_key;
    struct digest batch_key;
    enum registry_role role;
    struct bytes member; // in the job's arena
    struct bytes node;
};

struct job {
    enum job_kind kind;
    enum job_outcome outcome;
    struct arena *arena;
    struct job *next; // in a waiting line
    struct job_sender from;
    struct connection
        *connection;            // the sender's; only its budget may be touched outside the router
    struct bus_message message; // as it came
    struct wire_head head;      // decoded by the router; views the message
    const void *payload;        // decoded and checked by the worker: the struct of head.type
    int64_t received_ns;        // monotonic; of a message

    struct exchange *exchange; // lent by the pending table, or new
    bool owns_exchange;        // new: goes with the job until the table takes it
    unsigned attempt;          // decisions made so far; stale ones are made again

    struct record record; // what the recorder writes, and what came of it
    struct queue *after;  // where the recorder passes it on; NULL: the router
    bool repeated;        // the same request was decided before
    bool rejected;        // not what this protocol allows: counted against the sender
    bool called;          // counted among the calls in the threads
    bool urgent;          // counted among the urgent ones in the threads: goes before all others
    bool admitted;        // counted by the router among the new requests in the threads
    bool finishing;       // back from the recorder: control or reader makes the reply

    struct bus_frame reply_head;
    struct bus_frame reply_boxes;

    // The citizen's session that the message names, as control has found it.
    bool in_session;
    struct audit_tag session_tag;

    // Kept across a hand-over: a request decoded, a result that waits for its entry.
    void *scratch; // in the arena
};

enum { JOB_ARENA_BYTES = 4 << 20 };

// NULL: no memory.
NODISCARD struct job *job_create(enum job_kind kind);

// The same for jobs that come by the thousand: with blocks of the pool.
NODISCARD struct job *job_create_in(struct arena_pool *pool, enum job_kind kind);
void job_destroy(struct job **job);

// Bytes of the message that the job carries.
size_t job_size(const struct job *job);

// The same text or bytes in the job's arena; empty when it does not fit.
struct bytes job_keep(struct job *job, struct bytes bytes);

// Moves the urgent ones to the front. Both they and the others stay in order.
void jobs_urgent_first(struct job **jobs, size_t count);
