// One decision made again, and compared: verdicts with their forms and reasons, agreement, consent,
// what was over-asked, what was looked at, what a release charges.
#include "broker/replay_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum {
    GRANTS_MAX = 64,
    LAST_ENDING_MINUTES = 60, // no exchange lives longer
};

static void compare(struct replay *replay, uint64_t index, const char *what, struct bytes recorded,
                    struct bytes decided)
{
    if (!bytes_equal(recorded, decided)) {
        replay_found(replay, index, what, recorded, decided);
    }
}

// ---- what it was made from

static enum status read_request(struct replay *replay, const struct audit_facts *facts,
                                struct policy_request *request, struct error *err)
{
    const struct wire_exchange_part *exchange = facts->exchange;
    const struct wire_officer_part *officer = facts->officer;
    struct policy_ask *asks =
        arena_take(replay->arena, (exchange->verdicts_count + 1) * sizeof(*asks));
    if (asks == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    for (size_t i = 0; i < exchange->verdicts_count; i++) {
        asks[i] = (struct policy_ask){ .name = exchange->verdicts[i].name,
                                       .form = exchange->verdicts[i].asked };
    }
    *request = (struct policy_request){
        .asker = exchange->asker,
        .official = officer->official,
        .official_role = officer->official_role,
        .holder = exchange->holder,
        .dataset = exchange->dataset,
        .purpose = exchange->purpose,
        .fields = asks,
        .field_count = exchange->verdicts_count,
        .basis = (enum catalogue_basis)exchange->basis,
        .consent = officer->named_consent,
        .article = officer->article,
        .justification = officer->justification,
        .case_ref = officer->case_ref,
        .automated = officer->automated,
        .partial_ok = officer->partial_ok,
        .exact = officer->exact,
    };
    return ST_OK;
}

static struct audit_tag tag_of(const struct audit_facts *facts)
{
    struct audit_tag tag = { .bytes = { 0 } };
    if (facts->officer->tag.size == AUDIT_TAG_BYTES) {
        memcpy(tag.bytes, facts->officer->tag.data, AUDIT_TAG_BYTES);
    }
    return tag;
}

// The counters that it needs, with the values that it looked at.
static enum status read_counters(struct replay *replay, const struct audit_facts *facts,
                                 struct policy_input *input, struct policy_counter *counters,
                                 struct error *err)
{
    const struct wire_officer_part *officer = facts->officer;
    const struct audit_tag tag = tag_of(facts);
    enum status status = ST_OK;
    input->counter_count = policy_counters(input, counters);
    input->counters = counters;
    if (input->counter_count != officer->counters_count) {
        replay_found_number(replay, facts->index, "counters that were looked at",
                            officer->counters_count, input->counter_count);
    }
    for (size_t i = 0; status == ST_OK && i < input->counter_count; i++) {
        struct replay_counter counter;
        status = replay_counter_of(replay, &counters[i], &tag, &counter, err);
        if (status == ST_OK && i < officer->counters_count &&
            digest_equal(&officer->counters[i].key, &counter.key)) {
            counters[i].value = officer->counters[i].value;
            replay_budget_seen(replay, facts->index, "counter that was looked at", &counter,
                               counters[i].value);
        } else if (status == ST_OK) {
            replay_found(replay, facts->index, "counter that was looked at",
                         bytes_text("another one"), bytes_text("the one that the request needs"));
        }
    }
    return status;
}

// The uses of each consent, as the decision counted them.
static enum status check_uses(struct replay *replay, const struct audit_facts *facts,
                              const struct consent_grant *grants, struct error *err)
{
    const struct audit_tag tag = tag_of(facts);
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < facts->officer->consents_count; i++) {
        const struct policy_counter uses = { .kind = POLICY_COUNTER_CONSENT,
                                             .consent = grants[i].id };
        struct replay_counter counter;
        status = replay_counter_of(replay, &uses, &tag, &counter, err);
        if (status == ST_OK) {
            replay_budget_seen(replay, facts->index, "uses of a consent", &counter,
                               facts->officer->consents[i].uses);
        }
    }
    return status;
}

// ---- comparing

static void form_text(struct catalogue_form form, char text[CATALOGUE_FORM_TEXT_BYTES])
{
    text[0] = '\0';
    if (form.kind != CATALOGUE_FORM_NONE) {
        catalogue_form_format(form, text);
    }
}

static void compare_field(struct replay *replay, const struct audit_facts *facts, size_t i)
{
    const struct policy_field_decision *field = &replay->decision.fields[i];
    const struct wire_verdict *recorded = &facts->exchange->verdicts[i];
    char what[REPLAY_TEXT_BYTES];
    char form[CATALOGUE_FORM_TEXT_BYTES] = "";
    if (field->verdict == POLICY_PERMIT) {
        form_text(field->given, form);
    }
    struct bytes name =
        recorded->name.size > 64 ? bytes_of(recorded->name.data, 64) : recorded->name;
    struct bytes reason = bytes_text(catalogue_reason_name(field->reason));
    snprintf(what, sizeof(what), "field %.*s: form given", (int)name.size, (const char *)name.data);
    compare(replay, facts->index, what, recorded->given, bytes_text(form));
    snprintf(what, sizeof(what), "field %.*s: reason for the asker", (int)name.size,
             (const char *)name.data);
    compare(replay, facts->index, what, recorded->reason,
            bytes_text(catalogue_reason_name(field->asker_reason)));
    snprintf(what, sizeof(what), "field %.*s: true reason", (int)name.size,
             (const char *)name.data);
    compare(replay, facts->index, what, facts->officer->reasons[i], reason);
    snprintf(what, sizeof(what), "field %.*s: form given, as the citizen reads it", (int)name.size,
             (const char *)name.data);
    compare(replay, facts->index, what, facts->subject->verdicts[i].given, bytes_text(form));
    snprintf(what, sizeof(what), "field %.*s: reason for the citizen", (int)name.size,
             (const char *)name.data);
    compare(replay, facts->index, what, facts->subject->verdicts[i].reason, reason);
}

static void compare_over_asked(struct replay *replay, const struct audit_facts *facts)
{
    const struct wire_officer_part *officer = facts->officer;
    size_t count = 0;
    bool same = true;
    for (size_t i = 0; i < replay->decision.field_count; i++) {
        if (replay->decision.fields[i].over_asked) {
            same = same && count < officer->over_asked_count && officer->over_asked[count] == i;
            count++;
        }
    }
    if (!same || count != officer->over_asked_count) {
        replay_found_number(replay, facts->index, "fields asked for without an agreement",
                            officer->over_asked_count, count);
    }
}

static void compare_ground(struct replay *replay, const struct audit_facts *facts)
{
    const struct policy_decision *decision = &replay->decision;
    const struct wire_exchange_part *exchange = facts->exchange;
    const struct consent_grant *consent =
        decision->permits_any && decision->consent != NULL ? decision->consent : NULL;
    struct bytes agreement =
        decision->agreement == NULL ? (struct bytes){ 0 } : bytes_text(decision->agreement->id);
    char recorded[TEXT_ID_BYTES] = "";
    char decided[TEXT_ID_BYTES] = "";
    if (!id_is_zero(&exchange->consent)) {
        text_id_format(&exchange->consent, recorded);
    }
    if (consent != NULL) {
        text_id_format(&consent->id, decided);
    }
    compare(replay, facts->index, "agreement", exchange->agreement, agreement);
    compare(replay, facts->index, "consent", bytes_text(recorded), bytes_text(decided));
    if (consent != NULL && id_equal(&exchange->consent, &consent->id) &&
        exchange->consent_revision != consent->revision) {
        replay_found_number(replay, facts->index, "revision of the consent",
                            exchange->consent_revision, consent->revision);
    }
}

static enum status put_open(struct replay *replay, struct replay_open *open, struct error *err)
{
    free(map_remove(replay->open, bytes_id(&open->id)));
    if (!map_put(replay->open, bytes_id(&open->id), open)) {
        free(open);
        return error_set(err, ST_NOMEM, "audit replay");
    }
    return ST_OK;
}

static enum status keep_charge(const struct replay *replay, struct replay_open *open,
                               const struct policy_counter *charge,
                               const struct policy_input *input, const struct audit_tag *tag,
                               struct error *err)
{
    struct replay_charge *kept = &open->charges[open->charge_count++];
    kept->limit = charge->limit;
    kept->lock = charge->kind == POLICY_COUNTER_FORM_LOCK ? charge->value : 0;
    for (size_t i = 0; i < input->counter_count; i++) {
        struct digest key = standing_counter_key(&input->counters[i], tag);
        struct digest own = standing_counter_key(charge, tag);
        if (digest_equal(&key, &own)) {
            kept->seen = input->counters[i].value;
        }
    }
    return replay_counter_of(replay, charge, tag, &kept->counter, err);
}

// What its release will have to charge; nothing of it is known without `input`.
static enum status keep_open(struct replay *replay, const struct audit_facts *facts,
                             const struct policy_input *input, struct error *err)
{
    const struct policy_decision *decision = &replay->decision;
    const struct audit_tag tag = tag_of(facts);
    struct replay_open *open = calloc(1, sizeof(*open));
    enum status status = ST_OK;
    if (open == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    open->id = facts->exchange->exchange_id;
    open->undecided = input == NULL;
    if (input != NULL) {
        open->field_count = decision->field_count;
        for (size_t i = 0; i < decision->field_count; i++) {
            open->granted[i] = decision->fields[i].verdict == POLICY_PERMIT;
        }
        for (size_t i = 0; status == ST_OK && i < decision->charge_count; i++) {
            status = keep_charge(replay, open, &decision->charges[i], input, &tag, err);
        }
    }
    if (status != ST_OK) {
        free(open);
        return status;
    }
    return put_open(replay, open, err);
}

static bool is_whole(struct replay *replay, const struct audit_facts *facts)
{
    if (facts->exchange == NULL || facts->subject == NULL || facts->officer == NULL) {
        replay_found(replay, facts->index, "parts", bytes_text("not all of a decision"),
                     bytes_text("three"));
        return false;
    }
    if (facts->exchange->verdicts_count == 0 ||
        facts->exchange->verdicts_count > CATALOGUE_FIELDS_MAX ||
        facts->officer->reasons_count != facts->exchange->verdicts_count ||
        facts->subject->verdicts_count != facts->exchange->verdicts_count ||
        facts->officer->consents_count > GRANTS_MAX) {
        replay_found(replay, facts->index, "fields and consents", bytes_text("none, or too many"),
                     bytes_text("what a request may have"));
        return false;
    }
    return true;
}

// The standing of the parties, and the consents.
static enum status read_ground(struct replay *replay, const struct audit_facts *facts,
                               struct policy_input *input, struct consent_grant *grants,
                               struct error *err)
{
    const struct policy_request *request = input->request;
    enum status status = replay_registry(replay, err);
    if (status == ST_OK) {
        status = replay_grants(replay, facts, grants, err);
    }
    if (status == ST_OK) {
        status = check_uses(replay, facts, grants, err);
    }
    input->grants = grants;
    input->grant_count = facts->officer->consents_count;
    input->now_ms = (int64_t)facts->officer->decided_at;
    input->asker = standing_of_member(replay->registry, request->asker);
    input->holder = standing_of_member(replay->registry, request->holder);
    input->key = standing_of_key(replay->registry, &facts->exchange->signer, input->now_ms);
    input->evidence = POLICY_EVIDENCE_UNSUPPORTED; // as the broker has it
    return status;
}

static enum status decide(struct replay *replay, const struct audit_facts *facts,
                          struct policy_input *input, struct error *err)
{
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    enum status status = read_counters(replay, facts, input, counters, err);
    if (status == ST_OK) {
        status = policy_decide(input, &replay->decision, err);
    }
    if (status != ST_OK) {
        return status;
    }
    replay->result.decisions++;
    replay->result.granted += replay->decision.permits_any ? 1 : 0;
    for (size_t i = 0; i < replay->decision.field_count; i++) {
        compare_field(replay, facts, i);
    }
    compare_ground(replay, facts);
    compare_over_asked(replay, facts);
    return replay->decision.permits_any ? keep_open(replay, facts, input, err) : ST_OK;
}

enum status replay_decision(struct replay *replay, const struct audit_facts *facts,
                            struct error *err)
{
    struct consent_grant grants[GRANTS_MAX];
    struct policy_request request;
    struct policy_input input = { .request = &request };
    if (!is_whole(replay, facts)) {
        return ST_OK;
    }
    if (replay->ground_gone) {
        replay->result.groundless++;
        return keep_open(replay, facts, NULL, err);
    }
    enum status status =
        replay_catalogue(replay, &facts->exchange->bundle_hash, &input.catalogue, err);
    if (status == ST_OK && input.catalogue == NULL) {
        replay->result.undecided++;
        return keep_open(replay, facts, NULL, err);
    }
    if (status == ST_OK && !digest_equal(&facts->exchange->bundle_hash, &replay->policy)) {
        replay_found(replay, facts->index, "policy bundle", bytes_text("one that was not in force"),
                     bytes_text("the one in force"));
    }
    if (status == ST_OK) {
        status = read_request(replay, facts, &request, err);
    }
    if (status == ST_OK) {
        status = read_ground(replay, facts, &input, grants, err);
    }
    return status == ST_OK ? decide(replay, facts, &input, err) : status;
}

// ---- releases

static enum status compare_charges(struct replay *replay, const struct audit_facts *facts,
                                   const struct replay_open *open, struct error *err)
{
    const struct wire_officer_part *officer = facts->officer;
    enum status status = ST_OK;
    if (officer->charges_count != open->charge_count) {
        replay_found_number(replay, facts->index, "charges", officer->charges_count,
                            open->charge_count);
        return replay_budget_follow(replay, facts, err);
    }
    for (size_t i = 0; status == ST_OK && i < open->charge_count; i++) {
        const struct wire_counter_seen *charge = &officer->charges[i];
        const struct replay_charge *wanted = &open->charges[i];
        char what[REPLAY_TEXT_BYTES];
        snprintf(what, sizeof(what), "charge %zu", i + 1);
        if (!digest_equal(&charge->key, &wanted->counter.key)) {
            replay_found(replay, facts->index, what, bytes_text("to another counter"),
                         bytes_text("to the one that the decision gives"));
            continue;
        }
        if (wanted->lock != 0 && charge->value != wanted->lock) {
            replay_found_number(replay, facts->index, what, charge->value, wanted->lock);
        } else if (wanted->lock == 0 &&
                   (charge->value <= wanted->seen || charge->value > wanted->limit)) {
            snprintf(what, sizeof(what), "charge %zu: beyond its limit, or nothing", i + 1);
            replay_found_number(replay, facts->index, what, charge->value, wanted->limit);
        }
        status = replay_budget_charge(replay, facts, wanted, charge->value, err);
    }
    return status;
}

static enum status compare_release(struct replay *replay, const struct audit_facts *facts,
                                   const struct replay_open *open, struct error *err)
{
    const struct wire_exchange_part *exchange = facts->exchange;
    replay->result.releases++;
    for (size_t i = 0; i < exchange->released_count; i++) {
        uint32_t place = exchange->released[i];
        if (place >= open->field_count || !open->granted[place]) {
            char text[24];
            snprintf(text, sizeof(text), "field %u", place);
            replay_found(replay, facts->index, "passed on", bytes_text(text),
                         bytes_text("not granted"));
        }
    }
    return facts->officer != NULL ? compare_charges(replay, facts, open, err) : ST_OK;
}

static enum status take_release(struct replay *replay, const struct audit_facts *facts,
                                const struct replay_open *open, struct error *err)
{
    uint64_t decision = facts->exchange->decision_index;
    bool orphan = decision < replay->forgotten_to &&
                  facts->minutes - replay->forgotten_minutes <= LAST_ENDING_MINUTES;
    if (open != NULL && !open->undecided) {
        return compare_release(replay, facts, open, err);
    }
    if (open == NULL && decision >= replay->from) {
        if (orphan) {
            replay->result.orphans++;
        } else {
            replay_found(replay, facts->index, "release", bytes_text("of this exchange"),
                         bytes_text("no decision that is open permits one"));
        }
    }
    return replay_budget_follow(replay, facts, err);
}

enum status replay_ending(struct replay *replay, const struct audit_facts *facts, struct error *err)
{
    const struct wire_exchange_part *exchange = facts->exchange;
    struct replay_open *open = map_remove(replay->open, bytes_id(&exchange->exchange_id));
    enum status status =
        exchange->kind == WIRE_KIND_RELEASED ? take_release(replay, facts, open, err) : ST_OK;
    free(open);
    return status;
}
