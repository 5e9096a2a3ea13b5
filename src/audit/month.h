// Months of the log, as numbers: months since January 1970, plus 1. That is also the id of the key
// that a month begins with (audit/body_key.h).
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { AUDIT_MONTH_TEXT_BYTES = 8, AUDIT_MONTH_MAX = 4095 };

// The month of a minute since 1970 UTC.
uint32_t audit_month_of(uint32_t minutes);

// Its first minute.
uint32_t audit_month_begin(uint32_t month);

// "2026-11".
void audit_month_format(uint32_t month, char text[AUDIT_MONTH_TEXT_BYTES]);

// False: not a month in that form, from 1970-01 on.
bool audit_month_parse(struct bytes text, uint32_t *month);
