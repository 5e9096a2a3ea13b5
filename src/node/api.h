// The interface for the agency's own systems: REST and JSON over a socket in the file system, or
// over TCP with a token. Errors are problem details (RFC 9457).
//
//   POST /v1/requests         asks; 200 with the answer, or 202 with the id after five seconds
//   GET /v1/requests/{id}     the answer, or 202 while it is under way; kept for ten minutes
//   DELETE /v1/requests/{id}  cancels
//   GET /v1/catalogue         datasets, purposes, and the agreements of this member
//   GET /v1/status            connection, clock, policy: 200 ready, 503 not ready
//
// A request:
//
//   { "dataset": "identity.person", "holder": "ru/tax/population-register",
//     "subject": { "scheme": "vd", "id": "VD-004217-6" },
//     "fields": [ "full_name", { "name": "birth_date", "form": "match", "match": "1990-04-05" } ],
//     "purpose": "identity-check",
//     "basis": { "kind": "law", "article": "…" },
//     "official": { "id": "pseudonym", "role": "inspector" },
//     "case": "2026/117" }
//
// `holder` may be left out where a dataset has one; a field without a form is asked for in full. In
// `basis`: `consent` (an id, may be left out), `article`, `justification`, `token` (base64). Also
// `automated`, `all_or_nothing`, `exact` (booleans), `timeout_ms`, `traceparent`. Sentences come in
// the language that Accept-Language prefers.
//
// An answer has `id`, `outcome` ("released", "refused"), `values`, `refused` (reason and sentence),
// `withheld` (what did not prove itself), `entries` (places in the log) and `receipts` (files; with
// a witness policy also `state`: "signed" at first, "witnessed" once a quorum of witnesses has
// cosigned a checkpoint that they lead to, which a later GET says; `trial`: the broker counts
// witnesses of its own host). "No" is an answer: it comes with 200.
#pragma once

#include "node/engine.h"
#include "web/server.h"

struct node_api;

// Serves until node_api_stop(). ST_USAGE: an address without a token, or a token that is too short.
NODISCARD enum status node_api_start(const struct config_node *config, struct node_engine *engine,
                                     struct node_api **api, struct error *err);

// Before the engine stops.
void node_api_stop(struct node_api **api);

// The TCP port that it listens on; 0 for a socket in the file system.
uint16_t node_api_port(const struct node_api *api);

// A request's body as a question; its texts are copied into the arena. ST_USAGE or ST_MALFORMED in
// words for the caller.
NODISCARD enum status node_api_question(struct bytes body, struct arena *arena,
                                        struct node_question *question, int64_t *timeout_ms,
                                        struct error *err);
