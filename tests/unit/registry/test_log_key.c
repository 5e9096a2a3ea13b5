// Orders of new log keys: who must have signed them, and what they may say.
#include "fixture.h"

#include "registry/log_key.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static struct registry_log_key make_order(void)
{
    return (struct registry_log_key){
        .old_key = seal_random_digest(),
        .new_key = seal_random_digest(),
        .issued_at = 1700000000000,
        .both_until = 1700000000000 + (uint64_t)REGISTRY_BOTH_DAYS * DAY_MS,
    };
}

static struct buffer sign_log_key(const struct registry_log_key *order, enum registry_label label,
                                  const char *origin, const struct seal_signer *signer)
{
    struct error err;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_log_key_encode(order, bytes_text(origin), &payload, &err));
    struct buffer out = sign_payload(label, buffer_view(&payload), origin, signer);
    buffer_fini(&payload);
    return out;
}

TEST(an_order_counts_with_the_registrars_signature_only)
{
    struct error err;
    struct seal_signer *signers[] = { make_signer(), make_signer() };
    struct registry_pins pins = pins_of(signers, 1, 1);
    struct registry_of_log of = { .registrar = &pins, .origin = bytes_text(ORIGIN) };
    struct registry_log_key order = make_order();
    struct digest old_key;
    struct digest new_key;
    uint64_t until = 0;
    struct buffer good = sign_log_key(&order, REGISTRY_LOG_KEY, ORIGIN, signers[0]);
    struct buffer forged = sign_log_key(&order, REGISTRY_LOG_KEY, ORIGIN, signers[1]);
    struct buffer label = sign_log_key(&order, REGISTRY_ORDER, ORIGIN, signers[0]);
    struct buffer foreign =
        sign_log_key(&order, REGISTRY_LOG_KEY, "another.example/log", signers[0]);
    assert_ok(registry_log_key_admit(&of, buffer_view(&good), &old_key, &new_key, &until, &err));
    assert_true(digest_equal(&old_key, &order.old_key));
    assert_true(digest_equal(&new_key, &order.new_key));
    assert_int_equal(until, order.both_until);
    assert_status(ST_UNPROVEN, registry_log_key_admit(&of, buffer_view(&forged), &old_key, &new_key,
                                                      &until, &err));
    assert_status(ST_UNPROVEN, registry_log_key_admit(&of, buffer_view(&label), &old_key, &new_key,
                                                      &until, &err));
    assert_status(ST_UNPROVEN, registry_log_key_admit(&of, buffer_view(&foreign), &old_key,
                                                      &new_key, &until, &err));
    buffer_fini(&good);
    buffer_fini(&forged);
    buffer_fini(&label);
    buffer_fini(&foreign);
    seal_signer_destroy(&signers[0]);
    seal_signer_destroy(&signers[1]);
}

TEST(an_order_names_two_keys_and_a_bounded_time)
{
    struct error err;
    struct buffer out = buffer_init(65536);
    struct registry_log_key order = make_order();
    order.new_key = order.old_key;
    assert_status(ST_USAGE, registry_log_key_encode(&order, bytes_text(ORIGIN), &out, &err));
    order = make_order();
    order.both_until = order.issued_at - 1;
    assert_status(ST_USAGE, registry_log_key_encode(&order, bytes_text(ORIGIN), &out, &err));
    order.both_until = order.issued_at + (uint64_t)(REGISTRY_BOTH_DAYS_MAX + 1) * DAY_MS;
    assert_status(ST_USAGE, registry_log_key_encode(&order, bytes_text(ORIGIN), &out, &err));
    order.both_until = order.issued_at;
    assert_ok(registry_log_key_encode(&order, bytes_text(ORIGIN), &out, &err));
    buffer_fini(&out);
}
