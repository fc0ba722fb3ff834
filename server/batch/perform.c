/* Launches batches, returns jobs and makes steps; see perform.h. */
#include "server/batch/perform.h"

#include <math.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/batch/submit.h"

/* ---- launch ---------------------------------------------------------------------------------- */

/* 1; 0: there is no such part, the whole was charged for more than it has; -1 with err. */
static int cut_part(struct batch *batch, struct err *err)
{
    struct batch_job *job = batch_job_of_work(batch->works[0]);
    int width = model_out_width(job->model->model), first_read;
    int rc =
        input_part(&job->input, job->part_tokens, batch->part, &batch->input, &first_read, err);

    if (rc != 1)
        return rc;
    batch->shape = input_shape(&batch->input);
    batch->engine_jobs[0] = (struct engine_job){.input = &batch->input,
                                                .out = job->out + (ptrdiff_t)first_read * width};
    return 1;
}

static enum batch_status submit(struct batch *batch, struct err *err)
{
    const struct batch_job *first = batch_job_of_work(batch->works[0]);
    int engine = first->by_fallback ? SERVED_FALLBACK : SERVED_PRIMARY;
    int cut = 1;

    for (int i = 0; i < batch->n && batch->part <= 0; i++) {
        struct batch_job *job = batch_job_of_work(batch->works[i]);
        job->launched_us = batch->launched_us;
        job->queue_us = batch->launched_us - job->work.arrival_us;
        batch->engine_jobs[i] = (struct engine_job){.input = &job->input, .out = job->out};
    }
    if (batch->part >= 0)
        cut = cut_part(batch, err);
    if (cut != 1)
        return cut ? BATCH_NO_MEMORY : BATCH_OK;
    batch->engine_batch.n_jobs = batch->n;
    if (engine_submit(first->model->engines[engine].engine, &batch->engine_batch, err))
        return BATCH_FAILED;
    batch->submitted = true;
    batch->submitted_us = clock_now_us();
    return BATCH_OK;
}

static enum batch_status submit_beat(const struct performer *performer, struct batch *batch,
                                     struct err *err)
{
    struct served_engine *engine = *performer->engines;

    batch->engine_batch =
        (struct engine_batch){.jobs = engine->beat.jobs, .n_jobs = 1, .user = batch};
    if (engine_submit(engine->engine, &batch->engine_batch, err))
        return BATCH_FAILED;
    batch->submitted = true;
    batch->submitted_us = clock_now_us();
    return BATCH_OK;
}

static void launch(struct performer *performer, struct batch *batch)
{
    struct facts *facts = &performer->facts;
    struct err err;

    facts->launched = batch;
    batch->status = batch->n ? submit(batch, &err) : submit_beat(performer, batch, &err);
    if (batch->status != BATCH_OK)
        batch->engine_batch.err = err;
    if (!batch->submitted)
        facts->done[facts->n_done++] = batch;
}

void performer_collect(struct performer *performer)
{
    struct facts *facts = &performer->facts;
    struct engine_batch *completed;

    facts->polled_us = performer->watches ? clock_now_us() : 0;
    while ((completed = launcher_poll(performer->launcher))) {
        struct batch *batch = completed->user;
        batch->completed_us = clock_now_us();
        batch->status = completed->status;
        facts->done[facts->n_done++] = batch;
    }
}

/* ---- return ---------------------------------------------------------------------------------- */

static bool all_finite(const struct batch_job *job)
{
    for (int i = 0; i < job->n_out; i++)
        if (!isfinite(job->out[i]))
            return false;
    return true;
}

static enum job_outcome outcome_of(const struct batch *batch, const struct batch_job *job)
{
    if (!batch_computed(batch->status))
        return JOB_FAILED;
    return batch->status == BATCH_OK || all_finite(job) ? JOB_OK : JOB_NOT_FINITE;
}

/* Only the first counts: true. */
static bool fail(struct performer *performer, enum executor_failure failure, const struct err *err)
{
    if (performer->broken)
        return false;
    performer->broken = true;
    performer->on_failure(performer->on_failure_arg, failure, err);
    return true;
}

static void report_error(struct performer *performer, const struct err *err)
{
    if (fail(performer, EXECUTOR_FAILURE_ERROR, err))
        log_error("backend_broken", LOG_STR("backend", launcher_backend(performer->launcher)),
                  LOG_STR("error", err->text));
}

static void report_hang(struct performer *performer, const struct batch *batch)
{
    struct err err;

    err_set(&err, ERR_UNAVAILABLE,
            "a batch of %d tokens is not done after %lld ms, %lld us were expected",
            (int)batch->shape.tokens, (long long)(clock_now_us() - batch->submitted_us) / 1000,
            (long long)batch->cost_us);
    if (fail(performer, EXECUTOR_FAILURE_HANG, &err))
        log_error("backend_hangs", LOG_STR("backend", launcher_backend(performer->launcher)),
                  LOG_STR("error", err.text));
}

/* What the device padded the batch to. */
static int64_t rung_tokens(const struct performer *performer, const struct batch *batch)
{
    return ladder_rung(&launcher_caps(performer->launcher)->ladder, (int)batch->shape.tokens);
}

static void report(struct performer *performer, const struct batch *batch)
{
    const char *error = batch->engine_batch.err.text;

    if (batch->status == BATCH_NO_MEMORY)
        log_warn("batch_no_memory", LOG_STR("error", error));
    if (batch->status == BATCH_FAILED)
        report_error(performer, &batch->engine_batch.err);
    if (batch->n && batch->submitted && batch_computed(batch->status))
        performer->on_batch(
            performer->on_batch_arg,
            &(struct batch_stats){
                .tokens = batch->shape.tokens,
                .rung_tokens = rung_tokens(performer, batch),
                .took_us = batch->took_us,
                .requests = batch->n,
                .cost_ratio = batch->cost_us > 0 ? (double)batch->took_us / batch->cost_us : 1,
            });
}

/* The jobs of parts and of a batch that failed are among the actions. */
static void complete(struct batch *batch)
{
    for (int i = 0; i < batch->n; i++) {
        struct batch_job *job = batch_job_of_work(batch->works[i]);

        if (batch->submitted)
            job->infer_us = batch->completed_us - job->launched_us;
        if (batch->part >= 0 || batch->status == BATCH_FAILED)
            continue;
        job->work.next = NULL;
        works_return(&job->work, outcome_of(batch, job));
    }
    batch->n = 0;
}

void tasks_end(struct task *tasks)
{
    for (struct task *task = tasks, *next; task; task = next) {
        next = task->next;
        if (task->why && task->begun && task->abandon)
            task->abandon(task->arg);
        task->ended(task);
    }
}

void performer_act(struct performer *performer)
{
    const struct actions *actions = &performer->actions;
    struct facts *facts = &performer->facts;

    for (int i = 0; i < facts->n_done; i++) {
        report(performer, facts->done[i]);
        complete(facts->done[i]);
    }
    *facts = (struct facts){0};
    if (actions->hung)
        report_hang(performer, actions->hung);
    works_reroute(actions->rerouted);
    for (int outcome = 0; outcome < JOB_OUTCOMES; outcome++)
        works_return(actions->returned[outcome], (enum job_outcome)outcome);
    tasks_end(actions->ended);
    if (actions->step) {
        actions->step->rc = actions->step->step(actions->step->arg, &actions->step->err);
        facts->stepped = true;
    }
    if (actions->launch)
        launch(performer, actions->launch);
}
