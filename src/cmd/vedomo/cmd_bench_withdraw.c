// vedomo bench withdraw: how long a citizen's "no" takes. While other exchanges load the broker,
// one asker asks under one consent without a pause; a desk withdraws it; what is measured is the
// time from sending the withdrawal to its acknowledgement, and to the first refusal that reaches
// the asker. Then the next consent. bench_probe.h says what makes the run fail.
#include <stdio.h>
#include <stdlib.h>

#include "bench_figures.h"
#include "bench_ground.h"
#include "bench_probe.h"
#include "commands.h"

#include "base/clock.h"
#include "base/thread.h"
#include "node/keys.h"
#include "seal/random.h"

enum {
    TAG_DESK = 0, // each peer takes two
    TAG_PROBE = 2,
    TAG_OPERATOR = 4,
    ANSWER_MS = 30 * 1000, // for one withdrawal to take effect, and for what is under way
    LOOK_MS = 20,
    PERSON_FIRST = 900000000, // persons that the load does not ask about
};

struct options {
    uint64_t withdrawals;
    uint64_t probes;
    uint64_t askers;
    uint64_t window;
    uint64_t holders;
    const char *vedomod;
    const char *folder;
};

static const struct command_option option_table[] = {
    { COMMAND_NUMBER, offsetof(struct options, withdrawals), "withdrawals", 0, "N",
      "Consents that are withdrawn, one after another (default: 200)" },
    { COMMAND_NUMBER, offsetof(struct options, probes), "probes", 0, "N",
      "Requests under way under that consent (default: 16)" },
    { COMMAND_NUMBER, offsetof(struct options, askers), "askers", 0, "N",
      "Nodes that load the broker meanwhile (default: 4)" },
    { COMMAND_NUMBER, offsetof(struct options, window), "window", 0, "N",
      "Requests under way of each (default: 8)" },
    { COMMAND_NUMBER, offsetof(struct options, holders), "holders", 0, "N",
      "Holding nodes (default: 4)" },
    { COMMAND_TEXT, offsetof(struct options, vedomod), "vedomod", 0, "FILE",
      "The broker's program (default: beside this one)" },
    { COMMAND_TEXT, offsetof(struct options, folder), "dir", 0, "DIR",
      "Where the broker's fresh home is made (default: /var/tmp)" },
    { .kind = COMMAND_END },
};

struct withdrawals {
    struct options options;
    struct bus_context *context;
    struct bus_context *own; // of desk, asker and operator
    struct bench_home *home;
    struct bench_load *load;
    struct bench_desk desk;
    struct bench_probe probe;
    struct peer *operator_;
    struct bus_poller *poller;
    struct bench_consent *consents;

    // The one under way.
    struct id ref;
    int64_t sent_ns; // 0: not yet
    int64_t acknowledged_ns;
    enum status result;
    char result_text[128];

    int64_t *acknowledged; // ns from sending, one a withdrawal
    int64_t *refused;
    int64_t *later; // the refusal, from the acknowledgement; 0: it was read first
    size_t done;
    double seconds;
    struct bench_figures before;
    struct bench_figures after;
    struct bench_tally tally; // the load's
};

// ---- what comes in

static void ignore(void *argument, const struct peer_message *message)
{
    (void)argument;
    (void)message;
}

static void take_result(void *argument, const struct peer_message *message)
{
    struct withdrawals *all = argument;
    struct wire_result result;
    struct error err = { 0 };
    if (message->type != WIRE_RESULT || !id_equal(&message->ref, &all->ref)) {
        return;
    }
    int64_t now_ns = clock_monotonic_ns();
    arena_reset(all->desk.arena);
    all->result = wire_decode(WIRE_SCHEMA_RESULT, message->payload, all->desk.arena, &result, &err);
    if (all->result == ST_OK && (result.status != ST_OK || result.receipt == NULL)) {
        all->result = result.status == ST_OK ? ST_UNPROVEN : (enum status)result.status;
        error_set(&err, all->result, "%.*s", (int)result.message.size,
                  (const char *)result.message.data);
    }
    all->acknowledged_ns = now_ns;
    if (all->result == ST_OK) {
        bench_probe_acknowledged(&all->probe, result.receipt->index);
    } else {
        snprintf(all->result_text, sizeof(all->result_text), "%.120s", err.message);
    }
}

static enum status take_turn(struct withdrawals *all, int64_t until_ms, struct error *err)
{
    uint64_t ready = 0;
    const struct {
        struct peer *peer;
        unsigned tag;
        peer_handler handler;
        void *argument;
    } peers[] = {
        // The asker's first: what has come in by then is read before the acknowledgement.
        { all->probe.peer, TAG_PROBE, bench_probe_handle, &all->probe },
        { all->desk.desk, TAG_DESK, take_result, all },
        { all->operator_, TAG_OPERATOR, ignore, NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++) {
        int64_t own_ms = peer_deadline_ms(peers[i].peer);
        until_ms = own_ms < until_ms ? own_ms : until_ms;
    }
    enum status status = bus_poller_wait(all->poller, until_ms, &ready, err);
    int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(peers); i++) {
        if ((ready >> peers[i].tag & 3) != 0 || peer_deadline_ms(peers[i].peer) <= now_ms) {
            status = peer_step(peers[i].peer, 0, peers[i].handler, peers[i].argument, err);
        }
    }
    bool timing =
        all->sent_ns != 0 && (all->acknowledged_ns == 0 || all->probe.first_refusal_ns == 0);
    if (!timing || bench_probe_is_full(&all->probe)) {
        bench_probe_judge(&all->probe);
    }
    if (status == ST_OK) {
        status = bench_probe_ask(&all->probe, err);
    }
    return status == ST_OK ? bench_look_after(&all->home->broker_pid, "the broker", err) : status;
}

// ---- one withdrawal

static enum status send_withdrawal(struct withdrawals *all, const struct bench_consent *consent,
                                   struct error *err)
{
    enum status status = bench_consent_withdraw(&all->desk, consent, err);
    all->ref = seal_random_id();
    all->acknowledged_ns = 0;
    all->sent_ns = clock_monotonic_ns();
    if (status == ST_OK) {
        status = peer_send(all->desk.desk, WIRE_CONSENT_CHANGE, &all->ref,
                           buffer_view(&all->desk.payload), (struct bytes){ 0 }, err);
    }
    return status == ST_OK ? peer_flush(all->desk.desk, err) : status;
}

static bool is_seen(const struct withdrawals *all)
{
    const struct bench_probe *probe = &all->probe;
    // One whole window of requests that nobody could have set off earlier.
    return all->acknowledged_ns != 0 && probe->first_refusal_ns != 0 &&
           probe->refused_after >= probe->window;
}

static enum status withdraw(struct withdrawals *all, const struct bench_consent *consent,
                            struct error *err)
{
    struct bench_probe *probe = &all->probe;
    int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
    bench_probe_begin(probe, consent);
    all->sent_ns = 0;
    all->result = ST_OK;
    enum status status = bench_probe_ask(probe, err);
    while (status == ST_OK && (probe->asking || probe->under_way > 0)) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: %s after %d s: %llu released, %zu under way",
                             all->sent_ns == 0              ? "the consent does not hold"
                             : all->acknowledged_ns == 0    ? "the withdrawal is not acknowledged"
                             : probe->first_refusal_ns == 0 ? "nothing is refused"
                                                            : "answers stay away",
                             ANSWER_MS / 1000, (unsigned long long)probe->released_count,
                             probe->under_way);
        }
        status = take_turn(all, deadline_ms, err);
        if (status == ST_OK && all->sent_ns == 0 && probe->released_count >= probe->window) {
            status = send_withdrawal(all, consent, err);
        }
        if (status == ST_OK && all->result != ST_OK) {
            status = error_set(err, all->result, "bench: the withdrawal: %s", all->result_text);
        }
        // A wrong one ends it as well: the refusals may never come.
        if (all->sent_ns != 0 && (is_seen(all) || probe->wrong > 0)) {
            probe->asking = false;
        }
    }
    if (status == ST_OK && all->acknowledged_ns != 0 && probe->first_refusal_ns != 0) {
        all->acknowledged[all->done] = all->acknowledged_ns - all->sent_ns;
        all->refused[all->done] = probe->first_refusal_ns - all->sent_ns;
        int64_t later_ns = probe->first_refusal_ns - all->acknowledged_ns;
        all->later[all->done] = later_ns > 0 ? later_ns : 0;
        all->done++;
    }
    return status;
}

static enum status wait_a_while(struct withdrawals *all, int64_t ms, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + ms;
    enum status status = ST_OK;
    while (status == ST_OK && clock_monotonic_ms() < deadline_ms) {
        status = take_turn(all, deadline_ms, err);
    }
    return status;
}

static enum status withdraw_all(struct withdrawals *all, struct error *err)
{
    int64_t begin_ns = clock_monotonic_ns();
    enum status status = bench_figures_read(all->operator_, &all->before, err);
    for (size_t i = 0; status == ST_OK && i < all->options.withdrawals && all->probe.wrong == 0;
         i++) {
        status = withdraw(all, &all->consents[i], err);
    }
    all->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    if (status == ST_OK) {
        status = bench_figures_read(all->operator_, &all->after, err);
    }
    return status;
}

static enum status run_load(struct withdrawals *all, struct error *err)
{
    enum { WARM_UP_MS = 1000 };
    bench_load_start(all->load);
    enum status status = wait_a_while(all, WARM_UP_MS, err);
    if (status == ST_OK) {
        bench_load_collect(all->load, &all->tally);
        all->tally = (struct bench_tally){ 0 };
        status = withdraw_all(all, err);
    }
    bench_load_stop(all->load);
    int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
    while (status == ST_OK && !bench_load_quiet(all->load)) {
        status = clock_monotonic_ms() >= deadline_ms
                     ? error_set(err, ST_TIMEOUT, "bench: answers stay away")
                     : wait_a_while(all, LOOK_MS, err);
    }
    if (status == ST_OK) {
        bench_load_collect(all->load, &all->tally);
    }
    return status;
}

// ---- setting up

static enum status attach(struct withdrawals *all, struct error *err)
{
    const struct id none = { { 0 } };
    enum status status = bus_poller_create(6, &all->poller, err);
    if (status == ST_OK) {
        status = peer_attach(all->desk.desk, all->poller, TAG_DESK, TAG_DESK + 1, err);
    }
    if (status == ST_OK) {
        status = peer_attach(all->probe.peer, all->poller, TAG_PROBE, TAG_PROBE + 1, err);
    }
    if (status == ST_OK) {
        status = peer_attach(all->operator_, all->poller, TAG_OPERATOR, TAG_OPERATOR + 1, err);
    }
    int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
    while (status == ST_OK && peer_state(all->probe.peer) != PEER_READY) {
        status =
            clock_monotonic_ms() >= deadline_ms
                ? error_set(err, ST_TIMEOUT, "bench: %s", peer_problem(all->probe.peer)->message)
                : take_turn(all, clock_monotonic_ms() + LOOK_MS, err);
    }
    struct digest hash;
    if (status == ST_OK) {
        status =
            peer_send(all->probe.peer, WIRE_ANNOUNCEMENT, &none,
                      node_keys_announcement(all->probe.keys, &hash), (struct bytes){ 0 }, err);
    }
    return status;
}

static enum status wait_announced(struct withdrawals *all, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
    uint64_t wanted = all->options.askers + 1 + all->options.holders;
    enum status status = bench_figures_read(all->operator_, &all->before, err);
    while (status == ST_OK && bench_figure(&all->before, "announcements") < wanted) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the broker does not know all announcements");
        }
        status = wait_a_while(all, LOOK_MS, err);
        if (status == ST_OK) {
            status = bench_figures_read(all->operator_, &all->before, err);
        }
    }
    return status;
}

static enum status make_consents(struct withdrawals *all, struct error *err)
{
    size_t count = (size_t)all->options.withdrawals;
    const struct bench_member *member = &all->home->askers[all->options.askers];
    enum status status = ST_OK;
    all->consents = calloc(count, sizeof(*all->consents));
    all->acknowledged = calloc(count, sizeof(*all->acknowledged));
    all->refused = calloc(count, sizeof(*all->refused));
    all->later = calloc(count, sizeof(*all->later));
    if (all->consents == NULL || all->acknowledged == NULL || all->refused == NULL ||
        all->later == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status =
            bench_consent_grant(&all->desk, member->code, PERSON_FIRST + i, &all->consents[i], err);
    }
    return status;
}

static enum status set_up(struct withdrawals *all, struct error *err)
{
    const struct options *options = &all->options;
    struct bench_home_options home = { .folder = options->folder,
                                       .vedomod = options->vedomod,
                                       .askers = options->askers + 1,
                                       .holders = options->holders };
    const struct bench_load_options load = { .pace = { .window = options->window },
                                             .askers = options->askers,
                                             .subjects = 100000,
                                             .sample = 64 };
    enum status status = bench_free_port(&home.port, err);
    if (status == ST_OK) {
        status = bus_context_create(1, &all->context, err);
    }
    if (status == ST_OK) {
        status = bench_home_create(&home, all->context, &all->home, err);
    }
    if (status == ST_OK) {
        status = bench_load_create(all->home, all->context, &load, &all->load, err);
    }
    // Desk and asker stand for machines of their own: they do not queue with the load.
    thread_wake_soon();
    if (status == ST_OK) {
        status = bus_context_create(1, &all->own, err);
    }
    if (status == ST_OK) {
        status =
            bench_home_peer(all->home, all->own, &all->home->operator_, NULL, &all->operator_, err);
    }
    if (status == ST_OK) {
        status = bench_desk_open(all->home, all->own, &all->desk, err);
    }
    if (status == ST_OK) {
        status = make_consents(all, err);
    }
    if (status == ST_OK) {
        status = bench_probe_open(&all->probe, all->home, all->load, all->own,
                                  &all->home->askers[options->askers], options->probes, err);
    }
    if (status == ST_OK) {
        status = attach(all, err);
    }
    return status == ST_OK ? wait_announced(all, err) : status;
}

static void tear_down(struct withdrawals *all)
{
    bench_load_destroy(&all->load);
    struct peer *const attached[] = { all->desk.desk, all->probe.peer, all->operator_ };
    for (size_t i = 0; all->poller != NULL && i < ARRAY_COUNT(attached); i++) {
        peer_detach(attached[i]);
    }
    bench_probe_close(&all->probe);
    bench_desk_close(&all->desk);
    peer_destroy(&all->operator_);
    bus_poller_destroy(&all->poller);
    bench_home_destroy(&all->home);
    bus_context_destroy(&all->own);
    bus_context_destroy(&all->context);
    free(all->consents);
    free(all->acknowledged);
    free(all->refused);
    free(all->later);
}

// ---- the report

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double time_us(const int64_t *sorted, size_t count, double share)
{
    size_t place = (size_t)(share * (double)count);
    return count == 0 ? 0 : (double)sorted[place < count ? place : count - 1] / 1e3;
}

static void print_times(struct output *out, const char *name, const char *words, int64_t *times,
                        size_t count, double commit_us)
{
    qsort(times, count, sizeof(times[0]), compare_times);
    double p50 = time_us(times, count, 0.5);
    double p99 = time_us(times, count, 0.99);
    double most = time_us(times, count, 1);
    double commits = commit_us > 0 ? p99 / commit_us : 0;
    output_object(out, name);
    output_real(out, "p50_us", p50);
    output_real(out, "p99_us", p99);
    output_real(out, "max_us", most);
    output_real(out, "p99_commits", commits);
    output_object_end(out);
    output_line(out, "%-36s p50 %9.0f us  p99 %9.0f us  max %9.0f us  (p99: %.1f commits)", words,
                p50, p99, most, commits);
}

static void print_counts(struct output *out, const struct withdrawals *all)
{
    const struct bench_probe *probe = &all->probe;
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        { "withdrawals", all->done },
        { "probes_released", probe->released },
        { "probes_refused", probe->refused },
        { "probes_busy", probe->busy },
        { "crossed", probe->crossed },
        { "wrong", probe->wrong + all->tally.wrong },
        { "load_exchanges", all->tally.released },
        { "load_verified", all->tally.verified },
        { "load_lost", all->tally.lost },
        { "load_refusals", bench_tally_refusals(&all->tally) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        output_number(out, counts[i].name, counts[i].count);
        output_line(out, "  %-34s %12llu", counts[i].name, (unsigned long long)counts[i].count);
    }
    if (probe->wrong + all->tally.wrong > 0) {
        const char *why = probe->wrong > 0 ? probe->first_wrong : all->tally.first_wrong;
        output_text(out, "first_wrong", why);
        output_line(out, "wrong: %s", why);
    }
}

// What the withdrawals took in the broker, from the message that came in to the result that went
// out; the rest of the time until the desk has read that is the transport on both sides and
// waiting for a processor.
static void print_shares(struct output *out, const struct withdrawals *all)
{
    uint64_t changes = bench_figure_grown(&all->before, &all->after, "consents.changed");
    uint64_t ns = bench_figure_grown(&all->before, &all->after, "consents.changed-ns");
    double broker_us = changes > 0 ? (double)ns / (double)changes / 1e3 : 0;
    double sum_us = 0;
    for (size_t i = 0; i < all->done; i++) {
        sum_us += (double)all->acknowledged[i] / 1e3;
    }
    double mean_us = all->done > 0 ? sum_us / (double)all->done : 0;
    output_real(out, "acknowledged_mean_us", mean_us);
    output_real(out, "acknowledged_broker_us", broker_us);
    output_line(out, "%-36s     %9.0f us (of %.0f us until acknowledged, means)",
                "  of it in the broker", broker_us, mean_us);
}

static void report(struct output *out, struct withdrawals *all, bool *failed)
{
    const struct options *options = &all->options;
    char model[128];
    long cores;
    uint64_t commits = bench_figure_grown(&all->before, &all->after, "log.commits");
    uint64_t ns = bench_figure_grown(&all->before, &all->after, "log.commit-ns");
    double commit_us = commits > 0 ? (double)ns / (double)commits / 1e3 : 0;
    bench_machine(model, sizeof(model), &cores);
    output_text(out, "machine", model);
    output_number(out, "cores", (uint64_t)cores);
    output_number(out, "askers", options->askers);
    output_number(out, "window", options->window);
    output_number(out, "probes", options->probes);
    output_line(out, "%s, %ld cores; load: %llu askers, window %llu; %llu probes", model, cores,
                (unsigned long long)options->askers, (unsigned long long)options->window,
                (unsigned long long)options->probes);
    output_real(out, "commit_us", commit_us);
    output_real(out, "seconds", all->seconds);
    double rate = all->seconds > 0 ? (double)all->tally.in_time / all->seconds : 0;
    output_real(out, "load_per_s", rate);
    output_line(out, "%-36s     %9.0f us (the commit alone, mean)", "one commit", commit_us);
    print_times(out, "acknowledged", "withdrawn -> acknowledged", all->acknowledged, all->done,
                commit_us);
    print_shares(out, all);
    print_times(out, "refused", "withdrawn -> first refusal read", all->refused, all->done,
                commit_us);
    print_times(out, "refused_later", "acknowledged -> first refusal read", all->later, all->done,
                commit_us);
    output_line(out, "  %-34s %12.0f", "load, exchanges a second", rate);
    print_counts(out, all);
    *failed = all->probe.wrong + all->tally.wrong + all->tally.lost > 0 ||
              all->done < options->withdrawals;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct withdrawals *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    all->options = *(const struct options *)call->options;
    struct options *options = &all->options;
    const struct bench_limit limits[] = {
        { &options->withdrawals, 200, 20000, "withdrawals" },
        { &options->probes, 16, BENCH_PROBES_MAX, "probes" },
        { &options->askers, 4, BENCH_PEERS_MAX / 2, "askers" },
        { &options->window, 8, 1024, "window" },
        { &options->holders, 4, 64, "holders" },
    };
    enum status status = bench_limits(limits, ARRAY_COUNT(limits), err);
    options->folder = options->folder == NULL ? "/var/tmp" : options->folder;
    bench_allow_descriptors();
    if (status == ST_OK) {
        status = set_up(all, err);
    }
    if (status == ST_OK) {
        status = run_load(all, err);
    }
    if (status == ST_OK) {
        report(call->out, all, &call->failed);
        status = bench_home_stop(all->home, err);
    }
    tear_down(all);
    free(all);
    return status;
}

const struct command cmd_bench_withdraw = {
    .words = "bench withdraw",
    .help = "Measure how long a withdrawal takes to be obeyed",
    .detail = "Makes a federation of its own in a fresh folder, which is removed at the end. Under "
              "the load of other exchanges, consents are withdrawn one after another while "
              "requests under them are under way. A release that was asked for or recorded after "
              "the withdrawal, or sent after a refusal, fails the run.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
