// Legal holds in the views: which months they cover, whatever is stored and whatever in the tail.
#include "facts_fixture.h"

#include "audit/hold.h"

#include <limits.h>

enum { MONTH = 30 * 24 * 60, MINUTE_MS = 60000 };

struct held {
    struct log_fixture fixture;
    struct audit_views *views;
    struct audit_reader *reader;
    struct audit_tagger *tagger;
    struct seal_secret *key;
};

static void held_views(struct held *held)
{
    struct error err;
    struct audit_views_opened opened;
    struct audit_views_options options = { .home = held->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = held->fixture.journal };
    assert_ok(audit_views_open(&options, &held->views, &opened, &err));
    assert_ok(audit_reader_create(held->views, &held->reader, &err));
}

static void held_begin(struct held *held)
{
    struct error err;
    static const uint8_t bytes[32] = { 7 };
    memset(held, 0, sizeof(*held));
    fixture_begin(&held->fixture);
    fixture_open(&held->fixture);
    held_views(held);
    assert_ok(seal_secret_copy(bytes_of(bytes, 32), &held->key, &err));
    const struct seal_secret *keys[] = { held->key };
    assert_ok(audit_tagger_create(keys, 1, &held->tagger, &err));
}

static void held_end(struct held *held)
{
    audit_tagger_destroy(&held->tagger);
    seal_secret_destroy(&held->key);
    audit_reader_destroy(&held->reader);
    audit_views_close(&held->views);
    fixture_end(&held->fixture);
}

static void add_hold(struct held *held, struct wire_hold hold)
{
    struct made_entry made;
    if (hold.name.size == 0) {
        hold.name = bytes_text("case 7");
    }
    struct wire_public_part public_ = { .format = 1, .kind = WIRE_KIND_HOLD };
    struct wire_officer_part officer = { .format = 1, .kind = WIRE_KIND_HOLD, .hold = &hold };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, &officer, &public_);
    append_made(&held->fixture, held->views, &made);
}

static struct audit_covering covering(struct held *held, uint32_t from, uint32_t to)
{
    struct error err;
    uint64_t size = 0;
    struct audit_covering found = { 0 };
    assert_ok(audit_reader_begin(held->reader, &size, &err));
    assert_ok(audit_holds_cover_month(held->reader, held->tagger, from, to, &found, &err));
    audit_reader_end(held->reader);
    return found;
}

static bool covers(struct held *held, uint32_t from, uint32_t to)
{
    return covering(held, from, to).count > 0;
}

TEST(the_holds_that_cover_a_month_are_named_a_few_and_how_many_more)
{
    struct held held;
    char longest[128];
    struct wire_hold hold = { .state = WIRE_HOLD_SET };
    memset(longest, 'x', sizeof(longest));
    held_begin(&held);
    for (unsigned i = 1; i <= 5; i++) {
        const char *names[] = { "case 1", "case 2", "case 3", "case 4", "case 5" };
        const char *words[] = { "'case 1'", "'case 1', 'case 2'", "'case 1', 'case 2', 'case 3'",
                                "'case 1', 'case 2', 'case 3' and 1 more",
                                "'case 1', 'case 2', 'case 3' and 2 more" };
        hold.id = id_of((uint8_t)i);
        hold.name = bytes_text(names[i - 1]);
        add_hold(&held, hold);
        struct audit_covering found = covering(&held, NOVEMBER, NOVEMBER + MONTH);
        assert_int_equal(found.count, i);
        assert_string_equal(found.cases, words[i - 1]);
    }
    // A name as long as names may be: always the first one whole, another only where it fits.
    for (unsigned i = 1; i <= 5; i++) {
        hold.id = id_of((uint8_t)i);
        hold.name = bytes_of(longest, sizeof(longest));
        add_hold(&held, hold);
    }
    struct audit_covering found = covering(&held, NOVEMBER, NOVEMBER + MONTH);
    assert_int_equal(found.count, 5);
    assert_int_equal(strlen(found.cases), sizeof(longest) + strlen("'' and 4 more"));
    assert_string_equal(found.cases + 1 + sizeof(longest), "' and 4 more");
    held_end(&held);
}

TEST(without_holds_nothing_is_held)
{
    struct held held;
    held_begin(&held);
    assert_false(covers(&held, 0, UINT32_MAX));
    held_end(&held);
}

TEST(a_hold_covers_its_time_and_ends_when_it_is_lifted)
{
    struct held held;
    struct wire_hold hold = { .id = id_of(1),
                              .state = WIRE_HOLD_SET,
                              .since = (uint64_t)NOVEMBER * MINUTE_MS,
                              .until = (uint64_t)(NOVEMBER + 10) * MINUTE_MS };
    held_begin(&held);
    add_hold(&held, hold);
    assert_true(covers(&held, NOVEMBER, NOVEMBER + MONTH));
    assert_true(covers(&held, NOVEMBER - MONTH, NOVEMBER + 1));
    assert_false(covers(&held, NOVEMBER - MONTH, NOVEMBER));
    assert_true(covers(&held, NOVEMBER + 10, NOVEMBER + MONTH));
    assert_false(covers(&held, NOVEMBER + 11, NOVEMBER + MONTH));
    hold.state = WIRE_HOLD_LIFTED;
    add_hold(&held, hold);
    assert_false(covers(&held, NOVEMBER, NOVEMBER + MONTH));
    held_end(&held);
}

TEST(a_member_s_hold_covers_every_month_from_its_begin_on)
{
    struct held held;
    held_begin(&held);
    add_hold(&held, (struct wire_hold){ .id = id_of(1),
                                        .state = WIRE_HOLD_SET,
                                        .member = bytes_text("ru/a"),
                                        .since = (uint64_t)NOVEMBER * MINUTE_MS });
    assert_true(covers(&held, NOVEMBER + 50 * MONTH, NOVEMBER + 51 * MONTH));
    assert_false(covers(&held, NOVEMBER - MONTH, NOVEMBER));
    held_end(&held);
}

TEST(a_person_s_hold_covers_the_months_of_that_person_s_list)
{
    struct held held;
    struct made_entry made;
    struct audit_tag first = tag_of(1);
    struct audit_tag second = tag_of(2);
    held_begin(&held);
    make_decision(&made, 1, 1, 1, true);
    append_made(&held.fixture, held.views, &made);
    add_hold(&held, (struct wire_hold){
                        .id = id_of(2), .state = WIRE_HOLD_SET, .tag = audit_tag_view(&second) });
    assert_false(covers(&held, NOVEMBER, NOVEMBER + MONTH));
    add_hold(&held, (struct wire_hold){
                        .id = id_of(1), .state = WIRE_HOLD_SET, .tag = audit_tag_view(&first) });
    assert_true(covers(&held, NOVEMBER, NOVEMBER + MONTH));
    assert_true(covers(&held, NOVEMBER + 60, NOVEMBER + MONTH)); // its ending may stand there
    assert_false(covers(&held, NOVEMBER + 61, NOVEMBER + MONTH));
    assert_false(covers(&held, NOVEMBER - MONTH, NOVEMBER));
    held_end(&held);
}

static bool count_hold(const struct wire_hold *hold, void *context)
{
    size_t *count = context;
    assert_true(hold->index > 0 || hold->state == WIRE_HOLD_SET);
    return ++*count < 100;
}

TEST(holds_are_the_same_in_views_that_are_made_again)
{
    struct held held;
    struct error err;
    struct wire_hold hold = { .id = id_of(1), .state = WIRE_HOLD_SET };
    uint64_t applied = 0;
    uint64_t size = 0;
    size_t count = 0;
    held_begin(&held);
    add_hold(&held, hold);
    hold.id = id_of(2);
    add_hold(&held, hold);
    hold.state = WIRE_HOLD_LIFTED;
    hold.index = 1;
    add_hold(&held, hold);
    assert_ok(audit_views_apply(held.views, &applied, &err));
    audit_reader_destroy(&held.reader);
    audit_views_close(&held.views);
    char folder[PATH_MAX];
    char moved[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s/views", held.fixture.home);
    snprintf(moved, sizeof(moved), "%s/views.old", held.fixture.home);
    assert_int_equal(rename(folder, moved), 0);
    held_views(&held);
    struct arena *arena = arena_create(1 << 16);
    assert_ok(audit_reader_begin(held.reader, &size, &err));
    assert_ok(audit_holds_each(held.reader, NULL, count_hold, &count, &err));
    assert_int_equal(count, 2);
    struct id lifted = id_of(2);
    struct id absent = id_of(3);
    assert_ok(audit_hold_find(held.reader, &lifted, arena, &hold, &err));
    assert_int_equal(hold.state, WIRE_HOLD_LIFTED);
    assert_int_equal(hold.index, 1);
    assert_int_equal(hold.lifted_index, 2);
    assert_int_equal(audit_hold_find(held.reader, &absent, arena, &hold, &err), ST_NOT_FOUND);
    audit_reader_end(held.reader);
    arena_destroy(&arena);
    assert_true(covers(&held, NOVEMBER, NOVEMBER + MONTH)); // the first one still stands
    held_end(&held);
}
