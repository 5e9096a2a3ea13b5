// Sentences in two languages.
#include "catalogue/sentence.h"

#include "scenario.h"

static void assert_renders(const char *sentence, enum catalogue_language language, uint64_t number,
                           const char *expected)
{
    struct error err;
    const struct catalogue_argument arguments[] = { { .name = "n", .number = number },
                                                    { .name = "a", .text = "МФЦ" } };
    struct buffer out = buffer_init(1024);
    assert_ok(catalogue_sentence_render(sentence, language, arguments, ARRAY_COUNT(arguments), &out,
                                        &err));
    buffer_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buffer_fini(&out);
}

TEST(russian_counts_papers_as_russians_do)
{
    static const char sentence[] =
        "{n} {n, plural, one {бумагу} few {бумаги} many {бумаг} other {бумаги}}";
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        { 0, "0 бумаг" },      { 1, "1 бумагу" },    { 2, "2 бумаги" },    { 4, "4 бумаги" },
        { 5, "5 бумаг" },      { 11, "11 бумаг" },   { 12, "12 бумаг" },   { 14, "14 бумаг" },
        { 21, "21 бумагу" },   { 22, "22 бумаги" },  { 25, "25 бумаг" },   { 100, "100 бумаг" },
        { 101, "101 бумагу" }, { 111, "111 бумаг" }, { 112, "112 бумаг" }, { 1002, "1002 бумаги" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_renders(sentence, CATALOGUE_RU, cases[i].number, cases[i].text);
    }
}

TEST(english_has_one_and_other)
{
    static const char sentence[] = "{n, plural, one {{n} request} other {all {n} requests}}.";
    assert_renders(sentence, CATALOGUE_EN, 1, "1 request.");
    assert_renders(sentence, CATALOGUE_EN, 0, "all 0 requests.");
    assert_renders(sentence, CATALOGUE_EN, 21, "all 21 requests.");
}

TEST(holes_are_filled_and_the_rest_stays)
{
    assert_renders("Кому: {a}, {n} раз.", CATALOGUE_RU, 3, "Кому: МФЦ, 3 раз.");
    assert_renders("", CATALOGUE_EN, 0, "");
}

TEST(a_hole_that_nothing_fills_is_an_error)
{
    struct error err;
    struct buffer out = buffer_init(64);
    assert_status(ST_USAGE, catalogue_sentence_render("{who}", CATALOGUE_EN, NULL, 0, &out, &err));
    const struct catalogue_argument text = { .name = "n", .text = "many" };
    assert_status(ST_USAGE, catalogue_sentence_render("{n, plural, one {a} other {b}}",
                                                      CATALOGUE_EN, &text, 1, &out, &err));
    buffer_fini(&out);
}

TEST(a_sentence_that_is_not_well_formed_is_found)
{
    static const char *const bad[] = {
        "{",
        "}",
        "{}",
        "{N}",
        "a } b",
        "{n, number}",
        "{n plural, one {a} other {b}}",
        "{n, plural, one {a}}",
        "{n, plural, one {a} one {a} other {b}}",
        "{n, plural, two {a} other {b}}",
        "{n, plural, one {a} other {b}",
        "{n, plural, one {{m}} other {b}}",
        "{n, plural, one {{n, plural, one {a} other {b}}} other {b}}",
        "{n, plural, one a other b}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *reason = NULL;
        if (catalogue_sentence_valid(bad[i], CATALOGUE_EN, NULL, &reason)) {
            fail_msg("'%s' counts as a sentence", bad[i]);
        }
        assert_non_null(reason);
    }
}

TEST(every_sentence_of_the_scenario_renders)
{
    static const struct catalogue_argument arguments[] = {
        { .name = "n", .number = 3 },      { .name = "a", .text = "А" },
        { .name = "f", .text = "поле" },   { .name = "d", .text = "1 мая" },
        { .name = "form", .text = "год" }, { .name = "basis", .text = "закон" },
    };
    struct error err;
    struct catalogue *catalogue = load_scenario();
    for (int reason = 1; reason < CATALOGUE_REASON_COUNT; reason++) {
        for (int language = 0; language < CATALOGUE_LANGUAGE_COUNT; language++) {
            struct buffer out = buffer_init(4096);
            const struct catalogue_text *text =
                catalogue_reason_text(catalogue, (enum catalogue_reason)reason);
            assert_ok(catalogue_sentence_render(text->in[language],
                                                (enum catalogue_language)language, arguments,
                                                ARRAY_COUNT(arguments), &out, &err));
            assert_null(memchr(out.data, '{', out.size));
            buffer_fini(&out);
        }
    }
    catalogue_destroy(&catalogue);
}
