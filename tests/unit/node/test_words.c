#include "federation.h"
#include "node/words.h"
#include "web/json.h"

// The exchange of the fixture, answered, as a report.
static struct node_report report_of(struct federation *fed, struct fed_exchange *exchange,
                                    struct node_opened *opened)
{
    struct error err;
    enum node_fault fault;
    fed_exchange_run(fed, exchange);
    assert_ok(fed_open_release(fed, exchange, opened, &fault, &err));
    return (struct node_report){ .progress = NODE_ANSWERED,
                                 .id = exchange->sent.id,
                                 .holder = HOLDER,
                                 .dataset = "health.driver-certificate",
                                 .opened = opened,
                                 .decision_file = "/receipts/d",
                                 .ending_file = "",
                                 .catalogue = fed->catalogue,
                                 .member = ASKER };
}

static struct web_json *parse(struct buffer *out)
{
    struct error err;
    struct web_json *document = NULL;
    static const struct web_json_limits limits = { .depth = 16, .values = 100000 };
    assert_ok(buffer_ok(out, "answer", &err));
    assert_ok(web_json_parse(buffer_view(out), &limits, &document, &err));
    buffer_fini(out);
    return document;
}

TEST(an_answer_is_written_with_values_as_what_they_are)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    struct node_report report = report_of(fed, &exchange, &opened);
    struct buffer out = buffer_init(100000);
    node_words_answer(&report, CATALOGUE_EN, &out);
    struct web_json *document = parse(&out);
    const struct web_json *values = web_json_get(document, "values");
    assert_int_equal(web_json_count(values), 4);
    const struct web_json *fit = web_json_at(values, 0);
    assert_int_equal(web_json_kind(web_json_get(fit, "value")), WEB_JSON_KIND_BOOL);
    assert_true(bytes_equal_text(web_json_text(web_json_get(fit, "title")), "fit to drive"));
    assert_null(web_json_get(fit, "reason"));
    assert_int_equal(web_json_count(web_json_get(web_json_at(values, 1), "value")), 2);
    const struct web_json *number = web_json_at(values, 3);
    assert_true(bytes_equal_text(web_json_text(web_json_get(number, "value")), "4567"));
    assert_true(bytes_equal_text(web_json_text(web_json_get(number, "asked")), "full"));
    assert_non_null(memmem(web_json_text(web_json_get(number, "sentence")).data,
                           web_json_text(web_json_get(number, "sentence")).size,
                           "last 4 characters", 17));
    const struct web_json *refused = web_json_get(document, "refused");
    assert_int_equal(web_json_count(refused), 1);
    struct bytes sentence = web_json_text(web_json_get(web_json_at(refused, 0), "sentence"));
    assert_non_null(memmem(sentence.data, sentence.size, "may not ask for", 15));
    assert_non_null(memmem(sentence.data, sentence.size, "Road Safety Inspectorate", 24));
    web_json_destroy(&document);
    fed_close(&fed);
}

TEST(a_withheld_value_is_named_with_its_fault_and_not_shown)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    struct node_report report = report_of(fed, &exchange, &opened);
    opened.fields[3].fault = NODE_FAULT_TOO_WIDE;
    struct buffer out = buffer_init(100000);
    node_words_answer(&report, CATALOGUE_RU, &out);
    assert_null(memmem(out.data, out.size, "2030-01-31", 10));
    struct web_json *document = parse(&out);
    const struct web_json *withheld = web_json_at(web_json_get(document, "withheld"), 0);
    assert_true(
        bytes_equal_text(web_json_text(web_json_get(withheld, "fault")), "wider-than-its-form"));
    web_json_destroy(&document);
    fed_close(&fed);
}

TEST(a_silent_holder_is_named_in_the_sentence)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    struct node_report report = report_of(fed, &exchange, &opened);
    opened.fields[0].given = (struct bytes){ 0 };
    opened.fields[0].reason = bytes_text("holder-silent");
    struct buffer sentence = buffer_init(1000);
    node_words_sentence(&report, &opened.fields[0], CATALOGUE_EN, &sentence);
    assert_non_null(memmem(sentence.data, sentence.size, "City Clinic No. 2", 17));
    buffer_clear(&sentence);
    opened.fields[0].reason = bytes_text("made-up");
    node_words_sentence(&report, &opened.fields[0], CATALOGUE_EN, &sentence);
    assert_int_equal(sentence.size, 0);
    buffer_fini(&sentence);
    fed_close(&fed);
}

TEST(the_catalogue_shows_only_the_own_agreements)
{
    struct federation *fed = fed_open();
    struct node_report report = { .catalogue = fed->catalogue, .member = HOLDER };
    struct buffer out = buffer_init(1000000);
    node_words_catalogue(&report, CATALOGUE_EN, &out);
    assert_null(memmem(out.data, out.size, "licence-certificate", 19));
    assert_non_null(memmem(out.data, out.size, "health.driver-certificate", 25));
    struct web_json *document = parse(&out);
    web_json_destroy(&document);
    report.member = ASKER;
    out = buffer_init(1000000);
    node_words_catalogue(&report, CATALOGUE_EN, &out);
    assert_non_null(memmem(out.data, out.size, "licence-certificate", 19));
    buffer_fini(&out);
    fed_close(&fed);
}
