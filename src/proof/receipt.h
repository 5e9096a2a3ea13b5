// Receipts: proof that an entry is in the log, with the part that its reader may see. On paper a
// receipt is a C2SP tlog-proof text whose `extra` is the base64 of a ReceiptExtra message; that
// one message (proto/vedomo/v1/entry.proto) is read and written here by hand, because whoever
// verifies offline should need a hash and a signature only.
//
//   c2sp.org/tlog-proof@v1
//   extra <base64>
//   index <decimal>
//   <base64 hash>              one line a step of the inclusion path
//   <empty line>
//   <checkpoint note>
#pragma once

#include "base/buffer.h"
#include "proof/commit.h"
#include "proof/note.h"
#include "proof/policy.h"
#include "proof/tree.h"

enum { PROOF_RECEIPT_MAX = 262144 }; // bytes of a receipt's text

// A receipt's content. Views are borrowed; wire_receipt has the same fields.
struct proof_receipt {
    uint64_t index;             // the entry's place in the log
    struct bytes path;          // inclusion proof, 32 bytes a step
    struct bytes checkpoint;    // signed note
    struct bytes leaf;          // 38 bytes
    uint32_t part_type;         // the reader's part: type, salt, bytes
    struct digest part_salt;    // salt of the part
    struct bytes part;          // may be empty
    const struct bytes *others; // hashes of the other parts, 32 bytes each, in the class's order
    size_t other_count;
};

// Whom to believe.
struct proof_trust {
    const struct proof_key *log;       // its name is the origin; one of these must have signed
    size_t log_count;                  // how many; 0 counts as 1
    const struct proof_key *witnesses; // may be NULL
    size_t witness_count;              // at most PROOF_WITNESSES_MAX
    const struct proof_policy *policy; // instead of witnesses: also says what a quorum is; or NULL
};

// What a receipt proves.
struct proof_proven {
    struct proof_leaf leaf;
    struct digest leaf_hash;
    struct proof_checkpoint checkpoint;
    size_t witnesses;     // of the trusted ones, how many cosigned the checkpoint
    uint64_t witnessed_s; // the latest of their times; 0 without any
    bool witnessed;       // by a quorum of the trusted policy; false without one
};

// Checkpoint's signature, inclusion of the leaf, commitment to the part. ST_MALFORMED or
// ST_UNSUPPORTED: not a receipt that can be read; ST_UNPROVEN: it does not hold, and `err` says
// which step.
NODISCARD enum status proof_receipt_verify(const struct proof_receipt *receipt,
                                           const struct proof_trust *trust,
                                           struct proof_proven *proven, struct error *err);

// The same against a checkpoint that the caller has opened from receipt->checkpoint already: many
// receipts of one commit share it. Fills `proven` but for the witnesses.
NODISCARD enum status proof_receipt_check(const struct proof_receipt *receipt,
                                          const struct proof_checkpoint *checkpoint,
                                          struct proof_proven *proven, struct error *err);

// Appends the receipt's text.
void proof_receipt_write(const struct proof_receipt *receipt, struct buffer *out);

// A receipt read from its text, with what it borrows from.
struct proof_receipt_file {
    struct proof_receipt receipt; // `checkpoint` borrows from the text, the rest from below
    struct buffer extra;
    struct proof_path path;
    struct bytes others[PROOF_PARTS_MAX];
};

// Strict: base64, numbers and lines in their one canonical form. ST_UNSUPPORTED: no `extra` line,
// or another version. On success proof_receipt_file_fini() is due; `text` must outlive the file,
// and the file must stay where it is, because its views point into itself.
NODISCARD enum status proof_receipt_parse(struct bytes text, struct proof_receipt_file *file,
                                          struct error *err);
void proof_receipt_file_fini(struct proof_receipt_file *file);
