// Calendar: proleptic Gregorian, UTC. A year begins in March here, so that the leap day is its
// last.
#include "audit/month.h"

#include <stdio.h>

#include "base/text.h"

enum {
    DAY_MINUTES = 24 * 60,
    EPOCH_DAYS = 719468, // from 0000-03-01 to 1970-01-01
    ERA_DAYS = 146097,   // of 400 years
    FIRST_YEAR = 1970,
    LAST_YEAR = FIRST_YEAR + (AUDIT_MONTH_MAX - 1) / 12,
};

uint32_t audit_month_of(uint32_t minutes)
{
    uint32_t shifted = minutes / DAY_MINUTES + EPOCH_DAYS;
    uint32_t era = shifted / ERA_DAYS;
    uint32_t of_era = shifted % ERA_DAYS;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t march_month = (5 * day_of_year + 2) / 153;
    uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    uint32_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
    return (year - FIRST_YEAR) * 12 + month;
}

uint32_t audit_month_begin(uint32_t month)
{
    uint32_t of_year = (month - 1) % 12 + 1;
    uint32_t year = FIRST_YEAR + (month - 1) / 12 - (of_year <= 2 ? 1 : 0);
    uint32_t march_month = of_year > 2 ? of_year - 3 : of_year + 9;
    uint32_t year_of_era = year % 400;
    uint32_t of_era =
        365 * year_of_era + year_of_era / 4 - year_of_era / 100 + (153 * march_month + 2) / 5;
    return (year / 400 * ERA_DAYS + of_era - EPOCH_DAYS) * DAY_MINUTES;
}

void audit_month_format(uint32_t month, char text[AUDIT_MONTH_TEXT_BYTES])
{
    unsigned number = month == 0 || month > AUDIT_MONTH_MAX ? 0 : month - 1;
    snprintf(text, AUDIT_MONTH_TEXT_BYTES, "%04u-%02u", (FIRST_YEAR + number / 12) % 10000,
             number % 12 + 1);
}

bool audit_month_parse(struct bytes text, uint32_t *month)
{
    uint64_t year = 0;
    uint64_t of_year = 0;
    struct bytes last = text;
    if (text.size != 7 || text.data[4] != '-' ||
        !text_u64_parse(bytes_of(text.data, 4), LAST_YEAR, &year) || year < FIRST_YEAR) {
        return false;
    }
    // A month below ten has a zero in front, which a number may not have.
    size_t zero = text.data[5] == '0' ? 1 : 0;
    last = bytes_of(text.data + 5 + zero, 2 - zero);
    if (!text_u64_parse(last, 12, &of_year) || of_year == 0 || (zero == 0 && of_year < 10)) {
        return false;
    }
    *month = (uint32_t)(year - FIRST_YEAR) * 12 + (uint32_t)of_year;
    return true;
}
