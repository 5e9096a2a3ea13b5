// Sorted rows in three arrays: a sorting prefix and an item each, and one blob of keys and values.
// Comparing looks at the prefix (table and the key's first seven bytes) and only then at the key.
// The filter is a blocked Bloom filter: four bits in one word a key, at sixteen bits a key.
#include "audit/delta.h"

#include <stdatomic.h>
#include <stdlib.h>

struct item {
    uint64_t prefix;
    uint32_t offset; // of the key in the blob; the value follows it
    uint32_t value_size;
    uint16_t key_size;
    uint8_t table;
    bool removed;
};

struct audit_delta {
    atomic_size_t references;
    uint64_t begin;
    uint64_t end;
    size_t count;
    struct item *items;
    uint8_t *blob;
    size_t blob_size;
    uint64_t *filter;
    size_t filter_mask; // words - 1, a power of two less one
};

static uint64_t prefix_of(enum audit_table table, struct bytes key)
{
    uint64_t prefix = (uint64_t)table << 56;
    for (size_t i = 0; i < 7 && i < key.size; i++) {
        prefix |= (uint64_t)key.data[i] << (48 - 8 * i);
    }
    return prefix;
}

static struct bytes key_of(const struct audit_delta *delta, const struct item *item)
{
    return bytes_of(delta->blob + item->offset, item->key_size);
}

// ---- the filter

uint64_t audit_delta_hash(enum audit_table table, struct bytes key)
{
    uint64_t hash = 0x9e3779b97f4a7c15U + (uint64_t)table;
    for (size_t i = 0; i < key.size; i += 8) {
        uint64_t word = 0;
        size_t left = key.size - i;
        memcpy(&word, key.data + i, left < 8 ? left : 8);
        hash = (hash ^ word) * 0xbf58476d1ce4e5b9U;
        hash ^= hash >> 29;
    }
    hash = (hash ^ key.size) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31);
}

uint64_t audit_delta_bits(uint64_t hash)
{
    return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63) | 1ULL << (hash >> 12 & 63) |
           1ULL << (hash >> 18 & 63);
}

bool audit_delta_may_have(const struct audit_delta *delta, uint64_t hash)
{
    uint64_t bits = audit_delta_bits(hash);
    return (delta->filter[(hash >> 24) & delta->filter_mask] & bits) == bits;
}

static void filter_add(struct audit_delta *delta, uint64_t hash)
{
    delta->filter[(hash >> 24) & delta->filter_mask] |= audit_delta_bits(hash);
}

static void filter_fill(struct audit_delta *delta)
{
    for (size_t i = 0; i < delta->count; i++) {
        const struct item *item = &delta->items[i];
        struct bytes key = key_of(delta, item);
        enum audit_table table = (enum audit_table)item->table;
        filter_add(delta, audit_delta_hash(table, key));
        if (audit_table_is_by_tag(table) && key.size > AUDIT_TAG_BYTES) {
            filter_add(delta, audit_delta_hash(table, bytes_of(key.data, AUDIT_TAG_BYTES)));
        }
    }
}

// ---- making one

static struct audit_delta *allocate(size_t count, size_t blob_size, uint64_t begin, uint64_t end)
{
    struct audit_delta *delta = calloc(1, sizeof(*delta));
    size_t words = 4;
    if (delta == NULL || blob_size > UINT32_MAX) {
        free(delta);
        return NULL;
    }
    while (words < count / 4) {
        words *= 2;
    }
    atomic_init(&delta->references, 1);
    delta->begin = begin;
    delta->end = end;
    delta->items = malloc((count + 1) * sizeof(*delta->items));
    delta->blob = malloc(blob_size + 1);
    delta->filter = calloc(words, sizeof(*delta->filter));
    delta->filter_mask = words - 1;
    if (delta->items == NULL || delta->blob == NULL || delta->filter == NULL) {
        audit_delta_unref(&delta);
    }
    return delta;
}

// Adds a row behind the last one; the room has been counted.
static void add(struct audit_delta *delta, const struct audit_row *row, uint64_t prefix)
{
    struct item *item = &delta->items[delta->count++];
    *item = (struct item){
        .prefix = prefix,
        .offset = (uint32_t)delta->blob_size,
        .value_size = (uint32_t)row->value.size,
        .key_size = (uint16_t)row->key.size,
        .table = (uint8_t)row->table,
        .removed = row->removed,
    };
    memcpy(delta->blob + delta->blob_size, row->key.data, row->key.size);
    delta->blob_size += row->key.size;
    if (row->value.size > 0) {
        memcpy(delta->blob + delta->blob_size, row->value.data, row->value.size);
        delta->blob_size += row->value.size;
    }
}

struct order {
    uint64_t prefix;
    size_t place;
    const struct audit_rows *rows;
};

static int compare_order(const void *left, const void *right)
{
    const struct order *a = left;
    const struct order *b = right;
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    struct audit_row x = audit_rows_at(a->rows, a->place);
    struct audit_row y = audit_rows_at(b->rows, b->place);
    int keys = bytes_compare(x.key, y.key);
    return keys != 0 ? keys : (a->place > b->place) - (a->place < b->place);
}

struct audit_delta *audit_delta_create(const struct audit_rows *rows, uint64_t begin, uint64_t end)
{
    size_t count = audit_rows_count(rows);
    struct audit_delta *delta = allocate(count, audit_rows_bytes(rows), begin, end);
    struct order *order = malloc((count + 1) * sizeof(*order));
    if (delta == NULL || order == NULL) {
        audit_delta_unref(&delta);
        free(order);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct audit_row row = audit_rows_at(rows, i);
        order[i] =
            (struct order){ .prefix = prefix_of(row.table, row.key), .place = i, .rows = rows };
    }
    qsort(order, count, sizeof(*order), compare_order);
    for (size_t i = 0; i < count; i++) {
        struct audit_row row = audit_rows_at(rows, order[i].place);
        if (i + 1 < count && order[i].prefix == order[i + 1].prefix &&
            bytes_equal(row.key, audit_rows_at(rows, order[i + 1].place).key)) {
            continue; // a newer row of the same key follows
        }
        add(delta, &row, order[i].prefix);
    }
    free(order);
    filter_fill(delta);
    return delta;
}

static int compare_items(const struct audit_delta *a, const struct item *x,
                         const struct audit_delta *b, const struct item *y)
{
    if (x->prefix != y->prefix) {
        return x->prefix < y->prefix ? -1 : 1;
    }
    return bytes_compare(key_of(a, x), key_of(b, y));
}

struct audit_delta *audit_delta_merge(const struct audit_delta *older,
                                      const struct audit_delta *newer)
{
    struct audit_delta *merged = allocate(
        older->count + newer->count, older->blob_size + newer->blob_size, older->begin, newer->end);
    size_t i = 0;
    size_t j = 0;
    while (merged != NULL && (i < older->count || j < newer->count)) {
        int order = 0;
        if (i == older->count || j == newer->count) {
            order = i == older->count ? 1 : -1;
        } else {
            order = compare_items(older, &older->items[i], newer, &newer->items[j]);
        }
        bool take_newer = order >= 0;
        const struct audit_delta *from = take_newer ? newer : older;
        size_t place = take_newer ? j : i;
        struct audit_row row = audit_delta_at(from, place);
        add(merged, &row, from->items[place].prefix);
        i += order <= 0 ? 1 : 0;
        j += take_newer ? 1 : 0;
    }
    if (merged != NULL) {
        filter_fill(merged);
    }
    return merged;
}

struct audit_delta *audit_delta_ref(struct audit_delta *delta)
{
    atomic_fetch_add(&delta->references, 1);
    return delta;
}

void audit_delta_unref(struct audit_delta **delta)
{
    struct audit_delta *gone = *delta;
    *delta = NULL;
    if (gone != NULL && atomic_fetch_sub(&gone->references, 1) == 1) {
        free(gone->items);
        free(gone->blob);
        free(gone->filter);
        free(gone);
    }
}

// ---- looking at one

uint64_t audit_delta_begin(const struct audit_delta *delta)
{
    return delta->begin;
}

uint64_t audit_delta_end(const struct audit_delta *delta)
{
    return delta->end;
}

size_t audit_delta_count(const struct audit_delta *delta)
{
    return delta->count;
}

size_t audit_delta_bytes(const struct audit_delta *delta)
{
    return sizeof(*delta) + delta->count * sizeof(struct item) + delta->blob_size +
           (delta->filter_mask + 1) * sizeof(uint64_t);
}

struct audit_row audit_delta_at(const struct audit_delta *delta, size_t place)
{
    const struct item *item = &delta->items[place];
    struct bytes key = key_of(delta, item);
    return (struct audit_row){
        .table = (enum audit_table)item->table,
        .key = key,
        .value = bytes_of(key.data + key.size, item->value_size),
        .removed = item->removed,
    };
}

size_t audit_delta_seek(const struct audit_delta *delta, enum audit_table table, struct bytes key,
                        bool after)
{
    uint64_t prefix = prefix_of(table, key);
    size_t low = 0;
    size_t high = delta->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct item *item = &delta->items[middle];
        int order = item->prefix == prefix ? bytes_compare(key_of(delta, item), key)
                                           : (item->prefix < prefix ? -1 : 1);
        if (order < 0 || (after && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
