// The scenes of the sample scenario, decided; and what a decision says besides its verdicts.
#include "policy/decide.h"

#include "../catalogue/scenario.h"

static const int64_t now_ms = 1790000000000;
static const int64_t day_ms = 86400000;

static struct catalogue *scenario;

static const struct catalogue *the_scenario(void)
{
    if (scenario == NULL) {
        scenario = load_scenario();
    }
    return scenario;
}

__attribute__((destructor)) static void forget_scenario(void)
{
    catalogue_destroy(&scenario);
}

#define ASK(field, form_text)                                                                      \
    {                                                                                              \
        .name = { (const uint8_t *)(field), sizeof(field) - 1 }, .form = {                         \
            (const uint8_t *)(form_text),                                                          \
            sizeof(form_text) - 1                                                                  \
        }                                                                                          \
    }
#define GRANT(field, form_kind)                                                                    \
    {                                                                                              \
        .name = { (const uint8_t *)(field), sizeof(field) - 1 }, .form = {.kind = (form_kind) }    \
    }

static const struct policy_ask opinion_asks[] = { ASK("no_objection", "full"),
                                                  ASK("examined_on", "full"),
                                                  ASK("diagnosis", "full") };
static const struct consent_grant_field opinion_fields[] = {
    GRANT("no_objection", CATALOGUE_FORM_FULL),
    GRANT("examined_on", CATALOGUE_FORM_FULL),
    GRANT("diagnosis", CATALOGUE_FORM_FULL),
};

// The inspectorate's question to the dispensary, with Anna's consent to more than the agreement
// has.
struct scene {
    struct policy_request request;
    struct consent_grant grant;
    struct policy_input input;
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct policy_decision decision;
};

static void set_scene(struct scene *scene)
{
    scene->request = (struct policy_request){
        .asker = bytes_text("ru/interior/road-safety"),
        .official = bytes_text("insp-0417"),
        .official_role = bytes_text("inspector"),
        .holder = bytes_text("ru/health/psychiatry"),
        .dataset = bytes_text("health.psychiatry-opinion"),
        .purpose = bytes_text("driving-licence-issue"),
        .fields = opinion_asks,
        .field_count = ARRAY_COUNT(opinion_asks),
        .basis = CATALOGUE_BASIS_CONSENT,
        .case_ref = bytes_text("licence-77"),
        .partial_ok = true,
    };
    scene->grant = (struct consent_grant){ .id = { { 9 } },
                                           .revision = 1,
                                           .state = CONSENT_ACTIVE,
                                           .asker = scene->request.asker,
                                           .dataset = scene->request.dataset,
                                           .purpose = scene->request.purpose,
                                           .fields = opinion_fields,
                                           .field_count = ARRAY_COUNT(opinion_fields),
                                           .not_before_ms = now_ms - day_ms,
                                           .not_after_ms = now_ms + day_ms,
                                           .uses = 3 };
    scene->input = (struct policy_input){ .request = &scene->request,
                                          .catalogue = the_scenario(),
                                          .grants = &scene->grant,
                                          .grant_count = 1,
                                          .counters = scene->counters,
                                          .asker = POLICY_STANDING_ACTIVE,
                                          .holder = POLICY_STANDING_ACTIVE,
                                          .key = POLICY_STANDING_ACTIVE,
                                          .now_ms = now_ms };
}

static void decide(struct scene *scene)
{
    struct error err;
    scene->input.counter_count = policy_counters(&scene->input, scene->counters);
    assert_ok(policy_decide(&scene->input, &scene->decision, &err));
}

static void assert_field(const struct scene *scene, size_t at, const char *given,
                         enum catalogue_reason reason)
{
    char text[CATALOGUE_FORM_TEXT_BYTES];
    catalogue_form_format(scene->decision.fields[at].given, text);
    assert_string_equal(text, given);
    assert_string_equal(catalogue_reason_name(scene->decision.fields[at].reason),
                        catalogue_reason_name(reason));
}

TEST(a_day_is_passed_on_as_the_year_and_a_diagnosis_not_at_all)
{
    struct scene scene;
    set_scene(&scene);
    decide(&scene);
    assert_field(&scene, 0, "full", CATALOGUE_REASON_ALLOWED);
    assert_field(&scene, 1, "year", CATALOGUE_REASON_WEAKER_FORM);
    assert_field(&scene, 2, "", CATALOGUE_REASON_NO_AGREEMENT);
    assert_true(scene.decision.permits_any);
    assert_true(scene.decision.fields[2].over_asked);
    assert_false(scene.decision.fields[1].over_asked);
    assert_string_equal(scene.decision.agreement->id, "licence-psychiatry");
    assert_ptr_equal(scene.decision.consent, &scene.grant);
    assert_int_equal(scene.decision.charge_count, 1);
    assert_int_equal(scene.decision.charges[0].kind, POLICY_COUNTER_CONSENT);
    assert_int_equal(scene.decision.charges[0].value, 1);
    assert_int_equal(scene.decision.charges[0].limit, 3);
}

TEST(what_a_citizen_declined_is_never_counted_as_over_asking)
{
    struct scene scene;
    set_scene(&scene);
    scene.grant.field_count = 1;
    decide(&scene);
    assert_field(&scene, 1, "", CATALOGUE_REASON_NO_CONSENT);
    assert_false(scene.decision.fields[1].over_asked);
}

TEST(the_asker_reads_the_same_whatever_the_citizen_decided)
{
    static const enum consent_state states[] = { CONSENT_REQUESTED, CONSENT_PAUSED,
                                                 CONSENT_WITHDRAWN, CONSENT_EXPIRED,
                                                 CONSENT_REFUSED,   CONSENT_SUPERSEDED };
    struct scene scene;
    set_scene(&scene);
    for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
        scene.grant.state = states[i];
        decide(&scene);
        assert_false(scene.decision.permits_any);
        assert_int_equal(scene.decision.fields[0].asker_reason, CATALOGUE_REASON_NO_CONSENT);
        assert_int_equal(scene.decision.fields[2].asker_reason, CATALOGUE_REASON_NO_AGREEMENT);
        assert_int_equal(scene.decision.charge_count, 0);
    }
    scene.input.grant_count = 0;
    decide(&scene);
    assert_int_equal(scene.decision.fields[0].asker_reason, CATALOGUE_REASON_NO_CONSENT);
    assert_null(scene.decision.consent);
}

TEST(the_citizen_reads_why)
{
    struct scene scene;
    set_scene(&scene);
    scene.grant.state = CONSENT_PAUSED;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_CONSENT_PAUSED);
    scene.grant.state = CONSENT_WITHDRAWN;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_CONSENT_WITHDRAWN);
    scene.grant.state = CONSENT_ACTIVE;
    scene.grant.not_after_ms = now_ms;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_CONSENT_EXPIRED);
}

TEST(exact_refuses_rather_than_weakens)
{
    struct scene scene;
    set_scene(&scene);
    scene.request.exact = true;
    decide(&scene);
    assert_field(&scene, 0, "full", CATALOGUE_REASON_ALLOWED);
    assert_field(&scene, 1, "", CATALOGUE_REASON_FORM_NOT_ALLOWED);
}

TEST(all_or_nothing_gives_nothing_when_one_field_is_refused)
{
    struct scene scene;
    set_scene(&scene);
    scene.request.partial_ok = false;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_ALL_OR_NOTHING);
    assert_field(&scene, 2, "", CATALOGUE_REASON_NO_AGREEMENT);
    assert_false(scene.decision.permits_any);
    scene.request.field_count = 2;
    decide(&scene);
    assert_field(&scene, 0, "full", CATALOGUE_REASON_ALLOWED);
}

TEST(zeroed_memory_denies)
{
    struct scene scene;
    set_scene(&scene);
    scene.input.asker = (enum policy_standing)0;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_MEMBER_SUSPENDED);
    set_scene(&scene);
    scene.request.basis = (enum catalogue_basis)0;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_BASIS_NOT_ALLOWED);
    assert_int_equal((enum policy_verdict)0, POLICY_DENY);
}

TEST(a_consent_never_reaches_past_its_agreement)
{
    struct scene scene;
    set_scene(&scene);
    scene.grant.not_before_ms = now_ms - 91 * day_ms;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_CONSENT_EXPIRED);
    set_scene(&scene);
    scene.grant.uses = 100;
    scene.grant.spent = 3;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_CONSENT_USED_UP);
}

TEST(law_needs_its_article_letter_for_letter)
{
    static const struct policy_ask asks[] = { ASK("full_name", "match"),
                                              ASK("birth_date", "full") };
    struct scene scene;
    set_scene(&scene);
    scene.request.dataset = bytes_text("identity.person");
    scene.request.holder = bytes_text("ru/tax/population-register");
    scene.request.purpose = bytes_text("identity-check");
    scene.request.basis = CATALOGUE_BASIS_LAW;
    scene.request.article = bytes_text("210-ФЗ, ст. 7.1");
    scene.request.fields = asks;
    scene.request.field_count = ARRAY_COUNT(asks);
    decide(&scene);
    assert_field(&scene, 0, "match", CATALOGUE_REASON_ALLOWED);
    assert_field(&scene, 1, "", CATALOGUE_REASON_FORM_NOT_ALLOWED);
    assert_int_equal(scene.decision.charge_count, 2);
    scene.request.article = bytes_text("210-ФЗ, ст. 7");
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_EVIDENCE_INVALID);
}

static void set_emergency(struct scene *scene)
{
    static const struct policy_ask asks[] = { ASK("blood_group", "full"),
                                              ASK("allergies", "full") };
    set_scene(scene);
    scene->request.asker = bytes_text("ru/health/ambulance");
    scene->request.official_role = bytes_text("paramedic");
    scene->request.dataset = bytes_text("health.emergency-card");
    scene->request.holder = bytes_text("ru/health/clinic-2");
    scene->request.purpose = bytes_text("emergency-care");
    scene->request.basis = CATALOGUE_BASIS_VITAL_INTEREST;
    scene->request.justification = bytes_text("без сознания, вызов 112, улица");
    scene->request.case_ref = bytes_of(NULL, 0);
    scene->request.fields = asks;
    scene->request.field_count = ARRAY_COUNT(asks);
    scene->input.grant_count = 0;
}

TEST(danger_to_life_passes_at_once_within_its_bounds)
{
    struct scene scene;
    struct error err;
    set_emergency(&scene);
    decide(&scene);
    assert_field(&scene, 1, "full", CATALOGUE_REASON_ALLOWED);
    assert_true(scene.decision.agreement->notice_at_once);
    assert_int_equal(scene.decision.agreement->review_hours, 72);
    scene.counters[0].value = 20;
    assert_ok(policy_decide(&scene.input, &scene.decision, &err));
    assert_field(&scene, 1, "", CATALOGUE_REASON_LIMIT_REACHED);
    scene.request.justification = bytes_text("срочно");
    decide(&scene);
    assert_field(&scene, 1, "", CATALOGUE_REASON_NO_JUSTIFICATION);
    set_emergency(&scene);
    scene.request.official_role = bytes_text("caseworker");
    decide(&scene);
    assert_field(&scene, 1, "", CATALOGUE_REASON_ROLE_NOT_ALLOWED);
}

TEST(a_counter_that_was_not_looked_up_counts_as_spent)
{
    struct scene scene;
    struct error err;
    set_emergency(&scene);
    scene.input.counter_count = 0;
    assert_ok(policy_decide(&scene.input, &scene.decision, &err));
    assert_field(&scene, 0, "", CATALOGUE_REASON_LIMIT_REACHED);
}

TEST(an_officials_day_is_a_counter_of_its_own_each_day)
{
    struct scene scene;
    uint8_t first[POLICY_COUNTER_BYTES];
    uint8_t second[POLICY_COUNTER_BYTES];
    set_emergency(&scene);
    assert_int_equal(policy_counters(&scene.input, scene.counters), 1);
    size_t first_size = policy_counter_identity(&scene.counters[0], bytes_text("tag"), first);
    scene.input.now_ms += day_ms;
    assert_int_equal(policy_counters(&scene.input, scene.counters), 1);
    size_t second_size = policy_counter_identity(&scene.counters[0], bytes_text("tag"), second);
    assert_int_equal(first_size, second_size);
    assert_memory_not_equal(first, second, first_size);
}

TEST(an_age_is_not_probed_by_asking_twice)
{
    static const struct policy_ask asks[] = { ASK("birth_date", "over(65)") };
    struct scene scene;
    struct error err;
    set_scene(&scene);
    scene.request.asker = bytes_text("ru/social/support");
    scene.request.official_role = bytes_text("caseworker");
    scene.request.dataset = bytes_text("identity.person");
    scene.request.holder = bytes_text("ru/tax/population-register");
    scene.request.purpose = bytes_text("travel-discount");
    scene.request.basis = CATALOGUE_BASIS_EXPLICIT_REQUEST;
    scene.request.fields = asks;
    scene.request.field_count = 1;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_BASIS_UNSUPPORTED);
    scene.input.evidence = POLICY_EVIDENCE_INVALID;
    decide(&scene);
    assert_field(&scene, 0, "", CATALOGUE_REASON_EVIDENCE_INVALID);
    scene.input.evidence = POLICY_EVIDENCE_VALID;
    decide(&scene);
    assert_field(&scene, 0, "over(65)", CATALOGUE_REASON_ALLOWED);
    assert_int_equal(scene.decision.charges[0].kind, POLICY_COUNTER_FORM_LOCK);
    assert_true(scene.decision.charges[0].value == policy_form_lock(65, now_ms + 30 * day_ms));
    scene.counters[0].value = policy_form_lock(66, now_ms + 1);
    assert_ok(policy_decide(&scene.input, &scene.decision, &err));
    assert_field(&scene, 0, "", CATALOGUE_REASON_FORM_NOT_ALLOWED);
    scene.counters[0].value = policy_form_lock(66, now_ms);
    assert_ok(policy_decide(&scene.input, &scene.decision, &err));
    assert_field(&scene, 0, "over(65)", CATALOGUE_REASON_ALLOWED);
}

TEST(a_form_lock_belongs_to_one_citizen)
{
    uint8_t anna[POLICY_COUNTER_BYTES];
    uint8_t boris[POLICY_COUNTER_BYTES];
    struct policy_counter lock = { .kind = POLICY_COUNTER_FORM_LOCK, .per_subject = true };
    size_t size = policy_counter_identity(&lock, bytes_text("tag-a"), anna);
    assert_int_equal(size, policy_counter_identity(&lock, bytes_text("tag-b"), boris));
    assert_memory_not_equal(anna, boris, size);
    lock.per_subject = false;
    size = policy_counter_identity(&lock, bytes_text("tag-a"), anna);
    assert_int_equal(size, policy_counter_identity(&lock, bytes_text("tag-b"), boris));
    assert_memory_equal(anna, boris, size);
}

TEST(counters_of_different_scopes_never_share_an_identity)
{
    uint8_t left[POLICY_COUNTER_BYTES];
    uint8_t right[POLICY_COUNTER_BYTES];
    struct policy_counter a = { .kind = POLICY_COUNTER_CASE,
                                .agreement = bytes_text("ab"),
                                .scope = bytes_text("c") };
    struct policy_counter b = { .kind = POLICY_COUNTER_CASE,
                                .agreement = bytes_text("a"),
                                .scope = bytes_text("bc") };
    size_t size = policy_counter_identity(&a, bytes_of(NULL, 0), left);
    assert_int_equal(size, policy_counter_identity(&b, bytes_of(NULL, 0), right));
    assert_memory_not_equal(left, right, size);
}

TEST(no_field_or_too_many_is_malformed)
{
    struct scene scene;
    struct error err;
    set_scene(&scene);
    scene.request.field_count = 0;
    assert_status(ST_MALFORMED, policy_decide(&scene.input, &scene.decision, &err));
    scene.request.field_count = CATALOGUE_FIELDS_MAX + 1;
    assert_status(ST_MALFORMED, policy_decide(&scene.input, &scene.decision, &err));
    assert_int_equal(policy_counters(&scene.input, scene.counters), 0);
}

TEST(the_same_input_gives_the_same_decision)
{
    struct scene scene;
    struct error err;
    struct policy_decision again;
    set_scene(&scene);
    decide(&scene);
    memset(&again, 0xa5, sizeof(again));
    assert_ok(policy_decide(&scene.input, &again, &err));
    assert_int_equal(again.field_count, scene.decision.field_count);
    for (size_t i = 0; i < again.field_count; i++) {
        assert_int_equal(again.fields[i].verdict, scene.decision.fields[i].verdict);
        assert_int_equal(again.fields[i].reason, scene.decision.fields[i].reason);
        assert_int_equal(again.fields[i].given.kind, scene.decision.fields[i].given.kind);
    }
    assert_int_equal(again.charge_count, scene.decision.charge_count);
    assert_ptr_equal(again.bundle_hash, scene.decision.bundle_hash);
}
