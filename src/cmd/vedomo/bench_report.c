// What a run comes to: medians of the rounds with the least and the greatest.
#include "bench_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench_measure.h"

enum { NUMBER_BYTES = 32 };

// Four digits of small numbers, all digits before the point of large ones. Returns `text`.
static const char *number_text(double number, char text[NUMBER_BYTES])
{
    snprintf(text, NUMBER_BYTES, number >= 1000 || number <= -1000 ? "%.0f" : "%.4g", number);
    return text;
}

// "NAME", "NAME_least" and "NAME_greatest"; a line for people.
static void print_spread(struct output *out, const char *name, const char *words,
                         const struct bench_spread *spread)
{
    char longer[64];
    output_real(out, name, spread->median);
    snprintf(longer, sizeof(longer), "%s_least", name);
    output_real(out, longer, spread->least);
    snprintf(longer, sizeof(longer), "%s_greatest", name);
    output_real(out, longer, spread->greatest);
    char texts[3][NUMBER_BYTES];
    output_line(out, "%-44s %12s  [%s .. %s]", words, number_text(spread->median, texts[0]),
                number_text(spread->least, texts[1]), number_text(spread->greatest, texts[2]));
}

static void print_figures(struct output *out, const struct bench_view *view)
{
    static const struct {
        const char *name;
        const char *words;
        bench_measure figure;
        double argument;
    } rows[] = {
        { "full_path_per_s", "full path, exchanges a second", bench_full_rate, 0 },
        { "proxy_per_s", "bare proxy, exchanges a second", bench_proxy_rate, 0 },
        { "ratio", "full path / proxy", bench_rate_ratio, 0 },
        { "broker_cpu_us_per_exchange", "broker's CPU an exchange, us", bench_full_cpu, 0 },
        { "proxy_cpu_us_per_exchange", "proxy's CPU an exchange, us", bench_proxy_cpu, 0 },
        { "broker_cpu_ratio", "broker's CPU / proxy's", bench_cpu_ratio, 0 },
        { "commits_per_s", "commits a second", bench_commit_rate, 0 },
        { "entries_per_commit", "entries a commit", bench_entries_of_commit, 0 },
        { "entries_per_commit_peak", "  of the fullest tenth of a second", bench_peak,
          BENCH_PEAK_BATCH },
        { "commit_us", "one commit, us", bench_commit_us, 0 },
        { "commit_us_peak", "  of the slowest tenth of a second", bench_peak,
          BENCH_PEAK_COMMIT_US },
        { "signatures_per_exchange", "signatures verified an exchange", bench_signatures, 0 },
        { "queue_workers_peak", "jobs that waited for workers, at most", bench_peak,
          BENCH_PEAK_WORKERS },
        { "queue_recorder_peak", "  for the recorder", bench_peak, BENCH_PEAK_RECORDER },
        { "queue_router_peak", "  for the router", bench_peak, BENCH_PEAK_ROUTER },
        { "tail_peak", "entries that waited for the index, at most", bench_peak, BENCH_PEAK_TAIL },
        { "tail_left", "  and after the round, beyond those before", bench_tail_left, 0 },
        { "settle_s", "until the index had caught up, s", bench_settling, 0 },
        { "broker_rss_anon_kb", "broker's anonymous memory, KB, at most", bench_peak,
          BENCH_PEAK_RSS_KB },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bench_spread spread = bench_spread_of(view, rows[i].figure, rows[i].argument);
        print_spread(out, rows[i].name, rows[i].words, &spread);
    }
}

static void print_memory(struct output *out, const struct bench_arm *arm)
{
    output_object(out, "broker_rss_anon_kb_at");
    output_number(out, "idle", arm->idle_kb);
    output_number(out, "after", arm->after_kb);
    output_object_end(out);
    output_line(out, "%-44s %12llu  idle, %llu after the last round",
                "broker's anonymous memory, KB", (unsigned long long)arm->idle_kb,
                (unsigned long long)arm->after_kb);
}

static void print_latencies(struct output *out, const struct bench_view *view)
{
    static const struct {
        double share;
        const char *name;
    } shares[] = { { 0.5, "p50" }, { 0.9, "p90" }, { 0.99, "p99" }, { 0.999, "p99_9" } };
    for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
        char name[64];
        char words[64];
        struct bench_spread full = bench_spread_of(view, bench_full_latency, shares[i].share);
        struct bench_spread bare = bench_spread_of(view, bench_proxy_latency, shares[i].share);
        snprintf(name, sizeof(name), "full_path_%s_us", shares[i].name);
        snprintf(words, sizeof(words), "full path, latency %s, us", shares[i].name);
        print_spread(out, name, words, &full);
        snprintf(name, sizeof(name), "proxy_%s_us", shares[i].name);
        snprintf(words, sizeof(words), "bare proxy, latency %s, us", shares[i].name);
        print_spread(out, name, words, &bare);
    }
    struct bench_spread added = bench_spread_of(view, bench_added_latency, 0.5);
    struct bench_spread beyond = bench_spread_of(view, bench_added_beyond_commits, 0.5);
    print_spread(out, "added_p50_us", "full path over proxy, latency p50, us", &added);
    print_spread(out, "added_beyond_commits_p50_us", "  less two commits", &beyond);
}

// Where the broker's CPU went, an exchange: by thread, and what is left is the transport's.
static void print_threads(struct output *out, const struct bench_view *view)
{
    const struct bench_figures *names = &view->full[0].after;
    uint64_t all_us = 0;
    uint64_t exchanges = 0;
    uint64_t named_us = 0;
    for (size_t i = 0; i < view->rounds; i++) {
        all_us += view->full[i].cpu_us;
        exchanges += view->full[i].tally.released;
    }
    output_object(out, "broker_cpu_us_by_thread");
    for (size_t n = 0; n < names->count; n++) {
        uint64_t us = 0;
        char name[sizeof(names->items[n].name)];
        if (strncmp(names->items[n].name, "cpu.", 4) != 0) {
            continue;
        }
        for (size_t i = 0; i < view->rounds; i++) {
            us += (uint64_t)bench_grown(view, i, names->items[n].name);
        }
        named_us += us;
        snprintf(name, sizeof(name), "%s", names->items[n].name + 4);
        name[strcspn(name, "-")] = '\0';
        output_real(out, name, bench_over((double)us, (double)exchanges));
        output_line(out, "  %-42s %12.4g", name, bench_over((double)us, (double)exchanges));
    }
    double rest = bench_over((double)all_us - (double)named_us, (double)exchanges);
    output_real(out, "transport", rest > 0 ? rest : 0);
    output_line(out, "  %-42s %12.4g", "transport", rest > 0 ? rest : 0);
    output_object_end(out);
}

static struct bench_view view_of(const struct bench_run *bench, size_t arm)
{
    return (struct bench_view){ .full = bench->arms[arm].rounds,
                                .empty = bench->empty,
                                .rounds = bench->options.rounds };
}

struct bench_layers_run bench_report_layers_run(const struct bench_run *bench)
{
    const struct bench_view first = view_of(bench, 0);
    const struct bench_view *view = &first;
    double exchanges = 0;
    double entries = 0;
    double commits = 0;
    double verified = 0;
    for (size_t i = 0; i < view->rounds; i++) {
        exchanges += (double)view->full[i].tally.released;
        entries += bench_grown(view, i, "log.entries");
        commits += bench_grown(view, i, "log.commits");
        verified += bench_grown(view, i, "signatures.verified");
    }
    return (struct bench_layers_run){ .entries_per_exchange = bench_over(entries, exchanges),
                                      .entries_per_commit = bench_over(entries, commits),
                                      .signatures_per_exchange = bench_over(verified, exchanges) };
}

// What the broker's CPU an exchange is made of: the proxy's, each layer's own functions, and what
// they do not explain.
static void print_layers(struct output *out, const struct bench_run *bench,
                         const struct bench_view *view)
{
    double proxy = bench_spread_of(view, bench_proxy_cpu, 0).median;
    double broker = bench_spread_of(view, bench_full_cpu, 0).median;
    double sum = proxy;
    output_line(out, "CPU of an exchange by layer, us:");
    output_line(out, "  %-12s %8.2f  %8.2f  the bare proxy", "transport", proxy, sum);
    output_object(out, "layers_us");
    output_real(out, "transport", proxy);
    for (size_t i = 0; i < bench->layers.count; i++) {
        const struct bench_layer *layer = &bench->layers.items[i];
        sum += layer->us;
        output_real(out, layer->name, layer->us);
        output_line(out, "  %-12s %8.2f  %8.2f  %s", layer->name, layer->us, sum, layer->words);
    }
    output_real(out, "unexplained", broker - sum);
    output_real(out, "measured", broker);
    output_object_end(out);
    output_line(out, "  %-12s %8.2f  %8.2f  threads, waiting, tables; the broker as measured",
                "unexplained", broker - sum, broker);
}

// What the broker counted itself, over all rounds.
static void print_broker(struct output *out, const struct bench_view *view)
{
    const struct bench_figures *names = &view->full[0].after;
    output_object(out, "broker_counted");
    for (size_t n = 0; n < names->count; n++) {
        const char *name = names->items[n].name;
        uint64_t sum = 0;
        for (size_t i = 0; i < view->rounds; i++) {
            sum += (uint64_t)bench_grown(view, i, name);
        }
        if (sum > 0 && strncmp(name, "cpu.", 4) != 0) {
            output_number(out, name, sum);
            output_line(out, "  broker, %-34s %12llu", name, (unsigned long long)sum);
        }
    }
    output_object_end(out);
}

static void print_counts(struct output *out, const struct bench_view *view, bool *failed)
{
    struct bench_tally *sum = calloc(1, sizeof(*sum));
    struct bench_tally *bare = calloc(1, sizeof(*bare));
    for (size_t i = 0; sum != NULL && bare != NULL && i < view->rounds; i++) {
        bench_tally_add(sum, &view->full[i].tally);
        bench_tally_add(bare, &view->empty[i].tally);
    }
    if (sum != NULL && bare != NULL) {
        output_number(out, "exchanges", sum->released);
        output_number(out, "verified", sum->verified);
        output_number(out, "wrong", sum->wrong + bare->wrong);
        output_number(out, "lost", sum->lost);
        output_number(out, "not_set_off", sum->late);
        output_number(out, "proxy_exchanges", bare->released);
        output_number(out, "refusals", bench_tally_refusals(sum));
        output_line(out,
                    "%llu exchanges, %llu of them checked whole, %llu wrong, %llu lost, "
                    "%llu not set off, %llu refused",
                    (unsigned long long)sum->released, (unsigned long long)sum->verified,
                    (unsigned long long)(sum->wrong + bare->wrong), (unsigned long long)sum->lost,
                    (unsigned long long)sum->late, (unsigned long long)bench_tally_refusals(sum));
        output_object(out, "refusals_by_reason");
        for (size_t i = 0; i < BENCH_REASONS && sum->reasons[i].count > 0; i++) {
            output_number(out, sum->reasons[i].code, sum->reasons[i].count);
            output_line(out, "  refused, %-33s %12llu", sum->reasons[i].code,
                        (unsigned long long)sum->reasons[i].count);
        }
        output_object_end(out);
        const char *why = sum->wrong > 0 ? sum->first_wrong : bare->first_wrong;
        if (sum->wrong + bare->wrong > 0) {
            output_text(out, "first_wrong", why);
            output_line(out, "wrong: %s", why);
        }
        *failed = *failed || sum->wrong + bare->wrong + sum->lost > 0 || sum->verified == 0;
    }
    free(sum);
    free(bare);
}

static void print_shape(struct output *out, const struct bench_shape *shape)
{
    output_number(out, "fields", shape->fields);
    output_number(out, "value_bytes", shape->value_bytes);
    output_number(out, "agreements", shape->agreements);
    output_number(out, "consents", shape->consents);
    output_number(out, "entries", shape->entries);
    output_number(out, "subjects", shape->subjects);
    output_text(out, "registers", shape->sqlite ? "sqlite" : "memory");
    output_line(out,
                "%llu fields of %llu bytes, %llu agreements besides, %llu consents, %llu persons, "
                "%llu entries before, registers in %s",
                (unsigned long long)shape->fields, (unsigned long long)shape->value_bytes,
                (unsigned long long)shape->agreements, (unsigned long long)shape->consents,
                (unsigned long long)shape->subjects, (unsigned long long)shape->entries,
                shape->sqlite ? "SQLite" : "memory");
}

static void print_run(struct output *out, const struct bench_run *bench)
{
    const struct bench_options *o = &bench->options;
    char model[128];
    long cores;
    bench_machine(model, sizeof(model), &cores);
    output_text(out, "machine", model);
    output_number(out, "cores", (uint64_t)cores);
    output_text(out, "cpus", o->cpus == NULL ? "all" : o->cpus);
    output_number(out, "askers", o->askers);
    output_number(out, "window", o->window);
    output_number(out, "holders", o->holders);
    output_number(out, "seconds", o->seconds);
    output_number(out, "rounds", o->rounds);
    output_number(out, "rate", o->rate);
    output_line(out,
                "%s, %ld cores (%s used); %llu askers, window %llu, %llu holders, %llu rounds of "
                "%llu s",
                model, cores, o->cpus == NULL ? "all" : o->cpus, (unsigned long long)o->askers,
                (unsigned long long)o->window, (unsigned long long)o->holders,
                (unsigned long long)o->rounds, (unsigned long long)o->seconds);
}

static void print_legs(struct output *out, const struct bench_legs *legs)
{
    output_object(out, "bytes");
    output_number(out, "request", legs->request);
    output_number(out, "ask", legs->ask);
    output_number(out, "answer", legs->answer);
    output_number(out, "release", legs->release);
    output_number(out, "boxes", legs->boxes);
    output_object_end(out);
    output_line(out, "bytes: request %zu, ask %zu, answer %zu, release %zu, boxes %zu (twice)",
                legs->request, legs->ask, legs->answer, legs->release, legs->boxes);
}

static void print_arm(struct output *out, const struct bench_run *bench, size_t number,
                      bool *failed)
{
    const struct bench_arm *arm = &bench->arms[number];
    const struct bench_view view = view_of(bench, number);
    print_shape(out, &arm->shape);
    print_legs(out, &arm->legs);
    print_figures(out, &view);
    print_memory(out, arm);
    print_threads(out, &view);
    print_latencies(out, &view);
    print_broker(out, &view);
    if (number == 0 && bench->options.layers) {
        print_layers(out, bench, &view);
    }
    print_counts(out, &view, failed);
}

// The second federation's figures over the first's, turn by turn.
static void print_compared(struct output *out, const struct bench_run *bench)
{
    const struct bench_view both = { .full = bench->arms[1].rounds,
                                     .empty = bench->arms[0].rounds,
                                     .rounds = bench->options.rounds };
    struct bench_spread rate = bench_spread_of(&both, bench_rate_ratio, 0);
    struct bench_spread cpu = bench_spread_of(&both, bench_cpu_ratio, 0);
    output_line(out, "the second federation over the first:");
    print_spread(out, "against_rate_ratio", "exchanges a second", &rate);
    print_spread(out, "against_cpu_ratio", "broker's CPU an exchange", &cpu);
}

void bench_report(struct output *out, const struct bench_run *bench, bool *failed)
{
    print_run(out, bench);
    print_arm(out, bench, 0, failed);
    if (bench->arm_count == 2) {
        output_object(out, "against");
        output_line(out, "---- against: %s", bench->options.against);
        print_arm(out, bench, 1, failed);
        output_object_end(out);
        print_compared(out, bench);
    }
}
