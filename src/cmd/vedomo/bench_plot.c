// Drawn on white, in colours that differ in brightness as well and with marks that differ in shape,
// so that it can be read in print and by whoever does not tell colours apart. Each mark carries its
// figure as a <title>, and beside it while there are few.
#include "bench_plot.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "bench_measure.h"

enum {
    WIDTH = 900,
    HEIGHT = 550,
    TOP = 90,
    PANEL_HEIGHT = 330,
    PANEL_WIDTH = 350,
    LEFT_A = 80,
    LEFT_B = 520,
    SERIES_MAX = 3,
    POINTS_MAX = BENCH_ROUNDS_MAX,
    PLOT_BYTES = 1024 * 1024,
    TEXT_BYTES = 2048,
};

struct series {
    const char *name;
    const char *colour;
    double values[POINTS_MAX];
    size_t count;
};

// One set of axes.
struct panel {
    int left;
    const char *title;
    const char *x_label;
    const char *y_label;
    bool logarithmic;         // the y axis
    const char *const *ticks; // names of the places on the x axis; NULL: numbers from 1
    struct series series[SERIES_MAX];
    size_t series_count;
    double low; // of the y axis
    double high;
};

static void add_escaped(struct buffer *svg, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            buffer_text(svg, "&amp;");
            break;
        case '<':
            buffer_text(svg, "&lt;");
            break;
        case '>':
            buffer_text(svg, "&gt;");
            break;
        case '"':
            buffer_text(svg, "&quot;");
            break;
        default:
            // What XML cannot carry at all is left out.
            if ((unsigned char)*at >= 0x20) {
                buffer_u8(svg, (uint8_t)*at);
            }
        }
    }
}

static void add_text(struct buffer *svg, double x, double y, const char *attributes,
                     const char *text)
{
    buffer_format(svg, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    add_escaped(svg, text);
    buffer_text(svg, "</text>\n");
}

static void add_line(struct buffer *svg, double x1, double y1, double x2, double y2,
                     const char *colour)
{
    buffer_format(svg, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
                  x1, y1, x2, y2, colour);
}

// A figure in as few digits as say it.
static void format_figure(double value, char text[32])
{
    if (value >= 100 || value == 0) {
        snprintf(text, 32, "%.0f", value);
    } else if (value >= 10) {
        snprintf(text, 32, "%.1f", value);
    } else {
        snprintf(text, 32, "%.2f", value);
    }
}

// ---- scales

static double x_of(const struct panel *panel, size_t place, size_t count)
{
    double step = (double)PANEL_WIDTH / (double)(count > 0 ? count : 1);
    return panel->left + step * ((double)place + 0.5);
}

static double y_of(const struct panel *panel, double value)
{
    double share;
    if (panel->logarithmic) {
        double least = value > panel->low ? value : panel->low;
        share = (log10(least) - log10(panel->low)) / (log10(panel->high) - log10(panel->low));
    } else {
        share = (value - panel->low) / (panel->high - panel->low);
    }
    return TOP + PANEL_HEIGHT * (1 - share);
}

// The next of 1, 2, 5, 10, ... from a value on.
static double round_up(double value)
{
    double unit = pow(10, floor(log10(value)));
    static const double steps[] = { 1, 2, 5, 10 };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        if (value <= steps[i] * unit * 1.0000001) {
            return steps[i] * unit;
        }
    }
    return 10 * unit;
}

static void set_scale(struct panel *panel)
{
    double least = INFINITY;
    double most = 0;
    for (size_t s = 0; s < panel->series_count; s++) {
        for (size_t i = 0; i < panel->series[s].count; i++) {
            double value = panel->series[s].values[i];
            most = value > most ? value : most;
            least = value > 0 && value < least ? value : least;
        }
    }
    most = most > 0 ? most : 1;
    least = least < most ? least : most / 10;
    panel->high = panel->logarithmic ? pow(10, ceil(log10(most * 1.05))) : round_up(most * 1.05);
    panel->low = panel->logarithmic ? pow(10, floor(log10(least * 0.95))) : 0;
}

// ---- drawing

static void draw_grid(struct buffer *svg, const struct panel *panel)
{
    char text[32];
    double step = panel->high / 5;
    double value = panel->logarithmic ? panel->low : 0;
    while (value <= panel->high * 1.0001) {
        double y = y_of(panel, value);
        format_figure(value, text);
        add_line(svg, panel->left, y, panel->left + PANEL_WIDTH, y, "#ddd");
        add_text(svg, panel->left - 8, y + 4, "text-anchor=\"end\"", text);
        value = panel->logarithmic ? value * 10 : value + step;
    }
    add_line(svg, panel->left, TOP, panel->left, TOP + PANEL_HEIGHT, "#333");
    add_line(svg, panel->left, TOP + PANEL_HEIGHT, panel->left + PANEL_WIDTH, TOP + PANEL_HEIGHT,
             "#333");
}

static void draw_labels(struct buffer *svg, const struct panel *panel)
{
    char text[32];
    char turned[96];
    size_t count = panel->series[0].count;
    size_t every = count > 20 ? count / 10 : 1;
    double middle = panel->left + PANEL_WIDTH / 2.0;
    for (size_t i = 0; i < count; i += every) {
        snprintf(text, sizeof(text), "%zu", i + 1);
        add_text(svg, x_of(panel, i, count), TOP + PANEL_HEIGHT + 18, "text-anchor=\"middle\"",
                 panel->ticks == NULL ? text : panel->ticks[i]);
    }
    add_text(svg, middle, TOP - 14, "text-anchor=\"middle\" font-weight=\"bold\"", panel->title);
    add_text(svg, middle, TOP + PANEL_HEIGHT + 40, "text-anchor=\"middle\"", panel->x_label);
    double x = panel->left - 58;
    double y = TOP + PANEL_HEIGHT / 2.0;
    snprintf(turned, sizeof(turned), "text-anchor=\"middle\" transform=\"rotate(-90 %.1f %.1f)\"",
             x, y);
    add_text(svg, x, y, turned, panel->y_label);
}

// Circle, square, triangle.
static void draw_mark(struct buffer *svg, size_t shape, double x, double y, const char *colour)
{
    if (shape == 0) {
        buffer_format(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\">", x, y, colour);
    } else if (shape == 1) {
        buffer_format(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\" fill=\"%s\">",
                      x - 4, y - 4, colour);
    } else {
        buffer_format(svg, "<path d=\"M%.1f %.1fl5 9h-10z\" fill=\"%s\">", x, y - 5, colour);
    }
}

static void end_mark(struct buffer *svg, size_t shape)
{
    static const char *const names[] = { "circle", "rect", "path" };
    buffer_format(svg, "</%s>\n", names[shape < 2 ? shape : 2]);
}

static void draw_series(struct buffer *svg, const struct panel *panel, size_t number)
{
    const struct series *series = &panel->series[number];
    char text[32];
    buffer_format(svg, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
                  series->colour);
    for (size_t i = 0; i < series->count; i++) {
        buffer_format(svg, "%s%.1f,%.1f", i == 0 ? "" : " ", x_of(panel, i, series->count),
                      y_of(panel, series->values[i]));
    }
    buffer_text(svg, "\"/>\n");
    for (size_t i = 0; i < series->count; i++) {
        double x = x_of(panel, i, series->count);
        double y = y_of(panel, series->values[i]);
        format_figure(series->values[i], text);
        draw_mark(svg, number, x, y, series->colour);
        buffer_text(svg, "<title>");
        add_escaped(svg, series->name);
        buffer_format(svg, ": %s</title>", text);
        end_mark(svg, number);
        if (series->count <= 8) {
            // The third stands close to the first: its figures go below.
            add_text(svg, x, number < 2 ? y - 9 : y + 19, "text-anchor=\"middle\" font-size=\"11\"",
                     text);
        }
    }
}

static void draw_panel(struct buffer *svg, struct panel *panel)
{
    set_scale(panel);
    draw_grid(svg, panel);
    draw_labels(svg, panel);
    for (size_t i = 0; i < panel->series_count; i++) {
        draw_series(svg, panel, i);
    }
}

// Which mark is whose, with the medians.
static void draw_legend(struct buffer *svg, const struct panel *rates)
{
    for (size_t i = 0; i < rates->series_count; i++) {
        const struct series *series = &rates->series[i];
        double y = TOP + PANEL_HEIGHT + 72 + 20.0 * (double)i;
        draw_mark(svg, i, LEFT_A, y - 4, series->colour);
        end_mark(svg, i);
        add_text(svg, LEFT_A + 14, y, "", series->name);
    }
}

// ---- the run

static void add_series(struct panel *panel, const struct bench_view *view, const char *name,
                       const char *colour, bench_measure figure)
{
    struct series *series = &panel->series[panel->series_count++];
    series->name = name;
    series->colour = colour;
    series->count = view->rounds;
    for (size_t i = 0; i < view->rounds; i++) {
        series->values[i] = figure(view, i, 0);
    }
}

static const double shares[] = { 0.5, 0.9, 0.99, 0.999 };

static void add_latencies(struct panel *panel, const struct bench_view *view, const char *name,
                          const char *colour, bench_measure figure)
{
    struct series *series = &panel->series[panel->series_count++];
    series->name = name;
    series->colour = colour;
    series->count = ARRAY_COUNT(shares);
    for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
        series->values[i] = bench_spread_of(view, figure, shares[i]).median / 1e3;
    }
}

static void add_heading(struct buffer *svg, const struct bench_run *bench,
                        const struct bench_view *view)
{
    const struct bench_options *o = &bench->options;
    char model[128];
    char text[TEXT_BYTES];
    long cores;
    bench_machine(model, sizeof(model), &cores);
    snprintf(text, sizeof(text),
             "vedomo bench exchange: %.0f exchanges a second, proxy %.0f, ratio %.2f",
             bench_spread_of(view, bench_full_rate, 0).median,
             bench_spread_of(view, bench_proxy_rate, 0).median,
             bench_spread_of(view, bench_rate_ratio, 0).median);
    add_text(svg, LEFT_A - 40, 26, "font-size=\"17\" font-weight=\"bold\"", text);
    snprintf(
        text, sizeof(text),
        "%s, %ld cores; %llu askers, window %llu, %llu holders, %llu fields of %llu bytes%s%.200s",
        model, cores, (unsigned long long)o->askers, (unsigned long long)o->window,
        (unsigned long long)o->holders, (unsigned long long)bench->arms[0].shape.fields,
        (unsigned long long)bench->arms[0].shape.value_bytes, o->label == NULL ? "" : "; ",
        o->label == NULL ? "" : o->label);
    add_text(svg, LEFT_A - 40, 48, "fill=\"#333\"", text);
}

void bench_plot(struct buffer *svg, const struct bench_run *bench)
{
    static const char *const ticks[] = { "p50", "p90", "p99", "p99.9" };
    char against[128];
    const struct bench_view view = { .full = bench->arms[0].rounds,
                                     .empty = bench->empty,
                                     .rounds = bench->options.rounds };
    const struct bench_view other = { .full = bench->arms[1].rounds,
                                      .empty = bench->empty,
                                      .rounds = bench->options.rounds };
    struct panel rates = {
        .left = LEFT_A, .title = "Throughput", .x_label = "round", .y_label = "exchanges a second"
    };
    struct panel times = { .left = LEFT_B,
                           .title = "Latency (median of the rounds)",
                           .x_label = "percentile of the exchanges",
                           .y_label = "milliseconds, logarithmic",
                           .logarithmic = true,
                           .ticks = ticks };
    add_series(&rates, &view, "full path", "#0b4f8a", bench_full_rate);
    add_series(&rates, &view, "bare proxy", "#c0661b", bench_proxy_rate);
    add_latencies(&times, &view, "full path", "#0b4f8a", bench_full_latency);
    add_latencies(&times, &view, "bare proxy", "#c0661b", bench_proxy_latency);
    if (bench->arm_count == 2) {
        snprintf(against, sizeof(against), "full path, %.100s", bench->options.against);
        add_series(&rates, &other, against, "#4a8f3c", bench_full_rate);
        add_latencies(&times, &other, against, "#4a8f3c", bench_full_latency);
    }
    buffer_format(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n"
        "<title>vedomo bench exchange</title>\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    add_heading(svg, bench, &view);
    draw_panel(svg, &rates);
    draw_panel(svg, &times);
    draw_legend(svg, &rates);
    buffer_text(svg, "</svg>\n");
}

enum status bench_plot_write(const char *path, const struct bench_run *bench, struct error *err)
{
    struct buffer svg = buffer_init(PLOT_BYTES);
    bench_plot(&svg, bench);
    enum status status = buffer_ok(&svg, "plot", err);
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&svg), 0644, err);
    }
    buffer_fini(&svg);
    return status;
}
