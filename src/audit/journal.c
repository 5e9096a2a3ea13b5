// The writer of the log. Invariants:
//   - the log only grows: nothing here replaces or removes an item of the store
//     (tests/lint/append_only.py looks);
//   - a checkpoint is signed only of a size that is durable, and a commit object leaves this file
//     only after that;
//   - what is in memory (edge, frontier, size) changes only after the store's commit.
// A commit that fails for another reason than space leaves it unknown what reached the disk: the
// journal is poisoned and never written again by this process.
#include "audit/journal.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/journal_inside.h"
#include "audit/keys.h"
#include "audit/meta.h"
#include "audit/published.h"
#include "audit/tiles.h"
#include "proof/note.h"

enum {
    BODY_SCRATCH_BYTES = AUDIT_BODY_BYTES_MAX + 1024,
    NOTE_ROOM_BYTES = 4096,
};

struct audit_journal {
    struct store *store;
    struct audit_vault *vault;
    struct audit_keys *keys;
    char origin[PROOF_NAME_MAX + 1];
    uint64_t term;

    // The recorder's.
    struct audit_edge *edge;
    struct audit_edge *edge_next; // what the edge becomes if the commit succeeds
    struct proof_frontier frontier;
    struct proof_batch *batch;
    struct digest *leaf_hashes; // AUDIT_BATCH_MAX
    struct buffer body;
    struct buffer note;
    uint32_t minutes; // of the last entry

    // Everyone's.
    atomic_uint_fast64_t size;
    atomic_bool poisoned;
    struct snapshot *latest; // struct audit_commit: the newest
    struct snapshot *upper;  // struct audit_edge: upper levels as of the last full tile
    struct audit_published *published;
};

static void destroy_commit(void *object)
{
    struct audit_commit *commit = object;
    audit_commit_unref(&commit);
}

// ---- what readers need

struct store *audit_journal_store(struct audit_journal *journal)
{
    return journal->store;
}

struct audit_vault *audit_journal_vault(struct audit_journal *journal)
{
    return journal->vault;
}

struct bytes audit_journal_origin(const struct audit_journal *journal)
{
    return bytes_text(journal->origin);
}

const struct audit_edge *audit_journal_pin_edge(struct audit_journal *journal,
                                                struct snapshot_item **item)
{
    return snapshot_pin(journal->upper, item);
}

void audit_journal_sign(const struct audit_journal *journal, uint64_t size,
                        const struct digest *root, struct buffer *note)
{
    struct proof_checkpoint checkpoint = { .size = size, .root = *root };
    memcpy(checkpoint.origin, journal->origin, sizeof(checkpoint.origin));
    audit_keys_sign(journal->keys, &checkpoint, note);
}

bool audit_journal_note(struct audit_journal *journal, uint64_t size, struct buffer *note)
{
    if (audit_published_note(journal->published, size, note)) {
        return true;
    }
    struct snapshot_item *item = NULL;
    const struct audit_commit *latest = snapshot_pin(journal->latest, &item);
    bool same = audit_commit_size(latest) == size;
    if (same) {
        buffer_bytes(note, audit_commit_checkpoint(latest));
    }
    snapshot_unpin(&item);
    return same;
}

// ---- opening

static enum status load_edge(struct audit_journal *journal, struct audit_tiles *tiles,
                             struct error *err)
{
    uint64_t count = 0;
    struct bytes value;
    struct audit_record record;
    enum status status = store_count(tiles->txn, AUDIT_JOURNAL_ENTRY, &count, err);
    if (status == ST_OK && count != tiles->size) {
        status = error_set(err, ST_CORRUPT, "log: the last entry is %llu but there are %llu",
                           (unsigned long long)tiles->size - 1, (unsigned long long)count);
    }
    if (status == ST_OK) {
        status = audit_tiles_edge(tiles, journal->edge, err);
    }
    tiles->edge = journal->edge;
    if (status == ST_OK) {
        status = proof_frontier_read(tiles->size, audit_tiles_node, tiles, &journal->frontier, err);
    }
    if (status != ST_OK || tiles->size == 0) {
        return status;
    }
    struct audit_key key = audit_key_u64(tiles->size - 1);
    status = store_get(tiles->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
    if (status == ST_OK) {
        status = audit_record_decode(value, tiles->size - 1, &record, err);
    }
    if (status == ST_OK) {
        journal->minutes = record.minutes;
    }
    return status;
}

// The edge as readers get it.
static bool share_edge(struct audit_journal *journal)
{
    struct audit_edge *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return false;
    }
    audit_edge_copy(copy, journal->edge);
    if (!snapshot_swap(journal->upper, copy)) {
        free(copy);
        return false;
    }
    return true;
}

// Signs the state that the log has. Only of durable entries. It cannot fail for lack of memory: the
// note's room was taken at opening.
static enum status share_checkpoint(struct audit_journal *journal, struct audit_commit *commit,
                                    struct error *err)
{
    struct digest root = proof_frontier_root(&journal->frontier);
    buffer_clear(&journal->note);
    audit_journal_sign(journal, journal->frontier.size, &root, &journal->note);
    enum status status = buffer_ok(&journal->note, "checkpoint", err);
    if (status != ST_OK) {
        return status;
    }
    audit_commit_finish(commit, &root, buffer_view(&journal->note));
    // Without memory the newest checkpoint that others see is the one before: still a true one.
    if (!snapshot_swap(journal->latest, audit_commit_ref(commit))) {
        destroy_commit(commit);
    }
    return ST_OK;
}

static enum status open_log(struct audit_journal *journal, bool create, struct error *err)
{
    struct store_txn *txn = NULL;
    struct audit_commit *commit = NULL;
    struct audit_tiles tiles = { 0 };
    enum status status = store_begin_write(journal->store, &txn, err);
    if (status == ST_OK) {
        tiles.txn = txn;
        status = audit_record_size(txn, &tiles.size, err);
    }
    if (status == ST_OK) {
        status = audit_meta_open(txn, audit_journal_origin(journal),
                                 audit_keys_first(journal->keys), tiles.size, create, err);
    }
    if (status == ST_OK) {
        status = audit_keys_load(journal->keys, txn, err);
    }
    if (status == ST_OK) {
        status = load_edge(journal, &tiles, err);
    }
    if (status == ST_OK) {
        status = audit_published_open(journal->published, &tiles, err);
    }
    if (status == ST_OK) {
        status = audit_meta_take_term(txn, &journal->term, err);
    }
    if (status == ST_OK) {
        status = store_commit(&txn, err);
    }
    if (status != ST_OK) {
        goto out;
    }
    atomic_store(&journal->size, tiles.size);
    commit = audit_commit_create(0, tiles.size);
    if (commit == NULL || !share_edge(journal)) {
        status = error_set(err, ST_NOMEM, "log");
        goto out;
    }
    status = share_checkpoint(journal, commit, err);
out:
    audit_commit_unref(&commit);
    store_abort(&txn);
    return status;
}

static enum status allocate(struct audit_journal *journal, struct error *err)
{
    journal->edge = calloc(1, sizeof(*journal->edge));
    journal->edge_next = calloc(1, sizeof(*journal->edge_next));
    journal->leaf_hashes = calloc(AUDIT_BATCH_MAX, sizeof(*journal->leaf_hashes));
    journal->batch = proof_batch_create(AUDIT_BATCH_MAX);
    journal->latest = snapshot_create(destroy_commit);
    journal->upper = snapshot_create(free);
    journal->body = buffer_init(BODY_SCRATCH_BYTES);
    journal->note = buffer_init(PROOF_NOTE_MAX);
    bool room = buffer_reserve(&journal->note, NOTE_ROOM_BYTES) != NULL; // see share_checkpoint()
    if (!room || journal->edge == NULL || journal->edge_next == NULL ||
        journal->leaf_hashes == NULL || journal->batch == NULL || journal->latest == NULL ||
        journal->upper == NULL) {
        return error_set(err, ST_NOMEM, "log");
    }
    return ST_OK;
}

enum status audit_journal_open(const struct audit_journal_options *options,
                               struct audit_journal **journal, struct error *err)
{
    char folder[PATH_MAX];
    struct audit_journal *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "log");
    }
    opened->vault = options->vault;
    enum status status = allocate(opened, err);
    if (status == ST_OK) {
        status = options->signers != NULL
                     ? audit_keys_create(options->origin, options->signers, options->signer_count,
                                         &opened->keys, err)
                     : audit_keys_create(options->origin, &options->signer, 1, &opened->keys, err);
    }
    if (status == ST_OK) {
        snprintf(opened->origin, sizeof(opened->origin), "%s", options->origin);
        status = audit_published_create(options->home, opened->keys, &opened->published, err);
    }
    if (status == ST_OK && snprintf(folder, sizeof(folder), "%s/" AUDIT_JOURNAL_FOLDER,
                                    options->home) >= (int)sizeof(folder)) {
        status = error_set(err, ST_USAGE, "log: path too long");
    }
    if (status != ST_OK) {
        goto out;
    }
    struct store_options store = {
        .path = folder,
        .map_bytes = options->map_bytes == 0 ? AUDIT_JOURNAL_MAP_BYTES : options->map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .create = options->create,
    };
    status = store_open(&store, &opened->store, err);
    if (status == ST_OK) {
        store_set_commit_hook(opened->store, options->commit_hook, options->commit_context);
        status = open_log(opened, options->create, err);
    }
out:
    if (status == ST_OK) {
        *journal = opened;
    } else {
        audit_journal_close(&opened);
    }
    return status;
}

void audit_journal_close(struct audit_journal **journal)
{
    struct audit_journal *closed = *journal;
    if (closed == NULL) {
        return;
    }
    *journal = NULL;
    store_close(&closed->store);
    snapshot_destroy(&closed->latest);
    audit_published_destroy(&closed->published);
    audit_keys_destroy(&closed->keys);
    snapshot_destroy(&closed->upper);
    proof_batch_destroy(&closed->batch);
    buffer_fini(&closed->body);
    buffer_fini(&closed->note);
    free(closed->leaf_hashes);
    free(closed->edge);
    free(closed->edge_next);
    free(closed);
}

// ---- appending

static enum status check_batch(const struct audit_journal *journal,
                               const struct audit_entry *const *entries, size_t count,
                               struct error *err)
{
    if (count == 0 || count > AUDIT_BATCH_MAX) {
        return error_set(err, ST_MALFORMED, "log: 1 to %d entries at once, not %zu",
                         AUDIT_BATCH_MAX, count);
    }
    uint32_t minutes = journal->minutes;
    for (size_t i = 0; i < count; i++) {
        if (!entries[i]->sealed) {
            return error_set(err, ST_MALFORMED, "log: entry %zu of the batch is not sealed", i);
        }
        if (entries[i]->minutes < minutes) {
            return error_set(err, ST_MALFORMED, "log: the time of entry %zu goes backwards", i);
        }
        minutes = entries[i]->minutes;
    }
    return ST_OK;
}

// The store's own idea of size and term: another writer may have taken over.
static enum status check_place(struct audit_journal *journal, struct store_txn *txn,
                               struct error *err)
{
    uint64_t size = 0;
    uint64_t term = 0;
    enum status status = audit_record_size(txn, &size, err);
    if (status == ST_OK) {
        status = audit_meta_term(txn, &term, err);
    }
    if (status == ST_OK && (term != journal->term || size != journal->frontier.size)) {
        return error_set(err, ST_STALE, "log: another writer has taken term %llu",
                         (unsigned long long)term);
    }
    return status;
}

static enum status put_entry(struct audit_journal *journal, struct store_txn *txn, uint64_t index,
                             const struct audit_entry *entry, struct error *err)
{
    size_t place = (size_t)(index - journal->frontier.size);
    uint32_t key_id = audit_vault_key_at(journal->vault, entry->class, entry->minutes, place);
    buffer_clear(&journal->body);
    audit_body_pack(entry, &journal->body);
    enum status status = buffer_ok(&journal->body, "body", err);
    if (status == ST_OK) {
        status = audit_vault_prepare(journal->vault, key_id, err);
    }
    if (status != ST_OK) {
        return status;
    }
    uint8_t *room = NULL;
    struct audit_key key = audit_key_u64(index);
    size_t size = AUDIT_RECORD_HEAD_BYTES + journal->body.size + AUDIT_BOX_TAG_BYTES;
    status = store_append(txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), size, &room, err);
    if (status != ST_OK) {
        return status;
    }
    uint8_t *nonce = audit_record_head(room, entry->leaf, key_id);
    return audit_vault_seal_body(journal->vault, key_id, audit_journal_origin(journal), index,
                                 &entry->leaf_hash, buffer_view(&journal->body), nonce,
                                 room + AUDIT_RECORD_HEAD_BYTES, err);
}

static enum status put_tile(void *context, unsigned level, uint64_t number,
                            const struct digest *hashes, struct error *err)
{
    struct audit_key key = audit_key_tile(level, number);
    return store_put_new(context, AUDIT_JOURNAL_TILE, audit_key_view(&key),
                         bytes_of(hashes, AUDIT_TILE_BYTES), err);
}

// Everything of one append up to and with the store's commit. *unknown: that commit failed in a way
// that leaves open what reached the disk.
static enum status write_batch(struct audit_journal *journal,
                               const struct audit_entry *const *entries, size_t count,
                               const struct audit_published_row *rows, bool *unknown,
                               struct error *err)
{
    struct store_txn *txn = NULL;
    enum status status = store_begin_write(journal->store, &txn, err);
    if (status == ST_OK) {
        status = check_place(journal, txn, err);
    }
    audit_edge_copy(journal->edge_next, journal->edge);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = put_entry(journal, txn, journal->frontier.size + i, entries[i], err);
        if (status == ST_OK) {
            status =
                audit_edge_append(journal->edge_next, &entries[i]->leaf_hash, put_tile, txn, err);
        }
    }
    if (status == ST_OK) {
        status = audit_published_write(rows, txn, err);
    }
    if (status == ST_OK && audit_keys_planned(journal->keys)) {
        const struct proof_frontier *after = proof_batch_frontier(journal->batch);
        const struct proof_checkpoint checkpoint = { .size = after->size,
                                                     .root = proof_frontier_root(after) };
        status = audit_keys_write(journal->keys, txn, journal->frontier.size, &checkpoint, err);
    }
    if (status == ST_OK) {
        status = store_commit(&txn, err);
        *unknown = status != ST_OK && status != ST_FULL;
    }
    store_abort(&txn);
    return status;
}

// The entries are durable: memory follows.
static void advance(struct audit_journal *journal, uint32_t minutes)
{
    struct audit_edge *edge = journal->edge;
    bool full = edge->size / AUDIT_TILE_HASHES != journal->edge_next->size / AUDIT_TILE_HASHES;
    journal->edge = journal->edge_next;
    journal->edge_next = edge;
    journal->frontier = *proof_batch_frontier(journal->batch);
    journal->minutes = minutes;
    if (full) {
        (void)share_edge(journal); // without it readers take the same hashes from the tiles
    }
}

enum status audit_journal_append(struct audit_journal *journal,
                                 const struct audit_entry *const *entries, size_t count,
                                 uint64_t expected_size, uint64_t term,
                                 struct audit_commit **commit, struct error *err)
{
    if (atomic_load(&journal->poisoned)) {
        return error_set(err, ST_IO, "log: an earlier commit failed; nothing is written any more");
    }
    if (expected_size != journal->frontier.size || term != journal->term) {
        return error_set(err, ST_STALE, "log: at size %llu in term %llu, expected %llu in %llu",
                         (unsigned long long)journal->frontier.size,
                         (unsigned long long)journal->term, (unsigned long long)expected_size,
                         (unsigned long long)term);
    }
    enum status status = check_batch(journal, entries, count, err);
    if (status != ST_OK) {
        return status;
    }
    struct audit_commit *made = audit_commit_create(count, expected_size + count);
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "log: a commit of %zu entries", count);
    }
    for (size_t i = 0; i < count; i++) {
        journal->leaf_hashes[i] = entries[i]->leaf_hash;
    }
    proof_batch_run(journal->batch, &journal->frontier, journal->leaf_hashes, count);
    for (size_t i = 0; i < count; i++) {
        struct proof_path path;
        proof_batch_path(journal->batch, i, &path);
        audit_commit_add(made, &journal->leaf_hashes[i], &path);
    }

    struct audit_published_row *rows = audit_published_take(journal->published);
    bool unknown = false;
    status = write_batch(journal, entries, count, rows, &unknown, err);
    audit_vault_settle(journal->vault, status == ST_OK, expected_size);
    if (status == ST_OK) {
        audit_published_drop(rows);
        advance(journal, entries[count - 1]->minutes);
        status = share_checkpoint(journal, made, err);
        atomic_store(&journal->size, journal->frontier.size);
        if (audit_keys_planned(journal->keys)) {
            audit_keys_adopt(journal->keys); // signs from the next checkpoint on
        }
    } else {
        audit_published_return(journal->published, rows);
        audit_keys_drop_plan(journal->keys);
    }
    if (unknown) {
        atomic_store(&journal->poisoned, true);
        status = ST_IO;
    }
    if (status == ST_OK) {
        *commit = made;
    } else {
        audit_commit_unref(&made);
    }
    return status;
}

// ---- publication

enum status audit_journal_checkpoint(struct audit_journal *journal, uint64_t *size,
                                     struct digest *root, struct buffer *note, struct error *err)
{
    struct snapshot_item *item = NULL;
    const struct audit_commit *latest = snapshot_pin(journal->latest, &item);
    uint64_t latest_size = audit_commit_size(latest);
    struct digest latest_root = audit_commit_root(latest);
    snapshot_unpin(&item);
    // Signed anew: by now other keys may have to sign than at the commit.
    audit_journal_sign(journal, latest_size, &latest_root, note);
    enum status status = buffer_ok(note, "checkpoint", err);
    if (status == ST_OK) {
        *size = latest_size;
        *root = latest_root;
    }
    return status;
}

// ST_UNPROVEN unless the log's first checkpoint->size entries have that root.
static enum status check_root(struct audit_journal *journal,
                              const struct proof_checkpoint *checkpoint, struct error *err)
{
    struct audit_tiles tiles = { 0 };
    struct store_txn *txn = NULL;
    struct snapshot_item *item = NULL;
    struct digest root;
    enum status status = store_begin_read(journal->store, &txn, err);
    if (status != ST_OK) {
        return status;
    }
    tiles.txn = txn;
    tiles.edge = audit_journal_pin_edge(journal, &item);
    status = audit_record_size(txn, &tiles.size, err);
    if (status == ST_OK && checkpoint->size > tiles.size) {
        status = error_set(err, ST_UNPROVEN, "checkpoint of %llu entries, the log has %llu",
                           (unsigned long long)checkpoint->size, (unsigned long long)tiles.size);
    }
    if (status == ST_OK) {
        status = proof_root(checkpoint->size, audit_tiles_node, &tiles, &root, err);
    }
    if (status == ST_OK && !digest_equal(&root, &checkpoint->root)) {
        status = error_set(err, ST_UNPROVEN, "checkpoint of another tree");
    }
    snapshot_unpin(&item);
    store_abort(&txn);
    return status;
}

enum status audit_journal_publish(struct audit_journal *journal, struct bytes note,
                                  struct error *err)
{
    struct proof_checkpoint checkpoint;
    if (note.size > PROOF_NOTE_MAX ||
        audit_keys_open(journal->keys, note, &checkpoint, err) != ST_OK) {
        return error_set(err, ST_UNPROVEN, "not a checkpoint of this log");
    }
    enum status status = check_root(journal, &checkpoint, err);
    if (status != ST_OK) {
        return status;
    }
    return audit_published_raise(journal->published, &checkpoint, note, err);
}

enum status audit_journal_published(struct audit_journal *journal, uint64_t *size,
                                    struct buffer *note, struct error *err)
{
    return audit_published_get(journal->published, size, note, err);
}

// ---- keys

enum status audit_journal_plan_key(struct audit_journal *journal, struct seal_signer **signer,
                                   uint64_t both_until_ms, size_t place, struct error *err)
{
    return audit_keys_plan(journal->keys, signer, both_until_ms, place, err);
}

const struct audit_keys *audit_journal_keys(const struct audit_journal *journal)
{
    return journal->keys;
}

// ---- state

uint64_t audit_journal_size(const struct audit_journal *journal)
{
    return atomic_load(&journal->size);
}

uint64_t audit_journal_term(const struct audit_journal *journal)
{
    return journal->term;
}

uint32_t audit_journal_minutes(const struct audit_journal *journal, int64_t wall_ms)
{
    int64_t now = wall_ms < 0 ? 0 : wall_ms / 60000;
    uint32_t minutes = now > UINT32_MAX ? UINT32_MAX : (uint32_t)now;
    return minutes > journal->minutes ? minutes : journal->minutes;
}

bool audit_journal_is_poisoned(const struct audit_journal *journal)
{
    return atomic_load(&journal->poisoned);
}
