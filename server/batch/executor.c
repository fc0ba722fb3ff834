#include "server/batch/executor.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/batch/executor_state.h"

#define IDLE_TURN_US 100000
#define LEAK_AFTER_US 1000000 /* of a close beyond the drain, for a batch that does not come back */

static void clamp_options(const struct executor *executor, struct batch_options *options)
{
    const struct executor_args *args = &executor->args;

    if (options->max_jobs < 1 || options->max_jobs > args->max_batch_jobs)
        options->max_jobs = args->max_batch_jobs;
    if (options->max_queue < 1 || options->max_queue > args->max_queue)
        options->max_queue = args->max_queue;
    options->min_us = options->min_us < 0 ? 0 : options->min_us;
    options->reserve_us = options->reserve_us < 0 ? 0 : options->reserve_us;
}

/* Under the lock, let go meanwhile: everything queued goes to each(). */
static void empty_queue(struct executor *executor,
                        void (*each)(struct executor *executor, struct batch_job *job))
{
    int n = executor->queue.n;

    for (int i = 0; i < n; i++) {
        executor->emptied[i] = queue_at(&executor->queue, 0);
        queue_remove(&executor->queue, 0);
    }
    pthread_mutex_unlock(&executor->lock);
    for (int i = 0; i < n; i++)
        each(executor, batch_job_of_work(executor->emptied[i]));
    pthread_mutex_lock(&executor->lock);
}

void executor_break(struct executor *executor, const struct err *err)
{
    pthread_mutex_lock(&executor->lock);
    if (!executor->broken) {
        executor->broken = true;
        atomic_store(&executor->state, EXECUTOR_BROKEN);
        log_error("backend_broken", LOG_STR("backend", executor->backend),
                  LOG_STR("error", err->text));
        executor->split.broken = true;
        split_end(executor);
        empty_queue(executor, executor_reroute);
    }
    pthread_mutex_unlock(&executor->lock);
}

static void return_failed(struct executor *executor, struct batch_job *job)
{
    executor_return(executor, job, JOB_FAILED);
}

static void on_progress(void *arg)
{
    struct executor *executor = arg;

    pthread_mutex_lock(&executor->lock);
    executor->progress = true;
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

/* Until somebody signals, or it is time to look again. */
static void wait_for_work(struct executor *executor)
{
    int64_t us =
        executor->n_launched && executor->caps->poll_us ? executor->caps->poll_us : IDLE_TURN_US;
    struct timespec until;

    if (executor->progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (us % 1000000) * 1000;
    until.tv_sec += us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&executor->wake, &executor->lock, &until);
}

/* One turn of the loop. True: look again at once. */
static bool turn(struct executor *executor)
{
    int64_t now_us = clock_now_us();

    executor->progress = false;
    if (executor->n_launched) {
        pthread_mutex_unlock(&executor->lock);
        int n = flights_complete(executor);
        pthread_mutex_lock(&executor->lock);
        if (n)
            return true;
        now_us = clock_now_us(); /* or a job that came meanwhile would be launched before it came */
    } else {
        atomic_store(&executor->heartbeat_us, now_us);
    }
    if (executor->stopping && executor->openings)
        openings_fail(executor, "stopping");
    if (executor->stopping && now_us >= executor->drain_until_us) {
        empty_queue(executor, return_failed);
        if (!executor->split.ended)
            executor->split.outcome = JOB_FAILED;
        split_end(executor);
    }
    if (background_due(executor, now_us)) {
        if (executor->n_launched)
            return false; /* no further batch until it had its turn */
        if (executor->broken && executor->openings)
            openings_fail(executor, "broken");
        else
            background_step(executor, now_us);
        return true;
    }
    return flight_launch(executor, now_us);
}

/* An engine counts as work: a job's letter goes out before its reference to the model goes, so the
 * last reference may still be on its way here from another thread. */
static bool finished(const struct executor *executor)
{
    bool busy = executor->n_launched || executor->split.job || executor->queue.n ||
                executor->n_engines || executor->openings;

    return executor->quit && (!busy || clock_now_us() > executor->leak_after_us);
}

static void *run(void *arg)
{
    struct executor *executor = arg;
    struct launcher_args launcher = executor->args.launcher;

    launcher.on_progress = on_progress;
    launcher.arg = executor;
    int rc = launcher_open(&launcher, &executor->launcher, &executor->start_err);
    pthread_mutex_lock(&executor->lock);
    if (rc == 0) {
        executor->caps = launcher_caps(executor->launcher);
        executor->backend = launcher_backend(executor->launcher);
        executor->max_launched = executor->caps->max_launched;
        if (executor->max_launched < 1 || executor->max_launched > EXECUTOR_MAX_LAUNCHED)
            executor->max_launched = executor->max_launched < 1 ? 1 : EXECUTOR_MAX_LAUNCHED;
    }
    executor->started = true;
    pthread_cond_broadcast(&executor->opened);
    while (rc == 0 && !finished(executor))
        if (!turn(executor))
            wait_for_work(executor);
    if (rc == 0 && !executor->n_launched && !executor->n_engines) {
        pthread_mutex_unlock(&executor->lock);
        launcher_close(executor->launcher);
        pthread_mutex_lock(&executor->lock);
        executor->launcher = NULL;
    }
    pthread_mutex_unlock(&executor->lock);
    return NULL;
}

static int init_lock(struct executor *executor, struct err *err)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0)
        return err_set(err, ERR_NOMEM, "executor: no condition variable");
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool ok = pthread_mutex_init(&executor->lock, NULL) == 0 &&
              pthread_cond_init(&executor->wake, &attr) == 0 &&
              pthread_cond_init(&executor->opened, NULL) == 0;
    pthread_condattr_destroy(&attr);
    return ok ? 0 : err_set(err, ERR_NOMEM, "executor: no lock");
}

static void free_executor(struct executor *executor)
{
    pthread_cond_destroy(&executor->opened);
    pthread_cond_destroy(&executor->wake);
    pthread_mutex_destroy(&executor->lock);
    flights_release(executor);
    queue_release(&executor->queue);
    free(executor);
}

static int start_thread(struct executor *executor, struct err *err)
{
    int rc = pthread_create(&executor->thread, NULL, run, executor);

    if (rc != 0)
        return err_set_no_thread(err, rc, "executor");
    pthread_mutex_lock(&executor->lock);
    while (!executor->started)
        pthread_cond_wait(&executor->opened, &executor->lock);
    pthread_mutex_unlock(&executor->lock);
    if (executor->launcher)
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
    executor->args = *args;
    executor->options = args->options;
    clamp_options(executor, &executor->options);
    executor->ratio = 1;
    gate_init(&executor->gate);
    hist_init(&executor->batch_tokens);
    hist_init(&executor->batch_requests);
    atomic_init(&executor->state, EXECUTOR_SERVING);
    atomic_init(&executor->heartbeat_us, clock_now_us());
    if (init_lock(executor, err)) {
        free(executor);
        return -1;
    }
    if (queue_init(&executor->queue, args->max_queue, err) || flights_init(executor, err) ||
        start_thread(executor, err)) {
        free_executor(executor);
        return -1;
    }
    *out = executor;
    return 0;
}

static void stop(struct executor *executor, int64_t drain_us, bool quit)
{
    pthread_mutex_lock(&executor->lock);
    if (!executor->stopping) {
        executor->stopping = true;
        executor->drain_until_us = clock_now_us() + drain_us;
        if (!executor->broken)
            atomic_store(&executor->state, EXECUTOR_STOPPING);
    }
    if (quit && !executor->quit) {
        int64_t now_us = clock_now_us(); /* a drain may have ended long before the close */
        int64_t from_us = now_us > executor->drain_until_us ? now_us : executor->drain_until_us;
        executor->leak_after_us = from_us + LEAK_AFTER_US;
        executor->quit = true;
    }
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

void executor_stop(struct executor *executor, int64_t drain_us)
{
    stop(executor, drain_us, false);
}

void executor_close(struct executor *executor)
{
    stop(executor, 0, true);
    pthread_join(executor->thread, NULL);
    if (executor->launcher) { /* its threads may still read and write what we own */
        log_error("executor_leaked", LOG_STR("backend", executor->backend),
                  LOG_INT("batches", executor->n_launched),
                  LOG_INT("engines", executor->n_engines));
        return;
    }
    free_executor(executor);
}

void executor_set_options(struct executor *executor, const struct batch_options *options)
{
    pthread_mutex_lock(&executor->lock);
    executor->options = *options;
    clamp_options(executor, &executor->options);
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

const struct device_caps *executor_caps(const struct executor *executor)
{
    return executor->caps;
}

const char *executor_backend(const struct executor *executor)
{
    return executor->backend;
}

int executor_queue_depth(struct executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    int depth = executor->queue.n;
    pthread_mutex_unlock(&executor->lock);
    return depth;
}

void executor_snapshot(struct executor *executor, struct executor_snapshot *out)
{
    pthread_mutex_lock(&executor->lock);
    out->queue_depth = executor->queue.n;
    out->launched = executor->n_launched;
    out->cost_estimate_ratio = executor->ratio;
    out->admitted = executor->admitted;
    out->refused = executor->refused;
    out->batch_tokens = executor->batch_tokens;
    out->batch_requests = executor->batch_requests;
    pthread_mutex_unlock(&executor->lock);
    for (int i = 0; i < JOB_OUTCOMES; i++)
        out->outcomes[i] = atomic_load_explicit(&executor->outcomes[i], memory_order_relaxed);
    out->late = atomic_load_explicit(&executor->late, memory_order_relaxed);
}
