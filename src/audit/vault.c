// Keys of the bodies, one file each:
//
//   vedomo-body-key 1
//   id <decimal>
//   nonce <base64, 24 bytes>          or:  forgotten <time>
//   key <base64, 48 bytes>                 the wrapped key
//
// The wrapping key is derived from the master key; AD = "vedomo/1 body key\0" ‖ u32 id. A key that
// was loaded stays in its slot until close, so that readers need no lock; forgetting marks it.
//
// Forgetting overwrites the file with zeros, syncs it, and then replaces it by one that says so. A
// process that ends in between leaves zeros: the key is gone, and the next forgetting says so.
#include "audit/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/month.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "seal/box.h"
#include "seal/hash.h"
#include "seal/random.h"

enum { SLOTS = 4096, FILE_BYTES_MAX = 1024, ORIGIN_BYTES_MAX = 255 };

static const char first_line[] = "vedomo-body-key 1\n";

struct vault_key {
    struct seal_secret *secret;
    atomic_bool forgotten;
};

struct audit_vault {
    char folder[PATH_MAX];
    struct seal_secret *wrap;
    _Atomic(struct vault_key *) slots[SLOTS];
};

enum status audit_vault_open(const char *folder, const struct seal_secret *master,
                             struct audit_vault **vault, struct error *err)
{
    struct audit_vault *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "body keys");
    }
    enum status status = ST_OK;
    if (snprintf(opened->folder, sizeof(opened->folder), "%s", folder) >=
        (int)sizeof(opened->folder)) {
        status = error_set(err, ST_USAGE, "body keys: path too long");
        goto out;
    }
    status = file_make_folder(folder, 0700, err);
    if (status == ST_OK) {
        status = seal_kdf(master, "bodywrap", 0, &opened->wrap, err);
    }
out:
    if (status == ST_OK) {
        *vault = opened;
    } else {
        audit_vault_close(&opened);
    }
    return status;
}

static void key_destroy(struct vault_key **key)
{
    if (*key != NULL) {
        seal_secret_destroy(&(*key)->secret);
        free(*key);
        *key = NULL;
    }
}

void audit_vault_close(struct audit_vault **vault)
{
    if (*vault == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        struct vault_key *key = atomic_load(&(*vault)->slots[i]);
        key_destroy(&key);
    }
    seal_secret_destroy(&(*vault)->wrap);
    free(*vault);
    *vault = NULL;
}

uint32_t audit_vault_key_id(enum wire_class class, uint32_t minutes)
{
    if (class == WIRE_CLASS_CONSENT || class == WIRE_CLASS_GOVERNANCE ||
        class == WIRE_CLASS_EPOCH) {
        return AUDIT_KEY_LASTING;
    }
    return audit_month_of(minutes);
}

static enum status key_path(const struct audit_vault *vault, uint32_t key_id, char path[PATH_MAX],
                            struct error *err)
{
    int length = 0;
    if (key_id == AUDIT_KEY_LASTING) {
        length = snprintf(path, PATH_MAX, "%s/lasting.key", vault->folder);
    } else {
        char month[AUDIT_MONTH_TEXT_BYTES];
        audit_month_format(key_id, month);
        length = snprintf(path, PATH_MAX, "%s/%s.key", vault->folder, month);
    }
    if (length >= PATH_MAX) {
        return error_set(err, ST_USAGE, "body keys: path too long");
    }
    return ST_OK;
}

// Constant part and id: what a wrapped key is bound to.
static struct bytes wrap_ad(uint32_t key_id, uint8_t ad[32])
{
    static const char label[] = "vedomo/1 body key";
    memcpy(ad, label, sizeof(label));
    for (unsigned i = 0; i < 4; i++) {
        ad[sizeof(label) + i] = (uint8_t)(key_id >> (24 - 8 * i));
    }
    return bytes_of(ad, sizeof(label) + 4);
}

static const struct digest *key_bytes(const struct seal_secret *secret)
{
    return (const struct digest *)seal_secret_view(secret).data;
}

// The rest of the next line of `text` behind `name` and a space; moves `text` on. Empty: the line
// is another.
static struct bytes take_line(struct bytes *text, const char *name)
{
    size_t length = strlen(name);
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    if (end == NULL || (size_t)(end - text->data) <= length + 1 ||
        memcmp(text->data, name, length) != 0 || text->data[length] != ' ') {
        return (struct bytes){ 0 };
    }
    struct bytes rest = bytes_of(text->data + length + 1, (size_t)(end - text->data) - length - 1);
    *text = bytes_of(end + 1, text->size - (size_t)(end - text->data) - 1);
    return rest;
}

// What forgetting leaves when it was cut short.
static bool is_overwritten(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != 0) {
            return false;
        }
    }
    return text.size > 0;
}

static enum status unwrap(const struct audit_vault *vault, uint32_t key_id, const char *path,
                          struct bytes text, struct vault_key *key, struct error *err)
{
    struct buffer nonce = buffer_init(SEAL_NONCE_BYTES);
    struct buffer box = buffer_init(DIGEST_BYTES + SEAL_TAG_BYTES);
    struct digest plain;
    uint8_t ad[32];
    uint64_t id = 0;
    enum status status = ST_OK;
    if (is_overwritten(text)) {
        atomic_store(&key->forgotten, true);
        goto out;
    }
    if (text.size < sizeof(first_line) - 1 ||
        memcmp(text.data, first_line, sizeof(first_line) - 1) != 0) {
        status = error_set(err, ST_CORRUPT, "%s: not a body key", path);
        goto out;
    }
    text = bytes_of(text.data + sizeof(first_line) - 1, text.size - sizeof(first_line) + 1);
    if (!text_u64_parse(take_line(&text, "id"), UINT32_MAX, &id) || id != key_id) {
        status = error_set(err, ST_CORRUPT, "%s: the key of another month", path);
        goto out;
    }
    if (take_line(&text, "forgotten").size > 0) {
        atomic_store(&key->forgotten, true);
        goto out;
    }
    if (!text_base64_decode(&nonce, take_line(&text, "nonce")) || nonce.size != SEAL_NONCE_BYTES ||
        !text_base64_decode(&box, take_line(&text, "key")) ||
        box.size != DIGEST_BYTES + SEAL_TAG_BYTES || text.size != 0) {
        status = error_set(err, ST_CORRUPT, "%s: damaged", path);
        goto out;
    }
    if (!seal_box_open(key_bytes(vault->wrap), nonce.data, wrap_ad(key_id, ad), buffer_view(&box),
                       plain.bytes)) {
        status = error_set(err, ST_CORRUPT, "%s: damaged, or wrapped by another master key", path);
        goto out;
    }
    status = seal_secret_copy(bytes_digest(&plain), &key->secret, err);
    seal_wipe(&plain, sizeof(plain));
out:
    buffer_fini(&nonce);
    buffer_fini(&box);
    return status;
}

// The key in its slot, loaded from its file when it is not there yet. Any thread.
static enum status load(struct audit_vault *vault, uint32_t key_id, struct vault_key **key,
                        struct error *err)
{
    if (key_id >= SLOTS) {
        return error_set(err, ST_CORRUPT, "body key %u: no such month", key_id);
    }
    struct vault_key *found = atomic_load(&vault->slots[key_id]);
    if (found != NULL) {
        *key = found;
        return ST_OK;
    }
    char path[PATH_MAX];
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    struct vault_key *fresh = calloc(1, sizeof(*fresh));
    enum status status =
        fresh == NULL ? error_set(err, ST_NOMEM, "body key") : key_path(vault, key_id, path, err);
    if (status == ST_OK) {
        status = file_read(path, FILE_BYTES_MAX, &text, err);
        status = status == ST_MALFORMED ? ST_CORRUPT : status;
    }
    if (status == ST_OK) {
        status = unwrap(vault, key_id, path, buffer_view(&text), fresh, err);
    }
    buffer_fini(&text);
    if (status != ST_OK) {
        key_destroy(&fresh);
        return status;
    }
    struct vault_key *none = NULL;
    if (!atomic_compare_exchange_strong(&vault->slots[key_id], &none, fresh)) {
        key_destroy(&fresh); // another thread was first
        fresh = none;
    }
    *key = fresh;
    return ST_OK;
}

// Appends the file of a key, wrapped.
static enum status wrap(const struct audit_vault *vault, uint32_t key_id,
                        const struct seal_secret *secret, struct buffer *text, struct error *err)
{
    uint8_t nonce[SEAL_NONCE_BYTES];
    uint8_t box[DIGEST_BYTES + SEAL_TAG_BYTES];
    uint8_t ad[32];
    seal_random(nonce, sizeof(nonce));
    seal_box_close(key_bytes(vault->wrap), nonce, wrap_ad(key_id, ad), seal_secret_view(secret),
                   box);
    buffer_text(text, first_line);
    buffer_format(text, "id %u\nnonce ", key_id);
    text_base64_encode(text, bytes_of(nonce, sizeof(nonce)));
    buffer_text(text, "\nkey ");
    text_base64_encode(text, bytes_of(box, sizeof(box)));
    buffer_text(text, "\n");
    return buffer_ok(text, "body key", err);
}

static enum status make(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    char path[PATH_MAX];
    struct seal_secret *secret = NULL;
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = key_path(vault, key_id, path, err);
    if (status == ST_OK) {
        status = seal_secret_random(DIGEST_BYTES, &secret, err);
    }
    if (status == ST_OK) {
        status = wrap(vault, key_id, secret, &text, err);
    }
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    seal_secret_destroy(&secret);
    buffer_fini(&text);
    return status;
}

// One file: from under the old master key to under the new one. Whatever is there stays until the
// new file has taken its place.
static enum status rewrap(const struct audit_vault *old, const struct audit_vault *new,
                          uint32_t key_id, size_t *wrapped, struct error *err)
{
    char path[PATH_MAX];
    struct error why;
    struct buffer before = buffer_init(FILE_BYTES_MAX);
    struct buffer after = buffer_init(FILE_BYTES_MAX);
    struct vault_key *key = calloc(1, sizeof(*key));
    enum status status =
        key == NULL ? error_set(err, ST_NOMEM, "body key") : key_path(old, key_id, path, err);
    if (status != ST_OK || !file_exists(path)) {
        goto out;
    }
    status = file_read(path, FILE_BYTES_MAX, &before, err);
    if (status == ST_OK && unwrap(new, key_id, path, buffer_view(&before), key, &why) == ST_OK) {
        goto out; // done by an earlier run, or forgotten
    }
    if (status == ST_OK) {
        status = unwrap(old, key_id, path, buffer_view(&before), key, err);
    }
    if (status == ST_OK) {
        status = wrap(new, key_id, key->secret, &after, err);
    }
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&after), 0600, err);
        *wrapped += status == ST_OK ? 1 : 0;
    }
out:
    key_destroy(&key);
    buffer_fini(&before);
    buffer_fini(&after);
    return status;
}

enum status audit_vault_rewrap(const char *folder, const struct seal_secret *old_master,
                               const struct seal_secret *new_master, size_t *wrapped,
                               struct error *err)
{
    struct audit_vault *old = NULL;
    struct audit_vault *new = NULL;
    enum status status = audit_vault_open(folder, old_master, &old, err);
    if (status == ST_OK) {
        status = audit_vault_open(folder, new_master, &new, err);
    }
    *wrapped = 0;
    for (uint32_t id = 0; status == ST_OK && id < SLOTS; id++) {
        status = rewrap(old, new, id, wrapped, err);
    }
    audit_vault_close(&old);
    audit_vault_close(&new);
    return status;
}

enum status audit_vault_prepare(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    struct vault_key *key = NULL;
    enum status status = load(vault, key_id, &key, err);
    if (status == ST_NOT_FOUND) {
        status = make(vault, key_id, err);
        if (status == ST_OK) {
            status = load(vault, key_id, &key, err);
        }
    }
    if (status == ST_OK && atomic_load(&key->forgotten)) {
        return error_set(err, ST_DENIED, "body key %u: forgotten under the retention rule", key_id);
    }
    return status;
}

// AD of a body: origin, index, leaf hash.
static enum status body_ad(struct bytes origin, uint64_t index, const struct digest *leaf_hash,
                           uint8_t storage[ORIGIN_BYTES_MAX + 8 + DIGEST_BYTES], struct bytes *ad,
                           struct error *err)
{
    if (origin.size > ORIGIN_BYTES_MAX) {
        return error_set(err, ST_USAGE, "origin longer than %d bytes", ORIGIN_BYTES_MAX);
    }
    memcpy(storage, origin.data, origin.size);
    (void)seal_u64(storage + origin.size, index);
    memcpy(storage + origin.size + 8, leaf_hash->bytes, DIGEST_BYTES);
    *ad = bytes_of(storage, origin.size + 8 + DIGEST_BYTES);
    return ST_OK;
}

enum status audit_vault_seal_body(struct audit_vault *vault, uint32_t key_id, struct bytes origin,
                                  uint64_t index, const struct digest *leaf_hash,
                                  struct bytes plain, uint8_t nonce[AUDIT_BOX_NONCE_BYTES],
                                  uint8_t *box, struct error *err)
{
    uint8_t storage[ORIGIN_BYTES_MAX + 8 + DIGEST_BYTES];
    struct bytes ad;
    struct vault_key *key = NULL;
    enum status status = load(vault, key_id, &key, err);
    if (status == ST_OK && atomic_load(&key->forgotten)) {
        status = error_set(err, ST_DENIED, "body key %u: forgotten", key_id);
    }
    if (status == ST_OK) {
        status = body_ad(origin, index, leaf_hash, storage, &ad, err);
    }
    if (status == ST_OK) {
        seal_random(nonce, AUDIT_BOX_NONCE_BYTES);
        seal_box_close(key_bytes(key->secret), nonce, ad, plain, box);
    }
    return status;
}

// A key that opens bodies. ST_NOT_FOUND: forgotten.
static enum status load_usable(struct audit_vault *vault, uint32_t key_id, struct vault_key **key,
                               struct error *err)
{
    enum status status = load(vault, key_id, key, err);
    if (status == ST_NOT_FOUND) {
        // A forgotten month leaves a file that says so; one without any has been lost.
        return error_set(err, ST_IO, "body key %u: its file is missing", key_id);
    }
    if (status == ST_OK && atomic_load(&(*key)->forgotten)) {
        return error_set(err, ST_NOT_FOUND, "body key %u: forgotten under the retention rule",
                         key_id);
    }
    return status;
}

enum status audit_vault_check(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    struct vault_key *key = NULL;
    return load_usable(vault, key_id, &key, err);
}

enum status audit_vault_open_body(struct audit_vault *vault, uint32_t key_id, struct bytes origin,
                                  uint64_t index, const struct digest *leaf_hash,
                                  const uint8_t nonce[AUDIT_BOX_NONCE_BYTES], struct bytes box,
                                  uint8_t *plain, struct error *err)
{
    uint8_t storage[ORIGIN_BYTES_MAX + 8 + DIGEST_BYTES];
    struct bytes ad;
    struct vault_key *key = NULL;
    if (box.size < AUDIT_BOX_TAG_BYTES) {
        return error_set(err, ST_CORRUPT, "entry %llu: its body is cut short",
                         (unsigned long long)index);
    }
    enum status status = load_usable(vault, key_id, &key, err);
    if (status == ST_OK) {
        status = body_ad(origin, index, leaf_hash, storage, &ad, err);
    }
    if (status == ST_OK && !seal_box_open(key_bytes(key->secret), nonce, ad, box, plain)) {
        status = error_set(err, ST_CORRUPT, "entry %llu: its body does not open",
                           (unsigned long long)index);
    }
    return status;
}

// Zeroes what the file holds, in its place on the disk.
static enum status overwrite(const char *path, struct error *err)
{
    static const uint8_t zeros[FILE_BYTES_MAX];
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", path);
    }
    off_t size = lseek(fd, 0, SEEK_END);
    size_t length = size < 0 || size > FILE_BYTES_MAX ? FILE_BYTES_MAX : (size_t)size;
    enum status status = ST_OK;
    if (pwrite(fd, zeros, length, 0) != (ssize_t)length || fsync(fd) != 0) {
        status = error_errno(err, ST_IO, "%s: overwriting", path);
    }
    close(fd);
    return status;
}

// Marks a key that was loaded. One that was not is read from its file again, when it is wanted.
static void mark(struct audit_vault *vault, uint32_t key_id)
{
    struct vault_key *key = atomic_load(&vault->slots[key_id]);
    if (key != NULL) {
        atomic_store(&key->forgotten, true);
    }
}

enum status audit_vault_forget(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    if (key_id == AUDIT_KEY_LASTING || key_id >= SLOTS) {
        return error_set(err, ST_DENIED, "body key %u: not a month's key", key_id);
    }
    char path[PATH_MAX];
    char now[CLOCK_TEXT_BYTES];
    struct buffer old = buffer_init(FILE_BYTES_MAX);
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = key_path(vault, key_id, path, err);
    if (status == ST_OK) {
        status = file_read(path, FILE_BYTES_MAX, &old, err);
    }
    if (status != ST_OK) {
        goto out;
    }
    clock_format(clock_wall_ms(), now);
    buffer_text(&text, first_line);
    buffer_format(&text, "id %u\nforgotten ", key_id);
    bool said = old.size > text.size && memcmp(old.data, text.data, text.size) == 0;
    buffer_format(&text, "%s\n", now);
    status = buffer_ok(&text, "body key", err);
    if (status == ST_OK && !said) {
        status = overwrite(path, err);
    }
    if (status == ST_OK) {
        mark(vault, key_id);
    }
    if (status == ST_OK && !said) {
        status = file_replace(path, buffer_view(&text), 0600, err);
    }
out:
    seal_wipe(old.data, old.size);
    buffer_fini(&old);
    buffer_fini(&text);
    return status;
}
