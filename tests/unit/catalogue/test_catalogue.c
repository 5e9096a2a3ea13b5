// The sample scenario loads and reads as it was written; a bad bundle is refused whole, with file,
// line, key and what was expected.
#include <stdlib.h>

#include "scenario.h"

static struct catalogue *scenario;

static struct catalogue *the_scenario(void)
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

// Fails unless the edited scenario is refused with each of the words in the message.
static void assert_refused(const char *file, const char *old, const char *new, const char *where,
                           const char *what)
{
    struct error err = { 0 };
    struct catalogue *catalogue = NULL;
    struct digest hash = { { 0 } };
    struct buffer blob = buffer_init(1 << 20);
    edited_scenario(&blob, file, old, new);
    assert_status(ST_MALFORMED, catalogue_load(buffer_view(&blob), &hash, &catalogue, &err));
    assert_null(catalogue);
    if (strstr(err.message, where) == NULL || strstr(err.message, what) == NULL) {
        fail_msg("'%s' does not say '%s' and '%s'", err.message, where, what);
    }
    buffer_fini(&blob);
}

TEST(the_scenario_loads_with_everything_in_it)
{
    size_t count = 0;
    catalogue_members(the_scenario(), &count);
    assert_int_equal(count, 9);
    catalogue_purposes(the_scenario(), &count);
    assert_int_equal(count, 4);
    catalogue_datasets(the_scenario(), &count);
    assert_int_equal(count, 5);
    catalogue_agreements(the_scenario(), &count);
    assert_int_equal(count, 6);
    const struct catalogue_member *member =
        catalogue_member(the_scenario(), bytes_text("ru/health/clinic-2"));
    assert_non_null(member);
    assert_string_equal(member->title.in[CATALOGUE_RU], "Поликлиника № 2");
    assert_null(catalogue_member(the_scenario(), bytes_text("ru/health/clinic-3")));
}

TEST(an_agreement_reads_as_it_was_written)
{
    const struct catalogue_agreement *agreement =
        catalogue_agreement(the_scenario(), bytes_text("ambulance-card"));
    assert_non_null(agreement);
    assert_string_equal(agreement->asker->code, "ru/health/ambulance");
    assert_int_equal(agreement->bases, 1u << CATALOGUE_BASIS_VITAL_INTEREST);
    assert_true(agreement->justification_required);
    assert_true(agreement->notice_at_once);
    assert_int_equal(agreement->per_official_day, 20);
    assert_int_equal(agreement->review_hours, 72);
    assert_string_equal(agreement->paper.in[CATALOGUE_RU], "");
    agreement = catalogue_agreement(the_scenario(), bytes_text("licence-certificate"));
    assert_int_equal(agreement->consent_days, 90);
    assert_int_equal(agreement->consent_uses, 3);
    const struct catalogue_field *field =
        catalogue_field(agreement->dataset, bytes_text("diagnoses"));
    assert_non_null(field);
    assert_int_equal(agreement->forms[field - agreement->dataset->fields].kinds, 0);
}

TEST(agreements_are_found_by_asker_and_dataset_alone)
{
    const struct catalogue *catalogue = the_scenario();
    size_t count = 0;
    const struct catalogue_agreement *const *found = catalogue_agreements_of(
        catalogue, catalogue_member(catalogue, bytes_text("ru/interior/road-safety")),
        catalogue_dataset(catalogue, bytes_text("health.psychiatry-opinion")), &count);
    assert_int_equal(count, 1);
    assert_string_equal(found[0]->id, "licence-psychiatry");
    catalogue_agreements_of(catalogue,
                            catalogue_member(catalogue, bytes_text("ru/health/ambulance")),
                            catalogue_dataset(catalogue, bytes_text("identity.person")), &count);
    assert_int_equal(count, 0);
}

static bool is_for(const struct catalogue_agreement *agreement,
                   const struct catalogue_purpose *purpose)
{
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        if (agreement->purposes[i] == purpose) {
            return true;
        }
    }
    return false;
}

// What is found for the purpose is what a walk over all of asker and dataset finds. Returns how
// many those are.
static size_t check_found(const struct catalogue *catalogue, const struct catalogue_member *asker,
                          const struct catalogue_dataset *dataset,
                          const struct catalogue_purpose *purpose)
{
    size_t all_count = 0;
    size_t count = 0;
    size_t place = 0;
    const struct catalogue_agreement *const *all =
        catalogue_agreements_of(catalogue, asker, dataset, &all_count);
    const struct catalogue_agreement *const *found =
        catalogue_agreements_for(catalogue, asker, dataset, purpose, &count);
    for (size_t i = 0; i < all_count; i++) {
        if (is_for(all[i], purpose)) {
            assert_true(place < count);
            assert_ptr_equal(found[place++], all[i]);
        }
    }
    assert_int_equal(place, count);
    return count;
}

TEST(agreements_are_found_by_purpose_as_a_walk_over_all_finds_them)
{
    size_t member_count = 0;
    size_t dataset_count = 0;
    size_t purpose_count = 0;
    size_t found = 0;
    struct error err = { 0 };
    struct catalogue *catalogue = NULL;
    struct digest hash = { { 0 } };
    struct buffer blob = buffer_init(1 << 20);
    edited_scenario(&blob, "agreements.yaml", "purposes: [driving-licence-issue]",
                    "purposes: [travel-discount, driving-licence-issue]");
    assert_status(ST_OK, catalogue_load(buffer_view(&blob), &hash, &catalogue, &err));
    const struct catalogue_member *members = catalogue_members(catalogue, &member_count);
    const struct catalogue_dataset *datasets = catalogue_datasets(catalogue, &dataset_count);
    const struct catalogue_purpose *purposes = catalogue_purposes(catalogue, &purpose_count);
    for (size_t i = 0; i < member_count * dataset_count * purpose_count; i++) {
        found += check_found(catalogue, &members[i % member_count],
                             &datasets[i / member_count % dataset_count],
                             &purposes[i / member_count / dataset_count]);
    }
    assert_int_equal(found, 7); // six agreements, one of them for two purposes
    catalogue_destroy(&catalogue);
    buffer_fini(&blob);
}

TEST(an_asker_cannot_tell_paused_from_never_given)
{
    static const enum catalogue_reason hidden[] = {
        CATALOGUE_REASON_CONSENT_PAUSED,  CATALOGUE_REASON_CONSENT_WITHDRAWN,
        CATALOGUE_REASON_CONSENT_EXPIRED, CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT,
        CATALOGUE_REASON_WRONG_PURPOSE,
    };
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) {
        assert_int_equal(catalogue_asker_reason(the_scenario(), hidden[i]),
                         CATALOGUE_REASON_NO_CONSENT);
    }
    assert_int_equal(catalogue_asker_reason(the_scenario(), CATALOGUE_REASON_LIMIT_REACHED),
                     CATALOGUE_REASON_LIMIT_REACHED);
}

TEST(every_reason_has_a_code_and_sentences)
{
    for (int i = CATALOGUE_REASON_NONE + 1; i < CATALOGUE_REASON_COUNT; i++) {
        enum catalogue_reason reason = (enum catalogue_reason)i;
        assert_int_equal(catalogue_reason_parse(bytes_text(catalogue_reason_name(reason))), reason);
        assert_true(strlen(catalogue_reason_text(the_scenario(), reason)->in[CATALOGUE_RU]) > 0);
        assert_true(strlen(catalogue_reason_text(the_scenario(), reason)->in[CATALOGUE_EN]) > 0);
    }
    assert_int_equal(catalogue_reason_parse(bytes_text("")), CATALOGUE_REASON_NONE);
}

TEST(an_identifier_has_one_normal_form)
{
    static const char *const same[] = { "VD-004217-6", "vd 004217 6", "VD0042176", " V-d-0042176" };
    struct error err;
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        struct buffer out = buffer_init(64);
        assert_ok(catalogue_subject_normalise(the_scenario(), bytes_text("vd"), bytes_text(same[i]),
                                              &out, &err));
        assert_true(bytes_equal_text(buffer_view(&out), "VD0042176"));
        buffer_fini(&out);
    }
}

TEST(a_wrong_identifier_is_refused_and_never_repeated)
{
    static const char *const wrong[] = { "VD-004217-5",  "VD-00421-6",  "VX-004217-6", "",
                                         "VD-004217-66", "VD-00421A-6", "VD-004217-0" };
    struct error err;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct buffer out = buffer_init(64);
        assert_status(ST_MALFORMED, catalogue_subject_normalise(the_scenario(), bytes_text("vd"),
                                                                bytes_text(wrong[i]), &out, &err));
        assert_int_equal(out.size, 0);
        assert_true(wrong[i][0] == '\0' || strstr(err.message, wrong[i]) == NULL);
        buffer_fini(&out);
    }
    struct buffer out = buffer_init(64);
    assert_status(ST_NOT_FOUND, catalogue_subject_normalise(the_scenario(), bytes_text("xx"),
                                                            bytes_text("VD-004217-6"), &out, &err));
    buffer_fini(&out);
}

TEST(an_unknown_key_is_refused_with_its_line)
{
    assert_refused("agreements.yaml", "    case_required: true", "    case_needed: true",
                   "agreements.yaml:16: agreements[0].case_needed", "no such key");
}

TEST(a_missing_key_is_refused)
{
    assert_refused("agreements.yaml", "    purposes: [identity-check]\n", "",
                   "agreements.yaml:5: agreements[0].purposes", "the key is missing");
}

TEST(a_value_out_of_range_is_refused_with_what_was_expected)
{
    assert_refused("datasets.yaml", "max_bytes: 200", "max_bytes: 70000",
                   "datasets.yaml:8: datasets[0].fields.full_name.max_bytes",
                   "expected a whole number, 1 to 65536, found '70000'");
}

TEST(agreements_name_only_what_exists)
{
    assert_refused("agreements.yaml", "asker: ru/interior/road-safety", "asker: ru/nobody",
                   "agreements.yaml:5: agreements 'licence-identity'", "asker 'ru/nobody'");
    assert_refused("agreements.yaml", "dataset: identity.person", "dataset: identity.dog",
                   "agreements.yaml:5", "no dataset 'identity.dog'");
    assert_refused("agreements.yaml", "[identity-check]", "[curiosity]", "agreements.yaml:5",
                   "no purpose 'curiosity'");
    assert_refused("agreements.yaml", "[inspector]", "[general]", "agreements.yaml:5",
                   "no official role 'general'");
    assert_refused("agreements.yaml", "full_name: [match]", "shoe_size: [match]",
                   "agreements.yaml:5", "has no field 'shoe_size'");
}

TEST(an_agreement_cannot_allow_a_form_that_the_field_does_not_have)
{
    assert_refused("agreements.yaml", "passport_no: [match]", "passport_no: [full]",
                   "agreements.yaml:5", "does not offer the form 'full'");
    assert_refused("agreements.yaml", "passport_no: [match]", "passport_no: [all]",
                   "agreements.yaml:5", "'all' is no form");
}

TEST(a_field_cannot_have_a_form_that_its_type_does_not_have)
{
    assert_refused("datasets.yaml", "forms: [full, masked, match]", "forms: [full, year]",
                   "datasets.yaml:3: datasets 'identity.person'", "type text has no form 'year'");
}

TEST(a_code_twice_is_refused_with_both_places)
{
    assert_refused("members.yaml", "code: ru/health/narcology", "code: ru/health/psychiatry",
                   "members.yaml:", "stands in members.yaml:8 already");
}

TEST(two_agreements_cannot_decide_one_request)
{
    assert_refused("agreements.yaml", "dataset: health.narcology-opinion",
                   "dataset: health.psychiatry-opinion", "'licence-psychiatry'",
                   "covers the same asker");
}

TEST(danger_to_life_needs_its_safeguards)
{
    assert_refused("agreements.yaml", "    notice: at-once\n", "", "'ambulance-card'",
                   "vital-interest");
    assert_refused("agreements.yaml", "    justification: required\n", "", "'ambulance-card'",
                   "vital-interest");
}

TEST(law_needs_an_article_and_consent_a_bound)
{
    assert_refused("agreements.yaml", "    articles: [\"210-ФЗ, ст. 7.1\"]\n", "",
                   "'licence-identity'", "'articles'");
    assert_refused("agreements.yaml", "    consent_max: {days: 90, uses: 3}\n", "",
                   "'licence-certificate'", "'consent_max'");
}

TEST(a_bundle_without_a_reason_is_refused)
{
    assert_refused("texts.yaml", "  lost:", "  lots:", "texts.yaml:", "no such reason");
    assert_refused("texts.yaml",
                   "  cancelled:\n    asker: same\n    ru: \"Запрос отменён, данные не переданы "
                   "({a}).\"\n    en: \"Cancelled by {a}. Nothing was passed on.\"\n",
                   "", "reasons", "'cancelled' is missing");
}

TEST(a_bundle_that_betrays_a_citizens_choice_is_refused)
{
    assert_refused("texts.yaml", "consent-paused:\n    asker: no-consent",
                   "consent-paused:\n    asker: same", "reasons 'consent-paused'",
                   "what the citizen decided");
}

TEST(a_sentence_with_an_unknown_hole_is_refused)
{
    assert_refused("texts.yaml", "Основание: {basis}.\"\n", "Основание: {ground}.\"\n",
                   "reasons 'allowed'", "ru: a hole has a name that nothing fills");
}

TEST(a_plural_without_a_needed_choice_is_refused)
{
    assert_refused("texts.yaml", "few {запроса} ", "", "reasons 'consent-used-up'",
                   "lacks a choice");
}

TEST(packing_does_not_depend_on_the_folders_order)
{
    struct error err;
    struct catalogue_bundle_file files[CATALOGUE_BUNDLE_FILES_MAX];
    size_t count = 0;
    struct buffer blob = buffer_init(1 << 20);
    struct buffer by_hand = buffer_init(1 << 20);
    assert_ok(catalogue_bundle_pack(PROJECT_DIR "/config/scenario", &blob, &err));
    edited_scenario(&by_hand, "", NULL, NULL);
    assert_true(bytes_equal(buffer_view(&blob), buffer_view(&by_hand)));
    assert_ok(catalogue_bundle_unpack(buffer_view(&blob), files, &count, &err));
    assert_int_equal(count, 5);
    assert_true(bytes_equal_text(files[0].name, "agreements.yaml"));
    buffer_fini(&blob);
    buffer_fini(&by_hand);
}

TEST(a_blob_with_another_reading_is_refused)
{
    static const char *const names[][2] = {
        { "b.yaml", "a.yaml" }, { "a.yaml", "a.yaml" }, { "../a.yaml", "b.yaml" },
        { "a.yml", "b.yaml" },  { "A.yaml", "b.yaml" },
    };
    struct error err;
    struct catalogue_bundle_file files[CATALOGUE_BUNDLE_FILES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct buffer blob = buffer_init(1024);
        buffer_lp(&blob, bytes_text(names[i][0]));
        buffer_u32(&blob, 0);
        buffer_lp(&blob, bytes_text(names[i][1]));
        buffer_u32(&blob, 0);
        assert_status(ST_MALFORMED,
                      catalogue_bundle_unpack(buffer_view(&blob), files, &count, &err));
        buffer_fini(&blob);
    }
    struct buffer blob = buffer_init(1024);
    buffer_lp(&blob, bytes_text("a.yaml"));
    buffer_u32(&blob, 5);
    buffer_text(&blob, "four");
    assert_status(ST_MALFORMED, catalogue_bundle_unpack(buffer_view(&blob), files, &count, &err));
    buffer_fini(&blob);
}

// With WRITE_REFERENCE in the environment it writes the reference first.
TEST(the_reference_is_in_step_with_the_table)
{
    static const char reference[] = PROJECT_DIR "/docs/policy-files.md";
    struct error err;
    struct buffer written = buffer_init(1 << 20);
    struct buffer made = buffer_init(1 << 20);
    catalogue_markdown(&made);
    if (getenv("WRITE_REFERENCE") != NULL) {
        assert_ok(file_replace(reference, buffer_view(&made), 0644, &err));
    }
    assert_ok(file_read(reference, 1 << 20, &written, &err));
    if (!bytes_equal(buffer_view(&written), buffer_view(&made))) {
        fail_msg("docs/policy-files.md is not what the table says; run this test with "
                 "WRITE_REFERENCE=1");
    }
    buffer_fini(&written);
    buffer_fini(&made);
}
