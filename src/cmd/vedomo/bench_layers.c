// Layers of the workers: what is done to a message before the record, and the replies after it.
#include "bench_layers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bench_store.h"
#include "consent/artefact.h"
#include "policy/decide.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"

enum {
    MESSAGES = 1024,
    SIGNATURES = 128, // public-key work is slow
    CONSENTS = 64,
    ROOTS = 4096,
    ARENA_BYTES = 2 * 1024 * 1024,
};

// What is measured on, and room to work in.
struct ground {
    const struct bench_home *home;
    struct bench_store *store;
    struct digest audience;
    struct arena *kept;    // lives as long as the ground
    struct arena *scratch; // reset for each message
    struct buffer out;
    struct audit_reader *reader;
    struct seal_batch_cache *roots;
    struct bytes ask_payloads[MESSAGES];
    struct bytes release_payloads[MESSAGES];
    struct wire_ask asks[MESSAGES];
    struct wire_release releases[MESSAGES];
    size_t ask_count;
    size_t release_count;
    struct policy_decision decision;
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct consent_grant grants[CONSENTS];
};

void bench_layers_add(struct bench_layers *layers, const char *name, const char *words, double us)
{
    if (layers->count < BENCH_LAYERS) {
        layers->items[layers->count++] =
            (struct bench_layer){ .name = name, .words = words, .us = us };
    }
}

static double us_each(int64_t begin_ns, size_t count)
{
    return (double)(clock_thread_cpu_ns() - begin_ns) / 1e3 / (double)count;
}

// ---- parse

static enum status parse(struct ground *g, struct bytes head_bytes, enum wire_schema schema,
                         struct wire_head *head, void *payload, struct error *err)
{
    enum status status = wire_decode(WIRE_SCHEMA_HEAD, head_bytes, g->scratch, head, err);
    return status == ST_OK ? wire_decode(schema, head->payload, g->scratch, payload, err) : status;
}

static enum status measure_parse(struct ground *g, struct bench_layers *layers, struct error *err)
{
    struct wire_head head;
    struct wire_request request;
    struct wire_answer answer;
    enum status status = ST_OK;
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < g->ask_count; i++) {
        arena_reset(g->scratch);
        status = parse(g, g->asks[i].request, WIRE_SCHEMA_REQUEST, &head, &request, err);
        (void)seal_request_hash(head.payload);
    }
    double us = us_each(begin_ns, g->ask_count);
    begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < g->release_count; i++) {
        arena_reset(g->scratch);
        status = parse(g, g->releases[i].answer, WIRE_SCHEMA_ANSWER, &head, &answer, err);
    }
    us += us_each(begin_ns, g->release_count);
    bench_layers_add(layers, "parse", "request and answer decoded by the rules", us);
    return status;
}

// ---- signatures

static struct seal_batch_sig sig_of(const struct wire_head *head)
{
    const struct wire_batch_sig *from = head->sig;
    return (struct seal_batch_sig){ .key = from->key,
                                    .size = from->size,
                                    .index = from->index,
                                    .salt = from->salt,
                                    .path = from->path,
                                    .signature = from->signature };
}

// Leaf, path and a root that is known already, of one message.
static enum status measure_root(struct ground *g, struct bytes head_bytes, int64_t *ns,
                                struct error *err)
{
    struct wire_head head;
    struct digest root;
    arena_reset(g->scratch);
    enum status status = wire_decode(WIRE_SCHEMA_HEAD, head_bytes, g->scratch, &head, err);
    if (status != ST_OK || head.sig == NULL) {
        return status != ST_OK ? status : error_set(err, ST_UNPROVEN, "bench: not signed");
    }
    struct seal_batch_sig sig = sig_of(&head);
    const char *type = wire_type_name((enum wire_type)head.type);
    int64_t begin_ns = clock_thread_cpu_ns();
    status = seal_batch_root(&sig, type, head.payload, &root, err);
    bool known = status == ST_OK && seal_batch_known(g->roots, &g->audience, &sig, &root);
    *ns += clock_thread_cpu_ns() - begin_ns;
    (void)known;
    return status;
}

static enum status measure_verify(struct ground *g, double *us, struct error *err)
{
    struct wire_head head;
    struct digest root;
    size_t count = g->ask_count < SIGNATURES ? g->ask_count : SIGNATURES;
    int64_t ns = 0;
    for (size_t i = 0; i < count; i++) {
        arena_reset(g->scratch);
        enum status status =
            wire_decode(WIRE_SCHEMA_HEAD, g->asks[i].request, g->scratch, &head, err);
        if (status != ST_OK) {
            return status;
        }
        struct seal_batch_sig sig = sig_of(&head);
        status = seal_batch_root(&sig, "request", head.payload, &root, err);
        int64_t begin_ns = clock_thread_cpu_ns();
        if (status == ST_OK && !seal_batch_check(NULL, &g->audience, &sig, &root)) {
            return error_set(err, ST_UNPROVEN, "bench: a request whose signature does not verify");
        }
        ns += clock_thread_cpu_ns() - begin_ns;
    }
    *us = (double)ns / 1e3 / (double)count;
    return ST_OK;
}

static enum status measure_signatures(struct ground *g, const struct bench_layers_run *run,
                                      struct bench_layers *layers, struct error *err)
{
    int64_t ask_ns = 0;
    int64_t answer_ns = 0;
    double verify_us = 0;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < g->ask_count; i++) {
        status = measure_root(g, g->asks[i].request, &ask_ns, err);
    }
    for (size_t i = 0; status == ST_OK && i < g->release_count; i++) {
        status = measure_root(g, g->releases[i].answer, &answer_ns, err);
    }
    if (status == ST_OK) {
        status = measure_verify(g, &verify_us, err);
    }
    double leaves_us = (double)ask_ns / 1e3 / (double)g->ask_count +
                       (double)answer_ns / 1e3 / (double)g->release_count;
    bench_layers_add(layers, "signature", "leaves and paths, and the share of a verification",
                     leaves_us + verify_us * run->signatures_per_exchange);
    return status;
}

// ---- boxes: the hash of each is compared with the answer's

static enum status measure_boxes(struct ground *g, struct bench_layers *layers, struct error *err)
{
    struct wire_head head;
    struct wire_answer answer;
    arena_reset(g->scratch);
    enum status status = parse(g, g->releases[0].answer, WIRE_SCHEMA_ANSWER, &head, &answer, err);
    size_t bytes = 0;
    for (size_t i = 0; status == ST_OK && i < answer.fields_count; i++) {
        bytes += answer.fields[i].box_length;
    }
    uint8_t *boxes = calloc(1, bytes + 1);
    if (boxes == NULL || status != ST_OK) {
        free(boxes);
        return status != ST_OK ? status : error_set(err, ST_NOMEM, "bench: no memory");
    }
    unsigned seen = 0;
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t round = 0; round < MESSAGES; round++) {
        size_t at = 0;
        for (size_t i = 0; i < answer.fields_count; i++) {
            struct digest hash = seal_sha256(bytes_of(boxes + at, answer.fields[i].box_length));
            at += answer.fields[i].box_length;
            seen += hash.bytes[0];
        }
        boxes[0] = (uint8_t)seen;
    }
    bench_layers_add(layers, "boxes", "hashes of the sealed boxes", us_each(begin_ns, MESSAGES));
    free(boxes);
    return ST_OK;
}

// ---- decision

static enum status read_grants(struct ground *g, const struct audit_tag *tag, size_t *count,
                               struct error *err)
{
    struct wire_consent_record records[CONSENTS];
    enum status status =
        audit_reader_consents(g->reader, tag, g->scratch, CONSENTS, records, count, err);
    for (size_t i = 0; status == ST_OK && i < *count; i++) {
        struct wire_artefact *artefact = arena_take(g->scratch, sizeof(*artefact));
        status = artefact == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                  : wire_decode(WIRE_SCHEMA_ARTEFACT, records[i].artefact,
                                                g->scratch, artefact, err);
        if (status == ST_OK) {
            status =
                consent_grant_read(artefact, &records[i].hash, 0, g->scratch, &g->grants[i], err);
        }
    }
    return status;
}

static struct policy_request facts_of(const struct wire_request *request,
                                      const struct policy_ask *asks)
{
    return (struct policy_request){ .asker = request->asker,
                                    .official = request->official,
                                    .holder = request->holder,
                                    .dataset = request->dataset,
                                    .purpose = request->purpose,
                                    .fields = asks,
                                    .field_count = request->fields_count,
                                    .basis = (enum catalogue_basis)request->basis->kind,
                                    .consent = request->basis->consent,
                                    .article = request->basis->article,
                                    .case_ref = request->case_ref,
                                    .partial_ok = request->partial_ok };
}

// One decision as a worker makes it, with what it looks up; and the recorder's look at the head of
// the person's list.
static enum status decide(struct ground *g, const struct wire_request *request,
                          const struct policy_ask *asks, struct error *err)
{
    struct audit_exchange_row row;
    struct audit_subject_row head;
    uint64_t size;
    const struct policy_request facts = facts_of(request, asks);
    struct policy_input input = { .request = &facts,
                                  .catalogue = g->home->catalogue,
                                  .grants = g->grants,
                                  .counters = g->counters,
                                  .asker = POLICY_STANDING_ACTIVE,
                                  .holder = POLICY_STANDING_ACTIVE,
                                  .key = POLICY_STANDING_ACTIVE,
                                  .now_ms = (int64_t)request->issued_at };
    struct audit_tag tag =
        audit_tagger_tag(g->store->tagger, request->subject_scheme, request->subject);
    enum status status = audit_reader_begin(g->reader, &size, err);
    if (status != ST_OK) {
        return status;
    }
    status = audit_reader_exchange(g->reader, &request->id, &row, err);
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = audit_reader_subject_head(g->reader, &tag, &head, err);
    }
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = read_grants(g, &tag, &input.grant_count, err);
    }
    if (status == ST_OK) {
        input.counter_count = policy_counters(&input, g->counters);
        status = policy_decide(&input, &g->decision, err);
    }
    audit_reader_end(g->reader);
    if (status == ST_OK && !g->decision.permits_any) {
        return error_set(err, ST_DENIED, "bench: what was permitted in the run is not any more");
    }
    return status;
}

static enum status measure_decision(struct ground *g, struct bench_layers *layers,
                                    struct error *err)
{
    struct policy_ask asks[CATALOGUE_FIELDS_MAX];
    struct wire_head head;
    struct wire_request request;
    enum status status = ST_OK;
    int64_t ns = 0;
    for (size_t i = 0; status == ST_OK && i < g->ask_count; i++) {
        arena_reset(g->scratch);
        status = parse(g, g->asks[i].request, WIRE_SCHEMA_REQUEST, &head, &request, err);
        for (size_t k = 0; status == ST_OK && k < request.fields_count; k++) {
            asks[k] = (struct policy_ask){ .name = request.fields[k].name,
                                           .form = request.fields[k].form };
        }
        int64_t begin_ns = clock_thread_cpu_ns();
        if (status == ST_OK) {
            status = decide(g, &request, asks, err);
        }
        ns += clock_thread_cpu_ns() - begin_ns;
    }
    bench_layers_add(layers, "decision", "the person's tag, look-ups in the views, the decision",
                     (double)ns / 1e3 / (double)g->ask_count);
    return status;
}

// ---- replies

static enum status make_reply(struct ground *g, enum wire_type type, enum wire_schema schema,
                              const struct id *ref, const void *message, struct error *err)
{
    buffer_clear(&g->out);
    enum status status = wire_encode(schema, message, &g->out, err);
    if (status == ST_OK) {
        const struct bytes payload = arena_copy(g->scratch, buffer_view(&g->out));
        const struct wire_head head = { .type = type, .ref = *ref, .payload = payload };
        buffer_clear(&g->out);
        status = wire_encode(WIRE_SCHEMA_HEAD, &head, &g->out, err);
    }
    return status;
}

static enum status measure_replies(struct ground *g, struct bench_layers *layers, struct error *err)
{
    enum status status = ST_OK;
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < g->ask_count; i++) {
        arena_reset(g->scratch);
        status = make_reply(g, WIRE_ASK, WIRE_SCHEMA_ASK, &g->asks[i].id, &g->asks[i], err);
    }
    double us = us_each(begin_ns, g->ask_count);
    begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < g->release_count; i++) {
        arena_reset(g->scratch);
        status = make_reply(g, WIRE_RELEASE, WIRE_SCHEMA_RELEASE, &g->releases[i].id,
                            &g->releases[i], err);
    }
    us += us_each(begin_ns, g->release_count);
    bench_layers_add(layers, "replies", "ASK and RELEASE packed with their receipts", us);
    return status;
}

// ---- all of them

static enum status open_ground(struct ground *g, const struct bench_load *load, struct error *err)
{
    enum status status = ST_OK;
    g->audience = seal_audience(bytes_text(g->home->origin));
    g->kept = arena_create((size_t)64 * 1024 * 1024);
    g->scratch = arena_create(ARENA_BYTES);
    g->out = buffer_init(WIRE_HEAD_MAX_BYTES * 2);
    g->roots = seal_batch_cache_create(ROOTS);
    if (g->kept == NULL || g->scratch == NULL || g->roots == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    g->ask_count = bench_load_recorded(load, true, g->ask_payloads, MESSAGES);
    g->release_count = bench_load_recorded(load, false, g->release_payloads, MESSAGES);
    if (g->ask_count == 0 || g->release_count == 0) {
        return error_set(err, ST_NOT_FOUND, "bench: no message was kept to measure layers on");
    }
    for (size_t i = 0; status == ST_OK && i < g->ask_count; i++) {
        status = wire_decode(WIRE_SCHEMA_ASK, g->ask_payloads[i], g->kept, &g->asks[i], err);
    }
    for (size_t i = 0; status == ST_OK && i < g->release_count; i++) {
        status =
            wire_decode(WIRE_SCHEMA_RELEASE, g->release_payloads[i], g->kept, &g->releases[i], err);
    }
    return status == ST_OK ? audit_reader_create(g->store->views, &g->reader, err) : status;
}

static void close_ground(struct ground *g)
{
    audit_reader_destroy(&g->reader);
    seal_batch_cache_destroy(&g->roots);
    arena_destroy(&g->kept);
    arena_destroy(&g->scratch);
    buffer_fini(&g->out);
}

static enum status measure_all(struct ground *g, const struct bench_layers_run *run,
                               struct bench_layers *layers, struct error *err)
{
    enum status status = measure_parse(g, layers, err);
    if (status == ST_OK) {
        status = measure_signatures(g, run, layers, err);
    }
    if (status == ST_OK) {
        status = measure_boxes(g, layers, err);
    }
    if (status == ST_OK) {
        status = measure_decision(g, layers, err);
    }
    if (status == ST_OK) {
        status = bench_layers_log(g->store, run, g->home, layers, err);
    }
    return status == ST_OK ? measure_replies(g, layers, err) : status;
}

enum status bench_layers_measure(const struct bench_home *home, const struct bench_load *load,
                                 const struct bench_layers_run *run, struct bench_layers *layers,
                                 struct error *err)
{
    struct bench_store store;
    struct ground *g = calloc(1, sizeof(*g));
    if (g == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    layers->count = 0;
    g->home = home;
    g->store = &store;
    enum status status = bench_store_open(home, &store, err);
    if (status == ST_OK) {
        status = bench_store_apply(&store, err);
    }
    if (status == ST_OK) {
        status = open_ground(g, load, err);
    }
    if (status == ST_OK) {
        status = measure_all(g, run, layers, err);
    }
    close_ground(g);
    if (store.journal != NULL) {
        bench_store_close(&store);
    }
    free(g);
    return status;
}
