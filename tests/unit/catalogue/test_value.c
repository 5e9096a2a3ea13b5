// Types and forms of values: the holder makes them, the asker knows them.
#include "catalogue/value.h"

#include "scenario.h"

static const int64_t now_ms = 1790000000000; // 2026-09-21

static struct catalogue_field field_of(enum catalogue_type type, uint32_t max_bytes)
{
    return (struct catalogue_field){ .name = "field", .type = type, .max_bytes = max_bytes };
}

static struct catalogue_form form_of(const char *text)
{
    struct catalogue_form form = { 0 };
    assert_true(catalogue_form_parse(bytes_text(text), &form));
    return form;
}

// Fails unless the form of the value is `expected`, and the asker accepts it.
static void assert_applies(enum catalogue_type type, const char *form, const char *value,
                           const char *parameter, const char *expected)
{
    struct error err;
    struct catalogue_field field = field_of(type, 200);
    struct catalogue_value_context context = { .now_ms = now_ms };
    enum catalogue_value_status result = 0;
    struct buffer out = buffer_init(1024);
    context.parameter = parameter != NULL ? bytes_text(parameter) : bytes_of(NULL, 0);
    assert_ok(catalogue_value_apply(&field, form_of(form),
                                    value != NULL ? bytes_text(value) : bytes_of(NULL, 0), &context,
                                    &out, &result, &err));
    assert_int_equal(result, CATALOGUE_VALUE_PRESENT);
    if (!bytes_equal_text(buffer_view(&out), expected)) {
        fail_msg("%s of '%s': '%.*s', not '%s'", form, value, (int)out.size, (char *)out.data,
                 expected);
    }
    assert_true(catalogue_value_fits(&field, form_of(form), buffer_view(&out)));
    buffer_fini(&out);
}

static void assert_status_of(enum catalogue_type type, const char *form, const char *value,
                             uint32_t max_bytes, enum catalogue_value_status expected)
{
    struct error err;
    struct catalogue_field field = field_of(type, max_bytes);
    const struct catalogue_value_context context = { .now_ms = now_ms };
    enum catalogue_value_status result = 0;
    struct buffer out = buffer_init(1024);
    assert_ok(catalogue_value_apply(&field, form_of(form),
                                    value != NULL ? bytes_text(value) : bytes_of(NULL, 0), &context,
                                    &out, &result, &err));
    assert_int_equal(result, expected);
    assert_int_equal(out.size, 0);
    buffer_fini(&out);
}

TEST(a_full_value_is_passed_as_it_is)
{
    assert_applies(CATALOGUE_TYPE_TEXT, "full", "Ветрова Анна", NULL, "Ветрова Анна");
    assert_applies(CATALOGUE_TYPE_BOOL, "full", "true", NULL, "true");
    assert_applies(CATALOGUE_TYPE_DATE, "full", "1991-04-12", NULL, "1991-04-12");
    assert_applies(CATALOGUE_TYPE_LIST, "full", "[\"B\", \"C\\u0031\"]", NULL,
                   "[\"B\", \"C\\u0031\"]");
    assert_applies(CATALOGUE_TYPE_LIST, "full", "[]", NULL, "[]");
    assert_applies(CATALOGUE_TYPE_CODE, "full", "A(II) Rh+", NULL, "A(II) Rh+");
}

TEST(a_year_is_all_that_is_left_of_a_day)
{
    assert_applies(CATALOGUE_TYPE_DATE, "year", "1991-04-12", NULL, "1991");
}

TEST(last4_never_shows_more_than_half)
{
    assert_applies(CATALOGUE_TYPE_TEXT, "last4", "4510 123456", NULL, "3456");
    assert_applies(CATALOGUE_TYPE_TEXT, "last4", "12345678", NULL, "5678");
    assert_applies(CATALOGUE_TYPE_TEXT, "last4", "12345", NULL, "45");
    assert_applies(CATALOGUE_TYPE_TEXT, "last4", "1", NULL, "");
    assert_applies(CATALOGUE_TYPE_TEXT, "last4", "серия ЖЩЮЯ", NULL, "ЖЩЮЯ");
}

TEST(a_mask_hides_lengths_and_digits)
{
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "Ветрова Анна", NULL, "В*** А***");
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "Ли", NULL, "Л***");
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "ул. Заречная, 1, кв. 15а", NULL,
                   "у***. З***, ***, к***. ***");
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "+7 000 000-12-34", NULL,
                   "+*** *** ***-***-***34");
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "12-34", NULL, "***-***");
    assert_applies(CATALOGUE_TYPE_TEXT, "masked", "a*b", NULL, "a***-b***");
}

TEST(exists_says_yes_or_no)
{
    assert_applies(CATALOGUE_TYPE_TEXT, "exists", "x", NULL, "true");
    assert_applies(CATALOGUE_TYPE_TEXT, "exists", NULL, NULL, "false");
    assert_applies(CATALOGUE_TYPE_TEXT, "exists", "", NULL, "false");
    assert_applies(CATALOGUE_TYPE_LIST, "exists", "[ ]", NULL, "false");
    assert_applies(CATALOGUE_TYPE_LIST, "exists", "[\"очки\"]", NULL, "true");
}

TEST(a_match_forgives_spelling_and_not_more)
{
    assert_applies(CATALOGUE_TYPE_TEXT, "match", "Семёнова  Анна", " СЕМЕНОВА анна ", "true");
    assert_applies(CATALOGUE_TYPE_TEXT, "match", "Семёнова Анна", "Семёнова Инна", "false");
    assert_applies(CATALOGUE_TYPE_DATE, "match", "1991-04-12", "1991-04-12", "true");
    assert_applies(CATALOGUE_TYPE_TEXT, "match", "Анна", NULL, "false");
    assert_applies(CATALOGUE_TYPE_TEXT, "match", NULL, "Анна", "false");
    assert_applies(CATALOGUE_TYPE_TEXT, "match", " ", "", "false");
}

TEST(an_age_counts_from_the_birthday)
{
    assert_applies(CATALOGUE_TYPE_DATE, "over(65)", "1961-09-20", NULL, "true");
    assert_applies(CATALOGUE_TYPE_DATE, "over(65)", "1961-09-21", NULL, "true");
    assert_applies(CATALOGUE_TYPE_DATE, "over(65)", "1961-09-22", NULL, "false");
    assert_applies(CATALOGUE_TYPE_DATE, "over(65)", "1961-10-01", NULL, "false");
    assert_applies(CATALOGUE_TYPE_DATE, "over(18)", "2030-01-01", NULL, "false");
}

TEST(who_was_born_on_a_leap_day_is_a_year_older_on_the_first_of_march)
{
    static const int64_t day_ms = 86400000;
    static const int64_t march_ms = 1772323200000; // 2026-03-01
    struct error err;
    struct catalogue_field field = field_of(CATALOGUE_TYPE_DATE, 10);
    for (int64_t days = -1; days <= 0; days++) {
        const struct catalogue_value_context context = { .now_ms = march_ms + days * day_ms };
        enum catalogue_value_status result = 0;
        struct buffer out = buffer_init(16);
        assert_ok(catalogue_value_apply(&field, form_of("over(18)"), bytes_text("2008-02-29"),
                                        &context, &out, &result, &err));
        assert_true(bytes_equal_text(buffer_view(&out), days == 0 ? "true" : "false"));
        buffer_fini(&out);
    }
}

static enum status pseudonym(void *owner, struct bytes value, struct buffer *out, struct error *err)
{
    (void)owner;
    (void)value;
    (void)err;
    for (int i = 0; i < 64; i++) {
        buffer_u8(out, 'a');
    }
    return ST_OK;
}

TEST(a_pseudonym_comes_from_the_holder)
{
    struct error err;
    struct catalogue_field field = field_of(CATALOGUE_TYPE_TEXT, 20);
    struct catalogue_value_context context = { .pseudonym = pseudonym };
    enum catalogue_value_status result = 0;
    struct buffer out = buffer_init(128);
    assert_ok(catalogue_value_apply(&field, form_of("pseudonym"), bytes_text("Анна"), &context,
                                    &out, &result, &err));
    assert_true(catalogue_value_fits(&field, form_of("pseudonym"), buffer_view(&out)));
    context.pseudonym = NULL;
    assert_status(ST_UNSUPPORTED,
                  catalogue_value_apply(&field, form_of("pseudonym"), bytes_text("Анна"), &context,
                                        &out, &result, &err));
    buffer_fini(&out);
}

TEST(a_value_not_of_its_type_is_never_sent)
{
    static const struct {
        enum catalogue_type type;
        const char *value;
    } cases[] = {
        { CATALOGUE_TYPE_BOOL, "yes" },           { CATALOGUE_TYPE_BOOL, "True" },
        { CATALOGUE_TYPE_DATE, "1991-02-30" },    { CATALOGUE_TYPE_DATE, "12.04.1991" },
        { CATALOGUE_TYPE_TEXT, "two\nlines" },    { CATALOGUE_TYPE_TEXT, "\xff" },
        { CATALOGUE_TYPE_LIST, "a, b" },          { CATALOGUE_TYPE_LIST, "[1]" },
        { CATALOGUE_TYPE_LIST, "[\"a\",]" },      { CATALOGUE_TYPE_LIST, "[\"a\"" },
        { CATALOGUE_TYPE_LIST, "[\"a\"] x" },     { CATALOGUE_TYPE_LIST, "[\"\\x\"]" },
        { CATALOGUE_TYPE_LIST, "[\"\\u0000\"]" }, { CATALOGUE_TYPE_LIST, "[\"\\ud800\"]" },
        { CATALOGUE_TYPE_LIST, "[[\"a\"]]" },     { CATALOGUE_TYPE_LIST, "\"a\"" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_status_of(cases[i].type, "full", cases[i].value, 200, CATALOGUE_VALUE_NOT_OF_TYPE);
        struct catalogue_field field = field_of(cases[i].type, 200);
        assert_false(catalogue_value_fits(&field, form_of("full"), bytes_text(cases[i].value)));
    }
}

TEST(a_value_longer_than_its_box_is_never_sent)
{
    assert_status_of(CATALOGUE_TYPE_TEXT, "full", "123456", 5, CATALOGUE_VALUE_TOO_LONG);
    assert_status_of(CATALOGUE_TYPE_TEXT, "masked", "a b c", 8, CATALOGUE_VALUE_TOO_LONG);
    assert_status_of(CATALOGUE_TYPE_TEXT, "full", NULL, 5, CATALOGUE_VALUE_NONE);
}

TEST(a_code_is_one_of_those_listed)
{
    struct catalogue *catalogue = load_scenario();
    const struct catalogue_field *field = catalogue_field(
        catalogue_dataset(catalogue, bytes_text("identity.person")), bytes_text("marital_status"));
    assert_true(catalogue_value_fits(field, form_of("full"), bytes_text("married")));
    assert_false(catalogue_value_fits(field, form_of("full"), bytes_text("complicated")));
    catalogue_destroy(&catalogue);
}

TEST(what_is_wider_than_its_form_is_known)
{
    static const struct {
        enum catalogue_type type;
        const char *form;
        const char *value;
    } cases[] = {
        { CATALOGUE_TYPE_DATE, "year", "1991-04-12" },
        { CATALOGUE_TYPE_DATE, "year", "19ab" },
        { CATALOGUE_TYPE_DATE, "year", "" },
        { CATALOGUE_TYPE_TEXT, "last4", "12345" },
        { CATALOGUE_TYPE_TEXT, "exists", "Анна" },
        { CATALOGUE_TYPE_TEXT, "match", "Анна" },
        { CATALOGUE_TYPE_DATE, "over(65)", "1961" },
        { CATALOGUE_TYPE_TEXT, "masked", "Анна" },
        { CATALOGUE_TYPE_TEXT, "masked", "А*** нна" },
        { CATALOGUE_TYPE_TEXT, "masked", "***345" },
        { CATALOGUE_TYPE_TEXT, "masked", "А***12" },
        { CATALOGUE_TYPE_TEXT, "masked", "А***б***" },
        { CATALOGUE_TYPE_TEXT, "masked", "А н н а" },
        { CATALOGUE_TYPE_TEXT, "masked", "12 ***34" },
        { CATALOGUE_TYPE_TEXT, "pseudonym", "Анна" },
        { CATALOGUE_TYPE_BOOL, "year", "1991" },
        { CATALOGUE_TYPE_TEXT, "masked", "" },
        { CATALOGUE_TYPE_TEXT, "full", "" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct catalogue_field field = field_of(cases[i].type, 200);
        if (catalogue_value_fits(&field, form_of(cases[i].form), bytes_text(cases[i].value))) {
            fail_msg("'%s' passes as %s", cases[i].value, cases[i].form);
        }
    }
}

TEST(a_form_that_the_type_does_not_have_is_refused)
{
    struct error err;
    struct catalogue_field field = field_of(CATALOGUE_TYPE_BOOL, 5);
    const struct catalogue_value_context context = { .now_ms = now_ms };
    enum catalogue_value_status result = 0;
    struct buffer out = buffer_init(16);
    assert_status(ST_UNSUPPORTED, catalogue_value_apply(&field, form_of("year"), bytes_text("true"),
                                                        &context, &out, &result, &err));
    buffer_fini(&out);
}

TEST(folding_meets_composed_and_decomposed_letters)
{
    static const char *const same[][2] = {
        { "Ёлкина", "елкина" },
        { "е\xcc\x88лка", "ёлка" },        // е and a combining diaeresis
        { "и\xcc\x86од", "ЙОД" },          // и and a combining breve
        { "Jos\xc3\xa9", "JOSE\xcc\x81" }, // é and e with an acute
        { "Gro\xc3\x9f", "GROSS" },
        { "a\xcc\xa3\xcc\x82", "a\xcc\x82\xcc\xa3" }, // marks in either order
        { "\xe1\xba\xad", "a\xcc\x82\xcc\xa3" },      // ậ whole
        { "a\xc2\xa0 \t b", "A B" },                  // a no-break space
    };
    static const char *const other[][2] = {
        { "Йод", "Иод" },
        { "а", "a" },
        { "ab", "a b" },
        { "é", "e" },
        { "", "" },
        { " ", "\t" },
        { "o \xcc\xaa", "o\xcc\xaa" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        if (!catalogue_value_same(bytes_text(same[i][0]), bytes_text(same[i][1]))) {
            fail_msg("'%s' and '%s' differ", same[i][0], same[i][1]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(other); i++) {
        if (catalogue_value_same(bytes_text(other[i][0]), bytes_text(other[i][1]))) {
            fail_msg("'%s' and '%s' are the same", other[i][0], other[i][1]);
        }
    }
    assert_false(catalogue_value_same(bytes_text("\xff"), bytes_text("\xff")));
}

TEST(folding_twice_is_folding_once)
{
    static const char *const texts[] = { "ПриВет,  Мир", "E\xcc\x81 COLE", "\xc7\x84",
                                         " \xc8\xab\xcc\xaa \xcc\xaa", "Ǻ ǽ" };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct buffer once = buffer_init(256);
        struct buffer twice = buffer_init(256);
        assert_true(catalogue_value_fold(bytes_text(texts[i]), &once));
        assert_true(catalogue_value_fold(buffer_view(&once), &twice));
        assert_true(bytes_equal(buffer_view(&once), buffer_view(&twice)));
        buffer_fini(&once);
        buffer_fini(&twice);
    }
}

TEST(boxes_of_small_forms_have_one_size)
{
    static const char *const small[] = { "over(65)", "exists", "match", "year", "last4" };
    struct catalogue_field field = field_of(CATALOGUE_TYPE_TEXT, 60000);
    for (size_t i = 0; i < ARRAY_COUNT(small); i++) {
        assert_int_equal(catalogue_box_bytes(&field, form_of(small[i])), CATALOGUE_BOX_SMALL);
    }
}

TEST(a_box_has_room_for_the_longest_value_and_says_nothing_of_its_length)
{
    for (uint32_t max_bytes = 1; max_bytes <= 65536; max_bytes += 97) {
        struct catalogue_field field = field_of(CATALOGUE_TYPE_TEXT, max_bytes);
        uint32_t size = catalogue_box_bytes(&field, form_of("full"));
        assert_true(size >= max_bytes + CATALOGUE_BOX_OVERHEAD);
        assert_true(size % 64 == 0 && ((size / 64) & (size / 64 - 1)) == 0);
        assert_true(size < 2 * (max_bytes + CATALOGUE_BOX_OVERHEAD));
    }
}
