// Citizens' one-time codes and sessions. Only hashes of codes and handles are kept, in memory: a
// restart ends them all, and a citizen asks for a new code. Control thread only.
#pragma once

#include "audit/tag.h"
#include "base/error.h"

struct sessions;

enum { SESSIONS_MAX = 65536 };

NODISCARD enum status sessions_create(int64_t code_ms, int64_t session_ms,
                                      struct sessions **sessions, struct error *err);
void sessions_destroy(struct sessions **sessions);

// A fresh code for a person: 128 random bits, good once, until *expires_ms (wall clock).
// ST_BUSY: too many are out.
NODISCARD enum status sessions_make_code(struct sessions *sessions, const struct audit_tag *tag,
                                         int64_t now_ms, struct id *code, int64_t *expires_ms,
                                         struct error *err);

// Spends a code and opens a session for the peer with that key. ST_DENIED: no such code, spent, or
// over; the three are not told apart.
NODISCARD enum status sessions_open(struct sessions *sessions, const struct id *code,
                                    const struct digest *peer_key, int64_t now_ms,
                                    struct digest *handle, struct audit_tag *tag,
                                    int64_t *expires_ms, struct error *err);

// The person of an open session, which only the peer that opened it may use. ST_DENIED else.
NODISCARD enum status sessions_find(struct sessions *sessions, const struct digest *handle,
                                    const struct digest *peer_key, int64_t now_ms,
                                    struct audit_tag *tag, struct error *err);

// Harmless when there is none.
void sessions_close(struct sessions *sessions, const struct digest *handle);
