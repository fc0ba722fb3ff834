/* Gauges that are read at the moment /metrics is asked for. */
#include "server/daemon/gauges.h"

#include "base/log.h"
#include "server/world/catalog_state.h"

static void collect_connections(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;

    metrics_emit(out, NULL, 0, (double)server_connections(&g->serving->server));
}

static void collect_queue(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;

    metrics_emit(out, NULL, 0, (double)executor_queue_depth(g->serving->executor));
}

static enum health_redis redis_of(const struct gauges *g)
{
    return serving_redis(g->serving);
}

static void collect_redis_configured(struct metrics_out *out, void *arg)
{
    metrics_emit(out, NULL, 0, redis_of(arg) != HEALTH_REDIS_NONE);
}

/* Of the worker that is worst off; nothing where no Redis is wanted. */
static void collect_redis_up(struct metrics_out *out, void *arg)
{
    const enum health_redis state = redis_of(arg);

    if (state != HEALTH_REDIS_NONE)
        metrics_emit(out, NULL, 0, state == HEALTH_REDIS_UP);
}

static void collect_breaker(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    enum breaker_state worst = BREAKER_CLOSED;

    for (int i = 0; i < g->serving->server.n_threads; i++) {
        enum breaker_state state = request_worker_breaker(g->serving->workers[i]);

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
    const struct gauges *g = arg;

    if (!g->publisher->world)
        return;
    metrics_emit(
        out,
        (struct metrics_label[]){
            label("name", model_name(world_model(g->publisher->world)->model)),
            label("version", model_version(world_model(g->publisher->world)->model)),
            label("digest", model_digest(world_model(g->publisher->world)->model)),
            label("kind", model_kind(world_model(g->publisher->world)->model)),
            label(
                "precision",
                precision_names[served_model_precision(world_model(g->publisher->world)->served)]),
            label("backend", executor_backend(g->serving->executor)),
        },
        6, 1);
}

static bool read_catalog(const struct gauges *g, struct catalog_state *out)
{
    if (!g->publisher->world)
        return false;
    *out =
        catalog_state_now(g->publisher->world->catalog, g->publisher->world->catalog_modified_ms);
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
    const struct gauges *g = arg;

    metrics_emit(out, NULL, 0,
                 (double)(log_dropped() + impression_log_dropped(g->serving->impressions)));
}

static void collect_impressions_failed(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;

    metrics_emit(out, NULL, 0, (double)impression_log_dropped(g->serving->impressions));
}

static void collect_memory(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    int64_t bytes[BUDGET_KINDS];

    budget_read(&g->serving->memory, bytes);
    for (int kind = 0; kind < BUDGET_KINDS; kind++)
        metrics_emit(out, (struct metrics_label[]){label("kind", budget_kind_names[kind])}, 1,
                     (double)bytes[kind]);
}

static void collect_memory_limit(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;

    metrics_emit(out, NULL, 0, (double)budget_limit(&g->serving->memory));
}

void gauges_open(struct gauges *g)
{
    struct metrics *metrics = &g->serving->metrics;

    metrics_collect(metrics, METRIC_CONNECTIONS, collect_connections, g);
    metrics_collect(metrics, METRIC_MEMORY, collect_memory, g);
    metrics_collect(metrics, METRIC_MEMORY_LIMIT, collect_memory_limit, g);
    metrics_collect(metrics, METRIC_QUEUE_DEPTH, collect_queue, g);
    metrics_collect(metrics, METRIC_REDIS_CONFIGURED, collect_redis_configured, g);
    metrics_collect(metrics, METRIC_REDIS_UP, collect_redis_up, g);
    metrics_collect(metrics, METRIC_REDIS_BREAKER_STATE, collect_breaker, g);
    metrics_collect(metrics, METRIC_CATALOG_ADS, collect_ads, g);
    metrics_collect(metrics, METRIC_CATALOG_ELIGIBLE_ADS, collect_eligible, g);
    metrics_collect(metrics, METRIC_CATALOG_AGE, collect_age, g);
    metrics_collect(metrics, METRIC_MODEL_INFO, collect_model, g);
    metrics_collect(metrics, METRIC_BUILD_INFO, collect_build, g);
    metrics_collect(metrics, METRIC_LOG_DROPPED, collect_log_dropped, g);
    metrics_collect(metrics, METRIC_LOG_IMPRESSIONS_FAILED, collect_impressions_failed, g);
    metrics_collect_process(metrics);
    metrics_set(metrics, METRIC_CONFIG_GENERATION, 0);
    metrics_set(metrics, METRIC_RELOAD_SUCCESS, 0);
    metrics_set(metrics, METRIC_RELOAD_TIMESTAMP, 0);
}
