// Layers of the record: the entries that the run left in its log are written once more, as new
// ones, in commits of the size that the run had, step by step as the recorder does it. What a
// commit consists of (the boxes of the bodies, the tree, the signature) is measured on its own as
// well; the rest of it is the store's.
#include <stdlib.h>

#include "bench_layers.h"
#include "bench_store.h"

#include "base/clock.h"
#include "proof/commit.h"
#include "proof/tree.h"
#include "seal/random.h"

enum {
    ENTRIES = 1024, // that are written again
    COMMITS_MAX = 512,
    LONGEST_MS = 5000, // of writing: a slow disk ends it early
    ARENA_BYTES = 128 * 1024 * 1024,
    SEQUENCE_SHIFT = 1000000, // of the second copy in a person's list
};

struct item {
    struct audit_facts facts;
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct audit_entry entry;
};

struct steps {
    int64_t pack_ns;
    int64_t seal_ns;
    int64_t rows_ns;
    int64_t publish_ns;
    int64_t append_ns;
    int64_t box_ns;
    int64_t tree_ns;
    int64_t sign_ns;
    int64_t receipt_ns;
    int64_t apply_ns;
    size_t entries;
};

struct writing {
    struct bench_store *store;
    struct bytes origin;
    struct arena *kept;
    struct arena *scratch;
    struct buffer packed;
    struct buffer box;
    struct proof_batch *tree;
    struct item *items;
    size_t count;
    struct steps steps;
};

// ---- what the run wrote

static enum status take_entry(struct writing *w, struct audit_log *log, uint64_t index,
                              struct error *err)
{
    struct audit_record record;
    struct audit_body body;
    struct item *item = &w->items[w->count];
    enum status status = audit_log_record(log, index, &record, err);
    if (status != ST_OK || record.class != WIRE_CLASS_EXCHANGE) {
        return status;
    }
    item->facts = (struct audit_facts){ .class = record.class };
    status = audit_log_body(log, index, &record, w->kept, &body, err);
    if (status == ST_OK) {
        status = audit_facts_decode(&body, w->kept, &item->facts, err);
    }
    if (status != ST_OK || item->facts.exchange == NULL || item->facts.subject == NULL ||
        item->facts.officer == NULL) {
        return status;
    }
    item->exchange = *item->facts.exchange;
    item->subject = *item->facts.subject;
    item->officer = *item->facts.officer;
    item->exchange.exchange_id = seal_random_id();
    item->subject.sequence += SEQUENCE_SHIFT;
    item->facts.exchange = &item->exchange;
    item->facts.subject = &item->subject;
    item->facts.officer = &item->officer;
    w->count++;
    return ST_OK;
}

static enum status take_entries(struct writing *w, struct error *err)
{
    struct audit_log *log = NULL;
    uint64_t size = 0;
    enum status status = audit_log_create(w->store->journal, &log, err);
    if (status == ST_OK) {
        status = audit_log_begin(log, &size, err);
    }
    for (uint64_t i = size; status == ST_OK && i > 0 && w->count < ENTRIES; i--) {
        status = take_entry(w, log, i - 1, err);
    }
    if (log != NULL) {
        audit_log_end(log);
    }
    audit_log_destroy(&log);
    if (status == ST_OK && w->count == 0) {
        status = error_set(err, ST_NOT_FOUND, "bench: the log has no exchange to measure on");
    }
    return status;
}

// ---- the steps of a batch

static enum status pack(struct writing *w, struct item *item, struct error *err)
{
    static const enum wire_schema schemas[] = { WIRE_SCHEMA_EXCHANGE_PART, WIRE_SCHEMA_SUBJECT_PART,
                                                WIRE_SCHEMA_OFFICER_PART };
    static const enum wire_part types[] = { WIRE_PART_EXCHANGE, WIRE_PART_SUBJECT,
                                            WIRE_PART_OFFICER };
    const void *const parts[] = { &item->exchange, &item->subject, &item->officer };
    item->entry = (struct audit_entry){ .class = item->facts.class };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        int place = proof_class_place((unsigned)item->facts.class, types[i]);
        buffer_clear(&w->packed);
        enum status status = wire_encode(schemas[i], parts[i], &w->packed, err);
        struct bytes kept = arena_copy(w->scratch, buffer_view(&w->packed));
        if (status != ST_OK || kept.data == NULL || place < 0) {
            return status != ST_OK ? status : error_set(err, ST_NOMEM, "bench: no memory");
        }
        item->entry.parts[place].bytes = kept;
    }
    return ST_OK;
}

// The body as it is encrypted, on its own: the append below does it once more.
static enum status box(struct writing *w, const struct item *item, uint64_t index,
                       struct error *err)
{
    uint8_t nonce[AUDIT_BOX_NONCE_BYTES];
    uint32_t key = audit_vault_key_id(item->facts.class, item->entry.minutes);
    buffer_clear(&w->packed);
    buffer_clear(&w->box);
    audit_body_pack(&item->entry, &w->packed);
    uint8_t *room = buffer_reserve(&w->box, w->packed.size + AUDIT_BOX_TAG_BYTES);
    if (room == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    return audit_vault_seal_body(w->store->vault, key, w->origin, index, &item->entry.leaf_hash,
                                 buffer_view(&w->packed), nonce, room, err);
}

static void grow_tree(struct writing *w, uint64_t size, struct item *const *batch, size_t count)
{
    struct digest leaves[AUDIT_BATCH_MAX];
    struct proof_frontier frontier = { .size = size };
    struct proof_path path;
    for (size_t i = 0; i < count; i++) {
        leaves[i] = batch[i]->entry.leaf_hash;
    }
    int64_t begin_ns = clock_thread_cpu_ns();
    proof_batch_run(w->tree, &frontier, leaves, count);
    for (size_t i = 0; i < count; i++) {
        proof_batch_path(w->tree, i, &path);
    }
    w->steps.tree_ns += clock_thread_cpu_ns() - begin_ns;
}

static enum status write_receipts(struct writing *w, const struct audit_commit *commit,
                                  struct item *const *batch, size_t count, struct error *err)
{
    struct audit_receipt receipt;
    enum status status = ST_OK;
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status =
            audit_commit_receipt(commit, i, &batch[i]->entry, WIRE_PART_EXCHANGE, &receipt, err);
        // The broker keeps a copy: it outlives the commit.
        (void)arena_copy(w->scratch, receipt.receipt.proof);
        (void)arena_copy(w->scratch, receipt.receipt.checkpoint);
        (void)arena_copy(w->scratch, receipt.extra.leaf);
        (void)arena_copy(w->scratch, receipt.extra.part);
    }
    w->steps.receipt_ns += clock_thread_cpu_ns() - begin_ns;
    return status;
}

static enum status prepare(struct writing *w, struct item *const *batch, size_t count,
                           uint64_t size, struct error *err)
{
    uint32_t minutes = audit_journal_minutes(w->store->journal, clock_wall_ms());
    enum status status = ST_OK;
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = pack(w, batch[i], err);
    }
    int64_t packed_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = audit_entry_seal(&batch[i]->entry, minutes, err);
    }
    int64_t sealed_ns = clock_thread_cpu_ns();
    if (status == ST_OK) {
        uint32_t key = audit_vault_key_id(batch[0]->facts.class, minutes);
        status = audit_vault_prepare(w->store->vault, key, err);
    }
    int64_t prepared_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = box(w, batch[i], size + i, err);
    }
    w->steps.pack_ns += packed_ns - begin_ns;
    w->steps.seal_ns += sealed_ns - packed_ns;
    w->steps.box_ns += clock_thread_cpu_ns() - prepared_ns;
    return status;
}

static enum status publish(struct writing *w, struct item *const *batch, size_t count,
                           uint64_t size, struct error *err)
{
    struct audit_rows *rows = audit_rows_create();
    enum status status = rows == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    if (status == ST_OK) {
        audit_rows_make_searchable(rows, audit_views_search_key(w->store->views));
    }
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        batch[i]->facts.index = size + i;
        batch[i]->facts.minutes = batch[i]->entry.minutes;
        batch[i]->facts.leaf_hash = batch[i]->entry.leaf_hash;
        status = audit_rows_add(rows, &batch[i]->facts, err);
    }
    int64_t added_ns = clock_thread_cpu_ns();
    if (status == ST_OK) {
        status = audit_views_publish(w->store->views, &rows, size + count, err);
    }
    w->steps.rows_ns += added_ns - begin_ns;
    w->steps.publish_ns += clock_thread_cpu_ns() - added_ns;
    audit_rows_destroy(&rows);
    return status;
}

static enum status write_batch(struct writing *w, struct item *const *batch, size_t count,
                               struct error *err)
{
    const struct audit_entry *entries[AUDIT_BATCH_MAX];
    struct audit_journal *journal = w->store->journal;
    struct audit_commit *commit = NULL;
    uint64_t size = audit_journal_size(journal);
    arena_reset(w->scratch);
    enum status status = prepare(w, batch, count, size, err);
    if (status != ST_OK) {
        return status;
    }
    grow_tree(w, size, batch, count);
    for (size_t i = 0; i < count; i++) {
        entries[i] = &batch[i]->entry;
    }
    int64_t begin_ns = clock_thread_cpu_ns();
    status = audit_journal_append(journal, entries, count, size, audit_journal_term(journal),
                                  &commit, err);
    w->steps.append_ns += clock_thread_cpu_ns() - begin_ns;
    if (status == ST_OK) {
        status = write_receipts(w, commit, batch, count, err);
    }
    audit_commit_unref(&commit);
    w->steps.entries += count;
    return status == ST_OK ? publish(w, batch, count, size, err) : status;
}

// ---- all batches

static void measure_signature(struct writing *w, const struct seal_signer *signer)
{
    enum { ROUNDS = 64 };
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    uint8_t text[160] = { 0 }; // about a checkpoint
    int64_t begin_ns = clock_thread_cpu_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        text[0] = (uint8_t)i;
        seal_sign(signer, bytes_of(text, sizeof(text)), signature);
    }
    w->steps.sign_ns = (clock_thread_cpu_ns() - begin_ns) / ROUNDS;
}

static enum status write_all(struct writing *w, size_t batch_size, size_t *commits,
                             struct error *err)
{
    struct item *batch[AUDIT_BATCH_MAX];
    enum status status = ST_OK;
    int64_t deadline_ms = clock_monotonic_ms() + LONGEST_MS;
    size_t next = 0;
    size_t most = w->count < batch_size ? w->count : batch_size;
    *commits = 0;
    while (status == ST_OK && *commits < COMMITS_MAX && w->steps.entries < 4 * (size_t)ENTRIES &&
           clock_monotonic_ms() < deadline_ms) {
        for (size_t i = 0; i < most; i++) {
            batch[i] = &w->items[next];
            batch[i]->exchange.exchange_id = seal_random_id();
            next = (next + 1) % w->count;
        }
        status = write_batch(w, batch, most, err);
        ++*commits;
    }
    int64_t begin_ns = clock_thread_cpu_ns();
    if (status == ST_OK) {
        status = bench_store_apply(w->store, err);
    }
    w->steps.apply_ns = clock_thread_cpu_ns() - begin_ns;
    return status;
}

static double us_of(int64_t ns, const struct writing *w, double entries_per_exchange)
{
    return (double)ns / 1e3 / (double)w->steps.entries * entries_per_exchange;
}

static void add_layers(const struct writing *w, const struct bench_layers_run *run, size_t commits,
                       struct bench_layers *layers)
{
    const struct steps *steps = &w->steps;
    double each = run->entries_per_exchange;
    int64_t signatures_ns = steps->sign_ns * (int64_t)commits;
    int64_t rest_ns = steps->append_ns - steps->box_ns - steps->tree_ns - signatures_ns;
    const struct bench_layer rows[] = {
        { "parts", "parts packed, salted and hashed",
          us_of(steps->pack_ns + steps->seal_ns, w, each) },
        { "encryption", "bodies encrypted", us_of(steps->box_ns, w, each) },
        { "tree", "the tree, its proofs, the checkpoint's signature",
          us_of(steps->tree_ns + signatures_ns, w, each) },
        { "commit", "the store's synced commit", us_of(rest_ns > 0 ? rest_ns : 0, w, each) },
        { "receipt", "receipts", us_of(steps->receipt_ns, w, each) },
        { "index", "rows of the views, their tail, the stored views",
          us_of(steps->rows_ns + steps->publish_ns + steps->apply_ns, w, each) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bench_layers_add(layers, rows[i].name, rows[i].words, rows[i].us);
    }
}

enum status bench_layers_log(struct bench_store *store, const struct bench_layers_run *run,
                             const struct bench_home *home, struct bench_layers *layers,
                             struct error *err)
{
    struct writing w = { .store = store,
                         .origin = bytes_text(home->origin),
                         .kept = arena_create(ARENA_BYTES),
                         .scratch = arena_create(ARENA_BYTES),
                         .packed = buffer_init(AUDIT_BODY_BYTES_MAX * 2),
                         .box = buffer_init(AUDIT_BODY_BYTES_MAX * 2),
                         .tree = proof_batch_create(AUDIT_BATCH_MAX),
                         .items = calloc(ENTRIES, sizeof(*w.items)) };
    double wanted = run->entries_per_commit;
    size_t batch = wanted < 1 ? 1 : wanted > AUDIT_BATCH_MAX ? AUDIT_BATCH_MAX : (size_t)wanted;
    size_t commits = 0;
    enum status status = w.kept == NULL || w.scratch == NULL || w.tree == NULL || w.items == NULL
                             ? error_set(err, ST_NOMEM, "bench: no memory")
                             : take_entries(&w, err);
    if (status == ST_OK) {
        measure_signature(&w, home->log.signer);
        status = write_all(&w, batch, &commits, err);
    }
    if (status == ST_OK) {
        add_layers(&w, run, commits, layers);
    }
    arena_destroy(&w.kept);
    arena_destroy(&w.scratch);
    buffer_fini(&w.packed);
    buffer_fini(&w.box);
    proof_batch_destroy(&w.tree);
    free(w.items);
    return status;
}
