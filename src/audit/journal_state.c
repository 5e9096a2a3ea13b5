// What the log's store says about itself. Any thread.
#include "audit/journal_inside.h"
#include "audit/keys.h"

unsigned audit_journal_used_permille(struct audit_journal *journal)
{
    struct store_usage usage;
    return store_usage(audit_journal_store(journal), &usage, NULL) == ST_OK ? usage.used_permille
                                                                            : 1000;
}

uint64_t audit_journal_reader_lag(struct audit_journal *journal)
{
    struct store_usage usage;
    return store_usage(audit_journal_store(journal), &usage, NULL) == ST_OK ? usage.reader_lag : 0;
}

enum status audit_journal_reader_check(struct audit_journal *journal, struct error *err)
{
    return store_reader_check(audit_journal_store(journal), err);
}

unsigned audit_journal_signing(const struct audit_journal *journal)
{
    return audit_keys_signing(audit_journal_keys(journal));
}
