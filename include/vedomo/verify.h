// Offline check of receipts: is this entry in the log, and is this what it says? Needs the
// receipt's text and the log's public key, nothing else: no network, no clock, no other file.
//
// A receipt is a C2SP tlog-proof text. Its checkpoint is a C2SP signed note, its tree is that of
// RFC 6962. The log's key and the witnesses' keys are C2SP "vkey" texts.
#ifndef VEDOMO_VERIFY_H
#define VEDOMO_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "vedomo/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a verified receipt proves.
struct vedomo_proven {
    uint64_t index;        // the entry's place in the log, from 0
    uint64_t tree_size;    // the log's size in the checkpoint that proves it
    uint8_t leaf_hash[32]; // the entry's name in the tree
    uint8_t root[32];      // the checkpoint's root
    unsigned entry_class;  // 1 exchange, 2 consent, 3 oversight, 4 governance, 5 delayed, 6 epoch
    int64_t recorded_ms;   // when it was recorded, to the minute: milliseconds since 1970 UTC
    unsigned part_type;    // whose part this is: 1 exchange, 2 subject, 3 officer, 4 public
    const uint8_t *part;   // the part: a protobuf message, as first packed
    size_t part_size;      // its size in bytes
    size_t witnesses;      // how many of the given witnesses have cosigned the checkpoint
    int64_t witnessed_s;   // the latest of their times, seconds since 1970 UTC; 0 without any
    int witnessed;         // 1: a quorum of the given policy has cosigned it; 0: not, or no policy
};

struct vedomo_receipt; // a receipt that has verified

// Verifies a receipt of `size` bytes against the log's key; `log_vkey` may be several, with spaces
// between, where a log has changed its key: any of them may have signed. `witness_vkeys` (which may
// be NULL when `witness_count` is 0; at most 32) are witnesses whose cosignatures count where there
// are any. On success *receipt is the caller's, to be given to vedomo_receipt_destroy(). `error`
// may be NULL. VEDOMO_USAGE: a key does not parse, or a witness is given twice. VEDOMO_MALFORMED:
// not a receipt. VEDOMO_UNPROVEN: a receipt, but it does not hold. Any thread.
enum vedomo_status vedomo_receipt_verify(const char *text, size_t size, const char *log_vkey,
                                         const char *const *witness_vkeys, size_t witness_count,
                                         struct vedomo_receipt **receipt,
                                         struct vedomo_error *error);

// The same with a witness policy, the text of a C2SP tlog-policy file of `policy_size` bytes: it
// says which witnesses count and which of them are a quorum, and must name the log. A receipt
// without a quorum verifies too: then it is signed by the log alone, and `witnessed` is 0.
enum vedomo_status vedomo_receipt_verify_policy(const char *text, size_t size, const char *log_vkey,
                                                const char *policy, size_t policy_size,
                                                struct vedomo_receipt **receipt,
                                                struct vedomo_error *error);

// What the receipt proves. Borrowed until vedomo_receipt_destroy().
const struct vedomo_proven *vedomo_receipt_proven(const struct vedomo_receipt *receipt);

// Clears the pointer; NULL is fine.
void vedomo_receipt_destroy(struct vedomo_receipt **receipt);

// The status as a word, such as "unproven". Static, never NULL.
const char *vedomo_status_name(enum vedomo_status status);

#ifdef __cplusplus
}
#endif

#endif
