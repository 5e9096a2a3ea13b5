// A connection to the broker under our own key, for one command: opened, asked, closed.
#pragma once

#include "settings.h"

#include "catalogue/catalogue.h"
#include "peer/peer.h"
#include "proof/ring.h"
#include "seal/keyfile.h"
#include "wire/wire.h"

struct link;

// Loads the key, verifies the broker's card against the registrar's pins; connects with the first
// call.
NODISCARD enum status link_open(const struct settings *settings, struct link **link,
                                struct error *err);
void link_close(struct link **link);

const struct seal_identity *link_identity(const struct link *link);
// The log's keys: the pinned one and those that followed it. Grows while connected.
const struct proof_ring *link_keys(const struct link *link);
struct bytes link_origin(const struct link *link);
const struct registry_pins *link_registrar(const struct link *link);

// The newest checkpoint that was verified on this connection: size and signed note (borrowed until
// the next call). Size 0 before the first.
uint64_t link_checkpoint(const struct link *link, struct bytes *note);

// The newest checkpoint that the broker's witnesses are said to have cosigned (see peer/peer.h).
struct peer_vouched link_vouched(const struct link *link);

// One message and its result. `message` is the struct of the type's schema; *result and *body live
// in the arena. A refusal comes back as its status with the broker's sentence.
NODISCARD enum status link_call(struct link *link, enum wire_type type, const void *message,
                                struct bytes boxes, struct arena *arena, struct wire_result *result,
                                struct bytes *body, struct error *err);

// A query that lists things: one page. `version` is filled in.
NODISCARD enum status link_query(struct link *link, const struct wire_query *query,
                                 struct arena *arena, struct wire_result *result,
                                 struct wire_rows *rows, struct error *err);

// What becomes of a row of link_each(). Rows live until it returns.
typedef enum status (*link_row)(void *context, const struct wire_row *row, struct error *err);

// All pages of a query, up to `limit` rows in all (0: no limit).
NODISCARD enum status link_each(struct link *link, const struct wire_query *query, uint64_t limit,
                                link_row each, void *context, struct error *err);

// The policy bundle in force, whole and verified against the policy pins. *head may be NULL.
// ST_NOT_FOUND: the broker has none yet.
NODISCARD enum status link_catalogue(struct link *link, struct catalogue **catalogue,
                                     struct registry_bundle_head *head, struct error *err);

// Verifies the receipt of an entry (log's signature, inclusion, part) as far as it is one.
NODISCARD enum status link_receipt(const struct link *link, const struct wire_receipt *receipt,
                                   struct error *err);
