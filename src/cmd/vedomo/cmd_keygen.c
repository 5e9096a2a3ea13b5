// vedomo keygen: fresh keys for one role, and what the registrar needs to sign for them.
//
// Roles that connect get a card as a request beside their key; registrar, policy and witness keys
// sign only, and their public key is what others pin.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "card_text.h"
#include "commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "proof/note.h"
#include "seal/keyfile.h"
#include "seal/sign.h"

enum { DAYS_DEFAULT = 365, DAYS_MAX = 3660, CLOCK_SLACK_MS = 5 * 60 * 1000 };

struct options {
    const char *role;
    const char *member;
    const char *node;
    const char *out;
    uint64_t days;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, role), "role", 0, "ROLE",
      "node, desk, portal, officer, auditor, court, operator, witness, registrar, policy; log, "
      "tag or master for the broker's next one" },
    { COMMAND_TEXT, offsetof(struct options, member), "member", 0, "CODE",
      "The agency's code, such as ru/interior/road-safety" },
    { COMMAND_TEXT, offsetof(struct options, node), "node", 0, "NAME",
      "The machine's or person's name within the agency" },
    { COMMAND_TEXT, offsetof(struct options, out), "out", 'o', "FILE.key",
      "Where the secret key goes; the card goes to FILE.card" },
    { COMMAND_COUNT, offsetof(struct options, days), "days", 0, "N",
      "The card is good for this long (default: 365)" },
    { .kind = COMMAND_END },
};

// FILE.key -> FILE.card; any other name -> NAME.card.
static enum status card_path(const char *key, char path[PATH_MAX], struct error *err)
{
    size_t length = strlen(key);
    if (length > 4 && strcmp(key + length - 4, ".key") == 0) {
        length -= 4;
    }
    if (snprintf(path, PATH_MAX, "%.*s.card", (int)length, key) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "%s: path too long", key);
    }
    if (file_exists(path)) {
        return error_set(err, ST_EXISTS, "%s exists already; it is not overwritten", path);
    }
    return ST_OK;
}

// A registrar's or policy key is known by its public half alone, a witness by a vkey with its name.
static enum status print_public(struct command_call *call, const struct seal_identity *identity,
                                const char *path, struct error *err)
{
    // Secrets of the broker's host have no public half.
    bool secret = identity->role == SEAL_ROLE_MASTER || identity->role == SEAL_ROLE_TAG;
    bool named = identity->role == SEAL_ROLE_WITNESS || identity->role == SEAL_ROLE_LOG;
    struct proof_key key;
    struct buffer text = buffer_init(1024);
    enum status status = ST_OK;
    if (named) {
        enum proof_key_type type =
            identity->role == SEAL_ROLE_WITNESS ? PROOF_KEY_COSIGNATURE : PROOF_KEY_ED25519;
        status = proof_key_make(identity->node, type, &identity->sign_key, &key, err);
        if (status == ST_OK) {
            proof_key_format(&key, &text);
        }
    } else if (!secret) {
        seal_key_format(&text, &identity->sign_key);
    }
    if (status == ST_OK) {
        status = buffer_ok(&text, "public key", err);
    }
    if (status == ST_OK) {
        output_text(call->out, "role", seal_role_name(identity->role));
        output_text(call->out, "key_file", path);
    }
    if (status == ST_OK && secret) {
        output_line(call->out, "%s: a new %s key. It stays on the broker's host.", path,
                    seal_role_name(identity->role));
        output_line(call->out, identity->role == SEAL_ROLE_MASTER
                                   ? "As HOME/keys/master-next.key it takes over by 'vedomo keys "
                                     "rewrap HOME', while the broker is stopped."
                                   : "As HOME/keys/tag-2.key (tag-3.key, ...) it counts from the "
                                     "broker's next start on; the older ones stay.");
    } else if (status == ST_OK) {
        output_bytes(call->out, named ? "vkey" : "public_key", buffer_view(&text));
        output_line(call->out, "%.*s", (int)text.size, (const char *)text.data);
    }
    buffer_fini(&text);
    return status;
}

static enum status make_card(struct command_call *call, const struct options *options,
                             const struct seal_identity *identity, const char *path,
                             struct error *err)
{
    struct bytes origin;
    enum status status = settings_need_origin(call->settings, &origin, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t days = options->days == 0 ? DAYS_DEFAULT : options->days;
    if (days > DAYS_MAX) {
        return error_set(err, ST_USAGE, "--days takes at most %d", DAYS_MAX);
    }
    uint64_t now = (uint64_t)clock_wall_ms();
    struct registry_card card = {
        .role = registry_role_parse(bytes_text(seal_role_name(identity->role))),
        .curve_key = identity->curve_key,
        .batch_key = identity->sign_key,
        .not_before = now - CLOCK_SLACK_MS,
        .not_after = now + days * 24 * 60 * 60 * 1000,
    };
    snprintf(card.member, sizeof(card.member), "%s", identity->member);
    snprintf(card.node, sizeof(card.node), "%s", identity->node);
    return card_request_write(&card, origin, path, err);
}

static enum status check_options(const struct options *options, enum seal_role *role,
                                 struct error *err)
{
    if (options->role == NULL || options->out == NULL) {
        return error_set(err, ST_USAGE, "give --role ROLE and --out FILE.key");
    }
    *role = seal_role_find(bytes_text(options->role));
    if (*role == SEAL_ROLE_NONE) {
        return error_set(err, ST_USAGE, "there is no role '%s'; 'vedomo keygen --help' lists them",
                         options->role);
    }
    if (*role == SEAL_ROLE_BROKER) {
        return error_set(err, ST_USAGE, "the broker's own key is made by 'vedomo init HOME'");
    }
    if (seal_role_connects(*role) && (options->member == NULL || options->node == NULL)) {
        return error_set(err, ST_USAGE, "the role %s needs --member CODE and --node NAME",
                         options->role);
    }
    if (*role == SEAL_ROLE_WITNESS && options->node == NULL) {
        return error_set(err, ST_USAGE, "a witness needs --node NAME, such as witness.example/w1");
    }
    return ST_OK;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    enum seal_role role = SEAL_ROLE_NONE;
    char card[PATH_MAX];
    struct seal_identity identity = { 0 };
    enum status status = check_options(options, &role, err);
    if (status != ST_OK) {
        return status;
    }
    bool has_card = seal_role_connects(role);
    const char *node = options->node != NULL ? options->node : "";
    char name[SEAL_NAME_MAX + 1];
    if (role == SEAL_ROLE_LOG && options->node == NULL) {
        struct bytes origin; // a log's key is named as its log
        status = settings_need_origin(call->settings, &origin, err);
        if (status == ST_OK) {
            snprintf(name, sizeof(name), "%.*s", (int)origin.size, (const char *)origin.data);
            node = name;
        }
    }
    if (status == ST_OK && has_card) {
        status = card_path(options->out, card, err);
    }
    if (status == ST_OK) {
        status = seal_identity_create(role, options->member != NULL ? options->member : "", node,
                                      &identity, err);
    }
    if (status == ST_OK) {
        status = seal_keyfile_create(options->out, &identity, err);
    }
    bool made = status == ST_OK;
    if (status == ST_OK && has_card) {
        status = make_card(call, options, &identity, card, err);
    } else if (status == ST_OK) {
        status = print_public(call, &identity, options->out, err);
    }
    if (status != ST_OK && made) {
        // A key that nobody can use would be in the way of the next try.
        unlink(options->out);
    }
    if (status == ST_OK && has_card) {
        output_text(call->out, "role", seal_role_name(role));
        output_text(call->out, "key_file", options->out);
        output_text(call->out, "card_file", card);
        output_line(call->out, "%s: secret key of the %s %s %s. It stays on this machine.",
                    options->out, seal_role_name(role), identity.member, identity.node);
        output_line(call->out,
                    "%s: its card. The registrar signs it ('vedomo member sign %s --registrar "
                    "KEY'), an operator hands it in ('vedomo member add %s').",
                    card, card, card);
    }
    seal_identity_fini(&identity);
    return status;
}

const struct command cmd_keygen = {
    .words = "keygen",
    .help = "Make keys for a node, a person or an offline signer",
    .detail = "The key file is readable by its owner alone and never overwritten. For registrar "
              "and policy the public key is printed, for a witness its vkey: others pin it.",
    .common = COMMAND_TRUSTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
