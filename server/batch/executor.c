/* An executor's life and the loop of its thread; see executor.h. */
#include "server/batch/executor.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/batch/executor_state.h"
#include "server/batch/perform.h"
#include "server/batch/served.h"

#define IDLE_TURN_US 100000
#define STUCK_CLOSE_S 2 /* a thread that hangs in a call of the device is waited for */

const char *const executor_failure_names[EXECUTOR_FAILURES + 1] = {"none", "error", "hang", NULL};

/* ---- the thread ------------------------------------------------------------------------------ */

static void on_progress(void *arg)
{
    struct executor *executor = arg;

    pthread_mutex_lock(&executor->lock);
    atomic_store(&executor->progress, true);
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

static void on_failure(void *arg, enum executor_failure failure, const struct err *err)
{
    struct executor *executor = arg;

    pthread_mutex_lock(&executor->lock);
    if (!executor->failure) {
        executor->failure = failure;
        executor->failure_err = *err;
    }
    pthread_mutex_unlock(&executor->lock);
}

/* Under the lock: until signalled, or until it is time to check again. */
static void wait_for_news(struct executor *executor)
{
    bool poll = executor->schedule.n_launched && executor->caps->poll_us;
    int64_t us = poll ? executor->caps->poll_us : IDLE_TURN_US;
    struct timespec until;

    if (atomic_load(&executor->progress))
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (us % 1000000) * 1000;
    until.tv_sec += us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&executor->wake, &executor->lock, &until);
}

/* Under the lock. What a device that hangs still holds is not closed, so that the list may have
 * engines whose models are freed: there are no beats then. */
static double beat_us(const struct executor *executor)
{
    return executor->schedule.broken || !executor->engines ? 0 : executor->engines->beat.cost_us;
}

/* One turn of the loop. False: it was the last one. */
static bool turn(struct executor *executor, struct performer *performer)
{
    struct schedule *schedule = &executor->schedule;
    struct actions *actions = &performer->actions;
    struct facts *facts = &performer->facts;

    /* Cleared before the poll, so that progress made after it prevents the wait. */
    atomic_store(&executor->progress, false);
    if (schedule->n_launched && !facts->n_done && !atomic_load(&executor->gave_up))
        performer_collect(performer);
    pthread_mutex_lock(&executor->lock);
    facts->now_us = clock_now_us();
    facts->n_engines = executor->n_engines;
    facts->beat_us = beat_us(executor);
    executor->turns++;
    schedule_decide(schedule, facts, actions);
    atomic_store(&executor->state, schedule_state(schedule));
    atomic_store(&executor->heartbeat_us, schedule->heartbeat_us);
    if (actions->idle && !actions->finished)
        wait_for_news(executor);
    pthread_mutex_unlock(&executor->lock);
    performer_act(performer);
    return !actions->finished;
}

/* How many batches may be in flight: the same for all engines of the device. */
static int max_launched(const struct device_caps *caps)
{
    int n = caps->max_launched < BATCH_MAX_LAUNCHED ? caps->max_launched : BATCH_MAX_LAUNCHED;

    return n < 1 ? 1 : n;
}

/* On the stack of the thread that starts the executor, until `started`. */
struct start {
    struct executor *executor;
    const struct executor_args *args;
};

/* -1: start_err is set. */
static int open_launcher(struct executor *executor, const struct executor_args *args)
{
    struct launcher_args launcher = args->launcher;
    int rc;

    launcher.on_progress = on_progress;
    launcher.arg = executor;
    rc = launcher_open(&launcher, &executor->launcher, &executor->start_err);
    pthread_mutex_lock(&executor->lock);
    if (rc == 0) {
        executor->caps = launcher_caps(executor->launcher);
        executor->backend = launcher_backend(executor->launcher);
        executor->schedule.max_launched = max_launched(executor->caps);
        executor->schedule.beats = !executor->caps->host_lanes;
    }
    executor->started = true;
    pthread_cond_broadcast(&executor->notice);
    pthread_mutex_unlock(&executor->lock);
    return rc;
}

/* Linux lets a wait last 50 us longer than asked, more than twice what lies between two polls. */
static void poll_on_time(const struct device_caps *caps)
{
    if (caps->poll_us)
        (void)prctl(PR_SET_TIMERSLACK, 1UL); /* ns; as late as before if it is refused */
}

static void *run(void *arg)
{
    const struct start *start = arg;
    struct executor *executor = start->executor;
    struct performer performer = {
        .on_batch = start->args->on_batch,
        .on_batch_arg = start->args->on_batch_arg,
        .on_failure = on_failure,
        .on_failure_arg = executor,
    };

    (void)pthread_setname_np(pthread_self(), "executor");
    if (open_launcher(executor, start->args))
        return NULL;
    poll_on_time(executor->caps);
    performer.launcher = executor->launcher;
    performer.watches = !executor->caps->host_lanes;
    performer.engines = &executor->engines;
    while (turn(executor, &performer))
        ;
    if (!executor->schedule.hung && !executor->schedule.n_launched && !executor->n_engines) {
        launcher_close(executor->launcher);
        executor->launcher = NULL;
    }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int init_lock(struct executor *executor, struct err *err)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0)
        return err_set(err, ERR_NOMEM, "executor: no condition variable");
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool ok = pthread_mutex_init(&executor->lock, NULL) == 0 &&
              pthread_cond_init(&executor->wake, &attr) == 0 &&
              pthread_cond_init(&executor->notice, NULL) == 0;
    pthread_condattr_destroy(&attr);
    return ok ? 0 : err_set(err, ERR_NOMEM, "executor: no lock");
}

static void free_executor(struct executor *executor)
{
    pthread_cond_destroy(&executor->notice);
    pthread_cond_destroy(&executor->wake);
    pthread_mutex_destroy(&executor->lock);
    schedule_release(&executor->schedule);
    free(executor);
}

/* Waits until the thread has opened the launcher. */
static int start_thread(struct executor *executor, const struct executor_args *args,
                        struct err *err)
{
    struct start start = {executor, args};
    int rc = pthread_create(&executor->thread, NULL, run, &start);

    if (rc != 0)
        return err_set_no_thread(err, rc, "executor");
    pthread_mutex_lock(&executor->lock);
    while (!executor->started)
        pthread_cond_wait(&executor->notice, &executor->lock);
    pthread_mutex_unlock(&executor->lock);
    if (executor->caps)
        return 0;
    pthread_join(executor->thread, NULL);
    *err = executor->start_err;
    return -1;
}

int executor_open(const struct executor_args *args, struct executor **out, struct err *err)
{
    struct executor *executor = calloc(1, sizeof(*executor));

    if (!executor)
        return err_set(err, ERR_NOMEM, "executor: out of memory");
    if (init_lock(executor, err)) {
        free(executor);
        return -1;
    }
    if (schedule_init(&executor->schedule, args->max_batch_jobs, args->max_queue, err))
        goto fail;
    executor_set_options(executor, args->options, args->deadline);
    executor->schedule.heartbeat_us = clock_now_us();
    atomic_init(&executor->state, EXECUTOR_SERVING);
    atomic_init(&executor->heartbeat_us, executor->schedule.heartbeat_us);
    if (start_thread(executor, args, err))
        goto fail;
    *out = executor;
    return 0;
fail:
    free_executor(executor);
    return -1;
}

static void stop(struct executor *executor, int64_t drain_us, bool close)
{
    int64_t now_us = clock_now_us();

    pthread_mutex_lock(&executor->lock);
    schedule_stop(&executor->schedule, now_us, drain_us);
    if (close)
        schedule_close(&executor->schedule, now_us);
    atomic_store(&executor->state, schedule_state(&executor->schedule));
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

void executor_stop(struct executor *executor, int64_t drain_us)
{
    stop(executor, drain_us, false);
}

static void log_leaked(const struct executor *executor)
{
    log_error("executor_leaked", LOG_STR("backend", executor->backend),
              LOG_INT("batches", executor->schedule.n_launched + executor->schedule.n_abandoned),
              LOG_INT("engines", atomic_load(&executor->n_engines)));
}

/* -1: it has been found to hang in a call of the device, and still does. */
static int join(struct executor *executor)
{
    struct timespec until;

    if (!atomic_load(&executor->gave_up)) {
        pthread_join(executor->thread, NULL);
        return 0;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STUCK_CLOSE_S;
    return pthread_timedjoin_np(executor->thread, NULL, &until) ? -1 : 0;
}

int executor_close(struct executor *executor)
{
    stop(executor, 0, true);
    if (join(executor)) {
        log_leaked(executor);
        return -1;
    }
    if (executor->launcher) /* its threads may still read and write our memory */
        log_leaked(executor);
    else
        free_executor(executor);
    return 0;
}

/* ---- what others read and set ---------------------------------------------------------------- */

void executor_set_options(struct executor *executor, const struct executor_options *options,
                          const struct deadline_options *deadline)
{
    pthread_mutex_lock(&executor->lock);
    /* Jobs of a batch are bounded by its capacity alone. */
    schedule_set_options(&executor->schedule,
                         &(struct batch_options){.max_tokens = (int)options->max_tokens,
                                                 .max_queue = (int)options->max_queue,
                                                 .hang_us = options->hang_ms * 1000,
                                                 .min_us = deadline->min_ms * 1000,
                                                 .reserve_us = deadline->reserve_us});
    pthread_mutex_unlock(&executor->lock);
}

const struct device_caps *executor_caps(const struct executor *executor)
{
    return executor->caps;
}

const char *executor_backend(const struct executor *executor)
{
    return executor->backend;
}

void executor_readings(struct executor *executor, struct device_readings *out)
{
    launcher_readings(executor->launcher, out);
}

enum executor_state executor_state(const struct executor *executor)
{
    return atomic_load(&executor->state);
}

int64_t executor_heartbeat_us(const struct executor *executor)
{
    return atomic_load(&executor->heartbeat_us);
}

enum executor_failure executor_failure(struct executor *executor, struct err *text)
{
    enum executor_failure failure;

    pthread_mutex_lock(&executor->lock);
    failure = executor->failure;
    *text = executor->failure_err;
    pthread_mutex_unlock(&executor->lock);
    return failure;
}

int executor_queue_depth(struct executor *executor)
{
    int depth;

    pthread_mutex_lock(&executor->lock);
    depth = executor->schedule.queue.n;
    pthread_mutex_unlock(&executor->lock);
    return depth;
}
