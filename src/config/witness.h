// What `vedomo witness serve` reads: witness.yaml.
#pragma once

#include "config/config.h"

// witness.yaml.
struct config_witness {
    const char *listen;    // address of the HTTP server
    const char *identity;  // file with the witness's key
    const char *state;     // folder: the latest checkpoint of each log
    struct yaml_list logs; // struct config_log
    struct {
        uint64_t connections_max;
        uint64_t per_address_max;
        int64_t idle_ms;
        uint64_t body_bytes;
    } http;
    struct {
        int level; // enum log_level
    } watch;
};

// A log that a witness watches; its origin is the key's name.
struct config_log {
    const char *vkey;
};
