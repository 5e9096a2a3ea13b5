#include "federation.h"

static struct wire_row row_of(struct federation *fed, const struct fed_node *node)
{
    struct wire_public_part part = {
        .format = 1, .kind = WIRE_KIND_MEMBER, .signed_ = node->row_card, .recorded_at = fed->now_ms
    };
    const struct wire_receipt *receipt = fed_record(fed, WIRE_CLASS_GOVERNANCE, WIRE_PART_PUBLIC,
                                                    fed_pack(fed, WIRE_SCHEMA_PUBLIC_PART, &part));
    return (struct wire_row){ .card = node->row_card,
                              .receipt = receipt,
                              .announcement = node->announcement,
                              .state = WIRE_MEMBER_ACTIVE };
}

static enum status verify(struct federation *fed, const struct wire_row *row,
                          struct node_partner *partner, struct error *err)
{
    return node_partner_verify(&fed->trust, fed->cache, row, fed->now_ms, fed->arena, partner, err);
}

static void assert_refused(struct federation *fed, const struct wire_row *row, const char *words)
{
    struct error err = { 0 };
    struct node_partner partner;
    enum status status = verify(fed, row, &partner, &err);
    if (status == ST_OK || strstr(err.message, words) == NULL) {
        fail_msg("got %s: %s; expected: %s", status_name(status), err.message, words);
    }
}

TEST(a_partner_whose_card_entry_and_announcement_hold_is_taken)
{
    struct error err;
    struct federation *fed = fed_open();
    struct wire_row row = row_of(fed, &fed->holder);
    struct node_partner partner;
    assert_ok(verify(fed, &row, &partner, &err));
    assert_string_equal(partner.card.member, HOLDER);
    assert_true(digest_equal(&partner.announcement.hash, &fed->holder.partner.announcement.hash));
    fed_close(&fed);
}

TEST(a_card_that_the_registrar_did_not_sign_or_the_log_does_not_have_is_refused)
{
    struct error err;
    struct federation *fed = fed_open();
    struct wire_row row = row_of(fed, &fed->holder);
    // The registrar's key is another one.
    struct registry_pins pins = fed->trust.registrar;
    fed->trust.registrar.keys[0] = fed->other.identity.sign_key;
    struct node_partner partner;
    assert_status(ST_UNPROVEN, verify(fed, &row, &partner, &err));
    fed->trust.registrar = pins;
    // The entry is of another card.
    struct wire_row swapped = row;
    swapped.receipt = row_of(fed, &fed->other).receipt;
    assert_refused(fed, &swapped, "another card");
    // There is none.
    swapped.receipt = NULL;
    assert_refused(fed, &swapped, "no receipt");
    // Its place is a lie.
    struct wire_receipt forged = *row.receipt;
    forged.index++;
    swapped.receipt = &forged;
    assert_refused(fed, &swapped, "receipt");
    // The key was revoked meanwhile.
    swapped = row;
    swapped.state = WIRE_MEMBER_REVOKED;
    assert_refused(fed, &swapped, "revoked");
    fed_close(&fed);
}

TEST(an_announcement_by_another_key_or_of_another_federation_is_refused)
{
    struct federation *fed = fed_open();
    struct wire_row row = row_of(fed, &fed->holder);
    struct wire_row swapped = row;
    swapped.announcement = fed->other.announcement;
    assert_refused(fed, &swapped, "not signed by the card's key");
    // A broker that puts a sealing key of its own in between can sign it with no card's key.
    struct wire_announcement own = { .version = 1,
                                     .member = bytes_text(HOLDER),
                                     .node = bytes_text("gate-1"),
                                     .audience = fed->trust.audience,
                                     .key = fed->other.partner.announcement.key,
                                     .not_before = fed->now_ms,
                                     .not_after = fed->now_ms + 60000,
                                     .serial = fed->now_ms + 1 };
    struct bytes payload = fed_pack(fed, WIRE_SCHEMA_ANNOUNCEMENT, &own);
    swapped.announcement = fed_head(fed, &fed->other, WIRE_ANNOUNCEMENT, payload);
    assert_refused(fed, &swapped, "not signed by the card's key");
    own.audience.bytes[0] ^= 1;
    payload = fed_pack(fed, WIRE_SCHEMA_ANNOUNCEMENT, &own);
    swapped.announcement = fed_head(fed, &fed->holder, WIRE_ANNOUNCEMENT, payload);
    assert_refused(fed, &swapped, "another federation");
    own.audience = fed->trust.audience;
    own.not_after = fed->now_ms + 2 * 3600 * 1000;
    payload = fed_pack(fed, WIRE_SCHEMA_ANNOUNCEMENT, &own);
    swapped.announcement = fed_head(fed, &fed->holder, WIRE_ANNOUNCEMENT, payload);
    assert_refused(fed, &swapped, "announcement");
    own.not_after = fed->now_ms + 60000;
    own.member = bytes_text(OTHER);
    payload = fed_pack(fed, WIRE_SCHEMA_ANNOUNCEMENT, &own);
    swapped.announcement = fed_head(fed, &fed->holder, WIRE_ANNOUNCEMENT, payload);
    assert_refused(fed, &swapped, "another node");
    swapped.announcement = (struct bytes){ 0 };
    assert_refused(fed, &swapped, "not connected");
    fed_close(&fed);
}

TEST(a_serial_never_goes_back_and_a_dropped_key_never_comes_back)
{
    struct error err;
    struct federation *fed = fed_open();
    struct node_partners *partners = node_partners_create();
    struct node_partner newer = fed->holder.partner;
    struct node_partner older = newer;
    older.announcement.serial--;
    older.announcement.hash.bytes[0] ^= 1;
    assert_ok(node_partners_keep(partners, &newer, &err));
    assert_ok(node_partners_keep(partners, &newer, &err));
    assert_status(ST_STALE, node_partners_keep(partners, &older, &err));
    uint64_t now = fed->now_ms;
    assert_non_null(node_partners_of(partners, bytes_text(HOLDER), now, 1000));
    assert_non_null(node_partners_by_hash(partners, &newer.announcement.hash));
    assert_null(node_partners_of(partners, bytes_text(HOLDER), now, 3600000));
    assert_null(node_partners_of(partners, bytes_text(OTHER), now, 1000));

    struct digest own;
    struct digest pair;
    node_keys_announcement(fed->asker.keys, &own);
    assert_ok(node_keys_pair(fed->asker.keys, &own, &newer.announcement, true, now, &pair, &err));
    assert_int_equal(node_keys_pair_count(fed->asker.keys), 1);
    node_partners_drop(partners, &newer.card.batch_key, fed->asker.keys);
    assert_null(node_partners_of(partners, bytes_text(HOLDER), now, 1000));
    assert_null(node_partners_by_hash(partners, &newer.announcement.hash));
    assert_int_equal(node_keys_pair_count(fed->asker.keys), 0);
    assert_status(ST_DENIED, node_partners_keep(partners, &newer, &err));
    node_partners_destroy(&partners);
    node_partners_destroy(&partners);
    fed_close(&fed);
}

TEST(announcements_that_ended_are_forgotten_after_their_grace)
{
    struct error err;
    struct federation *fed = fed_open();
    struct node_partners *partners = node_partners_create();
    struct node_partner first = fed->holder.partner;
    struct node_partner second = first;
    second.announcement.serial++;
    second.announcement.hash.bytes[0] ^= 1;
    second.announcement.not_after += 3600000;
    assert_ok(node_partners_keep(partners, &first, &err));
    assert_ok(node_partners_keep(partners, &second, &err));
    node_partners_expire(partners, first.announcement.not_after + 299999);
    assert_non_null(node_partners_by_hash(partners, &first.announcement.hash));
    node_partners_expire(partners, first.announcement.not_after + 300001);
    assert_null(node_partners_by_hash(partners, &first.announcement.hash));
    assert_non_null(node_partners_by_hash(partners, &second.announcement.hash));
    assert_non_null(node_partners_of(partners, bytes_text(HOLDER), fed->now_ms, 1000));
    node_partners_destroy(&partners);
    fed_close(&fed);
}
