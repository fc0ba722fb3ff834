/* Notices an executor whose thread does not come back from a call of its device; see executor.h. */
#include "server/batch/executor.h"

#include <math.h>

#include "base/log.h"
#include "server/batch/executor_state.h"
#include "server/batch/perform.h"
#include "server/batch/submit.h"

#define HANG_TIMES 20
#define TURN_MAY_TAKE_US (3 * EXECUTOR_WATCH_US) /* an idle thread makes one every 100 ms */
#define STEP_MAY_TAKE_US 10000000 /* products may be timed in one, while others are served */

/* How long the thread may be away now; 0: any time. Under the lock. */
static int64_t may_take_us(const struct executor *executor)
{
    const struct schedule *schedule = &executor->schedule;
    const struct background *background = &schedule->background;
    double us = fmax(TURN_MAY_TAKE_US, (double)schedule->options.hang_us);

    if (executor->caps->host_lanes || !schedule->options.hang_us || schedule->broken ||
        !atomic_load(&executor->n_engines))
        return 0;
    if (background->running)
        us = fmax(STEP_MAY_TAKE_US, fmax(us, HANG_TIMES * background->step_us));
    for (int i = 0; i < schedule->n_launched; i++)
        us = fmax(us, HANG_TIMES * schedule->launched[i]->cost_us);
    return (int64_t)us;
}

/* Under the lock. */
static struct work *give_up(struct executor *executor, struct task **ended)
{
    struct work *queued = schedule_give_up(&executor->schedule, ended);
    struct task *running = executor->schedule.background.running;

    if (running && !running->always && !running->committed) {
        running->lost = true;
        pthread_cond_broadcast(&executor->notice);
    }
    atomic_store(&executor->gave_up, true);
    atomic_store(&executor->state, EXECUTOR_BROKEN);
    executor->failure = EXECUTOR_FAILURE_HANG;
    err_set(&executor->failure_err, ERR_UNAVAILABLE,
            "a call of the device has not returned for %lld ms",
            (long long)executor->still_us / 1000);
    return queued;
}

void executor_watch(struct executor *executor)
{
    struct work *queued = NULL;
    struct task *ended = NULL;
    int64_t us;
    bool stuck;

    pthread_mutex_lock(&executor->lock);
    us = may_take_us(executor);
    if (us && executor->turns == executor->turns_seen)
        executor->still_us += EXECUTOR_WATCH_US;
    else
        executor->still_us = 0;
    executor->turns_seen = executor->turns;
    stuck = executor->still_us > us;
    if (stuck)
        queued = give_up(executor, &ended);
    pthread_mutex_unlock(&executor->lock);
    if (!stuck)
        return;
    log_error("backend_hangs", LOG_STR("backend", executor->backend),
              LOG_STR("error", executor->failure_err.text));
    works_reroute(queued);
    tasks_end(ended);
}
