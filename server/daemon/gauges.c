#include "base/log.h"
#include "server/daemon/state.h"
#include "server/world/catalog_state.h"

static void collect_connections(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;

    metrics_emit(out, NULL, 0, (double)server_connections(&d->server));
}

static void collect_queue(struct metrics_out *out, void *arg)
{
    struct daemon *d = arg;

    metrics_emit(out, NULL, 0, (double)executor_queue_depth(d->executor));
}

static void collect_redis_configured(struct metrics_out *out, void *arg)
{
    metrics_emit(out, NULL, 0, daemon_redis(arg) != HEALTH_REDIS_NONE);
}

/* Of the worker that is worst off; nothing where no Redis is wanted. */
static void collect_redis_up(struct metrics_out *out, void *arg)
{
    const enum health_redis state = daemon_redis(arg);

    if (state != HEALTH_REDIS_NONE)
        metrics_emit(out, NULL, 0, state == HEALTH_REDIS_UP);
}

static void collect_breaker(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;
    enum breaker_state worst = BREAKER_CLOSED;

    for (int i = 0; i < d->server.n_threads; i++) {
        enum breaker_state state = request_worker_breaker(d->workers[i]);

        worst = state > worst ? state : worst;
    }
    metrics_emit(out, NULL, 0, (double)worst);
}

static struct metrics_label label(const char *name, const char *value)
{
    return (struct metrics_label){name, view_of(value)};
}

static void collect_model(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;

    if (!d->world)
        return;
    metrics_emit(out,
                 (struct metrics_label[]){
                     label("name", model_name(world_model(d->world)->model)),
                     label("version", model_version(world_model(d->world)->model)),
                     label("digest", model_digest(world_model(d->world)->model)),
                     label("kind", model_kind(world_model(d->world)->model)),
                     label("precision",
                           precision_names[served_model_precision(world_model(d->world)->served)]),
                     label("backend", executor_backend(d->executor)),
                 },
                 6, 1);
}

static bool read_catalog(const struct daemon *d, struct catalog_state *out)
{
    if (!d->world)
        return false;
    *out = catalog_state_now(d->world->catalog, d->world->catalog_modified_ms);
    return true;
}

static void collect_ads(struct metrics_out *out, void *arg)
{
    struct catalog_state state;

    if (read_catalog(arg, &state))
        metrics_emit(out, NULL, 0, state.ads);
}

static void collect_eligible(struct metrics_out *out, void *arg)
{
    struct catalog_state state;

    if (read_catalog(arg, &state))
        metrics_emit(out, NULL, 0, state.eligible);
}

static void collect_age(struct metrics_out *out, void *arg)
{
    struct catalog_state state;

    if (read_catalog(arg, &state))
        metrics_emit(out, NULL, 0, (double)state.age_s);
}

static void collect_build(struct metrics_out *out, void *arg)
{
    (void)arg;
    metrics_emit(
        out,
        (struct metrics_label[]){label("version", ADRANK_VERSION), label("compiler", __VERSION__)},
        2, 1);
}

static void collect_log_dropped(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;

    metrics_emit(out, NULL, 0, (double)(log_dropped() + impression_log_dropped(d->impressions)));
}

static void collect_impressions_failed(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;

    metrics_emit(out, NULL, 0, (double)impression_log_dropped(d->impressions));
}

static void collect_memory(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;
    int64_t bytes[BUDGET_KINDS];

    budget_read(&d->memory, bytes);
    for (int kind = 0; kind < BUDGET_KINDS; kind++)
        metrics_emit(out, (struct metrics_label[]){label("kind", budget_kind_names[kind])}, 1,
                     (double)bytes[kind]);
}

static void collect_memory_limit(struct metrics_out *out, void *arg)
{
    const struct daemon *d = arg;

    metrics_emit(out, NULL, 0, (double)budget_limit(&d->memory));
}

void daemon_collect(struct daemon *d)
{
    metrics_collect(&d->metrics, METRIC_CONNECTIONS, collect_connections, d);
    metrics_collect(&d->metrics, METRIC_MEMORY, collect_memory, d);
    metrics_collect(&d->metrics, METRIC_MEMORY_LIMIT, collect_memory_limit, d);
    metrics_collect(&d->metrics, METRIC_QUEUE_DEPTH, collect_queue, d);
    metrics_collect(&d->metrics, METRIC_REDIS_CONFIGURED, collect_redis_configured, d);
    metrics_collect(&d->metrics, METRIC_REDIS_UP, collect_redis_up, d);
    metrics_collect(&d->metrics, METRIC_REDIS_BREAKER_STATE, collect_breaker, d);
    metrics_collect(&d->metrics, METRIC_CATALOG_ADS, collect_ads, d);
    metrics_collect(&d->metrics, METRIC_CATALOG_ELIGIBLE_ADS, collect_eligible, d);
    metrics_collect(&d->metrics, METRIC_CATALOG_AGE, collect_age, d);
    metrics_collect(&d->metrics, METRIC_MODEL_INFO, collect_model, d);
    metrics_collect(&d->metrics, METRIC_BUILD_INFO, collect_build, d);
    metrics_collect(&d->metrics, METRIC_LOG_DROPPED, collect_log_dropped, d);
    metrics_collect(&d->metrics, METRIC_LOG_IMPRESSIONS_FAILED, collect_impressions_failed, d);
    metrics_collect_process(&d->metrics);
    metrics_set(&d->metrics, METRIC_CONFIG_GENERATION, 0);
    metrics_set(&d->metrics, METRIC_RELOAD_SUCCESS, 0);
    metrics_set(&d->metrics, METRIC_RELOAD_TIMESTAMP, 0);
}
