/* Submits jobs to the executor and collects their scores. */
#include "base/bug.h"
#include "base/clock.h"
#include "server/batch/submit.h"
#include "server/request/request.h"
#include "server/request/score_group.h"
#include "server/request/worker_state.h"

static void on_letter(struct letter *letter, void *reader);

static enum submit submit(struct request *r, struct score_group *group, int64_t now_us)
{
    const struct config *config = r->world->config;
    struct batch_job *job = group->job;

    job->letter.deliver = on_letter;
    job->home = &r->worker->worker->loop.mailbox;
    job->owner = (struct job_owner){r->slot, r->generation};
    job->model = group->model->served;
    job->deadline_us = r->deadline_us - config->deadline.encode_reserve_us;
    return executor_submit(job, now_us);
}

/* Whether to answer immediately by on_late. Under `prior`, a group that was not admitted has no
 * score, and the others are still useful; the other values never mix priors in. */
static bool hopeless(const struct request *r, bool any)
{
    return r->refused && (!any || r->world->config->deadline.on_late != ON_LATE_PRIOR);
}

static void refuse(struct request *r)
{
    request_degrade(r, DEGRADED_DEADLINE);
    r->refused = true;
}

/* false: not admitted, and the groups after it would not be either. */
static bool find_place(struct request *r, struct score_group *group)
{
    switch (submit(r, group, clock_now_us())) {
    case SUBMIT_ADMITTED:
        group->out = true;
        r->batch.jobs_out++;
        return true;
    case SUBMIT_LATE:
    case SUBMIT_FULL:
        refuse(r);
        return false;
    case SUBMIT_FAILED:
        request_degrade(r, DEGRADED_MODEL);
        return false;
    }
    BUG("submit");
}

/* Without ads there is no job. */
enum step_result step_batch(struct request *r)
{
    for (int i = 0; i < r->tokens.n_groups && r->ads.n; i++) {
        struct score_group *group = &r->tokens.groups[i];
        enum step_result built = group->job ? STEP_NEXT : score_group_build(r, group);

        if (built == STEP_ENDED)
            return built;
        if (built == STEP_LATE)
            refuse(r);
        if (built == STEP_LATE || !find_place(r, group))
            break;
    }
    if (hopeless(r, r->batch.jobs_out > 0))
        return STEP_LATE;
    return r->batch.jobs_out ? STEP_WAIT : STEP_NEXT;
}

static void take_outcome(struct request *r, struct score_group *group)
{
    const struct batch_job *job = group->job;

    switch (job->outcome) {
    case JOB_OK:
        group->scored = true;
        group->logits = job->out;
        if (job->by_fallback)
            request_degrade(r, DEGRADED_MODEL);
        break;
    case JOB_REFUSED:
    case JOB_EXPIRED:
    case JOB_CANCELLED:
        refuse(r);
        break;
    case JOB_NOT_FINITE:
    case JOB_FAILED:
        request_degrade(r, DEGRADED_MODEL);
        break;
    case JOB_OUTCOMES:
        BUG("job outcome");
    }
    if (job->queue_us > r->timing_us[STAGE_QUEUE])
        r->timing_us[STAGE_QUEUE] = job->queue_us;
    if (job->infer_us > r->timing_us[STAGE_INFER])
        r->timing_us[STAGE_INFER] = job->infer_us;
}

static bool any_scored(const struct request *r)
{
    for (int i = 0; i < r->tokens.n_groups; i++)
        if (r->tokens.groups[i].scored)
            return true;
    return false;
}

/* Of a finished job, of any request. */
static void on_letter(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);
    struct batch_job *job = batch_job_of(letter);
    struct request *r = rw->pool.slots[job->owner.slot];
    struct score_group *group = NULL;

    if (r->generation != job->owner.generation) { /* its request has ended */
        batch_jobs_put(&rw->jobs, job);
        return;
    }
    for (int i = 0; i < r->tokens.n_groups && !group; i++)
        if (r->tokens.groups[i].job == job)
            group = &r->tokens.groups[i];
    BUG_ON(!group || !group->out);
    group->out = false;
    take_outcome(r, group);
    if (--r->batch.jobs_out > 0)
        return;
    metrics_observe(rw->shard, METRIC_STAGE_DURATION, STAGE_QUEUE, r->timing_us[STAGE_QUEUE]);
    metrics_observe(rw->shard, METRIC_STAGE_DURATION, STAGE_INFER, r->timing_us[STAGE_INFER]);
    request_resume(r, hopeless(r, any_scored(r)) ? STEP_LATE : STEP_NEXT);
}

void step_batch_abandon(struct request *r)
{
    for (int i = 0; i < r->tokens.n_groups; i++) {
        struct score_group *group = &r->tokens.groups[i];

        if (!group->out)
            continue;
        batch_job_cancel(group->job); /* on_letter() puts it back */
        group->job = NULL;
        group->out = false;
    }
    r->batch.jobs_out = 0;
}
