// The journal door: the log's durable order of entries (HOME/log, a store environment). It only
// grows: no code path replaces or removes an entry, a tile or a checkpoint. An append is one
// synced commit; only after it is the checkpoint of the new size signed, and only a commit makes
// receipts.
//
// Threads: open, append and close belong to the recorder (the thread that owns the term);
// audit_journal_publish() to the publisher; everything marked "any thread" to all.
#pragma once

#include "audit/commit.h"
#include "audit/vault.h"
#include "seal/sign.h"
#include "store/store.h"

struct audit_journal;

enum { AUDIT_BATCH_MAX = 1024 };

struct audit_journal_options {
    const char *home;                         // holds log/ and log.published
    const char *origin;                       // the log's origin = name of its key
    size_t map_bytes;                         // upper bound of the environment; 0: 64 GiB
    const struct seal_signer *signer;         // the log's key; borrowed until close
    const struct seal_signer *const *signers; // several: its keys, old and new; else NULL
    size_t signer_count;
    struct audit_vault *vault;     // borrowed until close
    bool create;                   // begin a new log where there is none
    store_commit_hook commit_hook; // for tests: see store/store.h; NULL
    void *commit_context;
};

// Opens for writing, takes the next term, rebuilds the tree's right edge and checks it against the
// highest checkpoint ever published. ST_NOT_FOUND: no log there and not `create`. ST_UNPROVEN: the
// log is shorter than, or differs from, what was published: an older copy was restored or entries
// were changed; nothing is ever signed on such a log. ST_DENIED: of another origin or key.
NODISCARD enum status audit_journal_open(const struct audit_journal_options *options,
                                         struct audit_journal **journal, struct error *err);
void audit_journal_close(struct audit_journal **journal);

// Entries that are durable. Any thread.
uint64_t audit_journal_size(const struct audit_journal *journal);

// The term that this opening took; audit_journal_append() wants it back.
uint64_t audit_journal_term(const struct audit_journal *journal);

// The time for the leaves of the next batch: never below the last one's. Recorder thread.
uint32_t audit_journal_minutes(const struct audit_journal *journal, int64_t wall_ms);

// Writes 1..AUDIT_BATCH_MAX sealed entries behind the last one, in one commit, and gives what
// proves them: *commit starts with one reference. `expected_size` is the size that the caller
// decided from.
// ST_STALE: the size or the term is another; nothing written. ST_FULL, ST_NOMEM: no space; nothing
// written, a later append may go through. ST_MALFORMED: an entry is not sealed, or its time goes
// backwards. Any other failure is for the process to stop on; ST_IO of a failed commit is final:
// what reached the disk is unknown, and every later append gives ST_IO.
NODISCARD enum status audit_journal_append(struct audit_journal *journal,
                                           const struct audit_entry *const *entries, size_t count,
                                           uint64_t expected_size, uint64_t term,
                                           struct audit_commit **commit, struct error *err);

// ---- keys

struct audit_keys;

// The next append's entry at `place` makes *signer the log's key; the one before signs as well
// until `both_until_ms`. That append's own checkpoint is still signed without the new key. If it
// fails, nothing has changed. Consumes *signer. ST_EXISTS: it is one of the log's keys; ST_FULL.
NODISCARD enum status audit_journal_plan_key(struct audit_journal *journal,
                                             struct seal_signer **signer, uint64_t both_until_ms,
                                             size_t place, struct error *err);

// Another number whenever other keys sign than before: the newest checkpoint has to be published
// again then, also when the log has not grown. Any thread.
unsigned audit_journal_signing(const struct audit_journal *journal);

// The keys of the log so far (audit/keys.h). Any thread.
const struct audit_keys *audit_journal_keys(const struct audit_journal *journal);

// ---- publication

// The newest checkpoint, of the last commit (at size 0: of the empty tree), signed by whichever
// keys sign now: size, root and note. `note` is appended. Any thread.
NODISCARD enum status audit_journal_checkpoint(struct audit_journal *journal, uint64_t *size,
                                               struct digest *root, struct buffer *note,
                                               struct error *err);

// Makes a checkpoint of this log the highest published one: HOME/log.published is replaced,
// durably, before this returns; only then may it be shown to anyone, witnesses included. The row in
// the journal follows with the next append. Call it again for the same size with the witnesses'
// signatures. ST_UNPROVEN: lower than what was published, or not a checkpoint of this log.
// Publisher thread.
NODISCARD enum status audit_journal_publish(struct audit_journal *journal, struct bytes note,
                                            struct error *err);

// The highest published checkpoint; ST_NOT_FOUND when there is none yet. Any thread.
NODISCARD enum status audit_journal_published(struct audit_journal *journal, uint64_t *size,
                                              struct buffer *note, struct error *err);

// ---- state; any thread

// Of what map and disk allow; 1000 when it cannot be told. New requests stop at 900.
unsigned audit_journal_used_permille(struct audit_journal *journal);

// How many commits the oldest open read transaction is behind.
uint64_t audit_journal_reader_lag(struct audit_journal *journal);

// Frees the places of readers whose process has died. Once a minute.
NODISCARD enum status audit_journal_reader_check(struct audit_journal *journal, struct error *err);

// True once an append has failed for good.
bool audit_journal_is_poisoned(const struct audit_journal *journal);
