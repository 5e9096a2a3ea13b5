// Who is enrolled: what changes a registry, and what never does.
#include "fixture.h"

struct world {
    struct seal_signer *registrar;
    struct registry_pins pins;
    struct registry *registry;
};

static struct world make_world(void)
{
    struct error err;
    struct world world = { .registrar = make_signer() };
    world.pins = pins_of(&world.registrar, 1, 1);
    assert_ok(registry_create(bytes_text(ORIGIN), &world.pins, &world.registry, &err));
    return world;
}

static void drop_world(struct world *world)
{
    registry_destroy(&world->registry);
    seal_signer_destroy(&world->registrar);
}

// Applies one signed message; on success the world has the new registry.
static enum status apply(struct world *world, enum registry_label label, struct buffer *message,
                         uint64_t index, struct error *err)
{
    struct registry_change change = { .label = label,
                                      .signed_message = buffer_view(message),
                                      .entry_index = index };
    struct registry *next = NULL;
    enum status status = registry_next(world->registry, &change, 1, &next, err);
    if (status == ST_OK) {
        registry_destroy(&world->registry);
        world->registry = next;
    } else {
        assert_null(next);
    }
    buffer_fini(message);
    return status;
}

static enum status add_card(struct world *world, const struct registry_card *card, uint64_t index,
                            struct error *err)
{
    struct buffer message = sign_card(card, ORIGIN, world->registrar);
    return apply(world, REGISTRY_CARD, &message, index, err);
}

static enum status give_order(struct world *world, enum registry_action action, const char *member,
                              const struct digest *key, uint64_t issued_at, struct error *err)
{
    struct registry_order order = { .action = action, .issued_at = issued_at };
    snprintf(order.member, sizeof(order.member), "%s", member);
    if (key != NULL) {
        order.key = *key;
    }
    struct buffer message = sign_order(&order, world->registrar);
    return apply(world, REGISTRY_ORDER, &message, 99, err);
}

TEST(an_enrolled_key_is_found_by_each_of_its_names)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("ru/health/clinic-2", "gate-1");
    assert_ok(add_card(&world, &card, 17, &err));
    const struct registry_key *key = registry_by_curve(world.registry, &card.curve_key);
    assert_non_null(key);
    assert_ptr_equal(key, registry_by_batch(world.registry, &card.batch_key));
    assert_ptr_equal(key, registry_node_find(world.registry, bytes_text("ru/health/clinic-2"),
                                             bytes_text("gate-1")));
    assert_int_equal(key->entry_index, 17);
    assert_string_equal(key->member->code, "ru/health/clinic-2");
    assert_ptr_equal(key->member,
                     registry_member_find(world.registry, bytes_text("ru/health/clinic-2")));
    struct registry_card again;
    assert_ok(
        registry_card_verify(key->signed_card, bytes_text(ORIGIN), &world.pins, &again, &err));
    struct digest other = seal_random_digest();
    assert_null(registry_by_curve(world.registry, &other));
    assert_null(registry_by_curve(world.registry, &card.batch_key));
    assert_null(
        registry_node_find(world.registry, bytes_text("ru/health/clinic-2"), bytes_text("gate-2")));
    drop_world(&world);
}

TEST(nobody_is_enrolled_without_the_registrar)
{
    struct error err;
    struct world world = make_world();
    struct seal_signer *other = make_signer();
    struct registry_card card = make_card("a", "n");
    struct buffer message = sign_card(&card, ORIGIN, other);
    assert_status(ST_UNPROVEN, apply(&world, REGISTRY_CARD, &message, 1, &err));
    message = sign_card(&card, "other.example/log", world.registrar);
    assert_status(ST_UNPROVEN, apply(&world, REGISTRY_CARD, &message, 1, &err));
    message = sign_card(&card, ORIGIN, world.registrar);
    assert_status(ST_UNPROVEN, apply(&world, REGISTRY_ORDER, &message, 1, &err));
    assert_int_equal(registry_key_count(world.registry), 0);
    assert_int_equal(registry_member_count(world.registry), 0);
    seal_signer_destroy(&other);
    drop_world(&world);
}

TEST(an_old_registry_does_not_change_when_a_new_one_is_made)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    const struct registry_key *key = registry_by_curve(world.registry, &card.curve_key);

    struct registry_order order = {
        .action = REGISTRY_REVOKE, .member = "a", .key = card.batch_key, .issued_at = 5
    };
    struct buffer message = sign_order(&order, world.registrar);
    struct registry_change change = { .label = REGISTRY_ORDER,
                                      .signed_message = buffer_view(&message),
                                      .entry_index = 2 };
    struct registry *next = NULL;
    assert_ok(registry_next(world.registry, &change, 1, &next, &err));
    assert_int_equal(key->state, REGISTRY_KEY_ACTIVE);
    assert_int_equal(registry_by_curve(next, &card.curve_key)->state, REGISTRY_KEY_REVOKED);
    assert_true(registry_revision(next) > registry_revision(world.registry));
    buffer_fini(&message);
    registry_destroy(&world.registry);
    assert_int_equal(registry_by_curve(next, &card.curve_key)->revoked_index, 2);
    assert_string_equal(registry_by_curve(next, &card.curve_key)->member->code, "a");
    registry_destroy(&next);
    drop_world(&world);
}

TEST(changes_are_applied_all_or_none)
{
    struct error err;
    struct world world = make_world();
    struct registry_card a = make_card("a", "n");
    struct registry_card b = make_card("b", "n");
    struct buffer first = sign_card(&a, ORIGIN, world.registrar);
    struct buffer second = sign_card(&b, ORIGIN, world.registrar);
    struct registry_change changes[] = {
        { REGISTRY_CARD, buffer_view(&first), 1 },
        { REGISTRY_CARD, buffer_view(&second), 2 },
        { REGISTRY_CARD, buffer_view(&first), 3 },
    };
    struct registry *next = NULL;
    assert_status(ST_EXISTS, registry_next(world.registry, changes, 3, &next, &err));
    assert_null(next);
    assert_ok(registry_next(world.registry, changes, 2, &next, &err));
    assert_int_equal(registry_key_count(next), 2);
    assert_int_equal(registry_key_count(world.registry), 0);
    registry_destroy(&next);
    buffer_fini(&first);
    buffer_fini(&second);
    drop_world(&world);
}

TEST(keys_stand_on_one_card_only)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    assert_status(ST_EXISTS, add_card(&world, &card, 2, &err));
    struct registry_card thief = make_card("b", "n");
    thief.curve_key = card.curve_key;
    assert_status(ST_EXISTS, add_card(&world, &thief, 2, &err));
    thief = make_card("b", "n");
    thief.batch_key = card.batch_key;
    assert_status(ST_EXISTS, add_card(&world, &thief, 2, &err));
    struct registry_card promoted = card;
    promoted.role = REGISTRY_ROLE_OPERATOR;
    promoted.not_after = 9000;
    assert_status(ST_EXISTS, add_card(&world, &promoted, 2, &err));
    assert_int_equal(registry_key_count(world.registry), 1);
    assert_null(registry_member_find(world.registry, bytes_text("b")));
    drop_world(&world);
}

TEST(a_longer_card_with_the_same_keys_takes_the_place_of_the_old_one)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    card.not_after = 5000;
    assert_ok(add_card(&world, &card, 8, &err));
    assert_int_equal(registry_key_count(world.registry), 1);
    const struct registry_key *key = registry_by_batch(world.registry, &card.batch_key);
    assert_int_equal(key->card.not_after, 5000);
    assert_int_equal(key->entry_index, 8);
    card.not_after = 4000;
    assert_status(ST_EXISTS, add_card(&world, &card, 9, &err));
    drop_world(&world);
}

TEST(a_revoked_key_never_comes_back)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    assert_ok(give_order(&world, REGISTRY_REVOKE, "a", &card.batch_key, 5, &err));
    const struct registry_key *key = registry_by_curve(world.registry, &card.curve_key);
    assert_int_equal(registry_key_standing(key, 1500), REGISTRY_REVOKED);
    assert_null(registry_node_find(world.registry, bytes_text("a"), bytes_text("n")));
    card.not_after = 9000;
    assert_status(ST_EXISTS, add_card(&world, &card, 2, &err));
    assert_status(ST_STALE, give_order(&world, REGISTRY_REVOKE, "a", &card.batch_key, 6, &err));
    drop_world(&world);
}

TEST(a_revocation_counts_even_when_it_was_signed_before_a_later_order)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    assert_ok(give_order(&world, REGISTRY_SUSPEND, "a", NULL, 10, &err));
    assert_ok(give_order(&world, REGISTRY_REVOKE, "a", &card.batch_key, 5, &err));
    drop_world(&world);
}

TEST(after_a_revocation_the_nodes_other_key_is_found)
{
    struct error err;
    struct world world = make_world();
    struct registry_card old = make_card("a", "n");
    struct registry_card new = make_card("a", "n");
    assert_ok(add_card(&world, &old, 1, &err));
    assert_ok(add_card(&world, &new, 2, &err));
    const struct registry_key *found =
        registry_node_find(world.registry, bytes_text("a"), bytes_text("n"));
    assert_true(digest_equal(&found->card.batch_key, &new.batch_key));
    assert_ok(give_order(&world, REGISTRY_REVOKE, "a", &new.batch_key, 5, &err));
    found = registry_node_find(world.registry, bytes_text("a"), bytes_text("n"));
    assert_true(digest_equal(&found->card.batch_key, &old.batch_key));
    drop_world(&world);
}

TEST(another_member_cannot_be_named_to_revoke_a_key)
{
    struct error err;
    struct world world = make_world();
    struct registry_card a = make_card("a", "n");
    struct registry_card b = make_card("b", "n");
    assert_ok(add_card(&world, &a, 1, &err));
    assert_ok(add_card(&world, &b, 2, &err));
    assert_status(ST_NOT_FOUND, give_order(&world, REGISTRY_REVOKE, "b", &a.batch_key, 5, &err));
    assert_status(ST_NOT_FOUND, give_order(&world, REGISTRY_SUSPEND, "c", NULL, 5, &err));
    drop_world(&world);
}

TEST(a_suspended_member_stands_apart_until_it_is_resumed)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    uint64_t before = registry_member_find(world.registry, bytes_text("a"))->revision;
    assert_ok(give_order(&world, REGISTRY_SUSPEND, "a", NULL, 10, &err));
    const struct registry_member *member = registry_member_find(world.registry, bytes_text("a"));
    assert_int_equal(member->state, REGISTRY_MEMBER_SUSPENDED);
    assert_true(member->revision > before);
    assert_int_equal(
        registry_key_standing(registry_by_curve(world.registry, &card.curve_key), 1500),
        REGISTRY_SUSPENDED);
    assert_status(ST_STALE, give_order(&world, REGISTRY_SUSPEND, "a", NULL, 11, &err));
    assert_status(ST_STALE, give_order(&world, REGISTRY_RESUME, "a", NULL, 10, &err));
    assert_ok(give_order(&world, REGISTRY_RESUME, "a", NULL, 12, &err));
    assert_int_equal(
        registry_key_standing(registry_by_curve(world.registry, &card.curve_key), 1500),
        REGISTRY_GOOD);
    assert_status(ST_STALE, give_order(&world, REGISTRY_SUSPEND, "a", NULL, 10, &err));
    drop_world(&world);
}

TEST(a_card_counts_from_its_begin_until_its_end)
{
    struct error err;
    struct world world = make_world();
    struct registry_card card = make_card("a", "n");
    assert_ok(add_card(&world, &card, 1, &err));
    const struct registry_key *key = registry_by_curve(world.registry, &card.curve_key);
    assert_int_equal(registry_key_standing(key, 999), REGISTRY_EARLY);
    assert_int_equal(registry_key_standing(key, 1000), REGISTRY_GOOD);
    assert_int_equal(registry_key_standing(key, 1999), REGISTRY_GOOD);
    assert_int_equal(registry_key_standing(key, 2000), REGISTRY_ENDED);
    assert_int_equal(registry_key_standing(NULL, 1500), REGISTRY_UNKNOWN);
    drop_world(&world);
}

TEST(every_change_has_a_higher_revision)
{
    struct error err;
    struct world world = make_world();
    uint64_t last = registry_revision(world.registry);
    for (int i = 0; i < 40; i++) {
        char member[16];
        snprintf(member, sizeof(member), "m%d", i % 7);
        struct registry_card card = make_card(member, "n");
        assert_ok(add_card(&world, &card, (uint64_t)i, &err));
        assert_int_equal(registry_revision(world.registry), last + 1);
        last = registry_revision(world.registry);
        assert_int_equal(registry_member_find(world.registry, bytes_text(member))->revision, last);
    }
    assert_int_equal(registry_key_count(world.registry), 40);
    assert_int_equal(registry_member_count(world.registry), 7);
    for (size_t i = 0; i < registry_key_count(world.registry); i++) {
        assert_int_equal(registry_key_at(world.registry, i)->entry_index, i);
    }
    assert_string_equal(registry_member_at(world.registry, 6)->code, "m6");
    drop_world(&world);
}
