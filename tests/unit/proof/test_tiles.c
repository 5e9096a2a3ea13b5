// Names and sizes of tiles, as C2SP tlog-tiles has them.
#include "proof/tiles.h"

#include "seal/hash.h"
#include "test.h"

#include <stdio.h>

static void assert_name(bool entries, unsigned level, uint64_t number, unsigned width,
                        const char *expected)
{
    const struct proof_tile tile = {
        .entries = entries, .level = level, .number = number, .width = width
    };
    struct proof_tile read;
    char name[PROOF_TILE_NAME_BYTES];
    proof_tile_name(&tile, name);
    assert_string_equal(name, expected);
    assert_true(proof_tile_parse(name, &read));
    assert_int_equal(read.entries, entries);
    assert_int_equal(read.level, level);
    assert_true(read.number == number);
    assert_int_equal(read.width, width);
}

TEST(a_tile_has_the_name_of_the_published_format_and_is_read_back)
{
    assert_name(false, 0, 0, 256, "tile/0/000");
    assert_name(false, 0, 255, 256, "tile/0/255");
    assert_name(false, 0, 999, 256, "tile/0/999");
    assert_name(false, 1, 1000, 256, "tile/1/x001/000");
    assert_name(false, 0, 1234067, 256, "tile/0/x001/x234/067");
    assert_name(false, 2, 1234067, 8, "tile/2/x001/x234/067.p/8");
    assert_name(true, 0, 273, 112, "tile/entries/273.p/112");
    assert_name(true, 0, 70000, 256, "tile/entries/x070/000");
    assert_name(false, 7, 0, 1, "tile/7/000.p/1");
    assert_name(false, 0, UINT64_MAX / 256, 255, "tile/0/x072/x057/x594/x037/x927/935.p/255");
}

TEST(only_the_one_name_of_a_tile_is_read)
{
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/x000/000",
        "tile/0/x001/x000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/0a0",
        "tile/0/-01",
        "tile/8/000",
        "tile/00/000",
        "tile/10/000",
        "tile/a/000",
        "tile/entries",
        "tile/entries/",
        "tile/entries/0/000",
        "tile/data/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.P/1",
        "/tile/0/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x072/x057/x594/x037/x927/936",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/x000/000",
        "checkpoint",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct proof_tile tile;
        if (proof_tile_parse(bad[i], &tile)) {
            fail_msg("'%s' is read as a tile", bad[i]);
        }
    }
}

TEST(a_tree_has_the_tiles_of_its_size_and_no_others)
{
    // 70,000 leaves: 273 full and one of 112; above, 1 full and one of 17; above, one of 1.
    assert_int_equal(proof_tile_width(0, 272, 70000), 256);
    assert_int_equal(proof_tile_width(0, 273, 70000), 112);
    assert_int_equal(proof_tile_width(0, 274, 70000), 0);
    assert_int_equal(proof_tile_width(1, 0, 70000), 256);
    assert_int_equal(proof_tile_width(1, 1, 70000), 17);
    assert_int_equal(proof_tile_width(2, 0, 70000), 1);
    assert_int_equal(proof_tile_width(3, 0, 70000), 0);
    assert_int_equal(proof_tile_width(0, 0, 256), 256);
    assert_int_equal(proof_tile_width(0, 1, 256), 0);
    assert_int_equal(proof_tile_width(1, 0, 256), 1);
    assert_int_equal(proof_tile_width(8, 0, UINT64_MAX), 0);
    assert_int_equal(proof_tile_width(7, 0, UINT64_MAX), 255);
    struct proof_tile tile = { .number = 273, .width = 112 };
    assert_true(proof_tile_exists(&tile, 70000));
    tile.width = 113;
    assert_false(proof_tile_exists(&tile, 70000));
    tile.width = 1;
    assert_true(proof_tile_exists(&tile, 70000));
    tile.width = 0;
    assert_false(proof_tile_exists(&tile, 70000));
    assert_false(proof_tile_exists(&(struct proof_tile){ .width = 1 }, 0));
}

TEST(a_full_tiles_root_is_the_root_of_its_hashes)
{
    struct digest hashes[PROOF_TILE_HASHES];
    struct proof_frontier frontier = { .size = 0 };
    for (unsigned i = 0; i < PROOF_TILE_HASHES; i++) {
        hashes[i] = seal_leaf_hash(bytes_of(&i, sizeof(i)));
        proof_frontier_append(&frontier, &hashes[i]);
    }
    struct digest expected = proof_frontier_root(&frontier);
    struct digest root = proof_tile_root(hashes);
    assert_true(digest_equal(&root, &expected));
}
