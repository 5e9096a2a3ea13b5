// Whom a node believes: the log's key, the registrar's and the policy keys, all pinned in its
// configuration. The broker is not among them: what it relays counts only as far as these vouch.
#pragma once

#include "node/trees.h"
#include "proof/receipt.h"
#include "proof/ring.h"
#include "registry/log_key.h"
#include "wire/exchange.h"

enum { NODE_CHECKPOINTS = 16 };

// Owned by one thread: it remembers the last checkpoints whose signature was good, because the
// receipts of one commit share theirs.
struct node_trust {
    struct proof_key log;   // the pinned one; its name is the log's origin
    struct proof_ring ring; // the pinned one and those that followed it
    struct digest audience; // H(origin)
    struct registry_pins registrar;
    struct registry_pins policy;
    struct registry_of_log of_log; // whose orders of new log keys count; set once the trust stays
    struct {
        struct digest note; // SHA-256 of the whole note; zero: empty place
        struct proof_checkpoint checkpoint;
    } seen[NODE_CHECKPOINTS];
    size_t next;              // place that is overwritten next
    struct node_trees *trees; // is told of every tree that verified; NULL: nobody is. Borrowed
};

// `vkey` is the log's C2SP key. The pins are copied.
NODISCARD enum status node_trust_init(struct node_trust *trust, struct bytes vkey,
                                      const struct registry_pins *registrar,
                                      const struct registry_pins *policy, struct error *err);

// The log's keys as the peer has followed them.
void node_trust_keys(struct node_trust *trust, const struct proof_ring *ring);

// The origin, borrowed from the trust.
struct bytes node_trust_origin(const struct node_trust *trust);

// Verifies a receipt as it came in a message: checkpoint, inclusion, commitment; and that it is of
// this class with this part. `what` names it in messages. ST_UNPROVEN: absent, or it does not hold.
NODISCARD enum status node_trust_receipt(struct node_trust *trust,
                                         const struct wire_receipt *receipt, unsigned entry_class,
                                         unsigned part_type, const char *what,
                                         struct proof_proven *proven, struct error *err);

// The same with an exchange part, decoded into the arena.
NODISCARD enum status node_trust_exchange(struct node_trust *trust,
                                          const struct wire_receipt *receipt, const char *what,
                                          struct arena *arena, struct wire_exchange_part *part,
                                          struct proof_proven *proven, struct error *err);

// Appends the receipt as a C2SP tlog-proof text.
NODISCARD enum status node_receipt_text(const struct wire_receipt *receipt, struct buffer *out,
                                        struct error *err);
