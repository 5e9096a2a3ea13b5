// The log that 'bench log' works on: keys, journal and views in a fresh folder laid out as a
// broker's home, opened and closed as a broker does it. Removed at the end unless it is kept.
#pragma once

#include <limits.h>

#include "audit/views.h"
#include "bench_folder.h"
#include "seal/keyfile.h"

struct bench_log_home {
    char path[PATH_MAX];
    struct bench_folder folder; // at `path`
    char origin[64];
    char vkey[256];
    struct seal_identity log;
    struct seal_identity master;
    struct audit_vault *vault;     // NULL while closed
    struct audit_journal *journal; // NULL while closed
    struct audit_views *views;     // NULL while closed, or opened without
};

// How long opening took.
struct bench_log_opened {
    double journal_s;
    double views_s;
    uint64_t tail; // entries that were loaded as the tail
    bool rebuilt;  // the views were made again
};

// Makes the folder inside `folder`, and keys. Opens nothing.
NODISCARD enum status bench_log_home_create(const char *folder, struct bench_log_home *home,
                                            struct error *err);

// Opens journal and, with `views`, the views.
NODISCARD enum status bench_log_home_open(struct bench_log_home *home, bool views,
                                          void (*progress)(uint64_t done, uint64_t total,
                                                           void *context),
                                          struct bench_log_opened *opened, struct error *err);
void bench_log_home_close(struct bench_log_home *home);

// Closes it; the folder goes unless `keep`.
void bench_log_home_destroy(struct bench_log_home *home, bool keep);

// Asks the system to forget what it holds of the files in memory. Only while closed: pages that
// are mapped stay.
NODISCARD enum status bench_log_home_drop(const struct bench_log_home *home, struct error *err);

// Reads the views' file once, so that the system holds it in memory as it does beside a broker at
// work.
NODISCARD enum status bench_log_home_warm(const struct bench_log_home *home, struct error *err);

// Bytes on disk of the environment in this folder of the home ("log", "views").
uint64_t bench_log_home_bytes(const struct bench_log_home *home, const char *name);

// Removes the stored views. Only while closed.
void bench_log_home_forget_views(const struct bench_log_home *home);
