#include "proof/submission.h"

#include "tinylog.h"

// What the witness of a test has seen.
struct world {
    struct tinylog log;
    struct proof_watched watched;
};

static void begin(struct world *world, uint64_t latest)
{
    memset(world, 0, sizeof(*world));
    tinylog_begin(&world->log);
    world->watched.keys = &world->log.key;
    world->watched.key_count = 1;
    if (latest > 0) {
        world->watched.latest = tinylog_checkpoint(&world->log, latest, 0);
    }
}

static enum proof_verdict judge_body(struct world *world, struct bytes body, uint64_t *size)
{
    struct error err = { 0 };
    struct proof_submission submission;
    struct proof_checkpoint next = { .size = 0 };
    size_t place = 99;
    assert_ok(proof_submission_parse(body, &submission, &err));
    enum proof_verdict verdict =
        proof_submission_judge(&submission, &world->watched, 1, &place, &next, &err);
    if (verdict == PROOF_COSIGN) {
        assert_int_equal(place, 0);
        *size = next.size;
    }
    return verdict;
}

static enum proof_verdict judge(struct world *world, uint64_t old, uint64_t from, uint64_t to,
                                uint64_t branch)
{
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    struct proof_path path = tinylog_path(from, to, branch);
    tinylog_note(&world->log, to, branch, 0, &note);
    proof_submission_write(old, proof_path_view(&path), buffer_view(&note), &body);
    enum proof_verdict verdict = judge_body(world, buffer_view(&body), &size);
    if (verdict == PROOF_COSIGN) {
        assert_int_equal(size, to);
    }
    buffer_fini(&note);
    buffer_fini(&body);
    return verdict;
}

TEST(a_log_that_grows_is_cosigned)
{
    struct world world;
    begin(&world, 0);
    assert_int_equal(judge(&world, 0, 0, 5, 0), PROOF_COSIGN);
    assert_int_equal(judge(&world, 0, 0, 0, 0), PROOF_COSIGN);
    tinylog_end(&world.log);
    begin(&world, 5);
    assert_int_equal(judge(&world, 5, 5, 5, 0), PROOF_COSIGN);
    assert_int_equal(judge(&world, 5, 5, 6, 0), PROOF_COSIGN);
    assert_int_equal(judge(&world, 5, 5, 64, 0), PROOF_COSIGN);
    tinylog_end(&world.log);
}

TEST(another_size_than_the_latest_is_a_conflict)
{
    struct world world;
    begin(&world, 5);
    assert_int_equal(judge(&world, 0, 0, 9, 0), PROOF_CONFLICT);
    assert_int_equal(judge(&world, 4, 4, 9, 0), PROOF_CONFLICT);
    assert_int_equal(judge(&world, 6, 6, 9, 0), PROOF_CONFLICT);
    assert_int_equal(judge(&world, 4, 4, 4, 0), PROOF_CONFLICT); // shrunk
    tinylog_end(&world.log);
}

TEST(an_old_size_above_the_new_one_is_malformed)
{
    struct world world;
    begin(&world, 5);
    assert_int_equal(judge(&world, 5, 4, 4, 0), PROOF_BAD);
    tinylog_end(&world.log);
}

TEST(a_fork_is_refuted)
{
    struct world world;
    begin(&world, 5);
    assert_int_equal(judge(&world, 5, 5, 5, 3), PROOF_REFUTED); // same size, other root
    assert_int_equal(judge(&world, 5, 5, 9, 3), PROOF_REFUTED); // its proof begins elsewhere
    assert_int_equal(judge(&world, 5, 4, 9, 0), PROOF_REFUTED); // the proof from another size
    assert_int_equal(judge(&world, 5, 5, 9, 7), PROOF_COSIGN);  // what nobody has seen may differ
    tinylog_end(&world.log);
}

TEST(a_proof_where_there_is_nothing_to_prove_is_refuted)
{
    struct world world;
    begin(&world, 0);
    assert_int_equal(judge(&world, 0, 4, 9, 0), PROOF_REFUTED);
    tinylog_end(&world.log);
    begin(&world, 5);
    uint64_t size = 0;
    struct proof_path path = tinylog_path(3, 5, 0);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    tinylog_note(&world.log, 5, 0, 0, &note);
    proof_submission_write(5, proof_path_view(&path), buffer_view(&note), &body);
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_REFUTED);
    buffer_fini(&note);
    buffer_fini(&body);
    tinylog_end(&world.log);
}

TEST(an_empty_tree_has_one_root)
{
    struct error err = { 0 };
    struct world world;
    uint64_t size = 0;
    begin(&world, 0);
    struct proof_checkpoint checkpoint = { .size = 0, .root = count_digest(1) };
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", world.log.key.name);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    buffer_text(&body, "old 0\n\n");
    proof_checkpoint_sign(&checkpoint, &world.log.key, world.log.signer, &body);
    assert_ok(buffer_ok(&body, "body", &err));
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_REFUTED);
    buffer_fini(&body);
    tinylog_end(&world.log);
}

TEST(a_log_that_is_not_watched_is_not_found_and_a_strangers_signature_forbidden)
{
    struct error err = { 0 };
    struct world world;
    uint64_t size = 0;
    begin(&world, 0);
    struct proof_key key;
    struct seal_signer *stranger = signer_of(0x99);
    struct proof_checkpoint checkpoint = tinylog_checkpoint(&world.log, 5, 0);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    assert_ok(proof_key_make(world.log.key.name, PROOF_KEY_ED25519, seal_signer_key(stranger), &key,
                             &err));
    buffer_text(&body, "old 0\n\n");
    proof_checkpoint_sign(&checkpoint, &key, stranger, &body);
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_FORBIDDEN);
    // A trusted signature that does not verify is forbidden too, whatever stands beside it.
    struct proof_checkpoint other = tinylog_checkpoint(&world.log, 6, 0);
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(&other, &text);
    proof_note_sign(buffer_view(&text), &world.log.key, world.log.signer, 0, &body);
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_FORBIDDEN);
    buffer_clear(&body);
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "example.com/another");
    assert_ok(proof_key_make(checkpoint.origin, PROOF_KEY_ED25519, seal_signer_key(stranger), &key,
                             &err));
    buffer_text(&body, "old 0\n\n");
    proof_checkpoint_sign(&checkpoint, &key, stranger, &body);
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_UNKNOWN);
    seal_signer_destroy(&stranger);
    buffer_fini(&text);
    buffer_fini(&body);
    tinylog_end(&world.log);
}

TEST(either_key_of_a_log_that_changes_keys_counts)
{
    struct error err = { 0 };
    struct world world;
    uint64_t size = 0;
    begin(&world, 0);
    struct proof_key keys[2] = { world.log.key };
    struct seal_signer *next = signer_of(0x77);
    assert_ok(proof_key_make(world.log.key.name, PROOF_KEY_ED25519, seal_signer_key(next), &keys[1],
                             &err));
    world.watched.keys = keys;
    world.watched.key_count = 2;
    assert_int_equal(judge(&world, 0, 0, 5, 0), PROOF_COSIGN);
    struct proof_checkpoint checkpoint = tinylog_checkpoint(&world.log, 5, 0);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    buffer_text(&body, "old 0\n\n");
    proof_checkpoint_sign(&checkpoint, &keys[1], next, &body);
    assert_int_equal(judge_body(&world, buffer_view(&body), &size), PROOF_COSIGN);
    seal_signer_destroy(&next);
    buffer_fini(&body);
    tinylog_end(&world.log);
}

TEST(what_is_not_a_body_is_refused)
{
    static const char *const bodies[] = {
        "",
        "old",
        "old 5",
        "old \n\n",
        "old 05\n\nx",
        "old +5\n\nx",
        "old -1\n\nx",
        "Old 5\n\nx",
        " old 5\n\nx",
        "old 5 \n\nx",
        "old 18446744073709551616\n\nx",
        "old 5\r\n\r\nx",
        "old 5\n",
        "old 5\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n",
        "old 5\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw\n\nx",
        "old 5\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpka==\n\nx",
        "old 5\nAAAA\n\nx",
        "old 5\n \n\nx",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct error err;
        struct proof_submission submission;
        assert_status(ST_MALFORMED,
                      proof_submission_parse(bytes_text(bodies[i]), &submission, &err));
    }
}

TEST(sixty_three_steps_are_taken_and_one_more_is_not)
{
    for (size_t count = 63; count <= 64; count++) {
        struct error err = { 0 };
        struct proof_submission submission;
        struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
        buffer_text(&body, "old 5\n");
        for (size_t i = 0; i < count; i++) {
            buffer_text(&body, "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n");
        }
        buffer_text(&body, "\nnote");
        assert_status(count == 63 ? ST_OK : ST_MALFORMED,
                      proof_submission_parse(buffer_view(&body), &submission, &err));
        buffer_fini(&body);
    }
}
