// Deficit round robin over the members' lines. A line lives as long as it has jobs; an idle member
// costs nothing. A line that comes to its turn may send QUANTUM bytes more than it has saved.
#include "broker/fair.h"

#include "base/map.h"

#include <stdlib.h>

enum { QUANTUM_BYTES = 4096 };

struct line {
    struct job *first;
    struct job *last;
    struct line *next; // in the ring of lines with jobs
    size_t count;
    size_t bytes;
    size_t deficit; // bytes it may send before the turn passes on
    size_t member_size;
    uint8_t member[];
};

struct fair {
    struct map *lines;
    struct line *turn; // whose turn it is; the ring is circular
    struct line *last; // the one before `turn`
    size_t count;
    size_t bytes;
    size_t limit_count;
    size_t limit_bytes;
};

enum status fair_create(size_t limit_count, size_t limit_bytes, struct fair **fair,
                        struct error *err)
{
    struct fair *f = calloc(1, sizeof(*f));
    struct map *lines = map_create();
    if (f == NULL || lines == NULL) {
        map_destroy(&lines);
        free(f);
        return error_set(err, ST_NOMEM, "waiting line: no memory");
    }
    f->lines = lines;
    f->limit_count = limit_count;
    f->limit_bytes = limit_bytes;
    *fair = f;
    return ST_OK;
}

void fair_destroy(struct fair **fair)
{
    if (*fair == NULL) {
        return;
    }
    struct job *job;
    while ((job = fair_pop(*fair)) != NULL) {
        job_destroy(&job);
    }
    map_destroy(&(*fair)->lines);
    free(*fair);
    *fair = NULL;
}

static struct line *find_line(struct fair *fair, struct bytes member)
{
    struct line *line = map_get(fair->lines, member);
    if (line != NULL) {
        return line;
    }
    line = calloc(1, sizeof(*line) + member.size);
    if (line == NULL) {
        return NULL;
    }
    line->member_size = member.size;
    memcpy(line->member, member.data, member.size);
    if (!map_put(fair->lines, bytes_of(line->member, line->member_size), line)) {
        free(line);
        return NULL;
    }
    if (fair->turn == NULL) {
        fair->turn = line;
        line->next = line;
    } else {
        line->next = fair->turn;
        fair->last->next = line;
    }
    fair->last = line;
    return line;
}

static void drop_line(struct fair *fair, struct line *line)
{
    // Only the line whose turn it is runs empty.
    if (line->next == line) {
        fair->turn = NULL;
        fair->last = NULL;
    } else {
        fair->turn = line->next;
        fair->last->next = line->next;
    }
    map_remove(fair->lines, bytes_of(line->member, line->member_size));
    free(line);
}

enum status fair_push(struct fair *fair, struct job **job, struct error *err)
{
    size_t size = job_size(*job);
    if (fair->count >= fair->limit_count || size > fair->limit_bytes - fair->bytes) {
        return error_set(err, ST_BUSY, "the broker's waiting line is full");
    }
    struct line *line = map_get(fair->lines, (*job)->from.member);
    if (line != NULL && (line->count >= (fair->limit_count + 3) / 4 ||
                         line->bytes + size > fair->limit_bytes / 4)) {
        return error_set(err, ST_BUSY, "the member's waiting line is full");
    }
    line = find_line(fair, (*job)->from.member);
    if (line == NULL) {
        return error_set(err, ST_BUSY, "no memory for the member's waiting line");
    }
    (*job)->next = NULL;
    if (line->last == NULL) {
        line->first = *job;
    } else {
        line->last->next = *job;
    }
    line->last = *job;
    line->count++;
    line->bytes += size;
    fair->count++;
    fair->bytes += size;
    *job = NULL;
    return ST_OK;
}

struct job *fair_pop(struct fair *fair)
{
    while (fair->turn != NULL) {
        struct line *line = fair->turn;
        struct job *job = line->first;
        size_t size = job_size(job);
        if (line->deficit < size) {
            line->deficit += QUANTUM_BYTES;
            if (line->deficit < size || line->next != line) {
                fair->last = line;
                fair->turn = line->next;
                continue;
            }
        }
        line->deficit -= size;
        line->first = job->next;
        line->last = line->first == NULL ? NULL : line->last;
        line->count--;
        line->bytes -= size;
        fair->count--;
        fair->bytes -= size;
        job->next = NULL;
        if (line->first == NULL) {
            drop_line(fair, line);
        }
        return job;
    }
    return NULL;
}

size_t fair_count(const struct fair *fair)
{
    return fair->count;
}
