// Searching by facets finds what looking into every entry finds, whatever is stored, in the tail or
// made again. The entries and what they should match by come from one generator that knows nothing
// of facets.
#include "facts_fixture.h"

#include "audit/views_block.h"

#include <limits.h>
#include <stdlib.h>

enum { ENTRIES = 700, FILTERS = 400, VALUES = 4, FIELDS_MAX = 3 };

static const uint8_t search_key[SEAL_SHORT_KEY_BYTES] = { 9, 8, 7 };

static const char *const askers[VALUES] = { "ru/a", "ru/b", "ru/c", "ru/d" };
static const char *const holders[VALUES] = { "ru/c", "ru/d", "ru/e", "ru/f" };
static const char *const datasets[VALUES] = { "set.one", "set.two", "set.three", "set.four" };
static const char *const purposes[VALUES] = { "issue", "check", "care", "fare" };
static const char *const roles[VALUES] = { "inspector", "paramedic", "officer", "clerk" };
static const char *const officials[VALUES] = { "i-1", "i-2", "i-3", "i-4" };
static const char *const cases[VALUES] = { "case 1", "case 2", "дело 3", "case 4" };
static const char *const fields[VALUES] = { "name", "birth", "fit", "diagnosis" };
static const char *const reasons[VALUES] = { "allowed", "no-consent", "no-agreement", "lost" };

// What the generator made: places in the lists above; -1: none.
struct known {
    uint32_t kind;
    int asker;
    int holder;
    int dataset;
    int purpose;
    int role;
    int official;
    int case_ref;
    uint32_t basis;
    unsigned signer;
    int fields[FIELDS_MAX];
    int reasons[FIELDS_MAX];
    size_t field_count;
    uint32_t verdict;
    bool over_asked;
};

struct world {
    struct log_fixture fixture;
    struct audit_views *views;
    struct audit_reader *reader;
    struct known known[ENTRIES];
    size_t count;
};

// Numbers that are the same in every run (xorshift).
static unsigned below(unsigned limit)
{
    static uint32_t state = 7;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

static struct bytes text_of(const char *const *list, int place)
{
    return place < 0 ? (struct bytes){ 0 } : bytes_text(list[place]);
}

static void world_open(struct world *world)
{
    struct error err;
    struct audit_views_opened opened;
    struct audit_views_options options = { .home = world->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = world->fixture.journal };
    memcpy(options.search_key, search_key, sizeof(search_key));
    assert_ok(audit_views_open(&options, &world->views, &opened, &err));
    assert_ok(audit_reader_create(world->views, &world->reader, &err));
}

static void world_close(struct world *world)
{
    audit_reader_destroy(&world->reader);
    audit_views_close(&world->views);
}

static void world_begin(struct world *world)
{
    memset(world, 0, sizeof(*world));
    fixture_begin(&world->fixture);
    fixture_open(&world->fixture);
    world_open(world);
}

static void world_end(struct world *world)
{
    world_close(world);
    fixture_end(&world->fixture);
}

static void append(struct world *world, struct made_entry *made)
{
    struct error err;
    struct audit_commit *commit = NULL;
    const struct audit_entry *list[] = { &made->entry };
    uint64_t size = audit_journal_size(world->fixture.journal);
    assert_ok(audit_journal_append(world->fixture.journal, list, 1, size,
                                   audit_journal_term(world->fixture.journal), &commit, &err));
    struct audit_rows *rows = audit_rows_create();
    audit_rows_make_searchable(rows, audit_views_search_key(world->views));
    add_rows(rows, made, audit_commit_first(commit));
    assert_ok(audit_views_publish(world->views, &rows, audit_commit_size(commit), &err));
    audit_commit_unref(&commit);
    made_fini(made);
}

static void make_random_decision(struct known *known, struct made_entry *made)
{
    struct wire_verdict verdicts[FIELDS_MAX];
    struct bytes true_reasons[FIELDS_MAX];
    uint32_t over[1] = { 0 };
    size_t granted = 0;
    known->kind = WIRE_KIND_DECISION;
    known->dataset = (int)below(VALUES);
    known->purpose = (int)below(VALUES);
    known->role = (int)below(VALUES);
    known->official = (int)below(VALUES);
    known->case_ref = below(2) == 0 ? -1 : (int)below(VALUES);
    known->basis = 1 + below(5);
    known->over_asked = below(4) == 0;
    known->field_count = 1 + below(FIELDS_MAX);
    for (size_t i = 0; i < known->field_count; i++) {
        bool grant = below(2) == 0;
        known->fields[i] = (int)((below(2) + i) % VALUES);
        known->reasons[i] = grant ? 0 : 1 + (int)below(VALUES - 1);
        granted += grant ? 1 : 0;
        true_reasons[i] = bytes_text(reasons[known->reasons[i]]);
        verdicts[i] =
            (struct wire_verdict){ .name = bytes_text(fields[known->fields[i]]),
                                   .asked = bytes_text("full"),
                                   .given = grant ? bytes_text("full") : (struct bytes){ 0 },
                                   .reason = bytes_text("no-consent") };
    }
    known->verdict = granted == 0                   ? WIRE_VERDICT_NONE
                     : granted < known->field_count ? WIRE_VERDICT_SOME
                                                    : WIRE_VERDICT_ALL;
    struct audit_tag tag = tag_of(below(5));
    struct wire_exchange_part exchange = { .format = 1,
                                           .kind = known->kind,
                                           .exchange_id = id_of(below(60000)),
                                           .request_hash = key_of(1),
                                           .asker = text_of(askers, known->asker),
                                           .holder = text_of(holders, known->holder),
                                           .dataset = text_of(datasets, known->dataset),
                                           .purpose = text_of(purposes, known->purpose),
                                           .basis = known->basis,
                                           .verdicts = verdicts,
                                           .verdicts_count = known->field_count,
                                           .signer = key_of(known->signer) };
    struct wire_subject_part subject = { .format = 1, .kind = known->kind };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = known->kind,
                                         .tag = audit_tag_view(&tag),
                                         .official = text_of(officials, known->official),
                                         .official_role = text_of(roles, known->role),
                                         .case_ref = text_of(cases, known->case_ref),
                                         .reasons = true_reasons,
                                         .reasons_count = known->field_count,
                                         .over_asked = over,
                                         .over_asked_count = known->over_asked ? 1 : 0 };
    make_entry(made, WIRE_CLASS_EXCHANGE, NOVEMBER, &exchange, &subject, &officer, NULL);
}

static void make_random_ending(struct known *known, struct made_entry *made)
{
    known->kind = WIRE_KIND_RELEASED + below(4);
    known->reasons[0] = known->kind == WIRE_KIND_RELEASED ? -1 : (int)below(VALUES);
    struct wire_exchange_part exchange = { .format = 1,
                                           .kind = known->kind,
                                           .exchange_id = id_of(below(60000)),
                                           .asker = text_of(askers, known->asker),
                                           .holder = text_of(holders, known->holder),
                                           .signer = key_of(known->signer) };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = known->kind,
                                         .reason = text_of(reasons, known->reasons[0]) };
    make_entry(made, WIRE_CLASS_EXCHANGE, NOVEMBER, &exchange, NULL, &officer, NULL);
}

static void make_random_look(struct known *known, struct made_entry *made)
{
    known->kind = WIRE_KIND_READ;
    known->holder = -1;
    known->role = 2;
    known->signer = 0;
    struct wire_subject_part subject = { .format = 1,
                                         .kind = known->kind,
                                         .asker = text_of(askers, known->asker),
                                         .official_role = text_of(roles, known->role) };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = known->kind,
                                         .reader = text_of(askers, known->asker),
                                         .reader_role = text_of(roles, known->role) };
    make_entry(made, WIRE_CLASS_OVERSIGHT, NOVEMBER, NULL, &subject, &officer, NULL);
}

static void grow(struct world *world, size_t count)
{
    while (world->count < count) {
        struct made_entry made;
        struct known *known = &world->known[world->count];
        *known = (struct known){ .asker = (int)below(VALUES),
                                 .holder = (int)below(VALUES),
                                 .dataset = -1,
                                 .purpose = -1,
                                 .role = -1,
                                 .official = -1,
                                 .case_ref = -1,
                                 .signer = 1 + below(3),
                                 .fields = { -1, -1, -1 },
                                 .reasons = { -1, -1, -1 } };
        unsigned kind = below(10);
        if (kind < 6) {
            make_random_decision(known, &made);
        } else if (kind < 9) {
            make_random_ending(known, &made);
        } else {
            make_random_look(known, &made);
        }
        append(world, &made);
        world->count++;
    }
}

// A question as places in the lists; -1: any.
struct asked {
    int codes[AUDIT_CODE_COUNT - 1];
    int signer;
    int member;
    int field;
    int reason;
    uint32_t kind;
    uint32_t basis;
    uint32_t verdict;
    bool over_asked;
    struct wire_filter wire;
    struct audit_filter filter;
};

static const char *const *const lists[AUDIT_CODE_COUNT - 1] = { askers,   holders, datasets,
                                                                purposes, roles,   officials,
                                                                cases };

static int maybe(unsigned chance)
{
    return below(chance) == 0 ? (int)below(VALUES) : -1;
}

// One condition in `chance` is there.
static void ask(struct asked *asked, unsigned chance)
{
    *asked = (struct asked){ .signer = maybe(chance),
                             .member = maybe(chance),
                             .field = maybe(chance),
                             .reason = maybe(chance),
                             .kind = below(chance) == 0 ? 1 + below(5) : 0,
                             .basis = below(chance) == 0 ? 1 + below(5) : 0,
                             .verdict = below(chance) == 0 ? 1 + below(3) : 0,
                             .over_asked = below(chance) == 0 };
    struct bytes *places[] = { &asked->wire.asker,         &asked->wire.holder,
                               &asked->wire.dataset,       &asked->wire.purpose,
                               &asked->wire.official_role, &asked->wire.official,
                               &asked->wire.case_ref };
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        asked->codes[i] = maybe(chance);
        *places[i] = text_of(lists[i], asked->codes[i]);
    }
    asked->wire.field = text_of(fields, asked->field);
    asked->wire.reason = text_of(reasons, asked->reason);
    asked->wire.entry_kind = asked->kind;
    asked->wire.basis = asked->basis;
    asked->wire.verdict = asked->verdict;
    asked->wire.over_asked = asked->over_asked;
    if (asked->signer >= 0) {
        asked->wire.signer = key_of((unsigned)asked->signer);
    }
    asked->filter =
        (struct audit_filter){ .filter = &asked->wire, .member = text_of(askers, asked->member) };
}

static bool one_of(const int *list, int value)
{
    return value < 0 || list[0] == value || list[1] == value || list[2] == value;
}

static bool same(int wanted, int have)
{
    return wanted < 0 || wanted == have;
}

// The model: from what the generator knows alone.
static bool should_match(const struct asked *asked, const struct known *known)
{
    const int have[] = { known->asker, known->holder,   known->dataset, known->purpose,
                         known->role,  known->official, known->case_ref };
    for (size_t i = 0; i < ARRAY_COUNT(have); i++) {
        if (!same(asked->codes[i], have[i])) {
            return false;
        }
    }
    bool asks = known->asker >= 0 && asked->member == known->asker;
    bool holds = known->holder >= 0 && asked->member >= 0 &&
                 strcmp(askers[asked->member], holders[known->holder]) == 0;
    return (asked->member < 0 || asks || holds) &&
           (asked->signer < 0 ||
            (known->signer != 0 && (unsigned)asked->signer == known->signer)) &&
           one_of(known->fields, asked->field) && one_of(known->reasons, asked->reason) &&
           (asked->kind == 0 || asked->kind == known->kind) &&
           (asked->basis == 0 || asked->basis == known->basis) &&
           (asked->verdict == 0 || asked->verdict == known->verdict) &&
           (!asked->over_asked || known->over_asked);
}

struct found {
    struct world *world;
    const struct asked *asked;
    struct audit_facet_filter filter;
    uint64_t expected; // index of the next visit
    size_t candidates;
    size_t unknown;
};

static bool look_at(uint64_t index, const uint8_t *bytes, void *context)
{
    struct found *found = context;
    struct audit_facet facet;
    assert_int_equal(index, found->expected);
    found->expected--;
    audit_facet_read(bytes, &facet);
    found->unknown += facet.known ? 0 : 1;
    bool may = audit_facet_may_match(&found->filter, bytes);
    bool should = should_match(found->asked, &found->world->known[index]);
    found->candidates += may ? 1 : 0;
    if (should) {
        assert_true(may);
    } else if (found->filter.certain) {
        assert_false(may);
    }
    return true;
}

static void check_facets(struct world *world)
{
    struct error err;
    uint64_t size = 0;
    size_t candidates = 0;
    assert_ok(audit_reader_begin(world->reader, &size, &err));
    assert_int_equal(size, world->count);
    for (unsigned i = 0; i < FILTERS; i++) {
        struct asked asked;
        struct found found = { .world = world, .asked = &asked, .expected = size - 1 };
        ask(&asked, 1 + i % 14);
        audit_facet_filter(&asked.filter, search_key, &found.filter);
        assert_ok(audit_reader_facets(world->reader, size, 0, look_at, &found, &err));
        assert_int_equal(found.expected, UINT64_MAX);
        assert_int_equal(found.unknown, 0);
        candidates += found.candidates;
    }
    assert_true(candidates > 100);
    audit_reader_end(world->reader);
}

static void apply_all(struct world *world)
{
    struct error err;
    uint64_t applied = 0;
    while (audit_views_tail_entries(world->views) > 0) {
        assert_ok(audit_views_apply(world->views, &applied, &err));
    }
    audit_views_retire(world->views);
}

TEST(facets_find_what_the_generator_meant_in_tail_and_store_and_after_a_rebuild)
{
    struct world world;
    char folder[PATH_MAX];
    char moved[PATH_MAX + 4];
    world_begin(&world);
    grow(&world, 100);
    check_facets(&world); // all in the tail
    apply_all(&world);
    check_facets(&world); // all stored, the last block not full
    grow(&world, 400);
    check_facets(&world);
    apply_all(&world);
    grow(&world, ENTRIES);
    check_facets(&world);
    world_close(&world);
    world_open(&world); // the tail is loaded from the log
    check_facets(&world);
    world_close(&world);
    snprintf(folder, sizeof(folder), "%s/views", world.fixture.home);
    snprintf(moved, sizeof(moved), "%s.old", folder);
    assert_int_equal(rename(folder, moved), 0);
    world_open(&world);
    check_facets(&world);
    world_end(&world);
}

// The exact comparison, entry by entry, against the same model.
struct exact {
    struct world *world;
    struct audit_log *log;
    struct arena *arena;
    struct asked asked[FILTERS];
    size_t matches;
};

static bool compare(uint64_t index, const struct audit_record *record, void *context)
{
    struct exact *exact = context;
    struct error err;
    struct audit_body body;
    struct audit_terms terms;
    struct audit_facts facts = { .index = index, .class = record->class };
    arena_reset(exact->arena);
    assert_ok(audit_log_body(exact->log, index, record, exact->arena, &body, &err));
    assert_ok(audit_facts_decode(&body, exact->arena, &facts, &err));
    audit_terms_read(&facts, &terms);
    for (size_t i = 0; i < FILTERS; i++) {
        bool should = should_match(&exact->asked[i], &exact->world->known[index]);
        assert_int_equal(audit_filter_matches(&exact->asked[i].filter, &terms), should);
        exact->matches += should ? 1 : 0;
    }
    return true;
}

TEST(an_entry_matches_exactly_when_every_condition_holds)
{
    struct error err;
    struct world world;
    static struct exact exact;
    uint64_t size = 0;
    world_begin(&world);
    grow(&world, 300);
    exact = (struct exact){ .world = &world, .arena = arena_create(1 << 20) };
    for (unsigned i = 0; i < FILTERS; i++) {
        ask(&exact.asked[i], 1 + i % 14);
    }
    struct audit_log *log = NULL;
    assert_ok(audit_log_create(world.fixture.journal, &log, &err));
    exact.log = log;
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_scan(log, 0, size, compare, &exact, &err));
    audit_log_end(log);
    assert_true(exact.matches > 1000);
    audit_log_destroy(&log);
    arena_destroy(&exact.arena);
    world_end(&world);
}

static bool no_code_in_it(uint64_t index, const uint8_t *facet, void *context)
{
    (void)index;
    (void)context;
    for (size_t i = 0; i < VALUES; i++) {
        assert_null(memmem(facet, AUDIT_FACET_BYTES, officials[i], strlen(officials[i])));
        assert_null(memmem(facet, AUDIT_FACET_BYTES, cases[i], strlen(cases[i])));
    }
    return true;
}

TEST(a_facet_holds_no_code_in_plain_and_another_key_gives_another_facet)
{
    struct error err;
    struct world world;
    uint64_t size = 0;
    uint8_t one[AUDIT_FACET_BYTES];
    uint8_t two[AUDIT_FACET_BYTES];
    static const uint8_t other_key[SEAL_SHORT_KEY_BYTES] = { 1 };
    struct audit_facts facts = { .class = WIRE_CLASS_OVERSIGHT };
    struct wire_officer_part officer = { .kind = WIRE_KIND_READ, .official = bytes_text("i-1") };
    struct audit_terms terms;
    facts.officer = &officer;
    audit_terms_read(&facts, &terms);
    audit_facet_write(&terms, search_key, one);
    audit_facet_write(&terms, other_key, two);
    assert_memory_not_equal(one, two, AUDIT_FACET_BYTES);
    world_begin(&world);
    grow(&world, 60);
    assert_ok(audit_reader_begin(world.reader, &size, &err));
    assert_ok(audit_reader_facets(world.reader, size, 0, no_code_in_it, NULL, &err));
    audit_reader_end(world.reader);
    world_end(&world);
}

struct part {
    uint64_t next;
    unsigned left;
};

static bool count_down(uint64_t index, const uint8_t *facet, void *context)
{
    struct part *part = context;
    (void)facet;
    assert_int_equal(index, part->next - 1);
    part->next = index;
    return --part->left > 0;
}

TEST(going_through_facets_in_parts_misses_none_and_sees_none_twice)
{
    struct error err;
    struct world world;
    uint64_t size = 0;
    world_begin(&world);
    grow(&world, 150);
    apply_all(&world);
    grow(&world, 260);
    assert_ok(audit_reader_begin(world.reader, &size, &err));
    for (unsigned step = 1; step < 130; step += 7) {
        struct part part = { .next = size };
        while (part.next > 3) {
            part.left = step;
            assert_ok(audit_reader_facets(world.reader, part.next, 3, count_down, &part, &err));
        }
        assert_int_equal(part.next, 3);
    }
    audit_reader_end(world.reader);
    world_end(&world);
}

TEST(a_block_keeps_what_is_not_forgotten_and_what_lasts)
{
    struct error err;
    uint8_t key[8];
    uint8_t kept[AUDIT_BLOCK_BYTES];
    uint8_t block[AUDIT_BLOCK_BYTES] = { 0 };
    size_t size = 0;
    for (size_t i = 0; i < 40; i++) {
        block[i * AUDIT_FACET_BYTES] = (uint8_t)(i == 5 ? WIRE_KIND_CONSENT : WIRE_KIND_DECISION);
        block[i * AUDIT_FACET_BYTES + 10] = (uint8_t)i;
    }
    struct bytes stored = bytes_of(block, 40 * AUDIT_FACET_BYTES);
    (void)seal_u64(key, 2);
    assert_ok(audit_block_keep(bytes_of(key, 8), stored, 2 * 63 + 30, kept, &size, &err));
    assert_int_equal(size, 40 * AUDIT_FACET_BYTES);
    for (size_t i = 0; i < 40; i++) {
        bool stays = i >= 30 || i == 5;
        assert_int_equal(kept[i * AUDIT_FACET_BYTES] != 0, stays);
        assert_int_equal(kept[i * AUDIT_FACET_BYTES + 10], stays ? i : 0);
    }
    block[5 * AUDIT_FACET_BYTES] = WIRE_KIND_READ;
    assert_ok(audit_block_keep(bytes_of(key, 8), stored, 3 * 63, kept, &size, &err));
    assert_int_equal(size, 0);
}

TEST(views_under_another_key_are_built_again)
{
    struct error err;
    struct world world;
    struct audit_views_opened opened;
    world_begin(&world);
    grow(&world, 20);
    apply_all(&world);
    world_close(&world);
    struct audit_views_options options = { .home = world.fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = world.fixture.journal };
    assert_ok(audit_views_open(&options, &world.views, &opened, &err));
    assert_true(opened.rebuilt);
    audit_views_close(&world.views);
    fixture_end(&world.fixture);
}
