// The portal: what a federation shows over HTTP. Today that is its public log (C2SP tlog-tiles)
// below /log/. It knows the broker as a peer of role portal and never touches its files.
#pragma once

#include "config/config.h"

struct portal;

// Loads keys and trust, connects, serves. `config` is borrowed until stop. What is wrong with the
// configuration is told in words (ST_USAGE, ST_DENIED, …); a broker that is away is not: addresses
// answer 503 until it has come.
NODISCARD enum status portal_start(const struct config_portal *config, struct portal **portal,
                                   struct error *err);
void portal_stop(struct portal **portal);

// The port that it listens on.
uint16_t portal_port(const struct portal *portal);
