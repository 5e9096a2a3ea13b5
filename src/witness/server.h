// A witness (C2SP tlog-witness): over HTTP it takes checkpoints of the logs that it watches, and
// cosigns those that continue what it cosigned before. Two threads: the HTTP server's, and the
// witness's, which owns what was cosigned last and answers one request after another.
//
//   POST /add-checkpoint              a cosignature, or why not
//   GET  /<hex SHA-256 of the origin>/checkpoint    what was cosigned last
#pragma once

#include "config/witness.h"

struct witness;

// Starts it. `config` must outlive it. ST_CORRUPT: what the state folder holds is no checkpoint of
// the log that it is named after; nothing is cosigned on a guess. ST_EXISTS: a witness runs there.
NODISCARD enum status witness_start(const struct config_witness *config, struct witness **witness,
                                    struct error *err);
void witness_stop(struct witness **witness);

// The TCP port that it listens on.
uint16_t witness_port(const struct witness *witness);

// Appends its vkey, as others name it in their policies. Any thread.
void witness_vkey(const struct witness *witness, struct buffer *out);
