// Who we are, which broker we talk to and whom we trust: from the command line, else from a
// profile (--profile FILE or VEDOMO_PROFILE), so that a person types little.
#pragma once

#include "registry/card.h"

// Views of the command line or the profile; NULL where nothing was said.
struct settings {
    const char *profile;     // the file's path
    const char *key;         // --as: our key file
    const char *endpoint;    // --broker
    const char *broker_card; // --broker-card: file
    const char *vkey;        // --vkey: the log's public key
    const char *origin;      // --origin; else the name in the vkey
    const char *checkpoint;  // file for the newest verified checkpoint; else beside the key
    const char *language;    // "ru" or "en"; else from the locale
    uint64_t timeout_ms;     // for one answer of the broker
    const char *subject;     // --subject: only "-", the standard input
    const char *scheme;      // --scheme: of the identifiers
    struct registry_pins registrar;
    struct registry_pins policy;
    bool json;
    void *owned; // what the profile's texts live in
};

// Fills what the command line left open from the profile. ST_USAGE or ST_MALFORMED names what is
// off with its place.
NODISCARD enum status settings_complete(struct settings *settings, struct error *err);
void settings_fini(struct settings *settings);

// The value, or ST_USAGE that says which option or profile key gives it.
NODISCARD enum status settings_need_origin(const struct settings *settings, struct bytes *origin,
                                           struct error *err);
NODISCARD enum status settings_need_vkey(const struct settings *settings, const char **vkey,
                                         struct error *err);
NODISCARD enum status settings_need_registrar(const struct settings *settings,
                                              const struct registry_pins **pins, struct error *err);
NODISCARD enum status settings_need_policy(const struct settings *settings,
                                           const struct registry_pins **pins, struct error *err);
NODISCARD enum status settings_need_key(const struct settings *settings, const char **path,
                                        struct error *err);
