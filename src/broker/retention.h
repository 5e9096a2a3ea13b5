// The retention rule: which month is next, and whether it may be forgotten yet. A month may go when
// the term (audit.retention_months) has passed since its end; the oldest goes first.
#pragma once

#include "audit/log.h"
#include "audit/views.h"

struct retention {
    struct audit_forgotten forgotten; // what is forgotten already
    uint32_t oldest;                  // the oldest month that the log still has; 0: it has none
    uint32_t due;                     // how many months with entries may be forgotten
};

// The month from whose begin on `month` may be forgotten.
uint32_t retention_allowed_from(uint32_t month, uint64_t term_months);

// What stands. `reader` and `log` have begun, the log at `size`.
NODISCARD enum status retention_look(struct audit_reader *reader, struct audit_log *log,
                                     uint64_t size, int64_t now_ms, uint64_t term_months,
                                     struct retention *retention, struct error *err);

// ST_OK: that month may be forgotten now, as far as the rule goes. Anything else says why not.
NODISCARD enum status retention_check(const struct retention *retention, uint32_t month,
                                      int64_t now_ms, uint64_t term_months, struct error *err);
