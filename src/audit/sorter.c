// An external merge sort. A run is a stretch of rows, sorted by table, key and age; all runs stand
// one after another in one file, but the last, which stays in memory. Merging takes them through a
// heap; of two rows with the same key the one of the later run is the newer.
//
// A row in the file: u8 table, u8 removed, u16 size of the key, u32 size of the value, u64 index,
// key, value, in the machine's byte order: the file never outlives the process.
#include "audit/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { MEMORY_MIN = 1 << 20, HEAD_BYTES = 16, READ_BYTES = 256 * 1024, KEY_BYTES_MAX = 511 };

// A row in memory: its place in the blob, laid out as in the file.
struct item {
    uint64_t prefix; // table and the key's first bytes: most comparisons end here
    uint64_t offset;
};

// One run while it is read.
struct run {
    int fd;         // -1: the run in memory
    uint64_t next;  // in the file, behind what was read
    uint64_t end;   // in the file
    uint8_t *bytes; // READ_BYTES or more
    size_t room;
    size_t have;
    size_t at;      // of the current row in `bytes`
    size_t item;    // of the run in memory
    uint64_t order; // of the run
    uint64_t prefix;
    const uint8_t *row; // the current one; NULL: the run has ended
};

struct audit_sorter {
    int fd; // -1: everything has fitted so far
    char folder[PATH_MAX];
    size_t memory_bytes;
    struct buffer blob;
    struct item *items;
    size_t count;
    size_t capacity;
    uint64_t *ends; // of the runs in the file
    size_t run_count;
    uint64_t bound;
    struct run *runs;
    struct run **heap;
    size_t heap_count;
    struct buffer current; // the row that is handed out
};

enum status audit_sorter_create(const char *folder, size_t memory_bytes,
                                struct audit_sorter **sorter, struct error *err)
{
    struct audit_sorter *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "sorting rows");
    }
    made->fd = -1;
    made->memory_bytes = memory_bytes < MEMORY_MIN ? MEMORY_MIN : memory_bytes;
    made->blob = buffer_init(made->memory_bytes + (1 << 20));
    made->current = buffer_init(1 << 20);
    if (snprintf(made->folder, sizeof(made->folder), "%s", folder) >= (int)sizeof(made->folder)) {
        free(made);
        return error_set(err, ST_USAGE, "sorting rows: path too long");
    }
    *sorter = made;
    return ST_OK;
}

void audit_sorter_destroy(struct audit_sorter **sorter)
{
    struct audit_sorter *gone = *sorter;
    *sorter = NULL;
    if (gone == NULL) {
        return;
    }
    for (size_t i = 0; gone->runs != NULL && i <= gone->run_count; i++) {
        free(gone->runs[i].bytes);
    }
    if (gone->fd >= 0) {
        close(gone->fd);
    }
    buffer_fini(&gone->blob);
    buffer_fini(&gone->current);
    free(gone->items);
    free(gone->ends);
    free(gone->runs);
    free(gone->heap);
    free(gone);
}

// ---- a row's bytes

static struct bytes row_key(const uint8_t *row)
{
    uint16_t size = 0;
    memcpy(&size, row + 2, sizeof(size));
    return bytes_of(row + HEAD_BYTES, size);
}

static size_t row_bytes(const uint8_t *row)
{
    uint32_t value = 0;
    memcpy(&value, row + 4, sizeof(value));
    return HEAD_BYTES + row_key(row).size + value;
}

static uint64_t row_index(const uint8_t *row)
{
    uint64_t index = 0;
    memcpy(&index, row + 8, sizeof(index));
    return index;
}

static uint64_t prefix_of(uint8_t table, struct bytes key)
{
    uint64_t prefix = (uint64_t)table << 56;
    for (size_t i = 0; i < 7 && i < key.size; i++) {
        prefix |= (uint64_t)key.data[i] << (48 - 8 * i);
    }
    return prefix;
}

static int compare_rows(uint64_t a_prefix, const uint8_t *a, uint64_t b_prefix, const uint8_t *b)
{
    if (a_prefix != b_prefix) {
        return a_prefix < b_prefix ? -1 : 1;
    }
    return bytes_compare(row_key(a), row_key(b));
}

// ---- adding

static int compare_items(const void *left, const void *right, void *context)
{
    const struct item *a = left;
    const struct item *b = right;
    const uint8_t *blob = context;
    int order = compare_rows(a->prefix, blob + a->offset, b->prefix, blob + b->offset);
    return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static enum status open_file(struct audit_sorter *sorter, struct error *err)
{
    char path[PATH_MAX + 32];
    sorter->fd = open(sorter->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (sorter->fd < 0) { // a file system without unnamed files
        snprintf(path, sizeof(path), "%s/.sort-XXXXXX", sorter->folder);
        sorter->fd = mkostemp(path, O_CLOEXEC);
        if (sorter->fd >= 0) {
            unlink(path);
        }
    }
    return sorter->fd < 0
               ? error_errno(err, file_no_room(errno), "%s: a file to sort in", sorter->folder)
               : ST_OK;
}

static enum status write_all(struct audit_sorter *sorter, struct bytes bytes, uint64_t at,
                             struct error *err)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t wrote =
            pwrite(sorter->fd, bytes.data + done, bytes.size - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return error_errno(err, file_no_room(errno), "%s: sorting rows", sorter->folder);
        }
        done += (size_t)wrote;
    }
    return ST_OK;
}

static void sort_items(struct audit_sorter *sorter)
{
    if (sorter->count > 1) {
        qsort_r(sorter->items, sorter->count, sizeof(*sorter->items), compare_items,
                sorter->blob.data);
    }
}

// Writes what is in memory as a run.
static enum status spill(struct audit_sorter *sorter, struct error *err)
{
    uint64_t at = sorter->run_count == 0 ? 0 : sorter->ends[sorter->run_count - 1];
    uint64_t *ends = realloc(sorter->ends, (sorter->run_count + 1) * sizeof(*ends));
    struct buffer piece = buffer_init(2 * READ_BYTES + (1 << 20));
    if (ends == NULL) {
        return error_set(err, ST_NOMEM, "sorting rows");
    }
    sorter->ends = ends;
    enum status status = sorter->fd < 0 ? open_file(sorter, err) : ST_OK;
    sort_items(sorter);
    for (size_t i = 0; status == ST_OK && i < sorter->count; i++) {
        const uint8_t *row = sorter->blob.data + sorter->items[i].offset;
        buffer_bytes(&piece, bytes_of(row, row_bytes(row)));
        if (piece.size >= READ_BYTES || i + 1 == sorter->count) {
            status = buffer_ok(&piece, "sorting rows", err);
            if (status == ST_OK) {
                status = write_all(sorter, buffer_view(&piece), at, err);
            }
            at += piece.size;
            buffer_clear(&piece);
        }
    }
    buffer_fini(&piece);
    if (status == ST_OK) {
        sorter->ends[sorter->run_count++] = at;
        sorter->count = 0;
        buffer_clear(&sorter->blob);
    }
    return status;
}

static enum status grow_items(struct audit_sorter *sorter, struct error *err)
{
    size_t capacity = sorter->capacity == 0 ? 4096 : 2 * sorter->capacity;
    struct item *items = realloc(sorter->items, capacity * sizeof(*items));
    if (items == NULL) {
        return error_set(err, ST_NOMEM, "sorting rows");
    }
    sorter->items = items;
    sorter->capacity = capacity;
    return ST_OK;
}

enum status audit_sorter_add(struct audit_sorter *sorter, const struct audit_row *row,
                             uint64_t index, struct error *err)
{
    uint8_t head[HEAD_BYTES] = { (uint8_t)row->table, row->removed ? 1 : 0 };
    uint16_t key_size = (uint16_t)row->key.size;
    uint32_t value_size = (uint32_t)row->value.size;
    enum status status = ST_OK;
    if (row->key.size > KEY_BYTES_MAX || row->value.size > AUDIT_BODY_BYTES_MAX / 4) {
        return error_set(err, ST_MALFORMED, "sorting rows: a row of %zu bytes",
                         row->key.size + row->value.size);
    }
    if (sorter->blob.size + sorter->count * sizeof(struct item) >= sorter->memory_bytes) {
        status = spill(sorter, err);
    }
    if (status == ST_OK && sorter->count == sorter->capacity) {
        status = grow_items(sorter, err);
    }
    if (status != ST_OK) {
        return status;
    }
    memcpy(head + 2, &key_size, sizeof(key_size));
    memcpy(head + 4, &value_size, sizeof(value_size));
    memcpy(head + 8, &index, sizeof(index));
    struct item item = { .prefix = prefix_of(head[0], row->key), .offset = sorter->blob.size };
    buffer_bytes(&sorter->blob, bytes_of(head, sizeof(head)));
    buffer_bytes(&sorter->blob, row->key);
    buffer_bytes(&sorter->blob, row->value);
    status = buffer_ok(&sorter->blob, "sorting rows", err);
    if (status == ST_OK) {
        sorter->items[sorter->count++] = item;
    }
    return status;
}

// ---- reading runs

// Makes at least `size` bytes of the current row, if the run has them, stand in memory.
static enum status fill(struct run *run, size_t size, struct error *err)
{
    if (run->have - run->at >= size) {
        return ST_OK;
    }
    memmove(run->bytes, run->bytes + run->at, run->have - run->at);
    run->have -= run->at;
    run->at = 0;
    if (run->room < size) {
        uint8_t *bytes = realloc(run->bytes, size);
        if (bytes == NULL) {
            return error_set(err, ST_NOMEM, "sorting rows");
        }
        run->bytes = bytes;
        run->room = size;
    }
    while (run->have < size && run->next < run->end) {
        size_t most = run->room - run->have;
        size_t left = run->end - run->next < most ? (size_t)(run->end - run->next) : most;
        ssize_t got = pread(run->fd, run->bytes + run->have, left, (off_t)run->next);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return error_errno(err, ST_IO, "sorting rows: reading back");
        }
        run->have += (size_t)got;
        run->next += (uint64_t)got;
    }
    return run->have >= size ? ST_OK : error_set(err, ST_IO, "sorting rows: a run is cut short");
}

// Sets the run's current row to the next one, or to NULL at its end.
static enum status advance(const struct audit_sorter *sorter, struct run *run, struct error *err)
{
    enum status status = ST_OK;
    if (run->fd < 0) {
        bool has = run->item < sorter->count;
        run->row = has ? sorter->blob.data + sorter->items[run->item].offset : NULL;
        run->prefix = has ? sorter->items[run->item].prefix : 0;
        run->item += has ? 1 : 0;
        return ST_OK;
    }
    if (run->row != NULL) {
        run->at += row_bytes(run->row);
        run->row = NULL;
    }
    if (run->at == run->have && run->next == run->end) {
        return ST_OK;
    }
    status = fill(run, HEAD_BYTES, err);
    if (status == ST_OK) {
        status = fill(run, row_bytes(run->bytes + run->at), err);
    }
    if (status == ST_OK) {
        run->row = run->bytes + run->at;
        run->prefix = prefix_of(run->row[0], row_key(run->row));
    }
    return status;
}

static bool comes_before(const struct run *a, const struct run *b)
{
    int order = compare_rows(a->prefix, a->row, b->prefix, b->row);
    return order != 0 ? order < 0 : a->order < b->order;
}

static void sink(struct audit_sorter *sorter, size_t place)
{
    for (;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++) {
            if (child < sorter->heap_count &&
                comes_before(sorter->heap[child], sorter->heap[least])) {
                least = child;
            }
        }
        if (least == place) {
            return;
        }
        struct run *run = sorter->heap[place];
        sorter->heap[place] = sorter->heap[least];
        sorter->heap[least] = run;
        place = least;
    }
}

enum status audit_sorter_begin(struct audit_sorter *sorter, uint64_t bound, struct error *err)
{
    size_t count = sorter->run_count + 1;
    enum status status = ST_OK;
    sorter->bound = bound;
    sort_items(sorter);
    sorter->runs = calloc(count, sizeof(*sorter->runs));
    sorter->heap = calloc(count, sizeof(struct run *));
    if (sorter->runs == NULL || sorter->heap == NULL) {
        return error_set(err, ST_NOMEM, "sorting rows");
    }
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        struct run *run = &sorter->runs[i];
        bool memory = i == sorter->run_count;
        *run = (struct run){ .fd = memory ? -1 : sorter->fd, .order = i };
        if (!memory) {
            run->next = i == 0 ? 0 : sorter->ends[i - 1];
            run->end = sorter->ends[i];
            run->bytes = malloc(READ_BYTES);
            run->room = READ_BYTES;
            status = run->bytes == NULL ? error_set(err, ST_NOMEM, "sorting rows") : ST_OK;
        }
        if (status == ST_OK) {
            status = advance(sorter, run, err);
        }
        if (status == ST_OK && run->row != NULL) {
            sorter->heap[sorter->heap_count++] = run;
        }
    }
    for (size_t i = sorter->heap_count; i > 0; i--) {
        sink(sorter, i - 1);
    }
    return status;
}

// Takes the least row out of the heap; keeps a copy where it counts.
static enum status take(struct audit_sorter *sorter, bool *kept, struct error *err)
{
    struct run *run = sorter->heap[0];
    if (row_index(run->row) < sorter->bound) {
        buffer_clear(&sorter->current);
        buffer_bytes(&sorter->current, bytes_of(run->row, row_bytes(run->row)));
        *kept = true;
    }
    enum status status = buffer_ok(&sorter->current, "sorting rows", err);
    if (status == ST_OK) {
        status = advance(sorter, run, err);
    }
    if (status == ST_OK && run->row == NULL) {
        sorter->heap[0] = sorter->heap[--sorter->heap_count];
    }
    sink(sorter, 0);
    return status;
}

enum status audit_sorter_next(struct audit_sorter *sorter, struct audit_sorted *sorted,
                              struct error *err)
{
    enum status status = ST_OK;
    for (;;) {
        bool kept = false;
        if (sorter->heap_count == 0) {
            return ST_NOT_FOUND;
        }
        status = take(sorter, &kept, err);
        while (status == ST_OK && kept && sorter->heap_count > 0 &&
               sorter->heap[0]->row[0] == sorter->current.data[0] &&
               bytes_equal(row_key(sorter->heap[0]->row), row_key(sorter->current.data))) {
            status = take(sorter, &kept, err);
        }
        if (status != ST_OK) {
            return status;
        }
        const uint8_t *row = sorter->current.data;
        if (!kept || row[1] != 0) {
            continue;
        }
        struct bytes key = row_key(row);
        sorted->row = (struct audit_row){
            .table = (enum audit_table)row[0],
            .key = key,
            .value = bytes_of(key.data + key.size, row_bytes(row) - HEAD_BYTES - key.size),
        };
        sorted->index = row_index(row);
        return ST_OK;
    }
}
