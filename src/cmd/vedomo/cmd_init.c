// vedomo init: the folder of a new broker. Keys, a commented configuration, empty places for the
// rest. It refuses a folder that holds a broker already: a log's key is made once.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "card_text.h"
#include "commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "proof/ring.h"
#include "seal/keyfile.h"
#include "seal/sign.h"

enum { CARD_DAYS = 730, CLOCK_SLACK_MS = 5 * 60 * 1000, CONFIG_BYTES_MAX = 64 * 1024 };

struct options {
    const char *origin;
    const char *endpoint;
    const char *member;
    const char *node;
    struct command_texts registrar;
    struct command_texts policy;
    uint64_t registrar_threshold;
    uint64_t policy_threshold;
    const char *continues;
    const char *continues_vkey;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, origin), "origin", 0, "ORIGIN",
      "The log's name for ever, such as broker.region.example/audit" },
    { COMMAND_TEXTS, offsetof(struct options, registrar), "registrar", 0, "ed25519:...",
      "A registrar's public key (repeat for several)" },
    { COMMAND_COUNT, offsetof(struct options, registrar_threshold), "registrar-threshold", 0, "K",
      "How many of them must sign (default: all)" },
    { COMMAND_TEXTS, offsetof(struct options, policy), "policy", 0, "ed25519:...",
      "A policy public key (repeat for several)" },
    { COMMAND_COUNT, offsetof(struct options, policy_threshold), "policy-threshold", 0, "K",
      "How many of them must sign (default: all)" },
    { COMMAND_TEXT, offsetof(struct options, endpoint), "endpoint", 0, "ADDRESS",
      "Where the broker listens (default: tcp://127.0.0.1:7400)" },
    { COMMAND_TEXT, offsetof(struct options, member), "member", 0, "CODE",
      "The member that runs the broker (default: broker)" },
    { COMMAND_TEXT, offsetof(struct options, node), "node", 0, "NAME",
      "This broker's name within it (default: vedomod)" },
    { COMMAND_TEXT, offsetof(struct options, continues), "continues", 0, "FILE",
      "The last known checkpoint of the log that this one continues" },
    { COMMAND_TEXT, offsetof(struct options, continues_vkey), "continues-vkey", 0, "VKEY",
      "That log's public key" },
    { .kind = COMMAND_END },
};

static const char *const folders[] = {
    "", "keys", "keys/body", "cards", "bundles", "log", "views"
};

static enum status join(char path[PATH_MAX], const char *home, const char *name, struct error *err)
{
    int size = snprintf(path, PATH_MAX, "%s%s%s", home, name[0] == '\0' ? "" : "/", name);
    if (size < 0 || size >= PATH_MAX) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    return ST_OK;
}

static enum status check_pins(const char *name, const struct command_texts *texts,
                              uint64_t threshold, struct error *err)
{
    struct registry_pins pins = { 0 };
    if (texts->count == 0) {
        return error_set(err, ST_USAGE,
                         "give --%s ed25519:..., as 'vedomo keygen --role %s' printed it", name,
                         name);
    }
    for (size_t i = 0; i < texts->count; i++) {
        enum status status = registry_pins_add(&pins, bytes_text(texts->items[i]), err);
        if (status != ST_OK) {
            return error_wrap(err, "--%s", name);
        }
    }
    if (threshold > texts->count) {
        return error_set(err, ST_USAGE, "--%s-threshold is %llu, of %zu keys", name,
                         (unsigned long long)threshold, texts->count);
    }
    return ST_OK;
}

static enum status check_options(const struct options *options, struct error *err)
{
    if (options->origin == NULL) {
        return error_set(err, ST_USAGE, "give --origin ORIGIN, the log's name for ever");
    }
    struct proof_key key;
    struct digest any = { { 1 } };
    enum status status = proof_key_make(options->origin, PROOF_KEY_ED25519, &any, &key, err);
    if (status == ST_OK) {
        status = check_pins("registrar", &options->registrar, options->registrar_threshold, err);
    }
    if (status == ST_OK) {
        status = check_pins("policy", &options->policy, options->policy_threshold, err);
    }
    return status;
}

// The checkpoint of the log that ended: verified, and of another origin. Appended.
static enum status read_continued(const struct options *options, struct buffer *note,
                                  struct error *err)
{
    struct proof_ring keys;
    struct proof_checkpoint point;
    if (options->continues == NULL) {
        return ST_OK;
    }
    if (options->continues_vkey == NULL) {
        return error_set(err, ST_USAGE, "give --continues-vkey VKEY, the old log's public key");
    }
    enum status status = proof_ring_vkeys(bytes_text(options->continues_vkey), &keys, err);
    if (status == ST_OK) {
        status = file_read(options->continues, PROOF_NOTE_MAX, note, err);
    }
    if (status == ST_OK) {
        status = proof_ring_open(&keys, 0, buffer_view(note), &point, err);
    }
    if (status == ST_OK && strcmp(keys.keys[0].name, options->origin) == 0) {
        status = error_set(err, ST_USAGE,
                           "the origin %s has ended; a log that continues it has another name",
                           keys.keys[0].name);
    }
    return status == ST_OK ? ST_OK : error_wrap(err, "--continues");
}

static enum status keep_continued(const char *home, struct bytes note, struct error *err)
{
    char path[PATH_MAX];
    if (note.size == 0) {
        return ST_OK;
    }
    enum status status = join(path, home, "log.continues", err);
    return status == ST_OK ? file_create(path, note, 0600, err) : status;
}

static enum status make_folders(const char *home, struct error *err)
{
    char path[PATH_MAX];
    enum status status = join(path, home, "keys/log.key", err);
    if (status == ST_OK && file_exists(path)) {
        return error_set(err, ST_EXISTS, "%s holds a broker already; nothing was changed", home);
    }
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(folders); i++) {
        status = join(path, home, folders[i], err);
        if (status == ST_OK) {
            status = file_make_folder(path, 0700, err);
        }
    }
    return status;
}

// One key of the broker's own. *identity is filled when the caller wants it.
static enum status make_key(const char *home, const char *name, enum seal_role role,
                            const char *member, const char *node, struct seal_identity *identity,
                            struct error *err)
{
    char path[PATH_MAX];
    struct seal_identity made = { 0 };
    enum status status = join(path, home, name, err);
    if (status == ST_OK) {
        status = seal_identity_create(role, member, node, &made, err);
    }
    if (status == ST_OK) {
        status = seal_keyfile_create(path, &made, err);
    }
    if (status == ST_OK && identity != NULL) {
        *identity = made;
    } else {
        seal_identity_fini(&made);
    }
    return status;
}

static enum status make_card(const char *home, const struct options *options,
                             const struct seal_identity *broker, struct error *err)
{
    char path[PATH_MAX];
    uint64_t now = (uint64_t)clock_wall_ms();
    struct registry_card card = {
        .role = REGISTRY_ROLE_BROKER,
        .curve_key = broker->curve_key,
        .batch_key = broker->sign_key,
        .not_before = now - CLOCK_SLACK_MS,
        .not_after = now + (uint64_t)CARD_DAYS * 24 * 60 * 60 * 1000,
    };
    snprintf(card.member, sizeof(card.member), "%s", broker->member);
    snprintf(card.node, sizeof(card.node), "%s", broker->node);
    enum status status = join(path, home, "cards/broker.card", err);
    return status != ST_OK ? status
                           : card_request_write(&card, bytes_text(options->origin), path, err);
}

static void write_pins(struct buffer *out, const char *name, const char *help,
                       const struct command_texts *texts, uint64_t threshold)
{
    buffer_format(out, "\n# %s\n%s:\n", help, name);
    buffer_format(out, "  threshold: %llu\n",
                  (unsigned long long)(threshold == 0 ? texts->count : threshold));
    buffer_text(out, "  keys:\n");
    for (size_t i = 0; i < texts->count; i++) {
        buffer_format(out, "    - \"%s\"\n", texts->items[i]);
    }
}

static enum status make_config(const char *home, const struct options *options, struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(CONFIG_BYTES_MAX);
    const char *endpoint = options->endpoint != NULL ? options->endpoint : "tcp://127.0.0.1:7400";
    buffer_format(&text,
                  "# The broker's configuration. 'vedomo config check FILE' checks it; every other "
                  "key, with its\n# default, stands in docs/configuration.md. The broker reads "
                  "it when it starts.\n\n"
                  "# The log's name. It names the federation and never changes.\n"
                  "origin: \"%s\"\n\n"
                  "listen:\n"
                  "  # Where nodes, portals and people connect. 127.0.0.1 serves this machine "
                  "only.\n"
                  "  endpoint: \"%s\"\n",
                  options->origin, endpoint);
    write_pins(&text, "registrar", "Who enrols members: public keys, never the secret ones.",
               &options->registrar, options->registrar_threshold);
    write_pins(&text, "policy", "Who signs policy bundles.", &options->policy,
               options->policy_threshold);
    enum status status = buffer_ok(&text, "configuration", err);
    if (status == ST_OK) {
        status = join(path, home, "vedomod.yaml", err);
    }
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0644, err);
    }
    buffer_fini(&text);
    return status;
}

static enum status show_result(struct command_call *call, const char *home,
                               const struct seal_identity *log, struct error *err)
{
    struct proof_key key;
    struct buffer vkey = buffer_init(1024);
    enum status status = proof_key_make(log->node, PROOF_KEY_ED25519, &log->sign_key, &key, err);
    if (status == ST_OK) {
        proof_key_format(&key, &vkey);
        status = buffer_ok(&vkey, "vkey", err);
    }
    if (status == ST_OK) {
        struct output *out = call->out;
        output_text(out, "home", home);
        output_bytes(out, "vkey", buffer_view(&vkey));
        output_line(out,
                    "%s: a new broker, with keys of its own. Nodes pin this key of its log:", home);
        output_line(out, "\n  %.*s\n", (int)vkey.size, (const char *)vkey.data);
        output_line(out, "Next:");
        output_line(out,
                    "  1. The registrar signs the broker's card, on the registrar's machine:\n"
                    "       vedomo member sign %s/cards/broker.card --registrar registrar.key",
                    home);
        output_line(out,
                    "  2. Enrol the first operator: 'vedomo keygen --role operator', signed "
                    "likewise,\n       the signed card copied to %s/cards/",
                    home);
        output_line(out, "  3. Start the broker: vedomod --home %s", home);
        output_line(out,
                    "Back up %s/keys apart from the rest: with the keys alone nothing can be read, "
                    "nor without them.",
                    home);
    }
    buffer_fini(&vkey);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *home = call->arguments[0];
    const char *member = options->member != NULL ? options->member : "broker";
    const char *node = options->node != NULL ? options->node : "vedomod";
    struct seal_identity broker = { 0 };
    struct seal_identity log = { 0 };
    struct buffer continued = buffer_init(PROOF_NOTE_MAX);
    enum status status = check_options(options, err);
    if (status == ST_OK) {
        status = read_continued(options, &continued, err);
    }
    if (status == ST_OK) {
        status = make_folders(home, err);
    }
    if (status == ST_OK) {
        status = keep_continued(home, buffer_view(&continued), err);
    }
    if (status == ST_OK) {
        status = make_key(home, "keys/broker.key", SEAL_ROLE_BROKER, member, node, &broker, err);
    }
    if (status == ST_OK) {
        status = make_card(home, options, &broker, err);
    }
    if (status == ST_OK) {
        status = make_key(home, "keys/master.key", SEAL_ROLE_MASTER, "", "", NULL, err);
    }
    if (status == ST_OK) {
        status = make_key(home, "keys/tag.key", SEAL_ROLE_TAG, "", "", NULL, err);
    }
    if (status == ST_OK) {
        status = make_config(home, options, err);
    }
    if (status == ST_OK) {
        // Last: its presence says that the folder is complete.
        status = make_key(home, "keys/log.key", SEAL_ROLE_LOG, "", options->origin, &log, err);
    }
    if (status == ST_OK) {
        status = show_result(call, home, &log, err);
    }
    seal_identity_fini(&broker);
    seal_identity_fini(&log);
    buffer_fini(&continued);
    return status;
}

const struct command cmd_init = {
    .words = "init",
    .arguments = "HOME",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Make the folder of a new broker: keys and configuration",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
