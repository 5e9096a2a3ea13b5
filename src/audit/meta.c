// The log's own rows: words in the table `meta`, one row a term in the table `term`. They are added
// and never changed.
#include "audit/meta.h"

#include "base/clock.h"

enum { META_FORMAT = 1 };

static enum status meta_check(struct store_txn *txn, const char *word, struct bytes expected,
                              struct error *err)
{
    struct bytes value;
    enum status status = store_get(txn, AUDIT_JOURNAL_META, bytes_text(word), &value, err);
    if (status == ST_NOT_FOUND) {
        return error_set(err, ST_CORRUPT, "log: it has no '%s'", word);
    }
    if (status == ST_OK && !bytes_equal(value, expected)) {
        return error_set(err, ST_DENIED, "log: its %s is another than configured", word);
    }
    return status;
}

enum status audit_meta_open(struct store_txn *txn, struct bytes origin, const struct digest *key,
                            uint64_t size, bool create, struct error *err)
{
    uint8_t format = META_FORMAT;
    const struct {
        const char *word;
        struct bytes value;
    } rows[] = {
        { "format", bytes_of(&format, 1) },
        { "origin", origin },
        { "key", bytes_digest(key) },
    };
    struct bytes value;
    enum status status = store_get(txn, AUDIT_JOURNAL_META, bytes_text("format"), &value, err);
    bool fresh = status == ST_NOT_FOUND && size == 0;
    if (fresh && !create) {
        return error_set(err, ST_NOT_FOUND, "log: there is none yet");
    }
    if (!fresh && status != ST_OK) {
        return status == ST_NOT_FOUND ? error_set(err, ST_CORRUPT, "log: it has no 'format'")
                                      : status;
    }
    status = ST_OK;
    // Whether the log's keys are at hand is looked at by audit/keys.c.
    for (size_t i = 0; status == ST_OK && i < (fresh ? 3u : 2u); i++) {
        status = fresh ? store_put_new(txn, AUDIT_JOURNAL_META, bytes_text(rows[i].word),
                                       rows[i].value, err)
                       : meta_check(txn, rows[i].word, rows[i].value, err);
    }
    return status;
}

enum status audit_meta_term(struct store_txn *txn, uint64_t *term, struct error *err)
{
    struct bytes value;
    enum status status = audit_record_last(txn, AUDIT_JOURNAL_TERM, term, &value, err);
    return status == ST_NOT_FOUND ? error_set(err, ST_CORRUPT, "log: its terms are gone") : status;
}

enum status audit_meta_take_term(struct store_txn *txn, uint64_t *term, struct error *err)
{
    struct bytes value;
    uint64_t last = 0;
    enum status status = audit_record_last(txn, AUDIT_JOURNAL_TERM, &last, &value, err);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    struct audit_key key = audit_key_u64(last + 1);
    struct audit_key when = audit_key_u64((uint64_t)clock_wall_ms());
    status =
        store_put_new(txn, AUDIT_JOURNAL_TERM, audit_key_view(&key), audit_key_view(&when), err);
    if (status == ST_OK) {
        *term = last + 1;
    }
    return status;
}
