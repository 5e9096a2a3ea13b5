// Forms, their order and sets of them.
#include "catalogue/form.h"

#include "test.h"

static struct catalogue_form form(const char *text)
{
    struct catalogue_form parsed = { 0 };
    assert_true(catalogue_form_parse(bytes_text(text), &parsed));
    return parsed;
}

TEST(every_form_reads_back_as_written)
{
    static const char *const texts[] = { "full",  "masked",  "last4",    "year",      "exists",
                                         "match", "over(1)", "over(65)", "over(150)", "pseudonym" };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        char written[CATALOGUE_FORM_TEXT_BYTES];
        catalogue_form_format(form(texts[i]), written);
        assert_string_equal(written, texts[i]);
    }
}

TEST(what_is_no_form_is_refused)
{
    static const char *const texts[] = { "",          "Full",     "fulls",     "over",
                                         "over()",    "over(0)",  "over(151)", "over(6",
                                         "over(065)", "over(-1)", "over(1000)" };
    struct catalogue_form parsed;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_false(catalogue_form_parse(bytes_text(texts[i]), &parsed));
    }
}

TEST(full_is_stronger_than_the_middle_and_the_middle_than_exists)
{
    static const char *const middle[] = { "masked", "last4", "year" };
    for (size_t i = 0; i < ARRAY_COUNT(middle); i++) {
        assert_true(catalogue_form_stronger(form("full"), form(middle[i])));
        assert_true(catalogue_form_stronger(form(middle[i]), form("exists")));
        assert_false(catalogue_form_stronger(form(middle[i]), form("full")));
        assert_false(catalogue_form_stronger(form(middle[i]), form("year")));
    }
    assert_true(catalogue_form_stronger(form("full"), form("exists")));
}

TEST(named_forms_are_outside_the_order)
{
    static const char *const named[] = { "match", "over(65)", "pseudonym" };
    for (size_t i = 0; i < ARRAY_COUNT(named); i++) {
        assert_false(catalogue_form_stronger(form("full"), form(named[i])));
        assert_false(catalogue_form_stronger(form(named[i]), form("exists")));
    }
}

TEST(a_set_has_the_numbers_that_were_added_only)
{
    struct catalogue_form_set set = { 0 };
    assert_true(catalogue_form_set_add(&set, form("over(18)")));
    assert_true(catalogue_form_set_add(&set, form("over(65)")));
    assert_true(catalogue_form_set_has(&set, form("over(65)")));
    assert_false(catalogue_form_set_has(&set, form("over(64)")));
    assert_true(catalogue_form_set_add(&set, form("over(21)")));
    assert_true(catalogue_form_set_add(&set, form("over(30)")));
    assert_true(catalogue_form_set_add(&set, form("over(18)")));
    assert_false(catalogue_form_set_add(&set, form("over(99)")));
}

TEST(a_set_covers_what_is_weaker_but_no_named_form)
{
    struct catalogue_form_set set = { 0 };
    assert_true(catalogue_form_set_add(&set, form("year")));
    assert_true(catalogue_form_set_covers(&set, form("exists")));
    assert_false(catalogue_form_set_covers(&set, form("full")));
    assert_false(catalogue_form_set_covers(&set, form("masked")));
    assert_true(catalogue_form_set_add(&set, form("full")));
    assert_true(catalogue_form_set_covers(&set, form("masked")));
    assert_false(catalogue_form_set_covers(&set, form("match")));
    assert_false(catalogue_form_set_covers(&set, form("over(18)")));
}
