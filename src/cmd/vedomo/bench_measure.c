// One number of one round each. A round without exchanges gives 0.
#include "bench_measure.h"

#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench_spread bench_spread_of(const struct bench_view *view, bench_measure figure,
                                    double argument)
{
    double values[BENCH_ROUNDS_MAX];
    size_t count = view->rounds;
    for (size_t i = 0; i < count; i++) {
        values[i] = figure(view, i, argument);
    }
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return (struct bench_spread){ .median = (values[(count - 1) / 2] + values[count / 2]) / 2,
                                  .least = values[0],
                                  .greatest = values[count - 1] };
}

double bench_over(double a, double b)
{
    return b > 0 ? a / b : 0;
}

double bench_full_rate(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over((double)view->full[i].tally.in_time, view->full[i].seconds);
}

double bench_proxy_rate(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over((double)view->empty[i].tally.in_time, view->empty[i].seconds);
}

double bench_rate_ratio(const struct bench_view *view, size_t i, double argument)
{
    return bench_over(bench_full_rate(view, i, argument), bench_proxy_rate(view, i, argument));
}

double bench_full_cpu(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over((double)view->full[i].cpu_us, (double)view->full[i].tally.released);
}

double bench_proxy_cpu(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over((double)view->empty[i].cpu_us, (double)view->empty[i].tally.released);
}

double bench_cpu_ratio(const struct bench_view *view, size_t i, double argument)
{
    return bench_over(bench_full_cpu(view, i, argument), bench_proxy_cpu(view, i, argument));
}

double bench_full_latency(const struct bench_view *view, size_t i, double share)
{
    return (double)bench_tally_percentile_ns(&view->full[i].tally, share) / 1e3;
}

double bench_proxy_latency(const struct bench_view *view, size_t i, double share)
{
    return (double)bench_tally_percentile_ns(&view->empty[i].tally, share) / 1e3;
}

double bench_grown(const struct bench_view *view, size_t i, const char *name)
{
    return (double)bench_figure_grown(&view->full[i].before, &view->full[i].after, name);
}

double bench_added_latency(const struct bench_view *view, size_t i, double share)
{
    return bench_full_latency(view, i, share) - bench_proxy_latency(view, i, share);
}

double bench_added_beyond_commits(const struct bench_view *view, size_t i, double share)
{
    return bench_added_latency(view, i, share) - 2 * bench_commit_us(view, i, 0);
}

double bench_commit_rate(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over(bench_grown(view, i, "log.commits"), view->full[i].seconds);
}

double bench_entries_of_commit(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over(bench_grown(view, i, "log.entries"), bench_grown(view, i, "log.commits"));
}

double bench_commit_us(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over(bench_grown(view, i, "log.commit-ns"), bench_grown(view, i, "log.commits")) /
           1e3;
}

double bench_signatures(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return bench_over(bench_grown(view, i, "signatures.verified"),
                      (double)view->full[i].tally.released);
}

double bench_tail_left(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    double before = (double)bench_figure(&view->full[i].before, "views.tail");
    double after = (double)bench_figure(&view->full[i].after, "views.tail");
    return after > before ? after - before : 0;
}

double bench_settling(const struct bench_view *view, size_t i, double argument)
{
    (void)argument;
    return view->full[i].settle_s;
}

double bench_peak(const struct bench_view *view, size_t i, double argument)
{
    const struct bench_peaks *peaks = &view->full[i].peaks;
    switch ((enum bench_peak_of)argument) {
    case BENCH_PEAK_WORKERS:
        return (double)peaks->workers;
    case BENCH_PEAK_RECORDER:
        return (double)peaks->recorder;
    case BENCH_PEAK_ROUTER:
        return (double)peaks->router;
    case BENCH_PEAK_TAIL:
        return (double)peaks->tail;
    case BENCH_PEAK_COMMIT_US:
        return peaks->commit_us;
    case BENCH_PEAK_BATCH:
        return peaks->batch;
    case BENCH_PEAK_RSS_KB:
        return (double)peaks->rss_kb;
    }
    return 0;
}
