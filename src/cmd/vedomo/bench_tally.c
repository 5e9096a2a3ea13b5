// Latencies fall into BENCH_STEPS equal steps of each doubling; below the first doubling each
// nanosecond has its own place.
#include "bench_tally.h"

#include <stdio.h>

static size_t place_of(uint64_t ns)
{
    if (ns < BENCH_STEPS) {
        return (size_t)ns;
    }
    unsigned top = 63U - (unsigned)__builtin_clzll(ns);
    unsigned shift = top - 5; // BENCH_STEPS is 2^5
    size_t place = ((size_t)shift + 1) * BENCH_STEPS + ((ns >> shift) & (BENCH_STEPS - 1));
    return place < BENCH_LATENCIES ? place : BENCH_LATENCIES - 1;
}

// The largest latency that falls into the place.
static uint64_t top_of(size_t place)
{
    if (place < BENCH_STEPS) {
        return place;
    }
    unsigned shift = (unsigned)(place / BENCH_STEPS) - 1;
    return ((BENCH_STEPS + place % BENCH_STEPS + 1) << shift) - 1;
}

void bench_tally_latency(struct bench_tally *tally, int64_t ns)
{
    tally->latencies[place_of(ns > 0 ? (uint64_t)ns : 0)]++;
}

static void count_reason(struct bench_tally *tally, struct bytes code, uint64_t count)
{
    for (size_t i = 0; i < BENCH_REASONS; i++) {
        struct bench_reason *reason = &tally->reasons[i];
        if (reason->count == 0) {
            snprintf(reason->code, sizeof(reason->code), "%.*s", (int)code.size,
                     (const char *)code.data);
        }
        // The last place takes whatever has none of its own.
        if (i == BENCH_REASONS - 1 || bytes_equal_text(code, reason->code)) {
            reason->count += count;
            return;
        }
    }
}

void bench_tally_refused(struct bench_tally *tally, struct bytes code)
{
    size_t most = BENCH_REASON_BYTES - 1;
    count_reason(tally, bytes_of(code.data, code.size < most ? code.size : most), 1);
}

void bench_tally_wrong(struct bench_tally *tally, const char *why)
{
    if (tally->wrong++ == 0) {
        snprintf(tally->first_wrong, sizeof(tally->first_wrong), "%s", why);
    }
}

void bench_tally_add(struct bench_tally *sum, const struct bench_tally *part)
{
    sum->in_time += part->in_time;
    sum->released += part->released;
    sum->verified += part->verified;
    sum->lost += part->lost;
    sum->late += part->late;
    if (sum->wrong == 0) {
        memcpy(sum->first_wrong, part->first_wrong, sizeof(sum->first_wrong));
    }
    sum->wrong += part->wrong;
    for (size_t i = 0; i < BENCH_REASONS && part->reasons[i].count > 0; i++) {
        count_reason(sum, bytes_text(part->reasons[i].code), part->reasons[i].count);
    }
    for (size_t i = 0; i < BENCH_LATENCIES; i++) {
        sum->latencies[i] += part->latencies[i];
    }
}

uint64_t bench_tally_refusals(const struct bench_tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BENCH_REASONS; i++) {
        sum += tally->reasons[i].count;
    }
    return sum;
}

uint64_t bench_tally_percentile_ns(const struct bench_tally *tally, double share)
{
    uint64_t all = 0;
    uint64_t below = 0;
    for (size_t i = 0; i < BENCH_LATENCIES; i++) {
        all += tally->latencies[i];
    }
    for (size_t i = 0; i < BENCH_LATENCIES; i++) {
        below += tally->latencies[i];
        if (below > 0 && (double)below >= share * (double)all) {
            return top_of(i);
        }
    }
    return 0;
}
