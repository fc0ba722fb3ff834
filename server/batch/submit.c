/* Jobs on their way in and out; see submit.h. */
#include "server/batch/submit.h"

#include "base/clock.h"

/* The job has its reference to the model. */
static enum submit admit(struct batch_job *job, int engine, int64_t now_us, int64_t *wait_us)
{
    struct served_engine *served = &job->model->engines[engine];
    struct work *dropped;

    job->by_fallback = engine == SERVED_FALLBACK;
    enum submit answer =
        executor_admit(served->executor, job, &served->cost, now_us, wait_us, &dropped);
    works_return(dropped, JOB_EXPIRED);
    return answer;
}

enum submit executor_submit(struct batch_job *job, int64_t now_us, int64_t *wait_us)
{
    struct served_model *model = job->model;
    enum submit answer = SUBMIT_FAILED;

    *wait_us = 0;
    job->outcome = JOB_FAILED;
    job->queue_us = job->infer_us = 0;
    served_model_ref(model); /* the job's own: it may be back before this returns */
    for (int i = 0; i < SERVED_ENGINES && answer == SUBMIT_FAILED; i++) {
        const struct executor *executor = model->engines[i].executor;
        if (executor && executor_state(executor) == EXECUTOR_SERVING)
            answer = admit(job, i, now_us, wait_us);
    }
    if (answer != SUBMIT_ADMITTED)
        served_model_unref(model);
    return answer;
}

bool executor_is_full(const struct served_model *model, int64_t now_us)
{
    for (int i = 0; i < SERVED_ENGINES; i++) {
        struct executor *executor = model->engines[i].executor;
        struct work *dropped;
        if (!executor || executor_state(executor) != EXECUTOR_SERVING)
            continue;
        bool full = executor_queue_is_full(executor, now_us, &dropped);
        works_return(dropped, JOB_EXPIRED);
        return full;
    }
    return false;
}

void job_return(struct batch_job *job, enum job_outcome outcome)
{
    struct served_model *model = job->model;

    job->outcome = outcome;
    mailbox_post(job->home, &job->letter);
    served_model_unref(model);
}

void job_reroute(struct batch_job *job)
{
    enum submit answer = SUBMIT_FAILED;
    int64_t wait_us;

    if (!job->by_fallback && job->model->engines[SERVED_FALLBACK].executor)
        answer = admit(job, SERVED_FALLBACK, clock_now_us(), &wait_us);
    if (answer != SUBMIT_ADMITTED)
        job_return(job, answer == SUBMIT_FAILED ? JOB_FAILED : JOB_REFUSED);
}

void works_return(struct work *works, enum job_outcome outcome)
{
    for (struct work *work = works, *next; work; work = next) {
        next = work->next; /* its owner may use it again once it is back */
        bool cancelled = atomic_load_explicit(&work->cancelled, memory_order_relaxed);
        job_return(batch_job_of_work(work),
                   cancelled && outcome == JOB_EXPIRED ? JOB_CANCELLED : outcome);
    }
}

void works_reroute(struct work *works)
{
    for (struct work *work = works, *next; work; work = next) {
        next = work->next;
        job_reroute(batch_job_of_work(work));
    }
}
