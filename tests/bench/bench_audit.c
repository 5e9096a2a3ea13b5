// The log: appending, publishing to the views, applying, looking up, checking. One line a case:
//   audit.<case> <figure> <unit> ...
// `bench_audit [ENTRIES] [FOLDER]`; the folder (made; default /tmp/vedomo-bench-PID) is left
// behind.
#include "audit/verify.h"
#include "audit/views_block.h"
#include "base/clock.h"
#include "base/file.h"
#include "proof/note.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "log.example/bench"

enum { MINUTES = 29910000, PERSONS = 100000 };

static struct error err;

static void must(enum status status, const char *what)
{
    if (status != ST_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, status_name(status), err.message);
        exit(1);
    }
}

struct bench {
    char home[128];
    struct seal_secret *master;
    struct seal_signer *signer;
    struct audit_vault *vault;
    struct audit_journal *journal;
    struct audit_views *views;
    uint64_t sequence[PERSONS];
    uint64_t random;
};

struct job {
    struct audit_entry entry;
    struct buffer parts[3];
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct wire_verdict verdicts[3];
    struct wire_counter_seen charge;
    struct audit_tag tag;
};

static unsigned next_random(struct bench *bench)
{
    bench->random = bench->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(bench->random >> 33);
}

static struct audit_tag tag_of(unsigned person)
{
    struct audit_tag tag = { .bytes = { 1 } };
    struct digest hash = seal_sha256(bytes_of(&person, sizeof(person)));
    memcpy(tag.bytes + 1, hash.bytes, DIGEST_BYTES);
    return tag;
}

// A decision about a person, as large as a real one.
static void fill(struct bench *bench, struct job *job)
{
    unsigned person = next_random(bench) % PERSONS;
    job->tag = tag_of(person);
    for (size_t i = 0; i < 3; i++) {
        job->verdicts[i] = (struct wire_verdict){ .name = bytes_text("valid-until"),
                                                  .asked = bytes_text("full"),
                                                  .given = bytes_text("exists"),
                                                  .reason = bytes_text("agreement-form") };
    }
    job->charge = (struct wire_counter_seen){ .key = seal_random_digest(), .value = 1 };
    job->exchange = (struct wire_exchange_part){ .format = 1,
                                                 .kind = WIRE_KIND_DECISION,
                                                 .exchange_id = seal_random_id(),
                                                 .request_hash = seal_random_digest(),
                                                 .asker = bytes_text("ru/interior/road-safety"),
                                                 .holder = bytes_text("ru/health/clinic-4"),
                                                 .dataset = bytes_text("health.driver"),
                                                 .purpose = bytes_text("licence-issue"),
                                                 .verdicts = job->verdicts,
                                                 .verdicts_count = 3,
                                                 .bundle_hash = seal_random_digest(),
                                                 .asker_check = seal_random_digest(),
                                                 .holder_check = seal_random_digest(),
                                                 .expires_at = 1 };
    job->subject = (struct wire_subject_part){ .format = 1,
                                               .kind = WIRE_KIND_DECISION,
                                               .sequence = ++bench->sequence[person],
                                               .previous = seal_random_digest(),
                                               .verdicts = job->verdicts,
                                               .verdicts_count = 3 };
    job->officer = (struct wire_officer_part){ .format = 1,
                                               .kind = WIRE_KIND_DECISION,
                                               .tag = audit_tag_view(&job->tag),
                                               .charges = &job->charge,
                                               .charges_count = 1 };
    memset(&job->entry, 0, sizeof(job->entry));
    job->entry.class = WIRE_CLASS_EXCHANGE;
    const void *structs[] = { &job->exchange, &job->subject, &job->officer };
    static const enum wire_schema schemas[] = { WIRE_SCHEMA_EXCHANGE_PART, WIRE_SCHEMA_SUBJECT_PART,
                                                WIRE_SCHEMA_OFFICER_PART };
    for (size_t i = 0; i < 3; i++) {
        job->parts[i].limit = 65536;
        buffer_clear(&job->parts[i]);
        must(wire_encode(schemas[i], structs[i], &job->parts[i], &err), "encode");
        job->entry.parts[i].bytes = buffer_view(&job->parts[i]);
    }
}

struct times {
    int64_t seal_ns;
    int64_t append_ns;
    int64_t append_cpu_ns;
    int64_t rows_ns;
    int64_t apply_ns;
    uint64_t bytes;
};

static void append_batch(struct bench *bench, struct job *jobs, size_t batch, struct times *times)
{
    const struct audit_entry *list[AUDIT_BATCH_MAX];
    struct audit_commit *commit = NULL;
    uint64_t size = audit_journal_size(bench->journal);
    for (size_t i = 0; i < batch; i++) {
        fill(bench, &jobs[i]);
        list[i] = &jobs[i].entry;
    }
    int64_t begin = clock_monotonic_ns();
    for (size_t i = 0; i < batch; i++) {
        must(audit_entry_seal(&jobs[i].entry, MINUTES, &err), "seal");
    }
    int64_t sealed = clock_monotonic_ns();
    int64_t cpu = clock_thread_cpu_ns();
    must(audit_journal_append(bench->journal, list, batch, size, audit_journal_term(bench->journal),
                              &commit, &err),
         "append");
    int64_t appended = clock_monotonic_ns();
    times->append_cpu_ns += clock_thread_cpu_ns() - cpu;
    struct audit_rows *rows = audit_rows_create();
    audit_rows_make_searchable(rows, audit_views_search_key(bench->views));
    for (size_t i = 0; i < batch; i++) {
        struct audit_facts facts = { .index = size + i,
                                     .minutes = MINUTES,
                                     .leaf_hash = jobs[i].entry.leaf_hash,
                                     .class = WIRE_CLASS_EXCHANGE,
                                     .exchange = &jobs[i].exchange,
                                     .subject = &jobs[i].subject,
                                     .officer = &jobs[i].officer };
        must(audit_rows_add(rows, &facts, &err), "rows");
    }
    must(audit_views_publish(bench->views, &rows, size + batch, &err), "publish");
    times->rows_ns += clock_monotonic_ns() - appended;
    times->seal_ns += sealed - begin;
    times->append_ns += appended - sealed;
    for (size_t i = 0; i < 3; i++) {
        times->bytes += jobs[0].parts[i].size;
    }
    audit_commit_unref(&commit);
}

static void apply_all(struct bench *bench, struct times *times)
{
    uint64_t applied = 0;
    int64_t begin = clock_monotonic_ns();
    while (audit_views_tail_entries(bench->views) > 0) {
        must(audit_views_apply(bench->views, &applied, &err), "apply");
    }
    audit_views_retire(bench->views);
    times->apply_ns += clock_monotonic_ns() - begin;
}

static void grow(struct bench *bench, size_t batch, uint64_t entries)
{
    struct job *jobs = calloc(batch, sizeof(*jobs));
    struct times times = { 0 };
    uint64_t done = 0;
    for (; done < entries; done += batch) {
        append_batch(bench, jobs, batch, &times);
        if (audit_views_tail_entries(bench->views) > AUDIT_TAIL_ENTRIES_MAX / 2) {
            apply_all(bench, &times);
        }
    }
    apply_all(bench, &times);
    printf("audit.append batch %zu entries %llu body_bytes %llu: seal %.2f append %.2f (cpu "
           "%.2f) rows %.2f apply %.2f us each; %.0f appends/s\n",
           batch, (unsigned long long)done, (unsigned long long)(times.bytes * batch / done),
           (double)times.seal_ns / 1e3 / (double)done, (double)times.append_ns / 1e3 / (double)done,
           (double)times.append_cpu_ns / 1e3 / (double)done,
           (double)times.rows_ns / 1e3 / (double)done, (double)times.apply_ns / 1e3 / (double)done,
           (double)done * 1e9 / (double)(times.append_ns + times.rows_ns + times.seal_ns));
    for (size_t i = 0; i < batch; i++) {
        for (size_t p = 0; p < 3; p++) {
            buffer_fini(&jobs[i].parts[p]);
        }
    }
    free(jobs);
}

static void look_up(struct bench *bench, const char *when)
{
    enum { ROUNDS = 20000 };
    struct audit_reader *reader = NULL;
    struct audit_subject_row rows[20];
    uint64_t size = 0;
    uint64_t value = 0;
    size_t count = 0;
    must(audit_reader_create(bench->views, &reader, &err), "reader");
    int64_t times[3] = { 0 };
    for (int what = 0; what < 3; what++) {
        int64_t begin = clock_monotonic_ns();
        for (unsigned i = 0; i < ROUNDS; i++) {
            must(audit_reader_begin(reader, &size, &err), "begin");
            struct audit_tag tag = tag_of(next_random(bench) % PERSONS);
            struct digest key = seal_sha256(bytes_of(&i, sizeof(i)));
            enum status status = ST_OK;
            if (what == 0) {
                status = audit_reader_counter(reader, &key, &value, &err);
            } else if (what == 1) {
                status = audit_reader_subject_head(reader, &tag, rows, &err);
            } else {
                status = audit_reader_subject_page(reader, &tag, 0, 20, rows, &count, &err);
            }
            must(status == ST_NOT_FOUND ? ST_OK : status, "look up");
            audit_reader_end(reader);
        }
        times[what] = (clock_monotonic_ns() - begin) / ROUNDS;
    }
    printf("audit.lookup %s size %llu tail %llu: counter %.2f head %.2f page_of_20 %.2f us\n", when,
           (unsigned long long)size, (unsigned long long)audit_views_tail_entries(bench->views),
           (double)times[0] / 1e3, (double)times[1] / 1e3, (double)times[2] / 1e3);
    audit_reader_destroy(&reader);
}

// What an officer's question costs in the facets, for each entry that it goes through.
struct searching {
    struct audit_facet_filter filter;
    uint64_t found;
};

static bool may_match(uint64_t index, const uint8_t *bytes, void *context)
{
    struct searching *searching = context;
    (void)index;
    searching->found += audit_facet_may_match(&searching->filter, bytes) ? 1 : 0;
    return true;
}

static void search(struct bench *bench, const char *when, const char *official)
{
    struct audit_reader *reader = NULL;
    struct wire_filter wanted = { .official = bytes_text(official) };
    struct audit_filter filter = { .filter = &wanted };
    struct searching searching = { 0 };
    uint64_t size = 0;
    audit_facet_filter(&filter, audit_views_search_key(bench->views), &searching.filter);
    must(audit_reader_create(bench->views, &reader, &err), "reader");
    must(audit_reader_begin(reader, &size, &err), "begin");
    int64_t begin = clock_monotonic_ns();
    must(audit_reader_facets(reader, size, 0, may_match, &searching, &err), "search");
    int64_t took = clock_monotonic_ns() - begin;
    printf("audit.search %s size %llu tail %llu official %s: found %llu, %.1f ns an entry\n", when,
           (unsigned long long)size, (unsigned long long)audit_views_tail_entries(bench->views),
           official, (unsigned long long)searching.found, (double)took / (double)size);
    audit_reader_end(reader);
    audit_reader_destroy(&reader);
}

static void prove(struct bench *bench)
{
    enum { ROUNDS = 2000 };
    struct audit_log *log = NULL;
    struct arena *arena = arena_create(1 << 20);
    uint64_t size = 0;
    must(audit_log_create(bench->journal, &log, &err), "log");
    int64_t begin = clock_monotonic_ns();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct audit_receipt receipt;
        arena_reset(arena);
        must(audit_log_begin(log, &size, &err), "begin");
        must(audit_log_receipt(log, next_random(bench) % size, size, WIRE_PART_SUBJECT, arena,
                               &receipt, &err),
             "receipt");
        audit_log_end(log);
    }
    printf("audit.receipt_of_old_entry size %llu: %.1f us\n", (unsigned long long)size,
           (double)(clock_monotonic_ns() - begin) / 1e3 / ROUNDS);
    audit_log_destroy(&log);
    arena_destroy(&arena);
}

static void ignore(const struct audit_finding *finding, void *context)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", audit_fault_name(finding->fault), finding->message);
    exit(1);
}

static void verify(struct bench *bench, bool bodies)
{
    struct proof_key key;
    struct buffer vkey = buffer_init(1024);
    struct audit_verify_result result;
    must(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(bench->signer), &key, &err),
         "key");
    proof_key_format(&key, &vkey);
    buffer_u8(&vkey, 0);
    struct audit_verify_options options = { .home = bench->home,
                                            .vkey = (const char *)vkey.data,
                                            .master = bodies ? bench->master : NULL,
                                            .found = ignore };
    int64_t begin = clock_monotonic_ns();
    must(audit_verify(&options, &result, &err), "verify");
    double seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
    printf("audit.verify %s: %.0f entries/s\n", bodies ? "with_bodies" : "leaves_and_tiles",
           (double)result.size / seconds);
    buffer_fini(&vkey);
}

static void open_all(struct bench *bench)
{
    char folder[160];
    struct audit_views_opened opened;
    snprintf(folder, sizeof(folder), "%s/keys", bench->home);
    must(file_make_folder(folder, 0700, &err), "folder");
    snprintf(folder, sizeof(folder), "%s/" AUDIT_VAULT_FOLDER, bench->home);
    must(audit_vault_open(folder, bench->master, &bench->vault, &err), "vault");
    struct audit_journal_options journal = { .home = bench->home,
                                             .origin = ORIGIN,
                                             .signer = bench->signer,
                                             .vault = bench->vault,
                                             .create = true };
    int64_t begin = clock_monotonic_ns();
    must(audit_journal_open(&journal, &bench->journal, &err), "journal");
    int64_t middle = clock_monotonic_ns();
    struct audit_views_options views = { .home = bench->home,
                                         .origin = ORIGIN,
                                         .journal = bench->journal };
    must(audit_views_open(&views, &bench->views, &opened, &err), "views");
    printf("audit.open size %llu: journal %.1f views %.1f ms\n",
           (unsigned long long)audit_journal_size(bench->journal), (double)(middle - begin) / 1e6,
           (double)(clock_monotonic_ns() - middle) / 1e6);
}

static void close_all(struct bench *bench)
{
    audit_views_close(&bench->views);
    audit_journal_close(&bench->journal);
    audit_vault_close(&bench->vault);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    struct seal_secret *seed = NULL;
    bench.random = 1;
    if (argc > 2) {
        snprintf(bench.home, sizeof(bench.home), "%s", argv[2]);
    } else {
        snprintf(bench.home, sizeof(bench.home), "/tmp/vedomo-bench-%ld", (long)getpid());
    }
    must(file_make_folder(bench.home, 0700, &err), "folder");
    must(seal_secret_random(DIGEST_BYTES, &bench.master, &err), "master key");
    must(seal_secret_random(DIGEST_BYTES, &seed, &err), "seed");
    must(seal_signer_create(seed, &bench.signer, &err), "signer");
    open_all(&bench);
    grow(&bench, 1, entries / 100);
    grow(&bench, 64, entries / 4);
    grow(&bench, 256, entries);
    look_up(&bench, "stored");
    search(&bench, "stored", "nobody");
    struct job *jobs = calloc(256, sizeof(*jobs));
    struct times times = { 0 };
    for (unsigned i = 0; i < 64; i++) {
        append_batch(&bench, jobs, 256, &times);
    }
    look_up(&bench, "with_tail");
    search(&bench, "with_tail", "nobody");
    prove(&bench);
    close_all(&bench);
    open_all(&bench);
    verify(&bench, false);
    verify(&bench, true);
    close_all(&bench);
    free(jobs);
    return 0;
}
