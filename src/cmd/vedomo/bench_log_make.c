// Decisions and releases of a made-up federation, with everything in their parts that the broker
// puts there.
#include "bench_log_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "wire/wire.h"

enum {
    FIELDS = 4,
    OFFICIALS = 1000,
    PART_BYTES_MAX = 8192,
    WORD_BYTES = 48,
    TERM_MS = 30000,
    TOKEN_BYTES = 55,
};

// Where the parts stand in an entry of an exchange.
enum { EXCHANGE_PLACE, SUBJECT_PLACE, OFFICER_PLACE };

// A decision whose release comes with the maker's next batch.
struct open_exchange {
    struct id id;
    struct digest request_hash;
    uint64_t index;
    struct digest leaf_hash;
    struct audit_tag tag;
};

// One entry with the memory of its parts.
struct made {
    struct audit_entry entry;
    struct buffer parts[3];
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct wire_verdict verdicts[FIELDS];
    struct wire_verdict true_verdicts[FIELDS];
    struct bytes reasons[FIELDS];
    struct wire_consent_seen consent;
    struct wire_counter_seen counters[2];
    uint32_t released[FIELDS];
    char official[WORD_BYTES];
    char case_ref[WORD_BYTES];
    char trace[TOKEN_BYTES + 1];
    struct audit_tag tag;
    bool decision;
    struct audit_subject_row seen_head; // of the person's list, when the decision was packed
    struct open_exchange closes;        // of a release
};

// The head of a person's list as the batch leaves it.
struct head {
    struct audit_tag tag;
    uint64_t sequence;
    uint64_t index; // of the last entry
    struct digest leaf_hash;
};

struct bench_maker {
    struct bench_maker_options options;
    struct audit_views *views;   // borrowed; NULL: none
    struct audit_reader *reader; // NULL: no views
    struct made *made;
    const struct audit_entry **entries;
    size_t count;
    struct open_exchange *open;
    size_t open_count;
    struct map *heads;
    struct head *head_items;
    struct digest bundle_hash;
    struct digest batch_key;
    uint64_t random;
    uint64_t decisions; // made so far
    unsigned group;
    uint64_t watch_every;
    uint64_t seen_size; // entries of the log when the batch was packed
    uint64_t size;      // and when it was placed
};

static const char *const fields[FIELDS] = { "valid", "categories", "valid_until", "restrictions" };
static const char *const forms[FIELDS] = { "exists", "full", "year", "full" };

static uint64_t next_random(struct bench_maker *maker)
{
    maker->random = maker->random * 6364136223846793005U + 1442695040888963407U;
    return maker->random >> 20;
}

static struct audit_tag tag_of(unsigned group, uint64_t person)
{
    struct audit_tag tag = { .bytes = { 1 } };
    const uint64_t name[] = { group, person };
    struct digest hash = seal_sha256(bytes_of(name, sizeof(name)));
    memcpy(tag.bytes + 1, hash.bytes, DIGEST_BYTES);
    return tag;
}

struct audit_tag bench_maker_watched(unsigned group, unsigned number)
{
    return tag_of(group, number);
}

enum status bench_maker_create(const struct bench_maker_options *options,
                               struct bench_maker **maker, struct error *err)
{
    struct bench_maker *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    made->options = *options;
    made->random = options->seed;
    made->bundle_hash = seal_random_digest();
    made->batch_key = seal_random_digest();
    made->made = calloc(options->batch, sizeof(*made->made));
    made->entries = calloc(options->batch, sizeof(*made->entries));
    made->open = calloc(options->batch, sizeof(*made->open));
    made->head_items = calloc(options->batch, sizeof(*made->head_items));
    if (made->made == NULL || made->entries == NULL || made->open == NULL ||
        made->head_items == NULL) {
        bench_maker_destroy(&made);
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    for (size_t i = 0; i < options->batch; i++) {
        for (size_t part = 0; part < 3; part++) {
            made->made[i].parts[part] = buffer_init(PART_BYTES_MAX);
        }
    }
    *maker = made;
    return ST_OK;
}

void bench_maker_destroy(struct bench_maker **maker)
{
    struct bench_maker *gone = *maker;
    *maker = NULL;
    if (gone == NULL) {
        return;
    }
    audit_reader_destroy(&gone->reader);
    map_destroy(&gone->heads);
    for (size_t i = 0; gone->made != NULL && i < gone->options.batch; i++) {
        for (size_t part = 0; part < 3; part++) {
            buffer_fini(&gone->made[i].parts[part]);
        }
    }
    free(gone->made);
    free(gone->entries);
    free(gone->open);
    free(gone->head_items);
    free(gone);
}

enum status bench_maker_use(struct bench_maker *maker, struct audit_views *views, struct error *err)
{
    audit_reader_destroy(&maker->reader);
    maker->open_count = 0;
    maker->views = views;
    return views == NULL ? ST_OK : audit_reader_create(views, &maker->reader, err);
}

void bench_maker_watch(struct bench_maker *maker, unsigned group, uint64_t every)
{
    maker->group = group;
    maker->watch_every = every;
}

const struct audit_entry *const *bench_maker_entries(const struct bench_maker *maker, size_t *count)
{
    *count = maker->count;
    return maker->entries;
}

uint64_t bench_maker_part_bytes(const struct bench_maker *maker)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < maker->count; i++) {
        for (size_t part = 0; part < 3; part++) {
            bytes += maker->made[i].parts[part].size;
        }
    }
    return bytes;
}

// ---- packing

static struct audit_tag draw_person(struct bench_maker *maker)
{
    uint64_t number = maker->decisions++;
    if (maker->watch_every != 0 && number % maker->watch_every == 0) {
        return tag_of(maker->group, number / maker->watch_every % BENCH_WATCHED);
    }
    return tag_of(0, next_random(maker) % maker->options.subjects);
}

static void fill_verdicts(struct made *made)
{
    for (size_t i = 0; i < FIELDS; i++) {
        bool given = i + 1 < FIELDS;
        made->verdicts[i] = (struct wire_verdict){
            .name = bytes_text(fields[i]),
            .asked = bytes_text(i == 2 ? "full" : forms[i]),
            .given = given ? bytes_text(forms[i]) : (struct bytes){ 0 },
            .reason = bytes_text(given ? "allowed" : "no-consent"),
        };
        made->true_verdicts[i] = made->verdicts[i];
        made->true_verdicts[i].reason = bytes_text(given ? "allowed" : "consent-withdrawn");
        made->reasons[i] = made->true_verdicts[i].reason;
        made->released[i] = (uint32_t)i;
    }
}

static void fill_words(struct bench_maker *maker, struct made *made)
{
    uint64_t number = next_random(maker);
    snprintf(made->official, sizeof(made->official), "official-%04u",
             (unsigned)(number % OFFICIALS));
    snprintf(made->case_ref, sizeof(made->case_ref), "2026/%012llu",
             (unsigned long long)(number & 0xffffffffffU));
    memcpy(made->trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TOKEN_BYTES + 1);
}

static void fill_exchange(const struct bench_maker *maker, struct made *made, uint64_t now)
{
    struct id random_id = seal_random_id();
    made->exchange =
        (struct wire_exchange_part){ .format = 1,
                                     .kind = WIRE_KIND_DECISION,
                                     .exchange_id = id_make((int64_t)now, random_id.bytes),
                                     .request_hash = seal_random_digest(),
                                     .asker = bytes_text("ru/interior/road-safety"),
                                     .holder = bytes_text("ru/health/clinic"),
                                     .dataset = bytes_text("health.driver-certificate"),
                                     .purpose = bytes_text("driver-licence"),
                                     .basis = WIRE_BASIS_CONSENT,
                                     .verdicts = made->verdicts,
                                     .verdicts_count = FIELDS,
                                     .bundle_hash = maker->bundle_hash,
                                     .agreement = bytes_text("road-safety-certificates"),
                                     .consent = seal_random_id(),
                                     .consent_revision = 2,
                                     .issued_at = now,
                                     .expires_at = now + TERM_MS,
                                     .asker_check = seal_random_digest(),
                                     .holder_check = seal_random_digest(),
                                     .tag_key_id = 1,
                                     .attempt = 1,
                                     .recorded_at = now,
                                     .signer = maker->batch_key };
}

static void fill_decision(struct bench_maker *maker, struct made *made)
{
    uint64_t now = (uint64_t)clock_wall_ms();
    const struct wire_exchange_part *exchange = &made->exchange;
    fill_exchange(maker, made, now);
    struct wire_subject_part subject = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .exchange_id = exchange->exchange_id,
                                         .asker = exchange->asker,
                                         .holder = exchange->holder,
                                         .dataset = exchange->dataset,
                                         .purpose = exchange->purpose,
                                         .basis = exchange->basis,
                                         .official_role = bytes_text("inspector"),
                                         .verdicts = made->true_verdicts,
                                         .verdicts_count = FIELDS,
                                         .bundle_hash = maker->bundle_hash,
                                         .consent = exchange->consent,
                                         .consent_revision = 2,
                                         .recorded_at = now,
                                         .agreement = exchange->agreement };
    made->consent = (struct wire_consent_seen){
        .id = exchange->consent, .revision = 2, .hash = seal_random_digest(), .uses = 1
    };
    made->counters[0] = (struct wire_counter_seen){ .key = seal_random_digest(), .value = 3 };
    made->counters[1] = (struct wire_counter_seen){ .key = seal_random_digest(), .value = 1 };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .tag = audit_tag_view(&made->tag),
                                         .official = bytes_text(made->official),
                                         .official_role = subject.official_role,
                                         .case_ref = bytes_text(made->case_ref),
                                         .partial_ok = true,
                                         .traceparent = bytes_text(made->trace),
                                         .reasons = made->reasons,
                                         .reasons_count = FIELDS,
                                         .consents = &made->consent,
                                         .consents_count = 1,
                                         .counters = made->counters,
                                         .counters_count = 2,
                                         .decided_at = now,
                                         .node = bytes_text("gate-1"),
                                         .member_revision = 12 };
    made->subject = subject;
    made->officer = officer;
}

// Charges the person's consent and the official's day.
static void fill_release(struct bench_maker *maker, struct made *made)
{
    const struct open_exchange *closes = &made->closes;
    uint64_t now = (uint64_t)clock_wall_ms();
    uint64_t official = next_random(maker) % OFFICIALS;
    made->tag = closes->tag;
    made->counters[0] = (struct wire_counter_seen){ .key = seal_sha256(audit_tag_view(&made->tag)),
                                                    .value = maker->decisions };
    made->counters[1] =
        (struct wire_counter_seen){ .key = seal_sha256(bytes_of(&official, sizeof(official))),
                                    .value = maker->decisions };
    made->exchange = (struct wire_exchange_part){ .format = 1,
                                                  .kind = WIRE_KIND_RELEASED,
                                                  .exchange_id = closes->id,
                                                  .request_hash = closes->request_hash,
                                                  .asker = bytes_text("ru/interior/road-safety"),
                                                  .holder = bytes_text("ru/health/clinic"),
                                                  .decision_index = closes->index,
                                                  .decision_leaf = closes->leaf_hash,
                                                  .answer_hash = seal_random_digest(),
                                                  .released = made->released,
                                                  .released_count = FIELDS - 1,
                                                  .recorded_at = now,
                                                  .signer = maker->batch_key };
    made->subject = (struct wire_subject_part){
        .format = 1, .kind = WIRE_KIND_RELEASED, .exchange_id = closes->id, .recorded_at = now
    };
    made->officer = (struct wire_officer_part){ .format = 1,
                                                .kind = WIRE_KIND_RELEASED,
                                                .tag = audit_tag_view(&made->tag),
                                                .node = bytes_text("gate-7"),
                                                .charges = made->counters,
                                                .charges_count = 2 };
}

static enum status pack_part(struct made *made, size_t place, struct error *err)
{
    const struct {
        enum wire_part type;
        enum wire_schema schema;
        const void *part;
    } parts[] = { { WIRE_PART_EXCHANGE, WIRE_SCHEMA_EXCHANGE_PART, &made->exchange },
                  { WIRE_PART_SUBJECT, WIRE_SCHEMA_SUBJECT_PART, &made->subject },
                  { WIRE_PART_OFFICER, WIRE_SCHEMA_OFFICER_PART, &made->officer } };
    buffer_clear(&made->parts[place]);
    enum status status =
        wire_encode(parts[place].schema, parts[place].part, &made->parts[place], err);
    if (status == ST_OK) {
        made->entry.parts[place].bytes = buffer_view(&made->parts[place]);
        audit_part_seal(&made->entry.parts[place], parts[place].type);
    }
    return status;
}

static enum status pack_decision(struct bench_maker *maker, struct made *made, struct error *err)
{
    enum status status = ST_NOT_FOUND;
    made->tag = draw_person(maker);
    made->seen_head = (struct audit_subject_row){ 0 };
    if (maker->reader != NULL) {
        status = audit_reader_subject_head(maker->reader, &made->tag, &made->seen_head, err);
    }
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    fill_words(maker, made);
    fill_decision(maker, made);
    status = pack_part(made, EXCHANGE_PLACE, err);
    return status == ST_OK ? pack_part(made, OFFICER_PLACE, err) : status;
}

static enum status pack_release(struct bench_maker *maker, struct made *made, struct error *err)
{
    fill_release(maker, made);
    enum status status = pack_part(made, EXCHANGE_PLACE, err);
    return status == ST_OK ? pack_part(made, SUBJECT_PLACE, err) : status;
}

enum status bench_maker_pack(struct bench_maker *maker, struct error *err)
{
    enum status status = ST_OK;
    maker->count = maker->open_count + maker->options.batch / 2;
    if (maker->reader != NULL) {
        status = audit_reader_begin(maker->reader, &maker->seen_size, err);
    }
    for (size_t i = 0; status == ST_OK && i < maker->count; i++) {
        struct made *made = &maker->made[i];
        made->entry = (struct audit_entry){ .class = WIRE_CLASS_EXCHANGE };
        made->decision = i >= maker->open_count;
        fill_verdicts(made);
        if (made->decision) {
            status = pack_decision(maker, made, err);
        } else {
            made->closes = maker->open[i];
            status = pack_release(maker, made, err);
        }
        maker->entries[i] = &made->entry;
    }
    if (maker->reader != NULL) {
        audit_reader_end(maker->reader);
    }
    return status;
}

// ---- placing

static enum status find_head(struct bench_maker *maker, const struct made *made, struct error *err)
{
    const struct audit_tag *tag = &made->tag;
    struct audit_subject_row row = made->seen_head;
    enum status status = ST_OK;
    if (map_get(maker->heads, audit_tag_view(tag)) != NULL) {
        return ST_OK;
    }
    if (maker->reader != NULL && !audit_reader_still(maker->reader, AUDIT_TABLE_SUBJECT,
                                                     audit_tag_view(tag), maker->seen_size)) {
        row = (struct audit_subject_row){ 0 };
        status = audit_reader_subject_head(maker->reader, tag, &row, err);
    }
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    struct head *found = &maker->head_items[map_count(maker->heads)];
    *found = (struct head){
        .tag = *tag, .sequence = row.sequence, .index = row.index, .leaf_hash = row.leaf_hash
    };
    return map_put(maker->heads, audit_tag_view(&found->tag), found)
               ? ST_OK
               : error_set(err, ST_NOMEM, "bench: no memory");
}

// The head of the list of each person that a decision is about.
static enum status find_heads(struct bench_maker *maker, struct error *err)
{
    uint64_t seen = 0;
    map_destroy(&maker->heads);
    maker->heads = map_create();
    if (maker->heads == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status =
        maker->reader == NULL ? ST_OK : audit_reader_begin(maker->reader, &seen, err);
    for (size_t i = 0; status == ST_OK && i < maker->count; i++) {
        if (maker->made[i].decision) {
            status = find_head(maker, &maker->made[i], err);
        }
    }
    if (maker->reader != NULL) {
        audit_reader_end(maker->reader);
    }
    return status;
}

static void link_decision(struct bench_maker *maker, struct made *made)
{
    const struct head *head = map_get(maker->heads, audit_tag_view(&made->tag));
    made->subject.sequence = head->sequence + 1;
    made->subject.previous = head->leaf_hash;
    made->subject.previous_index = head->index;
}

// The next decision about the person comes after this one, and its release with a later batch.
static void remember_decision(struct bench_maker *maker, const struct made *made, uint64_t index)
{
    struct head *head = map_get(maker->heads, audit_tag_view(&made->tag));
    head->sequence++;
    head->index = index;
    head->leaf_hash = made->entry.leaf_hash;
    maker->open[maker->open_count++] =
        (struct open_exchange){ .id = made->exchange.exchange_id,
                                .request_hash = made->exchange.request_hash,
                                .index = index,
                                .leaf_hash = made->entry.leaf_hash,
                                .tag = made->tag };
}

enum status bench_maker_place(struct bench_maker *maker, uint64_t size, uint32_t minutes,
                              struct error *err)
{
    enum status status = find_heads(maker, err);
    maker->size = size;
    maker->open_count = 0;
    for (size_t i = 0; status == ST_OK && i < maker->count; i++) {
        struct made *made = &maker->made[i];
        if (made->decision) {
            link_decision(maker, made);
            status = pack_part(made, SUBJECT_PLACE, err);
        } else {
            status = pack_part(made, OFFICER_PLACE, err); // its charges
        }
        if (status == ST_OK) {
            status = audit_entry_seal(&made->entry, minutes, err);
        }
        if (status == ST_OK && made->decision) {
            remember_decision(maker, made, size + i);
        }
    }
    return status;
}

enum status bench_maker_rows(struct bench_maker *maker, struct audit_rows **rows, struct error *err)
{
    struct audit_rows *made = audit_rows_create();
    enum status status = made == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    if (status == ST_OK && maker->views != NULL) {
        audit_rows_make_searchable(made, audit_views_search_key(maker->views));
    }
    for (size_t i = 0; status == ST_OK && i < maker->count; i++) {
        const struct made *one = &maker->made[i];
        struct audit_facts facts = { .index = maker->size + i,
                                     .minutes = one->entry.minutes,
                                     .leaf_hash = one->entry.leaf_hash,
                                     .class = WIRE_CLASS_EXCHANGE,
                                     .exchange = &one->exchange,
                                     .subject = &one->subject,
                                     .officer = &one->officer };
        status = audit_rows_add(made, &facts, err);
    }
    if (status == ST_OK) {
        *rows = made;
    } else {
        audit_rows_destroy(&made);
    }
    return status;
}
