/* Hands background tasks to an executor's thread; see run_task.h. */
#include "server/batch/run_task.h"

#include "server/batch/executor_state.h"

static void on_ended(struct task *task)
{
    struct executor *executor = task->owner;

    pthread_mutex_lock(&executor->lock);
    task->done = true;
    pthread_cond_broadcast(&executor->notice);
    pthread_mutex_unlock(&executor->lock);
}

int executor_run_task(struct executor *executor, struct task *task, struct err *err)
{
    task->ended = on_ended;
    task->owner = executor;
    pthread_mutex_lock(&executor->lock);
    if (schedule_state(&executor->schedule) == EXECUTOR_SERVING) {
        background_add(&executor->schedule.background, task);
        pthread_cond_signal(&executor->wake);
        while (!task->done)
            pthread_cond_wait(&executor->notice, &executor->lock);
    } else {
        task->why = executor->schedule.broken ? "broken" : "stopping";
    }
    pthread_mutex_unlock(&executor->lock);
    if (task->why)
        return err_set(err, ERR_UNAVAILABLE, "backend %s is %s", executor->backend, task->why);
    if (task->rc)
        *err = task->err;
    return task->rc;
}

void executor_post_task(struct executor *executor, struct task *task)
{
    pthread_mutex_lock(&executor->lock);
    background_add(&executor->schedule.background, task);
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}
