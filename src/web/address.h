// Addresses: as configuration writes them, and whose host they are.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_UNIX_SCHEME "unix:"

// True for "unix:/PATH": a socket in the file system.
bool web_address_is_unix(const char *text);

// "127.0.0.1:8490", "[::1]:8490": the address without brackets, and the port. ST_USAGE: neither.
NODISCARD enum status web_address_parse(const char *text, char *address, size_t room,
                                        uint16_t *port, struct error *err);

// True for an address (in digits) that is this host's: loopback, unspecified, link-local, or on one
// of its interfaces. What is no address, and everything while the interfaces cannot be listed,
// counts as this host's too.
bool web_address_is_own(const char *address);
