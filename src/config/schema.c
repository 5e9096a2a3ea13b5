// The tables of the programs' configuration files.
#include "config/schema.h"

#define END_OF_RULES                                                                               \
    {                                                                                              \
        .kind = YAML_RULE_END                                                                      \
    }
#define SHAPE(type, table)                                                                         \
    {                                                                                              \
        sizeof(type), table, NULL, YAML_NO_OFFSET, YAML_NO_OFFSET                                  \
    }
#define MS(number)  (number)
#define S(number)   ((number)*1000ull)
#define MIN(number) ((number)*60000ull)
#define H(number)   ((number)*3600000ull)
#define KB(number)  ((number)*1024ull)
#define MB(number)  ((number)*1024ull * 1024)
#define GB(number)  ((number)*1024ull * 1024 * 1024)

// The place of a word is enum log_level's.
static const char *const level_words[] = { "debug", "info", "notice", "warning", "error", NULL };
// As enum config_register_kind.
static const char *const register_words[] = { "sqlite", NULL };

static const struct yaml_rule key_rule = {
    "", YAML_RULE_TEXT, offsetof(struct config_key, text), .required = true, .min = 52, .max = 52
};
static const struct yaml_shape key_shape = { sizeof(struct config_key), NULL, &key_rule,
                                             YAML_NO_OFFSET, YAML_NO_OFFSET };
static const struct yaml_rule key_item = { .kind = YAML_RULE_RECORD, .shape = &key_shape };

static const struct yaml_rule pins_rules[] = {
    { "threshold", YAML_RULE_NUMBER, offsetof(struct config_pins, threshold), .required = true,
      .min = 1, .max = REGISTRY_PINS_MAX, .help = "so many of the keys must have signed" },
    { "keys", YAML_RULE_LIST, offsetof(struct config_pins, keys), .required = true, .min = 1,
      .max = REGISTRY_PINS_MAX, .of = &key_item, .help = "public keys, `ed25519:` and base64" },
    END_OF_RULES,
};
static const struct yaml_shape pins_shape = SHAPE(struct config_pins, pins_rules);

#define V(member) offsetof(struct config_vedomod, member)
// The sections below are read into members of the whole struct.
static const struct yaml_rule v_listen[] = {
    { "endpoint", YAML_RULE_TEXT, V(listen.endpoint), .preset = "tcp://127.0.0.1:7400", .min = 1,
      .max = 256, .help = "where all peers connect" },
    { "heartbeat", YAML_RULE_DURATION, V(listen.heartbeat_ms), .preset = "10 s", .min = MS(100),
      .max = MIN(5), .help = "peers ping this often" },
    { "dead_after", YAML_RULE_DURATION, V(listen.dead_after_ms), .preset = "35 s", .min = MS(300),
      .max = MIN(30), .help = "a peer that was silent this long is gone" },
    { "handshake", YAML_RULE_DURATION, V(listen.handshake_ms), .preset = "5 s", .min = MS(100),
      .max = MIN(1), .help = "a connection that is not through by then is closed" },
    END_OF_RULES,
};
static const struct yaml_rule v_threads[] = {
    { "workers", YAML_RULE_NUMBER, V(threads.workers), .preset = "0", .max = CONFIG_WORKERS_MAX,
      .help = "threads that verify and decide; 0: by the number of cores" },
    { "readers", YAML_RULE_NUMBER, V(threads.readers), .preset = "2", .min = 1,
      .max = CONFIG_READERS_MAX, .help = "threads that answer queries" },
    { "queue", YAML_RULE_NUMBER, V(threads.queue), .preset = "4096", .min = 64, .max = 1048576,
      .help = "requests that wait for a worker" },
    END_OF_RULES,
};
static const struct yaml_rule v_limits[] = {
    { "pending", YAML_RULE_NUMBER, V(limits.pending_max), .preset = "16384", .min = 1,
      .max = 1048576, .help = "exchanges under way in all" },
    { "pending_per_asker", YAML_RULE_NUMBER, V(limits.pending_per_asker), .preset = "4096",
      .min = 1, .max = 1048576, .help = "of one asking member" },
    { "pending_per_holder", YAML_RULE_NUMBER, V(limits.pending_per_holder), .preset = "4096",
      .min = 1, .max = 1048576, .help = "of one holding member" },
    { "credit", YAML_RULE_NUMBER, V(limits.credit), .preset = "512", .min = 1, .max = 65536,
      .help = "of one node" },
    { "memory", YAML_RULE_SIZE, V(limits.memory_bytes), .preset = "64 MB", .min = MB(1),
      .max = GB(64), .help = "sealed boxes that wait, in all" },
    { "verifications", YAML_RULE_NUMBER, V(limits.verifications_per_second), .preset = "2000",
      .min = 1, .max = 1000000, .help = "signatures of one peer a second" },
    END_OF_RULES,
};
static const struct yaml_rule v_exchange[] = {
    { "clock_tolerance", YAML_RULE_DURATION, V(exchange.clock_tolerance_ms), .preset = "60 s",
      .min = S(1), .max = MIN(5), .help = "between a peer's clock and the broker's" },
    { "life_max", YAML_RULE_DURATION, V(exchange.life_max_ms), .preset = "15 min", .min = S(1),
      .max = MIN(15), .help = "of a request" },
    { "answer", YAML_RULE_DURATION, V(exchange.answer_ms), .preset = "30 s", .min = MS(100),
      .max = MIN(15), .help = "a holder's time, when the request allows more" },
    { "keep_answers", YAML_RULE_DURATION, V(exchange.keep_answers_ms), .preset = "60 s",
      .max = MIN(15),
      .help = "released answers that nobody said were opened are kept for repeated requests" },
    END_OF_RULES,
};
static const struct yaml_rule v_audit[] = {
    { "batch_max", YAML_RULE_NUMBER, V(audit.batch_max), .preset = "256", .min = 1, .max = 1024,
      .help = "entries in one commit" },
    { "log_map", YAML_RULE_SIZE, V(audit.log_map_bytes), .preset = "256 GB", .min = MB(16),
      .max = GB(16384), .help = "address space kept for the log; the file grows as needed" },
    { "views_map", YAML_RULE_SIZE, V(audit.views_map_bytes), .preset = "128 GB", .min = MB(16),
      .max = GB(16384), .help = "the same for the views" },
    { "full_percent", YAML_RULE_NUMBER, V(audit.full_percent), .preset = "90", .min = 10, .max = 99,
      .help = "of the log's map or disk: from here on new requests are refused, withdrawals pass" },
    { "retention_months", YAML_RULE_NUMBER, V(audit.retention_months), .preset = "36", .min = 1,
      .max = 1200,
      .help = "what entries of a month say is kept so long behind its end: 'vedomo audit forget'" },
    { "publish", YAML_RULE_DURATION, V(audit.publish_ms), .preset = "2 s", .min = S(1),
      .max = S(10), .help = "peers are sent a new checkpoint this often" },
    { "epoch", YAML_RULE_DURATION, V(audit.epoch_ms), .preset = "1 h", .min = S(1), .max = H(24),
      .help = "the lists of all persons are committed to this often" },
    END_OF_RULES,
};
static const struct yaml_rule v_witnesses[] = {
    { "policy", YAML_RULE_TEXT, V(witnesses.policy), .max = 1024,
      .help =
          "file (C2SP tlog-policy): witnesses with their URLs, and the quorum; none: no witness "
          "is asked" },
    { "trial", YAML_RULE_BOOL, V(witnesses.trial), .preset = "false",
      .help = "witnesses on this host count too: for trial only, and said wherever it matters" },
    { "alarm", YAML_RULE_DURATION, V(witnesses.alarm_ms), .preset = "60 s", .min = S(5),
      .max = H(24), .help = "log.unwitnessed is raised when no witness was heard of for so long" },
    END_OF_RULES,
};
static const struct yaml_rule v_sessions[] = {
    { "code", YAML_RULE_DURATION, V(sessions.code_ms), .preset = "10 min", .min = S(10),
      .max = H(1), .help = "life of a citizen's one-time code" },
    { "idle", YAML_RULE_DURATION, V(sessions.session_ms), .preset = "15 min", .min = S(10),
      .max = H(12), .help = "a session without use ends" },
    END_OF_RULES,
};

#define LEVEL(type)                                                                                \
    {                                                                                              \
        "level", YAML_RULE_CHOICE, offsetof(type, watch.level),                                    \
            .preset = "info", .words = level_words,                                                \
            .help = "lowest level of events that are written"                                      \
    }

static const struct yaml_rule v_watch[] = {
    LEVEL(struct config_vedomod),
    END_OF_RULES,
};

#define SECTION(program, name, words)                                                              \
    {                                                                                              \
#name, YAML_RULE_RECORD, 0, .shape = &program##_##name##_shape, .help = words              \
    }
#define SECTION_SHAPE(program, type, name)                                                         \
    static const struct yaml_shape program##_##name##_shape = SHAPE(type, program##_##name)

SECTION_SHAPE(v, struct config_vedomod, listen);
SECTION_SHAPE(v, struct config_vedomod, threads);
SECTION_SHAPE(v, struct config_vedomod, limits);
SECTION_SHAPE(v, struct config_vedomod, exchange);
SECTION_SHAPE(v, struct config_vedomod, audit);
SECTION_SHAPE(v, struct config_vedomod, witnesses);
SECTION_SHAPE(v, struct config_vedomod, sessions);
SECTION_SHAPE(v, struct config_vedomod, watch);

#define PINS(type, member, words)                                                                  \
    {                                                                                              \
#member, YAML_RULE_RECORD, offsetof(type, member), .required = true, .shape = &pins_shape, \
                                                           .help = words                           \
    }

static const struct yaml_rule vedomod_rules[] = {
    { "origin", YAML_RULE_CODE, V(origin), .required = true, .min = 3, .max = 128,
      .help = "the log's origin, which names the federation" },
    PINS(struct config_vedomod, registrar, "keys that sign cards and orders"),
    PINS(struct config_vedomod, policy, "keys that sign policy bundles"),
    SECTION(v, listen, "the public socket"),
    SECTION(v, threads, "threads"),
    SECTION(v, limits, "bounds; beyond them the answer is BUSY"),
    SECTION(v, exchange, "times of one exchange"),
    SECTION(v, audit, "the log and its views"),
    SECTION(v, witnesses, "who vouches for published checkpoints"),
    SECTION(v, sessions, "citizens' sessions"),
    SECTION(v, watch, "what it writes about itself"),
    END_OF_RULES,
};
const struct yaml_shape config_vedomod_shape = SHAPE(struct config_vedomod, vedomod_rules);

#define BROKER(type)                                                                               \
    { "endpoint",                                                                                  \
      YAML_RULE_TEXT,                                                                              \
      offsetof(type, broker.endpoint),                                                             \
      .required = true,                                                                            \
      .min = 1,                                                                                    \
      .max = 256,                                                                                  \
      .help = "the broker's endpoint, such as `tcp://broker.example:7400`" },                      \
        { "card",                                                                                  \
          YAML_RULE_TEXT,                                                                          \
          offsetof(type, broker.card),                                                             \
          .required = true,                                                                        \
          .min = 1,                                                                                \
          .max = 1024,                                                                             \
          .help = "file: the broker's card, signed by the registrar" },                            \
        { "vkey",                                                                                  \
          YAML_RULE_TEXT,                                                                          \
          offsetof(type, broker.vkey),                                                             \
          .required = true,                                                                        \
          .min = 40,                                                                               \
          .max = 512,                                                                              \
          .help = "the log's verifier key (C2SP vkey)" },                                          \
        END_OF_RULES

#define N(member) offsetof(struct config_node, member)
static const struct yaml_rule n_broker[] = {
    { "gather", YAML_RULE_DURATION, N(broker.gather_ms), .preset = "50 ms", .min = 0, .max = S(1),
      .help = "requests, and answers, wait at most so long to be signed together, while eight and "
              "more are under way; 0 ms: never" },
    BROKER(struct config_node)
};
static const struct yaml_rule n_api[] = {
    { "listen", YAML_RULE_TEXT, N(api.listen), .max = 256,
      .help = "REST interface: `127.0.0.1:8480`, or `unix:PATH` for a socket; none: no interface" },
    { "token", YAML_RULE_TEXT, N(api.token), .max = 1024,
      .help = "file with the token that callers show; needed with an address" },
    { "calls_max", YAML_RULE_NUMBER, N(api.calls_max), .preset = "1024", .min = 1, .max = 65536,
      .help = "calls under way" },
    { "timeout", YAML_RULE_DURATION, N(api.timeout_ms), .preset = "30 s", .min = MS(100),
      .max = MIN(15), .help = "of a call that names none" },
    END_OF_RULES,
};
static const struct yaml_rule n_answer[] = {
    { "register", YAML_RULE_DURATION, N(answer.register_ms), .preset = "10 s", .min = MS(10),
      .max = MIN(15), .help = "time for a register's answer" },
    { "remember", YAML_RULE_DURATION, N(answer.person_ms), .preset = "30 d", .min = H(1),
      .max = H(87600), .help = "a person's check of the tag is remembered" },
    END_OF_RULES,
};
static const struct yaml_rule register_rules[] = {
    { "kind", YAML_RULE_CHOICE, offsetof(struct config_register, kind), .required = true,
      .words = register_words, .help = "what the register is" },
    { "path", YAML_RULE_TEXT, offsetof(struct config_register, path), .required = true, .min = 1,
      .max = 1024, .help = "the SQLite file, opened read-only" },
    { "connections", YAML_RULE_NUMBER, offsetof(struct config_register, connections), .preset = "2",
      .min = 1, .max = 32, .help = "lookups at the same time, for each dataset" },
    END_OF_RULES,
};
static const struct yaml_shape register_shape = { sizeof(struct config_register), register_rules,
                                                  NULL, offsetof(struct config_register, name),
                                                  offsetof(struct config_register, line) };
static const struct yaml_rule column_rule = {
    "",       YAML_RULE_TEXT, offsetof(struct config_column, column), .required = true,
    .min = 1, .max = 128,     .help = "column of the query's answer"
};
static const struct yaml_shape column_shape = { sizeof(struct config_column), NULL, &column_rule,
                                                offsetof(struct config_column, field),
                                                YAML_NO_OFFSET };
static const struct yaml_rule dataset_rules[] = {
    { "from", YAML_RULE_CODE, offsetof(struct config_dataset, from), .required = true, .min = 1,
      .help = "a register's name" },
    { "source", YAML_RULE_TEXT, offsetof(struct config_dataset, source), .required = true, .min = 1,
      .max = 64, .help = "what the answer names as its source" },
    { "query", YAML_RULE_TEXT, offsetof(struct config_dataset, query), .required = true, .min = 1,
      .max = 4096, .help = "one SELECT with `:subject`" },
    { "fields", YAML_RULE_TABLE, offsetof(struct config_dataset, fields), .required = true,
      .min = 1, .max = 64, .shape = &column_shape, .help = "where each field's value stands" },
    { "updated", YAML_RULE_TEXT, offsetof(struct config_dataset, updated), .max = 128,
      .help = "column with the time of the last change (RFC 3339)" },
    END_OF_RULES,
};
static const struct yaml_shape dataset_shape = { sizeof(struct config_dataset), dataset_rules, NULL,
                                                 offsetof(struct config_dataset, code),
                                                 offsetof(struct config_dataset, line) };
static const struct yaml_rule n_witnesses[] = {
    { "policy", YAML_RULE_TEXT, N(witnesses.policy), .max = 1024,
      .help =
          "file (C2SP tlog-policy): whose cosignatures make a receipt witnessed; none: receipts "
          "are signed, and no more is asked" },
    { "alarm", YAML_RULE_DURATION, N(witnesses.alarm_ms), .preset = "60 s", .min = S(5),
      .max = H(24), .help = "log.unwitnessed is raised when a tree stays signed only for so long" },
    END_OF_RULES,
};
static const struct yaml_rule n_watch[] = {
    LEVEL(struct config_node),
    END_OF_RULES,
};
SECTION_SHAPE(n, struct config_node, broker);
SECTION_SHAPE(n, struct config_node, api);
SECTION_SHAPE(n, struct config_node, answer);
SECTION_SHAPE(n, struct config_node, witnesses);
SECTION_SHAPE(n, struct config_node, watch);

static const struct yaml_rule node_rules[] = {
    { "member", YAML_RULE_CODE, N(member), .required = true, .min = 1, .max = 64,
      .help = "the agency's code, as on its card" },
    { "name", YAML_RULE_CODE, N(name), .required = true, .min = 1, .max = 64,
      .help = "this machine's name within the agency" },
    { "identity", YAML_RULE_TEXT, N(identity), .required = true, .min = 1, .max = 1024,
      .help = "file with the node's keys" },
    { "state", YAML_RULE_TEXT, N(state), .required = true, .min = 1, .max = 1024,
      .help = "folder for the newest checkpoint, cards, bundle and receipts" },
    { "broker", YAML_RULE_RECORD, 0, .required = true, .shape = &n_broker_shape,
      .help = "where it connects and by what it knows the log" },
    PINS(struct config_node, registrar, "keys that sign cards"),
    PINS(struct config_node, policy, "keys that sign policy bundles"),
    SECTION(n, api, "for the agency's own systems"),
    SECTION(n, answer, "answering as a holder"),
    { "registers", YAML_RULE_TABLE, N(registers), .max = 64, .shape = &register_shape,
      .help = "where values come from, by name" },
    { "datasets", YAML_RULE_TABLE, N(datasets), .max = 256, .shape = &dataset_shape,
      .help = "what this node answers for, by the dataset's code" },
    SECTION(n, witnesses, "whose word makes a receipt witnessed"),
    SECTION(n, watch, "what it writes about itself"),
    END_OF_RULES,
};
const struct yaml_shape config_node_shape = SHAPE(struct config_node, node_rules);

#define P(member) offsetof(struct config_portal, member)
static const struct yaml_rule p_broker[] = { BROKER(struct config_portal) };
static const struct yaml_rule p_http[] = {
    { "connections_max", YAML_RULE_NUMBER, P(http.connections_max), .preset = "1024", .min = 1,
      .max = 65536, .help = "in all" },
    { "per_address_max", YAML_RULE_NUMBER, P(http.per_address_max), .preset = "64", .min = 1,
      .max = 65536, .help = "from one address" },
    { "idle", YAML_RULE_DURATION, P(http.idle_ms), .preset = "30 s", .min = S(1), .max = MIN(10),
      .help = "a connection without traffic is closed" },
    END_OF_RULES,
};
static const struct yaml_rule p_watch[] = {
    LEVEL(struct config_portal),
    END_OF_RULES,
};
SECTION_SHAPE(p, struct config_portal, broker);
SECTION_SHAPE(p, struct config_portal, http);
SECTION_SHAPE(p, struct config_portal, watch);

static const struct yaml_rule portal_rules[] = {
    { "listen", YAML_RULE_TEXT, P(listen), .preset = "127.0.0.1:8490", .min = 1, .max = 256,
      .help = "address of the HTTP server: `127.0.0.1:8490`, `[::1]:8490`" },
    { "identity", YAML_RULE_TEXT, P(identity), .required = true, .min = 1, .max = 1024,
      .help = "file with the portal's keys" },
    { "state", YAML_RULE_TEXT, P(state), .required = true, .min = 1, .max = 1024,
      .help = "folder for the newest checkpoint" },
    { "broker", YAML_RULE_RECORD, 0, .required = true, .shape = &p_broker_shape,
      .help = "where it connects and by what it knows the log" },
    PINS(struct config_portal, registrar, "keys that sign cards"),
    SECTION(p, http, "bounds of the HTTP server"),
    SECTION(p, watch, "events and figures"),
    END_OF_RULES,
};
const struct yaml_shape config_portal_shape = SHAPE(struct config_portal, portal_rules);

#define W(member) offsetof(struct config_witness, member)
static const struct yaml_rule log_rule = {
    "", YAML_RULE_TEXT, offsetof(struct config_log, vkey), .required = true, .min = 40, .max = 512
};
static const struct yaml_shape log_shape = { sizeof(struct config_log), NULL, &log_rule,
                                             YAML_NO_OFFSET, YAML_NO_OFFSET };
static const struct yaml_rule log_item = { .kind = YAML_RULE_RECORD, .shape = &log_shape };
static const struct yaml_rule w_http[] = {
    { "connections_max", YAML_RULE_NUMBER, W(http.connections_max), .preset = "256", .min = 1,
      .max = 65536, .help = "in all" },
    { "per_address_max", YAML_RULE_NUMBER, W(http.per_address_max), .preset = "16", .min = 1,
      .max = 65536, .help = "from one address" },
    { "idle", YAML_RULE_DURATION, W(http.idle_ms), .preset = "60 s", .min = S(1), .max = MIN(10),
      .help = "a connection without traffic is closed" },
    { "body", YAML_RULE_SIZE, W(http.body_bytes), .preset = "16 KB", .min = KB(4), .max = KB(24),
      .help = "of one request; a larger one is refused" },
    END_OF_RULES,
};
static const struct yaml_rule w_watch[] = {
    LEVEL(struct config_witness),
    END_OF_RULES,
};
SECTION_SHAPE(w, struct config_witness, http);
SECTION_SHAPE(w, struct config_witness, watch);

static const struct yaml_rule witness_rules[] = {
    { "listen", YAML_RULE_TEXT, W(listen), .preset = "127.0.0.1:8470", .min = 1, .max = 256,
      .help = "address of the HTTP server: `127.0.0.1:8470`, `[::1]:8470`" },
    { "identity", YAML_RULE_TEXT, W(identity), .required = true, .min = 1, .max = 1024,
      .help = "file with the witness's key (`vedomo keygen --role witness`)" },
    { "state", YAML_RULE_TEXT, W(state), .required = true, .min = 1, .max = 1024,
      .help = "folder: the latest checkpoint of each log; never put back to an older copy" },
    { "logs", YAML_RULE_LIST, W(logs), .required = true, .min = 1, .max = 64, .of = &log_item,
      .help = "logs that it watches: C2SP vkeys, whose name is the log's origin" },
    SECTION(w, http, "bounds of the HTTP server"),
    SECTION(w, watch, "what it writes about itself"),
    END_OF_RULES,
};
const struct yaml_shape config_witness_shape = SHAPE(struct config_witness, witness_rules);
