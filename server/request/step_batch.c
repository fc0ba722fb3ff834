#include "server/request/request_state.h"

#include "base/bug.h"
#include "base/clock.h"

static enum submit submit(struct request *r, struct context *context, int64_t now_us)
{
    const struct config *config = r->world->config;
    struct batch_job *job = context->job;
    int64_t wait_us; /* not told: Retry-After counts in seconds */

    job->letter.deliver = step_batch_on_letter;
    job->home = &r->worker->worker->loop.mailbox;
    job->owner = (struct job_owner){(uint32_t)r->worker->worker->index, r->slot, r->generation};
    job->model = r->world->served;
    job->deadline_us = r->deadline_us - config->deadline.encode_reserve_us;
    return executor_submit(job, now_us, &wait_us);
}

/* Whether to answer at once by on_late. Under `prior`, what got no place goes without a score and the rest is
 * still worth having; an operator who will not bid on priors gets none mixed in. */
static bool hopeless(const struct request *r, bool any)
{
    return r->refused && (!any || r->world->config->deadline.on_late != ON_LATE_PRIOR);
}

static void refuse(struct request *r)
{
    request_degrade(r, DEGRADED_DEADLINE);
    r->refused = true;
}

/* false: this one found no place, and those behind it will find none either. */
static bool find_place(struct request *r, struct context *context)
{
    switch (submit(r, context, clock_now_us())) {
    case SUBMIT_ADMITTED:
        context->out = true;
        r->jobs_out++;
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
    for (int i = 0; i < r->n_contexts && r->ads.n; i++) {
        struct context *context = &r->contexts[i];
        enum step_result built = context->job ? STEP_NEXT : context_build(r, context);

        if (built == STEP_ENDED)
            return built;
        if (built == STEP_LATE)
            refuse(r);
        if (built == STEP_LATE || !find_place(r, context))
            break;
    }
    if (hopeless(r, r->jobs_out > 0))
        return STEP_LATE;
    return r->jobs_out ? STEP_WAIT : STEP_NEXT;
}

static void take_outcome(struct request *r, struct context *context)
{
    const struct batch_job *job = context->job;

    switch (job->outcome) {
    case JOB_OK:
        context->scored = true;
        context->logits = job->logits;
        if (job->by_fallback)
            request_degrade(r, DEGRADED_MODEL);
        break;
    case JOB_REFUSED:
    case JOB_EXPIRED:
    case JOB_CANCELLED:
        request_degrade(r, DEGRADED_DEADLINE);
        r->refused = true;
        break;
    case JOB_NOT_FINITE:
    case JOB_FAILED:
        request_degrade(r, DEGRADED_MODEL);
        break;
    case JOB_OUTCOMES:
        BUG("job outcome");
    }
    if (job->queue_us > r->timing.queue_us)
        r->timing.queue_us = job->queue_us;
    if (job->infer_us > r->timing.infer_us)
        r->timing.infer_us = job->infer_us;
}

static bool any_scored(const struct request *r)
{
    for (int i = 0; i < r->n_contexts; i++)
        if (r->contexts[i].scored)
            return true;
    return false;
}

void step_batch_on_letter(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);
    struct batch_job *job = batch_job_of(letter);
    struct request *r = request_worker_slot(rw, job->owner.slot);
    struct context *context = NULL;

    if (r->generation != job->owner.generation) { /* answered long ago */
        batch_jobs_put(&rw->jobs, job);
        return;
    }
    for (int i = 0; i < r->n_contexts && !context; i++)
        if (r->contexts[i].job == job)
            context = &r->contexts[i];
    BUG_ON(!context || !context->out);
    context->out = false;
    take_outcome(r, context);
    if (--r->jobs_out > 0)
        return;
    metrics_observe(rw->shard, METRIC_STAGE_DURATION, STAGE_QUEUE, r->timing.queue_us);
    metrics_observe(rw->shard, METRIC_STAGE_DURATION, STAGE_INFER, r->timing.infer_us);
    if (hopeless(r, any_scored(r)))
        request_late(r);
    else
        request_resume(r);
}

void step_batch_abandon(struct request *r)
{
    for (int i = 0; i < r->n_contexts; i++) {
        struct context *context = &r->contexts[i];

        if (context->out)
            batch_job_cancel(context->job);
        else if (context->job)
            batch_jobs_put(&r->worker->jobs, context->job);
        context->job = NULL;
    }
    r->n_contexts = 0;
    r->jobs_out = 0;
}
