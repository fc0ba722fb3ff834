/* What other threads hand to an executor; see intake.h. */
#include "server/batch/intake.h"

#include "server/batch/executor_state.h"

/* Under the lock. */
static bool note_full(struct executor *executor)
{
    bool full = schedule_is_full(&executor->schedule);

    atomic_store_explicit(&executor->looks_full, full, memory_order_relaxed);
    return full;
}

bool executor_queue_is_full(struct executor *executor, int64_t now_us, struct work **dropped)
{
    *dropped = NULL;
    if (!atomic_load_explicit(&executor->looks_full, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&executor->lock);
    *dropped = schedule_make_room(&executor->schedule, now_us);
    bool full = note_full(executor);
    pthread_mutex_unlock(&executor->lock);
    return full;
}

enum submit executor_admit(struct executor *executor, struct batch_job *job, struct cost *cost,
                           int64_t now_us, int64_t *wait_us, struct work **dropped)
{
    static const enum submit answers[] = {
        [ADMISSION_OK] = SUBMIT_ADMITTED,
        [ADMISSION_LATE] = SUBMIT_LATE,
        [ADMISSION_FULL] = SUBMIT_FULL,
    };
    struct schedule *schedule = &executor->schedule;

    *wait_us = 0;
    *dropped = NULL;
    job->outcome = JOB_FAILED;
    pthread_mutex_lock(&executor->lock);
    if (!schedule_is_open(schedule)) {
        pthread_mutex_unlock(&executor->lock);
        return SUBMIT_FAILED;
    }
    batch_job_prepare(job, cost, &schedule->options, now_us);
    *dropped = schedule_make_room(schedule, now_us);
    struct gate_answer answer = schedule_admit(schedule, &job->work, now_us);
    *wait_us = answer.wait_us;
    if (answer.admission != ADMISSION_OK)
        job->outcome = JOB_REFUSED;
    else if (schedule->n_launched < schedule->max_launched)
        pthread_cond_signal(&executor->wake);
    (void)note_full(executor);
    pthread_mutex_unlock(&executor->lock);
    return answers[answer.admission];
}

/* A task that somebody waits for; lies on the waiting thread's stack. */
struct awaited {
    struct task task;
    struct executor *executor;
    bool ended;
};

static void on_ended(struct task *task)
{
    struct awaited *awaited = (struct awaited *)(void *)task;
    struct executor *executor = awaited->executor;

    pthread_mutex_lock(&executor->lock);
    awaited->ended = true;
    pthread_cond_broadcast(&executor->notice);
    pthread_mutex_unlock(&executor->lock);
}

static int refuse_task(const struct executor *executor, const char *why, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "backend %s is %s", executor->backend, why);
}

int executor_run_task(struct executor *executor, const struct task *task, struct err *err)
{
    struct awaited awaited = {.task = *task, .executor = executor};

    awaited.task.ended = on_ended;
    pthread_mutex_lock(&executor->lock);
    if (!schedule_is_open(&executor->schedule)) {
        const char *why = executor->schedule.life.broken ? "broken" : "stopping";
        pthread_mutex_unlock(&executor->lock);
        return refuse_task(executor, why, err);
    }
    background_add(&executor->schedule.background, &awaited.task);
    pthread_cond_signal(&executor->wake);
    while (!awaited.ended)
        pthread_cond_wait(&executor->notice, &executor->lock);
    pthread_mutex_unlock(&executor->lock);
    if (awaited.task.why)
        return refuse_task(executor, awaited.task.why, err);
    if (awaited.task.rc)
        *err = awaited.task.err;
    return awaited.task.rc;
}

void executor_post_task(struct executor *executor, struct task *task)
{
    pthread_mutex_lock(&executor->lock);
    background_add(&executor->schedule.background, task);
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

enum executor_state executor_state(const struct executor *executor)
{
    return atomic_load(&executor->state);
}

int64_t executor_heartbeat_us(const struct executor *executor)
{
    return atomic_load(&executor->heartbeat_us);
}

int executor_queue_depth(struct executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    int depth = executor->schedule.queue.n;
    pthread_mutex_unlock(&executor->lock);
    return depth;
}
