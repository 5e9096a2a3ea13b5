#include "proof/tree.h"

#include "hex.h"
#include "seal/hash.h"
#include "test.h"

// The reference leaves of Certificate Transparency, and the roots of their first 1..8.
static const char *const leaf_data[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
static const char *const roots[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static struct digest reference_leaf(size_t i)
{
    uint8_t room[16];
    return seal_leaf_hash(hex_into(leaf_data[i], room, sizeof(room)));
}

static void assert_steps(const struct proof_path *path, const char *const *base64, size_t count)
{
    assert_int_equal(path->count, count);
    for (size_t i = 0; i < count; i++) {
        struct buffer step = buffer_init(DIGEST_BYTES);
        assert_true(text_base64_decode(&step, bytes_text(base64[i])));
        assert_int_equal(step.size, DIGEST_BYTES);
        assert_memory_equal(path->steps[i].bytes, step.data, DIGEST_BYTES);
        buffer_fini(&step);
    }
}

// All nodes of a small tree by the definition of RFC 6962, slowly.
static struct digest tree_leaves[600];

static struct digest slow_root(size_t from, size_t to)
{
    if (to - from == 1) {
        return tree_leaves[from];
    }
    size_t k = 1;
    while (2 * k < to - from) {
        k *= 2;
    }
    struct digest left = slow_root(from, from + k);
    struct digest right = slow_root(from + k, to);
    return seal_node_hash(&left, &right);
}

static enum status read_node(void *context, unsigned level, uint64_t position, struct digest *node,
                             struct error *err)
{
    uint64_t size = *(const uint64_t *)context;
    if ((position + 1) << level > size) {
        return error_set(err, ST_CORRUPT, "node %u/%ju is not complete", level,
                         (uintmax_t)position);
    }
    *node = slow_root(position << level, (position + 1) << level);
    return ST_OK;
}

static void use_reference_leaves(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(leaf_data); i++) {
        tree_leaves[i] = reference_leaf(i);
    }
}

static void use_numbered_leaves(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(tree_leaves); i++) {
        uint8_t storage[8];
        tree_leaves[i] = seal_leaf_hash(seal_u64(storage, i));
    }
}

TEST(roots_are_those_of_the_reference_leaves)
{
    struct proof_frontier frontier = { 0 };
    assert_digest(proof_frontier_root(&frontier),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        struct digest leaf = reference_leaf(i);
        proof_frontier_append(&frontier, &leaf);
        assert_digest(proof_frontier_root(&frontier), roots[i]);
    }
}

TEST(the_reference_inclusion_proof_comes_out)
{
    static const char *const steps[] = { "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
                                         "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
                                         "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=" };
    struct error err;
    struct proof_path path;
    uint64_t size = 8;
    use_reference_leaves();
    assert_ok(proof_inclusion(5, size, read_node, &size, &path, &err));
    assert_steps(&path, steps, ARRAY_COUNT(steps));
}

TEST(the_reference_consistency_proofs_come_out)
{
    static const char *const three[] = { "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=",
                                         "B1Bqhf2d0vEg62lPhgEeW7RmLlxBWmKRcDPUqWJEh+c=",
                                         "+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=",
                                         "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=" };
    static const char *const four[] = { "g327FS6bB5AQcX6E6GXaTrwPoZioBtWdMb8VrM7yLQ4=" };
    struct error err;
    struct proof_path path;
    uint64_t size = 8;
    use_reference_leaves();
    assert_ok(proof_consistency(3, size, read_node, &size, &path, &err));
    assert_steps(&path, three, ARRAY_COUNT(three));
    size = 7;
    assert_ok(proof_consistency(4, size, read_node, &size, &path, &err));
    assert_steps(&path, four, ARRAY_COUNT(four));
}

enum { TREE_MAX = 70 };

TEST(every_entry_of_every_small_tree_is_proven)
{
    struct error err;
    use_numbered_leaves();
    for (uint64_t size = 1; size <= TREE_MAX; size++) {
        struct digest root = slow_root(0, size);
        for (uint64_t i = 0; i < size; i++) {
            struct proof_path path;
            assert_ok(proof_inclusion(i, size, read_node, &size, &path, &err));
            assert_int_equal(path.count, proof_inclusion_length(i, size));
            struct bytes view = proof_path_view(&path);
            assert_true(proof_inclusion_verify(&tree_leaves[i], i, size, view, &root));
            assert_false(proof_inclusion_verify(&tree_leaves[i + 1], i, size, view, &root));
            assert_false(proof_inclusion_verify(&tree_leaves[i], i, size + 1, view, &root) &&
                         proof_inclusion_length(i, size) != proof_inclusion_length(i, size + 1));
            path.count++; // one step more, and one less
            assert_false(
                proof_inclusion_verify(&tree_leaves[i], i, size, proof_path_view(&path), &root));
            view.size -= view.size > 0 ? DIGEST_BYTES : 0;
            assert_true(size == 1 || path.count == 1 ||
                        !proof_inclusion_verify(&tree_leaves[i], i, size, view, &root));
            path.count--;
            view = proof_path_view(&path);
            for (uint64_t other = 0; other <= size; other++) {
                assert_true(other == i ||
                            !proof_inclusion_verify(&tree_leaves[i], other, size, view, &root));
            }
        }
    }
}

TEST(every_pair_of_small_trees_is_consistent_by_its_proof_alone)
{
    struct error err;
    struct digest root_of[TREE_MAX + 1];
    use_numbered_leaves();
    root_of[0] = proof_empty_root();
    for (uint64_t size = 1; size <= TREE_MAX; size++) {
        root_of[size] = slow_root(0, size);
    }
    for (uint64_t size = 0; size <= TREE_MAX; size++) {
        for (uint64_t old = 0; old <= size; old++) {
            struct proof_path path;
            assert_ok(proof_consistency(old, size, read_node, &size, &path, &err));
            struct bytes view = proof_path_view(&path);
            assert_true(proof_consistency_verify(old, &root_of[old], size, &root_of[size], view));
            struct digest wrong = root_of[size];
            wrong.bytes[0] ^= 1;
            assert_true(!proof_consistency_verify(old, &root_of[old], size, &wrong, view) ||
                        (old == 0 && size > 0));
            wrong = root_of[old];
            wrong.bytes[31] ^= 1;
            assert_false(proof_consistency_verify(old, &wrong, size, &root_of[size], view));
            if (path.count > 0) {
                view.size -= DIGEST_BYTES;
                assert_false(
                    proof_consistency_verify(old, &root_of[old], size, &root_of[size], view));
            }
            path.steps[path.count++] = root_of[0];
            assert_false(proof_consistency_verify(old, &root_of[old], size, &root_of[size],
                                                  proof_path_view(&path)));
        }
    }
}

TEST(a_batch_gives_the_proofs_edge_and_root_that_the_slow_way_gives)
{
    enum { SIZE_MAX_TRIED = 40, COUNT_MAX = 24 };
    struct error err;
    struct proof_batch *batch = proof_batch_create(COUNT_MAX);
    assert_non_null(batch);
    use_numbered_leaves();
    struct proof_frontier frontier = { 0 };
    for (uint64_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        for (size_t count = 1; count <= COUNT_MAX; count++) {
            uint64_t new_size = size + count;
            proof_batch_run(batch, &frontier, tree_leaves + size, count);
            struct digest root = slow_root(0, new_size);
            assert_true(digest_equal(&root, proof_batch_root(batch)));
            struct proof_frontier wanted = { 0 };
            for (uint64_t i = 0; i < new_size; i++) {
                proof_frontier_append(&wanted, &tree_leaves[i]);
            }
            const struct proof_frontier *edge = proof_batch_frontier(batch);
            assert_int_equal(edge->size, new_size);
            for (unsigned l = 0; l < 8; l++) {
                assert_true((new_size >> l & 1) == 0 ||
                            digest_equal(&edge->nodes[l], &wanted.nodes[l]));
            }
            for (size_t i = 0; i < count; i++) {
                struct proof_path path;
                struct proof_path slow;
                proof_batch_path(batch, i, &path);
                assert_ok(proof_inclusion(size + i, new_size, read_node, &new_size, &slow, &err));
                assert_true(bytes_equal(proof_path_view(&path), proof_path_view(&slow)));
            }
        }
        proof_frontier_append(&frontier, &tree_leaves[size]);
    }
    proof_batch_destroy(&batch);
    assert_null(batch);
    proof_batch_destroy(&batch);
}

TEST(a_batch_has_the_complete_nodes_above_its_leaves_at_hand)
{
    struct proof_batch *batch = proof_batch_create(300);
    use_numbered_leaves();
    struct proof_frontier frontier = { 0 };
    for (size_t i = 0; i < 250; i++) {
        proof_frontier_append(&frontier, &tree_leaves[i]);
    }
    proof_batch_run(batch, &frontier, tree_leaves + 250, 300);
    for (unsigned l = 0; l <= 9; l++) {
        for (uint64_t position = 0; position < 600; position++) {
            const struct digest *node = proof_batch_node(batch, l, position);
            bool complete = (position + 1) << l <= 550;
            bool near = position >= ((250U >> l) & ~1U);
            assert_int_equal(node != NULL, complete && near);
            if (node != NULL) {
                struct digest slow = slow_root(position << l, (position + 1) << l);
                assert_true(digest_equal(node, &slow));
            }
        }
    }
    assert_null(proof_batch_node(batch, 63, 0));
    proof_batch_destroy(&batch);
}

TEST(batches_follow_one_another_on_their_own_edges)
{
    static const size_t counts[] = { 1, 255, 1, 2, 7, 64, 3, 128, 100 };
    struct proof_batch *batch = proof_batch_create(255);
    use_numbered_leaves();
    struct proof_frontier frontier = { 0 };
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        uint64_t from = frontier.size;
        proof_batch_run(batch, &frontier, tree_leaves + from, counts[i]);
        frontier = *proof_batch_frontier(batch);
        struct digest root = slow_root(0, frontier.size);
        assert_true(digest_equal(&root, proof_batch_root(batch)));
    }
    proof_batch_destroy(&batch);
}

TEST(root_and_edge_of_any_earlier_size_are_read_from_complete_nodes)
{
    struct error err;
    use_numbered_leaves();
    struct proof_frontier appended = { 0 };
    for (uint64_t size = 0; size <= 300; size++) {
        struct digest root;
        struct proof_frontier read;
        assert_ok(proof_root(size, read_node, &size, &root, &err));
        struct digest wanted = proof_frontier_root(&appended);
        assert_true(digest_equal(&root, &wanted));
        assert_ok(proof_frontier_read(size, read_node, &size, &read, &err));
        proof_frontier_append(&read, &tree_leaves[size]);
        proof_frontier_append(&appended, &tree_leaves[size]);
        root = proof_frontier_root(&read);
        wanted = proof_frontier_root(&appended);
        assert_true(digest_equal(&root, &wanted));
    }
}

TEST(proofs_outside_the_tree_are_refused)
{
    struct error err;
    struct proof_path path;
    uint64_t size = 8;
    assert_status(ST_USAGE, proof_inclusion(8, size, read_node, &size, &path, &err));
    assert_status(ST_USAGE, proof_inclusion(0, 0, read_node, &size, &path, &err));
    assert_status(ST_USAGE, proof_consistency(9, size, read_node, &size, &path, &err));
}

TEST(a_reader_that_fails_fails_the_proof)
{
    struct error err;
    struct proof_path path = { .count = 3 };
    struct digest root;
    struct proof_frontier frontier;
    uint64_t smaller = 4; // the reader has less than is asked for
    use_numbered_leaves();
    assert_status(ST_CORRUPT, proof_inclusion(1, 8, read_node, &smaller, &path, &err));
    assert_status(ST_CORRUPT, proof_inclusion(1, 7, read_node, &smaller, &path, &err));
    assert_status(ST_CORRUPT, proof_consistency(3, 8, read_node, &smaller, &path, &err));
    assert_status(ST_CORRUPT, proof_consistency(7, 8, read_node, &smaller, &path, &err));
    assert_status(ST_CORRUPT, proof_root(8, read_node, &smaller, &root, &err));
    assert_status(ST_CORRUPT, proof_frontier_read(8, read_node, &smaller, &frontier, &err));
    assert_int_equal(path.count, 3);
}

TEST(sizes_at_the_end_of_the_range_do_not_break_verification)
{
    static const uint64_t sizes[] = { UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63,
                                      (UINT64_C(1) << 63) + 1 };
    static struct digest steps[PROOF_PATH_MAX + 1];
    struct digest leaf = count_digest(1);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        for (size_t n = 0; n <= PROOF_PATH_MAX + 1; n++) {
            struct bytes path = bytes_of(steps, n * DIGEST_BYTES);
            assert_false(proof_inclusion_verify(&leaf, sizes[i] - 1, sizes[i], path, &leaf));
            assert_false(proof_inclusion_verify(&leaf, 0, sizes[i], path, &leaf));
            assert_false(proof_consistency_verify(1, &leaf, sizes[i], &leaf, path));
            assert_false(proof_consistency_verify(sizes[i] - 1, &leaf, sizes[i], &leaf, path));
        }
        assert_in_range(proof_inclusion_length(0, sizes[i]), 63, 64);
    }
}

TEST(a_path_reads_back_from_its_bytes)
{
    struct proof_path path;
    static uint8_t bytes[(PROOF_PATH_MAX + 1) * DIGEST_BYTES];
    assert_true(proof_path_read(bytes_of(bytes, 96), &path));
    assert_int_equal(path.count, 3);
    assert_true(proof_path_read((struct bytes){ 0 }, &path));
    assert_int_equal(path.count, 0);
    assert_false(proof_path_read(bytes_of(bytes, 95), &path));
    assert_false(proof_path_read(bytes_of(bytes, sizeof(bytes)), &path));
}

TEST(a_subtree_by_its_root_is_as_good_as_its_leaves)
{
    struct proof_frontier leaves = { 0 };
    struct proof_frontier trees = { 0 };
    struct proof_frontier eight = { 0 };
    for (uint8_t i = 0; i < 100; i++) {
        struct digest leaf = count_digest(i);
        proof_frontier_append(&leaves, &leaf);
        proof_frontier_append(&eight, &leaf);
        if (eight.size == 8) {
            proof_frontier_append_tree(&trees, 3, &eight.nodes[3]);
            eight.size = 0;
            struct digest one = proof_frontier_root(&leaves);
            struct digest other = proof_frontier_root(&trees);
            assert_true(digest_equal(&one, &other));
            assert_int_equal(trees.size, leaves.size);
        }
    }
}
