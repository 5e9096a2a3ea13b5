// Files of body keys, named by the key:
//
//   vedomo-body-key 1
//   id <decimal>
//   nonce <base64, 24 bytes>          or:  forgotten <time>
//   key <base64, 48 bytes>                 the wrapped key
//
// The wrapping key is derived from the master key; AD = "vedomo/1 body key\0" ‖ u32 id.
//
// Forgetting overwrites the file with zeros, syncs it, and then replaces it by one that says so. A
// process that ends in between leaves zeros: the key is gone, and the next forgetting says so.
#include "audit/vault_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "seal/box.h"
#include "seal/random.h"

enum { FILE_BYTES_MAX = 1024 };

static const char first_line[] = "vedomo-body-key 1\n";
static const char name_end[] = ".key";

static enum status key_path(const struct audit_vault *vault, uint32_t key_id, char path[PATH_MAX],
                            struct error *err)
{
    char name[AUDIT_KEY_NAME_BYTES];
    audit_body_key_name(key_id, name);
    if (snprintf(path, PATH_MAX, "%s/%s%s", vault->folder, name, name_end) >= PATH_MAX) {
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
        status = error_set(err, ST_CORRUPT, "%s: the file of another key", path);
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
    if (!seal_box_open(vault_secret_bytes(vault->wrap), nonce.data, wrap_ad(key_id, ad),
                       buffer_view(&box), plain.bytes)) {
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

// Appends the file of a key, wrapped.
static enum status wrap(const struct audit_vault *vault, uint32_t key_id,
                        const struct seal_secret *secret, struct buffer *text, struct error *err)
{
    uint8_t nonce[SEAL_NONCE_BYTES];
    uint8_t box[DIGEST_BYTES + SEAL_TAG_BYTES];
    uint8_t ad[32];
    seal_random(nonce, sizeof(nonce));
    seal_box_close(vault_secret_bytes(vault->wrap), nonce, wrap_ad(key_id, ad),
                   seal_secret_view(secret), box);
    buffer_text(text, first_line);
    buffer_format(text, "id %u\nnonce ", key_id);
    text_base64_encode(text, bytes_of(nonce, sizeof(nonce)));
    buffer_text(text, "\nkey ");
    text_base64_encode(text, bytes_of(box, sizeof(box)));
    buffer_text(text, "\n");
    return buffer_ok(text, "body key", err);
}

enum status vault_file_read(const struct audit_vault *vault, uint32_t key_id, struct vault_key *key,
                            struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = key_path(vault, key_id, path, err);
    if (status == ST_OK) {
        status = file_read(path, FILE_BYTES_MAX, &text, err);
        status = status == ST_MALFORMED ? ST_CORRUPT : status;
    }
    if (status == ST_OK) {
        status = unwrap(vault, key_id, path, buffer_view(&text), key, err);
    }
    buffer_fini(&text);
    return status;
}

enum status vault_file_make(const struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    char path[PATH_MAX];
    struct seal_secret *secret = NULL;
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = key_path(vault, key_id, path, err);
    if (status == ST_OK && file_exists(path)) {
        status = error_set(err, ST_EXISTS, "%s: there is one", path);
    }
    if (status == ST_OK) {
        status = seal_secret_random(DIGEST_BYTES, &secret, err);
    }
    if (status == ST_OK) {
        status = wrap(vault, key_id, secret, &text, err);
    }
    if (status == ST_OK) { // whole under its name, whenever the process ends
        status = file_replace(path, buffer_view(&text), 0600, err);
    }
    seal_secret_destroy(&secret);
    buffer_fini(&text);
    return status;
}

// ---- what is in the folder

static enum status each_file(const struct audit_vault *vault, file_visit visit, void *context,
                             struct error *err)
{
    enum status status = file_each(vault->folder, visit, context, err);
    return status == ST_NOT_FOUND ? ST_IO : status; // it was there when the vault was opened
}

static bool is_key_file(const char *name, uint32_t *key_id)
{
    size_t size = strlen(name);
    size_t end = sizeof(name_end) - 1;
    return size > end && strcmp(name + size - end, name_end) == 0 &&
           audit_body_key_parse(bytes_of(name, size - end), key_id);
}

// Bit g of a month: its key of generation g has a file.
struct key_files {
    uint64_t generations[AUDIT_KEY_MONTHS];
};

static bool note_file(const char *name, void *context)
{
    struct key_files *files = context;
    uint32_t key_id = 0;
    if (is_key_file(name, &key_id)) {
        files->generations[audit_body_key_month(key_id)] |= 1ULL
                                                            << audit_body_key_generation(key_id);
    }
    return true;
}

static enum status list_files(const struct audit_vault *vault, struct key_files **files,
                              struct error *err)
{
    struct key_files *listed = calloc(1, sizeof(*listed));
    enum status status = listed == NULL ? error_set(err, ST_NOMEM, "body keys")
                                        : each_file(vault, note_file, listed, err);
    if (status == ST_OK) {
        *files = listed;
    } else {
        free(listed);
    }
    return status;
}

enum status vault_files_of(const struct audit_vault *vault, uint32_t month, uint64_t *generations,
                           struct error *err)
{
    struct key_files *files = NULL;
    enum status status = list_files(vault, &files, err);
    if (status == ST_OK) {
        *generations = files->generations[month];
        free(files);
    }
    return status;
}

// ---- another master key

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
    if (status == ST_OK) {
        status = file_read(path, FILE_BYTES_MAX, &before, err);
    }
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
    vault_key_destroy(&key);
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
    struct key_files *files = NULL;
    enum status status = audit_vault_open(folder, old_master, &old, err);
    if (status == ST_OK) {
        status = audit_vault_open(folder, new_master, &new, err);
    }
    if (status == ST_OK) {
        status = list_files(old, &files, err);
    }
    *wrapped = 0;
    for (uint32_t id = 0; status == ST_OK && id < AUDIT_KEY_IDS; id++) {
        uint64_t there = files->generations[audit_body_key_month(id)];
        if ((there >> audit_body_key_generation(id) & 1) != 0) {
            status = rewrap(old, new, id, wrapped, err);
        }
    }
    free(files);
    audit_vault_close(&old);
    audit_vault_close(&new);
    return status;
}

// ---- forgetting

enum status vault_file_forget(const struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    char path[PATH_MAX];
    char now[CLOCK_TEXT_BYTES];
    struct buffer old = buffer_init(FILE_BYTES_MAX);
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = key_path(vault, key_id, path, err);
    if (status == ST_OK) {
        status = file_read(path, FILE_BYTES_MAX, &old, err);
    }
    clock_format(clock_wall_ms(), now);
    buffer_text(&text, first_line);
    buffer_format(&text, "id %u\nforgotten ", key_id);
    bool said =
        status == ST_OK && old.size > text.size && memcmp(old.data, text.data, text.size) == 0;
    bool there = status == ST_OK || status == ST_MALFORMED; // one that is too long goes as well
    buffer_format(&text, "%s\n", now);
    if (there && !said) {
        status = buffer_ok(&text, "body key", err);
        if (status == ST_OK) {
            status = file_overwrite(path, err);
        }
        if (status == ST_OK) {
            status = file_replace(path, buffer_view(&text), 0600, err);
        }
    }
    seal_wipe(old.data, old.size);
    buffer_fini(&old);
    buffer_fini(&text);
    return status;
}

struct stray {
    const struct audit_vault *vault;
    char month[AUDIT_KEY_NAME_BYTES];
    char path[PATH_MAX]; // empty: none was found
};

static bool find_stray(const char *name, void *context)
{
    struct stray *stray = context;
    struct stat info;
    uint32_t key_id = 0;
    size_t length = strlen(stray->month);
    if (strncmp(name, stray->month, length) != 0 || (name[length] != '.' && name[length] != '-') ||
        is_key_file(name, &key_id) ||
        snprintf(stray->path, sizeof(stray->path), "%s/%s", stray->vault->folder, name) >=
            (int)sizeof(stray->path) ||
        lstat(stray->path, &info) != 0 || (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))) {
        stray->path[0] = '\0';
        return true;
    }
    return false;
}

enum status vault_files_sweep(const struct audit_vault *vault, uint32_t month, size_t *removed,
                              struct error *err)
{
    struct stray stray = { .vault = vault };
    audit_body_key_name(month, stray.month);
    enum status status = ST_OK;
    do {
        stray.path[0] = '\0';
        status = each_file(vault, find_stray, &stray, err);
        if (status == ST_OK && stray.path[0] != '\0') {
            status = file_erase(stray.path, err);
            *removed += status == ST_OK ? 1 : 0;
        }
    } while (status == ST_OK && stray.path[0] != '\0');
    return status;
}
