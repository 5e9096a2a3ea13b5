// vedomo bench decide: what a decision costs, in CPU time of one thread, for 8 fields, 20
// agreements and 5 consents. The policy bundle is made here: only its size matters. No broker takes
// part.
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"

#include "base/clock.h"
#include "catalogue/catalogue.h"
#include "policy/decide.h"

enum { FIELDS = 8, AGREEMENTS = 20, CONSENTS = 5, ROUNDS = 200000 };

static const int64_t now_ms = 1790000000000;

struct setting {
    struct catalogue *catalogue;
    char names[FIELDS][24];
    struct policy_ask asks[FIELDS];
    struct consent_grant_field fields[FIELDS];
    struct consent_grant grants[CONSENTS];
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct policy_request request;
    struct policy_input input;
    struct policy_decision decision;
};

static void write_texts(struct buffer *out)
{
    static const char *const hidden[] = { "consent-paused", "consent-withdrawn", "consent-expired",
                                          "withdrawn-in-flight", "wrong-purpose" };
    static const char *const citizen[] = { "entry",     "entry_asked", "complete", "listed",
                                           "nobody",    "consent_ask", "allow",    "decline",
                                           "withdrawn", "emergency",   "delayed",  "may_omit",
                                           "desk",      "saved",       "proof_ok", "proof_bad" };
    buffer_text(out, "reasons:\n");
    for (int i = 1; i < CATALOGUE_REASON_COUNT; i++) {
        const char *name = catalogue_reason_name((enum catalogue_reason)i);
        const char *asker = "same";
        for (size_t j = 0; j < ARRAY_COUNT(hidden); j++) {
            asker = strcmp(name, hidden[j]) == 0 ? "no-consent" : asker;
        }
        buffer_format(out, "  %s: {asker: %s, ru: x, en: x}\n", name, asker);
    }
    buffer_text(out, "forms:\n");
    for (int i = 1; i < CATALOGUE_FORM_COUNT; i++) {
        buffer_format(out, "  %s: {ru: x, en: x}\n",
                      catalogue_form_kind_name((enum catalogue_form_kind)i));
    }
    buffer_text(out, "bases:\n");
    for (int i = 1; i < CATALOGUE_BASIS_COUNT; i++) {
        buffer_format(out, "  %s: {ru: x, en: x}\n", catalogue_basis_name((enum catalogue_basis)i));
    }
    buffer_text(out, "citizen:\n");
    for (size_t i = 0; i < ARRAY_COUNT(citizen); i++) {
        buffer_format(out, "  %s: {ru: x, en: x}\n", citizen[i]);
    }
}

// `together`: all agreements are of one asker and dataset, each for a purpose of its own.
static void write_policy(struct buffer *out, bool together)
{
    buffer_text(out, "members:\n  - {code: ru/holder, title: {ru: x, en: x}}\n");
    for (int i = 0; i < AGREEMENTS; i++) {
        buffer_format(out, "  - {code: ru/asker-%02d, title: {ru: x, en: x}}\n", i);
    }
    buffer_text(out, "officials:\n  clerk: {ru: x, en: x}\npurposes:\n");
    for (int i = 0; i < AGREEMENTS; i++) {
        buffer_format(out, "  p%02d: {dpv: \"dpv:x\", ru: x, en: x, benefit: {ru: x, en: x}}\n", i);
    }
    buffer_text(out, "datasets:\n  - code: data\n    holder: ru/holder\n    title: {ru: x, en: x}\n"
                     "    fields:\n");
    for (int i = 0; i < FIELDS; i++) {
        buffer_format(out,
                      "      field_%d: {type: date, sensitivity: high, forms: [full, year], "
                      "max_bytes: 10, title: {ru: x, en: x}}\n",
                      i);
    }
    buffer_text(out, "agreements:\n");
    for (int i = 0; i < AGREEMENTS; i++) {
        buffer_format(out,
                      "  - id: a%02d\n    asker: ru/asker-%02d\n    dataset: data\n"
                      "    purposes: [p%02d]\n    bases: [consent]\n    case_required: true\n"
                      "    official_roles: [clerk]\n    budget: {per_official_day: 1000}\n"
                      "    consent_max: {days: 90, uses: 1000}\n    fields:\n",
                      i, together ? 0 : i, i);
        for (int j = 0; j < FIELDS; j++) {
            buffer_format(out, "      field_%d: [%s]\n", j, j % 2 == 0 ? "full" : "year");
        }
    }
}

static enum status load(struct setting *s, bool together, struct error *err)
{
    struct digest hash = { { 1 } };
    struct buffer text = buffer_init(1 << 20);
    struct buffer blob = buffer_init(1 << 20);
    write_policy(&text, together);
    write_texts(&text);
    buffer_lp(&blob, bytes_text("policy.yaml"));
    buffer_u32(&blob, (uint32_t)text.size);
    buffer_bytes(&blob, buffer_view(&text));
    enum status status = buffer_ok(&blob, "policy bundle", err);
    if (status == ST_OK) {
        status = catalogue_load(buffer_view(&blob), &hash, &s->catalogue, err);
    }
    buffer_fini(&text);
    buffer_fini(&blob);
    return status;
}

static void set(struct setting *s)
{
    static const int64_t day_ms = 86400000;
    for (int i = 0; i < FIELDS; i++) {
        snprintf(s->names[i], sizeof(s->names[i]), "field_%d", i);
        s->asks[i].name = bytes_text(s->names[i]);
        s->asks[i].form = bytes_text("full");
        s->fields[i].name = s->asks[i].name;
        s->fields[i].form = (struct catalogue_form){ .kind = CATALOGUE_FORM_FULL };
    }
    s->request = (struct policy_request){ .asker = bytes_text("ru/asker-00"),
                                          .official = bytes_text("official-1"),
                                          .official_role = bytes_text("clerk"),
                                          .holder = bytes_text("ru/holder"),
                                          .dataset = bytes_text("data"),
                                          .purpose = bytes_text("p00"),
                                          .fields = s->asks,
                                          .field_count = FIELDS,
                                          .basis = CATALOGUE_BASIS_CONSENT,
                                          .case_ref = bytes_text("case-1"),
                                          .partial_ok = true };
    for (int i = 0; i < CONSENTS; i++) {
        s->grants[i] = (struct consent_grant){ .id = { { (uint8_t)(i + 1) } },
                                               .revision = 1,
                                               .state = CONSENT_ACTIVE,
                                               .asker = s->request.asker,
                                               .dataset = s->request.dataset,
                                               .purpose = s->request.purpose,
                                               .fields = s->fields,
                                               .field_count = FIELDS,
                                               .not_before_ms = now_ms - day_ms,
                                               .not_after_ms = now_ms + day_ms,
                                               .uses = 10 };
    }
    s->input = (struct policy_input){ .request = &s->request,
                                      .catalogue = s->catalogue,
                                      .grants = s->grants,
                                      .grant_count = CONSENTS,
                                      .counters = s->counters,
                                      .asker = POLICY_STANDING_ACTIVE,
                                      .holder = POLICY_STANDING_ACTIVE,
                                      .key = POLICY_STANDING_ACTIVE,
                                      .now_ms = now_ms };
    s->input.counter_count = policy_counters(&s->input, s->counters);
}

// CPU time of one decision in nanoseconds; `counters_too`: with finding out which counters it
// needs.
static enum status measure(struct setting *s, bool counters_too, uint64_t *ns, struct error *err)
{
    int64_t start = clock_thread_cpu_ns();
    for (int i = 0; i < ROUNDS; i++) {
        if (counters_too) {
            s->input.counter_count = policy_counters(&s->input, s->counters);
        }
        enum status status = policy_decide(&s->input, &s->decision, err);
        if (status != ST_OK) {
            return status;
        }
    }
    *ns = (uint64_t)((clock_thread_cpu_ns() - start) / ROUNDS);
    if (!s->decision.permits_any || s->decision.consent == NULL) {
        return error_set(err, ST_CORRUPT, "bench decide: nothing was permitted");
    }
    return ST_OK;
}

struct figures {
    uint64_t spread;   // each agreement of an asker of its own
    uint64_t together; // all of one asker and dataset
    uint64_t with_counters;
};

static enum status measure_all(struct setting *s, struct figures *figures, struct error *err)
{
    enum status status = load(s, false, err);
    if (status == ST_OK) {
        set(s);
        status = measure(s, false, &figures->spread, err);
    }
    catalogue_destroy(&s->catalogue);
    if (status == ST_OK) {
        status = load(s, true, err);
    }
    if (status == ST_OK) {
        set(s);
        status = measure(s, false, &figures->together, err);
    }
    if (status == ST_OK) {
        status = measure(s, true, &figures->with_counters, err);
    }
    catalogue_destroy(&s->catalogue);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct figures figures = { 0 };
    struct setting *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return error_set(err, ST_NOMEM, "bench decide");
    }
    enum status status = measure_all(s, &figures, err);
    if (status == ST_OK) {
        output_number(call->out, "fields", FIELDS);
        output_number(call->out, "agreements", AGREEMENTS);
        output_number(call->out, "consents", CONSENTS);
        output_number(call->out, "decisions", ROUNDS);
        output_number(call->out, "ns_per_decision", figures.spread);
        output_number(call->out, "ns_per_decision_one_asker", figures.together);
        output_number(call->out, "ns_per_decision_with_counters", figures.with_counters);
        output_line(call->out, "%d fields, %d agreements, %d consents: %llu ns a decision", FIELDS,
                    AGREEMENTS, CONSENTS, (unsigned long long)figures.spread);
        output_line(call->out, "  all agreements of one asker and dataset: %llu ns",
                    (unsigned long long)figures.together);
        output_line(call->out, "  with the counters it needs: %llu ns",
                    (unsigned long long)figures.with_counters);
    }
    free(s);
    return status;
}

const struct command cmd_bench_decide = {
    .words = "bench decide",
    .help = "Measure what a decision costs",
    .run = run,
};
