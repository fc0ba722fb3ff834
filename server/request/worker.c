#include <stdlib.h>

#include "base/bug.h"
#include "base/log.h"
#include "server/batch/capacity.h"
#include "server/request/request_state.h"
#include "server/request/stored_events.h"

/* A request that is in work between two turns of the loop waits for a job of the worker's or is a call
 * at the store: more than these never are, so that only memory can refuse one. */
#define MAX_JOBS BATCH_MAX_QUEUE
#define CHUNK 64
#define MAX_REQUESTS (MAX_JOBS + STORE_MAX_IN_FLIGHT + CHUNK) /* and the one that runs */

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
    if (batch_jobs_init(&rw->jobs, MAX_JOBS, args->memory, err) ||
        store_new(&args->worker->loop, &settings, args->seed, &rw->store, err)) {
        request_worker_free(rw);
        return -1;
    }
    request_worker_set_keep(rw);
    loop_on_lag(&args->worker->loop, on_lag, rw);
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
    else /* a device that hangs may still read and write them */
        log_error("jobs_leaked", LOG_INT("jobs", rw->jobs.n - rw->jobs.n_free));
    for (uint32_t i = 0; i < rw->n_slots; i++) {
        arena_release(&rw->slots[i]->arena);
        if (i % CHUNK == CHUNK - 1)
            free(rw->slots[i - (CHUNK - 1)]);
    }
    free(rw->slots);
    buf_release(&rw->body);
    buf_release(&rw->line);
    free(rw);
}

/* Requests are made in chunks that stay: a slot's address and number never change. */
int request_worker_more(struct request_worker *rw)
{
    struct request **slots;
    struct request *chunk;

    BUG_ON(rw->n_slots >= MAX_REQUESTS);
    slots = realloc(rw->slots, (rw->n_slots + CHUNK) * sizeof(struct request *));
    if (!slots)
        return -1;
    rw->slots = slots;
    chunk = calloc(CHUNK, sizeof(*chunk));
    if (!chunk)
        return -1;
    for (uint32_t i = 0; i < CHUNK; i++) {
        request_init(&chunk[i], rw, rw->n_slots);
        rw->slots[rw->n_slots++] = &chunk[i];
        chunk[i].next_free = rw->cold;
        rw->cold = &chunk[i];
    }
    return 0;
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
    struct net_limits limits;

    rw->world = ((struct world_letter *)(void *)letter)->world;
    limits = net_limits_of(&rw->world->config->http);
    connection_pool_set_limits(&rw->worker->pool, &limits);
    request_worker_set_keep(rw);
    if (budget_is_short(rw->memory)) /* perhaps by a limit that is less now */
        request_worker_reclaim(rw);
    set_store(rw);
    world_unref(old); /* last: nothing points into it any more */
}

static void on_may_log(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);

    (void)letter;
    rw->quiet = false;
    if (rw->world) /* else with the next one that reaches it */
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

void request_worker_on_answer(struct request_worker *rw, enum metrics_path path, int status,
                              int64_t duration_us)
{
    metrics_count(rw->shard, METRIC_REQUESTS, metrics_request_label(status, path), 1);
    metrics_observe(rw->shard, METRIC_REQUEST_DURATION, 0, duration_us);
}

void request_worker_on_evicted(struct request_worker *rw)
{
    metrics_count(rw->shard, METRIC_CONNECTIONS_EVICTED, 0, 1);
}

bool request_worker_redis_configured(const struct request_worker *rw)
{
    return store_configured(rw->store);
}

bool request_worker_redis_up(const struct request_worker *rw)
{
    return store_up(rw->store);
}

enum breaker_state request_worker_breaker(const struct request_worker *rw)
{
    return store_breaker(rw->store);
}
