#include "federation.h"

TEST(a_key_is_renewed_after_half_an_hour_and_opens_five_minutes_past_its_end)
{
    struct error err;
    struct federation *fed = fed_open();
    struct node_keys *keys = fed->asker.keys;
    struct digest first;
    struct digest second;
    struct digest pair;
    struct digest again;
    bool renewed = true;
    uint64_t begin = fed->now_ms;
    node_keys_announcement(keys, &first);
    assert_ok(node_keys_turn(keys, begin + NODE_KEY_RENEW_MS - 1, &renewed, &err));
    assert_false(renewed);
    assert_int_equal(node_keys_next_ms(keys), begin + NODE_KEY_RENEW_MS);
    const struct node_announcement *partner = &fed->holder.partner.announcement;
    assert_ok(node_keys_pair(keys, &first, partner, true, begin, &pair, &err));
    assert_ok(node_keys_turn(keys, begin + NODE_KEY_RENEW_MS, &renewed, &err));
    assert_true(renewed);
    node_keys_announcement(keys, &second);
    assert_false(digest_equal(&first, &second));
    uint64_t last = begin + NODE_KEY_LIFE_MS + NODE_KEY_GRACE_MS - 1;
    assert_ok(node_keys_turn(keys, last, &renewed, &err));
    assert_ok(node_keys_pair(keys, &first, partner, true, last, &again, &err));
    assert_true(digest_equal(&pair, &again));
    assert_status(ST_NOT_FOUND,
                  node_keys_pair(keys, &first, partner, true, last + 1, &again, &err));
    assert_int_equal(node_keys_pair_count(keys), 1);
    assert_ok(node_keys_turn(keys, last + 1, &renewed, &err));
    assert_int_equal(node_keys_pair_count(keys), 0);
    assert_status(ST_NOT_FOUND, node_keys_pair(keys, &first, partner, true, begin, &again, &err));
    fed_close(&fed);
}

TEST(both_sides_derive_one_secret_and_another_announcement_another)
{
    struct error err;
    struct federation *fed = fed_open();
    struct digest asker;
    struct digest holder;
    struct digest ours;
    struct digest theirs;
    struct digest other;
    node_keys_announcement(fed->asker.keys, &asker);
    node_keys_announcement(fed->holder.keys, &holder);
    assert_ok(node_keys_pair(fed->asker.keys, &asker, &fed->holder.partner.announcement, true,
                             fed->now_ms, &ours, &err));
    assert_ok(node_keys_pair(fed->holder.keys, &holder, &fed->asker.partner.announcement, false,
                             fed->now_ms, &theirs, &err));
    assert_true(digest_equal(&ours, &theirs));
    assert_ok(node_keys_pair(fed->asker.keys, &asker, &fed->holder.partner.announcement, false,
                             fed->now_ms, &other, &err));
    assert_false(digest_equal(&ours, &other));
    struct node_announcement swapped = fed->holder.partner.announcement;
    swapped.hash.bytes[0] ^= 1;
    assert_ok(node_keys_pair(fed->asker.keys, &asker, &swapped, true, fed->now_ms, &other, &err));
    assert_false(digest_equal(&ours, &other));
    memset(swapped.key.bytes, 0, DIGEST_BYTES); // a point of small order
    swapped.hash.bytes[1] ^= 1;
    assert_status(ST_UNPROVEN, node_keys_pair(fed->asker.keys, &asker, &swapped, true, fed->now_ms,
                                              &other, &err));
    fed_close(&fed);
}

TEST(secrets_beyond_the_bound_push_out_the_one_used_longest_ago)
{
    struct error err;
    struct federation *fed = fed_open();
    struct digest own;
    struct digest pair;
    node_keys_announcement(fed->asker.keys, &own);
    struct node_announcement partner = fed->holder.partner.announcement;
    for (unsigned i = 0; i < NODE_PAIRS_MAX + 10; i++) {
        partner.hash.bytes[0] = (uint8_t)i;
        partner.hash.bytes[1] = (uint8_t)(i >> 8);
        assert_ok(node_keys_pair(fed->asker.keys, &own, &partner, true, fed->now_ms, &pair, &err));
    }
    assert_int_equal(node_keys_pair_count(fed->asker.keys), NODE_PAIRS_MAX);
    fed_close(&fed);
}
