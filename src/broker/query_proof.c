// One person's list with everything that proves it: where it stands in the map of the newest epoch,
// and the receipt of each entry, all in one tree. Whoever looks without the person's session goes
// on record first, as with any look at a person.
#include "broker/query_inside.h"

#include "base/text.h"
#include "broker/epoch.h"
#include "wire/wire.h"

enum {
    ENTRY_ROOM = 1024, // of a row besides its parts: path, checkpoint, hashes
    BODY_ROOM = WIRE_BOXES_MAX_BYTES - 4 * QUERY_BODY_ROOM,
};

// The proof of an epoch's entry and of the person's place in its map.
static enum status add_epoch(struct desk *desk, struct job *job, const struct audit_tag *tag,
                             uint64_t size, struct rows *rows, struct error *err)
{
    const struct epoch_now *now = desk->epoch;
    struct wire_row *row = &rows->items[rows->count++];
    row->name = bytes_text("epoch");
    if (now == NULL || now->index >= size) {
        return ST_OK; // none yet: the list is listed, and the row says so by being empty
    }
    struct wire_person_proof *proof = arena_take(job->arena, sizeof(*proof));
    struct audit_epoch_place *place = arena_take(job->arena, sizeof(*place));
    struct audit_receipt *receipt = arena_take(job->arena, sizeof(*receipt));
    if (proof == NULL || place == NULL || receipt == NULL) {
        return query_no_memory(err);
    }
    enum status status =
        audit_log_receipt(desk->log, now->index, size, WIRE_PART_PUBLIC, job->arena, receipt, err);
    if (status == ST_OK) {
        status = audit_epoch_find(now->map, tag, place, err);
    }
    if (status != ST_OK) {
        return status;
    }
    *proof = (struct wire_person_proof){
        .tag = job_keep(job, audit_tag_view(tag)),
        .absent = place->absent,
        .count = place->open.count,
        .head = place->open.head,
        .salt = place->salt,
        .delayed = place->delayed,
        .bitmap = bytes_of(place->path.bitmap, sizeof(place->path.bitmap)),
        .path = bytes_of(place->path.steps, place->path.count * DIGEST_BYTES),
    };
    row->index = now->index;
    row->receipt = &receipt->receipt;
    row->person = proof;
    return ST_OK;
}

// The entry that says up to where the log may be forgotten, where there is one.
static enum status add_forgotten_to(struct desk *desk, struct job *job, uint64_t size,
                                    struct rows *rows, struct error *err)
{
    struct audit_forgotten forgotten = { 0 };
    struct audit_receipt *receipt = arena_take(job->arena, sizeof(*receipt));
    if (receipt == NULL) {
        return query_no_memory(err);
    }
    enum status status = audit_reader_forgotten(desk->reader, &forgotten, err);
    if (status != ST_OK || forgotten.to == 0 || forgotten.index >= size) {
        return status;
    }
    status = audit_log_receipt(desk->log, forgotten.index, size, WIRE_PART_PUBLIC, job->arena,
                               receipt, err);
    if (status == ST_OK) {
        struct wire_row *row = &rows->items[rows->count++];
        row->name = bytes_text("forgotten");
        row->index = forgotten.index;
        row->receipt = &receipt->receipt;
    }
    return status;
}

// What is left of an entry whose body is forgotten: its leaf, and its place in the tree.
static enum status add_forgotten(struct desk *desk, struct job *job, uint64_t size,
                                 struct wire_row *row, struct error *err)
{
    struct audit_record record;
    struct buffer path = buffer_init(PROOF_PATH_MAX * DIGEST_BYTES);
    enum status status = audit_log_record(desk->log, row->index, &record, err);
    if (status == ST_OK) {
        status = audit_log_inclusion(desk->log, row->index, size, &path, err);
    }
    if (status == ST_OK) {
        row->forgotten = true;
        row->leaf = job_keep(job, record.leaf);
        row->announcement = job_keep(job, buffer_view(&path));
    }
    buffer_fini(&path);
    return status;
}

// The parts besides the citizen's own, for those who may see them: they lead to the person, so it
// can be checked that they lead to this one.
static enum status add_parts(struct desk *desk, struct job *job, struct wire_row *row,
                             struct error *err)
{
    struct audit_record record;
    struct audit_body *body = arena_take(job->arena, sizeof(*body));
    struct wire_row_part *parts = arena_take(job->arena, AUDIT_PARTS_MAX * sizeof(*parts));
    if (body == NULL || parts == NULL) {
        return query_no_memory(err);
    }
    enum status status = audit_log_record(desk->log, row->index, &record, err);
    if (status == ST_OK) {
        status = audit_log_body(desk->log, row->index, &record, job->arena, body, err);
    }
    for (size_t i = 0; status == ST_OK && i < body->count; i++) {
        if (body->parts[i].type != WIRE_PART_SUBJECT) {
            parts[row->parts_count++] = (struct wire_row_part){ .type = body->parts[i].type,
                                                                .salt = body->parts[i].salt,
                                                                .bytes = body->parts[i].bytes };
        }
    }
    row->parts = parts;
    return status;
}

// The views no longer have the row of the entry before this one: its part says where that stands.
static enum status add_gone(struct desk *desk, struct job *job, uint64_t size, struct rows *rows,
                            struct error *err)
{
    const struct wire_row *newer = &rows->items[rows->count - 1];
    struct wire_row *row = &rows->items[rows->count];
    struct wire_subject_part subject;
    if (newer->forgotten) {
        return ST_OK; // nobody can say any more what it followed
    }
    enum status status = wire_decode(WIRE_SCHEMA_SUBJECT_PART, newer->receipt->extra->part,
                                     job->arena, &subject, err);
    if (status == ST_OK) {
        row->index = subject.previous_index;
        row->number = newer->number - 1;
        status = add_forgotten(desk, job, size, row, err);
    }
    rows->bytes += ENTRY_ROOM;
    rows->count++;
    return status;
}

static enum status add_entry(struct desk *desk, struct job *job,
                             const struct audit_subject_row *listed, uint64_t size,
                             struct rows *rows, struct error *err)
{
    struct wire_row *row = &rows->items[rows->count];
    struct audit_receipt *receipt = arena_take(job->arena, sizeof(*receipt));
    if (receipt == NULL) {
        return query_no_memory(err);
    }
    row->index = listed->index;
    row->number = listed->sequence;
    enum status status = audit_log_receipt(desk->log, listed->index, size, WIRE_PART_SUBJECT,
                                           job->arena, receipt, err);
    if (status == ST_NOT_FOUND) {
        status = add_forgotten(desk, job, size, row, err);
    } else if (status == ST_OK) {
        row->receipt = &receipt->receipt;
        rows->bytes += receipt->receipt.extra->part.size;
        status = job->in_session ? ST_OK : add_parts(desk, job, row, err);
    }
    for (size_t i = 0; i < row->parts_count; i++) {
        rows->bytes += row->parts[i].bytes.size + 64;
    }
    rows->bytes += ENTRY_ROOM + PROOF_PATH_MAX * DIGEST_BYTES / 2;
    rows->count++;
    return status;
}

// A page of the list; *done: how many of its rows it took.
static enum status add_page(struct desk *desk, struct job *job,
                            const struct audit_subject_row *chain, size_t count, uint64_t size,
                            struct rows *rows, size_t *done, struct error *err)
{
    enum status status = ST_OK;
    for (*done = 0; *done < count && *done < QUERY_PAGE_ROWS && rows->bytes < BODY_ROOM; ++*done) {
        const struct audit_subject_row *listed = &chain[*done];
        uint64_t next = *done + 1 < count ? chain[*done + 1].sequence : 0;
        if (listed->index >= size) {
            continue; // it came after the first page
        }
        status = add_entry(desk, job, listed, size, rows, err);
        if (status == ST_OK && listed->sequence > next + 1) {
            status = add_gone(desk, job, size, rows, err);
        }
        if (status != ST_OK) {
            break;
        }
    }
    return status;
}

static enum status read_question(struct desk *desk, const struct wire_query *query, uint64_t *size,
                                 uint64_t *from, struct error *err)
{
    *size = query->to == 0 ? desk->size : query->to;
    *from = 0;
    if (*size > desk->size) {
        return error_set(err, ST_NOT_FOUND, "the log has %llu entries",
                         (unsigned long long)desk->size);
    }
    if (query->cursor.size > 0 && !text_u64_parse(query->cursor, UINT64_MAX, from)) {
        return error_set(err, ST_MALFORMED, "cursor: not one of this broker's");
    }
    return ST_OK;
}

// The first page has the epoch and says in which tree everything is proven; the next ones are asked
// for with that size and the cursor, which is a sequence number.
enum status query_proof(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err)
{
    struct audit_tag tag;
    struct audit_subject_row chain[QUERY_PAGE_ROWS + 1]; // one more, to know what comes next
    struct rows rows = { .count = 0 };
    uint64_t from = 0;
    uint64_t size = 0;
    size_t count = 0;
    size_t done = 0;
    enum status status = query_person(desk, job, &tag, err);
    if (status == ST_OK) {
        status = read_question(desk, job->payload, &size, &from, err);
    }
    if (status == ST_OK) {
        status = rows_init(&rows, job, 2 * QUERY_PAGE_ROWS + 2, err);
    }
    if (status == ST_OK && from == 0) {
        status = add_epoch(desk, job, &tag, size, &rows, err);
        if (status == ST_OK) {
            status = add_forgotten_to(desk, job, size, &rows, err);
        }
    }
    if (status == ST_OK) {
        status = audit_reader_subject_page(desk->reader, &tag, from, QUERY_PAGE_ROWS + 1, chain,
                                           &count, err);
    }
    if (status == ST_OK && !job->in_session) {
        status = query_record_look(job, &tag, "proof of a person's list", count, err);
    }
    if (status == ST_OK) {
        status = add_page(desk, job, chain, count, size, &rows, &done, err);
    }
    if (status == ST_OK && done < count) {
        query_set_cursor(job, result, chain[done].sequence);
    }
    if (status != ST_OK) {
        return status;
    }
    struct wire_rows all = {
        .rows = rows.items, .rows_count = rows.count, .log_size = size, .examined = done
    };
    return wire_encode(WIRE_SCHEMA_ROWS, &all, &desk->body, err);
}
