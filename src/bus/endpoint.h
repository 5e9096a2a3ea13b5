// Whether an address can be listened on, before anything that cannot be taken back.
#pragma once

#include "base/error.h"

// ST_IO names the address when somebody else listens there, or when it is not this host's. Says
// ST_OK of what it cannot know: another transport, a name that is not an address, port 0. Any
// thread; nothing is left open.
NODISCARD enum status bus_endpoint_free(const char *endpoint, struct error *err);
