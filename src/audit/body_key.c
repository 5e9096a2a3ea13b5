// Names of body keys.
#include "audit/body_key.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char lasting[] = "lasting";

void audit_body_key_name(uint32_t key_id, char name[AUDIT_KEY_NAME_BYTES])
{
    char month[AUDIT_MONTH_TEXT_BYTES];
    uint32_t number = audit_body_key_generation(key_id) + 1;
    const char *base = lasting;
    if (audit_body_key_month(key_id) != AUDIT_KEY_LASTING) {
        audit_month_format(audit_body_key_month(key_id), month);
        base = month;
    }
    if (number == 1) {
        snprintf(name, AUDIT_KEY_NAME_BYTES, "%s", base);
    } else {
        snprintf(name, AUDIT_KEY_NAME_BYTES, "%s-%u", base, number % 10000);
    }
}

bool audit_body_key_parse(struct bytes name, uint32_t *key_id)
{
    uint32_t month = AUDIT_KEY_LASTING;
    uint64_t number = 1;
    size_t length = sizeof(lasting) - 1;
    if (name.size < length) {
        return false;
    }
    struct bytes base = bytes_of(name.data, length); // a month has as many letters
    if (!bytes_equal(base, bytes_text(lasting)) && !audit_month_parse(base, &month)) {
        return false;
    }
    if (name.size > length &&
        (name.data[length] != '-' ||
         !text_u64_parse(bytes_of(name.data + length + 1, name.size - length - 1),
                         AUDIT_KEY_GENERATIONS, &number) ||
         number < 2)) {
        return false;
    }
    *key_id = audit_body_key(month, (uint32_t)number - 1);
    return true;
}
