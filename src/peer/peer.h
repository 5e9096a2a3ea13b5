// A peer's side of the broker's endpoint: one connection that greets, keeps the log honest, signs
// what goes out, checks what the broker signed, and comes back after a failure. It has no thread:
// its owner calls it, always in the same one. Nothing here may be called from another thread.
//
// What comes in, and who vouches for it: WELCOME, PROOF and RESULT are signed by the broker's batch
// key and checked here, the body of a RESULT by its hash as well. ASK, RELEASE and REFUSAL carry
// receipts that prove them: the handler checks those. BUSY, PING and PONG are hints.
#pragma once

#include "bus/poller.h"
#include "peer/gather.h"
#include "wire/wire.h"

struct peer;
struct proof_ring;
struct seal_identity;

enum { PEER_TAG_KEYS_MAX = 16 }; // keys of subject tags that are kept track of

// Whether a Signed message is the registrar's order that one key of the log follows another.
// registry/log_key.h has one.
typedef enum status (*peer_key_order)(const void *argument, struct bytes signed_message,
                                      struct digest *old_key, struct digest *new_key,
                                      uint64_t *both_until, struct error *err);

// Borrowed while the peer lives, texts and keys alike.
struct peer_config {
    struct bus_context *context;
    const char *endpoint;                 // "tcp://broker.example:4440"
    const struct seal_identity *identity; // own member, node, CURVE and batch keys
    struct digest broker_curve_key;       // from the broker's card, which the caller has verified
    struct digest broker_batch_key;
    const char *origin;          // the log's origin; its SHA-256 is the audience of signatures
    const char *log_vkey;        // the log's key, C2SP form
    const char *checkpoint_path; // keeps the newest verified checkpoint; NULL: nowhere (tests)
    const char *const *features; // optional abilities to name in HELLO
    size_t features_count;
    peer_key_order key_order; // NULL: no new key of the log is ever followed
    const void *key_order_argument;
    // The owner's exchanges, and how long their messages may wait to be signed together
    // (peer/gather.h). NULL: they never do.
    const struct peer_flow *requests;
    const struct peer_flow *answers;
    int64_t gather_ms;
};

enum peer_state {
    PEER_WAITING = 0, // for the back-off to pass
    PEER_CONNECTING,  // TCP, handshake
    PEER_GREETING,    // HELLO sent, WELCOME awaited
    PEER_READY,       // may send
    PEER_STOPPED      // the log was rolled back or forked: nothing more is sent, ever
};

// A message from the broker, borrowed for the call of the handler.
struct peer_message {
    enum wire_type type; // WELCOME, ASK, RELEASE, REFUSAL, BUSY, PROOF or RESULT
    struct id ref;
    struct bytes payload; // decode with wire_type_schema(type)
    struct bytes boxes;
};

// May call peer_send(), not peer_step(), peer_call() or peer_destroy().
typedef void (*peer_handler)(void *argument, const struct peer_message *message);

// Loads the checkpoint that was kept. Connects with the first peer_step(). ST_CORRUPT: the kept
// checkpoint does not verify under log_vkey.
NODISCARD enum status peer_create(const struct peer_config *config, struct peer **peer,
                                  struct error *err);

// Keeps the checkpoint, tells what is still to be acknowledged, closes the connection; what else is
// queued is dropped.
void peer_destroy(struct peer **peer);

// Lets `poller` wake for this peer under the two tags, whatever sockets it opens and closes. Then
// wait until peer_deadline_ms() at the latest and call peer_step() with deadline 0.
NODISCARD enum status peer_attach(struct peer *peer, struct bus_poller *poller, unsigned tag,
                                  unsigned monitor_tag, struct error *err);
void peer_detach(struct peer *peer);
int64_t peer_deadline_ms(const struct peer *peer); // monotonic

// Waits until `deadline_ms` (monotonic; 0: not at all) for something to happen, then does all there
// is to do: connects, greets, takes messages, answers pings, flushes. Calls `handler` for each
// message of the broker's. A failed connection is no error here: what was queued is gone with it (a
// request keeps its id, so it may be sent again), and the peer tries again; see peer_problem().
// ST_UNPROVEN: the peer has stopped. Other failures are this machine's: no memory, the checkpoint's
// file cannot be written; the peer goes on with the next step.
NODISCARD enum status peer_step(struct peer *peer, int64_t deadline_ms, peer_handler handler,
                                void *argument, struct error *err);

// Queues a message (copied). ST_CLOSED unless READY; ST_BUSY: 1,024 messages or 16 MB wait already.
// Signed, with whatever else is queued at the next flush, are HELLO, ANNOUNCEMENT, REQUEST, ANSWER,
// CANCEL, SESSION, CONSENT_CHANGE, QUERY, CONTROL and CHUNK.
NODISCARD enum status peer_send(struct peer *peer, enum wire_type type, const struct id *ref,
                                struct bytes payload, struct bytes boxes, struct error *err);

// Tells the broker that an answer was opened (`problem` NULL), or what was wrong with it (static, a
// name). It is told of several at once, half a second later at the most; what was opened, it need
// not hold any longer. Lost with the connection: these are figures, not decisions.
void peer_acknowledge(struct peer *peer, const struct id *id, const char *problem);

// Signs what is queued, in batches of at most 256, and hands it to the socket. What is queued at
// that moment shares a batch: call it between messages that must not. ST_OK also when some
// of it must wait for the connection to drain, or gathers. peer_step() ends with it.
NODISCARD enum status peer_flush(struct peer *peer, struct error *err);

// True while what is queued would only wait for company at the next flush. Requests and answers
// do; any other signed message that is queued, and a hurried one, takes them along at once.
bool peer_gathers(const struct peer *peer);

// Something of what is queued has no time to wait.
void peer_hurry(struct peer *peer);

// Sends one message that is answered by RESULT (SESSION, CONSENT_CHANGE, QUERY, CONTROL, CHUNK),
// connecting first if need be, and waits. *result and *body live in the arena. A RESULT with
// another status than 0 is returned as that status with the broker's sentence. ST_TIMEOUT,
// ST_CLOSED, ST_DENIED: what peer_problem() says. Other messages that arrive meanwhile go to
// nobody, so this is for programs that only call.
NODISCARD enum status peer_call(struct peer *peer, enum wire_type type, struct bytes payload,
                                struct bytes boxes, int64_t deadline_ms, struct arena *arena,
                                struct wire_result *result, struct bytes *body, struct error *err);

enum peer_state peer_state(const struct peer *peer);

// Why the peer is not READY, in words for an operator, with the status: broker unreachable
// (ST_CLOSED), key not accepted or clock off by more than 60 s (ST_DENIED), no answer (ST_TIMEOUT),
// another server key (ST_UNPROVEN), log rolled back or forked (ST_UNPROVEN, stopped). ST_OK and an
// empty message while nothing is wrong.
const struct error *peer_problem(const struct peer *peer);

// From the last WELCOME or PROOF. 0 and zero before the first.
uint32_t peer_credit(const struct peer *peer);                  // requests that may be under way
const struct digest *peer_bundle_hash(const struct peer *peer); // the policy bundle in force
int64_t peer_clock_skew_ms(const struct peer *peer);            // own clock minus the broker's

// The newest verified checkpoint: its tree's size and the signed note. Size 0 and empty before the
// first. Borrowed until the next peer_step().
uint64_t peer_checkpoint(const struct peer *peer, struct bytes *note);

// The log's keys: the pinned one, and those that it was followed by. Borrowed; may grow in
// peer_step(), and with it peer_keys_followed(), which counts since the start.
const struct proof_ring *peer_log_keys(const struct peer *peer);
unsigned peer_keys_followed(const struct peer *peer);

// Whether this key of subject tags counts: the first one, or one whose entry has been proven.
bool peer_tag_key_proven(const struct peer *peer, uint32_t number);

// True once after the broker has sent a change of keys that did not hold; *problem says why.
NODISCARD bool peer_take_key_problem(struct peer *peer, struct error *problem);

// The newest checkpoint, within the newest verified one, that the broker's witnesses are said to
// have cosigned: the log has signed it, and it is consistent; the cosignatures are for the owner to
// verify by the keys it trusts. Size 0 and empty: none. Borrowed until the next peer_step().
struct peer_vouched {
    uint64_t size;
    struct bytes note;
    uint64_t at_ms; // when they cosigned last, as the broker says
    bool trial;     // the broker counts witnesses on its own host
};
struct peer_vouched peer_vouched(const struct peer *peer);

// What was dropped because it did not verify or parse, since the start.
uint64_t peer_dropped(const struct peer *peer);
