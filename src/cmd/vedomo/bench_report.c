// What a run comes to: medians of the rounds with the least and the greatest.
#include "bench_report.h"

#include <stdio.h>
#include <stdlib.h>

struct spread {
    double median;
    double least;
    double greatest;
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct spread spread_of(const struct bench_run *bench,
                               double (*figure)(const struct bench_run *bench, size_t round,
                                                double argument),
                               double argument)
{
    double values[BENCH_ROUNDS_MAX];
    size_t count = bench->options.rounds;
    for (size_t i = 0; i < count; i++) {
        values[i] = figure(bench, i, argument);
    }
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return (struct spread){ .median = (values[(count - 1) / 2] + values[count / 2]) / 2,
                            .least = values[0],
                            .greatest = values[count - 1] };
}

static double over(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static double full_rate(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over((double)bench->full[i].tally.in_time, bench->full[i].seconds);
}

static double proxy_rate(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over((double)bench->empty[i].tally.in_time, bench->empty[i].seconds);
}

static double rate_ratio(const struct bench_run *bench, size_t i, double argument)
{
    return over(full_rate(bench, i, argument), proxy_rate(bench, i, argument));
}

static double full_cpu(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over((double)bench->full[i].cpu_us, (double)bench->full[i].tally.released);
}

static double proxy_cpu(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over((double)bench->empty[i].cpu_us, (double)bench->empty[i].tally.released);
}

static double cpu_ratio(const struct bench_run *bench, size_t i, double argument)
{
    return over(full_cpu(bench, i, argument), proxy_cpu(bench, i, argument));
}

static double full_latency(const struct bench_run *bench, size_t i, double share)
{
    return (double)bench_tally_percentile_ns(&bench->full[i].tally, share) / 1e3;
}

static double proxy_latency(const struct bench_run *bench, size_t i, double share)
{
    return (double)bench_tally_percentile_ns(&bench->empty[i].tally, share) / 1e3;
}

static double grown(const struct bench_run *bench, size_t i, const char *name)
{
    return (double)bench_figure_grown(&bench->full[i].before, &bench->full[i].after, name);
}

static double commit_rate(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over(grown(bench, i, "log.commits"), bench->full[i].seconds);
}

static double entries_of_commit(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over(grown(bench, i, "log.entries"), grown(bench, i, "log.commits"));
}

static double commit_us(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over(grown(bench, i, "log.commit-ns"), grown(bench, i, "log.commits")) / 1e3;
}

static double signatures(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return over(grown(bench, i, "signatures.verified"), (double)bench->full[i].tally.released);
}

static double memory_kb(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return (double)bench->full[i].rss_kb;
}

static double settling(const struct bench_run *bench, size_t i, double argument)
{
    (void)argument;
    return bench->full[i].settle_s;
}

// "NAME", "NAME_least" and "NAME_greatest"; a line for people.
static void print_spread(struct output *out, const char *name, const char *words,
                         const struct spread *spread)
{
    char longer[64];
    output_real(out, name, spread->median);
    snprintf(longer, sizeof(longer), "%s_least", name);
    output_real(out, longer, spread->least);
    snprintf(longer, sizeof(longer), "%s_greatest", name);
    output_real(out, longer, spread->greatest);
    output_line(out, "%-44s %12.4g  [%.4g .. %.4g]", words, spread->median, spread->least,
                spread->greatest);
}

static void print_figures(struct output *out, const struct bench_run *bench)
{
    const struct {
        const char *name;
        const char *words;
        double (*figure)(const struct bench_run *, size_t, double);
    } rows[] = {
        { "full_path_per_s", "full path, exchanges a second", full_rate },
        { "proxy_per_s", "bare proxy, exchanges a second", proxy_rate },
        { "ratio", "full path / proxy", rate_ratio },
        { "broker_cpu_us_per_exchange", "broker's CPU an exchange, us", full_cpu },
        { "proxy_cpu_us_per_exchange", "proxy's CPU an exchange, us", proxy_cpu },
        { "broker_cpu_ratio", "broker's CPU / proxy's", cpu_ratio },
        { "commits_per_s", "commits a second", commit_rate },
        { "entries_per_commit", "entries a commit", entries_of_commit },
        { "commit_us", "one commit, us", commit_us },
        { "signatures_per_exchange", "signatures verified an exchange", signatures },
        { "settle_s", "until the index had caught up, s", settling },
        { "broker_rss_anon_kb", "broker's anonymous memory, KB", memory_kb },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct spread spread = spread_of(bench, rows[i].figure, 0);
        print_spread(out, rows[i].name, rows[i].words, &spread);
    }
}

static void print_latencies(struct output *out, const struct bench_run *bench)
{
    static const struct {
        double share;
        const char *name;
    } shares[] = { { 0.5, "p50" }, { 0.9, "p90" }, { 0.99, "p99" }, { 0.999, "p99_9" } };
    for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
        char name[64];
        char words[64];
        struct spread full = spread_of(bench, full_latency, shares[i].share);
        struct spread bare = spread_of(bench, proxy_latency, shares[i].share);
        snprintf(name, sizeof(name), "full_path_%s_us", shares[i].name);
        snprintf(words, sizeof(words), "full path, latency %s, us", shares[i].name);
        print_spread(out, name, words, &full);
        snprintf(name, sizeof(name), "proxy_%s_us", shares[i].name);
        snprintf(words, sizeof(words), "bare proxy, latency %s, us", shares[i].name);
        print_spread(out, name, words, &bare);
    }
}

// Where the broker's CPU went, an exchange: by thread, and what is left is the transport's.
static void print_threads(struct output *out, const struct bench_run *bench)
{
    const struct bench_figures *names = &bench->full[0].after;
    uint64_t all_us = 0;
    uint64_t exchanges = 0;
    uint64_t named_us = 0;
    for (size_t i = 0; i < bench->options.rounds; i++) {
        all_us += bench->full[i].cpu_us;
        exchanges += bench->full[i].tally.released;
    }
    output_object(out, "broker_cpu_us_by_thread");
    for (size_t n = 0; n < names->count; n++) {
        uint64_t us = 0;
        char name[sizeof(names->items[n].name)];
        if (strncmp(names->items[n].name, "cpu.", 4) != 0) {
            continue;
        }
        for (size_t i = 0; i < bench->options.rounds; i++) {
            us += (uint64_t)grown(bench, i, names->items[n].name);
        }
        named_us += us;
        snprintf(name, sizeof(name), "%s", names->items[n].name + 4);
        name[strcspn(name, "-")] = '\0';
        output_real(out, name, over((double)us, (double)exchanges));
        output_line(out, "  %-42s %12.4g", name, over((double)us, (double)exchanges));
    }
    double rest = over((double)all_us - (double)named_us, (double)exchanges);
    output_real(out, "transport", rest > 0 ? rest : 0);
    output_line(out, "  %-42s %12.4g", "transport", rest > 0 ? rest : 0);
    output_object_end(out);
}

struct bench_layers_run bench_report_layers_run(const struct bench_run *bench)
{
    double exchanges = 0;
    double entries = 0;
    double commits = 0;
    double verified = 0;
    for (size_t i = 0; i < bench->options.rounds; i++) {
        exchanges += (double)bench->full[i].tally.released;
        entries += grown(bench, i, "log.entries");
        commits += grown(bench, i, "log.commits");
        verified += grown(bench, i, "signatures.verified");
    }
    return (struct bench_layers_run){ .entries_per_exchange = over(entries, exchanges),
                                      .entries_per_commit = over(entries, commits),
                                      .signatures_per_exchange = over(verified, exchanges) };
}

// What the broker's CPU an exchange is made of: the proxy's, each layer's own functions, and what
// they do not explain.
static void print_layers(struct output *out, const struct bench_run *bench)
{
    double proxy = spread_of(bench, proxy_cpu, 0).median;
    double broker = spread_of(bench, full_cpu, 0).median;
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
static void print_broker(struct output *out, const struct bench_run *bench)
{
    const struct bench_figures *names = &bench->full[0].after;
    output_object(out, "broker_counted");
    for (size_t n = 0; n < names->count; n++) {
        const char *name = names->items[n].name;
        uint64_t sum = 0;
        for (size_t i = 0; i < bench->options.rounds; i++) {
            sum += (uint64_t)grown(bench, i, name);
        }
        if (sum > 0 && strncmp(name, "cpu.", 4) != 0) {
            output_number(out, name, sum);
            output_line(out, "  broker, %-34s %12llu", name, (unsigned long long)sum);
        }
    }
    output_object_end(out);
}

static void print_counts(struct output *out, const struct bench_run *bench, bool *failed)
{
    struct bench_tally *sum = calloc(1, sizeof(*sum));
    struct bench_tally *bare = calloc(1, sizeof(*bare));
    for (size_t i = 0; sum != NULL && bare != NULL && i < bench->options.rounds; i++) {
        bench_tally_add(sum, &bench->full[i].tally);
        bench_tally_add(bare, &bench->empty[i].tally);
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
        *failed = sum->wrong + bare->wrong + sum->lost > 0 || sum->verified == 0;
    }
    free(sum);
    free(bare);
}

void bench_report(struct output *out, const struct bench_run *bench, bool *failed)
{
    const struct bench_options *o = &bench->options;
    const struct bench_legs *legs = &bench->legs;
    char model[128];
    long cores;
    bench_machine(model, sizeof(model), &cores);
    output_text(out, "machine", model);
    output_number(out, "cores", (uint64_t)cores);
    output_number(out, "askers", o->askers);
    output_number(out, "window", o->window);
    output_number(out, "holders", o->holders);
    output_number(out, "fields", BENCH_FIELDS);
    output_number(out, "agreements", o->agreements);
    output_number(out, "subjects", o->subjects);
    output_number(out, "seconds", o->seconds);
    output_number(out, "rounds", o->rounds);
    output_number(out, "rate", o->rate);
    output_line(out,
                "%s, %ld cores; %llu askers, window %llu, %llu holders, %d fields, %llu "
                "rounds of %llu s",
                model, cores, (unsigned long long)o->askers, (unsigned long long)o->window,
                (unsigned long long)o->holders, BENCH_FIELDS, (unsigned long long)o->rounds,
                (unsigned long long)o->seconds);
    output_object(out, "bytes");
    output_number(out, "request", legs->request);
    output_number(out, "ask", legs->ask);
    output_number(out, "answer", legs->answer);
    output_number(out, "release", legs->release);
    output_number(out, "boxes", legs->boxes);
    output_object_end(out);
    output_line(out, "bytes: request %zu, ask %zu, answer %zu, release %zu, boxes %zu (twice)",
                legs->request, legs->ask, legs->answer, legs->release, legs->boxes);
    print_figures(out, bench);
    print_threads(out, bench);
    print_latencies(out, bench);
    print_broker(out, bench);
    if (bench->options.layers) {
        print_layers(out, bench);
    }
    print_counts(out, bench, failed);
}
