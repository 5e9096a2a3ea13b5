#include "proof/policy.h"

#include "tinylog.h"

static struct proof_policy *policy_of(const struct tinylog *log, const char *rest)
{
    struct error err;
    struct proof_policy *policy = NULL;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    tinylog_policy(log, rest, &text);
    assert_ok(proof_policy_parse(buffer_view(&text), &policy, &err));
    buffer_fini(&text);
    return policy;
}

static bool met(const struct proof_policy *policy, unsigned witnesses)
{
    bool cosigned[PROOF_WITNESSES_MAX] = { false };
    for (size_t i = 0; i < TINYLOG_WITNESSES; i++) {
        cosigned[i] = (witnesses >> i & 1) != 0;
    }
    return proof_policy_is_met(policy, cosigned);
}

TEST(a_quorum_is_what_its_groups_say)
{
    static const struct {
        const char *rest;
        unsigned enough[3];
        unsigned wanting[4];
    } cases[] = {
        { "quorum w2\n", { 0x2, 0xf, 0x3 }, { 0x0, 0x1, 0xd, 0x4 } },
        { "group g 2 w1 w2 w3\nquorum g\n", { 0x3, 0x5, 0xf }, { 0x1, 0x9, 0xc, 0x0 } },
        { "group g any w1 w2\nquorum g\n", { 0x1, 0x2, 0x6 }, { 0x0, 0x4, 0x8, 0xc } },
        { "group g all w1 w2\nquorum g\n", { 0x3, 0x7, 0xf }, { 0x1, 0x2, 0xd, 0xe } },
        // Two levels: two of the first three, and the fourth.
        { "group x 2 w1 w2 w3\ngroup y any w4\ngroup both all x y\nquorum both\n",
          { 0xb, 0xd, 0xf },
          { 0x3, 0x8, 0x9, 0x7 } },
    };
    struct tinylog log;
    tinylog_begin(&log);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct proof_policy *policy = policy_of(&log, cases[i].rest);
        for (size_t k = 0; k < 3; k++) {
            assert_true(met(policy, cases[i].enough[k]));
        }
        for (size_t k = 0; k < 4; k++) {
            assert_false(met(policy, cases[i].wanting[k]));
        }
        proof_policy_destroy(&policy);
    }
    tinylog_end(&log);
}

TEST(a_quorum_of_none_is_never_met)
{
    struct tinylog log;
    tinylog_begin(&log);
    struct proof_policy *policy = policy_of(&log, "quorum none\n");
    assert_false(proof_policy_has_quorum(policy));
    assert_false(met(policy, 0xf));
    proof_policy_destroy(&policy);
    tinylog_end(&log);
}

TEST(blanks_and_comments_are_passed_over_and_urls_kept)
{
    struct tinylog log;
    tinylog_begin(&log);
    struct proof_policy *policy =
        policy_of(&log, "\n  # a comment \xff\n\t group\tg  1 w1  w3 \n\n quorum g \n");
    assert_true(met(policy, 0x4));
    assert_false(met(policy, 0x2));
    assert_int_equal(proof_policy_witness_count(policy), TINYLOG_WITNESSES);
    assert_string_equal(proof_policy_witness_at(policy, 1)->url, "http://127.0.0.1:7002/");
    assert_true(bytes_equal_text(proof_policy_witness_at(policy, 1)->name, "w2"));
    proof_policy_destroy(&policy);
    tinylog_end(&log);
}

TEST(what_is_not_a_policy_is_refused_with_its_line)
{
    static const struct {
        const char *rest;
        const char *words;
    } cases[] = {
        { "", "there is no quorum line" },
        { "quorum w1", "does not end with a line feed" },
        { "quorum w1\nquorum w1\n", "expected once" },
        { "quorum w9\n", "is not defined above" },
        { "quorum g\ngroup g any w1\n", "is not defined above" },
        { "group g 0 w1\nquorum g\n", "the threshold is" },
        { "group g 3 w1 w2\nquorum g\n", "the threshold is" },
        { "group g 01 w1 w2\nquorum g\n", "the threshold is" },
        { "group g some w1 w2\nquorum g\n", "the threshold is" },
        { "group g all\nquorum g\n", "expected: group" },
        { "group g all w1 w1\nquorum g\n", "is in a group already" },
        { "group g all w1\ngroup h all w1\nquorum g\n", "is in a group already" },
        { "group g all none\nquorum g\n", "is not defined above" },
        { "group none all w1\nquorum w1\n", "the name is taken" },
        { "group w1 all w2\nquorum w1\n", "the name is taken" },
        { "group g all w1 g\nquorum g\n", "is not defined above" },
        { "witness\nquorum w1\n", "expected: witness" },
        { "witnesses w1\nquorum w1\n", "begins with none of" },
        { "# a bell \a\nquorum w1\n", "a control character" },
        { "log x\nquorum w1\n", "not a vkey" },
        { "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k a b\nquorum "
          "w1\n",
          "expected: log" },
        { "witness w9 example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"
          "quorum w1\n",
          "the key of a log" },
    };
    struct tinylog log;
    tinylog_begin(&log);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = { 0 };
        struct proof_policy *policy = NULL;
        struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
        tinylog_policy(&log, cases[i].rest, &text);
        assert_status(ST_MALFORMED, proof_policy_parse(buffer_view(&text), &policy, &err));
        assert_null(policy);
        if (strstr(err.message, cases[i].words) == NULL) {
            fail_msg("'%s' gives '%s'", cases[i].rest, err.message);
        }
        buffer_fini(&text);
    }
    tinylog_end(&log);
}

TEST(one_key_under_two_names_is_one_witness)
{
    struct error err = { 0 };
    struct tinylog log;
    struct proof_policy *policy = NULL;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    struct proof_key again;
    tinylog_begin(&log);
    assert_ok(proof_key_make("witness.example/other", PROOF_KEY_COSIGNATURE, &log.witnesses[0].key,
                             &again, &err));
    tinylog_policy(&log, "witness other ", &text);
    proof_key_format(&again, &text);
    buffer_text(&text, "\ngroup g all w1 other\nquorum g\n");
    assert_status(ST_MALFORMED, proof_policy_parse(buffer_view(&text), &policy, &err));
    assert_non_null(strstr(err.message, "stands twice"));
    buffer_fini(&text);
    tinylog_end(&log);
}

TEST(a_checkpoint_is_witnessed_by_keys_of_the_policy_alone)
{
    struct error err = { 0 };
    struct tinylog log;
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    tinylog_begin(&log);
    struct proof_policy *policy = policy_of(&log, "group g 2 w1 w2\nquorum g\n");
    tinylog_note(&log, 9, 0, 0xd, &note); // w1, w3, w4
    assert_ok(
        proof_policy_check(policy, buffer_view(&note), &log.key, 1, &checkpoint, &finding, &err));
    assert_false(finding.met);
    assert_int_equal(finding.witnesses, 3);
    buffer_clear(&note);
    tinylog_note(&log, 9, 0, 0x3, &note);
    assert_ok(
        proof_policy_check(policy, buffer_view(&note), &log.key, 1, &checkpoint, &finding, &err));
    assert_true(finding.met);
    assert_int_equal(finding.time_s, TINYLOG_TIME);
    assert_int_equal(checkpoint.size, 9);
    // A line of w2 that does not verify refuses the whole.
    buffer_clear(&note);
    tinylog_note(&log, 9, 0, 0x1, &note);
    tinylog_line(&log, 8, 0, 1, TINYLOG_TIME, &note);
    assert_status(ST_UNPROVEN, proof_policy_check(policy, buffer_view(&note), &log.key, 1,
                                                  &checkpoint, &finding, &err));
    buffer_fini(&note);
    proof_policy_destroy(&policy);
    tinylog_end(&log);
}

TEST(a_policy_of_another_log_says_nothing_about_this_one)
{
    struct error err = { 0 };
    struct tinylog log;
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    struct proof_policy *policy = NULL;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    tinylog_begin(&log);
    tinylog_note(&log, 9, 0, 0xf, &note);
    buffer_text(&text, "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"
                       "witness w1 ");
    proof_key_format(&log.witnesses[0], &text);
    buffer_text(&text, "\nquorum w1\n");
    assert_ok(proof_policy_parse(buffer_view(&text), &policy, &err));
    assert_false(proof_policy_has_log(policy, &log.key, 1));
    assert_status(ST_UNPROVEN, proof_policy_check(policy, buffer_view(&note), &log.key, 1,
                                                  &checkpoint, &finding, &err));
    proof_policy_destroy(&policy);
    buffer_fini(&note);
    buffer_fini(&text);
    tinylog_end(&log);
}
