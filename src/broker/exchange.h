// One exchange: a request that was admitted, from its decision to its one ending. It is made by a
// worker, travels with its job, and belongs to the router's pending table from the decision on; a
// job that carries it may read and fill it, everybody else leaves it alone until the job is back.
#pragma once

#include "base/arena.h"
#include "broker/job.h"
#include "broker/load.h"
#include "policy/decide.h"

enum pending_state {
    PENDING_DECIDING = 0,
    PENDING_RECORDING,
    PENDING_ASKED,
    PENDING_RELEASING,
    PENDING_RELEASED, // the endings: each decision has exactly one
    PENDING_REFUSED,
    PENDING_EXPIRED,
    PENDING_CANCELLED,
    PENDING_STATE_COUNT,
};

struct outbox_item;

// One granted field of the request.
struct exchange_grant {
    uint32_t index; // place in the request's list
    struct bytes name;
    struct bytes form;
};

// What a release charges when it is recorded.
struct exchange_charge {
    struct digest key;  // row of the COUNTER table
    uint64_t carried;   // where it has no value: the one that stands under an older key of tags
    uint64_t limit;     // the row grows by one, and not beyond this
    uint64_t lock;      // not 0: the row is a form lock and gets this value instead
    uint64_t until;     // ms: when the row stops to count; 0: never
    const char *reason; // static: the code when the charge is refused
};

struct exchange {
    struct arena *arena; // what is viewed below lives here; NULL once it was released
    struct id id;
    struct digest request_hash;
    struct bytes asker;
    struct bytes holder;
    struct bytes dataset;
    struct bytes purpose;
    uint32_t basis;
    bool automated;
    int64_t issued_at;
    int64_t expires_at; // wall clock
    struct digest asker_announcement;
    struct digest holder_announcement;
    struct digest asker_key;  // batch key that signed the request
    struct digest holder_key; // batch key of the node that is asked

    struct audit_tag tag;
    const struct audit_tag *older_tags; // under older keys of tags, the newest first
    size_t older_count;
    struct bytes agreement;
    struct digest bundle_hash;
    struct id consent; // zero: no consent involved
    uint32_t consent_revision;
    int64_t consent_not_after; // wall clock
    uint64_t seen_size;        // entries of the log that the decision was made from; 0: not known
    struct exchange_grant *grants;
    size_t grant_count;
    struct exchange_charge *charges;
    size_t charge_count;
    struct load *load; // counted there until it ends; NULL: not counted

    struct policy_request facts; // to decide again under a newer bundle
    uint64_t decision_index;
    struct digest decision_leaf;
    const struct wire_receipt *decision_receipt; // for ASK and RELEASE

    // Filled by the release.
    uint64_t ending_index;
    enum wire_kind ending_kind;  // chosen by the router, kept until it is on record
    const char *ending_reason;   // static
    const char *ending_told;     // static: what the asker hears; NULL: the same
    struct bus_frame held_head;  // RELEASE, for the same request asked again
    struct bus_frame held_boxes; // its frame 2

    // Router's own.
    enum pending_state state;
    int64_t deadline_ms; // monotonic: of the answer, then of what is held
    size_t heap_place;   // in the pending table's heap, from 1; 0: not in it
    size_t bytes;        // counted against what is held
    bool acknowledged;
    bool given_again;            // the held answer was, or waits to be
    bool lent;                   // a job asks whether the held answer may be given again
    struct outbox_item *waiting; // ASK or RELEASE in the outbox; NULL: none
    struct exchange *older;      // line of held answers, oldest first
    struct exchange *newer;
    bool beside;             // among those that were asked for under its consent:
    struct exchange *before; // NULL: the first of them
    struct exchange *behind;
};

// With blocks of the pool, which may be NULL. NULL: no memory.
NODISCARD struct exchange *exchange_create(struct arena_pool *pool);
void exchange_destroy(struct exchange **exchange);

// The exchange has ended: it no longer counts against its holder's cap. Harmless twice.
void exchange_unload(struct exchange *exchange);

// It was released: what was needed to get there goes; what is left says who may have it again.
void exchange_shed(struct exchange *exchange);

const char *pending_state_name(enum pending_state state);

// Whether the table of states has the move.
bool pending_may_move(enum pending_state from, enum pending_state to);
