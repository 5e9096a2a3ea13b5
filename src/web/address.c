// Whose address is it? A witness that answers from this host vouches for nothing that the host's
// operator does not: the question is asked of the address that the connection was made to.
#include "web/address.h"

#include "base/bytes.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

bool web_address_is_unix(const char *text)
{
    return strncmp(text, WEB_UNIX_SCHEME, sizeof(WEB_UNIX_SCHEME) - 1) == 0;
}

enum status web_address_parse(const char *text, char *address, size_t room, uint16_t *port,
                              struct error *err)
{
    uint64_t number = 0;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text ||
        !text_u64_parse(bytes_text(colon + 1), UINT16_MAX, &number)) {
        return error_set(err, ST_USAGE, "'%s': neither 127.0.0.1:PORT nor [::1]:PORT", text);
    }
    size_t size = (size_t)(colon - text);
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
    const char *from = bracketed ? text + 1 : text;
    size = bracketed ? size - 2 : size;
    if (size >= room) {
        return error_set(err, ST_USAGE, "'%s': the address is too long", text);
    }
    memcpy(address, from, size);
    address[size] = '\0';
    *port = (uint16_t)number;
    return ST_OK;
}

static bool is_own_v4(struct in_addr address)
{
    uint32_t host = ntohl(address.s_addr);
    return host >> 24 == 127 || host >> 24 == 0 || host >> 16 == 0xa9fe; // 169.254
}

static bool is_own_v6(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address) ||
           IN6_IS_ADDR_LINKLOCAL(address);
}

// False also when the system does not tell its interfaces' addresses: *known is false then.
static bool is_on_interface(int family, const void *address, size_t size, bool *known)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    *known = getifaddrs(&all) == 0;
    for (const struct ifaddrs *at = all; at != NULL && !found; at = at->ifa_next) {
        if (at->ifa_addr == NULL || at->ifa_addr->sa_family != family) {
            continue;
        }
        const void *own =
            family == AF_INET
                ? (const void *)&((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr
                : (const void *)&((const struct sockaddr_in6 *)(const void *)at->ifa_addr)
                      ->sin6_addr;
        found = memcmp(own, address, size) == 0;
    }
    freeifaddrs(all);
    return found;
}

bool web_address_is_own(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool known = true;
    if (inet_pton(AF_INET, address, &v4) != 1) {
        if (inet_pton(AF_INET6, address, &v6) != 1) {
            return true;
        }
        if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
            return is_own_v6(&v6) || is_on_interface(AF_INET6, &v6, sizeof(v6), &known) || !known;
        }
        memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
    }
    return is_own_v4(v4) || is_on_interface(AF_INET, &v4, sizeof(v4), &known) || !known;
}
