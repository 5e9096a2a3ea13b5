// vedomo bench exchange: the full path against a bare proxy that carries the same bytes, in
// alternating rounds on the same cores.
//
// A round of the full path counts the broker's CPU until the index has caught up with the log, so
// that nothing is left for later unpaid. Ratios are of neighbouring rounds; what is printed is the
// median of the rounds with the least and the greatest.
#include <stdlib.h>

#include "bench_ground.h"
#include "bench_report.h"
#include "commands.h"

enum {
    SETTLE_MS = 60 * 1000, // for answers under way, and for the index
    LOOK_MS = 20,
    WARM_UP_MS = 1500,
    SECONDS_MAX = 600,
    SAMPLE_DEFAULT = 64,
};

static const struct command_option option_table[] = {
    { COMMAND_NUMBER, offsetof(struct bench_options, askers), "askers", 0, "N",
      "Asking nodes (default: 16)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, window), "window", 0, "N",
      "Requests under way of each (default: 32)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, holders), "holders", 0, "N",
      "Holding nodes (default: 4)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, agreements), "agreements", 0, "N",
      "Agreements in force besides those that are used" },
    { COMMAND_NUMBER, offsetof(struct bench_options, subjects), "subjects", 0, "N",
      "Persons that are asked about (default: 100000)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, seconds), "seconds", 0, "N",
      "Length of a round (default: 5)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, rounds), "rounds", 0, "N",
      "Rounds of either kind (default: 5)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, rate), "rate", 0, "N",
      "Open loop: so many requests a second, whatever the answers do" },
    { COMMAND_NUMBER, offsetof(struct bench_options, sample), "sample", 0, "N",
      "One exchange of so many is sealed and checked whole (default: 64)" },
    { COMMAND_FLAG, offsetof(struct bench_options, layers), "layers", 0, NULL,
      "Measure what each layer costs, on the messages and entries of the run" },
    { COMMAND_TEXT, offsetof(struct bench_options, vedomod), "vedomod", 0, "FILE",
      "The broker's program (default: beside this one)" },
    { COMMAND_TEXT, offsetof(struct bench_options, folder), "dir", 0, "DIR",
      "Where the broker's fresh home is made (default: /var/tmp)" },
    { .kind = COMMAND_END },
};

// ---- what is measured

static void ignore(void *argument, const struct peer_message *message)
{
    (void)argument;
    (void)message;
}

static enum status look_after(struct bench_run *bench, struct error *err)
{
    enum status status = bench_look_after(&bench->home->broker_pid, "the broker", err);
    return status == ST_OK ? bench_look_after(&bench->proxy.pid, "the proxy", err) : status;
}

// Waits, keeping the operator's connection alive.
static enum status wait_until(struct bench_run *bench, int64_t deadline_ms, struct error *err)
{
    enum status status = ST_OK;
    while (status == ST_OK && clock_monotonic_ms() < deadline_ms) {
        status = peer_step(bench->operator_, deadline_ms, ignore, NULL, err);
        if (status == ST_OK) {
            status = look_after(bench, err);
        }
    }
    return status;
}

static enum status wait_quiet(struct bench_run *bench, bool full, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    enum status status = ST_OK;
    while (status == ST_OK &&
           !(full ? bench_load_quiet(bench->load) : bench_bare_quiet(bench->bare))) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: answers stay away");
        }
        status = wait_until(bench, clock_monotonic_ms() + LOOK_MS, err);
    }
    return status;
}

// Until the index is where it was before the round.
static enum status wait_index(struct bench_run *bench, struct bench_round *round, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    uint64_t before = bench_figure(&round->before, "views.tail");
    for (;;) {
        enum status status = bench_figures_read(bench->operator_, &round->after, err);
        if (status != ST_OK || bench_figure(&round->after, "views.tail") <= before) {
            return status;
        }
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the index does not catch up with the log");
        }
        status = wait_until(bench, clock_monotonic_ms() + 5 * LOOK_MS, err);
        if (status != ST_OK) {
            return status;
        }
    }
}

static enum status run_round(struct bench_run *bench, bool full, int64_t ms,
                             struct bench_round *round, struct error *err)
{
    pid_t pid = full ? bench->home->broker_pid : bench->proxy.pid;
    enum status status = bench_figures_read(bench->operator_, &round->before, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t cpu_us = bench_cpu_us(pid);
    int64_t begin_ns = clock_monotonic_ns();
    full ? bench_load_start(bench->load) : bench_bare_start(bench->bare);
    status = wait_until(bench, clock_monotonic_ms() + ms, err);
    full ? bench_load_stop(bench->load) : bench_bare_stop(bench->bare);
    int64_t end_ns = clock_monotonic_ns();
    round->seconds = (double)(end_ns - begin_ns) / 1e9;
    round->rss_kb = bench_rss_anon_kb(pid);
    if (status == ST_OK) {
        status = wait_quiet(bench, full, err);
    }
    if (status == ST_OK) {
        status = full ? wait_index(bench, round, err) : ST_OK;
    }
    round->settle_s = (double)(clock_monotonic_ns() - end_ns) / 1e9;
    round->cpu_us = bench_cpu_us(pid) - cpu_us;
    if (status == ST_OK) {
        full ? bench_load_collect(bench->load, &round->tally)
             : bench_bare_collect(bench->bare, &round->tally);
    }
    return status;
}

static enum status warm_up(struct bench_run *bench, struct error *err)
{
    struct bench_round *round = calloc(1, sizeof(*round));
    if (round == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = run_round(bench, true, WARM_UP_MS, round, err);
    if (status == ST_OK && round->tally.wrong > 0) {
        status = error_set(err, ST_UNPROVEN, "bench: %s", round->tally.first_wrong);
    }
    if (status == ST_OK) {
        status = bench_load_legs(bench->load, &bench->legs, err);
    }
    if (status == ST_OK) {
        bench_bare_set_legs(bench->bare, &bench->legs);
        status = run_round(bench, false, WARM_UP_MS, round, err);
    }
    free(round);
    return status;
}

static enum status run_rounds(struct bench_run *bench, struct error *err)
{
    int64_t ms = (int64_t)bench->options.seconds * 1000;
    bench->full = calloc(bench->options.rounds, sizeof(*bench->full));
    bench->empty = calloc(bench->options.rounds, sizeof(*bench->empty));
    if (bench->full == NULL || bench->empty == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = warm_up(bench, err);
    for (size_t i = 0; status == ST_OK && i < bench->options.rounds; i++) {
        status = run_round(bench, true, ms, &bench->full[i], err);
        if (status == ST_OK) {
            status = run_round(bench, false, ms, &bench->empty[i], err);
        }
    }
    return status;
}

// ---- setting up

static enum status read_options(const struct bench_options *given, struct bench_options *options,
                                struct error *err)
{
    *options = *given;
    const struct bench_limit limits[] = {
        { &options->askers, 16, BENCH_PEERS_MAX / 2, "askers" },
        { &options->window, 32, 1024, "window" },
        { &options->holders, 4, 64, "holders" },
        { &options->agreements, 0, 100000, "agreements" },
        { &options->subjects, 100000, 999999999, "subjects" },
        { &options->seconds, 5, SECONDS_MAX, "seconds" },
        { &options->rounds, 5, BENCH_ROUNDS_MAX, "rounds" },
        { &options->rate, 0, 10000000, "rate" },
        { &options->sample, SAMPLE_DEFAULT, 1000000, "sample" },
    };
    enum status status = bench_limits(limits, ARRAY_COUNT(limits), err);
    if (status != ST_OK) {
        return status;
    }
    // Sealing keys live 35 minutes and are announced once.
    if (options->rounds * options->seconds > 900) {
        return error_set(err, ST_USAGE, "--seconds times --rounds: at most 900");
    }
    if (options->folder == NULL) {
        options->folder = "/var/tmp";
    }
    return ST_OK;
}

static enum status open_home(struct bench_run *bench, struct error *err)
{
    const struct bench_options *options = &bench->options;
    unsigned proxy_port;
    struct bench_home_options home = { .folder = options->folder,
                                       .vedomod = options->vedomod,
                                       .askers = options->askers,
                                       .holders = options->holders,
                                       .agreements = options->agreements };
    enum status status = bench_free_port(&proxy_port, err);
    // The proxy's process begins before this one has threads.
    if (status == ST_OK) {
        status =
            bench_proxy_start(proxy_port, options->askers, options->holders, &bench->proxy, err);
    }
    if (status == ST_OK) {
        status = bench_free_port(&home.port, err);
    }
    if (status == ST_OK) {
        status = bus_context_create(1, &bench->context, err);
    }
    if (status == ST_OK) {
        status = bench_home_create(&home, bench->context, &bench->home, err);
    }
    return status == ST_OK ? bench_home_peer(bench->home, bench->context, &bench->home->operator_,
                                             &bench->operator_, err)
                           : status;
}

// All announcements are known to the broker.
static enum status wait_announced(struct bench_run *bench, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    struct bench_figures figures = { .count = 0 };
    enum status status = ST_OK;
    while (status == ST_OK && bench_figure(&figures, "announcements") <
                                  bench->options.askers + bench->options.holders) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the broker knows %llu announcements",
                             (unsigned long long)bench_figure(&figures, "announcements"));
        }
        status = bench_figures_read(bench->operator_, &figures, err);
        if (status == ST_OK) {
            status = wait_until(bench, clock_monotonic_ms() + LOOK_MS, err);
        }
    }
    return status;
}

static enum status set_up(struct bench_run *bench, struct error *err)
{
    const struct bench_options *options = &bench->options;
    const struct bench_load_options load = {
        .pace = { .window = options->window, .rate = options->rate },
        .subjects = options->subjects,
        .sample = (unsigned)options->sample,
        .record = options->layers,
    };
    enum status status = open_home(bench, err);
    if (status == ST_OK) {
        status = bench_load_create(bench->home, bench->context, &load, &bench->load, err);
    }
    if (status == ST_OK) {
        status = bench_bare_create(bench->home, &bench->proxy, bench->context, &load.pace,
                                   &bench->bare, err);
    }
    return status == ST_OK ? wait_announced(bench, err) : status;
}

static void tear_down(struct bench_run *bench)
{
    bench_load_destroy(&bench->load);
    bench_bare_destroy(&bench->bare);
    peer_destroy(&bench->operator_);
    bench_home_destroy(&bench->home);
    bench_proxy_stop(&bench->proxy);
    bus_context_destroy(&bench->context);
    free(bench->full);
    free(bench->empty);
}

static enum status run(struct command_call *call, struct error *err)
{
    struct bench_run bench = { .home = NULL };
    enum status status = read_options(call->options, &bench.options, err);
    if (status != ST_OK) {
        return status;
    }
    bench_allow_descriptors();
    status = set_up(&bench, err);
    if (status == ST_OK) {
        status = run_rounds(&bench, err);
    }
    if (status == ST_OK) {
        status = bench_home_stop(bench.home, err);
    }
    if (status == ST_OK && bench.options.layers) {
        const struct bench_layers_run layers = bench_report_layers_run(&bench);
        status = bench_layers_measure(bench.home, bench.load, &layers, &bench.layers, err);
    }
    if (status == ST_OK) {
        bench_report(call->out, &bench, &call->failed);
    }
    tear_down(&bench);
    return status;
}

const struct command cmd_bench_exchange = {
    .words = "bench exchange",
    .help = "Measure exchanges against a bare proxy of the same bytes",
    .detail = "Makes a federation of its own in a fresh folder, which is removed at the end: keys, "
              "a policy bundle, a broker, nodes that ask and hold. Rounds of the full path and of "
              "a proxy that only forwards take turns. A share of the exchanges is sealed, opened "
              "and checked to the last byte; one that does not hold fails the run.",
    .options = option_table,
    .options_bytes = sizeof(struct bench_options),
    .run = run,
};
