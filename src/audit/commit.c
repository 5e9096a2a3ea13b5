// Commits and receipts. A commit's memory is taken before the store's commit, so that no failure
// stands between a durable entry and its receipt.
#include "audit/commit.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proof/note.h"

enum { NOTE_BYTES_MAX = 1024 }; // origin and key name of 255 bytes each, three lines, a signature

struct audit_commit {
    atomic_size_t references;
    uint64_t size;
    struct digest root;
    size_t capacity;
    size_t count;
    struct digest *leaf_hashes;
    size_t *path_ends; // in steps; path i begins where path i - 1 ends
    struct digest *steps;
    size_t note_size;
    uint8_t note[NOTE_BYTES_MAX];
};

struct audit_commit *audit_commit_create(size_t count, uint64_t size)
{
    size_t longest = 1; // no path has more steps than the size has bits
    while (longest < PROOF_PATH_MAX && size >> longest != 0) {
        longest++;
    }
    struct audit_commit *commit = calloc(1, sizeof(*commit));
    if (commit == NULL) {
        return NULL;
    }
    atomic_init(&commit->references, 1);
    commit->capacity = count;
    commit->size = size;
    if (count > 0) {
        commit->leaf_hashes = malloc(count * sizeof(*commit->leaf_hashes));
        commit->path_ends = malloc(count * sizeof(*commit->path_ends));
        commit->steps = malloc(count * longest * sizeof(*commit->steps));
        if (commit->leaf_hashes == NULL || commit->path_ends == NULL || commit->steps == NULL) {
            audit_commit_unref(&commit);
        }
    }
    return commit;
}

void audit_commit_add(struct audit_commit *commit, const struct digest *leaf_hash,
                      const struct proof_path *path)
{
    assert(commit->count < commit->capacity);
    size_t place = commit->count++;
    size_t begin = place == 0 ? 0 : commit->path_ends[place - 1];
    commit->leaf_hashes[place] = *leaf_hash;
    memcpy(commit->steps + begin, path->steps, path->count * sizeof(struct digest));
    commit->path_ends[place] = begin + path->count;
}

void audit_commit_finish(struct audit_commit *commit, const struct digest *root, struct bytes note)
{
    assert(note.size <= NOTE_BYTES_MAX);
    commit->root = *root;
    memcpy(commit->note, note.data, note.size);
    commit->note_size = note.size;
}

struct audit_commit *audit_commit_ref(struct audit_commit *commit)
{
    atomic_fetch_add(&commit->references, 1);
    return commit;
}

void audit_commit_unref(struct audit_commit **commit)
{
    struct audit_commit *gone = *commit;
    *commit = NULL;
    if (gone != NULL && atomic_fetch_sub(&gone->references, 1) == 1) {
        free(gone->leaf_hashes);
        free(gone->path_ends);
        free(gone->steps);
        free(gone);
    }
}

uint64_t audit_commit_first(const struct audit_commit *commit)
{
    return commit->size - commit->count;
}

size_t audit_commit_count(const struct audit_commit *commit)
{
    return commit->count;
}

uint64_t audit_commit_size(const struct audit_commit *commit)
{
    return commit->size;
}

struct digest audit_commit_root(const struct audit_commit *commit)
{
    return commit->root;
}

struct bytes audit_commit_checkpoint(const struct audit_commit *commit)
{
    return bytes_of(commit->note, commit->note_size);
}

const struct digest *audit_commit_leaf_hash(const struct audit_commit *commit, size_t place)
{
    assert(place < commit->count);
    return &commit->leaf_hashes[place];
}

struct bytes audit_commit_path(const struct audit_commit *commit, size_t place)
{
    assert(place < commit->count);
    size_t begin = place == 0 ? 0 : commit->path_ends[place - 1];
    return bytes_of(commit->steps + begin,
                    (commit->path_ends[place] - begin) * sizeof(struct digest));
}

enum status audit_receipt_fill(uint64_t index, struct bytes path, struct bytes checkpoint,
                               struct bytes leaf, enum wire_class class,
                               const struct audit_part *parts, enum wire_part type,
                               struct audit_receipt *receipt, struct error *err)
{
    int place = proof_class_place((unsigned)class, (unsigned)type);
    if (place < 0) {
        return error_set(err, ST_MALFORMED, "receipt: entry %llu has no part %d",
                         (unsigned long long)index, (int)type);
    }
    size_t count = proof_class_parts((unsigned)class, NULL);
    receipt->extra = (struct wire_receipt_extra){
        .leaf = leaf,
        .part_type = (uint32_t)type,
        .part_salt = parts[place].salt,
        .part = parts[place].bytes,
        .others = receipt->others,
        .others_count = count - 1,
    };
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (i != (size_t)place) {
            receipt->others[next++] = bytes_digest(&parts[i].hash);
        }
    }
    receipt->receipt = (struct wire_receipt){
        .index = index, .proof = path, .checkpoint = checkpoint, .extra = &receipt->extra
    };
    return ST_OK;
}

enum status audit_commit_receipt(const struct audit_commit *commit, size_t place,
                                 const struct audit_entry *entry, enum wire_part type,
                                 struct audit_receipt *receipt, struct error *err)
{
    assert(place < commit->count);
    assert(digest_equal(&commit->leaf_hashes[place], &entry->leaf_hash));
    return audit_receipt_fill(audit_commit_first(commit) + place, audit_commit_path(commit, place),
                              audit_commit_checkpoint(commit),
                              bytes_of(entry->leaf, AUDIT_LEAF_BYTES), entry->class, entry->parts,
                              type, receipt, err);
}
