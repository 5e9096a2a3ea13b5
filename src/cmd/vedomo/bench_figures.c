// Figures of the broker by QUERY_STATUS, of processes from /proc.
#include "bench_figures.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 30 * 1000, LINE_BYTES = 4096, US_OF_S = 1000 * 1000 };

static void keep_rows(const struct wire_rows *rows, struct bench_figures *figures)
{
    figures->count = 0;
    for (size_t i = 0; i < rows->rows_count && figures->count < BENCH_FIGURES; i++) {
        struct bytes name = rows->rows[i].name;
        snprintf(figures->items[figures->count].name, sizeof(figures->items[0].name), "%.*s",
                 (int)name.size, (const char *)name.data);
        figures->items[figures->count++].number = rows->rows[i].number;
    }
}

enum status bench_figures_read(struct peer *operator_, struct bench_figures *figures,
                               struct error *err)
{
    struct wire_query query = { .version = 1, .kind = WIRE_QUERY_STATUS };
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    struct arena *arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    struct wire_result result;
    struct wire_rows rows;
    struct bytes body;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                       : wire_encode(WIRE_SCHEMA_QUERY, &query, &payload, err);
    if (status == ST_OK) {
        status = peer_call(operator_, WIRE_QUERY, buffer_view(&payload), (struct bytes){ 0 },
                           clock_monotonic_ms() + CALL_MS, arena, &result, &body, err);
    }
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_ROWS, body, arena, &rows, err);
    }
    if (status == ST_OK) {
        keep_rows(&rows, figures);
    } else {
        error_wrap(err, "bench: the broker's figures");
    }
    arena_destroy(&arena);
    buffer_fini(&payload);
    return status;
}

uint64_t bench_figure(const struct bench_figures *figures, const char *name)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (strcmp(figures->items[i].name, name) == 0) {
            return figures->items[i].number;
        }
    }
    return 0;
}

uint64_t bench_figure_grown(const struct bench_figures *from, const struct bench_figures *to,
                            const char *name)
{
    uint64_t before = bench_figure(from, name);
    uint64_t after = bench_figure(to, name);
    return after > before ? after - before : 0;
}

// The first line of a file in /proc that begins with `start`; empty: there is none.
static void read_line(const char *path, const char *start, char *line, size_t room)
{
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file != NULL && !found && fgets(line, (int)room, file) != NULL) {
        found = strncmp(line, start, strlen(start)) == 0;
    }
    if (!found) {
        line[0] = '\0';
    }
    if (file != NULL) {
        fclose(file);
    }
}

uint64_t bench_cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * US_OF_S + (uint64_t)used.tv_nsec / 1000;
}

uint64_t bench_rss_anon_kb(pid_t pid)
{
    char path[64];
    char line[LINE_BYTES];
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    read_line(path, "RssAnon:", line, sizeof(line));
    return line[0] == '\0' ? 0 : strtoull(line + strlen("RssAnon:"), NULL, 10);
}

void bench_machine(char *model, size_t room, long *cores)
{
    char line[LINE_BYTES];
    read_line("/proc/cpuinfo", "model name", line, sizeof(line));
    const char *at = strchr(line, ':');
    snprintf(model, room, "%s", at == NULL ? "unknown processor" : at + 2);
    model[strcspn(model, "\n")] = '\0';
    *cores = sysconf(_SC_NPROCESSORS_ONLN);
}
