// What the portal may show: only what leads to the root of a checkpoint that the log signed.
#include "portal/shelf.h"

#include "base/file.h"
#include "proof/commit.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { LEAVES = 70000, LEVELS = 17, PIECES = 8 };

// A log of 70,000 leaves with all its nodes, and its key.
struct world {
    uint8_t *leaves;
    struct digest *nodes[LEVELS];
    struct seal_secret *seed;
    struct seal_signer *signer;
    struct proof_key key;
    struct proof_ring keys;
    struct portal_shelf *shelf;
};

static void world_begin(struct world *world)
{
    struct error err;
    struct digest seed = { { 5 } };
    memset(world, 0, sizeof(*world));
    world->leaves = calloc(LEAVES, PROOF_LEAF_BYTES);
    assert_non_null(world->leaves);
    for (unsigned level = 0; level < LEVELS; level++) {
        size_t count = LEAVES >> level;
        world->nodes[level] = calloc(count, sizeof(struct digest));
        assert_non_null(world->nodes[level]);
        for (size_t i = 0; i < count; i++) {
            if (level == 0) {
                uint8_t *bytes = world->leaves + i * PROOF_LEAF_BYTES;
                const struct proof_leaf leaf = { .class = 1,
                                                 .minutes = (uint32_t)i,
                                                 .commitment = { { 1, 2, 3 } } };
                proof_leaf_encode(&leaf, bytes);
                world->nodes[0][i] = seal_leaf_hash(bytes_of(bytes, PROOF_LEAF_BYTES));
            } else {
                world->nodes[level][i] = seal_node_hash(&world->nodes[level - 1][2 * i],
                                                        &world->nodes[level - 1][2 * i + 1]);
            }
        }
    }
    assert_ok(seal_secret_copy(bytes_digest(&seed), &world->seed, &err));
    assert_ok(seal_signer_create(world->seed, &world->signer, &err));
    assert_ok(proof_key_make("log.example/test", PROOF_KEY_ED25519, seal_signer_key(world->signer),
                             &world->key, &err));
    assert_ok(proof_ring_init(&world->keys, &world->key, &err));
    world->shelf = portal_shelf_create(&world->keys, PIECES);
    assert_non_null(world->shelf);
}

static void world_end(struct world *world)
{
    portal_shelf_destroy(&world->shelf);
    seal_signer_destroy(&world->signer);
    seal_secret_destroy(&world->seed);
    for (unsigned level = 0; level < LEVELS; level++) {
        free(world->nodes[level]);
    }
    free(world->leaves);
}

static enum status read_node(void *context, unsigned level, uint64_t position, struct digest *node,
                             struct error *err)
{
    const struct world *world = context;
    (void)err;
    *node = world->nodes[level][position];
    return ST_OK;
}

static void offer(struct world *world, uint64_t size)
{
    struct error err;
    struct proof_checkpoint checkpoint = { .size = size };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    memcpy(checkpoint.origin, world->key.name, sizeof(checkpoint.origin));
    assert_ok(proof_root(size, read_node, world, &checkpoint.root, &err));
    proof_checkpoint_sign(&checkpoint, &world->key, world->signer, &note);
    assert_ok(portal_shelf_offer(world->shelf, buffer_view(&note), &err));
    buffer_fini(&note);
}

// What an honest broker gives.
static struct bytes fetched(const struct world *world, const struct portal_want *want)
{
    uint64_t first = want->tile.number * PROOF_TILE_HASHES;
    if (want->tile.entries) {
        return bytes_of(world->leaves + first * PROOF_LEAF_BYTES,
                        (size_t)want->tile.width * PROOF_LEAF_BYTES);
    }
    return bytes_of(&world->nodes[8 * want->tile.level][first],
                    (size_t)want->tile.width * DIGEST_BYTES);
}

static void fill_edge(struct world *world)
{
    struct error err;
    struct portal_want want;
    for (unsigned level = 0; level < PROOF_TILE_LEVELS; level++) {
        if (portal_shelf_edge(world->shelf, level, &want)) {
            assert_ok(portal_shelf_put(world->shelf, &want, fetched(world, &want), &err));
        }
    }
}

static uint64_t shown(const struct world *world)
{
    struct bytes note;
    return portal_shelf_checkpoint(world->shelf, &note);
}

// Fetches until the piece is there; gives how many questions that took, -1: there is none.
static int look(struct world *world, const struct proof_tile *tile, struct bytes *content)
{
    struct error err;
    struct portal_want want;
    for (int questions = 0; questions < 10; questions++) {
        switch (portal_shelf_find(world->shelf, tile, content, &want)) {
        case PORTAL_NONE:
            return -1;
        case PORTAL_HERE:
            return questions;
        case PORTAL_MISSING:
            assert_ok(portal_shelf_put(world->shelf, &want, fetched(world, &want), &err));
        }
    }
    fail_msg("a piece is never there");
    return -1;
}

static void assert_bundle(const struct world *world, uint64_t number, unsigned width,
                          struct bytes content)
{
    assert_int_equal(content.size, width * (2 + PROOF_LEAF_BYTES));
    for (size_t i = 0; i < width; i++) {
        const uint8_t *entry = content.data + i * (2 + PROOF_LEAF_BYTES);
        assert_int_equal(entry[0], 0);
        assert_int_equal(entry[1], PROOF_LEAF_BYTES);
        assert_memory_equal(entry + 2,
                            world->leaves + (number * PROOF_TILE_HASHES + i) * PROOF_LEAF_BYTES,
                            PROOF_LEAF_BYTES);
    }
}

TEST(nothing_is_shown_before_the_checkpoints_edge_is_there)
{
    struct world world;
    struct bytes content;
    struct portal_want want;
    world_begin(&world);
    const struct proof_tile tile = { .number = 0, .width = 1 };
    assert_int_equal(shown(&world), 0);
    offer(&world, LEAVES);
    assert_int_equal(shown(&world), 0);
    assert_int_equal(portal_shelf_find(world.shelf, &tile, &content, &want), PORTAL_NONE);
    fill_edge(&world);
    assert_int_equal(shown(&world), LEAVES);
    world_end(&world);
}

TEST(a_tile_is_shown_once_the_tiles_above_it_have_proven_it)
{
    struct world world;
    struct bytes content;
    world_begin(&world);
    offer(&world, LEAVES);
    fill_edge(&world);
    // Below the full tile of level 1, which is fetched first.
    const struct proof_tile deep = { .number = 200, .width = PROOF_TILE_HASHES };
    assert_int_equal(look(&world, &deep, &content), 2);
    assert_memory_equal(content.data, &world.nodes[0][200 * PROOF_TILE_HASHES], PROOF_TILE_BYTES);
    assert_int_equal(look(&world, &deep, &content), 0);
    // Its neighbour needs itself alone; behind the last full tile of level 1 the edge proves.
    const struct proof_tile beside = { .number = 201, .width = 7 };
    assert_int_equal(look(&world, &beside, &content), 1);
    assert_int_equal(content.size, 7 * DIGEST_BYTES);
    const struct proof_tile late = { .number = 260, .width = PROOF_TILE_HASHES };
    assert_int_equal(look(&world, &late, &content), 1);
    const struct proof_tile edge = { .number = 273, .width = 112 };
    assert_int_equal(look(&world, &edge, &content), 0);
    assert_memory_equal(content.data, &world.nodes[0][273 * 256], 112 * DIGEST_BYTES);
    const struct proof_tile top = { .level = 2, .width = 1 };
    assert_int_equal(look(&world, &top, &content), 0);
    assert_memory_equal(content.data, &world.nodes[16][0], DIGEST_BYTES);
    world_end(&world);
}

TEST(entries_are_shown_as_far_as_the_tree_has_them)
{
    struct world world;
    struct bytes content;
    world_begin(&world);
    offer(&world, LEAVES);
    fill_edge(&world);
    const struct proof_tile full = { .entries = true, .number = 3, .width = PROOF_TILE_HASHES };
    assert_int_equal(look(&world, &full, &content), 3); // level 1, level 0, the entries
    assert_bundle(&world, 3, PROOF_TILE_HASHES, content);
    const struct proof_tile part = { .entries = true, .number = 3, .width = 20 };
    assert_int_equal(look(&world, &part, &content), 0);
    assert_bundle(&world, 3, 20, content);
    const struct proof_tile last = { .entries = true, .number = 273, .width = 112 };
    assert_int_equal(look(&world, &last, &content), 1);
    assert_bundle(&world, 273, 112, content);
    const struct proof_tile beyond = { .entries = true, .number = 273, .width = 113 };
    assert_int_equal(look(&world, &beyond, &content), -1);
    world_end(&world);
}

TEST(tiles_of_a_larger_tree_are_not_shown_before_its_checkpoint)
{
    struct world world;
    struct bytes content;
    world_begin(&world);
    offer(&world, 600);
    fill_edge(&world);
    static const struct proof_tile beyond[] = {
        { .number = 2, .width = PROOF_TILE_HASHES },
        { .number = 2, .width = 89 },
        { .number = 3, .width = 1 },
        { .level = 1, .width = 3 },
        { .level = 2, .width = 1 },
        { .entries = true, .number = 2, .width = 89 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(beyond); i++) {
        assert_int_equal(look(&world, &beyond[i], &content), -1);
    }
    const struct proof_tile entries = { .entries = true, .number = 2, .width = 88 };
    assert_int_equal(look(&world, &entries, &content), 1);
    offer(&world, 700);
    assert_int_equal(look(&world, &beyond[1], &content), -1);
    fill_edge(&world);
    assert_int_equal(look(&world, &beyond[1], &content), 0);
    // The bundle that was kept is too short now.
    assert_int_equal(look(&world, &beyond[5], &content), 1);
    assert_bundle(&world, 2, 89, content);
    world_end(&world);
}

// `body` with one bit flipped at `at`.
static enum status put_flipped(struct world *world, const struct portal_want *want, size_t at)
{
    struct error err;
    struct bytes body = fetched(world, want);
    struct buffer copy = buffer_init(body.size);
    buffer_bytes(&copy, body);
    copy.data[at] ^= 1;
    enum status status = portal_shelf_put(world->shelf, want, buffer_view(&copy), &err);
    buffer_fini(&copy);
    return status;
}

TEST(whatever_does_not_prove_itself_is_refused_and_not_kept)
{
    struct world world;
    struct error err;
    struct bytes content;
    struct portal_want want;
    world_begin(&world);
    offer(&world, LEAVES);
    assert_true(portal_shelf_edge(world.shelf, 0, &want));
    assert_status(ST_UNPROVEN, portal_shelf_put(world.shelf, &want, (struct bytes){ 0 }, &err));
    // A false part of the edge shows when the edge is whole: the checkpoint is not taken.
    assert_ok(put_flipped(&world, &want, 5));
    assert_true(portal_shelf_edge(world.shelf, 1, &want));
    assert_ok(portal_shelf_put(world.shelf, &want, fetched(&world, &want), &err));
    assert_true(portal_shelf_edge(world.shelf, 2, &want));
    assert_status(ST_UNPROVEN, portal_shelf_put(world.shelf, &want, fetched(&world, &want), &err));
    assert_int_equal(shown(&world), 0);
    offer(&world, LEAVES);
    fill_edge(&world);
    assert_int_equal(shown(&world), LEAVES);
    // Tile of level 1, then of level 0, then entries: each first with one bit flipped, or cut.
    const struct proof_tile asked = { .entries = true, .number = 9, .width = PROOF_TILE_HASHES };
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(portal_shelf_find(world.shelf, &asked, &content, &want), PORTAL_MISSING);
        struct bytes body = fetched(&world, &want);
        assert_status(ST_UNPROVEN, put_flipped(&world, &want, 0));
        assert_status(ST_UNPROVEN, put_flipped(&world, &want, body.size - 1));
        body.size--;
        assert_status(ST_UNPROVEN, portal_shelf_put(world.shelf, &want, body, &err));
        assert_int_equal(portal_shelf_find(world.shelf, &asked, &content, &want), PORTAL_MISSING);
        assert_ok(portal_shelf_put(world.shelf, &want, fetched(&world, &want), &err));
    }
    assert_int_equal(portal_shelf_find(world.shelf, &asked, &content, &want), PORTAL_HERE);
    world_end(&world);
}

TEST(a_checkpoint_of_another_key_is_refused_and_a_smaller_one_is_passed_over)
{
    struct world world;
    struct world other;
    struct error err;
    struct bytes note;
    world_begin(&world);
    world_begin(&other);
    offer(&world, 700);
    fill_edge(&world);
    offer(&world, 600);
    assert_int_equal(shown(&world), 700);
    struct portal_want want;
    assert_false(portal_shelf_edge(world.shelf, 0, &want));
    struct digest public_key = { { 77 } };
    assert_ok(proof_key_make("log.example/test", PROOF_KEY_ED25519, &public_key, &other.key, &err));
    assert_ok(proof_ring_init(&other.keys, &other.key, &err));
    (void)portal_shelf_checkpoint(world.shelf, &note);
    assert_status(ST_UNPROVEN, portal_shelf_offer(other.shelf, note, &err));
    world_end(&other);
    world_end(&world);
}

TEST(the_shelf_is_bounded_and_what_left_it_is_fetched_again)
{
    struct world world;
    struct bytes content;
    world_begin(&world);
    offer(&world, LEAVES);
    fill_edge(&world);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t number = 0; number < 100; number++) {
            const struct proof_tile tile = { .entries = number % 2 == 0,
                                             .number = number,
                                             .width = PROOF_TILE_HASHES };
            assert_true(look(&world, &tile, &content) > 0);
        }
    }
    // What came too late to be proven is asked for again.
    struct error err;
    const struct portal_want late = { .tile = { .entries = true, .number = 2, .width = 256 },
                                      .size = LEAVES };
    assert_status(ST_STALE, portal_shelf_put(world.shelf, &late, fetched(&world, &late), &err));
    world_end(&world);
}
