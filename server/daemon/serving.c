/* The part of the daemon that answers requests: opened, given worlds, closed. */
#include "server/daemon/serving.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/batch/executor_options.h"
#include "server/request/request.h"
#include "server/request/wire.h"

#define EXECUTOR_DRAIN_US 1000000

/* ---- the executors --------------------------------------------------------------------------- */

static int threads_of(const struct model_options *model)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (model->threads)
        return (int)model->threads;
    return cores > 2 ? (int)cores - 1 : 1;
}

static void on_batch(void *arg, const struct batch_stats *stats)
{
    const struct executor_meter *meter = arg;
    struct metrics_shard *shard = meter->shard;

    atomic_store_explicit(&meter->serving->batch_us, clock_now_us(), memory_order_relaxed);
    metrics_count(shard, METRIC_BATCH_RUNG_TOKENS, 0, (uint64_t)stats->rung_tokens);
    metrics_observe(shard, METRIC_BATCH_DURATION, 0, stats->took_us);
    metrics_observe(shard, METRIC_BATCH_TOKENS, 0, stats->tokens);
    metrics_observe(shard, METRIC_BATCH_REQUESTS, 0, stats->requests);
    metrics_observe(shard, METRIC_COST_RATIO, 0, (int64_t)(stats->cost_ratio * 1000));
}

static int open_executor(struct executor_meter *meter, const struct config *config,
                         const char *backend, struct executor **out, struct err *err)
{
    const struct model_options *model = &config->model;

    meter->shard = metrics_shard_new(&meter->serving->metrics, err);
    if (!meter->shard)
        return -1;
    return executor_open(&(struct executor_args){.launcher = {.backend = backend,
                                                              .device = model->device,
                                                              .linear = "",
                                                              .threads = threads_of(model)},
                                                 .max_queue = BATCH_MAX_QUEUE,
                                                 .max_batch_jobs = BATCH_MAX_JOBS,
                                                 .options = &config->batch,
                                                 .deadline = &config->deadline,
                                                 .on_batch = on_batch,
                                                 .on_batch_arg = meter},
                         out, err);
}

/* The processor has no other to fall back on. */
static int open_executors(struct serving *s, const struct serving_args *args, struct err *err)
{
    const struct config *config = args->config;
    const char *backend = args->backend ? args->backend : config->model.backend;

    s->meters[0].serving = s->meters[1].serving = s;
    if (open_executor(&s->meters[0], config, backend, &s->executor, err))
        return -1;
    if (strcmp(executor_backend(s->executor), "cpu") == 0 ||
        config->model.on_device_failure != DEVICE_FAILURE_CPU)
        return 0;
    return open_executor(&s->meters[1], config, "cpu", &s->fallback, err);
}

/* ---- the server and its workers -------------------------------------------------------------- */

static int open_server(struct serving *s, const struct serving_args *args, struct err *err)
{
    const struct http_options *http = &args->config->http;
    struct health *health = args->health;

    budget_init(&s->memory, http->memory_bytes, http->max_body_bytes);
    s->routes[0] =
        (struct http_route){"POST", "/rank", request_handle, (void *)&wire_native, PATH_RANK};
    s->routes[1] = (struct http_route){"GET", "/livez", health_handle_live, health, PATH_LIVEZ};
    s->routes[2] = (struct http_route){"GET", "/readyz", health_handle_ready, health, PATH_READYZ};
    if (server_open(&s->server,
                    &(struct server_args){.accept_loop = args->loop,
                                          .options = http,
                                          .memory = &s->memory,
                                          .routes = s->routes,
                                          .n_routes = 3,
                                          .hooks = {.on_response = request_worker_on_response,
                                                    .on_evicted = request_worker_on_evicted,
                                                    .reclaim = request_worker_on_reclaim}},
                    err))
        return -1;
    s->has_server = true;
    return 0;
}

static int open_worker(struct serving *s, const struct serving_args *args, int index,
                       struct err *err)
{
    struct metrics_shard *shard = metrics_shard_new(&s->metrics, err);
    struct net_thread *thread = &s->server.threads[index];

    if (!shard ||
        request_worker_new(
            &(struct request_worker_args){.worker = thread,
                                          .config = args->config,
                                          .shard = shard,
                                          .memory = &s->memory,
                                          .impressions = s->impressions,
                                          .seed = (uint64_t)clock_now_us() + (uint64_t)index},
            &s->workers[index], err))
        return -1;
    thread->pool.user = s->workers[index];
    return 0;
}

static int open_workers(struct serving *s, const struct serving_args *args, struct err *err)
{
    s->workers = calloc((size_t)s->server.n_threads, sizeof(struct request_worker *));
    if (!s->workers)
        return err_set(err, ERR_NOMEM, "workers: out of memory");
    for (int i = 0; i < s->server.n_threads; i++)
        if (open_worker(s, args, i, err))
            return -1;
    return 0;
}

enum health_redis serving_redis(void *arg)
{
    const struct serving *s = arg;

    if (!store_configured(request_worker_store(s->workers[0])))
        return HEALTH_REDIS_NONE;
    for (int i = 0; i < s->server.n_threads; i++)
        if (!store_up(request_worker_store(s->workers[i])))
            return HEALTH_REDIS_DOWN;
    return HEALTH_REDIS_UP;
}

/* ---- life ------------------------------------------------------------------------------------ */

int serving_open(struct serving *s, const struct serving_args *args, struct err *err)
{
    *s = (struct serving){0};
    metrics_init(&s->metrics);
    if (impression_log_new(&s->impressions, err) || open_server(s, args, err) ||
        open_executors(s, args, err))
        return -1;
    return open_workers(s, args, err);
}

void serving_publish(struct serving *s, struct world *world)
{
    const struct config *config = world->config;
    const struct net_limits limits = net_limits_of(&config->http);

    budget_set_limit(&s->memory, config->http.memory_bytes, config->http.max_body_bytes);
    executor_set_options(s->executor, &config->batch, &config->deadline);
    if (s->fallback)
        executor_set_options(s->fallback, &config->batch, &config->deadline);
    for (int i = 0; i < s->server.n_threads; i++)
        request_worker_publish(s->workers[i], world);
    server_set_limits(&s->server, &limits); /* after the letters: may make threads close some */
}

void serving_stop(struct serving *s)
{
    if (s->executor)
        executor_stop(s->executor, EXECUTOR_DRAIN_US);
    if (s->fallback)
        executor_stop(s->fallback, EXECUTOR_DRAIN_US);
    if (s->has_server)
        server_stop(&s->server);
}

/* The executor first: its last jobs may go to the fallback. */
static int close_executors(struct serving *s)
{
    const int rc = s->executor ? executor_close(s->executor) : 0;

    if (s->fallback && executor_close(s->fallback))
        return -1;
    return rc;
}

/* Workers drop their worlds before the executors close; their jobs then return to their mailboxes,
 * and only after that the memory of both is freed. */
int serving_close(struct serving *s)
{
    const int n = s->workers ? s->server.n_threads : 0;

    for (int i = 0; i < n; i++)
        request_worker_drop_world(s->workers[i]);
    if (close_executors(s))
        return -1;
    for (int i = 0; i < n; i++)
        request_worker_free(s->workers[i]);
    free(s->workers);
    if (s->has_server)
        server_close(&s->server);
    impression_log_free(s->impressions);
    metrics_release(&s->metrics);
    return 0;
}
