// What a witness has cosigned: for each log its latest checkpoint, in a file of its own. Invariant:
// a cosignature leaves only after the file that says so is durable. Not for threads to share.
#pragma once

#include "config/witness.h"
#include "proof/submission.h"
#include "seal/sign.h"

struct witness_ledger;

// Loads what the folder holds. `key` and `signer` are borrowed; the key is a cosignature key.
// ST_USAGE: a vkey in the configuration is none of a log. ST_CORRUPT: a file is not a checkpoint of
// its log.
NODISCARD enum status witness_ledger_open(const char *folder, const struct config_witness *config,
                                          const struct proof_key *key,
                                          const struct seal_signer *signer,
                                          struct witness_ledger **ledger, struct error *err);
void witness_ledger_close(struct witness_ledger **ledger);

// What becomes of a submission. `line` gets the signature line for PROOF_COSIGN, *latest the size
// that was cosigned last for PROOF_CONFLICT; *origin (static for the ledger's life) is NULL when
// the log is not known. ST_IO and others: it could not be made durable, and nothing is cosigned.
NODISCARD enum status witness_ledger_add(struct witness_ledger *ledger, struct bytes body,
                                         uint64_t now_s, enum proof_verdict *verdict,
                                         struct buffer *line, uint64_t *latest, const char **origin,
                                         struct error *err);

// The latest checkpoint of the log whose origin has this SHA-256, with this witness's line. Empty:
// there is none. Borrowed until the next call.
struct bytes witness_ledger_note(const struct witness_ledger *ledger, const struct digest *origin);
