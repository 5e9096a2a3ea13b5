// Jobs.
#include "broker/job.h"

#include "broker/exchange.h"
#include "broker/policy_bundle.h"
#include "seal/sign.h"

// The job lives in its own arena, which is taken over.
static struct job *job_make(enum job_kind kind, struct arena *arena)
{
    struct job *job = arena == NULL ? NULL : arena_take(arena, sizeof(*job));
    if (job == NULL) {
        arena_destroy(&arena);
        return NULL;
    }
    job->kind = kind;
    job->arena = arena;
    bus_message_init(&job->message);
    bus_frame_init(&job->reply_head);
    bus_frame_init(&job->reply_boxes);
    return job;
}

struct job *job_create(enum job_kind kind)
{
    return job_make(kind, arena_create(JOB_ARENA_BYTES));
}

struct job *job_create_in(struct arena_pool *pool, enum job_kind kind)
{
    return job_make(kind, arena_create_in(pool, JOB_ARENA_BYTES));
}

void job_destroy(struct job **job)
{
    if (*job == NULL) {
        return;
    }
    bus_message_fini(&(*job)->message);
    bus_frame_fini(&(*job)->reply_head);
    bus_frame_fini(&(*job)->reply_boxes);
    seal_signer_destroy(&(*job)->record.log_signer);
    policy_bundle_destroy(&(*job)->record.bundle);
    if ((*job)->owns_exchange) {
        exchange_destroy(&(*job)->exchange);
    }
    struct arena *arena = (*job)->arena;
    *job = NULL;
    arena_destroy(&arena);
}

size_t job_size(const struct job *job)
{
    return bus_frame_view(&job->message.head).size + bus_frame_view(&job->message.boxes).size;
}

struct bytes job_keep(struct job *job, struct bytes bytes)
{
    return arena_copy(job->arena, bytes);
}

void jobs_urgent_first(struct job **jobs, size_t count)
{
    size_t ahead = 0;
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        if (!job->urgent) {
            continue;
        }
        memmove(jobs + ahead + 1, jobs + ahead, (i - ahead) * sizeof(*jobs));
        jobs[ahead++] = job;
    }
}
