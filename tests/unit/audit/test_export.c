// The export: complete for every size, written only as far as it is proven, never replaced.
#include "log_fixture.h"

#include "audit/export.h"
#include "base/file.h"
#include "proof/commit.h"
#include "proof/tiles.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { MOST = 9000 };

// A log in memory that may lie.
struct source {
    struct log_fixture fixture; // for its key alone
    uint8_t leaves[MOST][PROOF_LEAF_BYTES];
    struct digest hashes[MOST];
    uint64_t flipped; // this leaf is given with a bit flipped; MOST: none
    uint64_t asked;   // leaves so far
    uint64_t fail_at; // the source fails from this leaf on; MOST: never
    size_t piece;     // leaves it gives at once
    unsigned half;    // bytes too many
    bool bad_proof;
    char folder[160];
    struct buffer note;
    struct audit_export_result result;
};

static enum status node_of(void *context, unsigned level, uint64_t position, struct digest *node,
                           struct error *err)
{
    const struct source *source = context;
    struct proof_frontier frontier = { .size = 0 };
    (void)err;
    for (uint64_t i = position << level; i < (position + 1) << level; i++) {
        proof_frontier_append(&frontier, &source->hashes[i]);
    }
    *node = proof_frontier_root(&frontier);
    return ST_OK;
}

static enum status give_leaves(void *context, uint64_t from, uint64_t count, struct buffer *leaves,
                               struct error *err)
{
    struct source *source = context;
    for (uint64_t i = from; i < from + count && i < from + source->piece; i++) {
        if (i >= source->fail_at) {
            return i > from ? ST_OK : error_set(err, ST_CLOSED, "the broker has gone");
        }
        buffer_bytes(leaves, bytes_of(source->leaves[i], PROOF_LEAF_BYTES));
        if (i == source->flipped) {
            leaves->data[leaves->size - 1] ^= 1;
        }
        source->asked++;
    }
    for (unsigned i = 0; i < source->half; i++) {
        buffer_u8(leaves, 0);
    }
    return ST_OK;
}

static enum status give_proof(void *context, uint64_t from, uint64_t to, struct buffer *path,
                              struct error *err)
{
    struct source *source = context;
    struct proof_path found;
    enum status status = proof_consistency(from, to, node_of, source, &found, err);
    buffer_bytes(path, proof_path_view(&found));
    if (source->bad_proof && path->size > 0) {
        path->data[0] ^= 1;
    }
    return status;
}

static struct source *source_begin(void)
{
    struct source *source = calloc(1, sizeof(*source));
    assert_non_null(source);
    fixture_begin(&source->fixture);
    for (unsigned i = 0; i < MOST; i++) {
        struct proof_leaf leaf = { .class = 1, .minutes = NOVEMBER + i / 100 };
        leaf.commitment = seal_sha256(bytes_of(&i, sizeof(i)));
        proof_leaf_encode(&leaf, source->leaves[i]);
        source->hashes[i] = seal_leaf_hash(bytes_of(source->leaves[i], PROOF_LEAF_BYTES));
    }
    source->flipped = MOST;
    source->fail_at = MOST;
    source->piece = 1000;
    source->note = buffer_init(PROOF_NOTE_MAX);
    snprintf(source->folder, sizeof(source->folder), "%s/export", source->fixture.home);
    return source;
}

static void source_end(struct source *source)
{
    buffer_fini(&source->note);
    fixture_end(&source->fixture);
    free(source);
}

static void sign(struct source *source, uint64_t size, struct buffer *note)
{
    struct error err;
    struct proof_checkpoint checkpoint = { .origin = ORIGIN, .size = size };
    assert_ok(proof_root(size, node_of, source, &checkpoint.root, &err));
    buffer_clear(note);
    proof_checkpoint_sign(&checkpoint, &source->fixture.key, source->fixture.signer, note);
}

static enum status export_to(struct source *source, uint64_t size, struct error *err)
{
    sign(source, size, &source->note);
    const struct audit_export_options options = {
        .folder = source->folder,
        .keys = &source->fixture.ring,
        .note = buffer_view(&source->note),
        .source = { .leaves = give_leaves, .consistency = give_proof, .context = source },
    };
    source->asked = 0;
    return audit_export(&options, &source->result, err);
}

static bool has(const struct source *source, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", source->folder, name);
    return file_exists(path);
}

static void read_back(const struct source *source, const char *name, struct buffer *content)
{
    struct error err;
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", source->folder, name);
    buffer_clear(content);
    assert_ok(file_read(path, 1 << 20, content, &err));
}

static void assert_tile(const struct source *source, const struct proof_tile *tile, uint64_t size)
{
    char name[PROOF_TILE_NAME_BYTES];
    struct error err;
    struct buffer content = buffer_init(1 << 20);
    struct buffer expected = buffer_init(1 << 20);
    if (tile->width == 0) {
        return;
    }
    proof_tile_name(tile, name);
    read_back(source, name, &content);
    for (uint64_t i = 0; i < tile->width; i++) {
        uint64_t at = tile->number * PROOF_TILE_HASHES + i;
        struct digest node;
        if (tile->entries) {
            buffer_lp(&expected, bytes_of(source->leaves[at], PROOF_LEAF_BYTES));
        } else {
            assert_ok(node_of((void *)(uintptr_t)source, 8 * tile->level, at, &node, &err));
            buffer_bytes(&expected, bytes_digest(&node));
        }
    }
    assert_true(tile->number * PROOF_TILE_HASHES < size);
    assert_true(bytes_equal(buffer_view(&content), buffer_view(&expected)));
    buffer_fini(&content);
    buffer_fini(&expected);
}

// Every file of the tree, byte for byte; the checkpoint that was signed.
static void assert_whole(struct source *source, uint64_t size)
{
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    for (unsigned level = 0; level < 2; level++) {
        for (uint64_t number = 0; number <= (size >> (8 * level)) / PROOF_TILE_HASHES; number++) {
            struct proof_tile tile = { .level = level,
                                       .number = number,
                                       .width = proof_tile_width(level, number, size) };
            assert_tile(source, &tile, size);
            tile.entries = level == 0;
            assert_tile(source, &tile, size);
        }
    }
    read_back(source, "checkpoint", &note);
    assert_true(bytes_equal(buffer_view(&note), buffer_view(&source->note)));
    buffer_fini(&note);
}

TEST(the_export_of_every_size_is_whole_and_grows_from_the_one_before)
{
    static const uint64_t sizes[] = { 0,   1,   2,    255,  256,  257,  300,  511,
                                      512, 513, 4095, 4096, 4097, 4352, 8192, 8900 };
    struct error err;
    struct source *source = source_begin();
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        assert_ok(export_to(source, sizes[i], &err));
        assert_int_equal(source->result.size, sizes[i]);
        assert_int_equal(source->result.before, i == 0 ? 0 : sizes[i - 1]);
        assert_whole(source, sizes[i]);
        // Full bundles are not fetched again.
        uint64_t kept = i == 0 ? 0 : sizes[i - 1] / PROOF_TILE_HASHES * PROOF_TILE_HASHES;
        assert_int_equal(source->asked, sizes[i] - kept);
        assert_ok(export_to(source, sizes[i], &err));
        assert_int_equal(source->result.written, 1);
    }
    source_end(source);
}

TEST(nothing_of_a_chunk_that_is_not_proven_is_written)
{
    struct error err;
    struct source *source = source_begin();
    source->flipped = 5000;
    assert_status(ST_UNPROVEN, export_to(source, MOST, &err));
    assert_non_null(strstr(err.message, "entries 4096 to 8191"));
    assert_true(has(source, "tile/entries/015"));
    assert_true(has(source, "tile/0/015"));
    assert_false(has(source, "tile/entries/016"));
    assert_false(has(source, "tile/0/016"));
    assert_false(has(source, "checkpoint"));
    source->flipped = MOST;
    source->bad_proof = true;
    assert_int_not_equal(export_to(source, 8900, &err), ST_OK);
    assert_false(has(source, "checkpoint"));
    source->bad_proof = false;
    assert_ok(export_to(source, MOST, &err));
    assert_whole(source, MOST);
    source_end(source);
}

TEST(a_source_that_fails_or_gives_half_leaves_leaves_no_checkpoint)
{
    struct error err;
    struct source *source = source_begin();
    source->fail_at = 4500;
    assert_status(ST_CLOSED, export_to(source, MOST, &err));
    assert_false(has(source, "checkpoint"));
    source->fail_at = MOST;
    source->half = 1;
    assert_status(ST_UNPROVEN, export_to(source, MOST, &err));
    source->half = 0;
    source->piece = 0;
    assert_status(ST_UNPROVEN, export_to(source, MOST, &err));
    source->piece = 100;
    assert_ok(export_to(source, MOST, &err));
    assert_int_equal(source->asked, MOST - 4096);
    assert_whole(source, MOST);
    source_end(source);
}

static void damage(const struct source *source, const char *name, size_t at)
{
    struct error err;
    char path[256];
    struct buffer content = buffer_init(1 << 20);
    read_back(source, name, &content);
    content.data[at] ^= 1;
    snprintf(path, sizeof(path), "%s/%s", source->folder, name);
    assert_ok(file_replace(path, buffer_view(&content), 0644, &err));
    buffer_fini(&content);
}

TEST(a_damaged_file_is_named_and_stays_as_it_is)
{
    static const struct {
        const char *name;
        size_t at;
        const char *said;
    } cases[] = {
        { "tile/0/007", 100, "tile/0/007" },
        { "tile/1/000.p/34", 3, "tile/1/000.p/34" },
        { "tile/0/034.p/196", 3, "tile/0/034.p/196" },
        { "tile/entries/034.p/196", 3, "tile/entries/034.p/196" },
        { "tile/entries/005", 1, "tile/entries/005" },
        { "tile/entries/005", 30, "between numbers 0 and 15" },
        { "checkpoint", 30, "checkpoint" },
    };
    struct error err;
    struct source *source = source_begin();
    assert_ok(export_to(source, 8900, &err));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        damage(source, cases[i].name, cases[i].at);
        assert_int_not_equal(export_to(source, 8900, &err), ST_OK);
        assert_non_null(strstr(err.message, cases[i].said));
        damage(source, cases[i].name, cases[i].at);
        assert_ok(export_to(source, 8900, &err));
    }
    source_end(source);
}

TEST(one_export_at_a_time_writes_into_a_folder)
{
    struct error err;
    struct source *source = source_begin();
    assert_ok(export_to(source, 300, &err));
    int lock = open(source->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_status(ST_BUSY, export_to(source, 400, &err));
    close(lock);
    assert_ok(export_to(source, 400, &err));
    source_end(source);
}

TEST(a_log_that_shrank_or_was_rewritten_is_refused)
{
    struct error err;
    struct source *source = source_begin();
    assert_ok(export_to(source, 4200, &err));
    assert_status(ST_UNPROVEN, export_to(source, 4100, &err));
    assert_non_null(strstr(err.message, "rolled back"));
    // Another leaf behind the last full bundle, re-signed: only the old checkpoint tells.
    source->leaves[4150][20] ^= 1;
    source->hashes[4150] = seal_leaf_hash(bytes_of(source->leaves[4150], PROOF_LEAF_BYTES));
    assert_status(ST_UNPROVEN, export_to(source, 4300, &err));
    assert_non_null(strstr(err.message, "other entries below 4200"));
    source_end(source);
}

TEST(a_checkpoint_of_another_key_is_not_exported)
{
    struct error err;
    struct source *source = source_begin();
    sign(source, 10, &source->note);
    struct digest other = { { 3 } };
    struct proof_key key;
    struct proof_ring ring;
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, &other, &key, &err));
    assert_ok(proof_ring_init(&ring, &key, &err));
    const struct audit_export_options options = {
        .folder = source->folder,
        .keys = &ring,
        .note = buffer_view(&source->note),
        .source = { .leaves = give_leaves, .consistency = give_proof, .context = source },
    };
    assert_status(ST_UNPROVEN, audit_export(&options, &source->result, &err));
    assert_false(file_exists(source->folder));
    source_end(source);
}

TEST(a_brokers_folder_is_exported_up_to_what_it_published)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_home *home = NULL;
    struct audit_export_result result;
    char folder[160];
    fixture_begin(&fixture);
    assert_status(ST_NOT_FOUND, audit_home_open(fixture.home, &home, &err));
    fixture_open(&fixture);
    fixture_grow(&fixture, 5000);
    fixture_publish(&fixture);
    fixture_grow(&fixture, 5300);
    fixture_close(&fixture);
    assert_ok(audit_home_open(fixture.home, &home, &err));
    snprintf(folder, sizeof(folder), "%s/export", fixture.home);
    const struct audit_export_options options = {
        .folder = folder,
        .keys = &fixture.ring,
        .note = audit_home_note(home),
        .source = audit_home_source(home),
    };
    assert_ok(audit_export(&options, &result, &err));
    assert_int_equal(result.size, 5000);
    audit_home_close(&home);
    fixture_end(&fixture);
}

// Bytes of the address space that the log of the folder takes here; 0: it is not open.
static size_t mapped(const char *home)
{
    char line[1024];
    char wanted[PATH_MAX];
    size_t size = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    snprintf(wanted, sizeof(wanted), "%s/log/data.mdb", home);
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long from = 0;
        unsigned long to = 0;
        if (strstr(line, wanted) != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2) {
            size += to - from;
        }
    }
    fclose(file);
    return size;
}

TEST(a_brokers_folder_is_opened_with_the_room_that_its_broker_gave_it)
{
    const size_t rooms[] = { (size_t)1 << 26, (size_t)96 << 30 }; // less and more than without any
    for (size_t i = 0; i < ARRAY_COUNT(rooms); i++) {
        struct error err;
        struct log_fixture fixture;
        struct audit_home *home = NULL;
        fixture_begin(&fixture);
        fixture.map_bytes = rooms[i];
        fixture_open(&fixture);
        fixture_grow(&fixture, 10);
        fixture_publish(&fixture);
        fixture_close(&fixture);
        assert_ok(audit_home_open(fixture.home, &home, &err));
        assert_int_equal(mapped(fixture.home), rooms[i]);
        audit_home_close(&home);
        fixture_end(&fixture);
    }
}
