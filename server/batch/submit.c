/* Jobs into an executor's queue, and back to their owners; see submit.h. */
#include "server/batch/submit.h"

#include "base/clock.h"
#include "server/batch/executor_state.h"

/* Under the lock. */
static bool note_full(struct executor *executor)
{
    bool full = schedule_is_full(&executor->schedule);

    atomic_store_explicit(&executor->looks_full, full, memory_order_relaxed);
    return full;
}

/* The job holds its reference to the model. Once admitted it may be back with its owner. */
static enum submit admit(struct batch_job *job, int engine, int64_t now_us)
{
    struct served_engine *served = &job->model->engines[engine];
    struct executor *executor = served->executor;
    enum submit answer = SUBMIT_FAILED;
    struct schedule *schedule;
    struct work *dropped = NULL;

    job->outcome = JOB_FAILED;
    if (!executor)
        return SUBMIT_FAILED;
    schedule = &executor->schedule;
    job->by_fallback = engine == SERVED_FALLBACK;
    pthread_mutex_lock(&executor->lock);
    if (schedule_state(schedule) == EXECUTOR_SERVING) {
        batch_job_prepare(job, &served->cost, &schedule->options, now_us);
        dropped = schedule_make_room(schedule, now_us);
        answer = schedule_admit(schedule, &job->work, now_us).submit;
        if (answer != SUBMIT_ADMITTED)
            job->outcome = JOB_REFUSED;
        else if (schedule->n_launched < schedule->max_launched)
            pthread_cond_signal(&executor->wake);
        (void)note_full(executor);
    }
    pthread_mutex_unlock(&executor->lock);
    works_return(dropped, JOB_EXPIRED);
    return answer;
}

enum submit executor_submit(struct batch_job *job, int64_t now_us)
{
    struct served_model *model = job->model;
    enum submit answer;

    job->queue_us = job->infer_us = 0;
    served_model_ref(model); /* the job's own: it may be back before this returns */
    answer = admit(job, SERVED_PRIMARY, now_us);
    if (answer == SUBMIT_FAILED)
        answer = admit(job, SERVED_FALLBACK, now_us);
    if (answer != SUBMIT_ADMITTED)
        served_model_unref(model);
    return answer;
}

bool executor_is_full(const struct served_model *model, int64_t now_us)
{
    for (int i = 0; i < SERVED_ENGINES; i++) {
        struct executor *executor = model->engines[i].executor;
        struct work *dropped;
        bool full;

        if (!executor || atomic_load(&executor->state) != EXECUTOR_SERVING)
            continue;
        if (!atomic_load_explicit(&executor->looks_full, memory_order_relaxed))
            return false;
        pthread_mutex_lock(&executor->lock);
        dropped = schedule_make_room(&executor->schedule, now_us);
        full = note_full(executor);
        pthread_mutex_unlock(&executor->lock);
        works_return(dropped, JOB_EXPIRED);
        return full;
    }
    return false;
}

static void return_job(struct batch_job *job, enum job_outcome outcome)
{
    struct served_model *model = job->model;

    job->outcome = outcome;
    mailbox_post(job->home, &job->letter);
    served_model_unref(model);
}

void works_return(struct work *works, enum job_outcome outcome)
{
    for (struct work *work = works, *next; work; work = next) {
        bool cancelled = atomic_load_explicit(&work->cancelled, memory_order_relaxed);

        next = work->next; /* its owner may use it again once it is back */
        return_job(batch_job_of_work(work),
                   cancelled && outcome == JOB_EXPIRED ? JOB_CANCELLED : outcome);
    }
}

/* A job that the fallback itself had is not taken by it again: it is broken, too. */
void works_reroute(struct work *works)
{
    for (struct work *work = works, *next; work; work = next) {
        struct batch_job *job = batch_job_of_work(work);

        next = work->next;
        if (admit(job, SERVED_FALLBACK, clock_now_us()) != SUBMIT_ADMITTED)
            return_job(job, job->outcome);
    }
}
