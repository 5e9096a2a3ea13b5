// The exchanges under way and the answers held for repetition, by id. Bounded in count, and in
// bytes for what is held: the oldest held answer goes first. Router thread only.
#pragma once

#include "broker/exchange.h"

struct pending;

NODISCARD enum status pending_create(size_t limit_count, size_t limit_held_bytes,
                                     struct pending **pending, struct error *err);
void pending_destroy(struct pending **pending);

// Takes the exchange over. ST_EXISTS: the id is here already; ST_BUSY: full. *exchange stays the
// caller's then.
NODISCARD enum status pending_add(struct pending *pending, struct exchange **exchange,
                                  struct error *err);

// NULL: no such exchange (any more).
struct exchange *pending_find(const struct pending *pending, const struct id *id);

// Moves the exchange along the table of states; a move that the table does not have is our own
// mistake and ends the process. `deadline_ms` (monotonic) says when pending_due() gives it; -1:
// never.
void pending_move(struct pending *pending, struct exchange *exchange, enum pending_state state,
                  int64_t deadline_ms);

// One that the holder is being asked for under a revision of the consent before this one; NULL:
// none (any more).
struct exchange *pending_asked_under(const struct pending *pending, const struct id *consent,
                                     uint32_t before_revision);

// Gives the exchange another deadline in the state that it is in.
void pending_postpone(struct pending *pending, struct exchange *exchange, int64_t deadline_ms);

// Counts a released answer as held until its deadline.
void pending_hold(struct pending *pending, struct exchange *exchange);

// The oldest held answer while more bytes are held than allowed; NULL else.
struct exchange *pending_surplus(const struct pending *pending);

// Takes the exchange out and destroys it.
void pending_drop(struct pending *pending, struct exchange **exchange);

// An exchange whose deadline has passed, without taking it out; NULL when there is none.
struct exchange *pending_due(const struct pending *pending, int64_t now_ms);

// When the next deadline passes; -1: none.
int64_t pending_next_deadline(const struct pending *pending);

// Visits all; start with *cursor = 0. The visited exchange may be dropped.
struct exchange *pending_next(const struct pending *pending, size_t *cursor);

size_t pending_count(const struct pending *pending);     // under way and held
size_t pending_under_way(const struct pending *pending); // asked or releasing
size_t pending_held_bytes(const struct pending *pending);
