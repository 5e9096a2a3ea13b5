// Searching. Invariants: every entry between the place where a question begins and `next` has been
// looked at, once; a message costs at most what search.h says, so that no question holds a reader
// from others; an answer's entries are exactly those that match, as each was opened, but for
// questions that a facet answers for certain.
#include "broker/search.h"

#include "audit/views_block.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/query_inside.h"
#include "catalogue/catalogue.h"
#include "wire/wire.h"

enum { MINUTE_MS = 60000, CHAIN_PAGE = 64, CLOCK_EVERY = 64, MAC_BYTES = 8, QUESTION_MAX = 1000 };

enum status search_open(struct desk *desk, uint64_t index, struct arena *arena,
                        struct opened_entry *entry, struct error *err)
{
    *entry = (struct opened_entry){ 0 };
    enum status status = audit_log_record(desk->log, index, &entry->record, err);
    if (status != ST_OK) {
        return status;
    }
    entry->facts = (struct audit_facts){ .index = index,
                                         .minutes = entry->record.minutes,
                                         .leaf_hash = entry->record.leaf_hash,
                                         .class = entry->record.class };
    status = audit_log_body(desk->log, index, &entry->record, arena, &entry->body, err);
    if (status == ST_NOT_FOUND) {
        entry->forgotten = true;
        return ST_OK;
    }
    return status == ST_OK ? audit_facts_decode(&entry->body, arena, &entry->facts, err) : status;
}

enum status search_terms(struct search *search, uint64_t index, struct audit_terms *storage,
                         const struct audit_terms **terms, struct error *err)
{
    struct desk *desk = search->desk;
    struct opened_entry *entry;
    search->opened++;
    arena_reset(desk->scratch);
    entry = arena_take(desk->scratch, sizeof(*entry));
    if (entry == NULL) {
        return error_set(err, ST_NOMEM, "search: no memory for an entry");
    }
    enum status status = search_open(desk, index, desk->scratch, entry, err);
    *terms = NULL;
    if (status == ST_OK && !entry->forgotten) {
        audit_terms_read(&entry->facts, storage);
        *terms = storage;
    }
    return status;
}

// ---- the cursor: a place, and what proves that we gave it out for this question

static enum status cursor_mac(const struct search *search, uint64_t next, uint8_t mac[MAC_BYTES],
                              struct error *err)
{
    uint8_t number[8];
    struct wire_query question = *(const struct wire_query *)search->job->payload;
    struct buffer packed = buffer_init(WIRE_HEAD_MAX_BYTES);
    const uint8_t *key = audit_views_search_key(search->desk->broker->views);
    question.cursor = (struct bytes){ 0 };
    question.limit = 0;
    enum status status = wire_encode(WIRE_SCHEMA_QUERY, &question, &packed, err);
    if (status == ST_OK) {
        struct bytes parts[] = { seal_label("vedomo/1 cursor"), seal_u64(number, next),
                                 bytes_digest(&search->job->from.batch_key), buffer_view(&packed) };
        struct digest hash =
            seal_blake2b(bytes_of(key, SEAL_SHORT_KEY_BYTES), parts, ARRAY_COUNT(parts));
        memcpy(mac, hash.bytes, MAC_BYTES);
    }
    buffer_fini(&packed);
    return status;
}

static enum status read_cursor(struct search *search, struct error *err)
{
    const struct wire_query *query = search->job->payload;
    uint8_t given[MAC_BYTES];
    uint8_t expected[MAC_BYTES];
    size_t mac_text = 2 * MAC_BYTES;
    uint64_t next = 0;
    if (query->cursor.size == 0) {
        return ST_OK;
    }
    size_t place = query->cursor.size > mac_text + 1 ? query->cursor.size - mac_text - 1 : 0;
    bool good =
        place > 0 && query->cursor.data[place] == '.' &&
        text_u64_parse(bytes_of(query->cursor.data, place), UINT64_MAX, &next) &&
        text_hex_decode(bytes_of(query->cursor.data + place + 1, mac_text), given, MAC_BYTES);
    enum status status = good ? cursor_mac(search, next, expected, err) : ST_OK;
    if (status == ST_OK && (!good || memcmp(given, expected, MAC_BYTES) != 0)) {
        return error_set(err, ST_MALFORMED, "cursor: not one of this broker's, for this question");
    }
    search->continued = true;
    search->next = next < search->next ? next : search->next;
    return status;
}

void search_set_cursor(const struct search *search, struct wire_result *result)
{
    struct error ignored;
    uint8_t mac[MAC_BYTES];
    char hex[2 * MAC_BYTES + 1];
    if (search->next <= search->lowest ||
        cursor_mac(search, search->next, mac, &ignored) != ST_OK) {
        return;
    }
    struct buffer text = buffer_init(64);
    text_hex_encode(bytes_of(mac, MAC_BYTES), hex);
    buffer_format(&text, "%llu.%s", (unsigned long long)search->next, hex);
    result->cursor = job_keep(search->job, buffer_view(&text));
    buffer_fini(&text);
}

// ---- begin

static enum status find_range(struct search *search, const struct wire_query *query,
                              struct error *err)
{
    struct desk *desk = search->desk;
    enum status status = ST_OK;
    if (search->person) {
        search->next = UINT64_MAX; // of a list: from its head
        search->lowest = 1;
        return ST_OK;
    }
    search->next = desk->size;
    if (query->since > 0) {
        status = audit_log_find_minute(desk->log, (uint32_t)(query->since / MINUTE_MS),
                                       &search->lowest, err);
    }
    if (status == ST_OK && query->until > 0) {
        status = audit_log_find_minute(desk->log, (uint32_t)(query->until / MINUTE_MS) + 1,
                                       &search->next, err);
    }
    search->next = search->next < desk->size ? search->next : desk->size;
    return status;
}

enum status search_begin(struct desk *desk, struct job *job, bool person, struct search *search,
                         struct error *err)
{
    const struct wire_query *query = job->payload;
    *search = (struct search){
        .desk = desk,
        .job = job,
        .filter = { .filter = query->filter, .member = query->member, .exchange = query->id },
        .person = person,
        .until_ns = clock_monotonic_ns() + SEARCH_MS * INT64_C(1000000)
    };
    enum status status = person ? query_person(desk, job, &search->tag, err) : ST_OK;
    if (status == ST_OK) {
        status = audit_reader_forgotten(desk->reader, &search->forgotten, err);
    }
    if (status == ST_OK) {
        status = find_range(search, query, err);
    }
    if (status == ST_OK) {
        status = read_cursor(search, err);
    }
    audit_facet_filter(&search->filter, audit_views_search_key(desk->broker->views),
                       &search->facets);
    return status;
}

// ---- run

struct run {
    struct search *search;
    search_visit visit;
    void *context;
    bool empty; // the question has no conditions
    bool stopped;
    enum status status;
    struct error *err;
};

static bool cost_enough(const struct search *search)
{
    return search->examined >= SEARCH_FACETS_MAX || search->opened >= SEARCH_OPENED_MAX ||
           (search->examined % CLOCK_EVERY == 0 && search->examined > 0 &&
            clock_monotonic_ns() >= search->until_ns);
}

// Looks into the entry where its facet is not enough, and shows a match to the visitor.
static bool show(struct run *run, uint64_t index, const struct audit_facet *facet)
{
    struct search *search = run->search;
    const uint8_t *key = audit_views_search_key(search->desk->broker->views);
    struct audit_terms storage;
    struct audit_facet computed;
    struct search_match match = { .index = index, .facet = facet };
    if (!facet->known || search->open_all || !search->facets.certain) {
        run->status = search_terms(search, index, &storage, &match.terms, run->err);
        if (run->status != ST_OK) {
            return false;
        }
        if (match.terms == NULL ? !run->empty
                                : !audit_filter_matches(&search->filter, match.terms)) {
            return true;
        }
    }
    if (!facet->known && match.terms != NULL) {
        uint8_t bytes[AUDIT_FACET_BYTES];
        audit_facet_write(match.terms, key, bytes);
        audit_facet_read(bytes, &computed);
        match.facet = &computed;
    }
    return run->visit(run->context, &match);
}

static bool visit_facet(uint64_t index, const uint8_t *bytes, void *context)
{
    struct run *run = context;
    struct search *search = run->search;
    struct audit_facet facet;
    if (cost_enough(search)) {
        run->stopped = true;
        return false;
    }
    bool may = audit_facet_may_match(&search->facets, bytes);
    if (may) {
        audit_facet_read(bytes, &facet);
        // What is forgotten has no facet any more, what lasts has kept it.
        may = facet.known || index >= search->forgotten.to || run->empty;
    }
    if (may && !show(run, index, &facet)) {
        run->stopped = true;
        return false;
    }
    search->examined++;
    search->next = index;
    return true;
}

// In the time that was asked for. The list is in order of time.
static bool in_time(const struct search *search, uint32_t minutes)
{
    const struct wire_query *query = search->job->payload;
    return minutes >= query->since / MINUTE_MS &&
           (query->until == 0 || minutes <= query->until / MINUTE_MS);
}

static bool visit_row(struct run *run, const struct audit_subject_row *row)
{
    static const struct audit_facet unknown;
    struct search *search = run->search;
    bool there = row->index >= search->forgotten.to || audit_kind_lasts(row->kind);
    bool wanted = there && in_time(search, row->minutes);
    if (cost_enough(search) || (wanted && !show(run, row->index, &unknown))) {
        run->stopped = true;
        return false;
    }
    search->examined++;
    search->next = row->sequence;
    return true;
}

static enum status run_list(struct run *run)
{
    struct search *search = run->search;
    struct audit_subject_row rows[CHAIN_PAGE];
    while (!run->stopped && search->next > search->lowest) {
        size_t count = 0;
        uint64_t from = search->next == UINT64_MAX ? 0 : search->next - 1;
        enum status status = audit_reader_subject_page(search->desk->reader, &search->tag, from,
                                                       CHAIN_PAGE, rows, &count, run->err);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (status == ST_NOT_FOUND || count == 0) {
            search->next = search->lowest;
            return ST_OK;
        }
        for (size_t i = 0; i < count && visit_row(run, &rows[i]); i++) {
        }
    }
    return run->status;
}

enum status search_run(struct search *search, search_visit visit, void *context, struct error *err)
{
    struct run run = { .search = search,
                       .visit = visit,
                       .context = context,
                       .empty = audit_filter_is_empty(&search->filter),
                       .err = err };
    if (search->person) {
        return run_list(&run);
    }
    enum status status = audit_reader_facets(search->desk->reader, search->next, search->lowest,
                                             visit_facet, &run, err);
    return status == ST_OK ? run.status : status;
}

// ---- in words

static void add(struct buffer *out, const char *name, struct bytes value)
{
    if (value.size > 0 && out->size + strlen(name) + value.size + 3 < QUESTION_MAX) {
        buffer_format(out, "; %s=", name);
        buffer_bytes(out, value);
    }
}

static void add_moment(struct buffer *out, const char *name, uint64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_ms > 0) {
        clock_format((int64_t)wall_ms, text);
        add(out, name, bytes_text(text));
    }
}

void search_question(const struct search *search, const char *what, struct buffer *out)
{
    static const char *const names[AUDIT_CODE_COUNT] = {
        [AUDIT_CODE_ASKER] = "asker",     [AUDIT_CODE_HOLDER] = "holder",
        [AUDIT_CODE_DATASET] = "dataset", [AUDIT_CODE_PURPOSE] = "purpose",
        [AUDIT_CODE_ROLE] = "role",       [AUDIT_CODE_OFFICIAL] = "official",
        [AUDIT_CODE_CASE] = "case",
    };
    static const char *const verdicts[] = { "", "all", "some", "none" };
    const struct wire_query *query = search->job->payload;
    const struct wire_filter *filter = query->filter;
    buffer_text(out, what);
    add_moment(out, "since", query->since);
    add_moment(out, "until", query->until);
    add(out, "member", query->member);
    if (!id_is_zero(&query->id)) {
        char id[TEXT_ID_BYTES];
        text_id_format(&query->id, id);
        add(out, "exchange", bytes_text(id));
    }
    if (filter == NULL) {
        return;
    }
    for (int code = 0; code < AUDIT_CODE_SIGNER; code++) {
        add(out, names[code], audit_filter_code(&search->filter, (enum audit_code)code));
    }
    if (!digest_is_zero(&filter->signer)) {
        char hex[2 * DIGEST_BYTES + 1];
        text_hex_encode(bytes_digest(&filter->signer), hex);
        add(out, "key", bytes_text(hex));
    }
    add(out, "field", filter->field);
    add(out, "reason", filter->reason);
    add(out, "kind", bytes_text(filter->entry_kind == 0 ? "" : wire_kind_name(filter->entry_kind)));
    add(out, "basis",
        bytes_text(filter->basis == 0 ? ""
                                      : catalogue_basis_name((enum catalogue_basis)filter->basis)));
    add(out, "verdict",
        bytes_text(filter->verdict < ARRAY_COUNT(verdicts) ? verdicts[filter->verdict] : ""));
    add(out, "over-asked", bytes_text(filter->over_asked ? "yes" : ""));
    add(out, "why", filter->why);
}
