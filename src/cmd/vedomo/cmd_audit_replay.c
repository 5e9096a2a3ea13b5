// vedomo audit replay: every recorded decision made again from a broker's home, and compared.
#include <stdio.h>
#include <unistd.h>

#include "commands.h"

#include "audit/month.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/replay.h"

enum { SHOWN = 1000, SHOW_EVERY_MS = 500, MONTHS_SHOWN = 240 };

struct options {
    const char *home;
    uint64_t from;
    uint64_t to;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME",
      "The broker's folder; it may be running" },
    { COMMAND_NUMBER, offsetof(struct options, from), "from", 0, "INDEX",
      "The first entry that is decided again (default 0)" },
    { COMMAND_NUMBER, offsetof(struct options, to), "to", 0, "INDEX",
      "The last one (default: the end of the log)" },
    { .kind = COMMAND_END },
};

struct showing {
    struct output *out;
    uint64_t shown;
    uint64_t bundles;
    struct replay_month months[MONTHS_SHOWN]; // that are forgotten by order
    size_t month_count;
    bool person; // somebody watches
    int64_t shown_ms;
};

static void show_difference(const struct replay_difference *difference, void *context)
{
    struct showing *showing = context;
    if (showing->shown++ >= SHOWN) {
        return;
    }
    output_object(showing->out, NULL);
    output_number(showing->out, "index", difference->index);
    output_text(showing->out, "what", difference->what);
    output_text(showing->out, "recorded", difference->recorded);
    output_text(showing->out, "decided", difference->decided);
    output_object_end(showing->out);
    output_line(showing->out, "entry %llu, %s: recorded '%s', decided again '%s'",
                (unsigned long long)difference->index, difference->what, difference->recorded,
                difference->decided);
}

static void show_bundle(const struct digest *hash, const char *why, void *context)
{
    struct showing *showing = context;
    char text[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(hash), text);
    showing->bundles++;
    output_object(showing->out, NULL);
    output_text(showing->out, "bundle", text);
    output_text(showing->out, "message", why);
    output_object_end(showing->out);
    output_line(showing->out, "policy bundle %s: %s", text, why);
}

static void show_gone(struct showing *showing, const struct replay_month *month)
{
    struct output *out = showing->out;
    output_object(out, NULL);
    output_number(out, "first", month->first);
    output_number(out, "last", month->last);
    output_number(out, "entries", month->count);
    output_text(out, "message", "their contents are gone, and no entry orders it");
    output_object_end(out);
    output_line(out, "entries %llu to %llu, %llu of them: contents gone, and no entry orders it",
                (unsigned long long)month->first, (unsigned long long)month->last,
                (unsigned long long)month->count);
}

static void take_forgotten(const struct replay_month *month, void *context)
{
    struct showing *showing = context;
    if (month->ordered_by == 0) {
        show_gone(showing, month);
    } else if (showing->month_count < MONTHS_SHOWN) {
        showing->months[showing->month_count++] = *month;
    }
}

static void show_forgotten(const struct showing *showing)
{
    struct output *out = showing->out;
    output_array(out, "forgotten_months");
    for (size_t i = 0; i < showing->month_count; i++) {
        const struct replay_month *month = &showing->months[i];
        char text[AUDIT_MONTH_TEXT_BYTES];
        audit_month_format(month->month, text);
        output_object(out, NULL);
        output_text(out, "month", text);
        output_number(out, "entries", month->count);
        output_number(out, "ordered_by", month->ordered_by);
        output_object_end(out);
        output_line(
            out,
            "%s: %llu entries of exchanges, forgotten by order of entry %llu; they cannot be "
            "decided again",
            text, (unsigned long long)month->count, (unsigned long long)month->ordered_by);
    }
    output_array_end(out);
}

static void show_progress(uint64_t done, uint64_t total, void *context)
{
    struct showing *showing = context;
    int64_t now = clock_monotonic_ms();
    if (showing->person && (now - showing->shown_ms >= SHOW_EVERY_MS || done >= total)) {
        showing->shown_ms = now;
        fprintf(stderr, "\r%llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)total, done >= total ? "\n" : "");
    }
}

static void show_left_out(struct output *out, const struct replay_result *result)
{
    output_number(out, "forgotten", result->forgotten);
    output_number(out, "forgotten_decisions_released", result->orphans);
    output_number(out, "forgotten_grounds", result->groundless);
    output_number(out, "gone", result->gone);
    output_number(out, "undecided", result->undecided);
    if (result->orphans > 0) {
        output_line(out, "%llu releases of decisions that are forgotten: taken as they are",
                    (unsigned long long)result->orphans);
    }
    if (result->groundless > 0) {
        output_line(out,
                    "%llu decisions rest on consents or rules that are forgotten: they cannot be "
                    "decided again",
                    (unsigned long long)result->groundless);
    }
    if (result->undecided > 0) {
        output_line(out,
                    "%llu decisions could not be made again: their bundle is missing or altered",
                    (unsigned long long)result->undecided);
    }
}

static void show_result(struct command_call *call, const struct replay_result *result,
                        double seconds)
{
    struct output *out = call->out;
    bool same = result->differences == 0 && result->undecided == 0 && result->gone == 0;
    output_bool(out, "same", same);
    output_number(out, "decisions", result->decisions);
    output_number(out, "granted", result->granted);
    output_number(out, "releases", result->releases);
    output_line(out,
                "%llu decisions made again, %llu with something permitted; charges of %llu "
                "releases; %llu entries forgotten; %.2f s",
                (unsigned long long)result->decisions, (unsigned long long)result->granted,
                (unsigned long long)result->releases, (unsigned long long)result->forgotten,
                seconds);
    show_left_out(out, result);
    output_number(out, "difference_count", result->differences);
    output_real(out, "seconds", seconds);
    if (!same) {
        output_line(out, "NOT AS RECORDED: %llu differences, %llu entries gone without an order",
                    (unsigned long long)result->differences, (unsigned long long)result->gone);
        call->failed = true;
    } else if (result->decisions == 0) {
        output_line(out, "there was no decision to make again");
    } else if (result->forgotten + result->groundless > 0) {
        output_line(out, "every one that is not forgotten comes out as recorded");
    } else {
        output_line(out, "every one comes out as recorded");
    }
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct broker_home home;
    struct replay_result result;
    struct showing showing = { .out = call->out, .person = isatty(STDERR_FILENO) == 1 };
    if (options->home == NULL) {
        return error_set(err, ST_USAGE, "--home is missing: the broker's folder");
    }
    if (options->to != 0 && options->to < options->from) {
        return error_set(err, ST_USAGE, "--to is before --from");
    }
    enum status status = broker_home_read(options->home, &home, err);
    if (status != ST_OK) {
        return status;
    }
    const struct replay_options replay = {
        .home = &home,
        .from = options->from,
        .to = options->to == 0 ? UINT64_MAX : options->to + 1,
        .found = show_difference,
        .bundle = show_bundle,
        .forgotten = take_forgotten,
        .progress = show_progress,
        .context = &showing,
    };
    int64_t started = clock_monotonic_ms();
    output_array(call->out, "findings");
    status = broker_replay(&replay, &result, err);
    output_array_end(call->out);
    if (status == ST_OK) {
        show_forgotten(&showing);
        show_result(call, &result, (double)(clock_monotonic_ms() - started) / 1000);
    }
    broker_home_close(&home);
    return status;
}

const struct command cmd_audit_replay = {
    .words = "audit replay",
    .help = "Make every recorded decision again and compare",
    .detail = "From the bundle, consents, counters and members that each was made from, by the "
              "function that made it. Exit code 1 when anything comes out otherwise.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
