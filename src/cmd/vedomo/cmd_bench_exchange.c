// vedomo bench exchange: the full path against a bare proxy that carries the same bytes, in
// alternating rounds on the same cores.
//
// Ratios are of neighbouring rounds; what is printed is the median of the rounds with the least and
// the greatest. With --against there are two federations: their rounds and the proxy's take turns,
// so that all three meet the same machine.
#include <stdio.h>
#include <stdlib.h>

#include "bench_ground.h"
#include "bench_plot.h"
#include "bench_report.h"
#include "commands.h"

#include "base/text.h"

enum {
    SETTLE_MS = 60 * 1000,
    LOOK_MS = 20,
    WARM_UP_MS = 1500,
    SECONDS_MAX = 600,
    SAMPLE_DEFAULT = 64,
    PERSONS_MAX = 1000000, // in a register that is a file
};

static const struct command_option option_table[] = {
    { COMMAND_NUMBER, offsetof(struct bench_options, askers), "askers", 0, "N",
      "Asking nodes (default: 16)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, window), "window", 0, "N",
      "Requests under way of each (default: 32)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, holders), "holders", 0, "N",
      "Holding nodes (default: 4)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.fields), "fields", 0, "N",
      "Fields of a request (default: 8)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.value_bytes), "value-bytes", 0, "N",
      "Bytes of a field's value (default: 64)" },
    { COMMAND_TEXT, offsetof(struct bench_options, registers), "registers", 0, "KIND",
      "Where holders look: memory (default), sqlite" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.subjects), "subjects", 0, "N",
      "Persons that are asked about (default: 100000)" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.agreements), "agreements", 0, "N",
      "Agreements in force besides those that are used" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.consents), "consents", 0, "N",
      "Ask with consents, of which there are so many, instead of under the law" },
    { COMMAND_NUMBER, offsetof(struct bench_options, shape.entries), "entries", 0, "N",
      "Entries about other persons in the log before the first round" },
    { COMMAND_TEXT, offsetof(struct bench_options, against), "against", 0, "NAME=N,...",
      "A second federation that differs in this, in turns with the first" },
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
    { COMMAND_TEXT, offsetof(struct bench_options, cpus), "cpus", 0, "LIST",
      "Run everything on these processors: 0,1 or 0-3" },
    { COMMAND_TEXT, offsetof(struct bench_options, receipts), "receipts", 0, "FILE",
      "Keep the receipts of the exchanges that are checked whole: a new file of the log's key and "
      "of texts, each behind a line with its size" },
    { COMMAND_TEXT, offsetof(struct bench_options, plot), "plot", 0, "FILE",
      "Draw the run as SVG" },
    { COMMAND_TEXT, offsetof(struct bench_options, label), "label", 0, "TEXT",
      "A line of your own in the drawing" },
    { COMMAND_TEXT, offsetof(struct bench_options, shape.vedomod), "vedomod", 0, "FILE",
      "The broker's program (default: beside this one)" },
    { COMMAND_TEXT, offsetof(struct bench_options, folder), "dir", 0, "DIR",
      "Where the brokers' fresh homes are made (default: /var/tmp)" },
    { .kind = COMMAND_END },
};

// ---- rounds

static enum status bare_quiet(struct bench_run *bench, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    enum status status = ST_OK;
    while (status == ST_OK && !bench_bare_quiet(bench->bare)) {
        status = clock_monotonic_ms() >= deadline_ms
                     ? error_set(err, ST_TIMEOUT, "bench: the proxy's answers stay away")
                     : bench_arm_wait(&bench->arms[0], clock_monotonic_ms() + LOOK_MS, err);
    }
    return status;
}

static enum status bare_round(struct bench_run *bench, int64_t ms, struct bench_round *round,
                              struct error *err)
{
    uint64_t cpu_us = bench_cpu_us(bench->proxy.pid);
    int64_t begin_ns = clock_monotonic_ns();
    bench_bare_start(bench->bare);
    enum status status = bench_arm_wait(&bench->arms[0], clock_monotonic_ms() + ms, err);
    bench_bare_stop(bench->bare);
    round->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    if (status == ST_OK) {
        status = bare_quiet(bench, err);
    }
    round->cpu_us = bench_cpu_us(bench->proxy.pid) - cpu_us;
    if (status == ST_OK) {
        bench_bare_collect(bench->bare, &round->tally);
        status = bench_look_after(&bench->proxy.pid, "the proxy", err);
    }
    return status;
}

static enum status warm_up_arm(struct bench_arm *arm, struct bench_round *round, struct error *err)
{
    enum status status = bench_arm_round(arm, WARM_UP_MS, round, err);
    if (status == ST_OK && round->tally.wrong > 0) {
        status = error_set(err, ST_UNPROVEN, "bench: %s", round->tally.first_wrong);
    }
    return status == ST_OK ? bench_load_legs(arm->load, &arm->legs, err) : status;
}

static enum status warm_up(struct bench_run *bench, struct error *err)
{
    struct bench_round *round = calloc(1, sizeof(*round));
    enum status status = round == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    for (size_t i = 0; status == ST_OK && i < bench->arm_count; i++) {
        *round = (struct bench_round){ .seconds = 0 };
        status = warm_up_arm(&bench->arms[i], round, err);
    }
    if (status == ST_OK) {
        bench_bare_set_legs(bench->bare, &bench->arms[0].legs);
        status = bare_round(bench, WARM_UP_MS, round, err);
    }
    free(round);
    return status;
}

static enum status run_rounds(struct bench_run *bench, struct error *err)
{
    int64_t ms = (int64_t)bench->options.seconds * 1000;
    bench->empty = calloc(bench->options.rounds, sizeof(*bench->empty));
    enum status status =
        bench->empty == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : warm_up(bench, err);
    for (size_t i = 0; status == ST_OK && i < bench->options.rounds; i++) {
        for (size_t k = 0; status == ST_OK && k < bench->arm_count; k++) {
            // Whoever was first is last in the next round.
            size_t turn = i % 2 == 0 ? k : bench->arm_count - 1 - k;
            status = bench_arm_round(&bench->arms[turn], ms, &bench->arms[turn].rounds[i], err);
        }
        if (status == ST_OK) {
            status = bare_round(bench, ms, &bench->empty[i], err);
        }
    }
    return status;
}

// ---- options

static enum status check_registers(const char *word, bool *sqlite, struct error *err)
{
    *sqlite = word != NULL && strcmp(word, "sqlite") == 0;
    if (word != NULL && !*sqlite && strcmp(word, "memory") != 0) {
        return error_set(err, ST_USAGE, "--registers: memory or sqlite");
    }
    return ST_OK;
}

static enum status check_shape(const struct bench_options *options, struct bench_shape *shape,
                               struct error *err)
{
    const struct bench_limit limits[] = {
        { &shape->agreements, 0, 100000, "agreements" },
        { &shape->consents, 0, 10000000, "consents" },
        { &shape->entries, 0, 100000000, "entries" },
        { &shape->subjects, 100000, 999999999, "subjects" },
        { &shape->fields, 8, BENCH_FIELDS_MAX, "fields" },
        { &shape->value_bytes, 64, BENCH_VALUE_MAX, "value-bytes" },
    };
    enum status status = bench_limits(limits, ARRAY_COUNT(limits), err);
    if (status != ST_OK) {
        return status;
    }
    if (shape->value_bytes < BENCH_VALUE_MIN) {
        return error_set(err, ST_USAGE, "--value-bytes: at least %d", BENCH_VALUE_MIN);
    }
    if (shape->consents > 0 &&
        (shape->consents < options->askers || shape->subjects < options->askers)) {
        return error_set(err, ST_USAGE, "--consents, --subjects: at least one for each asker");
    }
    uint64_t persons = shape->consents > 0 ? shape->consents : shape->subjects;
    if (shape->sqlite && persons > PERSONS_MAX) {
        return error_set(err, ST_USAGE, "--registers sqlite: at most %d persons", PERSONS_MAX);
    }
    return ST_OK;
}

// One "NAME=N" of --against; the shape borrows it.
static enum status read_difference(const char *word, struct bench_shape *shape, struct error *err)
{
    const struct {
        const char *name;
        uint64_t *value;
    } names[] = {
        { "agreements", &shape->agreements }, { "consents", &shape->consents },
        { "entries", &shape->entries },       { "subjects", &shape->subjects },
        { "fields", &shape->fields },         { "value-bytes", &shape->value_bytes },
    };
    const char *equals = strchr(word, '=');
    char *end = NULL;
    size_t length = equals == NULL ? 0 : (size_t)(equals - word);
    if (strncmp(word, "registers=", 10) == 0) {
        return check_registers(word + 10, &shape->sqlite, err);
    }
    if (strncmp(word, "vedomod=", 8) == 0) {
        shape->vedomod = word + 8;
        return ST_OK;
    }
    for (size_t i = 0; equals != NULL && i < ARRAY_COUNT(names); i++) {
        if (strlen(names[i].name) == length && strncmp(word, names[i].name, length) == 0) {
            *names[i].value = strtoull(equals + 1, &end, 10);
            return *end == '\0' && end != equals + 1
                       ? ST_OK
                       : error_set(err, ST_USAGE, "--against: '%s': a number", word);
        }
    }
    return error_set(
        err, ST_USAGE,
        "--against: '%s': NAME=N with one of agreements, consents, entries, subjects, fields, "
        "value-bytes, registers, vedomod",
        word);
}

static enum status read_against(struct bench_run *bench, struct bench_shape *shape,
                                struct error *err)
{
    bench->differences = strdup(bench->options.against);
    char *rest = bench->differences;
    enum status status = rest == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    for (char *word = NULL; status == ST_OK && (word = strsep(&rest, ",")) != NULL;) {
        status = read_difference(word, shape, err);
    }
    return status;
}

static enum status read_options(struct bench_run *bench, struct error *err)
{
    struct bench_options *options = &bench->options;
    const struct bench_limit limits[] = {
        { &options->askers, 16, BENCH_PEERS_MAX / 2, "askers" },
        { &options->window, 32, 1024, "window" },
        { &options->holders, 4, 64, "holders" },
        { &options->seconds, 5, SECONDS_MAX, "seconds" },
        { &options->rounds, 5, BENCH_ROUNDS_MAX, "rounds" },
        { &options->rate, 0, 10000000, "rate" },
        { &options->sample, SAMPLE_DEFAULT, 1000000, "sample" },
    };
    options->folder = options->folder == NULL ? "/var/tmp" : options->folder;
    bench->arm_count = options->against == NULL ? 1 : 2;
    enum status status = bench_limits(limits, ARRAY_COUNT(limits), err);
    // Sealing keys live 35 minutes and are announced once.
    if (status == ST_OK && options->rounds * options->seconds * bench->arm_count > 900) {
        status = error_set(err, ST_USAGE, "--seconds times --rounds: at most 900 for each kind");
    }
    if (status == ST_OK) {
        status = check_registers(options->registers, &options->shape.sqlite, err);
    }
    if (status == ST_OK && options->label != NULL && !text_utf8_valid(bytes_text(options->label))) {
        status = error_set(err, ST_USAGE, "--label: not UTF-8");
    }
    for (size_t i = 0; status == ST_OK && i < bench->arm_count; i++) {
        bench->arms[i].shape = options->shape;
        if (i > 0) {
            status = read_against(bench, &bench->arms[i].shape, err);
        }
        if (status == ST_OK) {
            status = check_shape(options, &bench->arms[i].shape, err);
        }
    }
    return status;
}

// ---- setting up

static enum status open_receipts(struct bench_run *bench, struct error *err)
{
    const char *path = bench->options.receipts;
    if (path != NULL && bench->options.against != NULL) {
        return error_set(err, ST_USAGE, "--receipts are of one federation: not with --against");
    }
    bench->receipts = path == NULL ? NULL : fopen(path, "wxe");
    return path != NULL && bench->receipts == NULL ? error_errno(err, ST_IO, "%s", path) : ST_OK;
}

// The log's key behind the receipts, and everything on the disk.
static enum status close_receipts(struct bench_run *bench, struct error *err)
{
    FILE *file = bench->receipts;
    bench->receipts = NULL;
    bool good = file == NULL || fprintf(file, "%s\n", bench->arms[0].home->vkey) > 0;
    good = (file == NULL || fclose(file) == 0) && good;
    return good ? ST_OK : error_errno(err, ST_IO, "%s", bench->options.receipts);
}

static enum status set_up(struct bench_run *bench, struct error *err)
{
    const struct bench_options *options = &bench->options;
    const struct bench_arm_options arm = {
        .home = { .folder = options->folder,
                  .askers = options->askers,
                  .holders = options->holders },
        .load = { .pace = { .window = options->window, .rate = options->rate },
                  .sample = (unsigned)options->sample,
                  .record = options->layers,
                  .receipts = bench->receipts },
        .rounds = options->rounds,
    };
    unsigned port;
    enum status status = bench_free_port(&port, err);
    // The proxy's process begins before this one has threads.
    if (status == ST_OK) {
        status = bench_proxy_start(port, options->askers, options->holders, &bench->proxy, err);
    }
    if (status == ST_OK) {
        status = bus_context_create(1, &bench->context, err);
    }
    for (size_t i = 0; status == ST_OK && i < bench->arm_count; i++) {
        status = bench_arm_open(&bench->arms[i], &arm, bench->context, err);
    }
    return status == ST_OK ? bench_bare_create(bench->arms[0].home, &bench->proxy, bench->context,
                                               &arm.load.pace, &bench->bare, err)
                           : status;
}

static void tear_down(struct bench_run *bench)
{
    bench_bare_destroy(&bench->bare);
    for (size_t i = 0; i < bench->arm_count; i++) {
        bench_arm_close(&bench->arms[i]);
    }
    bench_proxy_stop(&bench->proxy);
    bus_context_destroy(&bench->context);
    free(bench->empty);
}

static enum status measure_layers(struct bench_run *bench, struct error *err)
{
    const struct bench_layers_run run = bench_report_layers_run(bench);
    const struct bench_arm *arm = &bench->arms[0];
    return bench_layers_measure(arm->home, arm->load, &run, &bench->layers, err);
}

static enum status run(struct command_call *call, struct error *err)
{
    struct bench_run bench = { .options = *(const struct bench_options *)call->options };
    enum status status = read_options(&bench, err);
    if (status == ST_OK && bench.options.cpus != NULL) {
        status = bench_pin(bench.options.cpus, err);
    }
    if (status != ST_OK) {
        free(bench.differences);
        return status;
    }
    bench_allow_descriptors();
    status = open_receipts(&bench, err);
    if (status == ST_OK) {
        status = set_up(&bench, err);
    }
    if (status == ST_OK) {
        status = run_rounds(&bench, err);
    }
    for (size_t i = 0; status == ST_OK && i < bench.arm_count; i++) {
        status = bench_home_stop(bench.arms[i].home, err);
    }
    if (status == ST_OK) {
        status = close_receipts(&bench, err);
    }
    if (status == ST_OK && bench.options.layers) {
        status = measure_layers(&bench, err);
    }
    if (status == ST_OK) {
        bench_report(call->out, &bench, &call->failed);
        status =
            bench.options.plot == NULL ? ST_OK : bench_plot_write(bench.options.plot, &bench, err);
    }
    tear_down(&bench);
    free(bench.differences);
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
