// Names of the statuses.
#include "base/status.h"

#include "base/compiler.h"

static const char *const names[ST_COUNT] = {
    [ST_OK] = "ok",
    [ST_USAGE] = "usage",
    [ST_MALFORMED] = "malformed",
    [ST_UNSUPPORTED] = "unsupported",
    [ST_NOT_FOUND] = "not-found",
    [ST_EXISTS] = "exists",
    [ST_DENIED] = "denied",
    [ST_BUSY] = "busy",
    [ST_STALE] = "stale",
    [ST_TIMEOUT] = "timeout",
    [ST_CLOSED] = "closed",
    [ST_UNPROVEN] = "unproven",
    [ST_FULL] = "full",
    [ST_CORRUPT] = "corrupt",
    [ST_IO] = "io",
    [ST_NOMEM] = "nomem",
};

const char *status_name(enum status status)
{
    return (unsigned)status < ARRAY_COUNT(names) ? names[status] : "unknown";
}
