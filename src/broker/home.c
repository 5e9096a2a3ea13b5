// Opening the home: every key must be there, private, and of the right role.
#include "broker/home.h"

#include "base/file.h"

#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static enum status load_key(const struct broker_home *home, const char *name, enum seal_role role,
                            struct seal_identity *identity, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/keys/%s", home->path, name) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home->path);
    }
    enum status status = seal_keyfile_load(path, identity, err);
    if (status == ST_OK && identity->role != role) {
        status = error_set(err, ST_USAGE, "%s: holds a key of role %s, not %s", path,
                           seal_role_name(identity->role), seal_role_name(role));
    }
    return status;
}

static enum status read_pins(const struct config_pins *pins, const char *what,
                             struct registry_pins *out, struct error *err)
{
    const struct config_key *keys = pins->keys.items;
    if (pins->keys.count > REGISTRY_PINS_MAX) {
        return error_set(err, ST_USAGE, "configuration: more than %d keys in %s", REGISTRY_PINS_MAX,
                         what);
    }
    if (pins->threshold == 0 || pins->threshold > pins->keys.count) {
        return error_set(err, ST_USAGE, "configuration: %s.threshold must be 1 to %zu", what,
                         pins->keys.count);
    }
    for (size_t i = 0; i < pins->keys.count; i++) {
        out->keys[i] = keys[i].key;
    }
    out->count = pins->keys.count;
    out->threshold = (size_t)pins->threshold;
    return ST_OK;
}

static enum status load_keys(struct broker_home *home, struct error *err)
{
    static const struct {
        const char *file;
        enum seal_role role;
        size_t place;
    } keys[] = {
        { "broker.key", SEAL_ROLE_BROKER, offsetof(struct broker_home, broker) },
        { "log.key", SEAL_ROLE_LOG, offsetof(struct broker_home, log) },
        { "master.key", SEAL_ROLE_MASTER, offsetof(struct broker_home, master) },
        { "tag.key", SEAL_ROLE_TAG, offsetof(struct broker_home, tag) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct seal_identity *identity = (void *)((char *)home + keys[i].place);
        enum status status = load_key(home, keys[i].file, keys[i].role, identity, err);
        if (status != ST_OK) {
            return status;
        }
    }
    if (home->tag.secret_count != 1) {
        return error_set(err, ST_UNSUPPORTED,
                         "%s/keys/tag.key: holds %zu tag keys; this version works with one",
                         home->path, home->tag.secret_count);
    }
    return ST_OK;
}

// The log has one writer: a second broker on the same home must not begin.
static enum status take_lock(struct broker_home *home, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/lock", home->path) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home->path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_errno(err, ST_IO, "%s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return error_set(err, ST_BUSY, "%s: another broker runs on this home; stop it first",
                         home->path);
    }
    home->lock = fd;
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
    enum status status = file_make_folder(home->bundles, 0700, err);
    return status != ST_OK ? status
                           : audit_vault_open(bodies, home->master.secrets[0], &home->vault, err);
}

enum status broker_home_open(const char *path, struct broker_home *home, struct error *err)
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
        status = read_pins(&opened.settings->registrar, "registrar", &opened.registrar, err);
    }
    if (status == ST_OK) {
        status = read_pins(&opened.settings->policy, "policy", &opened.policy, err);
    }
    if (status == ST_OK) {
        status = load_keys(&opened, err);
    }
    if (status == ST_OK) {
        status = take_lock(&opened, err);
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

void broker_home_close(struct broker_home *home)
{
    audit_vault_close(&home->vault);
    seal_identity_fini(&home->broker);
    seal_identity_fini(&home->log);
    seal_identity_fini(&home->master);
    seal_identity_fini(&home->tag);
    config_destroy(&home->config);
    if (home->lock > 0) {
        close(home->lock);
    }
    *home = (struct broker_home){ 0 };
}
