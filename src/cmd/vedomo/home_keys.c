// The log's public keys from a broker's folder.
#include "home_keys.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "seal/keyfile.h"

static enum status read_first(const char *home, struct proof_ring *ring, struct error *err)
{
    char path[PATH_MAX];
    struct seal_identity log = { 0 };
    struct proof_key key;
    enum status status = file_join(path, sizeof(path), home, "keys/log.key", err);
    if (status == ST_OK) {
        status = seal_keyfile_load_role(path, SEAL_ROLE_LOG, &log, err);
    }
    if (status == ST_OK) {
        status = proof_key_make(log.node, PROOF_KEY_ED25519, &log.sign_key, &key, err);
    }
    if (status == ST_OK) {
        status = proof_ring_init(ring, &key, err);
    }
    seal_identity_fini(&log);
    return status;
}

enum status home_keys_read(const char *home, struct proof_ring *ring, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/log.keys", home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    if (!file_exists(path)) {
        return read_first(home, ring, err);
    }
    struct buffer text = buffer_init(PROOF_RING_TEXT_MAX);
    enum status status = file_read(path, PROOF_RING_TEXT_MAX, &text, err);
    if (status == ST_OK) {
        status = proof_ring_parse(buffer_view(&text), ring, err);
        status = status == ST_OK ? ST_OK : error_wrap(err, "%s", path);
    }
    buffer_fini(&text);
    return status;
}

enum status home_keys_text(const char *home, struct buffer *vkeys, struct error *err)
{
    struct proof_ring ring;
    enum status status = home_keys_read(home, &ring, err);
    for (size_t i = 0; status == ST_OK && i < ring.count; i++) {
        buffer_text(vkeys, i == 0 ? "" : " ");
        proof_key_format(&ring.keys[i], vkeys);
    }
    if (status == ST_OK) {
        buffer_u8(vkeys, 0);
        status = buffer_ok(vkeys, "vkeys", err);
    }
    return status;
}

enum status home_has_log(const char *home, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/log", home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    return file_exists(path) ? ST_OK
                             : error_set(err, ST_NOT_FOUND,
                                         "%s: no broker's folder, there is no log in it", home);
}

enum status home_tags_read(const char *home, struct home_tags *tags, struct error *err)
{
    const struct seal_secret *secrets[AUDIT_TAG_KEYS_MAX];
    size_t count = 0;
    enum status status = ST_OK;
    *tags = (struct home_tags){ .tagger = NULL };
    while (status == ST_OK && count < AUDIT_TAG_KEYS_MAX) {
        char path[PATH_MAX];
        char number[8] = "";
        if (count > 0) {
            snprintf(number, sizeof(number), "-%zu", count + 1);
        }
        if (snprintf(path, sizeof(path), "%s/keys/tag%s.key", home, number) >= (int)sizeof(path)) {
            return error_set(err, ST_USAGE, "%s: path too long", home);
        }
        if (!file_exists(path)) {
            break;
        }
        status = seal_keyfile_load(path, &tags->files[count], err);
        if (status == ST_OK && tags->files[count].secret_count != 1) {
            status = error_set(err, ST_MALFORMED, "%s is not a key of tags", path);
        }
        if (status == ST_OK) {
            secrets[count] = tags->files[count].secrets[0];
            count++;
        }
    }
    return status == ST_OK && count > 0 ? audit_tagger_create(secrets, count, &tags->tagger, err)
                                        : status;
}

void home_tags_fini(struct home_tags *tags)
{
    audit_tagger_destroy(&tags->tagger);
    for (size_t i = 0; i < AUDIT_TAG_KEYS_MAX; i++) {
        seal_identity_fini(&tags->files[i]);
    }
}
