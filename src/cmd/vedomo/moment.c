// Times as people type them.
#include "moment.h"

#include <time.h>

#include "base/text.h"

static bool two_digits(const uint8_t *text, int max, int *value)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *value = (text[0] - '0') * 10 + (text[1] - '0');
    return *value <= max;
}

bool moment_parse(struct bytes text, uint64_t *wall_ms)
{
    enum { DAY = 10, FULL = 20 };
    if ((text.size != DAY && text.size != FULL) || !text_date_valid(bytes_of(text.data, DAY))) {
        return false;
    }
    struct tm parts = { 0 };
    int century = 0;
    int year = 0;
    bool good = two_digits(text.data, 99, &century) && two_digits(text.data + 2, 99, &year) &&
                two_digits(text.data + 5, 12, &parts.tm_mon) &&
                two_digits(text.data + 8, 31, &parts.tm_mday);
    if (text.size == FULL) {
        good = good && text.data[10] == 'T' && text.data[13] == ':' && text.data[16] == ':' &&
               text.data[19] == 'Z' && two_digits(text.data + 11, 23, &parts.tm_hour) &&
               two_digits(text.data + 14, 59, &parts.tm_min) &&
               two_digits(text.data + 17, 59, &parts.tm_sec);
    }
    parts.tm_year = century * 100 + year - 1900;
    parts.tm_mon -= 1;
    if (!good || parts.tm_year < 70) {
        return false;
    }
    *wall_ms = (uint64_t)timegm(&parts) * 1000;
    return true;
}
