// Each allocation in turn fails: nothing is half enrolled, nothing is lost, nothing leaks.
#include "fault.h"
#include "fixture.h"

#include "base/file.h"
#include "registry/file.h"

// A failure is ST_NOMEM and nothing else; the wire's decoder gets along without some of its room.
static void assert_reported(enum status status, bool failed)
{
    assert_true(status == ST_OK || (failed && status == ST_NOMEM));
}

TEST(a_registry_without_memory_changes_nothing)
{
    struct error err;
    struct seal_signer *registrar = make_signer();
    struct registry_pins pins = pins_of(&registrar, 1, 1);
    struct registry_card cards[] = { make_card("a", "n"), make_card("b", "n"),
                                     make_card("a", "m") };
    struct registry_order order = {
        .action = REGISTRY_REVOKE, .member = "a", .key = cards[2].batch_key, .issued_at = 5
    };
    struct buffer messages[] = { sign_card(&cards[0], ORIGIN, registrar),
                                 sign_card(&cards[1], ORIGIN, registrar),
                                 sign_card(&cards[2], ORIGIN, registrar),
                                 sign_order(&order, registrar) };
    struct registry_change changes[4];
    for (size_t i = 0; i < 4; i++) {
        changes[i] = (struct registry_change){
            .label = i < 3 ? REGISTRY_CARD : REGISTRY_ORDER,
            .signed_message = buffer_view(&messages[i]),
            .entry_index = i,
        };
    }
    struct registry *old = NULL;
    struct registry *empty = NULL;
    assert_ok(registry_create(bytes_text(ORIGIN), &pins, &empty, &err));
    assert_ok(registry_next(empty, changes, 2, &old, &err));
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct registry *next = NULL;
        fault_arm(k);
        enum status status = registry_next(old, &changes[2], 2, &next, &err);
        failed = fault_disarm();
        assert_reported(status, failed);
        assert_int_equal(next == NULL, status != ST_OK);
        assert_int_equal(registry_key_count(old), 2);
        registry_destroy(&next);
    }
    registry_destroy(&old);
    registry_destroy(&empty);
    for (size_t i = 0; i < 4; i++) {
        buffer_fini(&messages[i]);
    }
    seal_signer_destroy(&registrar);
}

TEST(a_card_without_memory_is_neither_signed_nor_verified)
{
    struct error err;
    struct seal_signer *one = make_signer();
    struct seal_signer *two = make_signer();
    struct registry_pins pins = pins_of(&one, 1, 1);
    struct registry_card card = make_card("a", "n");
    struct digest audience = seal_audience(bytes_text(ORIGIN));
    struct buffer message = sign_card(&card, ORIGIN, one);
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct registry_card read;
        struct buffer more = buffer_init(65536);
        fault_arm(k);
        enum status status =
            registry_card_verify(buffer_view(&message), bytes_text(ORIGIN), &pins, &read, &err);
        if (status == ST_OK) {
            status = registry_signed_add(REGISTRY_CARD, buffer_view(&message), &audience, two,
                                         &more, &err);
        }
        failed = fault_disarm();
        assert_reported(status, failed);
        buffer_fini(&more);
    }
    buffer_fini(&message);
    seal_signer_destroy(&one);
    seal_signer_destroy(&two);
}

TEST(a_file_without_memory_is_neither_written_nor_read)
{
    struct error err;
    char path[512];
    snprintf(path, sizeof(path), "%s/some.bundle", test_directory());
    struct buffer text = buffer_init(65536);
    assert_ok(registry_file_format(REGISTRY_FILE_BUNDLE, bytes_text("message"), bytes_text("blob"),
                                   "comment", &text, &err));
    assert_ok(file_create(path, buffer_view(&text), 0600, &err));
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct registry_file_content content = { 0 };
        struct buffer again = buffer_init(65536);
        fault_arm(k);
        enum status status = registry_file_read(path, 1U << REGISTRY_FILE_BUNDLE, &content, &err);
        if (status == ST_OK) {
            status = registry_file_format(content.kind, buffer_view(&content.message),
                                          buffer_view(&content.blob), "comment", &again, &err);
        }
        failed = fault_disarm();
        assert_int_not_equal(status == ST_OK, failed);
        if (status == ST_OK) {
            assert_true(bytes_equal(buffer_view(&again), buffer_view(&text)));
        }
        registry_file_fini(&content);
        buffer_fini(&again);
    }
    buffer_fini(&text);
}
