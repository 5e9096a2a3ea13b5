// What the broker's threads share: queues, snapshots, and the opened home. Each thread gets a
// `struct broker *` and touches only what this file says it may.
#pragma once

#include "audit/journal.h"
#include "audit/tag.h"
#include "audit/views.h"
#include "base/queue.h"
#include "base/recent.h"
#include "base/snapshot.h"
#include "base/thread.h"
#include "broker/home.h"
#include "broker/job.h"
#include "broker/load.h"
#include "bus/context.h"
#include "bus/zap.h"

#include <stdatomic.h>

struct broker {
    struct broker_home home;     // immutable after the start
    struct digest audience;      // SHA-256 of the origin
    struct bus_context *context; // shared by sockets
    struct bus_zap *zap;

    // Immutable versions; only the recorder swaps the first two, only control the third.
    struct snapshot *registry;  // struct registry
    struct snapshot *policy;    // struct policy_bundle, NULL object before the first bundle
    struct snapshot *directory; // struct directory
    struct snapshot *epoch;     // struct epoch_now, NULL object before the first; epoch swaps it
    struct snapshot *witnessed; // struct witnessed; swapped by the thread of that name

    struct audit_journal *journal; // recorder; publish: publisher; readers through audit_log
    struct audit_views *views;     // recorder, indexer; readers through audit_reader
    struct audit_tagger *tagger;   // any thread
    size_t log_changes;            // of the log's key, as the entries say at the start
    size_t tag_recorded;           // keys of tags that count; the first needs no entry
    uint64_t tag_entries[AUDIT_TAG_KEYS_MAX]; // [v - 1]: the entry that key v counts from
    struct digest master_mark;                // of the last change of the master key; zero: none
    struct digest month_mark;                 // of the newest body key that was exchanged
    struct digest lasting_mark;               // and of the newest lasting one
    struct load *load;                        // any thread
    struct arena_pool *arenas;                // of jobs and exchanges; any thread
    struct recent *verified;                  // marks of signatures that verified; workers
    struct digest verified_key;               // that the marks are made with

    // Where jobs wait. Capacities are such that a push cannot fail: the router bounds how many jobs
    // there are (docs/architecture.md, "Queues").
    struct queue *to_router;
    struct queue *to_workers;
    struct queue *to_recorder;
    struct queue *to_control;
    struct queue *to_readers;
    struct queue *to_keeper;
    struct queue *to_epoch; // its own entry, back from the recorder

    struct queue *alarm; // never holds anything: closing it wakes who waits

    atomic_bool full;     // log or views are at their bound: new requests get BUSY
    atomic_bool fatal;    // the record failed: nothing leaves any more, the process ends
    int stop_fd;          // eventfd: readable once the broker is to end; main waits for it
    atomic_bool started;  // every thread runs: the pointers below stay as they are until the end
    atomic_bool stopping; // indexer, publisher and witnesses look at it when they wake
    atomic_bool keeper_stops; // the keeper looks at it between two steps

    struct thread *router;
    struct thread *workers[CONFIG_WORKERS_MAX];
    struct thread *recorder;
    struct thread *indexer;
    struct thread *readers[CONFIG_READERS_MAX];
    struct thread *control;
    struct thread *publisher;
    struct thread *keeper;
    struct thread *epoch_maker;
    struct thread *witnesses; // NULL without a policy
    size_t worker_count;
};

// Hands jobs on. Takes them over.
void broker_pass(struct queue *queue, struct job **jobs, size_t count);
void broker_pass_one(struct queue *queue, struct job *job);

// The same; an urgent job goes before all that waits and is not. Never to the router: what was
// released before a withdrawal leaves before its acknowledgement.
void broker_pass_ahead(struct queue *queue, struct job *job);

// Waits so long, or until the broker is to end.
void broker_wait(struct broker *broker, int64_t ms);

// The record cannot be kept: logs it, stops everything. Any thread.
void broker_fail(struct broker *broker, const char *what, const struct error *err);

// CPU time of each thread, by name ("cpu.router-us", …). Any thread.
void broker_thread_figures(struct broker *broker, void *context,
                           void (*add)(void *context, const char *name, uint64_t number));

// Opens HOME and starts everything. The broker serves when this returns.
NODISCARD enum status broker_start(const char *home, struct broker **broker, struct error *err);

// Ends all threads and closes everything. What was under way is closed as lost at the next start.
void broker_stop(struct broker **broker);

// Readable once the broker is to end: ordered by an operator, or because the record failed.
int broker_stop_fd(const struct broker *broker);
bool broker_has_failed(const struct broker *broker);

// What the threads run; each is one file.
void broker_router_run(struct thread *thread, void *broker);
void broker_worker_run(struct thread *thread, void *broker);
void broker_recorder_run(struct thread *thread, void *broker);
void broker_indexer_run(struct thread *thread, void *broker);
void broker_reader_run(struct thread *thread, void *broker);
void broker_control_run(struct thread *thread, void *broker);
void broker_publisher_run(struct thread *thread, void *broker);
void broker_keeper_run(struct thread *thread, void *broker);
void broker_epoch_run(struct thread *thread, void *broker);
void broker_witnesses_run(struct thread *thread, void *broker);
