// Cards, orders, bundle heads: what encodes, what decodes, whose signature counts.
#include "fixture.h"

TEST(a_card_reads_back_as_it_was_written)
{
    struct error err;
    struct registry_card card = make_card("ru/health/clinic-2", "gate-1");
    struct registry_card read;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_card_encode(&card, bytes_text(ORIGIN), &payload, &err));
    assert_ok(registry_card_decode(buffer_view(&payload), bytes_text(ORIGIN), &read, &err));
    assert_string_equal(read.member, "ru/health/clinic-2");
    assert_string_equal(read.node, "gate-1");
    assert_int_equal(read.role, REGISTRY_ROLE_NODE);
    assert_true(digest_equal(&read.curve_key, &card.curve_key));
    assert_true(digest_equal(&read.batch_key, &card.batch_key));
    assert_int_equal(read.not_before, 1000);
    assert_int_equal(read.not_after, 2000);
    buffer_fini(&payload);
}

TEST(a_card_of_another_federation_is_denied)
{
    struct error err;
    struct registry_card card = make_card("a", "n");
    struct registry_card read;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_card_encode(&card, bytes_text("other.example/log"), &payload, &err));
    assert_status(ST_DENIED,
                  registry_card_decode(buffer_view(&payload), bytes_text(ORIGIN), &read, &err));
    buffer_fini(&payload);
}

TEST(a_card_without_keys_end_or_a_connecting_role_is_not_made)
{
    struct error err;
    struct buffer payload = buffer_init(65536);
    struct registry_card good = make_card("a", "n");
    struct registry_card bad[5] = { good, good, good, good, good };
    bad[0].not_after = bad[0].not_before;
    memset(&bad[1].batch_key, 0, sizeof(bad[1].batch_key));
    memset(&bad[2].curve_key, 0, sizeof(bad[2].curve_key));
    bad[3].role = REGISTRY_ROLE_REGISTRAR;
    snprintf(bad[4].member, sizeof(bad[4].member), "not a code!");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_status(ST_USAGE, registry_card_encode(&bad[i], bytes_text(ORIGIN), &payload, &err));
        assert_int_equal(err.status, ST_USAGE);
        assert_int_equal(payload.size, 0);
    }
    assert_ok(registry_card_encode(&good, bytes_text(ORIGIN), &payload, &err));
    buffer_fini(&payload);
}

TEST(a_cut_or_grown_card_is_malformed)
{
    struct error err;
    struct registry_card card = make_card("a", "n");
    struct registry_card read;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_card_encode(&card, bytes_text(ORIGIN), &payload, &err));
    for (size_t size = 0; size < payload.size; size++) {
        enum status status =
            registry_card_decode(bytes_of(payload.data, size), bytes_text(ORIGIN), &read, &err);
        assert_int_not_equal(status, ST_OK);
    }
    buffer_u8(&payload, 0x80);
    assert_status(ST_MALFORMED,
                  registry_card_decode(buffer_view(&payload), bytes_text(ORIGIN), &read, &err));
    buffer_fini(&payload);
}

TEST(every_role_has_a_name_that_reads_back)
{
    for (int i = 1; i < REGISTRY_ROLE_COUNT; i++) {
        enum registry_role role = (enum registry_role)i;
        assert_int_equal(registry_role_parse(bytes_text(registry_role_name(role))), role);
    }
    assert_int_equal(registry_role_parse(bytes_text("king")), REGISTRY_ROLE_NONE);
    assert_int_equal(registry_role_parse(bytes_text("none")), REGISTRY_ROLE_NONE);
    assert_false(registry_role_has_card(REGISTRY_ROLE_POLICY));
    assert_true(registry_role_has_card(REGISTRY_ROLE_BROKER));
}

TEST(an_order_reads_back_and_a_revocation_needs_a_key)
{
    struct error err;
    struct registry_order order = {
        .action = REGISTRY_REVOKE,
        .member = "ru/a",
        .key = seal_random_digest(),
        .since = 5,
        .issued_at = 7,
        .reason = "laptop stolen",
    };
    struct registry_order read;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_order_encode(&order, bytes_text(ORIGIN), &payload, &err));
    assert_ok(registry_order_decode(buffer_view(&payload), bytes_text(ORIGIN), &read, &err));
    assert_int_equal(read.action, REGISTRY_REVOKE);
    assert_string_equal(read.reason, "laptop stolen");
    assert_int_equal(read.since, 5);
    assert_int_equal(read.issued_at, 7);
    assert_true(digest_equal(&read.key, &order.key));

    order.action = REGISTRY_SUSPEND;
    assert_status(ST_USAGE, registry_order_encode(&order, bytes_text(ORIGIN), &payload, &err));
    order.action = REGISTRY_REVOKE;
    memset(&order.key, 0, sizeof(order.key));
    assert_status(ST_USAGE, registry_order_encode(&order, bytes_text(ORIGIN), &payload, &err));
    buffer_fini(&payload);
}

TEST(a_bundle_head_is_verified_by_the_policy_keys)
{
    struct error err;
    struct seal_signer *policy = make_signer();
    struct seal_signer *registrar = make_signer();
    struct registry_pins pins = pins_of(&policy, 1, 1);
    struct registry_pins others = pins_of(&registrar, 1, 1);
    struct registry_bundle_head head = {
        .serial = 3, .hash = seal_random_digest(), .size = 100, .issued_at = 9
    };
    struct registry_bundle_head read;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_bundle_head_encode(&head, bytes_text(ORIGIN), &payload, &err));
    struct buffer message = sign_payload(REGISTRY_BUNDLE, buffer_view(&payload), ORIGIN, policy);
    assert_ok(
        registry_bundle_head_verify(buffer_view(&message), bytes_text(ORIGIN), &pins, &read, &err));
    assert_int_equal(read.serial, 3);
    assert_int_equal(read.size, 100);
    assert_true(digest_equal(&read.hash, &head.hash));
    assert_status(ST_UNPROVEN,
                  registry_bundle_head_verify(buffer_view(&message), bytes_text(ORIGIN), &others,
                                              &read, &err));
    buffer_fini(&message);
    buffer_fini(&payload);
    seal_signer_destroy(&policy);
    seal_signer_destroy(&registrar);
}
