/* Jobs, and pools of them; see job.h. */
#include "server/batch/job.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/bug.h"

#define CONTAINER(pointer, type, member)                                                           \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct batch_job *batch_job_of(struct letter *letter)
{
    return CONTAINER(letter, struct batch_job, letter);
}

struct batch_job *batch_job_of_work(struct work *work)
{
    return CONTAINER(work, struct batch_job, work);
}

void batch_job_prepare(struct batch_job *job, struct cost *cost,
                       const struct batch_options *options, int64_t now_us)
{
    struct input_shape shape = input_shape(&job->input);
    int parts = 1;

    job->work.arrival_us = now_us;
    job->work.deadline_us = job->deadline_us;
    job->work.cost = cost;
    job->part_tokens = cost_batch_tokens(cost, options->max_tokens);
    if (shape.tokens > job->part_tokens) {
        parts = input_parts(&job->input, job->part_tokens, &shape);
        parts = parts < 2 ? 2 : parts; /* never run whole: it is larger than a batch */
    }
    work_prepare(&job->work, &shape, parts, options);
}

void batch_job_cancel(struct batch_job *job)
{
    atomic_store_explicit(&job->work.cancelled, true, memory_order_relaxed);
}

int batch_jobs_init(struct batch_jobs *jobs, int n, struct budget *budget, struct err *err)
{
    *jobs = (struct batch_jobs){.n = n, .budget = budget, .keep_bytes = INT64_MAX};
    jobs->items = calloc((size_t)n, sizeof(*jobs->items));
    if (!jobs->items)
        return err_set(err, ERR_NOMEM, "%d jobs: out of memory", n);
    for (int i = n - 1; i >= 0; i--)
        batch_jobs_put(jobs, &jobs->items[i]);
    return 0;
}

void batch_jobs_release(struct batch_jobs *jobs)
{
    BUG_ON(jobs->n_free != jobs->n);
    batch_jobs_reclaim(jobs);
    free(jobs->items);
    *jobs = (struct batch_jobs){0};
}

struct batch_job *batch_jobs_take(struct batch_jobs *jobs)
{
    struct batch_job **list = jobs->free ? &jobs->free : &jobs->cold;
    struct batch_job *job = *list;

    if (!job)
        return NULL;
    *list = job->next_free;
    jobs->n_free--;
    jobs->kept_bytes -= job->buffer_bytes;
    struct input input = job->input;
    input.n_tokens = input.n_segments = input.n_read = 0;
    *job = (struct batch_job){.input = input,
                              .out = job->out,
                              .max_out = job->max_out,
                              .buffer_bytes = job->buffer_bytes};
    return job;
}

static void free_buffers(struct batch_jobs *jobs, struct batch_job *job)
{
    input_release(&job->input);
    free(job->out);
    job->out = NULL;
    job->max_out = 0;
    if (jobs->budget && job->buffer_bytes)
        budget_return(jobs->budget, BUDGET_ARENA, job->buffer_bytes);
    job->buffer_bytes = 0;
}

void batch_jobs_put(struct batch_jobs *jobs, struct batch_job *job)
{
    struct batch_job **list = &jobs->free;

    if (!job->buffer_bytes || jobs->kept_bytes + job->buffer_bytes > jobs->keep_bytes ||
        (jobs->budget && budget_is_short(jobs->budget))) {
        free_buffers(jobs, job);
        list = &jobs->cold;
    }
    jobs->kept_bytes += job->buffer_bytes;
    job->next_free = *list;
    *list = job;
    jobs->n_free++;
}

void batch_jobs_reclaim(struct batch_jobs *jobs)
{
    while (jobs->free) {
        struct batch_job *job = batch_jobs_take(jobs);

        free_buffers(jobs, job);
        batch_jobs_put(jobs, job);
    }
}

static int64_t bytes_of(const struct batch_job *job)
{
    return (int64_t)job->input.max_tokens * 2 * (int64_t)sizeof(*job->input.ids) +
           (int64_t)job->input.max_segments * (int64_t)sizeof(*job->input.segments) +
           (int64_t)job->max_out * (int64_t)sizeof(*job->out);
}

/* Buffers only grow while the job is out. */
static int charge(struct batch_jobs *jobs, struct batch_job *job, struct err *err)
{
    int64_t bytes = bytes_of(job);

    if (bytes == job->buffer_bytes)
        return 0;
    if (jobs->budget &&
        !budget_charge(jobs->budget, BUDGET_ARENA, bytes - job->buffer_bytes, bytes)) {
        free_buffers(jobs, job);
        return err_set(err, ERR_NOMEM, "a job of %lld bytes: over the budget", (long long)bytes);
    }
    job->buffer_bytes = bytes;
    return 0;
}

int batch_jobs_reserve(struct batch_jobs *jobs, struct batch_job *job, int width, struct err *err)
{
    int n = job->input.n_read * width;

    job->n_out = n;
    if (n > job->max_out) {
        float *out = realloc(job->out, (size_t)n * sizeof(*out));

        if (!out)
            return err_set(err, ERR_NOMEM, "%d logits: out of memory", n);
        job->out = out;
        job->max_out = n;
    }
    return charge(jobs, job, err);
}
