// An entry's terms: each from the part that has it. An ending repeats nothing of its decision but
// who asked and who held, so questions about datasets, purposes and officials find decisions.
#include "audit/terms.h"

static struct bytes first_of(struct bytes one, struct bytes two, struct bytes three)
{
    return one.size > 0 ? one : two.size > 0 ? two : three;
}

static enum wire_filter_verdict verdict_of(const struct wire_exchange_part *exchange)
{
    size_t granted = 0;
    for (size_t i = 0; i < exchange->verdicts_count; i++) {
        granted += exchange->verdicts[i].given.size > 0 ? 1 : 0;
    }
    return granted == 0                         ? WIRE_VERDICT_NONE
           : granted < exchange->verdicts_count ? WIRE_VERDICT_SOME
                                                : WIRE_VERDICT_ALL;
}

void audit_terms_read(const struct audit_facts *facts, struct audit_terms *terms)
{
    static const struct wire_exchange_part no_exchange = { 0 };
    static const struct wire_subject_part no_subject = { 0 };
    static const struct wire_officer_part no_officer = { 0 };
    const struct wire_exchange_part *exchange =
        facts->exchange == NULL ? &no_exchange : facts->exchange;
    const struct wire_subject_part *subject = facts->subject == NULL ? &no_subject : facts->subject;
    const struct wire_officer_part *officer = facts->officer == NULL ? &no_officer : facts->officer;
    *terms = (struct audit_terms){ .kind = audit_facts_kind(facts),
                                   .class = facts->class,
                                   .minutes = facts->minutes,
                                   .basis = exchange->basis != 0 ? exchange->basis : subject->basis,
                                   .facts = facts };
    if (terms->kind == WIRE_KIND_DECISION) {
        terms->verdict = verdict_of(exchange);
        terms->asked = exchange->verdicts_count;
        terms->over_asked = officer->over_asked_count;
    }
    struct bytes *codes = terms->codes;
    codes[AUDIT_CODE_ASKER] = first_of(exchange->asker, subject->asker, officer->reader);
    codes[AUDIT_CODE_HOLDER] = first_of(exchange->holder, subject->holder, (struct bytes){ 0 });
    codes[AUDIT_CODE_DATASET] = first_of(exchange->dataset, subject->dataset, (struct bytes){ 0 });
    codes[AUDIT_CODE_PURPOSE] = first_of(exchange->purpose, subject->purpose, (struct bytes){ 0 });
    codes[AUDIT_CODE_ROLE] =
        first_of(officer->official_role, officer->reader_role, subject->official_role);
    codes[AUDIT_CODE_OFFICIAL] = officer->official;
    codes[AUDIT_CODE_CASE] = officer->case_ref;
    if (!digest_is_zero(&exchange->signer)) {
        codes[AUDIT_CODE_SIGNER] = bytes_digest(&exchange->signer);
    }
}

struct bytes audit_terms_field(const struct audit_terms *terms, size_t place)
{
    const struct wire_exchange_part *exchange = terms->facts->exchange;
    return exchange != NULL && place < exchange->verdicts_count ? exchange->verdicts[place].name
                                                                : (struct bytes){ 0 };
}

struct bytes audit_terms_reason(const struct audit_terms *terms, size_t place)
{
    const struct wire_officer_part *officer = terms->facts->officer;
    if (officer == NULL) {
        return (struct bytes){ 0 };
    }
    if (place < officer->reasons_count) {
        return officer->reasons[place];
    }
    return place == officer->reasons_count ? officer->reason : (struct bytes){ 0 };
}

// ---- filters

struct bytes audit_filter_code(const struct audit_filter *filter, enum audit_code code)
{
    const struct wire_filter *wanted = filter->filter;
    if (wanted == NULL) {
        return (struct bytes){ 0 };
    }
    switch (code) {
    case AUDIT_CODE_ASKER:
        return wanted->asker;
    case AUDIT_CODE_HOLDER:
        return wanted->holder;
    case AUDIT_CODE_DATASET:
        return wanted->dataset;
    case AUDIT_CODE_PURPOSE:
        return wanted->purpose;
    case AUDIT_CODE_ROLE:
        return wanted->official_role;
    case AUDIT_CODE_OFFICIAL:
        return wanted->official;
    case AUDIT_CODE_CASE:
        return wanted->case_ref;
    case AUDIT_CODE_SIGNER:
        return digest_is_zero(&wanted->signer) ? (struct bytes){ 0 }
                                               : bytes_digest(&wanted->signer);
    case AUDIT_CODE_COUNT:
        break;
    }
    return (struct bytes){ 0 };
}

typedef struct bytes (*read_place)(const struct audit_terms *terms, size_t place);

static bool has(const struct audit_terms *terms, read_place read, struct bytes wanted)
{
    if (wanted.size == 0) {
        return true;
    }
    for (size_t i = 0; read(terms, i).size > 0; i++) {
        if (bytes_equal(read(terms, i), wanted)) {
            return true;
        }
    }
    return false;
}

static bool same_exchange(const struct audit_filter *filter, const struct audit_facts *facts)
{
    if (id_is_zero(&filter->exchange)) {
        return true;
    }
    return (facts->exchange != NULL &&
            id_equal(&facts->exchange->exchange_id, &filter->exchange)) ||
           (facts->subject != NULL && id_equal(&facts->subject->exchange_id, &filter->exchange));
}

bool audit_filter_matches(const struct audit_filter *filter, const struct audit_terms *terms)
{
    const struct wire_filter *wanted = filter->filter;
    for (int code = 0; code < AUDIT_CODE_COUNT; code++) {
        struct bytes value = audit_filter_code(filter, (enum audit_code)code);
        if (value.size > 0 && !bytes_equal(value, terms->codes[code])) {
            return false;
        }
    }
    if (filter->member.size > 0 && !bytes_equal(filter->member, terms->codes[AUDIT_CODE_ASKER]) &&
        !bytes_equal(filter->member, terms->codes[AUDIT_CODE_HOLDER])) {
        return false;
    }
    if (!same_exchange(filter, terms->facts)) {
        return false;
    }
    return wanted == NULL ||
           ((wanted->basis == 0 || wanted->basis == terms->basis) &&
            (wanted->verdict == 0 || wanted->verdict == (uint32_t)terms->verdict) &&
            (wanted->entry_kind == 0 || wanted->entry_kind == (uint32_t)terms->kind) &&
            (!wanted->over_asked || terms->over_asked > 0) &&
            has(terms, audit_terms_field, wanted->field) &&
            has(terms, audit_terms_reason, wanted->reason));
}

bool audit_filter_is_empty(const struct audit_filter *filter)
{
    const struct wire_filter *wanted = filter->filter;
    for (int code = 0; code < AUDIT_CODE_COUNT; code++) {
        if (audit_filter_code(filter, (enum audit_code)code).size > 0) {
            return false;
        }
    }
    return filter->member.size == 0 && id_is_zero(&filter->exchange) &&
           (wanted == NULL ||
            (wanted->basis == 0 && wanted->verdict == 0 && wanted->entry_kind == 0 &&
             !wanted->over_asked && wanted->field.size == 0 && wanted->reason.size == 0));
}
