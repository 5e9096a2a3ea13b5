// The policy bundle of a benchmark's federation, as YAML: one dataset, one agreement of each asker
// that is used, and as many others as are wanted.
#include "bench_bundle.h"

#include <stdio.h>

#include "catalogue/reason.h"

// Reasons that would tell an asker what the citizen decided.
static bool is_private(enum catalogue_reason reason)
{
    return reason == CATALOGUE_REASON_CONSENT_PAUSED ||
           reason == CATALOGUE_REASON_CONSENT_WITHDRAWN ||
           reason == CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT ||
           reason == CATALOGUE_REASON_CONSENT_EXPIRED || reason == CATALOGUE_REASON_WRONG_PURPOSE;
}

static void add_texts(struct buffer *yaml)
{
    static const char *const citizen[] = {
        "entry", "entry_asked", "complete",  "listed",    "nobody",  "consent_ask",
        "allow", "decline",     "withdrawn", "emergency", "delayed", "may_omit",
        "desk",  "saved",       "proof_ok",  "proof_bad",
    };
    static const char *const forms[] = { "full",   "year",  "last4", "masked",
                                         "exists", "match", "over",  "pseudonym" };
    static const char *const bases[] = { "consent", "explicit-request", "law", "vital-interest",
                                         "court-order" };
    buffer_text(yaml, "reasons:\n");
    for (int i = CATALOGUE_REASON_NONE + 1; i < CATALOGUE_REASON_COUNT; i++) {
        buffer_format(yaml, "  %s: {asker: %s, ru: \"-\", en: \"-\"}\n",
                      catalogue_reason_name((enum catalogue_reason)i),
                      is_private((enum catalogue_reason)i) ? "no-consent" : "same");
    }
    const struct {
        const char *section;
        const char *const *words;
        size_t count;
    } sections[] = { { "citizen", citizen, ARRAY_COUNT(citizen) },
                     { "forms", forms, ARRAY_COUNT(forms) },
                     { "bases", bases, ARRAY_COUNT(bases) } };
    for (size_t s = 0; s < ARRAY_COUNT(sections); s++) {
        buffer_format(yaml, "%s:\n", sections[s].section);
        for (size_t i = 0; i < sections[s].count; i++) {
            buffer_format(yaml, "  %s: {ru: \"-\", en: \"-\"}\n", sections[s].words[i]);
        }
    }
}

static void add_member(struct buffer *yaml, const char *code)
{
    buffer_format(yaml, "  - {code: %s, title: {ru: \"%s\", en: \"%s\"}}\n", code, code, code);
}

// `basis`: "bases: [...]" with whatever that needs.
static void add_agreement(struct buffer *yaml, const struct bench_home *home, const char *id,
                          const char *asker, const char *purpose, const char *basis)
{
    buffer_format(yaml,
                  "  - {id: %s, asker: %s, dataset: " BENCH_DATASET ", purposes: [%s], %s, "
                  "fields: {",
                  id, asker, purpose, basis);
    for (size_t i = 0; i < home->field_count; i++) {
        buffer_format(yaml, "%s%s: [full]", i == 0 ? "" : ", ", home->field_names[i]);
    }
    buffer_text(yaml, "}}\n");
}

static void add_agreements(struct buffer *yaml, const struct bench_home *home, size_t others)
{
    static const char law[] = "bases: [law], articles: [\"1\"]";
    char id[40];
    char purpose[40];
    char consent[80];
    snprintf(consent, sizeof(consent), "bases: [consent], consent_max: {days: %d, uses: %d}",
             BENCH_CONSENT_DAYS, BENCH_CONSENT_USES);
    for (size_t i = 0; i < home->asker_count; i++) {
        snprintf(id, sizeof(id), "law-%zu", i);
        add_agreement(yaml, home, id, home->askers[i].code, "bench", law);
        snprintf(id, sizeof(id), "consent-%zu", i);
        add_agreement(yaml, home, id, home->askers[i].code, BENCH_CONSENT_PURPOSE, consent);
    }
    // Others of the same askers, for other purposes: a decision has to pass them over.
    for (size_t i = 0; i < others; i++) {
        snprintf(id, sizeof(id), "other-%zu", i);
        snprintf(purpose, sizeof(purpose), "other-%zu", i / home->asker_count);
        add_agreement(yaml, home, id, home->askers[i % home->asker_count].code, purpose, law);
    }
}

void bench_bundle_write(struct buffer *yaml, const struct bench_home *home, size_t agreements)
{
    buffer_text(yaml, "schemes: [{code: b, pattern: \"[0-9]{9}\"}]\nmembers:\n");
    for (size_t i = 0; i < home->asker_count; i++) {
        add_member(yaml, home->askers[i].code);
    }
    for (size_t i = 0; i < home->holder_count; i++) {
        add_member(yaml, home->holders[i].code);
    }
    buffer_text(yaml, "officials:\n  clerk: {ru: \"-\", en: \"-\"}\npurposes:\n"
                      "  bench: {dpv: \"dpv:ServiceProvision\", ru: \"-\", en: \"-\", benefit: "
                      "{ru: \"-\", en: \"-\"}}\n"
                      "  " BENCH_CONSENT_PURPOSE ": {dpv: \"dpv:ServiceProvision\", ru: \"-\", "
                      "en: \"-\", benefit: {ru: \"-\", en: \"-\"}}\n");
    for (size_t i = 0; i < agreements; i += home->asker_count) {
        buffer_format(yaml,
                      "  other-%zu: {dpv: \"dpv:ServiceProvision\", ru: \"-\", en: \"-\", "
                      "benefit: {ru: \"-\", en: \"-\"}}\n",
                      i / home->asker_count);
    }
    buffer_text(yaml, "datasets:\n  - code: " BENCH_DATASET "\n    title: {ru: \"-\", en: \"-\"}\n"
                      "    holders: [");
    for (size_t i = 0; i < home->holder_count; i++) {
        buffer_format(yaml, "%s%s", i == 0 ? "" : ", ", home->holders[i].code);
    }
    buffer_text(yaml, "]\n    fields:\n");
    for (size_t i = 0; i < home->field_count; i++) {
        buffer_format(yaml,
                      "      %s: {type: text, sensitivity: ordinary, forms: [full], "
                      "max_bytes: %zu, title: {ru: \"-\", en: \"-\"}}\n",
                      home->field_names[i], home->value_bytes);
    }
    buffer_text(yaml, "agreements:\n");
    add_agreements(yaml, home, agreements);
    add_texts(yaml);
}
