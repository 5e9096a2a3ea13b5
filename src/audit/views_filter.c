// A Bloom filter whose bits for one key lie in one word: one look into memory for each run.
#include "audit/views_filter.h"

#include <stdlib.h>

#include "audit/delta.h"
#include "audit/views_runs.h"
#include "base/reader.h"
#include "seal/hash.h"

enum {
    ROWS_MIN = 1024,     // looking into a smaller run costs as little
    ROWS_OF_WORD = 4,    // so two or three of a hundred keys are looked for in vain
    WORDS_MAX = 1 << 23, // 64 MB
};

uint64_t audit_filter_hash(enum audit_table table, struct bytes key)
{
    bool by_tag = audit_table_is_by_tag(table) && key.size > AUDIT_TAG_BYTES;
    return audit_delta_hash(table, by_tag ? bytes_of(key.data, AUDIT_TAG_BYTES) : key);
}

static size_t place_of(uint64_t hash, size_t words)
{
    return (size_t)(((hash >> 32) * words) >> 32) * sizeof(uint64_t);
}

static uint64_t word_at(const uint8_t *at)
{
    struct reader reader = reader_init(bytes_of(at, sizeof(uint64_t)));
    return reader_u64(&reader);
}

static struct bytes name_of(uint8_t name[2], enum audit_table table, uint8_t number)
{
    name[0] = (uint8_t)table;
    name[1] = number;
    return bytes_of(name, 2);
}

// Sets the bits of all rows of the run.
static enum status fill(struct store_txn *txn, enum audit_table table, uint8_t number,
                        uint8_t *filter, size_t words, struct error *err)
{
    const struct audit_run_form *form = audit_run_form(table);
    struct store_cursor *cursor = NULL;
    struct bytes name;
    struct bytes page;
    enum status status = store_cursor_open(txn, table, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_seek(cursor, bytes_of(&number, 1), &name, &page, err);
    }
    while (status == ST_OK && name.data[0] == number) {
        status = audit_run_page_check(table, name, page, err);
        for (size_t at = 0; status == ST_OK && at < page.size; at += form->row_bytes) {
            uint64_t hash = audit_filter_hash(table, bytes_of(page.data + at, form->key_bytes));
            uint8_t *word = filter + place_of(hash, words);
            (void)seal_u64(word, word_at(word) | audit_delta_bits(hash));
        }
        if (status == ST_OK) {
            status = store_cursor_next(cursor, &name, &page, err);
        }
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status audit_filter_make(struct store_txn *txn, enum audit_table table, uint8_t number,
                              uint64_t rows, struct error *err)
{
    uint8_t name[2];
    if (rows < ROWS_MIN) {
        return audit_filter_drop(txn, table, number, err);
    }
    size_t words = rows / ROWS_OF_WORD < WORDS_MAX ? (size_t)(rows / ROWS_OF_WORD) : WORDS_MAX;
    uint8_t *filter = calloc(words, sizeof(uint64_t));
    if (filter == NULL) {
        return error_set(err, ST_NOMEM, "views: a filter");
    }
    enum status status = fill(txn, table, number, filter, words, err);
    if (status == ST_OK) {
        status = store_put(txn, AUDIT_TABLE_RUN, name_of(name, table, number),
                           bytes_of(filter, words * sizeof(uint64_t)), err);
    }
    free(filter);
    return status;
}

enum status audit_filter_drop(struct store_txn *txn, enum audit_table table, uint8_t number,
                              struct error *err)
{
    uint8_t name[2];
    enum status status = store_remove(txn, AUDIT_TABLE_RUN, name_of(name, table, number), err);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status audit_filter_of(struct store_txn *txn, enum audit_table table, uint8_t number,
                            struct audit_run_filter *filter, struct error *err)
{
    uint8_t name[2];
    struct bytes words = { 0 };
    enum status status = store_get(txn, AUDIT_TABLE_RUN, name_of(name, table, number), &words, err);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (words.size % sizeof(uint64_t) != 0) {
        return error_set(err, ST_CORRUPT, "views: a filter that is none");
    }
    filter->words = words;
    return ST_OK;
}

bool audit_filter_may_have(const struct audit_run_filter *filter, uint64_t hash)
{
    uint64_t bits = audit_delta_bits(hash);
    if (filter->words.size == 0) {
        return true;
    }
    const uint8_t *word =
        filter->words.data + place_of(hash, filter->words.size / sizeof(uint64_t));
    return (word_at(word) & bits) == bits;
}
