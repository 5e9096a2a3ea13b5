// The retention rule.
#include "broker/retention.h"

#include "audit/month.h"

enum { MINUTE_MS = 60 * 1000 };

uint32_t retention_allowed_from(uint32_t month, uint64_t term_months)
{
    return month + 1 + (uint32_t)term_months;
}

static uint32_t month_now(int64_t now_ms)
{
    return audit_month_of(now_ms < 0 ? 0 : (uint32_t)(now_ms / MINUTE_MS));
}

// Months without an entry are not there to be forgotten.
static enum status count_due(struct audit_log *log, uint64_t from, uint64_t size, uint32_t last,
                             uint32_t *due, struct error *err)
{
    struct audit_record record;
    enum status status = ST_OK;
    uint32_t count = 0;
    for (uint64_t next = from; status == ST_OK && next < size;) {
        status = audit_log_record(log, next, &record, err);
        uint32_t month = status == ST_OK ? audit_month_of(record.minutes) : 0;
        if (status != ST_OK || month > last) {
            break;
        }
        count++;
        uint64_t found = 0;
        status = audit_log_find_minute(log, audit_month_begin(month + 1), &found, err);
        next = found > next ? found : size; // the log's times never go back
    }
    if (status == ST_OK) {
        *due = count;
    }
    return status;
}

enum status retention_look(struct audit_reader *reader, struct audit_log *log, uint64_t size,
                           int64_t now_ms, uint64_t term_months, struct retention *retention,
                           struct error *err)
{
    struct audit_record record;
    struct retention look = { 0 };
    uint32_t now = month_now(now_ms);
    enum status status = audit_reader_forgotten(reader, &look.forgotten, err);
    if (status == ST_OK && look.forgotten.to < size) {
        status = audit_log_record(log, look.forgotten.to, &record, err);
        look.oldest = status == ST_OK ? audit_month_of(record.minutes) : 0;
    }
    if (status == ST_OK && look.oldest != 0 &&
        retention_allowed_from(look.oldest, term_months) <= now) {
        uint32_t last = now - retention_allowed_from(0, term_months);
        status = count_due(log, look.forgotten.to, size, last, &look.due, err);
    }
    if (status == ST_OK) {
        *retention = look;
    }
    return status;
}

enum status retention_check(const struct retention *retention, uint32_t month, int64_t now_ms,
                            uint64_t term_months, struct error *err)
{
    char wanted[AUDIT_MONTH_TEXT_BYTES];
    char other[AUDIT_MONTH_TEXT_BYTES];
    audit_month_format(month, wanted);
    if (month == 0) {
        return error_set(err, ST_USAGE, "which month is to be forgotten?");
    }
    if (month <= retention->forgotten.month) {
        return error_set(err, ST_EXISTS, "%s was forgotten already", wanted);
    }
    if (retention_allowed_from(month, term_months) > month_now(now_ms)) {
        audit_month_format(retention_allowed_from(month, term_months), other);
        return error_set(err, ST_DENIED,
                         "%s may be forgotten from %s-01 on: entries are kept for %llu months "
                         "(audit.retention_months)",
                         wanted, other, (unsigned long long)term_months);
    }
    audit_month_format(retention->oldest, other);
    if (month < retention->oldest) {
        return error_set(err, ST_NOT_FOUND, "the log has nothing of %s; its oldest month is %s",
                         wanted, other);
    }
    if (month > retention->oldest) {
        return error_set(err, ST_DENIED, "%s is older and has to be forgotten before %s", other,
                         wanted);
    }
    return ST_OK;
}
