#include "server/daemon/daemon.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/batch/capacity.h"
#include "server/daemon/state.h"

#define EXECUTOR_DRAIN_US 1000000
#define CLOSE_AT_MOST_S                                                                            \
    8 /* leaks take two or three; with drain_max_ms within what the unit file gives */

static int threads_of(const struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (config->model.threads)
        return (int)config->model.threads;
    return cores > 2 ? (int)cores - 1 : 1;
}

static void on_batch(void *arg, const struct batch_stats *stats)
{
    struct metrics_shard *shard = arg;

    metrics_observe(shard, METRIC_BATCH_TOKENS, 0, stats->tokens);
    metrics_observe(shard, METRIC_BATCH_REQUESTS, 0, stats->requests);
    metrics_observe(shard, METRIC_COST_RATIO, 0, (int64_t)(stats->cost_ratio * 1000));
}

static int open_executor(struct daemon *d, struct err *err)
{
    d->executor_shard = metrics_shard_new(&d->metrics, err);
    if (!d->executor_shard)
        return -1;
    return executor_open(&(struct executor_args){.launcher = {.backend = d->config->model.backend,
                                                              .device = "",
                                                              .linear = "",
                                                              .threads = threads_of(d->config)},
                                                 .max_queue = BATCH_MAX_QUEUE,
                                                 .max_batch_jobs = BATCH_MAX_JOBS,
                                                 .options = daemon_batch_options(d->config),
                                                 .on_batch = on_batch,
                                                 .on_batch_arg = d->executor_shard},
                         &d->executor, err);
}

static void on_answer(void *user, int label, int status, int64_t duration_us)
{
    request_worker_on_answer(user, (enum metrics_path)label, status, duration_us);
}

static void on_evicted(void *user)
{
    request_worker_on_evicted(user);
}

static int open_server(struct daemon *d, struct err *err)
{
    budget_init(&d->memory, d->config->http.memory_bytes, d->config->http.max_body_bytes);
    d->routes[0] = (struct http_route){"POST", "/rank", request_handle, NULL, PATH_RANK};
    d->routes[1] = (struct http_route){"GET", "/livez", health_handle_live, &d->health, PATH_LIVEZ};
    d->routes[2] =
        (struct http_route){"GET", "/readyz", health_handle_ready, &d->health, PATH_READYZ};
    if (server_open(&d->server,
                    &(struct server_args){.accept_loop = &d->loop,
                                          .options = &d->config->http,
                                          .memory = &d->memory,
                                          .routes = d->routes,
                                          .n_routes = 3,
                                          .hooks = {.on_response = on_answer,
                                                    .on_evicted = on_evicted,
                                                    .reclaim = request_worker_on_reclaim}},
                    err))
        return -1;
    d->has_server = true;
    return 0;
}

static int open_workers(struct daemon *d, struct err *err)
{
    d->workers = calloc((size_t)d->server.n_threads, sizeof(struct request_worker *));
    if (!d->workers)
        return err_set(err, ERR_NOMEM, "workers: out of memory");
    for (int i = 0; i < d->server.n_threads; i++) {
        struct metrics_shard *shard = metrics_shard_new(&d->metrics, err);
        struct net_thread *worker = server_thread(&d->server, i);

        if (!shard ||
            request_worker_new(
                &(struct request_worker_args){.worker = worker,
                                              .config = d->config,
                                              .shard = shard,
                                              .memory = &d->memory,
                                              .impressions = d->impressions,
                                              .seed = (uint64_t)clock_now_us() + (uint64_t)i},
                &d->workers[i], err))
            return -1;
        net_thread_set_user(worker, d->workers[i]);
    }
    return 0;
}

enum health_redis daemon_redis(void *arg)
{
    const struct daemon *d = arg;

    if (!request_worker_redis_configured(d->workers[0]))
        return HEALTH_REDIS_NONE;
    for (int i = 0; i < d->server.n_threads; i++)
        if (!request_worker_redis_up(d->workers[i]))
            return HEALTH_REDIS_DOWN;
    return HEALTH_REDIS_UP;
}

static int open_admin(struct daemon *d, struct err *err)
{
    return admin_open(&(struct admin_args){.loop = &d->loop,
                                           .options = &d->config->admin,
                                           .http = &d->config->http,
                                           .health = &d->health,
                                           .metrics = &d->metrics,
                                           .actions = daemon_actions(d)},
                      &d->admin, err);
}

/* What a configuration names outside of the process: the last thing that may fail in a reload. */
static int prepare(void *arg, const struct config *config, struct err *err)
{
    struct daemon *d = arg;

    if (impression_log_open(d->impressions, config->log.impressions, err))
        return err_prefix(err, "%s: /log/impressions", config->file);
    return 0;
}

static int open_loader(struct daemon *d, struct err *err)
{
    return loader_open(&(struct loader_args){.config = {.file = d->arguments->config_file,
                                                        .sets = d->arguments->sets,
                                                        .n_sets = d->arguments->n_sets},
                                             .executor = d->executor,
                                             .home = &d->loop.mailbox,
                                             .prepare = prepare,
                                             .arg = d},
                       &d->loader, err);
}

static int open_base(struct daemon *d, struct err *err)
{
    daemon_raise_descriptors();
    if (daemon_block_signals(err) || loop_init(&d->loop, d, err))
        return -1;
    d->has_loop = true;
    metrics_init(&d->metrics);
    d->has_metrics = true;
    return impression_log_new(&d->impressions, err);
}

static void open_health(struct daemon *d)
{
    health_init(&d->health, &(struct health_args){.server = &d->server,
                                                  .executor = d->executor,
                                                  .options = &d->config->admin,
                                                  .redis = daemon_redis,
                                                  .arg = d});
    d->has_health = true;
}

static int open_all(struct daemon *d, struct err *err)
{
    if (open_base(d, err) || open_server(d, err) || open_executor(d, err))
        return -1;
    open_health(d);
    if (open_workers(d, err) || open_admin(d, err) || daemon_watch_signals(d, err) ||
        open_loader(d, err))
        return -1;
    daemon_collect(d);
    daemon_watch_memory(d);
    return server_start(&d->server, err);
}

/* Reverse of open_all. Workers end before the executor: their jobs come back to mailboxes nobody reads any more,
 * and the memory of both is freed after that. */
static void close_all(struct daemon *d)
{
    d->stopping = true;
    daemon_release_signals();
    daemon_unwatch_memory(d);
    alarm(CLOSE_AT_MOST_S);
    if (d->executor)
        executor_stop(d->executor, EXECUTOR_DRAIN_US);
    if (d->has_server)
        server_stop(&d->server);
    loader_stop(d->loader);
    daemon_unwatch_signals(d);
    if (d->has_loop)
        mailbox_drain(&d->loop.mailbox, d); /* a load that ended meanwhile */
    loader_close(d->loader);
    admin_close(d->admin);
    if (d->has_health)
        health_release(&d->health);
    for (int i = 0; d->workers && i < d->server.n_threads; i++)
        request_worker_drop_world(d->workers[i]);
    world_unref(d->world);
    if (d->executor)
        executor_close(d->executor);
    for (int i = 0; d->workers && i < d->server.n_threads; i++)
        request_worker_free(d->workers[i]);
    free(d->workers);
    if (d->has_server)
        server_close(&d->server);
    impression_log_free(d->impressions);
    if (d->has_metrics)
        metrics_release(&d->metrics);
    if (d->has_loop)
        loop_release(&d->loop);
    config_unref(d->config);
    alarm(0);
}

int daemon_run(const struct arguments *arguments, struct config *config, struct err *err)
{
    struct daemon *d = calloc(1, sizeof(*d));
    int rc = -1;

    if (!d) {
        config_unref(config);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    d->arguments = arguments;
    d->config = config;
    if (open_all(d, err))
        goto out;
    if (loader_start(d->loader, NULL, d->config, false, daemon_on_loaded)) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto out;
    }
    loop_run(&d->loop);
    rc = d->failed;
    if (rc)
        *err = d->err;
out:
    close_all(d);
    free(d);
    return rc;
}
