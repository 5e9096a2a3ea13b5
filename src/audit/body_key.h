// Ids of body keys, as records name them: generation * 4096 + month. The month is its number
// (audit/month.h), 0 for the lasting key; generation 0 is what a month begins with, and each new
// key within the month has a higher one. So a key that never was exchanged has the month's number.
//
// People see names: "2026-11" or "lasting", and "2026-11-2" for the second key of that month, which
// is generation 1. The key's file is named so, too.
#pragma once

#include "audit/month.h"

enum {
    AUDIT_KEY_LASTING = 0, // the lasting key's id before it is exchanged
    AUDIT_KEY_MONTHS = AUDIT_MONTH_MAX + 1,
    AUDIT_KEY_GENERATIONS = 64, // of one month at most
    AUDIT_KEY_IDS = AUDIT_KEY_MONTHS * AUDIT_KEY_GENERATIONS,
    AUDIT_KEY_NAME_BYTES = 16,
};

static inline uint32_t audit_body_key(uint32_t month, uint32_t generation)
{
    return generation * AUDIT_KEY_MONTHS + month;
}

// The month; AUDIT_KEY_LASTING for any generation of the lasting key.
static inline uint32_t audit_body_key_month(uint32_t key_id)
{
    return key_id % AUDIT_KEY_MONTHS;
}

static inline uint32_t audit_body_key_generation(uint32_t key_id)
{
    return key_id / AUDIT_KEY_MONTHS;
}

void audit_body_key_name(uint32_t key_id, char name[AUDIT_KEY_NAME_BYTES]);

// False: not the name of a key, in the one form that it has.
bool audit_body_key_parse(struct bytes name, uint32_t *key_id);
