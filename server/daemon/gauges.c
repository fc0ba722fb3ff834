/* Reads gauges at the moment /metrics is written. */
#include "server/daemon/gauges.h"

#include <math.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/world/catalog_state.h"

/* ---- samples with labels --------------------------------------------------------------------- */

static struct metrics_label label(const char *name, const char *value)
{
    return (struct metrics_label){name, view_of(value)};
}

static void collect_model(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    const struct world *world = g->publisher->world;
    const struct served_engine *engine;

    if (!world)
        return;
    engine = served_model_engine(world_model(world)->served);
    metrics_emit(out,
                 (struct metrics_label[]){
                     label("name", model_name(world_model(world)->model)),
                     label("version", model_version(world_model(world)->model)),
                     label("digest", model_digest(world_model(world)->model)),
                     label("kind", model_kind(world_model(world)->model)),
                     label("precision", precision_names[engine->caps->precision]),
                     label("activation", engine->gelu->name),
                     label("backend", executor_backend(engine->executor)),
                 },
                 7, 1);
}

/* A sample for each reason. */
static void collect_device(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    struct err text;
    const enum executor_failure failure = executor_failure(g->serving->executor, &text);

    for (int why = EXECUTOR_FAILURE_NONE + 1; why < EXECUTOR_FAILURES; why++)
        metrics_emit(out, (struct metrics_label[]){label("reason", executor_failure_names[why])}, 1,
                     failure == (enum executor_failure)why);
}

static void collect_build(struct metrics_out *out, void *arg)
{
    (void)arg;
    metrics_emit(
        out,
        (struct metrics_label[]){label("version", ADRANK_VERSION), label("compiler", __VERSION__)},
        2, 1);
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

static void collect_device_memory(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    const struct device_readings readings = device_watch_read(g->device);

    if (isnan(readings.values[READING_MEMORY_TOTAL]))
        return;
    metrics_emit(out, (struct metrics_label[]){label("kind", "used")}, 1,
                 readings.values[READING_MEMORY_USED]);
    metrics_emit(out, (struct metrics_label[]){label("kind", "total")}, 1,
                 readings.values[READING_MEMORY_TOTAL]);
}

static void collect_throttling(struct metrics_out *out, void *arg)
{
    const struct gauges *g = arg;
    const struct device_readings readings = device_watch_read(g->device);

    for (int i = 0; i < METRICS_THROTTLES; i++)
        if (!isnan(readings.values[READING_THROTTLED_POWER + i]))
            metrics_emit(out, (struct metrics_label[]){label("reason", metrics_throttle_names[i])},
                         1, readings.values[READING_THROTTLED_POWER + i]);
}

/* ---- single samples -------------------------------------------------------------------------- */

static enum breaker_state worst_breaker(const struct serving *serving)
{
    enum breaker_state worst = BREAKER_CLOSED;

    for (int i = 0; i < serving->server.n_threads; i++) {
        enum breaker_state state = store_breaker(request_worker_store(serving->workers[i]));

        worst = state > worst ? state : worst;
    }
    return worst;
}

static void set_redis(struct metrics *metrics, struct serving *serving)
{
    const enum health_redis redis = serving_redis(serving);

    metrics_set(metrics, METRIC_REDIS_CONFIGURED, redis != HEALTH_REDIS_NONE);
    metrics_set(metrics, METRIC_REDIS_UP,
                redis == HEALTH_REDIS_NONE ? NAN : redis == HEALTH_REDIS_UP);
    metrics_set(metrics, METRIC_REDIS_BREAKER_STATE, worst_breaker(serving));
}

static void set_catalog(struct metrics *metrics, const struct world *world)
{
    const struct catalog_state state = catalog_state_now(world);

    metrics_set(metrics, METRIC_CATALOG_ADS, state.ads);
    metrics_set(metrics, METRIC_CATALOG_ELIGIBLE_ADS, state.eligible);
    metrics_set(metrics, METRIC_CATALOG_AGE, (double)state.age_s);
}

static double queue_depth(const struct serving *serving)
{
    const int depth = executor_queue_depth(serving->executor);

    return depth + (serving->fallback ? executor_queue_depth(serving->fallback) : 0);
}

static void set_device(struct metrics *metrics, struct device_watch *device)
{
    static const enum metric of[DEVICE_READINGS] = {
        [READING_UTILIZATION] = METRIC_DEVICE_UTILIZATION,
        [READING_POWER] = METRIC_DEVICE_POWER,
        [READING_POWER_LIMIT] = METRIC_DEVICE_POWER_LIMIT,
        [READING_TEMPERATURE] = METRIC_DEVICE_TEMPERATURE,
        [READING_CLOCK] = METRIC_DEVICE_CLOCK,
        [READING_CLOCK_MAX] = METRIC_DEVICE_CLOCK_MAX,
    };
    const struct device_readings readings = device_watch_read(device);

    for (int i = 0; i < DEVICE_READINGS; i++)
        if (of[i]) /* the others are collected, for their labels */
            metrics_set(metrics, of[i], readings.values[i]);
}

static void set_batch_age(struct metrics *metrics, struct serving *serving)
{
    const int64_t at_us = atomic_load_explicit(&serving->batch_us, memory_order_relaxed);

    if (at_us)
        metrics_set(metrics, METRIC_BATCH_AGE, (double)(clock_now_us() - at_us) * 1e-6);
}

static void refresh(struct metrics *metrics, void *arg)
{
    const struct gauges *g = arg;
    struct serving *serving = g->serving;
    const double impressions_lost = (double)impression_log_dropped(serving->impressions);

    metrics_set(metrics, METRIC_CONNECTIONS, (double)server_connections(&serving->server));
    metrics_set(metrics, METRIC_MEMORY_LIMIT, (double)budget_limit(&serving->memory));
    metrics_set(metrics, METRIC_QUEUE_DEPTH, queue_depth(serving));
    metrics_set(metrics, METRIC_LOG_DROPPED, (double)log_dropped() + impressions_lost);
    metrics_set(metrics, METRIC_LOG_IMPRESSIONS_FAILED, impressions_lost);
    set_batch_age(metrics, serving);
    set_device(metrics, g->device);
    set_redis(metrics, serving);
    if (g->publisher->world)
        set_catalog(metrics, g->publisher->world);
    metrics_set_process(metrics);
}

void gauges_open(struct gauges *g)
{
    struct metrics *metrics = &g->serving->metrics;

    metrics_collect(metrics, METRIC_MEMORY, collect_memory, g);
    metrics_collect(metrics, METRIC_DEVICE_MEMORY, collect_device_memory, g);
    metrics_collect(metrics, METRIC_DEVICE_THROTTLED, collect_throttling, g);
    metrics_collect(metrics, METRIC_MODEL_INFO, collect_model, g);
    metrics_collect(metrics, METRIC_DEVICE_FAILED, collect_device, g);
    metrics_collect(metrics, METRIC_BUILD_INFO, collect_build, g);
    metrics_on_refresh(metrics, refresh, g);
    metrics_set(metrics, METRIC_CONFIG_GENERATION, 0);
    metrics_set(metrics, METRIC_RELOAD_SUCCESS, 0);
    metrics_set(metrics, METRIC_RELOAD_TIMESTAMP, 0);
}
