// The export, a chunk of 4,096 leaves after another: leaves from the folder's own bundles or from
// the source, their hashes, the tree so far, a proof that this tree is the beginning of the
// checkpoint's; only then the chunk's files. Files are made beside their place and moved into it
// whole and durable, so none is ever half there; the checkpoint is moved last.
#include "audit/export.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/tiles.h"
#include "base/file.h"
#include "proof/commit.h"
#include "seal/hash.h"

enum {
    CHUNK = 4096,
    ENTRY_BYTES = 2 + AUDIT_LEAF_BYTES, // in a bundle
    BUNDLE_BYTES = PROOF_TILE_HASHES * ENTRY_BYTES,
    FILE_MODE = 0644,
    FOLDER_MODE = 0755,
};

struct export
{
    const struct audit_export_options *options;
    struct audit_export_result result;
    struct bytes note; // the checkpoint to export
    struct proof_checkpoint target;
    struct proof_checkpoint before; // what stood in the folder; size 0: none
    struct proof_frontier frontier; // of the leaves taken so far
    struct audit_edge edge;         // the same as tiles, one chunk behind until that is proven
    uint32_t minutes;               // of the last leaf
    struct buffer leaves;           // of the chunk
    struct buffer content;          // of a file at hand
    bool from_folder;               // some of the chunk's leaves
    int lock;                       // of the folder; -1: not taken
};

static enum status join(const struct export *export, const char *name, char path[PATH_MAX],
                        struct error *err)
{
    if (snprintf(path, PATH_MAX, "%s/%s", export->options->folder, name) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "%s: path too long", export->options->folder);
    }
    return ST_OK;
}

// Reads a file of the folder into export->content. ST_NOT_FOUND: it is not there.
static enum status read_file(struct export *export, const char *name, struct error *err)
{
    char path[PATH_MAX];
    enum status status = join(export, name, path, err);
    buffer_clear(&export->content);
    return status == ST_OK ? file_read(path, BUNDLE_BYTES, &export->content, err) : status;
}

static enum status damaged(const struct export *export, const char *name, struct error *err)
{
    return error_set(err, ST_CORRUPT,
                     "%s/%s is not what the log signed; remove it and export again",
                     export->options->folder, name);
}

// Makes the folders that a tile's name goes through.
static enum status make_folders(const struct export *export, const char *name, struct error *err)
{
    char path[PATH_MAX];
    enum status status = join(export, name, path, err);
    char *at = path + strlen(export->options->folder);
    while (status == ST_OK && (at = strchr(at + 1, '/')) != NULL) {
        *at = '\0';
        status = file_make_folder(path, FOLDER_MODE, err);
        *at = '/';
    }
    return status;
}

static enum status place_file(struct export *export, const char *name, struct bytes content,
                              struct error *err)
{
    char path[PATH_MAX];
    char fresh[PATH_MAX];
    enum status status = make_folders(export, name, err);
    if (status == ST_OK) {
        status = join(export, name, path, err);
    }
    if (status == ST_OK) {
        status = join(export, ".new", fresh, err);
    }
    if (status == ST_OK && remove(fresh) != 0 && file_exists(fresh)) {
        status = error_errno(err, ST_IO, "%s", fresh);
    }
    if (status == ST_OK) {
        status = file_create(fresh, content, FILE_MODE, err);
    }
    if (status == ST_OK) {
        status = file_move(fresh, path, err);
    }
    export->result.written += status == ST_OK ? 1 : 0;
    return status;
}

// A tile or bundle: compared when it is there, else made.
static enum status put_tile(struct export *export, const struct proof_tile *tile,
                            struct bytes content, struct error *err)
{
    char name[PROOF_TILE_NAME_BYTES];
    proof_tile_name(tile, name);
    enum status status = read_file(export, name, err);
    if (status == ST_NOT_FOUND) {
        return place_file(export, name, content, err);
    }
    if (status == ST_MALFORMED ||
        (status == ST_OK && !bytes_equal(buffer_view(&export->content), content))) {
        return damaged(export, name, err);
    }
    export->result.kept += status == ST_OK ? 1 : 0;
    return status;
}

static enum status put_hashes(void *context, unsigned level, uint64_t number,
                              const struct digest *hashes, struct error *err)
{
    const struct proof_tile tile = { .level = level, .number = number, .width = PROOF_TILE_HASHES };
    return put_tile(context, &tile, bytes_of(hashes, PROOF_TILE_BYTES), err);
}

static enum status put_bundle(struct export *export, uint64_t number, struct bytes leaves,
                              struct error *err)
{
    const struct proof_tile tile = { .entries = true,
                                     .number = number,
                                     .width = (unsigned)(leaves.size / AUDIT_LEAF_BYTES) };
    struct buffer bundle = buffer_init(BUNDLE_BYTES);
    for (size_t at = 0; at < leaves.size; at += AUDIT_LEAF_BYTES) {
        buffer_lp(&bundle, bytes_of(leaves.data + at, AUDIT_LEAF_BYTES));
    }
    enum status status = buffer_ok(&bundle, "entry bundle", err);
    if (status == ST_OK) {
        status = put_tile(export, &tile, buffer_view(&bundle), err);
    }
    buffer_fini(&bundle);
    return status;
}

// ---- leaves

static enum status fetch(struct export *export, uint64_t from, uint64_t count, struct error *err)
{
    const struct audit_source *source = &export->options->source;
    enum status status = ST_OK;
    while (status == ST_OK && count > 0) {
        size_t had = export->leaves.size;
        status = source->leaves(source->context, from, count, &export->leaves, err);
        size_t got = export->leaves.size - had;
        if (status == ST_OK &&
            (got == 0 || got % AUDIT_LEAF_BYTES != 0 || got / AUDIT_LEAF_BYTES > count)) {
            return error_set(err, ST_UNPROVEN, "entry %llu: the log gives no leaves, or half ones",
                             (unsigned long long)from);
        }
        from += status == ST_OK ? got / AUDIT_LEAF_BYTES : 0;
        count -= status == ST_OK ? got / AUDIT_LEAF_BYTES : 0;
    }
    return status;
}

// Takes a full bundle of the folder. ST_NOT_FOUND: it is not there.
static enum status take_bundle(struct export *export, uint64_t number, struct error *err)
{
    char name[PROOF_TILE_NAME_BYTES];
    const struct proof_tile tile = { .entries = true,
                                     .number = number,
                                     .width = PROOF_TILE_HASHES };
    proof_tile_name(&tile, name);
    enum status status = read_file(export, name, err);
    if (status == ST_MALFORMED || (status == ST_OK && export->content.size != BUNDLE_BYTES)) {
        return damaged(export, name, err);
    }
    for (size_t at = 0; status == ST_OK && at < BUNDLE_BYTES; at += ENTRY_BYTES) {
        const uint8_t *entry = export->content.data + at;
        if (entry[0] != 0 || entry[1] != AUDIT_LEAF_BYTES) {
            return damaged(export, name, err);
        }
        buffer_bytes(&export->leaves, bytes_of(entry + 2, AUDIT_LEAF_BYTES));
        export->from_folder = true;
    }
    return status == ST_OK ? buffer_ok(&export->leaves, "leaves", err) : status;
}

// The leaves from..from+count into export->leaves.
static enum status take_leaves(struct export *export, uint64_t from, uint64_t count,
                               struct error *err)
{
    enum status status = ST_OK;
    uint64_t missing = 0; // behind what was taken
    buffer_clear(&export->leaves);
    export->from_folder = false;
    for (uint64_t at = 0; status == ST_OK && at < count; at += PROOF_TILE_HASHES) {
        uint64_t width = count - at < PROOF_TILE_HASHES ? count - at : PROOF_TILE_HASHES;
        char name[PROOF_TILE_NAME_BYTES];
        char path[PATH_MAX];
        const struct proof_tile tile = { .entries = true,
                                         .number = (from + at) / PROOF_TILE_HASHES,
                                         .width = PROOF_TILE_HASHES };
        proof_tile_name(&tile, name);
        status = join(export, name, path, err);
        if (status == ST_OK && (width < PROOF_TILE_HASHES || !file_exists(path))) {
            missing += width;
            continue;
        }
        if (status == ST_OK && missing > 0) {
            status = fetch(export, from + at - missing, missing, err);
            missing = 0;
        }
        if (status == ST_OK) {
            status = take_bundle(export, tile.number, err);
        }
    }
    return status == ST_OK && missing > 0 ? fetch(export, from + count - missing, missing, err)
                                          : status;
}

// ---- a chunk

static enum status unproven(const struct export *export, uint64_t from, struct error *err)
{
    unsigned long long first = (unsigned long long)(from / PROOF_TILE_HASHES);
    unsigned long long last = (unsigned long long)((export->frontier.size - 1) / PROOF_TILE_HASHES);
    if (export->from_folder) {
        return error_set(err, ST_CORRUPT,
                         "an entry bundle of %s between numbers %llu and %llu is not what the log "
                         "signed; remove these and export again",
                         export->options->folder, first, last);
    }
    return error_set(err, ST_UNPROVEN,
                     "entries %llu to %llu: the leaves are not those of the signed checkpoint",
                     (unsigned long long)from, (unsigned long long)(export->frontier.size - 1));
}

// Hashes the chunk's leaves onto the frontier.
static enum status hash_leaves(struct export *export, struct digest *hashes, struct error *err)
{
    struct bytes leaves = buffer_view(&export->leaves);
    for (size_t i = 0; i < leaves.size / AUDIT_LEAF_BYTES; i++) {
        struct bytes bytes = bytes_of(leaves.data + i * AUDIT_LEAF_BYTES, AUDIT_LEAF_BYTES);
        struct proof_leaf leaf;
        enum status status = proof_leaf_decode(bytes, &leaf, err);
        if (status == ST_OK && leaf.minutes < export->minutes) {
            status = error_set(err, ST_UNPROVEN, "its time goes backwards");
        }
        if (status != ST_OK) {
            return error_wrap(err, "entry %llu", (unsigned long long)export->frontier.size);
        }
        export->minutes = leaf.minutes;
        hashes[i] = seal_leaf_hash(bytes);
        proof_frontier_append(&export->frontier, &hashes[i]);
        if (export->frontier.size == export->before.size) {
            struct digest root = proof_frontier_root(&export->frontier);
            if (!digest_equal(&root, &export->before.root)) {
                return error_set(err, ST_UNPROVEN,
                                 "the log is not the one that %s was exported from: it has other "
                                 "entries below %llu",
                                 export->options->folder, (unsigned long long)export->before.size);
            }
        }
    }
    return ST_OK;
}

// The tree so far is the beginning of the checkpoint's.
static enum status prove(struct export *export, uint64_t from, struct error *err)
{
    const struct audit_source *source = &export->options->source;
    struct digest root = proof_frontier_root(&export->frontier);
    uint64_t size = export->frontier.size;
    struct buffer path = buffer_init(PROOF_PATH_MAX * DIGEST_BYTES);
    enum status status = ST_OK;
    if (size < export->target.size) {
        status = source->consistency(source->context, size, export->target.size, &path, err);
    }
    if (status == ST_OK && !proof_consistency_verify(size, &root, export->target.size,
                                                     &export->target.root, buffer_view(&path))) {
        status = unproven(export, from, err);
    }
    buffer_fini(&path);
    return status;
}

static enum status write_chunk(struct export *export, const struct digest *hashes, uint64_t from,
                               struct error *err)
{
    struct bytes leaves = buffer_view(&export->leaves);
    size_t count = leaves.size / AUDIT_LEAF_BYTES;
    enum status status = ST_OK;
    for (size_t at = 0; status == ST_OK && at < count; at += PROOF_TILE_HASHES) {
        size_t width = count - at < PROOF_TILE_HASHES ? count - at : PROOF_TILE_HASHES;
        status = put_bundle(export, (from + at) / PROOF_TILE_HASHES,
                            bytes_of(leaves.data + at * AUDIT_LEAF_BYTES, width * AUDIT_LEAF_BYTES),
                            err);
    }
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = audit_edge_append(&export->edge, &hashes[i], put_hashes, export, err);
    }
    return status;
}

static enum status export_chunk(struct export *export, struct error *err)
{
    struct digest hashes[CHUNK];
    uint64_t from = export->frontier.size;
    uint64_t left = export->target.size - from;
    enum status status = take_leaves(export, from, left < CHUNK ? left : CHUNK, err);
    if (status == ST_OK) {
        status = hash_leaves(export, hashes, err);
    }
    if (status == ST_OK) {
        status = prove(export, from, err);
    }
    if (status == ST_OK) {
        status = write_chunk(export, hashes, from, err);
    }
    if (status == ST_OK && export->options->progress != NULL) {
        export->options->progress(export->frontier.size, export->target.size,
                                  export->options->context);
    }
    return status;
}

// ---- the whole

// The partial tiles of the checkpoint's size.
static enum status put_edge(struct export *export, struct error *err)
{
    enum status status = ST_OK;
    for (unsigned level = 0; status == ST_OK && level < PROOF_TILE_LEVELS; level++) {
        uint64_t number = (export->target.size >> (8 * level)) / PROOF_TILE_HASHES;
        const struct proof_tile tile = {
            .level = level,
            .number = number,
            .width = proof_tile_width(level, number, export->target.size),
        };
        if (tile.width > 0) {
            status = put_tile(export, &tile,
                              bytes_of(export->edge.hashes[level], tile.width * DIGEST_BYTES), err);
        }
    }
    return status;
}

// Reads the checkpoint that stands in the folder, if one does.
static enum status read_before(struct export *export, struct error *err)
{
    char path[PATH_MAX];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = join(export, "checkpoint", path, err);
    if (status == ST_OK) {
        status = file_read(path, PROOF_NOTE_MAX, &note, err);
    }
    if (status == ST_OK) {
        status =
            proof_ring_open(export->options->keys, 0, buffer_view(&note), &export->before, err);
        if (status != ST_OK) {
            error_wrap(err, "%s", path);
        }
    } else if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    buffer_fini(&note);
    if (status == ST_OK && export->before.size > export->target.size &&
        export->options->newer.size > 0) {
        export->note = export->options->newer;
        status = proof_ring_open(export->options->keys, 0, export->note, &export->target, err);
    }
    if (status == ST_OK && export->before.size > export->target.size) {
        status = error_set(err, ST_UNPROVEN,
                           "%s holds %llu entries, the log has published %llu: it was rolled back",
                           export->options->folder, (unsigned long long)export->before.size,
                           (unsigned long long)export->target.size);
    }
    export->result.before = export->before.size;
    return status;
}

// Two exports into one folder would take each other's file that is being made.
static enum status lock_folder(struct export *export, struct error *err)
{
    export->lock = open(export->options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (export->lock < 0) {
        return error_errno(err, ST_IO, "%s", export->options->folder);
    }
    if (flock(export->lock, LOCK_EX | LOCK_NB) != 0) {
        return error_set(err, ST_BUSY, "%s: another export is writing there",
                         export->options->folder);
    }
    return ST_OK;
}

static enum status run(struct export *export, struct error *err)
{
    const struct audit_export_options *options = export->options;
    export->note = options->note;
    enum status status = proof_ring_open(options->keys, 0, export->note, &export->target, err);
    if (status == ST_OK) {
        status = file_make_folder(options->folder, FOLDER_MODE, err);
    }
    if (status == ST_OK) {
        status = lock_folder(export, err);
    }
    if (status == ST_OK) {
        status = read_before(export, err);
    }
    while (status == ST_OK && export->frontier.size < export->target.size) {
        status = export_chunk(export, err);
    }
    if (status == ST_OK) {
        status = put_edge(export, err);
    }
    // An empty tree has no chunk that would have proven the root.
    struct digest root = proof_frontier_root(&export->frontier);
    if (status == ST_OK && !digest_equal(&root, &export->target.root)) {
        status = error_set(err, ST_UNPROVEN, "the checkpoint's root is not that of its leaves");
    }
    if (status == ST_OK) {
        status = place_file(export, "checkpoint", export->note, err);
    }
    export->result.size = export->target.size;
    export->result.root = export->target.root;
    return status;
}

enum status audit_export(const struct audit_export_options *options,
                         struct audit_export_result *result, struct error *err)
{
    struct export *export = calloc(1, sizeof(*export));
    if (export == NULL) {
        return error_set(err, ST_NOMEM, "export");
    }
    export->options = options;
    export->lock = -1;
    export->leaves = buffer_init((size_t)CHUNK * AUDIT_LEAF_BYTES);
    export->content = buffer_init(BUNDLE_BYTES);
    enum status status = run(export, err);
    if (status == ST_OK) {
        *result = export->result;
    }
    buffer_fini(&export->leaves);
    buffer_fini(&export->content);
    if (export->lock >= 0) {
        close(export->lock);
    }
    free(export);
    return status;
}
