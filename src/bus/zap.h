// Who may connect: the thread that libzmq asks for each CURVE handshake of the context. Without it
// libzmq admits every key, so: start it before the first bind, stop it after the last close, and
// stop the process if it dies (bus_zap_alive). Messages carry the key that was admitted here.
#pragma once

#include "bus/context.h"

#include "base/bytes.h"

struct bus_zap;

// Asked in the ZAP thread for each handshake: does the registry know this CURVE key? `address` is
// the peer's, as text. Must not block.
typedef bool (*bus_zap_allow)(void *argument, const struct digest *curve_key, const char *address);

// One per context. Ready when it returns.
NODISCARD enum status bus_zap_start(struct bus_context *context, bus_zap_allow allow,
                                    void *argument, struct bus_zap **zap, struct error *err);
void bus_zap_stop(struct bus_zap **zap);

// False once the thread has ended for whatever reason. Any thread.
bool bus_zap_alive(const struct bus_zap *zap);

// Handshakes admitted and turned away so far. Any thread.
void bus_zap_counts(const struct bus_zap *zap, uint64_t *admitted, uint64_t *denied);
