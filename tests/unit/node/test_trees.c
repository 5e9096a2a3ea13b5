#include "node/trees.h"

#include "tinylog.h"

struct world {
    struct tinylog log;
    struct proof_policy *policy;
    struct node_trees *trees;
    struct proof_ring ring;
};

static void begin(struct world *world)
{
    struct error err;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    memset(world, 0, sizeof(*world));
    tinylog_begin(&world->log);
    tinylog_policy(&world->log, "group g 2 w1 w2\nquorum g\n", &text);
    assert_ok(proof_policy_parse(buffer_view(&text), &world->policy, &err));
    world->trees = node_trees_create(world->policy);
    assert_non_null(world->trees);
    assert_ok(proof_ring_init(&world->ring, &world->log.key, &err));
    buffer_fini(&text);
}

static void end(struct world *world)
{
    node_trees_destroy(&world->trees);
    proof_policy_destroy(&world->policy);
    tinylog_end(&world->log);
}

static struct node_tree tree_of(const struct world *world, uint64_t size, uint64_t branch)
{
    struct proof_checkpoint checkpoint = tinylog_checkpoint(&world->log, size, branch);
    return (struct node_tree){ .size = size, .root = checkpoint.root };
}

// What becomes of the checkpoint with these witnesses' lines.
static enum status take(struct world *world, uint64_t size, unsigned witnesses, bool *met,
                        bool *forked)
{
    struct error err;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    tinylog_note(&world->log, size, 0, witnesses, &note);
    enum status status =
        node_trees_take(world->trees, buffer_view(&note), &world->ring, met, forked, &err);
    buffer_fini(&note);
    return status;
}

TEST(a_tree_is_witnessed_once_it_leads_into_a_checkpoint_with_a_quorum)
{
    struct world world;
    struct node_tree asked;
    bool met = false;
    bool forked = false;
    begin(&world);
    struct node_tree small = tree_of(&world, 5, 0);
    struct node_tree large = tree_of(&world, 9, 0);
    node_trees_add(world.trees, &small, 100);
    assert_int_equal(take(&world, 9, 0x1, &met, &forked), ST_OK);
    assert_false(met); // one witness is no quorum
    assert_false(node_trees_next(world.trees, 200, 1000, &asked));
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_OK);
    assert_true(met);
    assert_false(node_trees_is_witnessed(world.trees, &small));
    assert_int_equal(node_trees_waiting_ms(world.trees), 100);
    assert_true(node_trees_next(world.trees, 200, 1000, &asked));
    assert_int_equal(asked.size, 5);
    assert_false(node_trees_next(world.trees, 300, 1000, &asked)); // not twice at once
    assert_true(node_trees_next(world.trees, 1200, 1000, &asked));
    struct proof_path wrong = tinylog_path(4, 9, 0);
    assert_false(node_trees_prove(world.trees, &small, &large, proof_path_view(&wrong)));
    assert_false(node_trees_is_witnessed(world.trees, &small));
    struct proof_path path = tinylog_path(5, 9, 0);
    assert_true(node_trees_prove(world.trees, &small, &large, proof_path_view(&path)));
    assert_true(node_trees_is_witnessed(world.trees, &small));
    assert_int_equal(node_trees_waiting_ms(world.trees), INT64_MAX);
    end(&world);
}

TEST(the_witnessed_tree_itself_needs_no_proof)
{
    struct world world;
    bool met = false;
    bool forked = false;
    begin(&world);
    struct node_tree tree = tree_of(&world, 9, 0);
    node_trees_add(world.trees, &tree, 100);
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_OK);
    assert_true(node_trees_is_witnessed(world.trees, &tree));
    struct node_tree later = tree_of(&world, 12, 0);
    assert_int_equal(take(&world, 12, 0x3, &met, &forked), ST_OK);
    node_trees_add(world.trees, &later, 200);
    assert_true(node_trees_is_witnessed(world.trees, &later));
    assert_int_equal(node_trees_waiting_ms(world.trees), INT64_MAX);
    end(&world);
}

TEST(an_older_checkpoint_never_takes_the_place_of_the_newest)
{
    struct world world;
    uint64_t time_s = 0;
    bool met = false;
    bool forked = false;
    begin(&world);
    assert_int_equal(take(&world, 12, 0x3, &met, &forked), ST_OK);
    assert_true(met);
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_OK);
    assert_false(met);
    assert_int_equal(node_trees_witnessed(world.trees, &time_s).size, 12);
    end(&world);
}

TEST(a_tree_of_a_fork_is_never_witnessed)
{
    struct world world;
    struct node_tree asked;
    bool met = false;
    bool forked = false;
    begin(&world);
    struct node_tree lie = tree_of(&world, 5, 2);
    struct node_tree large = tree_of(&world, 9, 0);
    node_trees_add(world.trees, &lie, 100);
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_OK);
    assert_true(node_trees_next(world.trees, 200, 1000, &asked));
    struct proof_path path = tinylog_path(5, 9, 0);
    assert_false(node_trees_prove(world.trees, &lie, &large, proof_path_view(&path)));
    struct proof_path own = tinylog_path(5, 9, 2);
    assert_false(node_trees_prove(world.trees, &lie, &large, proof_path_view(&own)));
    assert_false(node_trees_is_witnessed(world.trees, &lie));
    assert_int_equal(node_trees_waiting_ms(world.trees), 100);
    end(&world);
}

TEST(another_tree_of_the_size_that_was_cosigned_is_a_fork)
{
    struct world world;
    bool met = false;
    bool forked = false;
    begin(&world);
    struct node_tree lie = tree_of(&world, 9, 2);
    node_trees_add(world.trees, &lie, 100);
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_UNPROVEN);
    assert_true(forked);
    assert_false(met);
    end(&world);
}

TEST(two_trees_of_one_size_that_were_both_cosigned_are_a_fork)
{
    struct error err;
    struct world world;
    bool met = false;
    bool forked = false;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    begin(&world);
    assert_int_equal(take(&world, 9, 0x3, &met, &forked), ST_OK);
    tinylog_note(&world.log, 9, 4, 0x3, &note); // no tree of this size was shown to the node
    assert_status(ST_UNPROVEN, node_trees_take(world.trees, buffer_view(&note), &world.ring, &met,
                                               &forked, &err));
    assert_true(forked);
    assert_false(met);
    buffer_fini(&note);
    end(&world);
}

TEST(a_cosignature_counts_only_by_a_key_of_the_policy)
{
    struct error err;
    struct world world;
    bool met = false;
    bool forked = false;
    begin(&world);
    assert_int_equal(take(&world, 9, 0xd, &met, &forked), ST_OK); // w1, w3, w4
    assert_false(met);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    tinylog_note(&world.log, 9, 0, 0x1, &note);
    tinylog_line(&world.log, 8, 0, 1, TINYLOG_TIME, &note); // w2, over something else
    assert_status(ST_UNPROVEN, node_trees_take(world.trees, buffer_view(&note), &world.ring, &met,
                                               &forked, &err));
    assert_false(met);
    assert_false(forked);
    buffer_fini(&note);
    end(&world);
}

TEST(the_tree_that_waits_longest_is_never_forgotten)
{
    struct world world;
    begin(&world);
    struct node_tree first = tree_of(&world, 1, 0);
    node_trees_add(world.trees, &first, 100);
    for (uint64_t i = 0; i < 2 * NODE_TREES_MAX; i++) {
        struct node_tree tree = { .size = 1000 + i, .root = count_digest((uint8_t)i) };
        node_trees_add(world.trees, &tree, 200);
    }
    assert_int_equal(node_trees_waiting_ms(world.trees), 100);
    end(&world);
}
