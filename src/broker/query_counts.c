// Counting entries by what an officer chooses, one or two things at a time. What an answer counts
// is a piece of the log; whoever asks adds the pieces up. A group is told by its hash in the
// facets; its name comes from one of its entries, opened once.
#include "broker/query_inside.h"

#include "base/text.h"
#include "broker/search.h"

#include <time.h>

enum {
    GROUPS_MAX = 1000,
    SLOTS = 4096,
    BY_MAX = 2,
    NAME_BYTES = 128,
    VALUES_MAX = 65,
    MINUTES_PER_DAY = 1440
};

// What an entry has of one thing to count by: mostly one value.
struct values {
    uint64_t keys[VALUES_MAX];
    size_t count;
};

struct group {
    uint64_t keys[BY_MAX];
    struct bytes names[BY_MAX];
    uint64_t number;
    uint64_t asked;
    uint64_t over_asked;
};

struct counting {
    struct search *search;
    enum wire_filter_group by[BY_MAX];
    size_t by_count;
    struct group *groups;
    size_t count;
    uint16_t *slots; // a table of hashes: a group's place + 1; 0: free
    enum status status;
    struct error *err;
};

// The code that a group is by; AUDIT_CODE_COUNT: it is by something else.
static enum audit_code code_of(enum wire_filter_group by)
{
    switch (by) {
    case WIRE_GROUP_ASKER:
        return AUDIT_CODE_ASKER;
    case WIRE_GROUP_HOLDER:
        return AUDIT_CODE_HOLDER;
    case WIRE_GROUP_DATASET:
        return AUDIT_CODE_DATASET;
    case WIRE_GROUP_PURPOSE:
        return AUDIT_CODE_PURPOSE;
    case WIRE_GROUP_OFFICIAL:
        return AUDIT_CODE_OFFICIAL;
    case WIRE_GROUP_OFFICIAL_ROLE:
        return AUDIT_CODE_ROLE;
    case WIRE_GROUP_CASE:
        return AUDIT_CODE_CASE;
    case WIRE_GROUP_SIGNER:
        return AUDIT_CODE_SIGNER;
    case WIRE_GROUP_NONE:
    case WIRE_GROUP_BASIS:
    case WIRE_GROUP_VERDICT:
    case WIRE_GROUP_KIND:
    case WIRE_GROUP_DAY:
    case WIRE_GROUP_MONTH:
    case WIRE_GROUP_REASON:
    case WIRE_GROUP_FIELD:
    case WIRE_GROUP_COUNT:
        break;
    }
    return AUDIT_CODE_COUNT;
}

static bool by_words(enum wire_filter_group by)
{
    return by == WIRE_GROUP_REASON || by == WIRE_GROUP_FIELD;
}

static struct bytes word_at(enum wire_filter_group by, const struct audit_terms *terms,
                            size_t place)
{
    return by == WIRE_GROUP_FIELD ? audit_terms_field(terms, place)
                                  : audit_terms_reason(terms, place);
}

static uint64_t month_of(uint32_t minutes)
{
    time_t seconds = (time_t)minutes * 60;
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    return (uint64_t)(utc.tm_year + 1900) * 12 + (uint64_t)utc.tm_mon;
}

// Each word once, by its place.
static void word_values(const struct counting *counting, enum wire_filter_group by,
                        const struct audit_terms *terms, struct values *values)
{
    const uint8_t *key = audit_views_search_key(counting->search->desk->broker->views);
    for (size_t i = 0; values->count < VALUES_MAX && word_at(by, terms, i).size > 0; i++) {
        uint64_t hash = seal_short(key, word_at(by, terms, i));
        bool known = false;
        for (size_t k = 0; k < values->count; k++) {
            known = known || values->keys[k] == hash;
        }
        if (!known) {
            values->keys[values->count++] = hash;
        }
    }
}

static void read_values(const struct counting *counting, enum wire_filter_group by,
                        const struct search_match *match, struct values *values)
{
    const struct audit_facet *facet = match->facet;
    values->count = 0;
    if (by_words(by)) {
        if (match->terms != NULL) {
            word_values(counting, by, match->terms, values);
        }
        return;
    }
    uint64_t value = 0;
    if (code_of(by) != AUDIT_CODE_COUNT) {
        value = facet->codes[code_of(by)];
    } else if (by == WIRE_GROUP_BASIS) {
        value = facet->basis;
    } else if (by == WIRE_GROUP_VERDICT) {
        value = (uint64_t)facet->verdict;
    } else if (by == WIRE_GROUP_KIND) {
        value = (uint64_t)facet->kind;
    } else if (by == WIRE_GROUP_DAY) {
        value = facet->minutes / MINUTES_PER_DAY;
    } else if (by == WIRE_GROUP_MONTH) {
        value = month_of(facet->minutes);
    }
    values->keys[values->count++] = value;
}

// ---- names

static struct bytes date_name(struct job *job, enum wire_filter_group by, uint32_t minutes)
{
    char text[NAME_BYTES];
    time_t seconds = (time_t)minutes * 60;
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    size_t size = strftime(text, sizeof(text), by == WIRE_GROUP_DAY ? "%Y-%m-%d" : "%Y-%m", &utc);
    return job_keep(job, bytes_of(text, size));
}

static struct bytes number_name(struct job *job, uint64_t number)
{
    struct buffer text = buffer_init(32);
    buffer_format(&text, "%llu", (unsigned long long)number);
    struct bytes kept = job_keep(job, buffer_view(&text));
    buffer_fini(&text);
    return kept;
}

static struct bytes name_of(const struct counting *counting, enum wire_filter_group by,
                            uint64_t key, const struct audit_facet *facet,
                            const struct audit_terms *terms)
{
    struct job *job = counting->search->job;
    const uint8_t *search_key = audit_views_search_key(counting->search->desk->broker->views);
    if (by == WIRE_GROUP_DAY || by == WIRE_GROUP_MONTH) {
        return date_name(job, by, facet->minutes);
    }
    if (by_words(by)) {
        for (size_t i = 0; terms != NULL && word_at(by, terms, i).size > 0; i++) {
            if (seal_short(search_key, word_at(by, terms, i)) == key) {
                return job_keep(job, word_at(by, terms, i));
            }
        }
        return (struct bytes){ 0 };
    }
    if (code_of(by) == AUDIT_CODE_COUNT) {
        return number_name(job, key);
    }
    struct bytes code = terms == NULL ? (struct bytes){ 0 } : terms->codes[code_of(by)];
    if (code.size == DIGEST_BYTES && by == WIRE_GROUP_SIGNER) {
        char hex[2 * DIGEST_BYTES + 1];
        text_hex_encode(code, hex);
        return job_keep(job, bytes_text(hex));
    }
    return job_keep(job, code);
}

// ---- groups

// The group's slot, or the free one where it would stand. There are always free ones.
static uint16_t *find_slot(const struct counting *counting, const uint64_t keys[BY_MAX])
{
    uint64_t hash =
        (keys[0] * UINT64_C(0x9e3779b97f4a7c15)) ^ (keys[1] * UINT64_C(0xbf58476d1ce4e5b9));
    size_t place = (size_t)(hash >> 32) % SLOTS;
    while (counting->slots[place] != 0) {
        const struct group *group = &counting->groups[counting->slots[place] - 1];
        if (group->keys[0] == keys[0] && group->keys[1] == keys[1]) {
            break;
        }
        place = (place + 1) % SLOTS;
    }
    return &counting->slots[place];
}

static void make_group(struct counting *counting, const uint64_t keys[BY_MAX],
                       const struct search_match *match)
{
    struct audit_terms storage;
    const struct audit_terms *terms = match->terms;
    struct group *group = &counting->groups[counting->count];
    *group = (struct group){ .keys = { keys[0], keys[1] } };
    if (terms == NULL && match->facet->known) {
        counting->status =
            search_terms(counting->search, match->index, &storage, &terms, counting->err);
    }
    for (size_t i = 0; i < counting->by_count; i++) {
        group->names[i] = name_of(counting, counting->by[i], keys[i], match->facet, terms);
    }
    counting->count++;
}

static bool count_match(void *context, const struct search_match *match)
{
    struct counting *counting = context;
    struct values first;
    struct values second = { .count = 1 };
    read_values(counting, counting->by[0], match, &first);
    if (counting->by_count == BY_MAX) {
        read_values(counting, counting->by[1], match, &second);
    }
    if (counting->count + first.count * second.count > GROUPS_MAX) {
        return false;
    }
    for (size_t i = 0; i < first.count * second.count && counting->status == ST_OK; i++) {
        uint64_t keys[BY_MAX] = { first.keys[i / second.count], counting->by_count == BY_MAX
                                                                    ? second.keys[i % second.count]
                                                                    : 0 };
        uint16_t *slot = find_slot(counting, keys);
        if (*slot == 0) {
            make_group(counting, keys, match);
            *slot = (uint16_t)counting->count;
        }
        struct group *group = &counting->groups[*slot - 1];
        group->number++;
        group->asked += match->facet->asked;
        group->over_asked += match->facet->over_asked;
    }
    return counting->status == ST_OK;
}

// ---- the answer

static enum status read_groups(const struct wire_query *query, struct counting *counting,
                               struct error *err)
{
    const struct wire_filter *filter = query->filter;
    if (filter == NULL || filter->group_count == 0 || filter->group_count > BY_MAX) {
        return error_set(err, ST_USAGE, "count by what? name one or two things");
    }
    counting->by_count = filter->group_count;
    for (size_t i = 0; i < filter->group_count; i++) {
        if (filter->group[i] == WIRE_GROUP_NONE || filter->group[i] >= WIRE_GROUP_COUNT) {
            return error_set(err, ST_USAGE, "entries are not counted by number %u",
                             filter->group[i]);
        }
        counting->by[i] = (enum wire_filter_group)filter->group[i];
        counting->search->open_all = counting->search->open_all || by_words(counting->by[i]);
    }
    return ST_OK;
}

static enum status fill_rows(const struct counting *counting, struct rows *rows, struct error *err)
{
    struct job *job = counting->search->job;
    enum status status = rows_init(rows, job, counting->count + 1, err);
    for (size_t i = 0; status == ST_OK && i < counting->count; i++) {
        const struct group *group = &counting->groups[i];
        rows->items[rows->count++] = (struct wire_row){ .name = group->names[0],
                                                        .text = group->names[1],
                                                        .number = group->number,
                                                        .asked = group->asked,
                                                        .over_asked = group->over_asked };
    }
    return status;
}

enum status query_counts(struct desk *desk, struct job *job, struct wire_result *result,
                         struct error *err)
{
    const struct wire_query *query = job->payload;
    struct search search;
    struct rows rows;
    struct counting counting = { .search = &search, .err = err };
    enum status status = search_begin(desk, job, query->subject.size > 0, &search, err);
    if (status == ST_OK) {
        status = read_groups(query, &counting, err);
    }
    counting.groups = arena_take(job->arena, GROUPS_MAX * sizeof(*counting.groups));
    counting.slots = arena_take(job->arena, SLOTS * sizeof(*counting.slots));
    if (status == ST_OK && (counting.groups == NULL || counting.slots == NULL)) {
        status = query_no_memory(err);
    }
    if (status == ST_OK) {
        status = search_run(&search, count_match, &counting, err);
    }
    status = status == ST_OK ? counting.status : status;
    if (status == ST_OK) {
        status = fill_rows(&counting, &rows, err);
    }
    if (status == ST_OK) {
        search_set_cursor(&search, result);
        status = query_record_search(&search, "count", search.continued ? 0 : rows.count, err);
    }
    return status == ST_OK ? rows_pack(desk, &rows, search.examined, err) : status;
}
