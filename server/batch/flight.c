#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/batch/executor_state.h"

int flights_init(struct executor *executor, struct err *err)
{
    size_t n = (size_t)executor->args.max_batch_jobs;

    executor->chosen = calloc(n, sizeof(*executor->chosen));
    executor->dropped = calloc((size_t)executor->args.max_queue, sizeof(*executor->dropped));
    executor->emptied = calloc((size_t)executor->args.max_queue, sizeof(*executor->emptied));
    if (!executor->chosen || !executor->dropped || !executor->emptied)
        return err_set(err, ERR_NOMEM, "executor: out of memory");
    for (int i = 0; i < EXECUTOR_MAX_LAUNCHED; i++) {
        struct flight *flight = &executor->flights[i];
        flight->jobs = calloc(n, sizeof(*flight->jobs));
        flight->engine_jobs = calloc(n, sizeof(*flight->engine_jobs));
        flight->pointers = calloc(n, sizeof(*flight->pointers));
        if (!flight->jobs || !flight->engine_jobs || !flight->pointers)
            return err_set(err, ERR_NOMEM, "executor: out of memory");
        for (size_t j = 0; j < n; j++)
            flight->pointers[j] = &flight->engine_jobs[j];
        flight->batch.jobs = flight->pointers;
        flight->batch.user = flight;
    }
    return 0;
}

void flights_release(struct executor *executor)
{
    for (int i = 0; i < EXECUTOR_MAX_LAUNCHED; i++) {
        struct flight *flight = &executor->flights[i];
        input_release(&flight->part);
        free(flight->pointers);
        free(flight->engine_jobs);
        free(flight->jobs);
    }
    free(executor->emptied);
    free(executor->dropped);
    free(executor->chosen);
}

static struct flight *free_flight(struct executor *executor)
{
    for (int i = 0; i < EXECUTOR_MAX_LAUNCHED; i++)
        if (executor->flights[i].n_jobs == 0)
            return &executor->flights[i];
    BUG("no free flight");
}

static void remove_launched(struct executor *executor, const struct flight *flight)
{
    int i = 0;

    while (executor->launched[i] != flight)
        i++;
    for (executor->n_launched--; i < executor->n_launched; i++)
        executor->launched[i] = executor->launched[i + 1];
}

static bool all_finite(const struct batch_job *job)
{
    for (int i = 0; i < job->n_logits; i++)
        if (!isfinite(job->logits[i]))
            return false;
    return true;
}

static enum job_outcome outcome_of(const struct flight *flight, const struct batch_job *job)
{
    if (!batch_computed(flight->batch.status))
        return JOB_FAILED;
    return flight->batch.status == BATCH_OK || all_finite(job) ? JOB_OK : JOB_NOT_FINITE;
}

void split_end(struct executor *executor)
{
    struct split split = executor->split;

    executor->split.ended = true;
    executor->split.left_us = 0;
    if (!split.job || split.in_flight)
        return;
    executor->split.job = NULL;
    pthread_mutex_unlock(&executor->lock);
    if (split.broken)
        executor_reroute(executor, split.job);
    else
        executor_return(executor, split.job, split.outcome);
    pthread_mutex_lock(&executor->lock);
}

static void part_completed(struct executor *executor, const struct flight *flight)
{
    struct split *split = &executor->split;

    pthread_mutex_lock(&executor->lock);
    split->in_flight--;
    split->job->infer_us = clock_now_us() - split->job->launched_us;
    if (flight->batch.status == BATCH_FAILED) {
        split->broken = split->ended = true;
    } else if (flight->batch.status == BATCH_NO_MEMORY) {
        split->outcome = JOB_FAILED;
        split->ended = true;
    } else if (flight->batch.status == BATCH_NOT_FINITE && split->outcome == JOB_OK) {
        split->outcome = JOB_NOT_FINITE;
    }
    if (split->ended)
        split_end(executor);
    pthread_mutex_unlock(&executor->lock);
}

/* Outside the lock: what a batch that came back means to its jobs. */
static void hand_back(struct executor *executor, struct flight *flight, int64_t now_us)
{
    int n = flight->n_jobs;

    flight->n_jobs = 0;
    if (flight->batch.status == BATCH_FAILED)
        executor_break(executor, &flight->batch.err);
    else if (flight->batch.status == BATCH_NO_MEMORY)
        log_warn("batch_no_memory", LOG_STR("error", flight->batch.err.text));
    if (flight->is_part) {
        part_completed(executor, flight);
        return;
    }
    for (int i = 0; i < n; i++) {
        struct batch_job *job = flight->jobs[i];
        job->infer_us = now_us - job->launched_us;
        if (flight->batch.status == BATCH_FAILED)
            executor_reroute(executor, job);
        else
            executor_return(executor, job, outcome_of(flight, job));
    }
}

static void tell(const struct executor *executor, const struct flight *flight, double took_us)
{
    struct executor_batch batch = {
        .tokens = flight->shape.tokens,
        .requests = flight->n_jobs,
        .cost_ratio = flight->cost_us > 0 ? took_us / flight->cost_us : 1,
    };

    if (executor->args.on_batch && batch_computed(flight->batch.status))
        executor->args.on_batch(executor->args.on_batch_arg, &batch);
}

int flights_complete(struct executor *executor)
{
    struct engine_batch *batch;
    int n = 0;

    for (; (batch = launcher_poll(executor->launcher)); n++) {
        struct flight *flight = batch->user;
        struct cost *cost = &flight->engine->cost;
        int64_t now_us = clock_now_us();

        pthread_mutex_lock(&executor->lock);
        if (executor->launched[0] == flight) /* the next one has the device from now on */
            atomic_store(&executor->heartbeat_us, now_us);
        remove_launched(executor, flight);
        int64_t since_us = flight->launched_us > executor->free_since_us ? flight->launched_us
                                                                         : executor->free_since_us;
        executor->free_since_us = now_us;
        if (batch_computed(batch->status)) {
            cost_observe(cost, flight->base_us, (double)(now_us - since_us));
            executor->ratio = cost->ratio;
        }
        pthread_mutex_unlock(&executor->lock);
        tell(executor, flight, (double)(now_us - since_us));
        hand_back(executor, flight, now_us);
    }
    return n;
}

/* Under the lock, let go meanwhile. */
static void launch(struct executor *executor, struct flight *flight, int64_t now_us)
{
    flight->base_us = cost_base_us(&flight->engine->cost, &flight->shape, 1);
    flight->cost_us = flight->engine->cost.ratio * flight->base_us;
    flight->launched_us = now_us;
    flight->batch.n_jobs = flight->n_jobs;
    flight->batch.status = BATCH_OK;
    executor->launched[executor->n_launched++] = flight;
    if (executor->n_launched == 1) /* else the oldest one may hang, and this would hide it */
        atomic_store(&executor->heartbeat_us, now_us);
    hist_record(&executor->batch_tokens, (uint64_t)flight->shape.tokens);
    if (!flight->is_part || executor->split.next_part == 1)
        hist_record(&executor->batch_requests, (uint64_t)flight->n_jobs);
    pthread_mutex_unlock(&executor->lock);
    bool failed = engine_submit(flight->engine->engine, &flight->batch, &flight->batch.err) != 0;
    pthread_mutex_lock(&executor->lock);
    if (!failed)
        return;
    remove_launched(executor, flight);
    pthread_mutex_unlock(&executor->lock);
    flight->batch.status = BATCH_FAILED;
    hand_back(executor, flight, now_us);
    pthread_mutex_lock(&executor->lock);
}

static struct served_engine *engine_of(const struct batch_job *job)
{
    return &job->model->engines[job->by_fallback ? SERVED_FALLBACK : SERVED_PRIMARY];
}

/* The next part of the split job, or its end. With the last one it is ended already, so that it goes
 * back as soon as that is through, whatever else is to be done. */
static void launch_part(struct executor *executor, int64_t now_us)
{
    struct split *split = &executor->split;
    struct batch_job *job = split->job;
    struct flight *flight = free_flight(executor);
    struct err err;
    int first_read = 0, rc = 0;

    if (atomic_load_explicit(&job->work.cancelled, memory_order_relaxed))
        split->outcome = JOB_CANCELLED;
    else if (job->work.deadline_us <= now_us)
        split->outcome = JOB_EXPIRED;
    else
        rc = input_part(&job->input, job->part_tokens, split->next_part, &flight->part, &first_read,
                        &err);
    if (rc == -1)
        split->outcome = JOB_FAILED;
    if (rc != 1) {
        split_end(executor);
        return;
    }
    if (split->next_part++ == 0) {
        job->launched_us = now_us;
        job->queue_us = now_us - job->work.arrival_us;
    }
    split->ended = split->next_part == split->n_parts;
    split->in_flight++;
    split->left_us = split->left_us > split->part_us ? split->left_us - split->part_us : 0;
    flight->engine = engine_of(job);
    flight->is_part = true;
    flight->jobs[0] = job;
    flight->n_jobs = 1;
    flight->shape = input_shape(&flight->part);
    int labels = model_labels(job->model->model);
    flight->engine_jobs[0] = (struct engine_job){
        .input = &flight->part, .logits = job->logits + (ptrdiff_t)first_read * labels};
    launch(executor, flight, now_us);
}

static void launch_batch(struct executor *executor, const struct pick *pick, int64_t now_us)
{
    struct flight *flight = free_flight(executor);

    for (int i = 0; i < pick->n_chosen; i++) {
        struct batch_job *job = batch_job_of_work(pick->chosen[i]);
        job->launched_us = now_us;
        job->queue_us = now_us - job->work.arrival_us;
        flight->jobs[i] = job;
        flight->engine_jobs[i] = (struct engine_job){.input = &job->input, .logits = job->logits};
    }
    flight->engine = engine_of(flight->jobs[0]);
    flight->is_part = false;
    flight->n_jobs = pick->n_chosen;
    flight->shape = pick->extent.shape;
    launch(executor, flight, now_us);
}

static void return_dropped(struct executor *executor, const struct pick *pick)
{
    pthread_mutex_unlock(&executor->lock);
    for (int i = 0; i < pick->n_dropped; i++)
        executor_return_dropped(executor, pick->dropped[i]);
    pthread_mutex_lock(&executor->lock);
}

bool flight_launch(struct executor *executor, int64_t now_us)
{
    struct split *split = &executor->split;
    struct pick pick = {.chosen = executor->chosen, .dropped = executor->dropped};

    if (executor->n_launched >= executor->max_launched || executor->broken)
        return false;
    if (split->job && !split->ended) {
        launch_part(executor, now_us);
        return true;
    }
    if (executor->queue.n == 0)
        return false;
    pick_batch(&executor->queue, &executor->options, now_us, &pick);
    if (pick.n_chosen == 1 && pick.extent.batches > 1) {
        struct batch_job *job = batch_job_of_work(pick.chosen[0]);
        if (split->job) { /* the one before has still parts in flight: this one is next */
            queue_insert(&executor->queue, pick.chosen[0]);
            return_dropped(executor, &pick);
            return pick.n_dropped > 0;
        }
        *split = (struct split){
            .job = job,
            .n_parts = job->work.parts,
            .part_us = pick.extent.cost_us / pick.extent.batches,
            .left_us = pick.extent.cost_us,
            .outcome = JOB_OK,
        };
    } else if (pick.n_chosen) {
        launch_batch(executor, &pick, now_us);
    }
    if (pick.n_dropped)
        return_dropped(executor, &pick);
    return true;
}
