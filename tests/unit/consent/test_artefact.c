// What may follow what in the life of a consent, and that it only ever becomes less.
#include "consent/artefact.h"

#include "../catalogue/scenario.h"

static const uint64_t now_ms = 1790000000000;
static const uint64_t day_ms = 86400000;

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

// Anna's consent to the psychiatrist's opinion, as asked for by the inspectorate.
struct consent {
    struct wire_field_ask fields[4];
    struct wire_artefact artefact;
};

static void set_consent(struct consent *consent)
{
    consent->fields[0] = (struct wire_field_ask){ bytes_text("no_objection"), bytes_text("full") };
    consent->fields[1] = (struct wire_field_ask){ bytes_text("examined_on"), bytes_text("year") };
    consent->artefact = (struct wire_artefact){ .version = 1,
                                                .id = { { 5 } },
                                                .revision = 1,
                                                .asker = bytes_text("ru/interior/road-safety"),
                                                .dataset = bytes_text("health.psychiatry-opinion"),
                                                .fields = consent->fields,
                                                .fields_count = 2,
                                                .purpose = bytes_text("driving-licence-issue"),
                                                .not_before = now_ms,
                                                .not_after = now_ms + 90 * day_ms,
                                                .uses = 3,
                                                .state = CONSENT_REQUESTED,
                                                .collected_at = now_ms };
}

static const struct digest current_hash = { { 0xaa } };

// The next revision of `current` in `state`, with fields of its own.
static void set_next(const struct consent *current, enum consent_state state, struct consent *next)
{
    *next = *current;
    next->artefact.fields = next->fields;
    next->artefact.revision++;
    next->artefact.previous = current_hash;
    next->artefact.state = state;
    next->artefact.collected_at++;
}

static enum status follows(const struct consent *current, const struct consent *next,
                           enum consent_action action)
{
    struct error err;
    return consent_artefact_follows(&current->artefact, &current_hash, &next->artefact, action,
                                    CONSENT_ACTOR_CITIZEN, &err);
}

TEST(a_consent_walks_through_its_states_and_no_others)
{
    static const struct {
        enum consent_state from;
        enum consent_action action;
        enum consent_state to;
    } legal[] = {
        { CONSENT_NONE, CONSENT_GRANT, CONSENT_ACTIVE },
        { CONSENT_REQUESTED, CONSENT_GRANT, CONSENT_ACTIVE },
        { CONSENT_REQUESTED, CONSENT_REFUSE, CONSENT_REFUSED },
        { CONSENT_ACTIVE, CONSENT_GRANT, CONSENT_ACTIVE },
        { CONSENT_ACTIVE, CONSENT_PAUSE, CONSENT_PAUSED },
        { CONSENT_ACTIVE, CONSENT_WITHDRAW, CONSENT_WITHDRAWN },
        { CONSENT_PAUSED, CONSENT_RESUME, CONSENT_ACTIVE },
        { CONSENT_PAUSED, CONSENT_WITHDRAW, CONSENT_WITHDRAWN },
    };
    size_t found = 0;
    for (int from = 0; from < CONSENT_STATE_COUNT; from++) {
        for (int action = 0; action < CONSENT_ACTION_COUNT; action++) {
            enum consent_state to = consent_transition(
                (enum consent_state)from, (enum consent_action)action, CONSENT_ACTOR_CITIZEN);
            enum consent_state expected = CONSENT_NONE;
            for (size_t i = 0; i < ARRAY_COUNT(legal); i++) {
                if ((int)legal[i].from == from && (int)legal[i].action == action) {
                    expected = legal[i].to;
                }
            }
            assert_int_equal(to, expected);
            found += to != CONSENT_NONE;
        }
    }
    assert_int_equal(found, ARRAY_COUNT(legal));
}

TEST(an_agency_can_ask_and_nothing_else)
{
    for (int from = 0; from < CONSENT_STATE_COUNT; from++) {
        for (int action = 0; action < CONSENT_ACTION_COUNT; action++) {
            bool asks = from == CONSENT_NONE && action == CONSENT_REQUEST;
            assert_int_equal(consent_transition((enum consent_state)from,
                                                (enum consent_action)action, CONSENT_ACTOR_AGENCY),
                             asks ? CONSENT_REQUESTED : CONSENT_NONE);
        }
    }
}

TEST(a_consent_within_its_agreement_is_accepted)
{
    struct error err;
    struct consent consent;
    set_consent(&consent);
    assert_ok(consent_artefact_within(&consent.artefact, the_scenario(), &err));
    consent.fields[1].form = bytes_text("year");
    consent.artefact.fields_count = 1;
    assert_ok(consent_artefact_within(&consent.artefact, the_scenario(), &err));
}

TEST(a_consent_never_exceeds_its_agreement)
{
    struct error err;
    struct consent consent;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        set_consent(&consent);                                                                     \
        change;                                                                                    \
        assert_status(ST_DENIED,                                                                   \
                      consent_artefact_within(&consent.artefact, the_scenario(), &err));           \
    } while (0)
    REFUSED(consent.fields[1].form = bytes_text("full"));
    REFUSED(consent.fields[1].form = bytes_text("match"));
    REFUSED(consent.fields[1].form = bytes_text("whole"));
    REFUSED(consent.fields[1].name = bytes_text("diagnosis"));
    REFUSED(consent.fields[1].name = bytes_text("shoe_size"));
    REFUSED(consent.fields[1] = consent.fields[0]);
    REFUSED(consent.artefact.fields_count = 0);
    REFUSED(consent.artefact.not_after++);
    REFUSED(consent.artefact.not_after = consent.artefact.not_before);
    REFUSED(consent.artefact.uses = 4);
    REFUSED(consent.artefact.uses = 0);
    REFUSED(consent.artefact.purpose = bytes_text("travel-discount"));
    REFUSED(consent.artefact.purpose = bytes_text("curiosity"));
    REFUSED(consent.artefact.asker = bytes_text("ru/health/ambulance"));
    REFUSED(consent.artefact.asker = bytes_text("ru/nobody"));
    REFUSED(consent.artefact.dataset = bytes_text("identity.person"));
#undef REFUSED
}

TEST(a_grant_is_at_most_what_was_asked)
{
    struct consent asked;
    struct consent given;
    set_consent(&asked);
    set_next(&asked, CONSENT_ACTIVE, &given);
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_OK);
    given.artefact.fields_count = 1;
    given.artefact.uses = 1;
    given.artefact.not_after -= day_ms;
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_OK);
    given.fields[0].name = bytes_text("visits");
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &given);
    given.fields[1].form = bytes_text("full");
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &given);
    given.artefact.automated = true;
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &given);
    given.artefact.uses++;
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &given);
    given.artefact.not_before--;
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &given);
    given.artefact.not_after++;
    assert_int_equal(follows(&asked, &given, CONSENT_GRANT), ST_DENIED);
}

TEST(pausing_and_withdrawing_change_the_state_alone)
{
    struct consent active;
    struct consent next;
    set_consent(&active);
    active.artefact.state = CONSENT_ACTIVE;
    set_next(&active, CONSENT_PAUSED, &next);
    assert_int_equal(follows(&active, &next, CONSENT_PAUSE), ST_OK);
    next.artefact.uses = 1;
    assert_int_equal(follows(&active, &next, CONSENT_PAUSE), ST_DENIED);
    set_next(&active, CONSENT_WITHDRAWN, &next);
    assert_int_equal(follows(&active, &next, CONSENT_WITHDRAW), ST_OK);
    next.artefact.fields_count = 1;
    assert_int_equal(follows(&active, &next, CONSENT_WITHDRAW), ST_DENIED);
    set_next(&active, CONSENT_ACTIVE, &next);
    assert_int_equal(follows(&active, &next, CONSENT_WITHDRAW), ST_DENIED);
}

TEST(nothing_follows_a_withdrawal)
{
    struct consent gone;
    struct consent next;
    set_consent(&gone);
    gone.artefact.state = CONSENT_WITHDRAWN;
    for (int action = CONSENT_REQUEST; action < CONSENT_ACTION_COUNT; action++) {
        set_next(&gone, CONSENT_ACTIVE, &next);
        assert_int_equal(follows(&gone, &next, (enum consent_action)action), ST_DENIED);
    }
}

TEST(a_change_made_from_another_revision_is_stale)
{
    struct error err;
    struct consent asked;
    struct consent next;
    set_consent(&asked);
    set_next(&asked, CONSENT_ACTIVE, &next);
    next.artefact.revision++;
    assert_int_equal(follows(&asked, &next, CONSENT_GRANT), ST_STALE);
    set_next(&asked, CONSENT_ACTIVE, &next);
    next.artefact.previous.bytes[0]++;
    assert_int_equal(follows(&asked, &next, CONSENT_GRANT), ST_STALE);
    assert_status(ST_STALE, consent_artefact_follows(NULL, NULL, &next.artefact, CONSENT_GRANT,
                                                     CONSENT_ACTOR_CITIZEN, &err));
    assert_ok(consent_artefact_follows(NULL, NULL, &asked.artefact, CONSENT_REQUEST,
                                       CONSENT_ACTOR_AGENCY, &err));
}

TEST(asker_dataset_and_purpose_never_change)
{
    struct consent asked;
    struct consent next;
    set_consent(&asked);
    set_next(&asked, CONSENT_ACTIVE, &next);
    next.artefact.asker = bytes_text("ru/social/support");
    assert_int_equal(follows(&asked, &next, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &next);
    next.artefact.id.bytes[0]++;
    assert_int_equal(follows(&asked, &next, CONSENT_GRANT), ST_DENIED);
    set_next(&asked, CONSENT_ACTIVE, &next);
    next.artefact.purpose = bytes_text("travel-discount");
    assert_int_equal(follows(&asked, &next, CONSENT_GRANT), ST_DENIED);
}

TEST(policy_reads_what_was_signed)
{
    struct error err;
    struct consent consent;
    struct consent_grant grant;
    struct arena *arena = arena_create(4096);
    set_consent(&consent);
    consent.artefact.state = CONSENT_PAUSED;
    assert_ok(consent_grant_read(&consent.artefact, &current_hash, 2, arena, &grant, &err));
    assert_int_equal(grant.state, CONSENT_PAUSED);
    assert_int_equal(grant.field_count, 2);
    assert_int_equal(grant.fields[1].form.kind, CATALOGUE_FORM_YEAR);
    assert_int_equal(grant.spent, 2);
    assert_int_equal(grant.not_after_ms, now_ms + 90 * day_ms);
    assert_true(digest_equal(&grant.hash, &current_hash));
    consent.fields[0].form = bytes_text("some");
    assert_status(ST_MALFORMED,
                  consent_grant_read(&consent.artefact, &current_hash, 0, arena, &grant, &err));
    arena_destroy(&arena);
}

TEST(a_consent_past_its_window_has_expired)
{
    assert_int_equal(consent_state_at(CONSENT_ACTIVE, now_ms, (int64_t)now_ms), CONSENT_EXPIRED);
    assert_int_equal(consent_state_at(CONSENT_ACTIVE, now_ms + 1, (int64_t)now_ms), CONSENT_ACTIVE);
    assert_int_equal(consent_state_at(CONSENT_WITHDRAWN, now_ms, (int64_t)now_ms),
                     CONSENT_WITHDRAWN);
}
