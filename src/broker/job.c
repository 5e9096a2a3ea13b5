// Jobs.
#include "broker/job.h"

#include "broker/exchange.h"

#include <stdlib.h>

struct job *job_create(enum job_kind kind)
{
    struct arena *arena = arena_create(JOB_ARENA_BYTES);
    struct job *job = calloc(1, sizeof(*job));
    if (arena == NULL || job == NULL) {
        arena_destroy(&arena);
        free(job);
        return NULL;
    }
    job->kind = kind;
    job->arena = arena;
    bus_message_init(&job->message);
    bus_frame_init(&job->reply_head);
    bus_frame_init(&job->reply_boxes);
    return job;
}

void job_destroy(struct job **job)
{
    if (*job == NULL) {
        return;
    }
    bus_message_fini(&(*job)->message);
    bus_frame_fini(&(*job)->reply_head);
    bus_frame_fini(&(*job)->reply_boxes);
    if ((*job)->owns_exchange) {
        exchange_destroy(&(*job)->exchange);
    }
    arena_destroy(&(*job)->arena);
    free(*job);
    *job = NULL;
}

size_t job_size(const struct job *job)
{
    return bus_frame_view(&job->message.head).size + bus_frame_view(&job->message.boxes).size;
}

struct bytes job_keep(struct job *job, struct bytes bytes)
{
    return arena_copy(job->arena, bytes);
}
