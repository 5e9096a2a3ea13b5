// Opening a home's log as its broker does.
#include "home_log.h"

enum status home_log_open(const char *path, struct home_log *log, struct error *err)
{
    const struct seal_signer *signers[PROOF_RING_MAX];
    struct home_log opened = { 0 };
    enum status status = broker_home_open(path, &opened.home, err);
    if (status != ST_OK) {
        return status;
    }
    for (size_t i = 0; i < opened.home.log_count; i++) {
        signers[i] = opened.home.logs[i].signer;
    }
    const struct audit_journal_options options = {
        .home = opened.home.path,
        .origin = opened.home.settings->origin,
        .map_bytes = (size_t)opened.home.settings->audit.log_map_bytes,
        .signers = signers,
        .signer_count = opened.home.log_count,
        .vault = opened.home.vault,
    };
    status = audit_journal_open(&options, &opened.journal, err);
    if (status != ST_OK) {
        broker_home_close(&opened.home);
        return status;
    }
    *log = opened;
    return ST_OK;
}

void home_log_close(struct home_log *log)
{
    audit_journal_close(&log->journal);
    broker_home_close(&log->home);
}
