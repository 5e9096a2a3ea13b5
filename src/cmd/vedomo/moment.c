// Times as people type them.
#include "moment.h"

#include <time.h>

#include "base/text.h"

enum { DAY_BYTES = 10, MINUTE_BYTES = 16, SECOND_BYTES = 19, DAY_MS = 24 * 60 * 60 * 1000 };

static bool two_digits(const uint8_t *text, int max, int *value)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *value = (text[0] - '0') * 10 + (text[1] - '0');
    return *value <= max;
}

static bool read_clock(struct bytes text, struct tm *parts)
{
    if (text.size == MINUTE_BYTES + 1 || text.size == SECOND_BYTES + 1) {
        text.size -= text.data[text.size - 1] == 'Z' ? 1 : 0;
    }
    if (text.size != MINUTE_BYTES && text.size != SECOND_BYTES) {
        return false;
    }
    bool good = (text.data[DAY_BYTES] == 'T' || text.data[DAY_BYTES] == ' ') &&
                text.data[13] == ':' && two_digits(text.data + 11, 23, &parts->tm_hour) &&
                two_digits(text.data + 14, 59, &parts->tm_min);
    if (text.size == SECOND_BYTES) {
        good = good && text.data[MINUTE_BYTES] == ':' &&
               two_digits(text.data + 17, 59, &parts->tm_sec);
    }
    return good;
}

bool moment_parse(struct bytes text, uint64_t *wall_ms)
{
    if (text.size < DAY_BYTES || !text_date_valid(bytes_of(text.data, DAY_BYTES))) {
        return false;
    }
    struct tm parts = { 0 };
    int century = 0;
    int year = 0;
    bool good = two_digits(text.data, 99, &century) && two_digits(text.data + 2, 99, &year) &&
                two_digits(text.data + 5, 12, &parts.tm_mon) &&
                two_digits(text.data + 8, 31, &parts.tm_mday);
    if (text.size > DAY_BYTES) {
        good = good && read_clock(text, &parts);
    }
    parts.tm_year = century * 100 + year - 1900;
    parts.tm_mon -= 1;
    if (!good || parts.tm_year < 70) {
        return false;
    }
    *wall_ms = (uint64_t)timegm(&parts) * 1000;
    return true;
}

bool moment_parse_end(struct bytes text, uint64_t *wall_ms)
{
    if (!moment_parse(text, wall_ms)) {
        return false;
    }
    *wall_ms += text.size == DAY_BYTES ? DAY_MS - 1 : 0;
    return true;
}
