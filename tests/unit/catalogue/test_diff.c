// Who could see what that could not before.
#include "catalogue/diff.h"

#include "scenario.h"

enum { SEEN_MAX = 64 };

struct seen {
    struct catalogue_difference items[SEEN_MAX];
    size_t count;
};

static void see(void *context, const struct catalogue_difference *difference)
{
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->items[seen->count++] = *difference;
}

// Compares the scenario with an edit of it.
static void compare_edit(const char *old, const char *new, struct seen *seen,
                         struct catalogue **before, struct catalogue **after)
{
    struct error err;
    struct digest hash = { { 2 } };
    struct buffer blob = buffer_init(1 << 20);
    *before = load_scenario();
    edited_scenario(&blob, "agreements.yaml", old, new);
    assert_ok(catalogue_load(buffer_view(&blob), &hash, after, &err));
    buffer_fini(&blob);
    seen->count = 0;
    size_t count = catalogue_diff(*before, *after, see, seen);
    assert_int_equal(count, seen->count);
}

TEST(the_same_bundle_has_no_differences)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("id: licence-identity", "id: licence-identities", &seen, &before, &after);
    assert_int_equal(seen.count, 0);
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(a_new_field_is_wider_and_a_field_left_out_is_narrower)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("      certificate_no: [last4]\n", "      eyesight: [full]\n", &seen, &before,
                 &after);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.items[0].change, CATALOGUE_WIDER);
    assert_string_equal(seen.items[0].field->name, "eyesight");
    assert_string_equal(seen.items[0].role, "inspector");
    assert_int_equal(seen.items[1].change, CATALOGUE_NARROWER);
    assert_string_equal(seen.items[1].field->name, "certificate_no");
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(a_stronger_form_is_wider_and_nothing_is_narrower)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("certificate_no: [last4]", "certificate_no: [full]", &seen, &before, &after);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.items[0].form.kind, CATALOGUE_FORM_FULL);
    assert_string_equal(seen.items[0].agreement->id, "licence-certificate");
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(another_age_is_a_form_of_its_own)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("[\"over(65)\"]", "[\"over(60)\"]", &seen, &before, &after);
    // On two bases, gained and lost.
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.items[0].form.number, 60);
    assert_int_equal(seen.items[2].form.number, 65);
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(a_higher_budget_is_wider)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("{per_case: 2, per_official_day: 60}", "{per_case: 3}", &seen, &before, &after);
    assert_int_equal(seen.count, 2);
    assert_null(seen.items[0].field);
    assert_string_equal(seen.items[0].limit, "per-case");
    assert_string_equal(seen.items[1].limit, "per-official-day");
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(another_role_sees_what_it_did_not)
{
    struct seen seen;
    struct catalogue *before = NULL;
    struct catalogue *after = NULL;
    compare_edit("official_roles: [paramedic]", "official_roles: [paramedic, desk-clerk]", &seen,
                 &before, &after);
    assert_int_equal(seen.count, 4);
    assert_string_equal(seen.items[0].role, "desk-clerk");
    catalogue_destroy(&before);
    catalogue_destroy(&after);
}

TEST(against_nothing_everything_is_wider)
{
    struct seen seen = { .count = 0 };
    struct catalogue *after = load_scenario();
    assert_true(catalogue_diff(NULL, after, see, &seen) > 15);
    for (size_t i = 0; i < seen.count; i++) {
        assert_int_equal(seen.items[i].change, CATALOGUE_WIDER);
    }
    catalogue_destroy(&after);
}
