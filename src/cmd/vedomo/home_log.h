// A stopped broker's home with its log, for commands that work on it: locked, so that no broker
// starts meanwhile.
#pragma once

#include "audit/journal.h"
#include "broker/home.h"

struct home_log {
    struct broker_home home;
    struct audit_journal *journal;
};

// ST_BUSY: a broker runs on it.
NODISCARD enum status home_log_open(const char *path, struct home_log *log, struct error *err);
void home_log_close(struct home_log *log);
