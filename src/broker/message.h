// Opening what a peer sent. Workers do it, and control for changes of consent, which come to it
// without waiting for a worker.
#pragma once

#include "broker/core.h"
#include "broker/frames.h"
#include "seal/batch.h"

// The signature is by the key that stands behind the connection, over this very payload and type.
// `roots`: the thread's own. ST_UNPROVEN: it is not; ST_BUSY: that key has had too many verified.
NODISCARD enum status message_verify(struct broker *broker, struct seal_batch_cache *roots,
                                     const struct job *job, struct error *err);

// Decodes the payload into job->payload.
NODISCARD enum status message_decode(struct job *job, struct error *err);

// Says why in the way that the sender waits for: RESULT for what is called, else REFUSAL or BUSY.
void message_reject(struct frame_maker *maker, struct job *job, const struct error *why);
