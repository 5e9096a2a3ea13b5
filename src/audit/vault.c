// Keys of the bodies in memory: loaded when they are wanted, from files (vault_file.c). A key that
// was loaded stays in its place until close, so that readers need no lock; forgetting marks it.
//
// Which key is in use: each month begins with its first one, and goes on with the next from the
// entry on that says so. A new key is planned for a place in an append, and counts once that append
// is durable. Its file is durable before; one whose entry never came is left alone: no later key
// has its number, so nothing is ever encrypted under a key that lay about.
#include "audit/vault_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/month.h"
#include "base/file.h"
#include "seal/box.h"
#include "seal/hash.h"
#include "seal/random.h"

enum { ORIGIN_BYTES_MAX = 255 };

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

void vault_key_destroy(struct vault_key **key)
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
    for (size_t i = 0; i < AUDIT_KEY_GENERATIONS; i++) {
        struct vault_generation *generation = atomic_load(&(*vault)->generations[i]);
        for (size_t month = 0; generation != NULL && month < AUDIT_KEY_MONTHS; month++) {
            struct vault_key *key = atomic_load(&generation->keys[month]);
            vault_key_destroy(&key);
        }
        free(generation);
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

// ---- loading

// The key if it has been loaded. Any thread.
static struct vault_key *loaded(struct audit_vault *vault, uint32_t key_id)
{
    struct vault_generation *generation =
        atomic_load(&vault->generations[audit_body_key_generation(key_id)]);
    return generation == NULL ? NULL : atomic_load(&generation->keys[audit_body_key_month(key_id)]);
}

// Gives a fresh key its place; takes another thread's instead where that was first. Any thread.
static enum status keep(struct audit_vault *vault, uint32_t key_id, struct vault_key **fresh,
                        struct error *err)
{
    _Atomic(struct vault_generation *) *place =
        &vault->generations[audit_body_key_generation(key_id)];
    struct vault_generation *generation = atomic_load(place);
    if (generation == NULL) {
        struct vault_generation *made = calloc(1, sizeof(*made));
        if (made == NULL) {
            return error_set(err, ST_NOMEM, "body key");
        }
        if (atomic_compare_exchange_strong(place, &generation, made)) {
            generation = made;
        } else {
            free(made);
        }
    }
    uint32_t month = audit_body_key_month(key_id);
    struct vault_key *none = NULL;
    if (!atomic_compare_exchange_strong(&generation->keys[month], &none, *fresh)) {
        vault_key_destroy(fresh);
        *fresh = none;
    }
    // Its file may have been read just before the month was forgotten, and is in its place now:
    // seen either by mark_forgotten() or here.
    if (atomic_load(&vault->forgotten[month])) {
        atomic_store(&(*fresh)->forgotten, true);
    }
    return ST_OK;
}

// The key in its place, loaded from its file when it is not there yet. Any thread.
static enum status load(struct audit_vault *vault, uint32_t key_id, struct vault_key **key,
                        struct error *err)
{
    if (key_id >= AUDIT_KEY_IDS) {
        return error_set(err, ST_CORRUPT, "body key %u: no such key", key_id);
    }
    struct vault_key *found = loaded(vault, key_id);
    if (found != NULL) {
        *key = found;
        return ST_OK;
    }
    struct vault_key *fresh = calloc(1, sizeof(*fresh));
    enum status status = fresh == NULL ? error_set(err, ST_NOMEM, "body key")
                                       : vault_file_read(vault, key_id, fresh, err);
    if (status == ST_OK) {
        status = keep(vault, key_id, &fresh, err);
    }
    if (status == ST_OK) {
        *key = fresh;
    } else {
        vault_key_destroy(&fresh);
    }
    return status;
}

static enum status say(struct error *err, enum status status, uint32_t key_id, const char *what)
{
    char name[AUDIT_KEY_NAME_BYTES];
    audit_body_key_name(key_id, name);
    return error_set(err, status, "body key %s: %s", name, what);
}

// A key that opens bodies. ST_NOT_FOUND: forgotten.
static enum status load_usable(struct audit_vault *vault, uint32_t key_id, struct vault_key **key,
                               struct error *err)
{
    enum status status = load(vault, key_id, key, err);
    if (status == ST_NOT_FOUND) {
        // A forgotten month leaves a file that says so; one without any has been lost.
        return say(err, ST_IO, key_id, "its file is missing");
    }
    if (status == ST_OK && atomic_load(&(*key)->forgotten)) {
        return say(err, ST_NOT_FOUND, key_id, "forgotten under the retention rule");
    }
    return status;
}

// A key that bodies may be sealed under. ST_DENIED: forgotten.
static enum status load_open(struct audit_vault *vault, uint32_t key_id, struct vault_key **key,
                             struct error *err)
{
    enum status status = load_usable(vault, key_id, key, err);
    return status == ST_NOT_FOUND ? ST_DENIED : status;
}

enum status audit_vault_prepare(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    struct vault_key *key = NULL;
    enum status status = load(vault, key_id, &key, err);
    if (status == ST_NOT_FOUND && audit_body_key_generation(key_id) == 0) {
        status = vault_file_make(vault, key_id, err);
    }
    return status == ST_OK || status == ST_NOT_FOUND ? load_open(vault, key_id, &key, err) : status;
}

enum status audit_vault_check(struct audit_vault *vault, uint32_t key_id, struct error *err)
{
    struct vault_key *key = NULL;
    return load_usable(vault, key_id, &key, err);
}

struct digest audit_key_mark(const struct seal_secret *secret)
{
    struct bytes label = seal_label("vedomo/1 key mark");
    return seal_blake2b(seal_secret_view(secret), &label, 1);
}

enum status audit_vault_mark(struct audit_vault *vault, uint32_t key_id, struct digest *mark,
                             struct error *err)
{
    struct vault_key *key = NULL;
    enum status status = load_usable(vault, key_id, &key, err);
    if (status == ST_OK) {
        *mark = audit_key_mark(key->secret);
    }
    return status;
}

// ---- which key is in use

uint32_t audit_vault_current(const struct audit_vault *vault, enum wire_class class,
                             uint32_t minutes)
{
    uint32_t first = audit_vault_key_id(class, minutes);
    bool lasts = first == AUDIT_KEY_LASTING;
    uint32_t now = (uint32_t)atomic_load(lasts ? &vault->lasting.id : &vault->month.id);
    return audit_body_key_month(now) == first ? now : first;
}

uint64_t audit_vault_since(const struct audit_vault *vault, uint32_t key_id)
{
    bool lasts = audit_body_key_month(key_id) == AUDIT_KEY_LASTING;
    const struct vault_current *current = lasts ? &vault->lasting : &vault->month;
    return audit_body_key_generation(key_id) > 0 && atomic_load(&current->id) == key_id
               ? atomic_load(&current->since)
               : 0;
}

static bool is_newer(const struct audit_vault *vault, uint32_t key_id)
{
    uint32_t month = audit_body_key_month(key_id);
    uint32_t now =
        (uint32_t)atomic_load(month == AUDIT_KEY_LASTING ? &vault->lasting.id : &vault->month.id);
    return key_id < AUDIT_KEY_IDS && audit_body_key_generation(key_id) > 0 &&
           (month > audit_body_key_month(now) ||
            (month == audit_body_key_month(now) && key_id > now));
}

enum status audit_vault_take(struct audit_vault *vault, uint32_t key_id, uint64_t since,
                             struct error *err)
{
    if (!is_newer(vault, key_id)) {
        return say(err, ST_CORRUPT, key_id, "it does not follow the one in use");
    }
    bool lasts = audit_body_key_month(key_id) == AUDIT_KEY_LASTING;
    struct vault_current *current = lasts ? &vault->lasting : &vault->month;
    atomic_store(&current->since, since);
    atomic_store(&current->id, key_id);
    return ST_OK;
}

enum status audit_vault_next(const struct audit_vault *vault, uint32_t month, uint32_t *key_id,
                             struct error *err)
{
    uint64_t there = 0;
    uint32_t now =
        (uint32_t)atomic_load(month == AUDIT_KEY_LASTING ? &vault->lasting.id : &vault->month.id);
    uint32_t next = audit_body_key_month(now) == month ? audit_body_key_generation(now) + 1 : 1;
    if (month >= AUDIT_KEY_MONTHS) {
        return error_set(err, ST_USAGE, "body keys: there is no such month");
    }
    enum status status = vault_files_of(vault, month, &there, err);
    while (status == ST_OK && next < AUDIT_KEY_GENERATIONS && (there >> next & 1) != 0) {
        next++;
    }
    if (status == ST_OK && next == AUDIT_KEY_GENERATIONS) {
        return say(err, ST_FULL, month, "it has been exchanged as often as it can be");
    }
    if (status == ST_OK) {
        *key_id = audit_body_key(month, next);
    }
    return status;
}

enum status audit_vault_renew(struct audit_vault *vault, uint32_t month, uint32_t *key_id,
                              struct error *err)
{
    uint32_t next = 0;
    struct vault_key *key = NULL;
    enum status status = audit_vault_next(vault, month, &next, err);
    if (status == ST_OK) {
        status = vault_file_make(vault, next, err);
    }
    if (status == ST_OK) {
        status = load_open(vault, next, &key, err);
    }
    if (status == ST_OK) {
        *key_id = next;
    }
    return status;
}

// ---- the next append

void audit_vault_plan(struct audit_vault *vault, uint32_t key_id, size_t place)
{
    vault->planned.id = key_id;
    vault->planned.place = place;
}

uint32_t audit_vault_key_at(const struct audit_vault *vault, enum wire_class class,
                            uint32_t minutes, size_t place)
{
    uint32_t planned = vault->planned.id;
    return planned != 0 && place > vault->planned.place &&
                   audit_body_key_month(planned) == audit_vault_key_id(class, minutes)
               ? planned
               : audit_vault_current(vault, class, minutes);
}

void audit_vault_settle(struct audit_vault *vault, bool durable, uint64_t first)
{
    struct error err;
    if (durable && vault->planned.id != 0) {
        enum status status =
            audit_vault_take(vault, vault->planned.id, first + vault->planned.place, &err);
        assert(status == ST_OK); // audit_vault_renew() made it
        (void)status;
    }
    vault->planned.id = 0;
}

// ---- bodies

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
    enum status status = load_open(vault, key_id, &key, err);
    if (status == ST_OK) {
        status = body_ad(origin, index, leaf_hash, storage, &ad, err);
    }
    if (status == ST_OK) {
        seal_random(nonce, AUDIT_BOX_NONCE_BYTES);
        seal_box_close(vault_secret_bytes(key->secret), nonce, ad, plain, box);
    }
    return status;
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
    if (status == ST_OK && !seal_box_open(vault_secret_bytes(key->secret), nonce, ad, box, plain)) {
        status = error_set(err, ST_CORRUPT, "entry %llu: its body does not open",
                           (unsigned long long)index);
    }
    return status;
}

// ---- forgetting

// Marks keys that were loaded, or are being loaded now. `had`: the month had any.
static void mark_forgotten(struct audit_vault *vault, uint32_t month, bool had)
{
    if (had) {
        atomic_store(&vault->forgotten[month], true);
    }
    for (uint32_t i = 0; i < AUDIT_KEY_GENERATIONS; i++) {
        struct vault_key *key = loaded(vault, audit_body_key(month, i));
        if (key != NULL) {
            atomic_store(&key->forgotten, true);
        }
    }
}

// ST_IO: something of the month is left in the folder that could open a body.
static enum status check_gone(struct audit_vault *vault, uint32_t month, struct error *err)
{
    uint64_t there = 0;
    enum status status = vault_files_of(vault, month, &there, err);
    for (uint32_t i = 0; status == ST_OK && i < AUDIT_KEY_GENERATIONS; i++) {
        struct vault_key key = { .secret = NULL };
        if ((there >> i & 1) == 0) {
            continue;
        }
        status = vault_file_read(vault, audit_body_key(month, i), &key, err);
        if (status == ST_OK && !atomic_load(&key.forgotten)) {
            status = say(err, ST_IO, audit_body_key(month, i), "it is there again");
        }
        seal_secret_destroy(&key.secret);
    }
    return status;
}

enum status audit_vault_forget(struct audit_vault *vault, uint32_t month, struct error *err)
{
    uint64_t there = 0;
    size_t removed = 0;
    if (month == AUDIT_KEY_LASTING || month >= AUDIT_KEY_MONTHS) {
        return error_set(err, ST_DENIED, "body key %u: not a month", month);
    }
    enum status status = vault_files_of(vault, month, &there, err);
    for (uint32_t i = 0; status == ST_OK && i < AUDIT_KEY_GENERATIONS; i++) {
        if ((there >> i & 1) != 0) {
            status = vault_file_forget(vault, audit_body_key(month, i), err);
        }
    }
    if (status == ST_OK) {
        status = vault_files_sweep(vault, month, &removed, err);
    }
    mark_forgotten(vault, month, there != 0);
    if (status == ST_OK) {
        status = check_gone(vault, month, err);
    }
    if (status == ST_OK && there == 0 && removed == 0) {
        return say(err, ST_NOT_FOUND, month, "that month has none");
    }
    return status;
}
