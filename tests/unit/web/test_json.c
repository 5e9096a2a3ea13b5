#include "web/json.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static enum status parse(const char *text, struct web_json **document, struct error *err)
{
    return web_json_parse(bytes_text(text), &web_json_limits_default, document, err);
}

TEST(values_are_found_by_name_and_place)
{
    struct error err;
    struct web_json *document = NULL;
    assert_ok(parse("{\"a\":[1,\"\xd0\x90\",true,null,1.5],\"b\":{\"c\":false}}", &document, &err));
    const struct web_json *list = web_json_get(document, "a");
    assert_int_equal(web_json_count(list), 5);
    assert_int_equal(web_json_integer(web_json_at(list, 0), -1), 1);
    assert_true(bytes_equal_text(web_json_text(web_json_at(list, 1)), "\xd0\x90"));
    assert_true(web_json_bool(web_json_at(list, 2), false));
    assert_int_equal(web_json_kind(web_json_at(list, 3)), WEB_JSON_KIND_NULL);
    assert_int_equal(web_json_kind(web_json_at(list, 4)), WEB_JSON_KIND_REAL);
    assert_null(web_json_at(list, 5));
    assert_false(web_json_bool(web_json_get(web_json_get(document, "b"), "c"), true));
    assert_null(web_json_get(web_json_get(document, "x"), "y"));
    assert_null(web_json_text(web_json_get(document, "a")).data);
    web_json_destroy(&document);
    web_json_destroy(&document);
}

TEST(a_name_given_twice_is_refused_without_quoting_the_document)
{
    struct error err;
    struct web_json *document = NULL;
    assert_status(ST_MALFORMED, parse("{\"secret\":1,\"secret\":2}", &document, &err));
    assert_null(strstr(err.message, "secret"));
    assert_status(ST_MALFORMED, parse("{\"a\": VD-004217-6}", &document, &err));
    assert_null(strstr(err.message, "VD"));
}

TEST(what_is_not_strict_json_is_refused)
{
    static const char *const wrong[] = {
        "",           "{",    "[1,]",          "{'a':1}", "1",        "[1] x", "[\"\\ud800\"]",
        "[\"\xff\"]", "[01]", "[\"\\u0000\"]", "[NaN]",   "{\"a\" 1}"
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct error err;
        struct web_json *document = NULL;
        assert_status(ST_MALFORMED, parse(wrong[i], &document, &err));
        assert_null(document);
    }
}

TEST(depth_and_number_of_values_are_bounded)
{
    struct error err;
    struct web_json *document = NULL;
    assert_ok(parse("[[[[[[[[1]]]]]]]]", &document, &err));
    web_json_destroy(&document);
    assert_status(ST_MALFORMED, parse("[[[[[[[[[1]]]]]]]]]", &document, &err));
    assert_ok(parse("[\"[[[[[[[[[[[[\"]", &document, &err));
    web_json_destroy(&document);
    assert_ok(parse("[\"\\\"[[[[[[[[[[[[\"]", &document, &err));
    web_json_destroy(&document);
    char many[20000] = "[1";
    size_t length = 2;
    for (size_t i = 0; i < 4096; i++) {
        many[length++] = ',';
        many[length++] = '1';
    }
    many[length] = ']';
    assert_status(ST_MALFORMED, parse(many, &document, &err));
}

TEST(an_unknown_name_is_reported)
{
    struct error err;
    struct web_json *document = NULL;
    static const char *const names[] = { "a", "b", NULL };
    const char *unknown = NULL;
    assert_ok(parse("{\"b\":1,\"a\":2}", &document, &err));
    assert_true(web_json_only(document, names, &unknown));
    web_json_destroy(&document);
    assert_ok(parse("{\"b\":1,\"c\":2}", &document, &err));
    assert_false(web_json_only(document, names, &unknown));
    assert_string_equal(unknown, "c");
    web_json_destroy(&document);
}

TEST(what_is_written_reads_back_the_same)
{
    struct error err;
    struct buffer out = buffer_init(1000);
    struct web_json_writer writer = web_json_writer_init(&out);
    web_json_write_object(&writer);
    web_json_write_pair(&writer, "text", "a\"b\\c\nd\te\x01 \xd0\xaf");
    web_json_write_name(&writer, "list");
    web_json_write_array(&writer);
    web_json_write_integer(&writer, -5);
    web_json_write_real(&writer, 0.25);
    web_json_write_real(&writer, 1.0 / 0.0);
    web_json_write_bool(&writer, true);
    web_json_write_null(&writer);
    web_json_write_object(&writer);
    web_json_write_object_end(&writer);
    web_json_write_text(&writer, (struct bytes){ 0 });
    web_json_write_array_end(&writer);
    web_json_write_object_end(&writer);
    assert_ok(buffer_ok(&out, "json", &err));
    struct web_json *document = NULL;
    assert_ok(web_json_parse(buffer_view(&out), &web_json_limits_default, &document, &err));
    assert_true(bytes_equal_text(web_json_text(web_json_get(document, "text")),
                                 "a\"b\\c\nd\te\x01 \xd0\xaf"));
    assert_int_equal(web_json_count(web_json_get(document, "list")), 7);
    assert_int_equal(web_json_kind(web_json_at(web_json_get(document, "list"), 1)),
                     WEB_JSON_KIND_REAL);
    assert_int_equal(web_json_kind(web_json_at(web_json_get(document, "list"), 2)),
                     WEB_JSON_KIND_NULL);
    web_json_destroy(&document);
    buffer_fini(&out);
}

TEST(a_text_that_is_not_utf8_is_never_written)
{
    struct error err;
    struct buffer out = buffer_init(100);
    struct web_json_writer writer = web_json_writer_init(&out);
    web_json_write_text(&writer, bytes_text("\xc3\x28"));
    assert_status(ST_NOMEM, buffer_ok(&out, "json", &err));
    buffer_fini(&out);
}
