// What a commit of the journal proves: immutable, counted, for any thread. Only the journal makes
// one, after the entries are durable; a receipt is made from it.
#pragma once

#include "audit/entry.h"
#include "proof/tree.h"
#include "wire/entry.h"
#include "wire/exchange.h"

struct audit_commit;

struct audit_commit *audit_commit_ref(struct audit_commit *commit);
void audit_commit_unref(struct audit_commit **commit);
uint64_t audit_commit_first(const struct audit_commit *commit); // index of its first entry
size_t audit_commit_count(const struct audit_commit *commit);
uint64_t audit_commit_size(const struct audit_commit *commit); // of the tree that holds it
struct digest audit_commit_root(const struct audit_commit *commit);
struct bytes audit_commit_checkpoint(const struct audit_commit *commit); // the signed note
const struct digest *audit_commit_leaf_hash(const struct audit_commit *commit, size_t place);
struct bytes audit_commit_path(const struct audit_commit *commit, size_t place);

// A receipt under way: what wire_receipt needs around it. Visible so that it lives on the stack;
// `receipt` views the commit, the entry and this struct itself: use it where it was filled, as long
// as they live.
struct audit_receipt {
    struct wire_receipt receipt;
    struct wire_receipt_extra extra;
    struct bytes others[AUDIT_PARTS_MAX];
};

// The receipt of the entry at `place` of the commit, for the reader of part `type`. `entry` is the
// one that was appended there. ST_MALFORMED: the class has no such part.
NODISCARD enum status audit_commit_receipt(const struct audit_commit *commit, size_t place,
                                           const struct audit_entry *entry, enum wire_part type,
                                           struct audit_receipt *receipt, struct error *err);

// The receipt from its pieces, for whoever reads old entries. `parts` are all of the class, with
// their hashes.
NODISCARD enum status audit_receipt_fill(uint64_t index, struct bytes path, struct bytes checkpoint,
                                         struct bytes leaf, enum wire_class class,
                                         const struct audit_part *parts, enum wire_part type,
                                         struct audit_receipt *receipt, struct error *err);

// ---- for the journal only

// Room for everything that a commit of `count` entries in a tree of `size` will need, so that
// nothing can fail once they are durable. NULL: no memory.
NODISCARD struct audit_commit *audit_commit_create(size_t count, uint64_t size);

// Fills in what the tree says about entry `place`, in order.
void audit_commit_add(struct audit_commit *commit, const struct digest *leaf_hash,
                      const struct proof_path *path);

// Completes it. `note` is the signed checkpoint of its size.
void audit_commit_finish(struct audit_commit *commit, const struct digest *root, struct bytes note);
