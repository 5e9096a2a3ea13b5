// The decision against the naive reference: hundreds of thousands of random requests in random
// worlds, each of which goes through the files, the loader and the decision. And for every single
// rule: a reference that leaves it out is told apart.
#include "../catalogue/scenario.h"
#include "policy/decide.h"
#include "reference.h"

enum { WORLDS = 120, CASES = 2600 };

static const int64_t day_ms = 86400000;
static const int64_t now_ms = 1790000000000;

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state += 0x9E3779B97F4A7C15u;
    uint64_t z = dice->state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) % sides);
}

static bool often(struct dice *dice, uint32_t percent)
{
    return roll(dice, 100) < percent;
}

static const char *const type_names[] = { "text", "code", "bool", "date", "list" };
static const char *const type_forms[5][8] = {
    { "full", "masked", "last4", "exists", "match", "pseudonym", NULL },
    { "full", "exists", "match", "pseudonym", NULL },
    { "full", "exists", "match", NULL },
    { "full", "year", "exists", "match", "over", NULL },
    { "full", "exists", NULL },
};

static void make_fields(struct dice *dice, struct world *world)
{
    for (int d = 0; d < WORLD_DATASETS; d++) {
        world->holders[d] = 2 + d;
        for (int f = 0; f < WORLD_FIELDS; f++) {
            // Dates and texts, which have the most forms, more often.
            uint32_t type = often(dice, 70) ? (often(dice, 50) ? 0 : 3) : roll(dice, 5);
            int count = 0;
            uint32_t forms = 0;
            while (type_forms[type][forms] != NULL) {
                forms++;
            }
            uint32_t start = roll(dice, forms);
            world->types[d][f] = type_names[type];
            for (uint32_t i = 0; i < forms; i++) {
                const char *form = type_forms[type][(start + i) % forms];
                if (often(dice, 65)) {
                    world->offered[d][f][count++] = form;
                }
            }
            if (count == 0) {
                world->offered[d][f][count++] = "full";
            }
            world->offered[d][f][count] = NULL;
        }
    }
}

static void make_forms(struct dice *dice, const char *const *offered, const char **forms)
{
    int count = 0;
    for (int i = 0; offered[i] != NULL && count < 5; i++) {
        if (!often(dice, 45)) {
            continue;
        }
        if (strcmp(offered[i], "over") == 0) {
            forms[count++] = "over(18)";
            forms[count++] = "over(65)";
        } else {
            forms[count++] = offered[i];
        }
    }
    forms[count] = NULL;
}

static bool overlap(const struct ref_agreement *a, const struct ref_agreement *b)
{
    bool purposes = false;
    bool bases = false;
    bool roles = false;
    bool any_a = true;
    bool any_b = true;
    for (int i = 0; i < WORLD_PURPOSES; i++) {
        purposes = purposes || (a->purposes[i] && b->purposes[i]);
    }
    for (int i = 1; i < 6; i++) {
        bases = bases || (a->bases[i] && b->bases[i]);
    }
    for (int i = 0; i < WORLD_ROLES; i++) {
        roles = roles || (a->roles[i] && b->roles[i]);
        any_a = any_a && !a->roles[i];
        any_b = any_b && !b->roles[i];
    }
    return a->asker == b->asker && a->dataset == b->dataset && purposes && bases &&
           (roles || any_a || any_b);
}

static void make_agreement(struct dice *dice, const struct world *world, struct ref_agreement *a)
{
    bool named = false;
    *a = (struct ref_agreement){ .asker = (int)roll(dice, 2),
                                 .dataset = (int)roll(dice, WORLD_DATASETS) };
    a->purposes[roll(dice, WORLD_PURPOSES)] = true;
    a->bases[often(dice, 50) ? 1 : 1 + roll(dice, 5)] = true;
    if (often(dice, 30)) {
        a->bases[1 + roll(dice, 5)] = true;
    }
    if (often(dice, 60) || a->bases[4]) {
        a->roles[roll(dice, WORLD_ROLES)] = true;
    }
    a->case_required = often(dice, 30);
    a->justification = often(dice, 15) || a->bases[4];
    a->per_case = often(dice, 30) ? 1 + roll(dice, 3) : 0;
    a->case_required = a->case_required || a->per_case != 0;
    a->per_day = often(dice, 30) || a->bases[4] ? 1 + roll(dice, 3) : 0;
    a->days = a->bases[1] ? 1 + roll(dice, 20) : 0;
    a->uses = a->bases[1] ? 1 + roll(dice, 4) : 0;
    for (int f = 0; f < WORLD_FIELDS; f++) {
        if (often(dice, 75)) {
            make_forms(dice, world->offered[a->dataset][f], a->forms[f]);
            named = named || a->forms[f][0] != NULL;
        }
    }
    if (!named) {
        const char *first = world->offered[a->dataset][0][0];
        a->forms[0][0] = strcmp(first, "over") == 0 ? "over(18)" : first;
        a->forms[0][1] = NULL;
    }
}

static void make_world(struct dice *dice, struct world *world)
{
    memset(world, 0, sizeof(*world));
    make_fields(dice, world);
    for (int tries = 0; tries < 40 && world->agreement_count < WORLD_AGREEMENTS; tries++) {
        struct ref_agreement *a = &world->agreements[world->agreement_count];
        bool clash = false;
        make_agreement(dice, world, a);
        for (int i = 0; i < world->agreement_count; i++) {
            clash = clash || overlap(&world->agreements[i], a);
        }
        world->agreement_count += clash ? 0 : 1;
    }
}

static void write_list(struct buffer *out, const char *const *items)
{
    buffer_text(out, "[");
    for (int i = 0; items[i] != NULL; i++) {
        buffer_format(out, "%s\"%s\"", i == 0 ? "" : ", ", items[i]);
    }
    buffer_text(out, "]");
}

static void write_numbered(struct buffer *out, const char *key, const char *prefix,
                           const bool *flags, int count)
{
    const char *comma = "";
    buffer_format(out, "    %s: [", key);
    for (int i = 0; i < count; i++) {
        if (flags[i]) {
            buffer_format(out, "%s%s%d", comma, prefix, i);
            comma = ", ";
        }
    }
    buffer_text(out, "]\n");
}

static void write_agreement(struct buffer *out, const struct ref_agreement *a, int number)
{
    static const char *const bases[] = { "",    "consent",        "explicit-request",
                                         "law", "vital-interest", "court-order" };
    const char *comma = "";
    buffer_format(out, "  - id: a%02d\n    asker: m%d\n    dataset: d%d\n", number, a->asker,
                  a->dataset);
    write_numbered(out, "purposes", "p", a->purposes, WORLD_PURPOSES);
    write_numbered(out, "official_roles", "r", a->roles, WORLD_ROLES);
    buffer_text(out, "    bases: [");
    for (int i = 1; i < 6; i++) {
        if (a->bases[i]) {
            buffer_format(out, "%s%s", comma, bases[i]);
            comma = ", ";
        }
    }
    buffer_text(out, "]\n    articles: [\"art. 1\", \"art. 2\"]\n    fields:\n");
    for (int f = 0; f < WORLD_FIELDS; f++) {
        if (a->forms[f][0] != NULL) {
            buffer_format(out, "      f%d: ", f);
            write_list(out, a->forms[f]);
            buffer_text(out, "\n");
        }
    }
    buffer_format(out, "    case_required: %s\n    justification: %s\n",
                  a->case_required ? "true" : "false", a->justification ? "required" : "none");
    buffer_format(out, "    budget: {per_case: %d, per_official_day: %d}\n", (int)a->per_case,
                  (int)a->per_day);
    if (a->days != 0) {
        buffer_format(out, "    consent_max: {days: %d, uses: %d}\n", (int)a->days, (int)a->uses);
    }
    if (a->bases[4]) {
        buffer_text(out, "    review: {within_hours: 1, by: officer-of-another-member}\n"
                         "    notice: at-once\n");
    }
}

static void write_world(struct buffer *out, const struct world *world)
{
    buffer_text(out, "members:\n");
    for (int i = 0; i < WORLD_MEMBERS; i++) {
        buffer_format(out, "  - {code: m%d, title: {ru: a, en: a}}\n", i);
    }
    buffer_text(out, "officials:\n");
    for (int i = 0; i < WORLD_ROLES; i++) {
        buffer_format(out, "  r%d: {ru: a, en: a}\n", i);
    }
    buffer_text(out, "purposes:\n");
    for (int i = 0; i < WORLD_PURPOSES; i++) {
        buffer_format(out, "  p%d: {dpv: \"dpv:x\", ru: a, en: a, benefit: {ru: a, en: a}}\n", i);
    }
    buffer_text(out, "datasets:\n");
    for (int d = 0; d < WORLD_DATASETS; d++) {
        buffer_format(out, "  - code: d%d\n    holder: m%d\n    title: {ru: a, en: a}\n", d,
                      world->holders[d]);
        buffer_text(out, "    fields:\n");
        for (int f = 0; f < WORLD_FIELDS; f++) {
            buffer_format(out,
                          "      f%d: {type: %s, sensitivity: high, max_bytes: 20, title: "
                          "{ru: a, en: a}, forms: ",
                          f, world->types[d][f]);
            write_list(out, world->offered[d][f]);
            buffer_text(out, "}\n");
        }
    }
    buffer_text(out, "agreements:\n");
    for (int i = 0; i < world->agreement_count; i++) {
        write_agreement(out, &world->agreements[i], i);
    }
}

static struct catalogue *load_world(const struct world *world)
{
    struct error err;
    struct catalogue *catalogue = NULL;
    struct digest hash = { { 7 } };
    struct buffer text = buffer_init(1 << 20);
    struct buffer blob = buffer_init(1 << 20);
    add_scenario_file(&blob, "texts.yaml", "", NULL, NULL);
    write_world(&text, world);
    buffer_lp(&blob, bytes_text("world.yaml"));
    buffer_u32(&blob, (uint32_t)text.size);
    buffer_bytes(&blob, buffer_view(&text));
    assert_ok(catalogue_load(buffer_view(&blob), &hash, &catalogue, &err));
    buffer_fini(&text);
    buffer_fini(&blob);
    return catalogue;
}

static const char *const asked_forms[] = { "full",     "full",     "full",      "masked",
                                           "last4",    "year",     "exists",    "match",
                                           "over(18)", "over(65)", "pseudonym", "over(17)",
                                           "nonsense" };

static void make_grant(struct dice *dice, struct ref_case *c, unsigned id, struct ref_grant *grant)
{
    static const int states[] = { 2, 2, 2, 2, 1, 3, 4, 5, 6, 7 };
    *grant = (struct ref_grant){ .id = id,
                                 .state = states[roll(dice, 10)],
                                 .asker = often(dice, 93) ? c->asker : (int)roll(dice, 4),
                                 .dataset = often(dice, 93) ? c->dataset : (int)roll(dice, 2),
                                 .purpose = often(dice, 85) ? c->purpose : (int)roll(dice, 3),
                                 .automated = often(dice, 50),
                                 .from = now_ms - day_ms * roll(dice, 12),
                                 .uses = 1 + roll(dice, 5),
                                 .spent = often(dice, 60) ? 0 : roll(dice, 5) };
    if (often(dice, 5)) {
        grant->from = now_ms + (often(dice, 50) ? 1 : day_ms);
    }
    grant->until = often(dice, 80) ? now_ms + day_ms * 30 : now_ms + (int64_t)roll(dice, 3) - 1;
    for (int i = 0; i < c->field_count; i++) {
        if (often(dice, 75)) {
            const char *form = often(dice, 60) ? "full" : asked_forms[roll(dice, 11)];
            if (often(dice, 25) && strcmp(c->forms[i], "nonsense") != 0) {
                form = c->forms[i];
            }
            grant->fields[grant->field_count] = c->fields[i];
            grant->forms[grant->field_count++] = form;
        }
    }
}

static void make_case(struct dice *dice, const struct world *world, struct ref_case *c)
{
    // Twenty characters are enough, blanks at the ends and in a row do not count.
    static const struct {
        const char *text;
        int length;
    } reasons[] = { { "", 0 },
                    { "человек без сознания", 20 },
                    { "человек без сознани", 19 },
                    { "  too short            ", 9 },
                    { "unconscious, no pulse, severe bleeding", 38 } };
    const struct ref_agreement *a =
        &world->agreements[roll(dice, (uint32_t)world->agreement_count)];
    memset(c, 0, sizeof(*c));
    c->asker = often(dice, 95) ? a->asker : (int)roll(dice, 5);
    c->dataset = often(dice, 97) ? a->dataset : (int)roll(dice, 3);
    c->holder = often(dice, 95) ? 2 + c->dataset : (int)roll(dice, 5);
    c->purpose = (int)roll(dice, 3);
    if (often(dice, 90)) {
        while (!a->purposes[c->purpose]) {
            c->purpose = (int)roll(dice, 3);
        }
    } else if (often(dice, 20)) {
        c->purpose = WORLD_PURPOSES;
    }
    c->basis = 1 + (int)roll(dice, 5);
    if (often(dice, 88)) {
        while (!a->bases[c->basis]) {
            c->basis = 1 + (int)roll(dice, 5);
        }
    }
    c->role = (int)roll(dice, WORLD_ROLES + 1);
    for (int i = 0; i < WORLD_ROLES && often(dice, 85); i++) {
        c->role = a->roles[i] ? i : c->role;
    }
    c->article_good = often(dice, 85);
    uint32_t reason = often(dice, 60) ? 4 : roll(dice, 5);
    c->justification = reasons[reason].text;
    c->justification_length = reasons[reason].length;
    c->has_case = often(dice, 88);
    c->automated = often(dice, 30);
    c->partial_ok = often(dice, 75);
    c->exact = often(dice, 20);
    c->asker_active = often(dice, 98);
    c->holder_active = often(dice, 98);
    c->key_active = often(dice, 98);
    c->evidence = often(dice, 75) ? 2 : (int)roll(dice, 3);
    c->now = now_ms;
    c->counters_given = often(dice, 97);
    c->case_count = often(dice, 75) ? 0 : roll(dice, 4);
    c->day_count = often(dice, 75) ? 0 : roll(dice, 4);
    c->lock_number = often(dice, 40) ? (often(dice, 50) ? 18 : 65) : 0;
    c->lock_until = now_ms + (int64_t)roll(dice, 3) - 1;
    c->field_count = 1 + (int)roll(dice, CASE_FIELDS);
    for (int i = 0; i < c->field_count; i++) {
        int field = (int)roll(dice, WORLD_FIELDS + (often(dice, 10) ? 1 : 0));
        c->fields[i] = field;
        c->forms[i] = asked_forms[roll(dice, ARRAY_COUNT(asked_forms))];
        for (int j = 0; j < i; j++) {
            if (c->fields[j] == c->fields[i] && strcmp(c->forms[j], c->forms[i]) == 0) {
                c->field_count = i;
            }
        }
    }
    c->grant_count = (int)roll(dice, CASE_GRANTS + 1);
    for (int i = 0; i < c->grant_count; i++) {
        make_grant(dice, c, (unsigned)i + 1, &c->grants[i]);
    }
    c->consent = often(dice, 20) ? 1 + roll(dice, 4) : 0;
}

// The case in the types of the product, with its storage.
struct translation {
    char names[CASE_FIELDS][16];
    char codes[8][16];
    struct policy_ask asks[CASE_FIELDS];
    struct policy_request request;
    struct consent_grant grants[CASE_GRANTS];
    struct consent_grant_field grant_fields[CASE_GRANTS][CASE_FIELDS];
    char grant_names[CASE_GRANTS][CASE_FIELDS][16];
    char grant_codes[CASE_GRANTS][3][16];
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct policy_input input;
};

static struct bytes number_code(char code[16], const char *prefix, int number)
{
    snprintf(code, 16, "%s%d", prefix, number);
    return bytes_text(code);
}

static void translate_grant(const struct ref_case *c, int at, struct translation *t)
{
    const struct ref_grant *from = &c->grants[at];
    struct consent_grant *to = &t->grants[at];
    *to = (struct consent_grant){ .revision = 1,
                                  .state = (enum consent_state)from->state,
                                  .asker = number_code(t->grant_codes[at][0], "m", from->asker),
                                  .dataset = number_code(t->grant_codes[at][1], "d", from->dataset),
                                  .purpose = number_code(t->grant_codes[at][2], "p", from->purpose),
                                  .fields = t->grant_fields[at],
                                  .field_count = (size_t)from->field_count,
                                  .automated = from->automated,
                                  .not_before_ms = from->from,
                                  .not_after_ms = from->until,
                                  .uses = (uint32_t)from->uses,
                                  .spent = from->spent };
    to->id.bytes[0] = (uint8_t)from->id;
    for (int i = 0; i < from->field_count; i++) {
        t->grant_fields[at][i].name = number_code(t->grant_names[at][i], "f", from->fields[i]);
        assert_true(catalogue_form_parse(bytes_text(from->forms[i]), &t->grant_fields[at][i].form));
    }
}

static void translate(const struct catalogue *catalogue, const struct ref_case *c,
                      struct translation *t)
{
    struct policy_request *request = &t->request;
    *request = (struct policy_request){ .asker = number_code(t->codes[0], "m", c->asker),
                                        .official = bytes_text("official-1"),
                                        .official_role = number_code(t->codes[1], "r", c->role),
                                        .holder = number_code(t->codes[2], "m", c->holder),
                                        .dataset = number_code(t->codes[3], "d", c->dataset),
                                        .purpose = number_code(t->codes[4], "p", c->purpose),
                                        .fields = t->asks,
                                        .field_count = (size_t)c->field_count,
                                        .basis = (enum catalogue_basis)c->basis,
                                        .article = bytes_text(c->article_good ? "art. 2" : "art"),
                                        .justification = bytes_text(c->justification),
                                        .case_ref = bytes_text(c->has_case ? "case-7" : " "),
                                        .automated = c->automated,
                                        .partial_ok = c->partial_ok,
                                        .exact = c->exact };
    request->consent.bytes[0] = (uint8_t)c->consent;
    for (int i = 0; i < c->field_count; i++) {
        t->asks[i] = (struct policy_ask){ .name = number_code(t->names[i], "f", c->fields[i]),
                                          .form = bytes_text(c->forms[i]) };
    }
    for (int i = 0; i < c->grant_count; i++) {
        translate_grant(c, i, t);
    }
    t->input = (struct policy_input){
        .request = request,
        .catalogue = catalogue,
        .grants = t->grants,
        .grant_count = (size_t)c->grant_count,
        .counters = t->counters,
        .asker = c->asker_active ? POLICY_STANDING_ACTIVE : POLICY_STANDING_SUSPENDED,
        .holder = c->holder_active ? POLICY_STANDING_ACTIVE : POLICY_STANDING_UNKNOWN,
        .key = c->key_active ? POLICY_STANDING_ACTIVE : POLICY_STANDING_REVOKED,
        .evidence = (enum policy_evidence)c->evidence,
        .now_ms = c->now,
    };
    size_t count = policy_counters(&t->input, t->counters);
    for (size_t i = 0; i < count; i++) {
        struct policy_counter *counter = &t->counters[i];
        if (counter->kind == POLICY_COUNTER_CASE) {
            counter->value = c->case_count;
        } else if (counter->kind == POLICY_COUNTER_OFFICIAL_DAY) {
            counter->value = c->day_count;
        } else if (c->lock_number != 0) {
            counter->value = policy_form_lock((uint8_t)c->lock_number, c->lock_until);
        }
    }
    t->input.counter_count = c->counters_given ? count : 0;
}

// What a release would charge, counted from the reference's result.
static size_t expected_charges(const struct world *world, const struct ref_case *c,
                               const struct ref_result *result)
{
    size_t charges = 0;
    bool permits = false;
    for (int i = 0; i < c->field_count; i++) {
        permits = permits || result->given[i] != NULL;
        charges += result->given[i] != NULL && strncmp(result->given[i], "over(", 5) == 0;
    }
    if (!permits) {
        return 0;
    }
    const struct ref_agreement *a = &world->agreements[result->agreement];
    return charges + (a->per_case != 0) + (a->per_day != 0) + (result->grant >= 0);
}

// NULL, or in which way the decision and the reference differ.
static const char *compare(const struct world *world, const struct ref_case *c,
                           const struct translation *t, const struct policy_decision *decision,
                           const struct ref_result *result)
{
    for (int i = 0; i < c->field_count; i++) {
        const struct policy_field_decision *field = &decision->fields[i];
        char given[CATALOGUE_FORM_TEXT_BYTES];
        catalogue_form_format(field->given, given);
        if (strcmp(catalogue_reason_name(field->reason), result->reasons[i]) != 0) {
            return "reason";
        }
        if (strcmp(catalogue_reason_name(field->asker_reason), result->asker_reasons[i]) != 0) {
            return "asker's reason";
        }
        if ((field->verdict == POLICY_PERMIT) != (result->given[i] != NULL) ||
            strcmp(given, result->given[i] != NULL ? result->given[i] : "") != 0) {
            return "form";
        }
        if (field->over_asked != result->over_asked[i]) {
            return "over-asked";
        }
    }
    const struct consent_grant *grant = result->grant >= 0 ? &t->grants[result->grant] : NULL;
    if (decision->consent != grant) {
        return "consent";
    }
    return decision->charge_count != expected_charges(world, c, result) ? "charges" : NULL;
}

static uint64_t run(enum broken broken, uint64_t seed, int worlds, int cases, bool must_agree,
                    uint64_t *permitted)
{
    struct dice dice = { seed };
    struct error err;
    uint64_t differences = 0;
    for (int w = 0; w < worlds; w++) {
        struct world world;
        make_world(&dice, &world);
        struct catalogue *catalogue = load_world(&world);
        for (int i = 0; i < cases; i++) {
            struct ref_case c;
            struct ref_result result;
            struct translation t;
            struct policy_decision decision;
            make_case(&dice, &world, &c);
            translate(catalogue, &c, &t);
            assert_ok(policy_decide(&t.input, &decision, &err));
            ref_decide(&world, &c, broken, &result);
            const char *difference = compare(&world, &c, &t, &decision, &result);
            *permitted += decision.permits_any;
            if (difference != NULL && must_agree) {
                fail_msg("seed %llu world %d case %d: another %s", (unsigned long long)seed, w, i,
                         difference);
            }
            differences += difference != NULL;
            if (differences != 0 && !must_agree) {
                break;
            }
        }
        catalogue_destroy(&catalogue);
        if (differences != 0 && !must_agree) {
            break;
        }
    }
    return differences;
}

TEST(the_decision_is_that_of_the_naive_reference)
{
    uint64_t permitted = 0;
    run(BROKEN_NOTHING, 1, WORLDS, CASES, true, &permitted);
    // The worlds are not so strict that nothing is ever given, nor so lax that all is.
    assert_in_range(permitted, WORLDS * CASES / 10, WORLDS * CASES * 9 / 10);
}

TEST(a_reference_that_lacks_any_one_rule_is_told_apart)
{
    for (int broken = BROKEN_NOTHING + 1; broken < BROKEN_COUNT; broken++) {
        uint64_t permitted = 0;
        if (run((enum broken)broken, 2, 40, 1000, false, &permitted) == 0) {
            fail_msg("40,000 cases do not notice that rule %d is missing", broken);
        }
    }
}
