#include "base/clock.h"
#include "base/log.h"
#include "server/batch/capacity.h"
#include "server/daemon/state.h"
#include "server/world/catalog_state.h"
#include "server/world/config_print.h"
#include "server/world/warnings.h"

struct batch_options daemon_batch_options(const struct config *config)
{
    return (struct batch_options){
        .max_tokens = (int)config->batch.max_tokens,
        .max_jobs = BATCH_MAX_JOBS,
        .max_queue = (int)config->batch.max_queue,
        .min_us = config->deadline.min_ms * 1000,
        .reserve_us = config->deadline.reserve_us,
    };
}

static void log_ready(const struct daemon *d)
{
    const struct world *world = d->world;
    const struct device_caps *caps = executor_caps(d->executor);
    const struct catalog_state state =
        catalog_state_now(world->catalog, world->catalog_modified_ms);

    log_info("ready", LOG_STR("version", ADRANK_VERSION),
             LOG_STR("backend", executor_backend(d->executor)), LOG_STR("device", caps->name),
             LOG_STR("model", model_name(world->model)),
             LOG_STR("model_version", model_version(world->model)),
             LOG_STR("model_digest", model_digest(world->model)),
             LOG_STR("kind", model_kind(world->model)),
             LOG_STR("precision", precision_names[served_model_precision(world->served)]),
             LOG_INT("ads", state.ads), LOG_INT("eligible_ads", state.eligible),
             LOG_STR("address", server_address(&d->server)),
             LOG_STR("admin", admin_address(d->admin)));
}

/* Of an address that means several the others: the first is in the line `ready`. */
static void log_listening(const struct listener *listener, const char *what)
{
    for (int i = 1; i < listener->n; i++)
        log_info("listening", LOG_STR("what", what), LOG_STR("addr", listener->sockets[i].text));
}

static void log_warning(void *arg, const char *text)
{
    (void)arg;
    log_warn("world_warning", LOG_STR("warning", text));
}

/*
 * From here on new requests are served from `world`, whose reference becomes the daemon's. All that
 * it takes was made with the world: nothing here can fail, so no worker is left with the old one.
 */
static void publish(struct daemon *d, struct world *world)
{
    const struct config *config = world->config;
    const struct net_limits limits = net_limits_of(&config->http);
    const struct batch_options options = daemon_batch_options(config);
    struct world *old = d->world;
    bool first = old == NULL;

    d->world = world;
    log_set_level((enum log_level)config->log.level);
    budget_set_limit(&d->memory, config->http.memory_bytes, config->http.max_body_bytes);
    executor_set_options(d->executor, &options);
    for (int i = 0; i < d->server.n_threads; i++)
        request_worker_publish(d->workers[i], world);
    server_set_limits(&d->server,
                      &limits); /* may have threads close connections: after their letters */
    admin_set_options(d->admin, &config->admin, &config->http);
    health_set_world(&d->health, world);
    world_unref(old); /* these two last: nothing on this thread points into either any more */
    config_unref(d->config);
    d->config = NULL;
    metrics_set(&d->metrics, METRIC_CONFIG_GENERATION, (double)world->generation);
    if (first) {
        log_ready(d);
        log_listening(&d->server.listener, "http");
        log_listening(admin_listener(d->admin), "admin");
        for (int i = 0; i < d->server.n_threads; i++)
            request_worker_may_log(d->workers[i]);
    }
    world_warnings(world, log_warning, NULL);
}

static void log_problems(const struct load_result *result)
{
    log_error("reload_failed", LOG_STR("error", result->err.text),
              LOG_INT("problems", result->problems.n + result->problems.dropped));
}

static const char *status_name(enum load_status status)
{
    static const char *const names[] = {"applied", "unchanged", "valid", NULL};

    return names[status];
}

/* The object's members without its braces. */
static struct view members(const struct buf *object)
{
    if (object->len < 2)
        return (struct view){0};
    return (struct view){object->ptr + 1, object->len - 2};
}

static void note_reload(struct daemon *d, const struct load_result *result)
{
    if (result->dry_run)
        return;
    d->reload_ok = result->status != LOAD_FAILED;
    metrics_set(&d->metrics, METRIC_RELOAD_SUCCESS, d->reload_ok);
    if (d->reload_ok)
        metrics_set(&d->metrics, METRIC_RELOAD_TIMESTAMP, (double)clock_wall_ms() / 1e3);
}

/* What was built in time is not served any more. */
static void give_up(struct load_result *result)
{
    err_set(&result->err, ERR_UNAVAILABLE, "stopping");
    result->status = LOAD_FAILED;
    world_unref(result->world);
    result->world = NULL;
}

void daemon_on_loaded(struct letter *letter, void *reader)
{
    struct daemon *d = reader;
    struct load_result *result = (struct load_result *)letter; /* the letter is its first member */
    bool first = d->world == NULL;

    if (d->stopping && result->status == LOAD_APPLIED)
        give_up(result);
    note_reload(d, result);
    if (result->status == LOAD_APPLIED) {
        publish(d, result->world);
        result->world = NULL;
    }
    if (!first && result->status == LOAD_FAILED && !result->dry_run)
        log_problems(result);
    else if (!first && result->status != LOAD_FAILED)
        log_info("reload", LOG_STR("status", status_name(result->status)),
                 LOG_INT("generation", d->world->generation),
                 LOG_VIEW("diff", buf_view(&result->changes)));
    if (first && result->status == LOAD_FAILED && !d->stopping) {
        d->failed = -1;
        d->err = result->err;
        loop_stop(&d->loop);
    }
    admin_reloaded(d->admin, &(struct reload_outcome){
                                 .status = status_name(result->status),
                                 .generation = d->world ? d->world->generation : 0,
                                 .diff = members(&result->diff),
                                 .err = &result->err,
                                 .problems = &result->problems,
                             });
    load_result_free(result);
    if (d->reload_again && d->world && !d->stopping)
        daemon_reload_soon(d);
}

int daemon_reload(struct daemon *d, bool dry_run)
{
    if (!d->world)
        return -1;
    return loader_start(d->loader, d->world, NULL, dry_run, daemon_on_loaded);
}

void daemon_reload_soon(struct daemon *d)
{
    d->reload_again = loader_busy(d->loader);
    if (!d->reload_again && daemon_reload(d, false))
        log_error("reload_not_started", LOG_STR("error", "out of memory"));
}

static int on_reload(void *arg, bool dry_run)
{
    return daemon_reload(arg, dry_run);
}

static void on_drain(void *arg)
{
    daemon_drain(arg);
}

static void on_print(void *arg, struct json_writer *w)
{
    const struct daemon *d = arg;

    if (d->world) {
        config_print(d->world->config, w);
        return;
    }
    jw_object_begin(w);
    jw_object_end(w);
}

struct admin_actions daemon_actions(struct daemon *d)
{
    return (struct admin_actions){
        .reload = on_reload, .drain = on_drain, .print_config = on_print, .arg = d};
}
