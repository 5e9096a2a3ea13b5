// Which numbers of the log a decision looks at, and their identities.
#include "policy/decide.h"

#include "policy/match.h"

static const int64_t day_ms = 86400000;

static void put_bytes(uint8_t *identity, size_t *size, struct bytes bytes)
{
    // Codes, references and tags are at most 128 bytes on the wire; what is longer is cut, which
    // can only make two counters one.
    size_t length = bytes.size < 160 ? bytes.size : 160;
    identity[(*size)++] = (uint8_t)length;
    if (length != 0) {
        memcpy(identity + *size, bytes.data, length);
    }
    *size += length;
}

size_t policy_counter_identity(const struct policy_counter *counter, struct bytes subject_tag,
                               uint8_t identity[POLICY_COUNTER_BYTES])
{
    size_t size = 0;
    identity[size++] = (uint8_t)counter->kind;
    for (unsigned shift = 32; shift != 0; shift -= 8) {
        identity[size++] = (uint8_t)(counter->day >> (shift - 8));
    }
    put_bytes(identity, &size, counter->agreement);
    put_bytes(identity, &size, counter->scope);
    put_bytes(identity, &size, counter->asker);
    put_bytes(identity, &size, counter->dataset);
    put_bytes(identity, &size, counter->purpose);
    memcpy(identity + size, counter->consent.bytes, ID_BYTES);
    size += ID_BYTES;
    put_bytes(identity, &size, counter->per_subject ? subject_tag : bytes_of(NULL, 0));
    return size;
}

// The lowest eight bits are the N; the rest is the time.
uint64_t policy_form_lock(uint8_t number, int64_t until_ms)
{
    return (uint64_t)until_ms << 8 | number;
}

int64_t policy_counter_until(const struct policy_counter *charge)
{
    switch (charge->kind) {
    case POLICY_COUNTER_OFFICIAL_DAY:
        return ((int64_t)charge->day + 1) * day_ms;
    case POLICY_COUNTER_FORM_LOCK:
        return (int64_t)(charge->value >> 8);
    case POLICY_COUNTER_CASE:
    case POLICY_COUNTER_CONSENT:
        break;
    }
    return 0;
}

bool policy_form_lock_refuses(uint64_t standing, uint64_t wanted, int64_t now_ms)
{
    return policy_lock_refuses(standing, (uint8_t)(wanted & 0xff), now_ms);
}

bool policy_lock_refuses(uint64_t lock, uint8_t number, int64_t now_ms)
{
    return (int64_t)(lock >> 8) > now_ms && (uint8_t)(lock & 0xff) != number;
}

struct policy_counter policy_counter_case(const struct policy_request *request,
                                          const struct catalogue_agreement *agreement)
{
    return (struct policy_counter){ .kind = POLICY_COUNTER_CASE,
                                    .agreement = bytes_text(agreement->id),
                                    .scope = request->case_ref,
                                    .limit = agreement->per_case };
}

struct policy_counter policy_counter_day(const struct policy_request *request,
                                         const struct catalogue_agreement *agreement,
                                         int64_t now_ms)
{
    return (struct policy_counter){ .kind = POLICY_COUNTER_OFFICIAL_DAY,
                                    .agreement = bytes_text(agreement->id),
                                    .scope = request->official,
                                    .day = (uint32_t)(now_ms / day_ms),
                                    .limit = agreement->per_official_day };
}

struct policy_counter policy_counter_lock(const struct policy_request *request, struct bytes field)
{
    return (struct policy_counter){ .kind = POLICY_COUNTER_FORM_LOCK,
                                    .scope = field,
                                    .asker = request->asker,
                                    .dataset = request->dataset,
                                    .purpose = request->purpose,
                                    .per_subject = true };
}

static bool same_identity(const struct policy_counter *a, const struct policy_counter *b)
{
    return a->kind == b->kind && a->day == b->day && a->per_subject == b->per_subject &&
           bytes_equal(a->scope, b->scope) && bytes_equal(a->agreement, b->agreement) &&
           bytes_equal(a->asker, b->asker) && bytes_equal(a->dataset, b->dataset) &&
           bytes_equal(a->purpose, b->purpose) && id_equal(&a->consent, &b->consent);
}

const struct policy_counter *policy_counter_find(const struct policy_input *input,
                                                 const struct policy_counter *wanted)
{
    for (size_t i = 0; i < input->counter_count; i++) {
        if (same_identity(&input->counters[i], wanted)) {
            return &input->counters[i];
        }
    }
    return NULL;
}

static bool named_before(const struct policy_counter *counters, size_t count, struct bytes field)
{
    for (size_t i = 0; i < count; i++) {
        if (counters[i].kind == POLICY_COUNTER_FORM_LOCK && bytes_equal(counters[i].scope, field)) {
            return true;
        }
    }
    return false;
}

size_t policy_counters(const struct policy_input *input,
                       struct policy_counter counters[POLICY_COUNTERS_MAX])
{
    const struct policy_request *request = input->request;
    struct policy_match match;
    size_t count = 0;
    if (request->field_count > CATALOGUE_FIELDS_MAX) {
        return 0;
    }
    policy_match(input, &match);
    if (match.agreement != NULL && match.agreement->per_case != 0) {
        counters[count++] = policy_counter_case(request, match.agreement);
    }
    if (match.agreement != NULL && match.agreement->per_official_day != 0) {
        counters[count++] = policy_counter_day(request, match.agreement, input->now_ms);
    }
    for (size_t i = 0; i < request->field_count; i++) {
        struct catalogue_form form;
        if (catalogue_form_parse(request->fields[i].form, &form) &&
            form.kind == CATALOGUE_FORM_OVER &&
            !named_before(counters, count, request->fields[i].name)) {
            counters[count++] = policy_counter_lock(request, request->fields[i].name);
        }
    }
    return count;
}
