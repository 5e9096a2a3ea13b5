// Counting of signatures by pinned keys, and what a signature covers.
#include "fixture.h"

enum { SIGNERS = 3 };

struct keys {
    struct seal_signer *signers[SIGNERS];
    struct digest audience;
};

static struct keys make_keys(void)
{
    struct keys keys = { .audience = seal_audience(bytes_text(ORIGIN)) };
    for (size_t i = 0; i < SIGNERS; i++) {
        keys.signers[i] = make_signer();
    }
    return keys;
}

static void drop_keys(struct keys *keys)
{
    for (size_t i = 0; i < SIGNERS; i++) {
        seal_signer_destroy(&keys->signers[i]);
    }
}

static enum status verify(enum registry_label label, const struct registry_pins *pins,
                          const char *origin, struct bytes message, struct error *err)
{
    struct digest audience = seal_audience(bytes_text(origin));
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct bytes payload = { 0 };
    enum status status =
        registry_signed_verify(label, pins, &audience, message, arena, &payload, err);
    if (status == ST_OK) {
        assert_true(bytes_equal_text(payload, "what is signed"));
    }
    arena_destroy(&arena);
    return status;
}

TEST(k_of_n_pinned_keys_must_have_signed)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins one = pins_of(keys.signers, SIGNERS, 1);
    struct registry_pins two = pins_of(keys.signers, SIGNERS, 2);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[1]);
    struct buffer more = buffer_init(65536);
    assert_ok(verify(REGISTRY_CARD, &one, ORIGIN, buffer_view(&message), &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &two, ORIGIN, buffer_view(&message), &err));
    assert_ok(registry_signed_add(REGISTRY_CARD, buffer_view(&message), &keys.audience,
                                  keys.signers[2], &more, &err));
    assert_ok(verify(REGISTRY_CARD, &two, ORIGIN, buffer_view(&more), &err));
    buffer_fini(&message);
    buffer_fini(&more);
    drop_keys(&keys);
}

TEST(a_key_that_is_not_pinned_counts_for_nothing)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins pins = pins_of(keys.signers, 1, 1);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[1]);
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &pins, ORIGIN, buffer_view(&message), &err));
    buffer_fini(&message);
    drop_keys(&keys);
}

TEST(one_key_counts_once_and_does_not_sign_twice)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins two = pins_of(keys.signers, SIGNERS, 2);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[0]);
    struct buffer more = buffer_init(65536);
    assert_status(ST_EXISTS, registry_signed_add(REGISTRY_CARD, buffer_view(&message),
                                                 &keys.audience, keys.signers[0], &more, &err));

    // The same signature twice in one message, put there by hand.
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct wire_signed parsed;
    assert_ok(wire_decode(WIRE_SCHEMA_SIGNED, buffer_view(&message), arena, &parsed, &err));
    struct wire_key_signature twice[2] = { parsed.signatures[0], parsed.signatures[0] };
    parsed.signatures = twice;
    parsed.signatures_count = 2;
    assert_ok(wire_encode(WIRE_SCHEMA_SIGNED, &parsed, &more, &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &two, ORIGIN, buffer_view(&more), &err));
    arena_destroy(&arena);
    buffer_fini(&message);
    buffer_fini(&more);
    drop_keys(&keys);
}

TEST(pins_with_threshold_zero_trust_nobody)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins pins = pins_of(keys.signers, 1, 0);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[0]);
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &pins, ORIGIN, buffer_view(&message), &err));
    buffer_fini(&message);
    drop_keys(&keys);
}

TEST(a_signature_holds_for_its_label_and_its_federation_only)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins pins = pins_of(keys.signers, 1, 1);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[0]);
    struct bytes view = buffer_view(&message);
    assert_ok(verify(REGISTRY_CARD, &pins, ORIGIN, view, &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_ORDER, &pins, ORIGIN, view, &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_BUNDLE, &pins, ORIGIN, view, &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &pins, "other.example/log", view, &err));
    buffer_fini(&message);
    drop_keys(&keys);
}

TEST(no_flipped_bit_of_a_signed_message_verifies)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins pins = pins_of(keys.signers, 1, 1);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[0]);
    for (size_t bit = 0; bit < 8 * message.size; bit++) {
        message.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_not_equal(verify(REGISTRY_CARD, &pins, ORIGIN, buffer_view(&message), &err),
                             ST_OK);
        message.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_ok(verify(REGISTRY_CARD, &pins, ORIGIN, buffer_view(&message), &err));
    buffer_fini(&message);
    drop_keys(&keys);
}

TEST(a_wrong_signature_of_a_pinned_key_spoils_the_good_ones)
{
    struct error err;
    struct keys keys = make_keys();
    struct registry_pins pins = pins_of(keys.signers, 2, 1);
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, keys.signers[0]);
    struct buffer more = buffer_init(65536);
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct wire_signed parsed;
    assert_ok(wire_decode(WIRE_SCHEMA_SIGNED, buffer_view(&message), arena, &parsed, &err));
    struct wire_key_signature two[2] = { parsed.signatures[0], parsed.signatures[0] };
    two[1].key = *seal_signer_key(keys.signers[1]);
    parsed.signatures = two;
    parsed.signatures_count = 2;
    assert_ok(wire_encode(WIRE_SCHEMA_SIGNED, &parsed, &more, &err));
    assert_status(ST_UNPROVEN, verify(REGISTRY_CARD, &pins, ORIGIN, buffer_view(&more), &err));
    arena_destroy(&arena);
    buffer_fini(&message);
    buffer_fini(&more);
    drop_keys(&keys);
}

TEST(a_seventeenth_signature_is_refused)
{
    struct error err;
    struct digest audience = seal_audience(bytes_text(ORIGIN));
    struct seal_signer *signer = make_signer();
    struct buffer message =
        sign_payload(REGISTRY_CARD, bytes_text("what is signed"), ORIGIN, signer);
    seal_signer_destroy(&signer);
    enum status status = ST_OK;
    size_t count = 1;
    while (status == ST_OK) {
        struct buffer more = buffer_init(65536);
        signer = make_signer();
        status = registry_signed_add(REGISTRY_CARD, buffer_view(&message), &audience, signer, &more,
                                     &err);
        seal_signer_destroy(&signer);
        buffer_fini(&message);
        message = more;
        count += status == ST_OK ? 1 : 0;
    }
    assert_int_equal(status, ST_FULL);
    assert_int_equal(count, 16);
    buffer_fini(&message);
}

TEST(pins_take_each_key_once_and_sixteen_at_most)
{
    struct error err;
    struct registry_pins pins = { 0 };
    struct buffer text = buffer_init(256);
    for (size_t i = 0; i < REGISTRY_PINS_MAX; i++) {
        struct digest key = seal_random_digest();
        buffer_clear(&text);
        seal_key_format(&text, &key);
        assert_ok(registry_pins_add(&pins, buffer_view(&text), &err));
        assert_status(ST_EXISTS, registry_pins_add(&pins, buffer_view(&text), &err));
    }
    struct digest key = seal_random_digest();
    buffer_clear(&text);
    seal_key_format(&text, &key);
    assert_status(ST_FULL, registry_pins_add(&pins, buffer_view(&text), &err));
    assert_status(ST_USAGE, registry_pins_add(&pins, bytes_text("ed25519:short"), &err));
    assert_int_equal(pins.count, REGISTRY_PINS_MAX);
    buffer_fini(&text);
}
