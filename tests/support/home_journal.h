// The journal of a broker that is not running, for programs that tests grow or change a log with.
#pragma once

#include "audit/journal.h"
#include "broker/home.h"

// Opens the home's journal for writing; `create`: it may be a broker's that never started.
NODISCARD enum status home_journal_open(const struct broker_home *home, bool create,
                                        struct audit_journal **journal, struct error *err);

// Seals the entries as of `minutes` (since 1970), and appends them in one commit.
NODISCARD enum status home_journal_append(struct audit_journal *journal,
                                          struct audit_entry *entries, size_t count,
                                          uint32_t minutes, struct error *err);

// What such a program does with the home that it was named.
typedef enum status (*home_job)(const struct broker_home *home, int argc, char **argv,
                                struct error *err);

// Opens the home argv[1], does the job, says what went wrong. Gives main()'s status.
int home_run(const char *program, int argc, char **argv, home_job job);
