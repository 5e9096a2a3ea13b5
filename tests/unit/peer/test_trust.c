// What a peer makes of the checkpoint that the broker's witnesses are said to have cosigned.
#include "peer/trust.h"

#include "tinylog.h"

struct world {
    struct tinylog log;
    struct peer_trust trust;
    struct buffer room;
};

static void begin(struct world *world, uint64_t newest, unsigned witnesses)
{
    struct error err;
    char vkey[256];
    struct buffer text = buffer_init(255);
    memset(world, 0, sizeof(*world));
    tinylog_begin(&world->log);
    proof_key_format(&world->log.key, &text);
    snprintf(vkey, sizeof(vkey), "%.*s", (int)text.size, (const char *)text.data);
    buffer_fini(&text);
    assert_ok(peer_trust_init(&world->trust, vkey, NULL, &err));
    world->room = buffer_init(PROOF_NOTE_MAX);
    tinylog_note(&world->log, newest, 0, witnesses, &world->room);
    const struct peer_claim claim = { .note = buffer_view(&world->room) };
    assert_int_equal(peer_trust_advance(&world->trust, &claim, &err), PEER_HOLDS);
}

static void end(struct world *world)
{
    peer_trust_fini(&world->trust);
    buffer_fini(&world->room);
    tinylog_end(&world->log);
}

static enum peer_verdict vouch(struct world *world, uint64_t size, uint64_t branch, uint64_t from)
{
    struct error err;
    struct proof_path path = tinylog_path(from, world->trust.newest.size, 0);
    buffer_clear(&world->room);
    tinylog_note(&world->log, size, branch, 0x3, &world->room);
    return peer_trust_vouch(&world->trust, buffer_view(&world->room), proof_path_view(&path), &err);
}

TEST(a_cosigned_checkpoint_that_begins_the_newest_one_is_kept)
{
    struct world world;
    begin(&world, 9, 0);
    assert_int_equal(world.trust.vouched_size, 0);
    assert_int_equal(vouch(&world, 5, 0, 5), PEER_HOLDS);
    assert_int_equal(world.trust.vouched_size, 5);
    assert_int_equal(vouch(&world, 7, 0, 7), PEER_HOLDS);
    assert_int_equal(vouch(&world, 5, 0, 5), PEER_HOLDS); // an older one changes nothing
    assert_int_equal(world.trust.vouched_size, 7);
    end(&world);
}

TEST(a_cosigned_checkpoint_of_another_tree_stops_the_peer)
{
    struct world world;
    begin(&world, 9, 0);
    assert_int_equal(vouch(&world, 5, 2, 5), PEER_BROKEN);
    assert_int_equal(vouch(&world, 9, 2, 9), PEER_BROKEN);
    assert_int_equal(vouch(&world, 5, 0, 4), PEER_BROKEN); // or a proof that does not hold
    assert_int_equal(world.trust.vouched_size, 0);
    end(&world);
}

TEST(a_cosigned_checkpoint_above_the_newest_or_of_another_key_is_not_taken)
{
    struct error err;
    struct world world;
    begin(&world, 9, 0);
    buffer_clear(&world.room);
    tinylog_note(&world.log, 12, 0, 0x3, &world.room);
    assert_int_equal(
        peer_trust_vouch(&world.trust, buffer_view(&world.room), (struct bytes){ 0 }, &err),
        PEER_STRANGE);
    assert_int_equal(
        peer_trust_vouch(&world.trust, bytes_text("no note"), (struct bytes){ 0 }, &err),
        PEER_STRANGE);
    assert_int_equal(world.trust.vouched_size, 0);
    end(&world);
}

TEST(the_newest_checkpoint_is_the_cosigned_one_when_others_signed_it)
{
    struct error err;
    struct world world;
    begin(&world, 9, 0);
    assert_int_equal(peer_trust_vouch(&world.trust, (struct bytes){ 0 }, (struct bytes){ 0 }, &err),
                     PEER_HOLDS);
    assert_int_equal(world.trust.vouched_size, 0);
    // The same tree once more, with lines by now.
    buffer_clear(&world.room);
    tinylog_note(&world.log, 9, 0, 0x1, &world.room);
    const struct peer_claim claim = { .note = buffer_view(&world.room), .from = 9 };
    assert_int_equal(peer_trust_advance(&world.trust, &claim, &err), PEER_HOLDS);
    assert_int_equal(peer_trust_vouch(&world.trust, (struct bytes){ 0 }, (struct bytes){ 0 }, &err),
                     PEER_HOLDS);
    assert_int_equal(world.trust.vouched_size, 9);
    end(&world);
}
