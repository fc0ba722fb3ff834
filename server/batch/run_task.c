/* Hands background tasks to an executor's thread; see run_task.h. */
#include "server/batch/run_task.h"

#include "server/batch/executor_state.h"

static void on_ended(struct task *task)
{
    struct executor *executor = task->owner;
    bool left;

    pthread_mutex_lock(&executor->lock);
    left = task->left;
    task->done = true;
    pthread_cond_broadcast(&executor->notice);
    pthread_mutex_unlock(&executor->lock);
    if (left)
        task->release(task->arg);
}

/* Under the lock, which it drops meanwhile. */
static void wait_for(struct executor *executor, struct task *task)
{
    background_add(&executor->schedule.background, task);
    pthread_cond_signal(&executor->wake);
    while (!task->done && !task->lost)
        pthread_cond_wait(&executor->notice, &executor->lock);
    task->left = !task->done;
}

int executor_run_task(struct executor *executor, struct task *task, struct err *err)
{
    const char *why;
    bool left;
    int rc;

    task->ended = on_ended;
    task->owner = executor;
    pthread_mutex_lock(&executor->lock);
    if (schedule_state(&executor->schedule) == EXECUTOR_SERVING)
        wait_for(executor, task);
    else
        task->why = executor->schedule.broken ? "broken" : "stopping";
    left = task->left;
    why = left ? "broken" : task->why;
    rc = task->rc;
    if (!left && rc)
        *err = task->err;
    pthread_mutex_unlock(&executor->lock);
    if (!left && task->release)
        task->release(task->arg);
    return why ? err_set(err, ERR_UNAVAILABLE, "backend %s is %s", executor->backend, why) : rc;
}

bool executor_task_commit(struct executor *executor, struct task *task)
{
    bool waits;

    pthread_mutex_lock(&executor->lock);
    waits = task->committed = !task->lost;
    pthread_mutex_unlock(&executor->lock);
    return waits;
}

void executor_post_task(struct executor *executor, struct task *task)
{
    pthread_mutex_lock(&executor->lock);
    background_add(&executor->schedule.background, task);
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}
