#include "federation.h"

static enum status check(struct federation *fed, struct fed_exchange *exchange, struct error *err)
{
    return fed_check_ask(fed, exchange, &fed->asker.partner, err);
}

static void assert_refused(struct federation *fed, struct fed_exchange *exchange,
                           enum status expected, const char *words)
{
    struct error err = { 0 };
    enum status status = check(fed, exchange, &err);
    if (status != expected || strstr(err.message, words) == NULL) {
        fail_msg("got %s: %s; expected %s: %s", status_name(status), err.message,
                 status_name(expected), words);
    }
}

static struct federation *decided(struct fed_exchange *exchange)
{
    struct federation *fed = fed_open();
    struct node_question question = fed_question();
    fed_request(fed, &question, exchange);
    fed_decide(fed, exchange);
    fed_decided(fed, exchange);
    return fed;
}

TEST(an_honest_ask_grants_the_fields_that_were_decided_in_their_forms)
{
    struct error err;
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    assert_ok(check(fed, &exchange, &err));
    assert_int_equal(exchange.grant.field_count, 4);
    assert_string_equal(exchange.grant.fields[2].field->name, "valid_until");
    assert_int_equal(exchange.grant.fields[2].index, 3);
    assert_int_equal(exchange.grant.fields[3].form.kind, CATALOGUE_FORM_LAST4);
    assert_true(digest_equal(&exchange.grant.decision_leaf, &exchange.decision_leaf));
    fed_close(&fed);
}

TEST(a_request_signed_by_another_key_or_in_anothers_name_is_not_answered)
{
    struct error err = { 0 };
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    // Signed by another enrolled node.
    exchange.ask.request = fed_head(fed, &fed->other, WIRE_REQUEST, exchange.payload);
    assert_refused(fed, &exchange, ST_UNPROVEN, "another key");
    assert_status(ST_UNPROVEN, fed_check_ask(fed, &exchange, &fed->other.partner, &err));
    assert_non_null(strstr(err.message, "another member's name"));
    // The right key, another type of message.
    exchange.ask.request = fed_head(fed, &fed->asker, WIRE_ANSWER, exchange.payload);
    assert_refused(fed, &exchange, ST_UNPROVEN, "signed request");
    fed_close(&fed);
}

TEST(a_request_whose_sealing_key_was_swapped_is_not_answered)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    struct node_partner swapped = fed->asker.partner;
    swapped.announcement = fed->other.partner.announcement;
    struct error err;
    assert_status(ST_UNPROVEN, fed_check_ask(fed, &exchange, &swapped, &err));
    assert_non_null(strstr(err.message, "sealing key"));
    fed_close(&fed);
}

TEST(a_missing_or_forged_decision_is_not_answered)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    struct wire_receipt receipt = *exchange.decision_receipt;
    struct wire_receipt_extra extra = *receipt.extra;
    exchange.ask.decision = &receipt;
    receipt.index ^= 1;
    assert_refused(fed, &exchange, ST_UNPROVEN, "decision: receipt");
    receipt.index ^= 1;
    receipt.extra = &extra;
    // Another part than the leaf commits to: one more field granted.
    exchange.verdicts[2].given = bytes_text("full");
    extra.part = fed_pack(fed, WIRE_SCHEMA_EXCHANGE_PART, &exchange.decision);
    assert_refused(fed, &exchange, ST_UNPROVEN, "decision: receipt");
    // An entry of another class altogether.
    const struct wire_receipt *other = fed_record(fed, WIRE_CLASS_CONSENT, WIRE_PART_EXCHANGE,
                                                  exchange.decision_receipt->extra->part);
    exchange.ask.decision = other;
    assert_refused(fed, &exchange, ST_UNPROVEN, "another kind of entry");
    fed_close(&fed);
}

TEST(a_recorded_decision_about_another_request_is_not_answered)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    struct wire_exchange_part honest = exchange.decision;
    exchange.decision.request_hash.bytes[3] ^= 1;
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "another request");
    exchange.decision = honest;
    exchange.decision.exchange_id.bytes[3] ^= 1;
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "another request");
    exchange.decision = honest;
    exchange.decision.holder = bytes_text("ru/health/psychiatry");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "other members");
    exchange.decision = honest;
    exchange.decision.dataset = bytes_text("health.emergency-card");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "another dataset");
    exchange.decision = honest;
    exchange.decision.kind = WIRE_KIND_RELEASED;
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "another request");
    fed_close(&fed);
}

TEST(more_than_was_asked_for_is_not_answered_even_when_it_is_on_record)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    exchange.verdicts[0].name = bytes_text("eyesight");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "other fields");
    fed_decide(fed, &exchange);
    exchange.decision.verdicts_count = 4;
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "other fields");
    fed_decide(fed, &exchange);
    exchange.verdicts[0].given = bytes_text("exists");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, "does not allow");
    fed_close(&fed);
}

TEST(what_the_own_policy_does_not_allow_is_not_answered_even_when_it_is_on_record)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    exchange.verdicts[2].given = bytes_text("full"); // diagnoses: in no agreement
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, "does not allow diagnoses");
    fed_decide(fed, &exchange);
    exchange.verdicts[4].given = bytes_text("full"); // only the last four are agreed
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, "does not allow certificate_no");
    fed_decide(fed, &exchange);
    exchange.decision.agreement = bytes_text("licence-identity");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, "no such agreement");
    fed_decide(fed, &exchange);
    exchange.decision.agreement = bytes_text("made-up");
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, "no such agreement");
    fed_close(&fed);
}

static void with_question(const struct node_question *question, const char *words)
{
    struct fed_exchange exchange;
    struct federation *fed = fed_open();
    fed_request(fed, question, &exchange);
    fed_decide(fed, &exchange);
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_DENIED, words);
    fed_close(&fed);
}

TEST(purpose_basis_role_and_case_must_be_those_of_the_agreement)
{
    struct node_question question = fed_question();
    question.purpose = bytes_text("identity-check");
    with_question(&question, "not for this purpose");
    question = fed_question();
    question.basis = CATALOGUE_BASIS_LAW;
    question.article = bytes_text("210-ФЗ, ст. 7.1");
    with_question(&question, "not for this basis");
    question = fed_question();
    question.official_role = bytes_text("paramedic");
    with_question(&question, "official role");
    question = fed_question();
    question.case_ref = (struct bytes){ 0 };
    with_question(&question, "demands a case");
}

TEST(a_stale_request_is_not_answered)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    uint64_t issued = fed->now_ms;
    fed->now_ms = issued + 60001;
    assert_refused(fed, &exchange, ST_STALE, "time is over");
    fed->now_ms = issued - 60001;
    assert_refused(fed, &exchange, ST_STALE, "in the future");
    fed->now_ms = issued - 59000;
    struct error err;
    assert_ok(check(fed, &exchange, &err));
    fed_close(&fed);
}

TEST(a_decision_that_grants_nothing_is_nothing_to_answer)
{
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    for (size_t i = 0; i < 5; i++) {
        exchange.verdicts[i].given = (struct bytes){ 0 };
    }
    fed_decided(fed, &exchange);
    assert_refused(fed, &exchange, ST_UNPROVEN, "grants nothing");
    fed_close(&fed);
}

TEST(match_compares_with_the_sealed_value_and_nobody_else_can_open_it)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_question question = fed_question();
    question.field_count = 2;
    question.fields[1] = (struct node_question_field){ .name = bytes_text("certificate_no"),
                                                       .form = bytes_text("match"),
                                                       .match = bytes_text("аб 1234567") };
    fed_request(fed, &question, &exchange);
    assert_true(exchange.sent.request.params.size > 0);
    assert_null(memmem(exchange.payload.data, exchange.payload.size, "1234567", 7));
    exchange.asked.request = exchange.sent.request;
    struct node_match match;
    assert_ok(node_match_open(&exchange.asked, &exchange.sent.pair, fed->arena, &match, &err));
    assert_true(bytes_equal_text(match.values[1], "аб 1234567"));
    assert_int_equal(match.values[0].size, 0);
    struct digest other = exchange.sent.pair;
    other.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, node_match_open(&exchange.asked, &other, fed->arena, &match, &err));
    fed_close(&fed);
}

TEST(every_status_of_a_register_gives_a_box_of_the_same_size)
{
    struct error err;
    struct fed_exchange exchange;
    struct federation *fed = decided(&exchange);
    assert_ok(check(fed, &exchange, &err));
    struct node_match match = { 0 };
    char source[CATALOGUE_BOX_SOURCE_MAX];
    memset(source, 's', sizeof(source));
    size_t expected = 0;
    for (size_t i = 0; i < 4; i++) {
        expected +=
            catalogue_box_bytes(exchange.grant.fields[i].field, exchange.grant.fields[i].form) +
            SEAL_TAG_BYTES;
    }
    // All sources and all lengths of a value: no size is out of the padding's reach.
    for (size_t length = 0; length < CATALOGUE_BOX_SOURCE_MAX; length++) {
        for (int status = CATALOGUE_VALUE_PRESENT; status <= CATALOGUE_VALUE_NOT_OF_TYPE;
             status++) {
            struct node_found found[4];
            char number[200];
            snprintf(number, sizeof(number), "%0*d", (int)length + 1, 7);
            const char *values[4] = { "true", "[\"A\"]", "2030-01-31", number };
            for (size_t i = 0; i < 4; i++) {
                found[i] = (struct node_found){ .status = (enum catalogue_value_status)status,
                                                .value = bytes_text(values[i]) };
            }
            struct node_answer_setting setting = { .pair = &exchange.sent.pair,
                                                   .match = &match,
                                                   .source = bytes_of(source, length),
                                                   .last_updated = length % 2 * 1700000000000,
                                                   .now_ms = fed->now_ms };
            struct buffer payload = buffer_init(30000);
            struct buffer boxes = buffer_init(260000);
            assert_ok(node_answer_build(&exchange.asked, &exchange.grant, found, &setting, &payload,
                                        &boxes, &err));
            assert_int_equal(boxes.size, expected);
            buffer_fini(&payload);
            buffer_fini(&boxes);
        }
    }
    fed_close(&fed);
}
