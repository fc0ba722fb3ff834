/* Life cycle of a worker's request side, the worlds it receives and the memory it keeps. */
#include "server/request/worker.h"

#include <stdlib.h>

#include "base/log.h"
#include "server/batch/executor_options.h"
#include "server/request/stored_events.h"
#include "server/request/worker_state.h"

/* Between two turns of the loop a request waits for one of the worker's jobs or for the store, so
 * there are never more than these, and only lack of memory can refuse one. */
#define MAX_JOBS BATCH_MAX_QUEUE
#define MAX_REQUESTS (MAX_JOBS + STORE_MAX_IN_FLIGHT + 1) /* and the one that runs */

#define KEEP_SHARE 8 /* free requests of all workers may keep 1/8 of the budget; so may jobs */

static struct store_settings store_settings_of(const struct config *config, struct budget *memory,
                                               bool quiet)
{
    return (struct store_settings){
        .redis = config->features,
        .probe = &stored_events_probe,
        .memory = memory,
        .quiet = quiet,
    };
}

/* After each change of the budget's limit. */
static void set_keep(struct request_worker *rw)
{
    rw->pool.keep_bytes =
        (size_t)budget_limit(rw->memory) / KEEP_SHARE / (size_t)rw->worker->server->n_threads;
    rw->jobs.keep_bytes = (int64_t)rw->pool.keep_bytes;
}

static void on_lag(void *arg, int64_t lag_us)
{
    struct request_worker *rw = arg;

    metrics_observe(rw->shard, METRIC_LOOP_LAG, 0, lag_us);
}

int request_worker_new(const struct request_worker_args *args, struct request_worker **out,
                       struct err *err)
{
    const struct store_settings settings = store_settings_of(args->config, args->memory, true);
    struct request_worker *rw = calloc(1, sizeof(*rw));

    if (!rw)
        return err_set(err, ERR_NOMEM, "worker: out of memory");
    rw->worker = args->worker;
    rw->shard = args->shard;
    rw->impressions = args->impressions;
    rw->memory = args->memory;
    rw->quiet = true;
    rng_init(&rw->rng, args->seed);
    request_pool_init(&rw->pool, rw, args->memory, MAX_REQUESTS);
    if (batch_jobs_init(&rw->jobs, MAX_JOBS, args->memory, err) ||
        store_new(&args->worker->loop, &settings, args->seed, &rw->store, err)) {
        request_worker_free(rw);
        return -1;
    }
    set_keep(rw);
    args->worker->loop.on_lag = on_lag;
    args->worker->loop.on_lag_arg = rw;
    *out = rw;
    return 0;
}

void request_worker_drop_world(struct request_worker *rw)
{
    if (!rw)
        return;
    mailbox_drain(&rw->worker->loop.mailbox, rw->worker);
    store_free(rw->store); /* its strings are the world's */
    rw->store = NULL;
    world_unref(rw->world);
    rw->world = NULL;
}

void request_worker_free(struct request_worker *rw)
{
    if (!rw)
        return;
    mailbox_drain(&rw->worker->loop.mailbox, rw->worker);
    store_free(rw->store);
    if (rw->jobs.n_free == rw->jobs.n)
        batch_jobs_release(&rw->jobs);
    else /* a hung device may still read and write them */
        log_error("jobs_leaked", LOG_INT("jobs", rw->jobs.n - rw->jobs.n_free));
    request_pool_release(&rw->pool);
    buf_release(&rw->body);
    buf_release(&rw->line);
    free(rw);
}

static void set_store(struct request_worker *rw)
{
    const struct store_settings settings =
        store_settings_of(rw->world->config, rw->memory, rw->quiet);

    store_set(rw->store, &settings);
}

static void on_world(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);
    struct world *old = rw->world;

    rw->world = ((struct world_letter *)(void *)letter)->world;
    rw->worker->pool.limits = net_limits_of(&rw->world->config->http);
    set_keep(rw);
    if (budget_is_short(rw->memory)) /* the limit may have been lowered */
        request_worker_on_reclaim(rw);
    set_store(rw);
    world_unref(old); /* last: nothing points into it any more */
}

static void on_may_log(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);

    (void)letter;
    rw->quiet = false;
    if (rw->world) /* else the next world sets it */
        set_store(rw);
}

void request_worker_publish(struct request_worker *rw, struct world *world)
{
    struct letter *letter = &world_ref(world)->letters[rw->worker->index].letter;

    letter->deliver = on_world;
    loop_post(&rw->worker->loop, letter);
}

void request_worker_may_log(struct request_worker *rw)
{
    rw->may_log.deliver = on_may_log;
    loop_post(&rw->worker->loop, &rw->may_log);
}

void request_worker_on_reclaim(void *user)
{
    struct request_worker *rw = user;

    request_pool_reclaim(&rw->pool);
    batch_jobs_reclaim(&rw->jobs);
}

static void on_reclaim(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);

    (void)letter;
    atomic_store(&rw->reclaim_posted, false);
    request_worker_on_reclaim(rw);
    buffers_release(&rw->worker->pool.buffers);
}

void request_worker_reclaim_soon(struct request_worker *rw)
{
    if (atomic_exchange(&rw->reclaim_posted, true))
        return;
    rw->reclaim.deliver = on_reclaim;
    loop_post(&rw->worker->loop, &rw->reclaim);
}

void request_worker_on_response(void *user, int path, int status, int64_t duration_us)
{
    struct request_worker *rw = user;

    metrics_count(rw->shard, METRIC_REQUESTS,
                  metrics_request_label(status, (enum metrics_path)path), 1);
    metrics_observe(rw->shard, METRIC_REQUEST_DURATION, 0, duration_us);
}

void request_worker_on_evicted(void *user)
{
    struct request_worker *rw = user;

    metrics_count(rw->shard, METRIC_CONNECTIONS_EVICTED, 0, 1);
}

const struct store *request_worker_store(const struct request_worker *rw)
{
    return rw->store;
}
