/* Takes loaded worlds from the loader to everything that serves. */
#include "server/daemon/publisher.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/world/catalog_state.h"
#include "server/world/config_print.h"
#include "server/world/warnings.h"

/* ---- the log --------------------------------------------------------------------------------- */

static void log_ready(const struct publisher *p)
{
    const struct serving *serving = p->args.serving;
    const struct world *world = p->world;
    const struct device_caps *caps = executor_caps(serving->executor);
    const struct catalog_state state = catalog_state_now(world);

    log_info(
        "ready", LOG_STR("version", ADRANK_VERSION),
        LOG_STR("backend", executor_backend(serving->executor)), LOG_STR("device", caps->name),
        LOG_STR("model", model_name(world_model(world)->model)),
        LOG_STR("model_version", model_version(world_model(world)->model)),
        LOG_STR("model_digest", model_digest(world_model(world)->model)),
        LOG_STR("kind", model_kind(world_model(world)->model)),
        LOG_STR("precision",
                precision_names[served_model_engine(world_model(world)->served)->caps->precision]),
        LOG_STR("activation", served_model_engine(world_model(world)->served)->gelu->name),
        LOG_STR("fallback", serving->fallback ? executor_backend(serving->fallback) : "none"),
        LOG_INT("ads", state.ads), LOG_INT("eligible_ads", state.eligible),
        LOG_STR("address", listener_text(&serving->server.listener)),
        LOG_STR("admin", listener_text(admin_listener(p->args.admin))));
}

/* The further ones of an address that means several: the first is in the line `ready`. */
static void log_listening(const struct listener *listener, const char *what)
{
    for (int i = 1; i < listener->n; i++)
        log_info("listening", LOG_STR("what", what), LOG_STR("addr", listener->sockets[i].text));
}

static void log_first(struct publisher *p)
{
    struct serving *serving = p->args.serving;

    log_ready(p);
    log_listening(&serving->server.listener, "http");
    log_listening(admin_listener(p->args.admin), "admin");
    for (int i = 0; i < serving->server.n_threads; i++)
        request_worker_may_log(serving->workers[i]);
}

static void log_engines(const struct world *world)
{
    const struct served_model *served = world_model(world)->served;

    for (int i = 0; i < SERVED_ENGINES; i++) {
        const struct served_engine *engine = &served->engines[i];

        if (engine->executor)
            log_info("engine_opened", LOG_STR("backend", executor_backend(engine->executor)),
                     LOG_STR("precision", precision_names[engine->caps->precision]),
                     LOG_INT("products_timed", engine->caps->n_timed),
                     LOG_INT("resident", engine->resident),
                     LOG_INT("took_ms", engine->open_us / 1000));
    }
}

/* What model.gelu "auto" compared; nothing where it did not. */
static void log_gelu(const struct world *world)
{
    const struct engine_gelu *gelu = served_model_engine(world_model(world)->served)->gelu;

    if (gelu->measured)
        log_info("gelu_chosen", LOG_STR("model_digest", model_digest(world_model(world)->model)),
                 LOG_STR("activation", gelu->name), LOG_NUM("erf_us", gelu->erf_us),
                 LOG_NUM("tanh_us", gelu->tanh_us), LOG_NUM("erf_error", gelu->erf_error),
                 LOG_NUM("tanh_error", gelu->tanh_error));
}

static void log_warning(void *arg, const char *text)
{
    (void)arg;
    log_warn("world_warning", LOG_STR("warning", text));
}

/* By enum load_status. */
static const char *const status_names[] = {"applied", "unchanged", "valid", NULL};

static void log_reload(const struct publisher *p, const struct load_result *result)
{
    if (result->status != LOAD_FAILED)
        log_info("reload", LOG_STR("status", status_names[result->status]),
                 LOG_INT("generation", p->world->generation),
                 LOG_VIEW("diff", buf_view(&result->changes)));
    else if (!result->dry_run)
        log_error("reload_failed", LOG_STR("error", result->err.text),
                  LOG_INT("problems", result->problems.n + result->problems.dropped));
}

/* ---- a world that has been loaded ------------------------------------------------------------ */

/*
 * From here on requests are served from `world`, whose reference becomes the publisher's. All
 * that this needs was made with the world: nothing here can fail, so that no worker is left with
 * the old one. The old one is dropped last: its options are read until all have the new ones.
 */
static void publish(struct publisher *p, struct world *world)
{
    const struct config *config = world->config;
    struct world *old = p->world;

    p->world = world;
    log_set_level((enum log_level)config->log.level);
    serving_publish(p->args.serving, world);
    admin_set_options(p->args.admin, &config->admin, &config->http);
    health_set_world(p->args.health, world);
    metrics_set(&p->args.serving->metrics, METRIC_CONFIG_GENERATION, (double)world->generation);
    if (!old)
        log_first(p);
    if (!old || world_model(old)->served != world_model(world)->served) {
        log_engines(world);
        log_gelu(world);
    }
    world_warnings(world, log_warning, NULL);
    world_unref(old);
    config_unref(p->config);
    p->config = NULL;
}

static void count_reload(struct publisher *p, const struct load_result *result)
{
    struct metrics *metrics = &p->args.serving->metrics;

    if (result->dry_run)
        return;
    metrics_set(metrics, METRIC_RELOAD_SUCCESS, result->status != LOAD_FAILED);
    if (result->status != LOAD_FAILED)
        metrics_set(metrics, METRIC_RELOAD_TIMESTAMP, (double)clock_wall_ms() / 1e3);
}

/* The daemon is stopping: the new world is not served. */
static void give_up(struct load_result *result)
{
    err_set(&result->err, ERR_UNAVAILABLE, "stopping");
    result->status = LOAD_FAILED;
    world_unref(result->world);
    result->world = NULL;
}

/* The object's members without its braces. */
static struct view members(const struct buf *object)
{
    if (object->len < 2)
        return (struct view){0};
    return (struct view){object->ptr + 1, object->len - 2};
}

static void answer_reload(struct publisher *p, const struct load_result *result)
{
    admin_reloaded(p->args.admin, &(struct reload_outcome){
                                      .status = status_names[result->status],
                                      .generation = p->world ? p->world->generation : 0,
                                      .diff = members(&result->diff),
                                      .err = &result->err,
                                      .problems = &result->problems,
                                  });
}

static void on_loaded(struct letter *letter, void *reader)
{
    struct publisher *p = reader;
    struct load_result *result = (struct load_result *)letter; /* the letter is its first member */
    bool first = p->world == NULL;

    if (p->stopping && result->status == LOAD_APPLIED)
        give_up(result);
    count_reload(p, result);
    if (result->status == LOAD_APPLIED) {
        publish(p, result->world);
        result->world = NULL;
    }
    if (!first)
        log_reload(p, result);
    else if (result->status == LOAD_FAILED && !p->stopping)
        p->args.on_failed(p->args.arg, &result->err);
    answer_reload(p, result);
    load_result_free(result);
    if (p->reload_again && p->world && !p->stopping)
        publisher_reload_soon(p);
}

/* ---- loads ----------------------------------------------------------------------------------- */

void publisher_init(struct publisher *p, struct config *config)
{
    *p = (struct publisher){.config = config};
}

void publisher_drop_world(struct publisher *p)
{
    world_unref(p->world);
    p->world = NULL;
}

void publisher_release(struct publisher *p)
{
    publisher_drop_world(p);
    config_unref(p->config);
}

int publisher_start(struct publisher *p, const struct publisher_args *args, struct err *err)
{
    p->args = *args;
    if (loader_start(args->loader, NULL, p->config, false, on_loaded))
        return err_set(err, ERR_NOMEM, "out of memory");
    return 0;
}

void publisher_stop(struct publisher *p)
{
    p->stopping = true;
}

int publisher_reload(struct publisher *p, bool dry_run)
{
    if (!p->world)
        return -1;
    return loader_start(p->args.loader, p->world, NULL, dry_run, on_loaded);
}

void publisher_reload_soon(struct publisher *p)
{
    p->reload_again = loader_busy(p->args.loader);
    if (!p->reload_again && publisher_reload(p, false))
        log_error("reload_not_started", LOG_STR("error", "out of memory"));
}

void publisher_print_config(const struct publisher *p, struct json_writer *w)
{
    if (p->world) {
        config_print(p->world->config, w);
        return;
    }
    jw_object_begin(w);
    jw_object_end(w);
}
