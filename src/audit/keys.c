// The log's keys. Invariant: what stands in the rows is what signs; a planned key signs nothing
// before its row is durable. Readers see a key only once everything about it is written: the count
// is raised last.
#include "audit/keys.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/reader.h"
#include "seal/hash.h"

enum { ROW_HEAD_BYTES = DIGEST_BYTES + 8 + 8, WORD_BYTES = 16 };

struct audit_keys {
    char origin[PROOF_NAME_MAX + 1];
    const struct seal_signer *held[PROOF_RING_MAX];
    size_t held_count;

    struct proof_key keys[PROOF_RING_MAX];
    const struct seal_signer *signers[PROOF_RING_MAX]; // NULL: not at hand, and not needed
    atomic_uint_fast64_t until_ms[PROOF_RING_MAX];
    atomic_size_t count;

    struct seal_signer *owned[PROOF_RING_MAX]; // signers that came by a plan
    size_t owned_count;
    struct seal_signer *planned;
    struct proof_key planned_key;
    uint64_t planned_until_ms;
    size_t planned_place;
};

enum status audit_keys_create(const char *origin, const struct seal_signer *const *held,
                              size_t count, struct audit_keys **keys, struct error *err)
{
    if (count == 0 || count > PROOF_RING_MAX) {
        return error_set(err, ST_USAGE, "log: 1 to %d keys, not %zu", PROOF_RING_MAX, count);
    }
    struct audit_keys *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "log");
    }
    for (size_t i = 0; i < count; i++) {
        made->held[made->held_count++] = held[i];
    }
    enum status status =
        proof_key_make(origin, PROOF_KEY_ED25519, seal_signer_key(held[0]), &made->keys[0], err);
    if (status != ST_OK) {
        audit_keys_destroy(&made);
        return status;
    }
    memcpy(made->origin, made->keys[0].name, sizeof(made->origin));
    *keys = made;
    return ST_OK;
}

void audit_keys_destroy(struct audit_keys **keys)
{
    if (*keys == NULL) {
        return;
    }
    audit_keys_drop_plan(*keys);
    for (size_t i = 0; i < (*keys)->owned_count; i++) {
        seal_signer_destroy(&(*keys)->owned[i]);
    }
    free(*keys);
    *keys = NULL;
}

const struct digest *audit_keys_first(const struct audit_keys *keys)
{
    return seal_signer_key(keys->held[0]);
}

static const struct seal_signer *find_held(const struct audit_keys *keys, const struct digest *key)
{
    for (size_t i = 0; i < keys->held_count; i++) {
        if (digest_equal(seal_signer_key(keys->held[i]), key)) {
            return keys->held[i];
        }
    }
    return NULL;
}

static struct bytes row_word(unsigned number, char word[WORD_BYTES])
{
    if (number == 1) {
        return bytes_text("key");
    }
    int length = snprintf(word, WORD_BYTES, "key %u", number);
    return bytes_of((const uint8_t *)word, (size_t)length);
}

// One row of a key after the first: key, index of its entry, end of the one before, checkpoint.
static enum status read_row(struct store_txn *txn, unsigned number, struct digest *key,
                            uint64_t *index, uint64_t *until_ms, struct bytes *note,
                            struct error *err)
{
    char word[WORD_BYTES];
    struct bytes value;
    enum status status = store_get(txn, AUDIT_JOURNAL_META, row_word(number, word), &value, err);
    if (status != ST_OK) {
        return status;
    }
    struct reader reader = reader_init(value);
    *key = reader_digest(&reader);
    *index = reader_u64(&reader);
    *until_ms = reader_u64(&reader);
    *note = reader_bytes(&reader, value.size > ROW_HEAD_BYTES ? value.size - ROW_HEAD_BYTES : 0);
    return reader_finished(&reader) && note->size > 0
               ? ST_OK
               : error_set(err, ST_CORRUPT, "log: the row of its key %u is damaged", number);
}

static enum status need_signer(const struct audit_keys *keys, size_t place, uint64_t now_ms,
                               struct error *err)
{
    uint64_t until_ms = atomic_load(&keys->until_ms[place]);
    if (keys->signers[place] != NULL || (until_ms != 0 && until_ms <= now_ms)) {
        return ST_OK;
    }
    if (atomic_load(&keys->count) == 1) {
        return error_set(err, ST_DENIED, "log: its key is another than configured");
    }
    char when[CLOCK_TEXT_BYTES] = "";
    clock_format((int64_t)until_ms, when);
    return error_set(err, ST_DENIED,
                     "log: its key %zu (id %08x), which signs %s%s, is not in keys/log*.key",
                     place + 1, (unsigned)keys->keys[place].id, until_ms == 0 ? "now" : "until ",
                     until_ms == 0 ? "" : when);
}

enum status audit_keys_load(struct audit_keys *keys, struct store_txn *txn, struct error *err)
{
    struct bytes value;
    struct digest key;
    enum status status = store_get(txn, AUDIT_JOURNAL_META, bytes_text("key"), &value, err);
    if (status == ST_NOT_FOUND || (status == ST_OK && value.size != DIGEST_BYTES)) {
        return error_set(err, ST_CORRUPT, "log: it has no 'key'");
    }
    size_t count = 0;
    while (status == ST_OK) {
        if (count == 0) {
            memcpy(key.bytes, value.data, DIGEST_BYTES);
        } else {
            uint64_t index;
            uint64_t until_ms;
            struct bytes note;
            status = read_row(txn, (unsigned)count + 1, &key, &index, &until_ms, &note, err);
            if (status != ST_OK || count == PROOF_RING_MAX) {
                break;
            }
            atomic_store(&keys->until_ms[count - 1], until_ms == 0 ? 1 : until_ms);
        }
        status = proof_key_make(keys->origin, PROOF_KEY_ED25519, &key, &keys->keys[count], err);
        keys->signers[count] = find_held(keys, &key);
        atomic_store(&keys->until_ms[count], 0);
        count++;
    }
    atomic_store(&keys->count, count);
    status = status == ST_NOT_FOUND ? ST_OK : status;
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = need_signer(keys, i, now_ms, err);
    }
    return status;
}

void audit_keys_ring(const struct audit_keys *keys, struct proof_ring *ring)
{
    memset(ring, 0, sizeof(*ring));
    ring->count = atomic_load(&keys->count);
    for (size_t i = 0; i < ring->count; i++) {
        ring->keys[i] = keys->keys[i];
        ring->until_ms[i] = i + 1 < ring->count ? atomic_load(&keys->until_ms[i]) : 0;
    }
}

// The checkpoint under those of the first `count` keys whose time is not over.
static void sign(const struct audit_keys *keys, size_t count,
                 const struct proof_checkpoint *checkpoint, struct buffer *note)
{
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    proof_checkpoint_format(checkpoint, &text);
    note->failed = note->failed || text.failed;
    buffer_bytes(note, buffer_view(&text));
    buffer_text(note, "\n");
    for (size_t i = 0; i < count; i++) {
        uint64_t until_ms = i + 1 < count ? atomic_load(&keys->until_ms[i]) : 0;
        if (keys->signers[i] != NULL && (until_ms == 0 || now_ms < until_ms)) {
            proof_note_sign(buffer_view(&text), &keys->keys[i], keys->signers[i], 0, note);
        }
    }
    buffer_fini(&text);
}

void audit_keys_sign(const struct audit_keys *keys, const struct proof_checkpoint *checkpoint,
                     struct buffer *note)
{
    sign(keys, atomic_load(&keys->count), checkpoint, note);
}

unsigned audit_keys_signing(const struct audit_keys *keys)
{
    size_t count = atomic_load(&keys->count);
    unsigned over = 0;
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    for (size_t i = 0; i + 1 < count; i++) {
        over += atomic_load(&keys->until_ms[i]) <= now_ms ? 1 : 0;
    }
    return (unsigned)count * PROOF_RING_MAX + over;
}

enum status audit_keys_open(const struct audit_keys *keys, struct bytes note,
                            struct proof_checkpoint *checkpoint, struct error *err)
{
    return proof_checkpoint_open_by(note, keys->keys, atomic_load(&keys->count), NULL, 0, NULL,
                                    checkpoint, err);
}

// ---- the next key

enum status audit_keys_plan(struct audit_keys *keys, struct seal_signer **signer,
                            uint64_t both_until_ms, size_t place, struct error *err)
{
    size_t count = atomic_load(&keys->count);
    const struct digest *key = seal_signer_key(*signer);
    if (count == PROOF_RING_MAX) {
        return error_set(err, ST_FULL, "log: %d keys one after another; begin a new log",
                         PROOF_RING_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (digest_equal(&keys->keys[i].key, key)) {
            return error_set(err, ST_EXISTS, "log: this is its key %zu already", i + 1);
        }
    }
    audit_keys_drop_plan(keys);
    enum status status =
        proof_key_make(keys->origin, PROOF_KEY_ED25519, key, &keys->planned_key, err);
    if (status == ST_OK) {
        keys->planned = *signer;
        // The ends never decrease, as whoever follows takes them (proof/ring.h).
        uint64_t least = count < 2 ? 1 : atomic_load(&keys->until_ms[count - 2]);
        keys->planned_until_ms = both_until_ms < least ? least : both_until_ms;
        keys->planned_place = place;
        *signer = NULL;
    }
    return status;
}

bool audit_keys_planned(const struct audit_keys *keys)
{
    return keys->planned != NULL;
}

void audit_keys_drop_plan(struct audit_keys *keys)
{
    seal_signer_destroy(&keys->planned);
}

enum status audit_keys_write(struct audit_keys *keys, struct store_txn *txn, uint64_t first,
                             const struct proof_checkpoint *after, struct error *err)
{
    size_t count = atomic_load(&keys->count);
    char word[WORD_BYTES];
    uint8_t number[8];
    struct proof_checkpoint checkpoint = *after;
    struct buffer row = buffer_init(ROW_HEAD_BYTES + PROOF_NOTE_MAX);
    memcpy(checkpoint.origin, keys->origin, sizeof(checkpoint.origin));
    buffer_bytes(&row, bytes_digest(&keys->planned_key.key));
    buffer_bytes(&row, seal_u64(number, first + keys->planned_place));
    buffer_bytes(&row, seal_u64(number, keys->planned_until_ms));
    // Signed ahead of the commit, but seen by nobody unless it succeeds.
    sign(keys, count, &checkpoint, &row);
    enum status status = buffer_ok(&row, "the log's new key", err);
    if (status == ST_OK) {
        status = store_put_new(txn, AUDIT_JOURNAL_META, row_word((unsigned)count + 1, word),
                               buffer_view(&row), err);
    }
    buffer_fini(&row);
    return status;
}

void audit_keys_adopt(struct audit_keys *keys)
{
    size_t count = atomic_load(&keys->count);
    keys->keys[count] = keys->planned_key;
    keys->signers[count] = keys->planned;
    keys->owned[keys->owned_count++] = keys->planned;
    keys->planned = NULL;
    atomic_store(&keys->until_ms[count], 0);
    atomic_store(&keys->until_ms[count - 1], keys->planned_until_ms);
    atomic_store(&keys->count, count + 1);
}

enum status audit_keys_origin(struct store_txn *txn, unsigned number, uint64_t *index,
                              struct bytes *note, struct error *err)
{
    struct digest key;
    uint64_t until_ms;
    return read_row(txn, number, &key, index, &until_ms, note, err);
}
