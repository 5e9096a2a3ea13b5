// The text form of cards, orders and bundles.
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "registry/file.h"

static struct buffer format(enum registry_file kind, const char *message, const char *blob)
{
    struct error err;
    struct buffer text = buffer_init(1 << 20);
    assert_ok(registry_file_format(kind, bytes_text(message), bytes_text(blob),
                                   "two lines\nof comment", &text, &err));
    return text;
}

static enum status parse(const char *text, struct error *err)
{
    struct registry_file_content content = { 0 };
    enum status status = registry_file_parse(bytes_text(text), "file", &content, err);
    registry_file_fini(&content);
    return status;
}

TEST(every_kind_of_file_reads_back)
{
    struct error err;
    for (int i = 0; i < REGISTRY_FILE_COUNT; i++) {
        enum registry_file kind = (enum registry_file)i;
        const char *blob = kind == REGISTRY_FILE_BUNDLE ? "packed\nfiles\x01" : "";
        struct buffer text = format(kind,
                                    "a message that is longer than one line of base64 "
                                    "can hold, so that lines are put together again",
                                    blob);
        struct registry_file_content content;
        assert_ok(registry_file_parse(buffer_view(&text), "file", &content, &err));
        assert_int_equal(content.kind, kind);
        assert_true(bytes_equal_text(buffer_view(&content.message),
                                     "a message that is longer than one line of base64 can hold, "
                                     "so that lines are put together again"));
        assert_true(bytes_equal_text(buffer_view(&content.blob), blob));
        registry_file_fini(&content);
        buffer_fini(&text);
    }
}

TEST(a_file_cut_anywhere_is_refused)
{
    struct error err;
    struct buffer text = format(REGISTRY_FILE_BUNDLE, "message", "blob of some bytes");
    for (size_t size = 0; size < text.size; size++) {
        struct registry_file_content content = { 0 };
        assert_status(ST_MALFORMED,
                      registry_file_parse(bytes_of(text.data, size), "file", &content, &err));
    }
    buffer_fini(&text);
}

TEST(what_is_not_such_a_file_is_refused_with_its_line)
{
    struct error err;
    assert_status(ST_MALFORMED, parse("", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 crown\nAAAA\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/2 card\nAAAA\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 card\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 card\n# only a comment\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 card\nAAAA\n\n!!!!\n", &err));
    assert_non_null(strstr(err.message, "line 4"));
    assert_status(ST_MALFORMED, parse("vedomo/1 card\nAAAA\nblob 0\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 bundle\nAAAA\n", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 bundle\nAAAA\nblob 3\nab", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 bundle\nAAAA\nblob 1\nab", &err));
    assert_status(ST_MALFORMED, parse("vedomo/1 bundle\nAAAA\nblob 99999999999\nab", &err));
    assert_ok(parse("vedomo/1 card\n# comment\n\nAAAA\n", &err));
}

TEST(a_file_of_another_kind_than_wanted_is_refused_by_name)
{
    struct error err;
    char path[512];
    struct registry_file_content content;
    struct buffer text = format(REGISTRY_FILE_ORDER, "message", "");
    snprintf(path, sizeof(path), "%s/some.order", test_directory());
    assert_ok(file_create(path, buffer_view(&text), 0600, &err));
    assert_status(ST_MALFORMED, registry_file_read(path, 1U << REGISTRY_FILE_CARD, &content, &err));
    assert_non_null(strstr(err.message, "order"));
    assert_ok(registry_file_read(path, 1U << REGISTRY_FILE_CARD | 1U << REGISTRY_FILE_ORDER,
                                 &content, &err));
    registry_file_fini(&content);
    buffer_fini(&text);
}

static void write_card(const char *path, const struct registry_card *card,
                       const struct seal_signer *registrar)
{
    struct error err;
    struct buffer payload = buffer_init(65536);
    struct buffer text = buffer_init(65536);
    assert_ok(registry_card_encode(card, bytes_text(ORIGIN), &payload, &err));
    struct buffer message = sign_payload(REGISTRY_CARD, buffer_view(&payload), ORIGIN, registrar);
    assert_ok(registry_file_format(REGISTRY_FILE_CARD, buffer_view(&message), (struct bytes){ 0 },
                                   NULL, &text, &err));
    assert_ok(file_replace(path, buffer_view(&text), 0600, &err));
    buffer_fini(&payload);
    buffer_fini(&message);
    buffer_fini(&text);
}

TEST(a_broker_s_card_is_signed_of_this_log_in_force_and_a_broker_s)
{
    struct error err;
    char path[128];
    struct registry_card read;
    struct seal_signer *signers[2] = { make_signer(), make_signer() };
    struct registry_pins pins = pins_of(signers, 1, 1);
    struct registry_card card = make_card("operator", "main");
    card.role = REGISTRY_ROLE_BROKER;
    snprintf(path, sizeof(path), "%s/broker.card", test_directory());
    struct bytes origin = bytes_text(ORIGIN);

    assert_status(ST_NOT_FOUND, registry_file_broker(path, origin, &pins, 1000, &read, &err));
    write_card(path, &card, signers[0]);
    assert_ok(registry_file_broker(path, origin, &pins, 1000, &read, &err));
    assert_true(digest_equal(&read.batch_key, &card.batch_key));
    assert_ok(registry_file_broker(path, origin, &pins, 1999, &read, &err));
    assert_status(ST_DENIED, registry_file_broker(path, origin, &pins, 999, &read, &err));
    assert_status(ST_DENIED, registry_file_broker(path, origin, &pins, 2000, &read, &err));
    assert_non_null(strstr(err.message, "ended"));
    assert_true(registry_file_broker(path, bytes_text("vedomo.example/other"), &pins, 1000, &read,
                                     &err) != ST_OK);
    write_card(path, &card, signers[1]); // who is not pinned
    assert_status(ST_UNPROVEN, registry_file_broker(path, origin, &pins, 1000, &read, &err));
    card.role = REGISTRY_ROLE_NODE;
    write_card(path, &card, signers[0]);
    assert_status(ST_DENIED, registry_file_broker(path, origin, &pins, 1000, &read, &err));
    assert_non_null(strstr(err.message, "not of the broker"));
    seal_signer_destroy(&signers[0]);
    seal_signer_destroy(&signers[1]);
}
