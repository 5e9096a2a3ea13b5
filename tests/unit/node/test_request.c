#include "federation.h"

static void assert_wrong(struct federation *fed, const struct node_question *question,
                         const char *words)
{
    struct error err = { 0 };
    enum status status = node_question_check(question, fed->catalogue, &err);
    if (status != ST_USAGE || strstr(err.message, words) == NULL) {
        fail_msg("got %s: %s; expected: %s", status_name(status), err.message, words);
    }
    assert_null(strstr(err.message, "004217"));
}

TEST(a_question_that_is_off_is_told_in_words_before_anything_is_sent)
{
    struct federation *fed = fed_open();
    struct node_question question = fed_question();
    question.dataset = bytes_text("health.nothing");
    assert_wrong(fed, &question, "dataset");
    question = fed_question();
    question.holder = bytes_text("ru/tax/population-register");
    assert_wrong(fed, &question, "holder");
    question = fed_question();
    question.field_count = 0;
    assert_wrong(fed, &question, "fields");
    question = fed_question();
    question.fields[1] = question.fields[0];
    assert_wrong(fed, &question, "asked for twice");
    question = fed_question();
    question.fields[1].form = bytes_text("whole");
    assert_wrong(fed, &question, "not a form");
    question = fed_question();
    question.fields[1].form = bytes_text("match");
    assert_wrong(fed, &question, "needs a value");
    question = fed_question();
    question.fields[1].match = bytes_text("x");
    assert_wrong(fed, &question, "match alone");
    question = fed_question();
    question.subject = bytes_text("VD-004217-7");
    assert_wrong(fed, &question, "subject");
    question = fed_question();
    question.scheme = bytes_text("xx");
    assert_wrong(fed, &question, "subject");
    question = fed_question();
    question.purpose = bytes_text("curiosity");
    assert_wrong(fed, &question, "purpose");
    question = fed_question();
    question.basis = CATALOGUE_BASIS_NONE;
    assert_wrong(fed, &question, "basis");
    fed_close(&fed);
}

TEST(a_request_names_the_person_normalised_and_both_announcements)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_question question = fed_question();
    question.subject = bytes_text("vd 004217-6");
    fed_request(fed, &question, &exchange);
    const struct wire_request *request = &exchange.sent.request;
    assert_true(bytes_equal_text(request->subject, "VD0042176"));
    assert_true(bytes_equal_text(request->asker, ASKER));
    assert_true(bytes_equal_text(request->holder, HOLDER));
    assert_true(digest_equal(&request->asker_announcement, &fed->asker.partner.announcement.hash));
    assert_true(
        digest_equal(&request->holder_announcement, &fed->holder.partner.announcement.hash));
    assert_true(request->partial_ok);
    assert_int_equal(id_time_ms(&request->id), fed->now_ms);
    assert_int_equal(request->params.size, 0);
    assert_true(bytes_equal_text(request->fields[0].form, "full"));
    fed_close(&fed);
}

TEST(two_requests_of_one_question_differ_in_id_and_nonce)
{
    struct federation *fed = fed_open();
    struct fed_exchange first;
    struct fed_exchange second;
    struct node_question question = fed_question();
    fed_request(fed, &question, &first);
    fed_request(fed, &question, &second);
    assert_false(id_equal(&first.sent.id, &second.sent.id));
    assert_false(digest_equal(&first.sent.request.nonce, &second.sent.request.nonce));
    fed_close(&fed);
}
