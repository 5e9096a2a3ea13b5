// Questions about entries and consents.
//
// A list without a person shows no person: the officer's and the citizen's parts, which lead to
// one, are left out of it. Opening one entry, filtering by a person, or asking for the people too
// shows them and is recorded first, in the list of each of those persons.
#include "broker/query_inside.h"

#include "audit/month.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/consents.h"
#include "broker/search.h"

// The look itself, as an entry of the citizen's list (`tag` NULL: of nobody's).
enum status query_record_look(struct job *job, const struct audit_tag *tag, const char *question,
                              uint64_t answered, struct error *err)
{
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (subject == NULL || officer == NULL) {
        return query_no_memory(err);
    }
    struct bytes role = bytes_text(registry_role_name(job->from.role));
    *subject = (struct wire_subject_part){
        .format = 1, .kind = WIRE_KIND_READ, .asker = job->from.member, .official_role = role
    };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = WIRE_KIND_READ,
                                           .reader = job->from.member,
                                           .reader_role = role,
                                           .node = job->from.node,
                                           .question = bytes_text(question),
                                           .answered = answered,
                                           .decided_at = (uint64_t)clock_wall_ms() };
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_OVERSIGHT,
                                   .receipt_part = WIRE_PART_OFFICER,
                                   .subject = subject,
                                   .officer = officer };
    if (tag != NULL) {
        job->record.chained = true;
        job->record.tag = *tag;
    }
    return ST_OK;
}

// A page of consents under way.
struct consents_page {
    struct job *job;
    struct rows *rows;
    struct id next; // where the next page begins
    bool more;
    enum status status;
    struct error *err;
};

// An agency sees what it asked for and may use or await, nothing of what the citizen has decided
// besides, and never the tag, which is the same for all agencies.
static bool may_see_consent(const struct job *job, const struct consents_row *row)
{
    return job->from.role != REGISTRY_ROLE_NODE ||
           (bytes_equal(row->artefact.asker, job->from.member) &&
            (row->record.state == WIRE_CONSENT_REQUESTED ||
             row->record.state == WIRE_CONSENT_ACTIVE));
}

static bool visit_consent(void *context, const struct consents_row *row)
{
    struct consents_page *page = context;
    struct consents_row *kept = arena_take(page->job->arena, sizeof(*kept));
    if (!may_see_consent(page->job, row)) {
        return true;
    }
    if (page->rows->count == page->rows->max ||
        page->rows->bytes + row->packed.size > WIRE_BOXES_MAX_BYTES - 4 * QUERY_BODY_ROOM) {
        page->next = row->record.id;
        page->more = true;
        return false;
    }
    page->status = kept == NULL ? query_no_memory(page->err)
                                : consents_keep(row, page->job->arena, kept, page->err);
    if (page->status != ST_OK) {
        return false;
    }
    if (page->job->from.role == REGISTRY_ROLE_NODE) {
        kept->record.tag = (struct bytes){ 0 };
    }
    page->rows->bytes += row->packed.size;
    page->rows->items[page->rows->count++].consent = &kept->record;
    return true;
}

enum status query_consents(struct desk *desk, struct job *job, struct wire_result *result,
                           struct error *err)
{
    const struct wire_query *query = job->payload;
    struct audit_tag tag;
    struct rows rows;
    struct consents_page page = { .job = job, .rows = &rows, .err = err };
    struct id from;
    enum status status = query_person(desk, job, &tag, err);
    if (status == ST_OK) {
        status = rows_init(&rows, job, QUERY_PAGE_ROWS, err);
    }
    if (status == ST_OK && query->cursor.size > 0 && !text_id_parse(query->cursor, &from)) {
        status = error_set(err, ST_MALFORMED, "cursor: not one of this broker's");
    }
    if (status == ST_OK) {
        status = consents_walk(desk->reader, &tag, query->cursor.size > 0 ? &from : NULL,
                               desk->scratch, visit_consent, &page, err);
    }
    if (status == ST_OK) {
        status = page.status;
    }
    if (status == ST_OK && page.more) {
        char text[TEXT_ID_BYTES];
        text_id_format(&page.next, text);
        result->cursor = job_keep(job, bytes_text(text));
    }
    if (status == ST_OK && !job->in_session && job->from.role != REGISTRY_ROLE_NODE) {
        status = query_record_look(job, &tag, "consents", rows.count, err);
    }
    return status == ST_OK ? rows_pack(desk, &rows, rows.count, err) : status;
}

// ---- entries

static bool may_see(const struct job *job, enum wire_part part, bool person)
{
    if (job->in_session) {
        return part == WIRE_PART_SUBJECT;
    }
    return part == WIRE_PART_EXCHANGE || part == WIRE_PART_PUBLIC || person;
}

// How an exchange ended, as this reader may know it.
static enum status add_ending(struct desk *desk, struct job *job, const struct audit_facts *facts,
                              bool person, struct wire_row *row, struct error *err)
{
    struct audit_exchange_row exchange;
    if (facts->exchange == NULL || facts->exchange->kind != WIRE_KIND_DECISION) {
        return ST_OK;
    }
    enum status status =
        audit_reader_exchange(desk->reader, &facts->exchange->exchange_id, &exchange, err);
    if (status != ST_OK || exchange.ending == WIRE_KIND_NONE) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    row->number = exchange.ending;
    row->ended_by = exchange.ending_index;
    if (exchange.ending == WIRE_KIND_RESTART || exchange.ending == WIRE_KIND_DECISION) {
        row->text = bytes_text(exchange.ending == WIRE_KIND_RESTART ? "lost" : "");
        return ST_OK;
    }
    struct opened_entry ending;
    arena_reset(desk->scratch);
    status = search_open(desk, exchange.ending_index, desk->scratch, &ending, err);
    if (status == ST_OK && !ending.forgotten) {
        // The citizen, and who looks at a person on record, may know the true reason.
        bool true_reason = job->in_session || person;
        row->text = job_keep(job, true_reason && ending.facts.officer != NULL
                                      ? ending.facts.officer->reason
                                      : ending.facts.exchange->reason);
    }
    return status;
}

// Signed by a key that was revoked later, as of a time before the entry.
static bool is_doubtful(const struct desk *desk, const struct audit_facts *facts)
{
    if (facts->exchange == NULL) {
        return false;
    }
    const struct registry_key *key = registry_by_batch(desk->registry, &facts->exchange->signer);
    return key != NULL && key->state == REGISTRY_KEY_REVOKED && key->revoked_since > 0 &&
           facts->exchange->recorded_at >= key->revoked_since;
}

static enum status fill_row(struct desk *desk, struct job *job, uint64_t index,
                            const struct opened_entry *entry, bool person, struct wire_row *row,
                            struct error *err)
{
    const struct audit_body *body = &entry->body;
    struct wire_row_part *parts = arena_take(job->arena, body->count * sizeof(*parts));
    if (parts == NULL) {
        return query_no_memory(err);
    }
    row->index = index;
    row->leaf = job_keep(job, entry->record.leaf);
    row->state = is_doubtful(desk, &entry->facts) ? WIRE_MEMBER_REVOKED : 0;
    row->parts = parts;
    // An entry about nobody leads to nobody.
    const struct wire_officer_part *officer = entry->facts.officer;
    bool about_nobody =
        officer == NULL ||
        (officer->tag.size == 0 && (officer->hold == NULL || officer->hold->tag.size == 0));
    // What is carried forward leads to everybody: it is for the broker alone.
    bool carries = officer != NULL &&
                   (officer->carried_heads_count > 0 || officer->carried_counters_count > 0);
    for (size_t i = 0; i < body->count; i++) {
        if (!carries && may_see(job, body->parts[i].type, person || about_nobody)) {
            parts[row->parts_count++] = (struct wire_row_part){ .type = body->parts[i].type,
                                                                .salt = body->parts[i].salt,
                                                                .bytes = body->parts[i].bytes };
        }
    }
    return add_ending(desk, job, &entry->facts, person, row, err);
}

// Adds the entry. `person`: the parts that lead to a person are shown.
static enum status add_entry(struct desk *desk, struct job *job, struct rows *rows, uint64_t index,
                             bool person, struct error *err)
{
    struct opened_entry entry;
    struct wire_row *row = &rows->items[rows->count];
    enum status status = search_open(desk, index, job->arena, &entry, err);
    if (status == ST_OK && entry.forgotten) {
        row->index = index;
        row->leaf = job_keep(job, entry.record.leaf);
        row->forgotten = true;
    } else if (status == ST_OK) {
        status = fill_row(desk, job, index, &entry, person, row, err);
    }
    if (status == ST_OK) {
        for (size_t i = 0; i < row->parts_count; i++) {
            rows->bytes += row->parts[i].bytes.size + 64;
        }
        rows->count++;
    }
    return status;
}

static bool page_is_full(const struct rows *rows)
{
    return rows->count == rows->max || rows->bytes > WIRE_BOXES_MAX_BYTES - 4 * QUERY_BODY_ROOM;
}

static size_t page_size(const struct wire_query *query)
{
    return query->limit == 0 || query->limit > QUERY_PAGE_ROWS ? QUERY_PAGE_ROWS : query->limit;
}

// A page of matches under way.
struct entries_page {
    struct desk *desk;
    struct job *job;
    struct rows *rows;
    bool people;            // parts that lead to persons are shown
    struct audit_tag *tags; // of those persons, each once; NULL: nobody asks
    size_t tag_count;
    enum status status;
    struct error *err;
};

// Remembers whom the entry is about.
static enum status note_person(struct entries_page *page, const struct audit_facts *facts)
{
    struct audit_tag tag;
    if (page->tags == NULL || facts->officer == NULL ||
        facts->officer->tag.size != AUDIT_TAG_BYTES) {
        return ST_OK;
    }
    enum status status =
        audit_tagger_renew(page->desk->broker->tagger, facts->officer->tag, &tag, page->err);
    for (size_t i = 0; status == ST_OK && i < page->tag_count; i++) {
        if (bytes_equal(audit_tag_view(&page->tags[i]), audit_tag_view(&tag))) {
            return ST_OK;
        }
    }
    if (status == ST_OK) {
        page->tags[page->tag_count++] = tag;
    }
    return status;
}

static bool take_match(void *context, const struct search_match *match)
{
    struct entries_page *page = context;
    if (page_is_full(page->rows)) {
        return false;
    }
    page->status = match->terms == NULL ? ST_OK : note_person(page, match->terms->facts);
    if (page->status == ST_OK) {
        page->status =
            add_entry(page->desk, page->job, page->rows, match->index, page->people, page->err);
    }
    return page->status == ST_OK;
}

enum status query_record_search(const struct search *search, const char *what, uint64_t answered,
                                struct error *err)
{
    struct job *job = search->job;
    if (job->in_session || (search->continued && answered == 0)) {
        return ST_OK;
    }
    struct buffer question = buffer_init(4096);
    search_question(search, what, &question);
    buffer_u8(&question, 0);
    struct bytes kept = job_keep(job, buffer_view(&question));
    buffer_fini(&question);
    if (kept.data == NULL) {
        return query_no_memory(err);
    }
    return query_record_look(job, search->person ? &search->tag : NULL, (const char *)kept.data,
                             answered, err);
}

// What stands of a person's list.
struct person_rows {
    struct audit_forgotten forgotten;
    uint64_t highest; // sequence
    uint64_t there;   // entries that can be read
};

static bool count_row(struct bytes key, struct bytes value, void *context)
{
    struct audit_subject_row row;
    struct error err;
    struct person_rows *rows = context;
    if (audit_subject_row_decode(key, value, &row, &err) == ST_OK) {
        rows->highest = row.sequence > rows->highest ? row.sequence : rows->highest;
        rows->there += row.index >= rows->forgotten.to || audit_kind_lasts(row.kind) ? 1 : 0;
    }
    return true;
}

// Behind the last row of a person's list: how many entries of it were forgotten. They have numbers
// and no rows, but for the last entry of a list that has slept since.
static enum status add_earlier(struct desk *desk, struct job *job, struct rows *rows,
                               const struct search *search, struct error *err)
{
    struct person_rows person = { .forgotten = search->forgotten };
    char month[AUDIT_MONTH_TEXT_BYTES];
    if (person.forgotten.month == 0) {
        return ST_OK;
    }
    enum status status =
        audit_reader_scan(desk->reader, AUDIT_TABLE_SUBJECT, audit_tag_view(&search->tag),
                          (struct bytes){ 0 }, false, count_row, &person, err);
    if (status == ST_OK && person.highest > person.there) {
        audit_month_format(person.forgotten.month, month);
        struct wire_row *row = &rows->items[rows->count++];
        row->earlier = person.highest - person.there;
        row->text = job_keep(job, bytes_text(month));
        row->forgotten = true;
    }
    return status;
}

static enum status list_entries(struct desk *desk, struct job *job, bool person,
                                struct wire_result *result, struct error *err)
{
    const struct wire_query *query = job->payload;
    struct search search;
    struct rows rows;
    bool people = query->filter != NULL && query->filter->people && !person;
    struct entries_page page = {
        .desk = desk, .job = job, .rows = &rows, .people = person || people, .err = err
    };
    enum status status = search_begin(desk, job, person, &search, err);
    if (status == ST_OK) {
        status = rows_init(&rows, job, page_size(query) + 1, err); // and one for what is forgotten
        rows.max--;
    }
    if (status == ST_OK && people) {
        page.tags = arena_take(job->arena, rows.max * sizeof(*page.tags));
        status = page.tags == NULL ? query_no_memory(err) : ST_OK;
    }
    if (status == ST_OK) {
        search.open_all = people || !audit_filter_is_empty(&search.filter);
        status = search_run(&search, take_match, &page, err);
    }
    status = status == ST_OK ? page.status : status;
    if (status == ST_OK) {
        search_set_cursor(&search, result);
        uint64_t shown = rows.count;
        if (person && search.next <= search.lowest && audit_filter_is_empty(&search.filter)) {
            status = add_earlier(desk, job, &rows, &search, err);
        }
        status = status != ST_OK ? status
                                 : query_record_search(&search,
                                                       person   ? "list of a person"
                                                       : people ? "list with the people in it"
                                                                : "list of the log",
                                                       shown, err);
        job->record.also = page.tags;
        job->record.also_count = page.tag_count;
    }
    return status == ST_OK ? rows_pack(desk, &rows, search.examined, err) : status;
}

enum status query_entries(struct desk *desk, struct job *job, struct wire_result *result,
                          struct error *err)
{
    const struct wire_query *query = job->payload;
    bool person = job->in_session || query->subject.size > 0;
    if (job->from.role == REGISTRY_ROLE_DESK || job->from.role == REGISTRY_ROLE_PORTAL) {
        person = true; // a desk cannot search: only the list of the session's own person
        if (!job->in_session) {
            return error_set(err, ST_DENIED,
                             "a list needs the citizen's session: open one with "
                             "the code that the citizen holds");
        }
    }
    return list_entries(desk, job, person, result, err);
}

enum status query_entry(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err)
{
    const struct wire_query *query = job->payload;
    struct rows rows;
    struct opened_entry entry;
    struct audit_tag tag;
    const struct audit_tag *whose = NULL;
    (void)result;
    enum status status = rows_init(&rows, job, 1, err);
    arena_reset(desk->scratch);
    if (status == ST_OK) {
        status = search_open(desk, query->index, desk->scratch, &entry, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (entry.facts.officer != NULL && entry.facts.officer->tag.size == AUDIT_TAG_BYTES) {
        status = audit_tagger_renew(desk->broker->tagger, entry.facts.officer->tag, &tag, err);
        whose = &tag;
    }
    if (status != ST_OK) {
        return status;
    }
    status = query_record_look(job, whose, "one entry", 1, err);
    if (status == ST_OK) {
        status = add_entry(desk, job, &rows, query->index, true, err);
    }
    return status == ST_OK ? rows_pack(desk, &rows, 1, err) : status;
}
