// Opening the home: every key must be there, private, and of the right role.
#include "broker/home.h"

#include "base/file.h"
#include "base/lock.h"
#include "seal/sign.h"

#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEY_NAME_BYTES = 16 };

static enum status load_key(const struct broker_home *home, const char *name, enum seal_role role,
                            struct seal_identity *identity, struct error *err)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    enum status status = file_join(folder, sizeof(folder), home->path, "keys", err);
    if (status == ST_OK) {
        status = file_join(path, sizeof(path), folder, name, err);
    }
    return status == ST_OK ? seal_keyfile_load_role(path, role, identity, err) : status;
}

// "log.key", "log-2.key", "log-3.key", …; the same with "tag".
static void key_name(const char *what, unsigned number, char name[KEY_NAME_BYTES])
{
    if (number == 1) {
        snprintf(name, KEY_NAME_BYTES, "%s.key", what);
    } else {
        snprintf(name, KEY_NAME_BYTES, "%s-%u.key", what, number);
    }
}

// All of the log's keys that are there: older ones may have been destroyed.
static enum status load_log_keys(const struct broker_home *home, struct seal_identity *keys,
                                 size_t *count, struct error *err)
{
    enum status status = ST_OK;
    for (unsigned i = 1; status == ST_OK && i <= PROOF_RING_MAX; i++) {
        char name[KEY_NAME_BYTES];
        key_name("log", i, name);
        status = load_key(home, name, SEAL_ROLE_LOG, &keys[*count], err);
        *count += keys[*count].role != SEAL_ROLE_NONE ? 1 : 0;
        status = status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (status == ST_OK && *count == 0) {
        status = error_set(err, ST_NOT_FOUND, "%s/keys/log.key: there is none", home->path);
    }
    return status;
}

// Every tag key from the first on: the later ones are made from what the earlier ones give.
static enum status load_tag_keys(struct broker_home *home, struct error *err)
{
    enum status status = ST_OK;
    for (unsigned i = 1; status == ST_OK && i <= AUDIT_TAG_KEYS_MAX; i++) {
        char name[KEY_NAME_BYTES];
        struct seal_identity *file = &home->tags[i - 1];
        key_name("tag", i, name);
        status = load_key(home, name, SEAL_ROLE_TAG, file, err);
        if (status == ST_NOT_FOUND && i > 1) {
            return ST_OK;
        }
        if (status == ST_OK && file->secret_count != 1) {
            status = error_set(err, ST_UNSUPPORTED, "%s/keys/%s: holds %zu tag keys; one a file",
                               home->path, name, file->secret_count);
        }
        if (status == ST_OK) {
            home->tag_secrets[home->tag_count++] = file->secrets[0];
        }
    }
    return status;
}

static enum status load_keys(struct broker_home *home, struct error *err)
{
    enum status status = load_key(home, "broker.key", SEAL_ROLE_BROKER, &home->broker, err);
    if (status == ST_OK) {
        status = load_log_keys(home, home->logs, &home->log_count, err);
    }
    if (status == ST_OK) {
        status = load_key(home, "master.key", SEAL_ROLE_MASTER, &home->master, err);
    }
    if (status == ST_OK) {
        status = load_tag_keys(home, err);
    }
    return status;
}

enum status broker_home_settled(const struct broker_home *home, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/keys/master-next.key", home->path) < (int)sizeof(path) &&
        file_exists(path)) {
        return error_set(err, ST_DENIED,
                         "%s: a change of the master key is not finished; run 'vedomo keys rewrap "
                         "%s'",
                         path, home->path);
    }
    return ST_OK;
}

static enum status open_folders(struct broker_home *home, struct error *err)
{
    char bodies[PATH_MAX];
    if (snprintf(home->cards, PATH_MAX, "%s/cards", home->path) >= PATH_MAX ||
        snprintf(home->bundles, PATH_MAX, "%s/bundles", home->path) >= PATH_MAX ||
        snprintf(bodies, PATH_MAX, "%s/keys/body", home->path) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "%s: path too long", home->path);
    }
    if (home->lock <= 0) { // read only
        return ST_OK;
    }
    enum status status = file_make_folder(home->bundles, 0700, err);
    return status != ST_OK ? status
                           : audit_vault_open(bodies, home->master.secrets[0], &home->vault, err);
}

static enum status open_home(const char *path, bool lock, struct broker_home *home,
                             struct error *err)
{
    char file[PATH_MAX];
    struct broker_home opened = { 0 };
    if (realpath(path, opened.path) == NULL ||
        snprintf(file, sizeof(file), "%s/vedomod.yaml", opened.path) >= (int)sizeof(file)) {
        return error_errno(err, ST_NOT_FOUND, "home '%s' (make one with 'vedomo init')", path);
    }
    enum status status = config_load(CONFIG_VEDOMOD, file, &opened.config, err);
    if (status == ST_OK) {
        opened.settings = config_vedomod(opened.config);
        opened.origin = bytes_text(opened.settings->origin);
        opened.registrar = opened.settings->registrar.pins;
        opened.policy = opened.settings->policy.pins;
        status = load_keys(&opened, err);
    }
    if (status == ST_OK && lock) {
        // The log has one writer: a second broker on the same home must not begin.
        status = lock_folder(opened.path, "another broker runs on this home; stop it first",
                             &opened.lock, err);
    }
    if (status == ST_OK) {
        status = open_folders(&opened, err);
    }
    if (status != ST_OK) {
        broker_home_close(&opened);
        return status;
    }
    *home = opened;
    return ST_OK;
}

enum status broker_home_open(const char *path, struct broker_home *home, struct error *err)
{
    return open_home(path, true, home, err);
}

enum status broker_home_read(const char *path, struct broker_home *home, struct error *err)
{
    return open_home(path, false, home, err);
}

void broker_home_close(struct broker_home *home)
{
    audit_vault_close(&home->vault);
    seal_identity_fini(&home->broker);
    for (size_t i = 0; i < PROOF_RING_MAX; i++) {
        seal_identity_fini(&home->logs[i]);
    }
    seal_identity_fini(&home->master);
    for (size_t i = 0; i < AUDIT_TAG_KEYS_MAX; i++) {
        seal_identity_fini(&home->tags[i]);
    }
    config_destroy(&home->config);
    if (home->lock > 0) {
        close(home->lock);
    }
    *home = (struct broker_home){ 0 };
}

enum status broker_home_log_key(const struct broker_home *home, const struct digest *key,
                                struct seal_signer **signer, struct error *err)
{
    struct seal_identity keys[PROOF_RING_MAX] = { { .role = SEAL_ROLE_NONE } };
    size_t count = 0;
    enum status status = load_log_keys(home, keys, &count, err);
    struct seal_signer *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK && found == NULL && digest_equal(&keys[i].sign_key, key)) {
            found = keys[i].signer;
            keys[i].signer = NULL;
        }
        seal_identity_fini(&keys[i]);
    }
    if (status == ST_OK && found == NULL) {
        status = error_set(err, ST_NOT_FOUND,
                           "the broker does not hold the new key; put its file into its folder, "
                           "as keys/log-2.key or the next free number");
    }
    if (status == ST_OK) {
        *signer = found;
    }
    return status;
}

enum status broker_home_keep_keys(const struct broker_home *home, const struct proof_ring *ring,
                                  struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(PROOF_RING_TEXT_MAX);
    enum status status = ST_OK;
    if (snprintf(path, sizeof(path), "%s/log.keys", home->path) >= (int)sizeof(path)) {
        status = error_set(err, ST_USAGE, "%s: path too long", home->path);
    }
    proof_ring_format(ring, &text);
    if (status == ST_OK) {
        status = buffer_ok(&text, "keys of the log", err);
    }
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&text), 0644, err);
    }
    buffer_fini(&text);
    return status;
}
