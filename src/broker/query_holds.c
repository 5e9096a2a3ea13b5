// Questions about legal holds. The list names no person: it says only that a hold is about one.
#include "broker/query_inside.h"

#include "audit/hold.h"
#include "base/text.h"

struct holds_page {
    struct job *job;
    struct rows *rows;
    struct id next; // where the next page begins
    bool more;
    enum status status;
    struct error *err;
};

static bool add_hold(const struct wire_hold *hold, void *context)
{
    struct holds_page *page = context;
    struct rows *rows = page->rows;
    if (rows->count == rows->max) {
        page->next = hold->id;
        page->more = true;
        return false;
    }
    struct wire_hold *kept = arena_take(page->job->arena, sizeof(*kept));
    if (kept == NULL) {
        page->status = query_no_memory(page->err);
        return false;
    }
    *kept = *hold;
    kept->tag = (struct bytes){ 0 };
    kept->name = job_keep(page->job, hold->name);
    kept->member = job_keep(page->job, hold->member);
    kept->set_by = job_keep(page->job, hold->set_by);
    kept->set_node = job_keep(page->job, hold->set_node);
    kept->lifted_by = job_keep(page->job, hold->lifted_by);
    kept->lifted_node = job_keep(page->job, hold->lifted_node);
    struct wire_row *row = &rows->items[rows->count++];
    row->index = hold->index;
    row->state = hold->state;
    row->hold = kept;
    row->text = bytes_text(hold->tag.size > 0 ? "person" : "");
    return true;
}

enum status query_holds(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err)
{
    const struct wire_query *query = job->payload;
    struct rows rows;
    struct holds_page page = { .job = job, .rows = &rows, .err = err };
    struct id from;
    enum status status = rows_init(&rows, job, QUERY_PAGE_ROWS, err);
    if (status == ST_OK && query->cursor.size > 0 && !text_id_parse(query->cursor, &from)) {
        status = error_set(err, ST_MALFORMED, "cursor: not one of this broker's");
    }
    if (status == ST_OK) {
        status = audit_holds_each(desk->reader, query->cursor.size > 0 ? &from : NULL, add_hold,
                                  &page, err);
    }
    status = status == ST_OK ? page.status : status;
    if (status == ST_OK && page.more) {
        char text[TEXT_ID_BYTES];
        text_id_format(&page.next, text);
        result->cursor = job_keep(job, bytes_text(text));
    }
    if (status == ST_OK) {
        status = query_record_look(job, NULL, "legal holds", rows.count, err);
    }
    return status == ST_OK ? rows_pack(desk, &rows, rows.count, err) : status;
}
