#include "broker/cosign.h"

#include "tinylog.h"

enum { NOW = TINYLOG_TIME + 5 };

struct world {
    struct tinylog log;
    struct proof_policy *policy;
    struct cosign *cosign;
    struct buffer room;
};

static void begin(struct world *world, const char *rest)
{
    struct error err;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    memset(world, 0, sizeof(*world));
    tinylog_begin(&world->log);
    tinylog_policy(&world->log, rest, &text);
    assert_ok(proof_policy_parse(buffer_view(&text), &world->policy, &err));
    world->cosign = cosign_create(world->policy);
    assert_non_null(world->cosign);
    world->room = buffer_init(PROOF_NOTE_MAX);
    buffer_fini(&text);
}

static void end(struct world *world)
{
    cosign_destroy(&world->cosign);
    proof_policy_destroy(&world->policy);
    buffer_fini(&world->room);
    tinylog_end(&world->log);
}

static void offer(struct world *world, uint64_t size)
{
    struct error err;
    buffer_clear(&world->room);
    tinylog_note(&world->log, size, 0, 0x8, &world->room);
    struct proof_ring log;
    assert_ok(proof_ring_init(&log, &world->log.key, &err));
    assert_ok(cosign_offer(world->cosign, &log, buffer_view(&world->room), &err));
}

static enum status take(struct world *world, size_t place, uint64_t size, bool counts,
                        uint64_t time_s)
{
    struct error err;
    buffer_clear(&world->room);
    tinylog_line(&world->log, size, 0, place, time_s, &world->room);
    return cosign_take(world->cosign, place, size, buffer_view(&world->room), counts, NOW, &err);
}

static uint64_t witnessed(const struct world *world)
{
    return cosign_quorum(world->cosign).size;
}

TEST(a_quorum_of_one_checkpoint_makes_it_the_witnessed_one)
{
    struct error err;
    struct world world;
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    begin(&world, "group g 2 w1 w2 w3\nquorum g\n");
    offer(&world, 5);
    assert_int_equal(take(&world, 0, 5, true, NOW), ST_OK);
    assert_int_equal(witnessed(&world), 0);
    offer(&world, 9);
    assert_int_equal(take(&world, 1, 9, true, NOW), ST_OK); // another checkpoint: not together
    assert_int_equal(witnessed(&world), 0);
    assert_int_equal(take(&world, 2, 5, true, NOW + 1), ST_OK); // late, for the older one
    assert_int_equal(witnessed(&world), 5);
    assert_int_equal(cosign_quorum(world.cosign).time_s, NOW + 1);
    assert_int_equal(take(&world, 0, 9, true, NOW), ST_OK);
    assert_int_equal(witnessed(&world), 9);
    assert_ok(proof_policy_check(world.policy, cosign_quorum(world.cosign).note, &world.log.key, 1,
                                 &checkpoint, &finding, &err));
    assert_true(finding.met);
    assert_int_equal(finding.witnesses, 2);
    // One that was overtaken does not come back.
    assert_int_equal(take(&world, 1, 5, true, NOW), ST_OK);
    assert_int_equal(witnessed(&world), 9);
    end(&world);
}

TEST(a_witness_that_does_not_count_is_kept_and_makes_no_quorum)
{
    struct world world;
    begin(&world, "group g 2 w1 w2 w3\nquorum g\n");
    offer(&world, 5);
    assert_int_equal(take(&world, 0, 5, false, NOW), ST_OK);
    assert_int_equal(take(&world, 1, 5, true, NOW), ST_OK);
    assert_int_equal(witnessed(&world), 0);
    assert_int_equal(take(&world, 2, 5, true, NOW), ST_OK);
    assert_int_equal(witnessed(&world), 5);
    assert_int_equal(cosign_quorum(world.cosign).witnesses, 3);
    end(&world);
}

TEST(one_witness_twice_is_one_witness)
{
    struct world world;
    begin(&world, "group g 2 w1 w2 w3\nquorum g\n");
    offer(&world, 5);
    assert_int_equal(take(&world, 0, 5, true, NOW), ST_OK);
    assert_int_equal(take(&world, 0, 5, true, NOW + 1), ST_OK);
    assert_int_equal(witnessed(&world), 0);
    end(&world);
}

TEST(lines_of_others_and_of_other_trees_are_no_cosignature)
{
    struct error err;
    struct world world;
    begin(&world, "quorum w1\n");
    offer(&world, 5);
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    static const char *const garbage[] = { "", "\n", "hello\n", "<html></html>\n",
                                           "\xe2\x80\x94 witness.example/w1 AAAA\n" };
    for (size_t i = 0; i < ARRAY_COUNT(garbage); i++) {
        assert_true(cosign_take(world.cosign, 0, 5, bytes_text(garbage[i]), true, NOW, &err) !=
                    ST_OK);
    }
    tinylog_line(&world.log, 5, 0, 1, NOW, &line); // w2 answers in w1's place
    assert_status(ST_UNPROVEN,
                  cosign_take(world.cosign, 0, 5, buffer_view(&line), true, NOW, &err));
    buffer_clear(&line);
    tinylog_line(&world.log, 4, 0, 0, NOW, &line); // over another checkpoint
    assert_status(ST_UNPROVEN,
                  cosign_take(world.cosign, 0, 5, buffer_view(&line), true, NOW, &err));
    buffer_clear(&line);
    tinylog_line(&world.log, 5, 2, 0, NOW, &line); // over a fork
    assert_status(ST_UNPROVEN,
                  cosign_take(world.cosign, 0, 5, buffer_view(&line), true, NOW, &err));
    assert_int_equal(witnessed(&world), 0);
    // The right one among others counts, and theirs are left out.
    buffer_clear(&line);
    tinylog_line(&world.log, 5, 0, 1, NOW, &line);
    tinylog_line(&world.log, 5, 0, 0, NOW, &line);
    assert_ok(cosign_take(world.cosign, 0, 5, buffer_view(&line), true, NOW, &err));
    assert_int_equal(witnessed(&world), 5);
    assert_int_equal(cosign_quorum(world.cosign).witnesses, 1);
    buffer_fini(&line);
    end(&world);
}

// A line that is good over another text would spoil the note of all witnesses.
TEST(a_cosignature_over_more_than_the_checkpoint_is_none)
{
    struct error err;
    struct world world;
    struct bytes offered;
    begin(&world, "quorum w1\n");
    offer(&world, 5);
    (void)cosign_newest(world.cosign, &offered);
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    struct buffer answer = buffer_init(PROOF_NOTE_MAX);
    buffer_bytes(&text, offered);
    buffer_text(&text, "more\n");
    buffer_text(&answer, "more\n\n");
    proof_note_sign(buffer_view(&text), &world.log.witnesses[0], world.log.witness_signers[0], NOW,
                    &answer);
    assert_status(ST_MALFORMED,
                  cosign_take(world.cosign, 0, 5, buffer_view(&answer), true, NOW, &err));
    assert_int_equal(witnessed(&world), 0);
    // Two of one witness: which of their times is it?
    buffer_clear(&answer);
    tinylog_line(&world.log, 5, 0, 0, NOW - 1, &answer);
    tinylog_line(&world.log, 5, 0, 0, NOW, &answer);
    assert_status(ST_MALFORMED,
                  cosign_take(world.cosign, 0, 5, buffer_view(&answer), true, NOW, &err));
    assert_int_equal(witnessed(&world), 0);
    buffer_fini(&text);
    buffer_fini(&answer);
    end(&world);
}

TEST(a_time_in_the_future_is_refused)
{
    struct world world;
    begin(&world, "quorum w1\n");
    offer(&world, 5);
    assert_int_equal(take(&world, 0, 5, true, NOW + COSIGN_AHEAD_S + 1), ST_UNPROVEN);
    assert_int_equal(witnessed(&world), 0);
    assert_int_equal(take(&world, 0, 5, true, NOW + COSIGN_AHEAD_S), ST_OK);
    end(&world);
}

TEST(a_round_that_is_long_past_is_gone)
{
    struct world world;
    struct bytes note;
    begin(&world, "quorum w1\n");
    for (uint64_t size = 1; size <= COSIGN_ROUNDS + 1; size++) {
        offer(&world, size);
    }
    assert_int_equal(cosign_newest(world.cosign, &note), COSIGN_ROUNDS + 1);
    assert_int_equal(take(&world, 0, 1, true, NOW), ST_STALE);
    assert_int_equal(take(&world, 0, 2, true, NOW), ST_OK);
    end(&world);
}

TEST(what_is_offered_carries_the_logs_signature_alone)
{
    struct error err;
    struct world world;
    struct proof_note parsed;
    struct bytes note;
    begin(&world, "quorum w1\n");
    offer(&world, 5);
    (void)cosign_newest(world.cosign, &note);
    assert_ok(proof_note_parse(note, &parsed, &err));
    assert_int_equal(parsed.signature_count, 1);
    end(&world);
}
