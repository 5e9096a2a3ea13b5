// Blocks of facets. Going through a block is reading one page from its end to its begin, which is
// what makes searching millions of entries cheap. The tail's facets are rows of their own; together
// they have each entry once: below what the stored view stands for from there, the rest from the
// tail.
#include "audit/views_block.h"

#include <string.h>

#include "base/reader.h"

static enum status read_index(struct bytes key, uint64_t *index, struct error *err)
{
    struct reader reader = reader_init(key);
    uint64_t read = reader_u64(&reader);
    if (!reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "views: a facet's place that is none");
    }
    *index = read;
    return ST_OK;
}

static enum status damaged(struct error *err, uint64_t block)
{
    return error_set(err, ST_CORRUPT, "views: block %llu of facets", (unsigned long long)block);
}

// ---- writing

enum status audit_block_flush(struct audit_block *block, struct store_txn *txn, struct error *err)
{
    uint8_t key[8];
    if (!block->open) {
        return ST_OK;
    }
    block->open = false;
    return store_put(txn, AUDIT_TABLE_BLOCK, seal_u64(key, block->number),
                     bytes_of(block->bytes, block->size), err);
}

static enum status open_block(struct audit_block *block, struct store_txn *txn, uint64_t number,
                              struct error *err)
{
    uint8_t key[8];
    struct bytes stored;
    memset(block, 0, sizeof(*block));
    block->number = number;
    enum status status = store_get(txn, AUDIT_TABLE_BLOCK, seal_u64(key, number), &stored, err);
    if (status == ST_OK) {
        if (stored.size > AUDIT_BLOCK_BYTES || stored.size % AUDIT_FACET_BYTES != 0) {
            return damaged(err, number);
        }
        memcpy(block->bytes, stored.data, stored.size);
        block->size = stored.size;
    }
    block->open = status == ST_OK || status == ST_NOT_FOUND;
    return block->open ? ST_OK : status;
}

enum status audit_block_add(struct audit_block *block, struct store_txn *txn,
                            const struct audit_row *row, struct error *err)
{
    uint64_t index = 0;
    enum status status = read_index(row->key, &index, err);
    if (status == ST_OK && !row->removed && row->value.size != AUDIT_FACET_BYTES) {
        status = damaged(err, index / AUDIT_BLOCK_FACETS);
    }
    if (status == ST_OK && block->open && block->number != index / AUDIT_BLOCK_FACETS) {
        status = audit_block_flush(block, txn, err);
    }
    if (status == ST_OK && !block->open) {
        status = open_block(block, txn, index / AUDIT_BLOCK_FACETS, err);
    }
    if (status == ST_OK && !row->removed) {
        size_t offset = (size_t)(index % AUDIT_BLOCK_FACETS) * AUDIT_FACET_BYTES;
        memcpy(block->bytes + offset, row->value.data, AUDIT_FACET_BYTES);
        if (block->size < offset + AUDIT_FACET_BYTES) {
            block->size = offset + AUDIT_FACET_BYTES;
        }
    }
    return status;
}

enum status audit_block_keep(struct bytes key, struct bytes value, uint64_t to,
                             uint8_t kept[AUDIT_BLOCK_BYTES], size_t *size, struct error *err)
{
    uint64_t number = 0;
    size_t left = 0;
    enum status status = read_index(key, &number, err);
    if (status != ST_OK) {
        return status;
    }
    if (value.size > AUDIT_BLOCK_BYTES || value.size % AUDIT_FACET_BYTES != 0) {
        return damaged(err, number);
    }
    memset(kept, 0, AUDIT_BLOCK_BYTES);
    for (size_t offset = 0; offset < value.size; offset += AUDIT_FACET_BYTES) {
        struct audit_facet facet;
        uint64_t index = number * AUDIT_BLOCK_FACETS + offset / AUDIT_FACET_BYTES;
        audit_facet_read(value.data + offset, &facet);
        if (facet.known && (index >= to || audit_kind_lasts(facet.kind))) {
            memcpy(kept + offset, value.data + offset, AUDIT_FACET_BYTES);
            left = offset + AUDIT_FACET_BYTES;
        }
    }
    *size = left;
    return ST_OK;
}

// ---- reading

struct facets {
    uint64_t next; // the entry below this one comes next
    uint64_t lowest;
    bool (*visit)(uint64_t index, const uint8_t *facet, void *context);
    void *context;
    bool ended; // by the visitor
    enum status status;
    struct error *err;
};

// Visits the entries from the next one down to `index`, which has this facet; those before it have
// none.
static void visit_to(struct facets *facets, uint64_t index, const uint8_t *facet)
{
    static const uint8_t none[AUDIT_FACET_BYTES];
    while (!facets->ended && facets->next > index) {
        facets->next--;
        facets->ended =
            !facets->visit(facets->next, facets->next == index ? facet : none, facets->context);
    }
}

static bool tail_row(struct bytes key, struct bytes value, void *context)
{
    struct facets *facets = context;
    uint64_t index = 0;
    facets->status = read_index(key, &index, facets->err);
    if (facets->status == ST_OK && value.size != AUDIT_FACET_BYTES) {
        facets->status = damaged(facets->err, index / AUDIT_BLOCK_FACETS);
    }
    if (facets->status != ST_OK || index < facets->lowest) {
        return false;
    }
    if (index < facets->next) {
        visit_to(facets, index, value.data);
    }
    return !facets->ended;
}

// Entries from `floor` on, which the stored view does not have.
static enum status visit_tail(struct audit_reader *reader, struct facets *facets, uint64_t floor,
                              struct error *err)
{
    uint8_t key[8];
    static const uint8_t none[AUDIT_FACET_BYTES];
    uint64_t lowest = facets->lowest;
    facets->lowest = floor > lowest ? floor : lowest;
    enum status status = ST_OK;
    if (facets->next > facets->lowest) {
        status = audit_reader_scan(reader, AUDIT_TABLE_FACET, (struct bytes){ 0 },
                                   seal_u64(key, facets->next - 1), true, tail_row, facets, err);
        status = status == ST_OK ? facets->status : status;
    }
    if (status == ST_OK) {
        visit_to(facets, facets->lowest, none);
    }
    facets->lowest = lowest;
    return status;
}

static enum status visit_block(struct audit_reader *reader, struct facets *facets,
                               struct error *err)
{
    static const uint8_t none[AUDIT_FACET_BYTES];
    uint8_t key[8];
    struct bytes block = { 0 };
    uint64_t number = (facets->next - 1) / AUDIT_BLOCK_FACETS;
    uint64_t begin = number * AUDIT_BLOCK_FACETS;
    enum status status =
        audit_reader_get(reader, AUDIT_TABLE_BLOCK, seal_u64(key, number), &block, err);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (block.size > AUDIT_BLOCK_BYTES) {
        return damaged(err, number);
    }
    while (!facets->ended && facets->next > begin && facets->next > facets->lowest) {
        uint64_t index = facets->next - 1;
        size_t offset = (size_t)(index - begin) * AUDIT_FACET_BYTES;
        visit_to(facets, index,
                 offset + AUDIT_FACET_BYTES <= block.size ? block.data + offset : none);
    }
    return ST_OK;
}

enum status audit_reader_facets(struct audit_reader *reader, uint64_t next, uint64_t lowest,
                                bool (*visit)(uint64_t index, const uint8_t *facet, void *context),
                                void *context, struct error *err)
{
    struct facets facets = {
        .next = next, .lowest = lowest, .visit = visit, .context = context, .err = err
    };
    enum status status = visit_tail(reader, &facets, audit_reader_stored(reader), err);
    while (status == ST_OK && !facets.ended && facets.next > lowest) {
        status = visit_block(reader, &facets, err);
    }
    return status;
}
