// Durations and sizes: one table of units each, for reading and writing.
#include "yaml/units.h"

#include <inttypes.h>

#include "base/compiler.h"
#include "base/text.h"

struct unit {
    const char *name;
    uint64_t factor;
};

// Ascending.
static const struct unit duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

static const struct unit size_units[] = {
    { "B", 1 },
    { "KB", 1024 },
    { "MB", 1024 * 1024 },
    { "GB", 1024 * 1024 * 1024 },
    { "TB", 1024ull * 1024 * 1024 * 1024 },
};

static const uint64_t duration_max = 10000ull * 86400000;
static const uint64_t size_max = 1024ull * 1024 * 1024 * 1024 * 1024;

static bool parse(const char *text, const struct unit *units, size_t count, uint64_t max,
                  uint64_t *value)
{
    const char *space = strchr(text, ' ');
    uint64_t number = 0;
    if (space == NULL || !text_u64_parse(bytes_of(text, (size_t)(space - text)), max, &number)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(space + 1, units[i].name) == 0 && number <= max / units[i].factor) {
            *value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static void format(uint64_t value, const struct unit *units, size_t count, struct buffer *out)
{
    size_t i = count - 1;
    while (i > 0 && (value == 0 || value % units[i].factor != 0)) {
        i--;
    }
    buffer_format(out, "%" PRIu64 " %s", value / units[i].factor, units[i].name);
}

bool yaml_duration_parse(const char *text, int64_t *ms)
{
    uint64_t value = 0;
    if (!parse(text, duration_units, ARRAY_COUNT(duration_units), duration_max, &value)) {
        return false;
    }
    *ms = (int64_t)value;
    return true;
}

bool yaml_size_parse(const char *text, uint64_t *bytes)
{
    return parse(text, size_units, ARRAY_COUNT(size_units), size_max, bytes);
}

void yaml_duration_format(int64_t ms, struct buffer *out)
{
    format((uint64_t)ms, duration_units, ARRAY_COUNT(duration_units), out);
}

void yaml_size_format(uint64_t bytes, struct buffer *out)
{
    format(bytes, size_units, ARRAY_COUNT(size_units), out);
}
