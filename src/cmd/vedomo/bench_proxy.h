// What the full path is compared with: a ROUTER with CURVE and ZAP, opened as the broker opens its
// own, that forwards between as many askers and holders as many bytes on each of the four legs and
// does nothing else. In a process of its own.
#pragma once

#include "bench_load.h"

#include <sys/types.h>

struct bench_proxy {
    char endpoint[64];
    struct digest key; // its CURVE key
    pid_t pid;         // 0: not running
};

// Starts the process. Before this process has threads or a bus context.
NODISCARD enum status bench_proxy_start(unsigned port, size_t askers, size_t holders,
                                        struct bench_proxy *proxy, struct error *err);
void bench_proxy_stop(struct bench_proxy *proxy);

// First bytes of each head. Everything behind them is filling.
enum { BENCH_BARE_BYTES = 32 };

enum bench_bare_kind {
    BENCH_BARE_ASKER = 1, // here is an asker; comes back as it went
    BENCH_BARE_HOLDER,    // here is a holder; comes back as it went
    BENCH_BARE_REQUEST,   // to the holder
    BENCH_BARE_ANSWER,    // to the asker
};

struct bench_bare {
    uint8_t kind;
    uint32_t asker;
    uint32_t holder;
    uint32_t slot;
    uint32_t next_bytes; // of the head on the next leg
    uint64_t begun_ns;
};

void bench_bare_write(const struct bench_bare *bare, uint8_t bytes[BENCH_BARE_BYTES]);
bool bench_bare_read(struct bytes head, struct bench_bare *bare);

// The proxy's askers and holders.
struct bench_bare_load;

NODISCARD enum status bench_bare_create(const struct bench_home *home,
                                        const struct bench_proxy *proxy,
                                        struct bus_context *context, const struct bench_pace *pace,
                                        struct bench_bare_load **load, struct error *err);
void bench_bare_destroy(struct bench_bare_load **load);

// The sizes that every exchange has from here on. While quiet.
void bench_bare_set_legs(struct bench_bare_load *load, const struct bench_legs *legs);

void bench_bare_start(struct bench_bare_load *load);
void bench_bare_stop(struct bench_bare_load *load);
bool bench_bare_quiet(const struct bench_bare_load *load);
void bench_bare_collect(struct bench_bare_load *load, struct bench_tally *tally);
