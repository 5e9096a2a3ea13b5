// A log read from its files, read-only, beside a running broker or without one: entries in order
// with their bodies opened, and single ones again. One thread.
#pragma once

#include "audit/log.h"
#include "audit/rows.h"

struct audit_scan;

struct audit_scan_options {
    const char *home;
    const char *origin;               // the log's
    const struct seal_secret *master; // opens bodies; borrowed for the call
    size_t map_bytes;                 // of the log; 0: as its broker has it
};

NODISCARD enum status audit_scan_open(const struct audit_scan_options *options,
                                      struct audit_scan **scan, struct error *err);
void audit_scan_close(struct audit_scan **scan);

// Entries that were there when it was opened, or last renewed.
uint64_t audit_scan_size(const struct audit_scan *scan);

// Takes in what the log got since.
NODISCARD enum status audit_scan_renew(struct audit_scan *scan, struct error *err);

// An entry taken apart. `facts` view the arena that was given.
struct audit_scanned {
    struct audit_facts facts; // index, minutes, leaf hash and class always; parts unless forgotten
    bool forgotten;           // its month's key has been destroyed
};

// `wanted` says of an entry whether its body is opened (NULL: of each). Calls `visit` for the
// entries [from, to) in order, with the arena's content of one entry; stops at the first status
// that is not ST_OK, and returns it. In transactions of bounded length.
NODISCARD enum status audit_scan_run(struct audit_scan *scan, uint64_t from, uint64_t to,
                                     bool (*wanted)(uint64_t index, enum wire_class class,
                                                    void *context),
                                     enum status (*visit)(const struct audit_scanned *entry,
                                                          void *context, struct error *err),
                                     void *context, struct error *err);

// One entry, into the caller's arena; may be called while running.
NODISCARD enum status audit_scan_entry(struct audit_scan *scan, uint64_t index, struct arena *arena,
                                       struct audit_scanned *entry, struct error *err);
