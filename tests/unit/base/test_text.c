// Text forms: what is accepted is exactly what the formats say.
#include "test.h"

#include <stdlib.h>

#include "base/text.h"

TEST(utf8_is_what_rfc_3629_says_and_has_no_nul)
{
    static const char *const good[] = {
        "", "a", "ё", "€", "😀", "Ветрова", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(text_utf8_valid(bytes_text(good[i])));
    }
    static const char *const bad[] = {
        "\x80",         "\xC0\xAF",         "\xC1\x81",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xD0",         "\xE2\x82",         "\xF0\x9F\x98",     "a\xFF",
        "\xD0\xD0"
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct bytes text = bytes_text(bad[i]);
        uint8_t *exact = malloc(text.size);
        memcpy(exact, text.data, text.size);
        assert_false(text_utf8_valid(bytes_of(exact, text.size)));
        free(exact);
    }
    assert_false(text_utf8_valid(bytes_of("a\0b", 3)));
}

TEST(utf8_is_judged_alike_at_every_place_of_a_long_text)
{
    char text[41];
    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned c = 0; c < 256; c++) {
            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            assert_int_equal(text_utf8_valid(bytes_of(text, sizeof(text))), c != 0 && c < 0x80);
        }
        if (at > 0) {
            memcpy(text + at - 1, "\xD0\xB6", 2);
            assert_true(text_utf8_valid(bytes_of(text, sizeof(text))));
        }
    }
}

TEST(a_code_is_ascii_of_its_alphabet_and_length)
{
    assert_true(text_is_code(bytes_text("ru/interior/road-safety"), 64, "/-"));
    assert_false(text_is_code(bytes_text("ru/interior"), 64, "-"));
    assert_false(text_is_code(bytes_text(""), 64, "/-"));
    assert_false(text_is_code(bytes_text("abcde"), 4, ""));
    assert_false(text_is_code(bytes_of("a\0", 2), 4, ""));
    assert_false(text_is_code(bytes_text("ё"), 4, ""));
}

TEST(hexadecimal_goes_there_and_back_and_refuses_the_rest)
{
    uint8_t bytes[3];
    char text[7];
    assert_true(text_hex_decode(bytes_text("00fFa9"), bytes, 3));
    text_hex_encode(bytes_of(bytes, 3), text);
    assert_string_equal(text, "00ffa9");
    assert_false(text_hex_decode(bytes_text("00ffa"), bytes, 3));
    assert_false(text_hex_decode(bytes_text("00ffag"), bytes, 3));
    assert_false(text_hex_decode(bytes_text("00ffa90"), bytes, 3));
    assert_false(text_hex_decode(bytes_text("00ff @"), bytes, 3));
}

TEST(base64_has_the_vectors_of_rfc_4648)
{
    static const char *const vectors[][2] = { { "", "" },
                                              { "f", "Zg==" },
                                              { "fo", "Zm8=" },
                                              { "foo", "Zm9v" },
                                              { "foob", "Zm9vYg==" },
                                              { "fooba", "Zm9vYmE=" },
                                              { "foobar", "Zm9vYmFy" } };
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct buffer out = buffer_init(64);
        text_base64_encode(&out, bytes_text(vectors[i][0]));
        assert_true(bytes_equal_text(buffer_view(&out), vectors[i][1]));
        buffer_clear(&out);
        assert_true(text_base64_decode(&out, bytes_text(vectors[i][1])));
        assert_true(bytes_equal_text(buffer_view(&out), vectors[i][0]));
        buffer_fini(&out);
    }
}

TEST(base64_that_is_not_canonical_is_refused)
{
    static const char *const bad[] = { "Z",    "Zg",   "Zg=",    "Zh==", "Zm9=", "Zg==Zg==",
                                       "Z===", "====", "Zm9v\n", "Zm 9", "Zm9-", "=Zg=" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct buffer out = buffer_init(64);
        assert_false(text_base64_decode(&out, bytes_text(bad[i])));
        buffer_fini(&out);
    }
}

TEST(numbers_are_canonical_decimals_below_their_maximum)
{
    uint64_t value = 0;
    assert_true(text_u64_parse(bytes_text("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_false(text_u64_parse(bytes_text("18446744073709551616"), UINT64_MAX, &value));
    assert_true(text_u64_parse(bytes_text("0"), 5, &value));
    assert_true(text_u64_parse(bytes_text("5"), 5, &value));
    static const char *const bad[] = { "", "6", "01", "00", "-1", "+1", " 1", "1 ", "0x1", "10" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(text_u64_parse(bytes_text(bad[i]), 5, &value));
    }
}

TEST(dates_are_days_that_exist)
{
    static const char *const good[] = { "2026-11-21", "2024-02-29", "2000-02-29", "0001-01-01",
                                        "9999-12-31" };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(text_date_valid(bytes_text(good[i])));
    }
    static const char *const bad[] = { "2026-02-29",
                                       "1900-02-29",
                                       "2026-13-01",
                                       "2026-00-10",
                                       "2026-04-31",
                                       "2026-01-00",
                                       "0000-01-01",
                                       "2026-1-01",
                                       "2026/01/01",
                                       "2026-01-011",
                                       "" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(text_date_valid(bytes_text(bad[i])));
    }
}

TEST(an_id_carries_its_time_and_has_one_text_form)
{
    uint8_t random[ID_BYTES];
    memset(random, 0xFF, sizeof(random));
    struct id id = id_make(0x0123456789AB, random);
    assert_true(id_time_ms(&id) == 0x0123456789AB);
    char text[TEXT_ID_BYTES];
    text_id_format(&id, text);
    assert_string_equal(text, "01234567-89ab-7fff-bfff-ffffffffffff");
    struct id again;
    assert_true(text_id_parse(bytes_text(text), &again));
    assert_true(id_equal(&id, &again));
    assert_false(text_id_parse(bytes_text("01234567-89ab-7fff-bfff-fffffffffff"), &again));
    assert_false(text_id_parse(bytes_text("0123456789ab-7fff-bfff-ffffffffffffff"), &again));
    assert_false(text_id_parse(bytes_text("01234567-89ab-7fff-bfff-fffffffffffg"), &again));
    id.bytes[6] = 0x4F;
    assert_true(id_time_ms(&id) == -1);
}
