// vedomo bench portal: pages of the public log over HTTP. A visitor first reads every tile of level
// 0 and every bundle of entries, which the portal has to fetch and prove, and checks that they lead
// to the checkpoint's root; then tiles that the portal has, each compared with what was read first;
// then the checkpoint, whose signature is verified whenever it is another one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_figures.h"
#include "bench_ground.h"
#include "bench_portal.h"
#include "bench_tally.h"
#include "commands.h"

#include "base/clock.h"
#include "base/reader.h"
#include "proof/note.h"
#include "proof/tiles.h"
#include "seal/hash.h"
#include "web/client.h"

enum {
    VISITS_MAX = 64,
    ANSWER_MS = 20 * 1000,
    OPEN_MS = 30 * 1000, // until the portal shows a checkpoint of the whole log
    LOOK_MS = 50,
    PAGE_BYTES = 256 * 64, // more than any page has
    PERSONS = 10000,       // that entries are about
};

enum part { PART_FIRST, PART_AGAIN, PART_CHECKPOINT, PART_COUNT };

struct options {
    uint64_t entries;
    uint64_t visitors;
    uint64_t seconds;
    const char *vedomod;
    const char *portal;
    const char *folder;
};

static const struct command_option option_table[] = {
    { COMMAND_NUMBER, offsetof(struct options, entries), "entries", 0, "N",
      "Entries in the log (default: 70000)" },
    { COMMAND_NUMBER, offsetof(struct options, visitors), "visitors", 0, "N",
      "Pages asked for at a time, 1 to 64 (default: 16)" },
    { COMMAND_NUMBER, offsetof(struct options, seconds), "seconds", 0, "N",
      "How long tiles that the portal has, and then the checkpoint, are read (default: 5)" },
    { COMMAND_TEXT, offsetof(struct options, vedomod), "vedomod", 0, "FILE",
      "The broker's program (default: beside this one)" },
    { COMMAND_TEXT, offsetof(struct options, portal), "portal", 0, "FILE",
      "The portal's program (default: beside this one)" },
    { COMMAND_TEXT, offsetof(struct options, folder), "dir", 0, "DIR",
      "Where the broker's fresh home is made (default: /var/tmp)" },
    { .kind = COMMAND_END },
};

// One page that is asked for.
struct visit {
    struct proof_tile tile;
    int64_t begin_ns;
};

// What one part of the run took.
struct taken {
    struct bench_tally tally;
    double seconds;
    uint64_t portal_us; // of CPU
    uint64_t broker_us;
    uint64_t own_us;
};

struct visiting {
    struct options options;
    struct bus_context *context;
    struct bench_home *home;
    struct bench_portal portal;
    struct web_client *client;
    enum part part;
    struct visit visits[VISITS_MAX];
    struct visit *idle[VISITS_MAX];
    size_t idle_count;
    uint64_t next; // page of the first part; or a number to draw from
    struct proof_key log;
    struct proof_checkpoint checkpoint; // what the tiles lead to
    struct buffer note;                 // the checkpoint that was verified last
    struct digest *hashes;              // of all leaves, from the tiles
    struct taken taken[PART_COUNT];
};

// ---- pages

static uint64_t tiles(const struct visiting *all)
{
    return (all->checkpoint.size + PROOF_TILE_HASHES - 1) / PROOF_TILE_HASHES;
}

static void page_url(const struct visiting *all, const struct visit *visit, char url[160])
{
    char name[PROOF_TILE_NAME_BYTES] = "checkpoint";
    if (all->part != PART_CHECKPOINT) {
        proof_tile_name(&visit->tile, name);
    }
    snprintf(url, 160, "%s%s", all->portal.url, name);
}

static enum status ask(struct visiting *all, struct visit *visit, struct error *err)
{
    char url[160];
    page_url(all, visit, url);
    visit->begin_ns = clock_monotonic_ns();
    const struct web_call call = {
        .url = url, .answer_max_bytes = PAGE_BYTES, .timeout_ms = ANSWER_MS, .tag = visit
    };
    return web_client_start(all->client, &call, err);
}

// Tiles come first, then bundles: what is in these is known by then.
static struct proof_tile page_at(const struct visiting *all, uint64_t page)
{
    struct proof_tile tile = { .entries = page >= tiles(all), .number = page % tiles(all) };
    tile.width = proof_tile_width(0, tile.number, all->checkpoint.size);
    return tile;
}

static bool is_tile(const struct visiting *all, const struct proof_tile *tile, struct bytes body)
{
    struct digest *known = &all->hashes[tile->number * PROOF_TILE_HASHES];
    size_t size = (size_t)tile->width * DIGEST_BYTES;
    if (body.size != size) {
        return false;
    }
    if (all->part == PART_FIRST) {
        memcpy(known, body.data, size); // believed when the root comes out
        return true;
    }
    return memcmp(known, body.data, size) == 0;
}

static bool is_bundle(const struct visiting *all, const struct proof_tile *tile, struct bytes body)
{
    struct reader reader = reader_init(body);
    for (unsigned i = 0; i < tile->width; i++) {
        struct digest hash = seal_leaf_hash(reader_lp(&reader));
        if (!digest_equal(&hash, &all->hashes[tile->number * PROOF_TILE_HASHES + i])) {
            return false;
        }
    }
    return reader_finished(&reader);
}

// The broker makes an entry of its own now and then.
static bool is_checkpoint(struct visiting *all, struct bytes body)
{
    struct proof_checkpoint checkpoint;
    struct error ignored;
    if (bytes_equal(body, buffer_view(&all->note))) {
        return true;
    }
    if (proof_checkpoint_open(body, &all->log, &checkpoint, &ignored) != ST_OK ||
        checkpoint.size < all->checkpoint.size) {
        return false;
    }
    buffer_clear(&all->note);
    buffer_bytes(&all->note, body);
    return true;
}

static bool is_right(struct visiting *all, const struct visit *visit, struct bytes body)
{
    if (all->part == PART_CHECKPOINT) {
        return is_checkpoint(all, body);
    }
    return visit->tile.entries ? is_bundle(all, &visit->tile, body)
                               : is_tile(all, &visit->tile, body);
}

static void take_page(void *context, const struct web_answer *answer)
{
    struct visiting *all = context;
    struct visit *visit = answer->tag;
    struct bench_tally *tally = &all->taken[all->part].tally;
    bench_tally_latency(tally, clock_monotonic_ns() - visit->begin_ns);
    all->idle[all->idle_count++] = visit;
    if (answer->status == 0) {
        tally->lost++;
        bench_tally_wrong(tally, answer->problem);
    } else if (answer->status != 200 || !is_right(all, visit, answer->body)) {
        char why[160];
        char url[160];
        page_url(all, visit, url);
        snprintf(why, sizeof(why), "%.110s: status %u, %zu bytes", url, answer->status,
                 answer->body.size);
        bench_tally_wrong(tally, why);
    } else {
        tally->in_time++;
    }
}

// ---- parts

// False: the part has no more pages.
static bool next_page(struct visiting *all, struct proof_tile *tile, int64_t end_ms)
{
    if (all->part == PART_FIRST) {
        // A bundle is compared with its tile, so all tiles are in before the first of them goes.
        bool waits = all->next == tiles(all) && all->idle_count < all->options.visitors;
        if (waits || all->next == 2 * tiles(all)) {
            return false;
        }
        *tile = page_at(all, all->next++);
        return true;
    }
    all->next = all->next * 6364136223846793005U + 1442695040888963407U;
    *tile = page_at(all, (all->next >> 33) % tiles(all));
    return clock_monotonic_ms() < end_ms;
}

static enum status ask_all(struct visiting *all, int64_t end_ms, struct error *err)
{
    enum status status = ST_OK;
    while (status == ST_OK && all->idle_count > 0) {
        struct visit *visit = all->idle[all->idle_count - 1];
        if (!next_page(all, &visit->tile, end_ms)) {
            break;
        }
        all->idle_count--;
        status = ask(all, visit, err);
    }
    return status;
}

static enum status read_part(struct visiting *all, enum part part, struct error *err)
{
    struct taken *taken = &all->taken[part];
    uint64_t portal_us = bench_cpu_us(all->portal.pid);
    uint64_t broker_us = bench_cpu_us(all->home->broker_pid);
    uint64_t own_us = bench_cpu_us(getpid());
    int64_t begin_ns = clock_monotonic_ns();
    int64_t end_ms = clock_monotonic_ms() + (int64_t)all->options.seconds * 1000;
    all->part = part;
    all->next = part == PART_FIRST ? 0 : 1;
    enum status status = ask_all(all, end_ms, err);
    while (status == ST_OK && all->idle_count < all->options.visitors) {
        web_client_step(all->client, LOOK_MS, take_page, all);
        status = bench_look_after(&all->portal.pid, "the portal", err);
        if (status == ST_OK) {
            status = bench_look_after(&all->home->broker_pid, "the broker", err);
        }
        if (status == ST_OK) {
            status = ask_all(all, end_ms, err);
        }
    }
    taken->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    taken->portal_us = bench_cpu_us(all->portal.pid) - portal_us;
    taken->broker_us = bench_cpu_us(all->home->broker_pid) - broker_us;
    taken->own_us = bench_cpu_us(getpid()) - own_us;
    return status;
}

// What was read must be the log that the checkpoint is about.
static enum status check_root(const struct visiting *all, struct error *err)
{
    struct proof_frontier frontier = { 0 };
    for (uint64_t i = 0; i < all->checkpoint.size; i++) {
        proof_frontier_append(&frontier, &all->hashes[i]);
    }
    struct digest root = proof_frontier_root(&frontier);
    return digest_equal(&root, &all->checkpoint.root)
               ? ST_OK
               : error_set(err, ST_UNPROVEN,
                           "bench: the tiles do not lead to the root of the checkpoint");
}

// ---- the checkpoint to begin with

struct opening {
    struct visiting *all;
    bool answered;
    enum status status; // of the checkpoint; ST_BUSY: not shown yet
    struct error *err;
};

static void take_checkpoint(void *context, const struct web_answer *answer)
{
    struct opening *opening = context;
    struct visiting *all = opening->all;
    opening->answered = true;
    opening->status = ST_BUSY;
    if (answer->status != 200) {
        return;
    }
    opening->status =
        proof_checkpoint_open(answer->body, &all->log, &all->checkpoint, opening->err);
    if (opening->status == ST_OK && all->checkpoint.size < all->options.entries) {
        opening->status = ST_BUSY;
    }
    buffer_clear(&all->note);
    buffer_bytes(&all->note, answer->body);
}

static enum status open_log(struct visiting *all, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + OPEN_MS;
    struct opening opening = { .all = all, .status = ST_BUSY, .err = err };
    enum status status = ST_OK;
    all->part = PART_CHECKPOINT;
    while (status == ST_OK && opening.status == ST_BUSY) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the portal shows no checkpoint after %d s",
                             OPEN_MS / 1000);
        }
        opening.answered = false;
        status = ask(all, &all->visits[0], err);
        while (status == ST_OK && !opening.answered) {
            web_client_step(all->client, LOOK_MS, take_checkpoint, &opening);
            status = bench_look_after(&all->portal.pid, "the portal", err);
        }
        if (status == ST_OK && opening.status == ST_BUSY) {
            web_client_step(all->client, LOOK_MS, take_checkpoint, &opening); // waits
        }
    }
    if (status == ST_OK && opening.status == ST_OK) {
        all->hashes = calloc((size_t)tiles(all) * PROOF_TILE_HASHES, sizeof(*all->hashes));
        return all->hashes == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    }
    return status == ST_OK ? opening.status : status;
}

static enum status visit_all(struct visiting *all, struct error *err)
{
    for (size_t i = 0; i < all->options.visitors; i++) {
        all->idle[all->idle_count++] = &all->visits[i];
    }
    enum status status = ST_OK;
    for (int part = PART_FIRST; status == ST_OK && part < PART_COUNT; part++) {
        status = read_part(all, (enum part)part, err);
        if (status == ST_OK && part == PART_FIRST) {
            status = check_root(all, err);
        }
    }
    return status;
}

// ---- the report

static double each(double sum, uint64_t count)
{
    return count > 0 ? sum / (double)count : 0;
}

static void report_part(struct output *out, const char *name, const char *words,
                        const struct taken *taken)
{
    const struct bench_tally *tally = &taken->tally;
    double rate = taken->seconds > 0 ? (double)tally->in_time / taken->seconds : 0;
    double p50 = (double)bench_tally_percentile_ns(tally, 0.5) / 1e3;
    double p99 = (double)bench_tally_percentile_ns(tally, 0.99) / 1e3;
    output_object(out, name);
    output_number(out, "pages", tally->in_time);
    output_number(out, "wrong", tally->wrong);
    output_number(out, "lost", tally->lost);
    output_real(out, "seconds", taken->seconds);
    output_real(out, "pages_per_s", rate);
    output_real(out, "p50_us", p50);
    output_real(out, "p99_us", p99);
    output_real(out, "portal_cpu_us", each((double)taken->portal_us, tally->in_time));
    output_real(out, "broker_cpu_us", each((double)taken->broker_us, tally->in_time));
    output_real(out, "visitor_cpu_us", each((double)taken->own_us, tally->in_time));
    output_object_end(out);
    output_line(out,
                "%-34s %8.0f/s  p50 %7.0f us  p99 %7.0f us  CPU a page: portal %.0f, broker %.0f, "
                "this program %.0f us",
                words, rate, p50, p99, each((double)taken->portal_us, tally->in_time),
                each((double)taken->broker_us, tally->in_time),
                each((double)taken->own_us, tally->in_time));
}

static void report(struct output *out, const struct visiting *all, bool *failed)
{
    static const struct {
        const char *name;
        const char *words;
    } parts[PART_COUNT] = {
        [PART_FIRST] = { "first", "tiles and bundles, the first time" },
        [PART_AGAIN] = { "again", "tiles that the portal has" },
        [PART_CHECKPOINT] = { "checkpoint", "the checkpoint" },
    };
    char model[128];
    long cores = 0;
    bench_machine(model, sizeof(model), &cores);
    output_text(out, "machine", model);
    output_number(out, "cores", (uint64_t)cores);
    output_number(out, "entries", all->checkpoint.size);
    output_number(out, "visitors", all->options.visitors);
    output_line(out, "%s, %ld cores; a log of %llu entries, %llu pages asked for at a time", model,
                cores, (unsigned long long)all->checkpoint.size,
                (unsigned long long)all->options.visitors);
    for (size_t i = 0; i < PART_COUNT; i++) {
        const struct bench_tally *tally = &all->taken[i].tally;
        report_part(out, parts[i].name, parts[i].words, &all->taken[i]);
        if (tally->wrong + tally->lost > 0) {
            output_text(out, "first_wrong", tally->first_wrong);
            output_line(out, "wrong: %llu, lost: %llu: %s", (unsigned long long)tally->wrong,
                        (unsigned long long)tally->lost, tally->first_wrong);
            *failed = true;
        }
    }
    output_line(out, "each page was checked; tiles and bundles lead to the checkpoint's root");
}

// ---- setting up

static enum status set_up(struct visiting *all, struct error *err)
{
    struct bench_home_options home = { .folder = all->options.folder,
                                       .vedomod = all->options.vedomod,
                                       .askers = 1,
                                       .holders = 1,
                                       .entries = all->options.entries,
                                       .subjects = PERSONS };
    enum status status = bench_free_port(&home.port, err);
    if (status == ST_OK) {
        status = bus_context_create(1, &all->context, err);
    }
    if (status == ST_OK) {
        status = bench_home_create(&home, all->context, &all->home, err);
    }
    if (status == ST_OK) {
        status = proof_key_parse(bytes_text(all->home->vkey), &all->log, err);
    }
    if (status == ST_OK) {
        status = web_client_create(&all->client, err);
    }
    if (status == ST_OK) {
        status = bench_portal_start(all->home, all->options.portal, &all->portal, err);
    }
    return status;
}

static void tear_down(struct visiting *all)
{
    struct error ignored;
    web_client_destroy(&all->client);
    if (bench_portal_stop(&all->portal, &ignored) != ST_OK) {
        fprintf(stderr, "%s\n", ignored.message);
    }
    bench_home_destroy(&all->home);
    bus_context_destroy(&all->context);
    buffer_fini(&all->note);
    free(all->hashes);
}

static enum status run(struct command_call *call, struct error *err)
{
    struct visiting *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    all->options = *(const struct options *)call->options;
    all->note = buffer_init(PAGE_BYTES);
    const struct bench_limit limits[] = {
        { &all->options.entries, 70000, 10000000, "entries" },
        { &all->options.visitors, 16, VISITS_MAX, "visitors" },
        { &all->options.seconds, 5, 3600, "seconds" },
    };
    enum status status = bench_limits(limits, ARRAY_COUNT(limits), err);
    all->options.folder = all->options.folder == NULL ? "/var/tmp" : all->options.folder;
    if (status == ST_OK) {
        status = set_up(all, err);
    }
    if (status == ST_OK) {
        status = open_log(all, err);
    }
    if (status == ST_OK) {
        status = visit_all(all, err);
    }
    if (status == ST_OK) {
        report(call->out, all, &call->failed);
        status = bench_portal_stop(&all->portal, err);
    }
    if (status == ST_OK) {
        status = bench_home_stop(all->home, err);
    }
    tear_down(all);
    free(all);
    return status;
}

const struct command cmd_bench_portal = {
    .words = "bench portal",
    .help = "Measure how fast a portal shows the public log",
    .detail = "Makes a federation of its own and reads its pages over HTTP: first those that the "
              "portal has to fetch and prove, then those that it has.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
