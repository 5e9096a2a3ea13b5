// The programs' configuration files: one table each of key, type, range, default and help. A
// program reads its file when it starts: a changed file counts from the next start on.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "registry/card.h"
#include "yaml/schema.h"

enum config_program {
    CONFIG_VEDOMOD,
    CONFIG_NODE,
    CONFIG_PORTAL,
    CONFIG_WITNESS,
    CONFIG_PROGRAM_COUNT
};

struct config; // owns what was read

// Reads and checks a file. Paths inside it are made absolute by its folder. ST_NOT_FOUND: no such
// file; ST_MALFORMED: file, line, key and what was expected.
NODISCARD enum status config_load(enum config_program program, const char *path,
                                  struct config **config, struct error *err);
void config_destroy(struct config **config);

// What was read; of the program that the object was loaded for. Live as long as the object.
const struct config_vedomod *config_vedomod(const struct config *config);
const struct config_node *config_node(const struct config *config);
const struct config_portal *config_portal(const struct config *config);
const struct config_witness *config_witness(const struct config *config); // config/witness.h

enum { CONFIG_WORKERS_MAX = 64, CONFIG_READERS_MAX = 16 };

// docs/configuration.md, whole.
void config_markdown(struct buffer *out);

// "vedomod", "vedomo-node", "vedomo-portal", "vedomo witness". Static.
const char *config_program_name(enum config_program program);

// Pinned keys of one kind, as they are read and as they are checked with.
struct config_pins {
    uint64_t threshold;
    struct yaml_list keys; // struct config_key
    struct registry_pins pins;
};

struct config_key {
    const char *text; // "ed25519:<base64>"
};

// HOME/vedomod.yaml.
struct config_vedomod {
    const char *origin; // of the log; names the federation
    struct {
        const char *endpoint;  // of the ROUTER socket
        int64_t heartbeat_ms;  // peers ping this often
        int64_t dead_after_ms; // a peer that was silent this long is gone
        int64_t handshake_ms;  // a connection that is not through by then is closed
    } listen;
    struct config_pins registrar;
    struct config_pins policy;
    struct {
        uint64_t workers; // threads that verify and decide; 0: by the number of cores
        uint64_t readers; // threads that answer queries
        uint64_t queue;   // requests that wait for a worker
    } threads;
    struct {
        uint64_t pending_max; // exchanges under way in all
        uint64_t pending_per_asker;
        uint64_t pending_per_holder;
        uint64_t credit;                   // exchanges under way of one node
        uint64_t memory_bytes;             // of sealed boxes that wait, in all
        uint64_t verifications_per_second; // signatures of one peer
    } limits;
    struct {
        int64_t clock_tolerance_ms; // between a peer's clock and the broker's
        int64_t life_max_ms;        // of a request
        int64_t answer_ms;          // a holder's time when the request allows more
        int64_t keep_answers_ms;    // released answers, for repeated requests
    } exchange;
    struct {
        uint64_t batch_max;     // entries in one commit
        uint64_t log_map_bytes; // room reserved in the address space, not on disk
        uint64_t views_map_bytes;
        uint64_t full_percent; // of the log's map or disk: from here on new requests are refused
        uint64_t retention_months; // contents of a month are kept so long behind its end
        int64_t publish_ms;        // peers are sent a new checkpoint this often
        int64_t epoch_ms;          // all lists are committed to this often
    } audit;
    struct {
        const char *policy; // file, C2SP tlog-policy: whom to ask; "": nobody
        bool trial;         // witnesses on this host count as well
        int64_t alarm_ms;   // no word of a quorum for so long is an alarm
    } witnesses;
    struct {
        int64_t code_ms;    // life of a citizen's one-time code
        int64_t session_ms; // of a session without use
    } sessions;
    struct {
        int level; // enum log_level
    } watch;
};

// node.yaml.
struct config_node {
    const char *member;   // the agency's code
    const char *name;     // of this machine within it
    const char *identity; // file with the node's keys
    const char *state;    // folder for checkpoint, cards and receipts
    struct {
        const char *endpoint;
        const char *card;  // file: the broker's card, signed by the registrar
        const char *vkey;  // of the log
        int64_t gather_ms; // requests and answers wait so long at most to be signed together
    } broker;
    struct config_pins registrar;
    struct config_pins policy;
    struct {
        const char *listen; // of the REST interface: address, or "unix:PATH"; "": none
        const char *token;  // file with the bearer token that callers show
        uint64_t calls_max; // calls under way
        int64_t timeout_ms; // of one call, when it names none
    } api;
    struct {
        int64_t register_ms; // time for one register's answer
        int64_t person_ms;   // a check of a person's tag is remembered
    } answer;
    struct yaml_list registers; // struct config_register
    struct yaml_list datasets;  // struct config_dataset
    struct {
        const char
            *policy;      // file, C2SP tlog-policy: whose cosignatures count; "": none is asked for
        int64_t alarm_ms; // a tree that is not witnessed after so long is an alarm
    } witnesses;
    struct {
        int level; // enum log_level
    } watch;
};

enum config_register_kind { CONFIG_REGISTER_SQLITE };

// Where values come from.
struct config_register {
    const char *name;
    unsigned line;
    int kind;         // enum config_register_kind
    const char *path; // the file
    uint64_t connections;
};

// A dataset that this node answers for.
struct config_dataset {
    const char *code;
    unsigned line;
    const char *from;        // a register's name
    const char *source;      // what the answer names as its source
    const char *query;       // one SELECT with :subject
    struct yaml_list fields; // struct config_column
    const char *updated;     // column with the time of the last change, RFC 3339; "": none
};

struct config_column {
    const char *field;
    const char *column; // name in the query's answer
};

// portal.yaml.
struct config_portal {
    const char *listen; // address of the HTTP server
    const char *identity;
    const char *state;
    struct {
        const char *endpoint;
        const char *card;
        const char *vkey;
    } broker;
    struct config_pins registrar;
    struct {
        uint64_t connections_max;
        uint64_t per_address_max;
        int64_t idle_ms;
    } http;
    struct {
        int level; // enum log_level
    } watch;
};
