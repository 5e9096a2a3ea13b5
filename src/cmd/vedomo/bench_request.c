// One shape of request for all benchmarks, so that their figures are of the same messages.
#include "bench_request.h"

#include <stdio.h>

#include "seal/random.h"

enum { LIFE_MS = 60 * 1000 };

void bench_subject(uint64_t person, char text[BENCH_SUBJECT_BYTES])
{
    snprintf(text, BENCH_SUBJECT_BYTES, "%09llu", (unsigned long long)person);
}

void bench_request_fields(const struct bench_home *home,
                          struct wire_field_ask fields[BENCH_FIELDS_MAX])
{
    for (size_t i = 0; i < home->field_count; i++) {
        fields[i] = (struct wire_field_ask){ .name = bytes_text(home->field_names[i]),
                                             .form = bytes_text("full") };
    }
}

enum status bench_request_pack(const struct bench_wanted *wanted, struct buffer *payload,
                               struct error *err)
{
    struct wire_field_ask fields[BENCH_FIELDS_MAX];
    char subject[BENCH_SUBJECT_BYTES];
    struct wire_basis basis = { .kind = WIRE_BASIS_LAW, .article = bytes_text("1") };
    if (wanted->consent != NULL) {
        basis = (struct wire_basis){ .kind = WIRE_BASIS_CONSENT, .consent = *wanted->consent };
    }
    bench_request_fields(wanted->home, fields);
    bench_subject(wanted->person, subject);
    const char *purpose = wanted->consent == NULL ? BENCH_PURPOSE : BENCH_CONSENT_PURPOSE;
    struct wire_request request = {
        .version = 1,
        .id = wanted->id,
        .nonce = seal_random_digest(),
        .issued_at = (uint64_t)wanted->wall_ms,
        .expires_at = (uint64_t)wanted->wall_ms + LIFE_MS,
        .asker = bytes_text(wanted->asker),
        .official = bytes_text("bench-official"),
        .holder = bytes_text(wanted->holder),
        .dataset = bytes_text(BENCH_DATASET),
        .fields = fields,
        .fields_count = wanted->home->field_count,
        .subject_scheme = bytes_text(BENCH_SCHEME),
        .subject = bytes_text(subject),
        .purpose = bytes_text(purpose),
        .basis = &basis,
        .case_ref = bytes_text("case-2026-0001"),
        .asker_announcement = wanted->asker_announcement,
        .holder_announcement = wanted->holder_announcement,
        .partial_ok = true,
    };
    buffer_clear(payload);
    return wire_encode(WIRE_SCHEMA_REQUEST, &request, payload, err);
}
