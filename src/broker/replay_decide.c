// One decision made again, and compared: verdicts with their forms and reasons, agreement, consent,
// what was over-asked, what was looked at, what a release charges.
#include "broker/replay_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { GRANTS_MAX = 64 };

static void found_number(struct replay *replay, uint64_t index, const char *what, uint64_t recorded,
                         uint64_t decided)
{
    char a[24];
    char b[24];
    snprintf(a, sizeof(a), "%llu", (unsigned long long)recorded);
    snprintf(b, sizeof(b), "%llu", (unsigned long long)decided);
    replay_found(replay, index, what, bytes_text(a), bytes_text(b));
}

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

// The counters that it needs, with the values that it looked at.
static void read_counters(struct replay *replay, const struct audit_facts *facts,
                          struct policy_input *input, struct policy_counter *counters)
{
    const struct wire_officer_part *officer = facts->officer;
    struct audit_tag tag = { .bytes = { 0 } };
    if (officer->tag.size == AUDIT_TAG_BYTES) {
        memcpy(tag.bytes, officer->tag.data, AUDIT_TAG_BYTES);
    }
    input->counter_count = policy_counters(input, counters);
    input->counters = counters;
    if (input->counter_count != officer->counters_count) {
        found_number(replay, facts->index, "counters that were looked at", officer->counters_count,
                     input->counter_count);
    }
    for (size_t i = 0; i < input->counter_count; i++) {
        struct digest key = standing_counter_key(&counters[i], &tag);
        bool there = i < officer->counters_count && digest_equal(&officer->counters[i].key, &key);
        if (there) {
            counters[i].value = officer->counters[i].value;
        } else {
            replay_found(replay, facts->index, "counter that was looked at",
                         bytes_text("another one"), bytes_text("the one that the request needs"));
        }
    }
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
    if (i < facts->officer->reasons_count) {
        compare(replay, facts->index, what, facts->officer->reasons[i], reason);
    }
    if (i < facts->subject->verdicts_count) {
        compare(replay, facts->index, what, facts->subject->verdicts[i].reason, reason);
        snprintf(what, sizeof(what), "field %.*s: form given, as the citizen reads it",
                 (int)name.size, (const char *)name.data);
        compare(replay, facts->index, what, facts->subject->verdicts[i].given, bytes_text(form));
    }
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
        found_number(replay, facts->index, "fields asked for without an agreement",
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
        found_number(replay, facts->index, "revision of the consent", exchange->consent_revision,
                     consent->revision);
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

static void keep_charge(struct replay_open *open, const struct policy_counter *charge,
                        const struct policy_input *input, const struct audit_tag *tag)
{
    struct digest own = standing_counter_key(charge, tag);
    size_t place = open->charge_count++;
    open->charges[place].key = own;
    open->charges[place].limit = charge->limit;
    open->charges[place].lock = charge->kind == POLICY_COUNTER_FORM_LOCK ? charge->value : 0;
    for (size_t i = 0; i < input->counter_count; i++) {
        struct digest key = standing_counter_key(&input->counters[i], tag);
        if (digest_equal(&key, &own)) {
            open->charges[place].seen = input->counters[i].value;
        }
    }
}

// What its release will have to charge.
static enum status keep_open(struct replay *replay, const struct audit_facts *facts,
                             const struct policy_input *input, bool undecided, struct error *err)
{
    const struct policy_decision *decision = &replay->decision;
    struct audit_tag tag = { .bytes = { 0 } };
    struct replay_open *open = calloc(1, sizeof(*open));
    if (open == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    if (facts->officer->tag.size == AUDIT_TAG_BYTES) {
        memcpy(tag.bytes, facts->officer->tag.data, AUDIT_TAG_BYTES);
    }
    open->id = facts->exchange->exchange_id;
    open->undecided = undecided;
    if (!undecided) {
        open->field_count = decision->field_count;
        for (size_t i = 0; i < decision->field_count; i++) {
            open->granted[i] = decision->fields[i].verdict == POLICY_PERMIT;
        }
        for (size_t i = 0; i < decision->charge_count; i++) {
            keep_charge(open, &decision->charges[i], input, &tag);
        }
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
        facts->officer->consents_count > GRANTS_MAX) {
        replay_found(replay, facts->index, "fields and consents", bytes_text("none, or too many"),
                     bytes_text("what a request may have"));
        return false;
    }
    return true;
}

enum status replay_decision(struct replay *replay, const struct audit_facts *facts,
                            struct error *err)
{
    struct consent_grant grants[GRANTS_MAX];
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct policy_request request;
    struct policy_input input = { .request = &request, .grants = grants };
    if (!is_whole(replay, facts)) {
        return ST_OK;
    }
    enum status status =
        replay_catalogue(replay, &facts->exchange->bundle_hash, &input.catalogue, err);
    if (status == ST_OK && input.catalogue == NULL) {
        replay->result.undecided++;
        return keep_open(replay, facts, &input, true, err);
    }
    if (status == ST_OK && !digest_equal(&facts->exchange->bundle_hash, &replay->policy)) {
        replay_found(replay, facts->index, "policy bundle", bytes_text("one that was not in force"),
                     bytes_text("the one in force"));
    }
    if (status == ST_OK) {
        status = replay_registry(replay, err);
    }
    if (status == ST_OK) {
        status = read_request(replay, facts, &request, err);
    }
    if (status == ST_OK) {
        status = replay_grants(replay, facts, grants, err);
    }
    if (status != ST_OK) {
        return status;
    }
    input.grant_count = facts->officer->consents_count;
    input.now_ms = (int64_t)facts->officer->decided_at;
    input.asker = standing_of_member(replay->registry, request.asker);
    input.holder = standing_of_member(replay->registry, request.holder);
    input.key = standing_of_key(replay->registry, &facts->exchange->signer, input.now_ms);
    input.evidence = POLICY_EVIDENCE_UNSUPPORTED; // as the broker has it
    read_counters(replay, facts, &input, counters);
    status = policy_decide(&input, &replay->decision, err);
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
    return replay->decision.permits_any ? keep_open(replay, facts, &input, false, err) : ST_OK;
}

// ---- releases

static void compare_charges(struct replay *replay, const struct audit_facts *facts,
                            const struct replay_open *open)
{
    const struct wire_officer_part *officer = facts->officer;
    if (officer->charges_count != open->charge_count) {
        found_number(replay, facts->index, "charges", officer->charges_count, open->charge_count);
        return;
    }
    for (size_t i = 0; i < open->charge_count; i++) {
        const struct wire_counter_seen *charge = &officer->charges[i];
        char what[REPLAY_TEXT_BYTES];
        snprintf(what, sizeof(what), "charge %zu", i + 1);
        if (!digest_equal(&charge->key, &open->charges[i].key)) {
            replay_found(replay, facts->index, what, bytes_text("to another counter"),
                         bytes_text("to the one that the decision gives"));
        } else if (open->charges[i].lock != 0 && charge->value != open->charges[i].lock) {
            found_number(replay, facts->index, what, charge->value, open->charges[i].lock);
        } else if (open->charges[i].lock == 0 && (charge->value <= open->charges[i].seen ||
                                                  charge->value > open->charges[i].limit)) {
            snprintf(what, sizeof(what), "charge %zu: beyond its limit, or nothing", i + 1);
            found_number(replay, facts->index, what, charge->value, open->charges[i].limit);
        }
    }
}

static void compare_release(struct replay *replay, const struct audit_facts *facts,
                            const struct replay_open *open)
{
    const struct wire_exchange_part *exchange = facts->exchange;
    replay->result.releases++;
    if (facts->officer != NULL) {
        compare_charges(replay, facts, open);
    }
    for (size_t i = 0; i < exchange->released_count; i++) {
        uint32_t place = exchange->released[i];
        if (place >= open->field_count || !open->granted[place]) {
            char text[24];
            snprintf(text, sizeof(text), "field %u", place);
            replay_found(replay, facts->index, "passed on", bytes_text(text),
                         bytes_text("not granted"));
        }
    }
}

void replay_ending(struct replay *replay, const struct audit_facts *facts)
{
    const struct wire_exchange_part *exchange = facts->exchange;
    struct replay_open *open = map_remove(replay->open, bytes_id(&exchange->exchange_id));
    bool released = exchange->kind == WIRE_KIND_RELEASED;
    bool known = exchange->decision_index >= replay->from &&
                 exchange->decision_index >= replay->forgotten_to;
    if (released && open != NULL && !open->undecided) {
        compare_release(replay, facts, open);
    } else if (released && open == NULL && known) {
        replay_found(replay, facts->index, "release", bytes_text("of this exchange"),
                     bytes_text("no decision that is open permits one"));
    }
    free(open);
}
