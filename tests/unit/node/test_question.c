#include "node/api.h"

#include "test.h"

#include <string.h>

#define HEAD  "{\"dataset\":\"d\",\"subject\":{\"scheme\":\"vd\",\"id\":\"VD-1\"},\"purpose\":\"p\","
#define BASIS "\"basis\":{\"kind\":\"law\",\"article\":\"7\"}"

static enum status read_question(const char *text, struct node_question *question,
                                 struct arena *arena, struct error *err)
{
    int64_t timeout_ms = 0;
    return node_api_question(bytes_text(text), arena, question, &timeout_ms, err);
}

TEST(a_whole_request_is_read)
{
    struct error err;
    struct arena *arena = arena_create(100000);
    struct node_question question;
    int64_t timeout_ms = 0;
    assert_ok(node_api_question(
        bytes_text(HEAD "\"holder\":\"h\",\"fields\":[\"a\",{\"name\":\"b\",\"form\":\"match\","
                        "\"match\":\"x\"}],"
                        "\"basis\":{\"kind\":\"consent\","
                        "\"consent\":\"01890a5d-ac96-774b-bcce-b302099a8057\"},"
                        "\"official\":{\"id\":\"o\",\"role\":\"inspector\"},\"case\":\"1\","
                        "\"automated\":true,\"exact\":true,\"all_or_nothing\":true,"
                        "\"timeout_ms\":1500,\"traceparent\":\"t\"}"),
        arena, &question, &timeout_ms, &err));
    assert_int_equal(question.field_count, 2);
    assert_true(bytes_equal_text(question.fields[0].name, "a"));
    assert_int_equal(question.fields[0].form.size, 0);
    assert_true(bytes_equal_text(question.fields[1].match, "x"));
    assert_int_equal(question.basis, CATALOGUE_BASIS_CONSENT);
    assert_int_equal(question.consent.bytes[0], 0x01);
    assert_true(bytes_equal_text(question.official_role, "inspector"));
    assert_true(question.automated && question.exact && question.all_or_nothing);
    assert_int_equal(timeout_ms, 1500);
    arena_destroy(&arena);
}

TEST(what_is_misspelt_or_of_another_kind_is_told_and_never_ignored)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        { "[]", "must be an object" },
        { "{", "JSON" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"excat\":true}", "excat" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"exact\":1}", "exact" },
        { HEAD "\"fields\":[]," BASIS "}", "fields" },
        { HEAD "\"fields\":\"a\"," BASIS "}", "fields" },
        { HEAD "\"fields\":[{\"name\":\"a\",\"from\":\"full\"}]," BASIS "}", "from" },
        { HEAD "\"fields\":[7]," BASIS "}", "fields" },
        { HEAD "\"fields\":[\"a\"]}", "basis" },
        { HEAD "\"fields\":[\"a\"],\"basis\":{\"kind\":\"whim\"}}", "basis" },
        { HEAD "\"fields\":[\"a\"],\"basis\":{\"kind\":\"consent\",\"consent\":\"x\"}}",
          "consent" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"timeout_ms\":-1}", "timeout_ms" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"timeout_ms\":\"5 s\"}", "timeout_ms" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"case\":5}", "case" },
        { HEAD "\"fields\":[\"a\"]," BASIS ",\"subject\":{}}", "twice" },
        { "{\"dataset\":\"d\",\"fields\":[\"a\"]," BASIS "}", "subject" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = { 0 };
        struct arena *arena = arena_create(100000);
        struct node_question question;
        enum status status = read_question(cases[i].text, &question, arena, &err);
        if (status == ST_OK || strstr(err.message, cases[i].words) == NULL) {
            fail_msg("%s: got %s: %s", cases[i].text, status_name(status), err.message);
        }
        arena_destroy(&arena);
    }
}

TEST(more_fields_than_a_request_holds_are_refused)
{
    struct error err;
    struct arena *arena = arena_create(100000);
    struct node_question question;
    struct buffer text = buffer_init(4000);
    buffer_text(&text, HEAD "\"fields\":[\"a\"");
    for (int i = 0; i < 64; i++) {
        buffer_text(&text, ",\"a\"");
    }
    buffer_text(&text, "]," BASIS "}");
    int64_t timeout_ms = 0;
    assert_status(ST_USAGE,
                  node_api_question(buffer_view(&text), arena, &question, &timeout_ms, &err));
    buffer_fini(&text);
    arena_destroy(&arena);
}
