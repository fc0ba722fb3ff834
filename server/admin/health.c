/* Health: decided from heartbeats and states, written for monitors and operators. */
#include "server/admin/health.h"

#include "base/clock.h"
#include "json/writer.h"
#include "server/net/query.h"
#include "server/world/catalog_state.h"

void health_init(struct health *health, const struct health_args *args)
{
    *health = (struct health){.args = *args};
    pthread_mutex_init(&health->lock, NULL);
}

void health_release(struct health *health)
{
    world_unref(health->world);
    pthread_mutex_destroy(&health->lock);
}

void health_set_world(struct health *health, struct world *world)
{
    struct world *old;

    pthread_mutex_lock(&health->lock);
    old = health->world;
    health->world = world_ref(world);
    pthread_mutex_unlock(&health->lock);
    world_unref(old);
}

static int64_t stall_us(struct health *health)
{
    int64_t ms;

    pthread_mutex_lock(&health->lock);
    ms = health->world ? health->world->config->admin.stall_ms : health->args.options->stall_ms;
    pthread_mutex_unlock(&health->lock);
    return ms * 1000;
}

static bool is_verified(struct health *health)
{
    bool verified;

    pthread_mutex_lock(&health->lock);
    verified = health->world != NULL;
    pthread_mutex_unlock(&health->lock);
    return verified;
}

static bool on_fallback(const struct health *health)
{
    return health->args.fallback && executor_state(health->args.executor) == EXECUTOR_BROKEN;
}

/* One whose device failed need not: its thread may hang in a call of it. */
static int64_t executors_heartbeat_us(const struct health *health)
{
    const struct executor *fallback = health->args.fallback;
    int64_t us = INT64_MAX, other_us = INT64_MAX;

    if (!on_fallback(health))
        us = executor_heartbeat_us(health->args.executor);
    if (fallback)
        other_us = executor_heartbeat_us(fallback);
    return us < other_us ? us : other_us;
}

static bool any_serves(const struct health *health)
{
    const struct executor *serving =
        on_fallback(health) ? health->args.fallback : health->args.executor;

    return executor_state(serving) == EXECUTOR_SERVING;
}

/* ---- verdicts: *why is a constant text, "ok" or what is wrong -------------------------------- */

static bool is_live(struct health *health, const char **why)
{
    const int64_t since_us = clock_now_us() - stall_us(health);
    const int64_t server_us = server_heartbeat_us(health->args.server);
    const int64_t executor_us = executors_heartbeat_us(health);

    *why = "ok";
    if (server_us && server_us < since_us)
        *why = "a worker is stalled";
    else if (executor_us && executor_us < since_us)
        *why = "the executor is stalled";
    else
        return true;
    return false;
}

static bool is_ready(struct health *health, const char **why)
{
    *why = "ok";
    if (server_draining(health->args.server))
        *why = "draining";
    else if (!is_verified(health))
        *why = "the model is not verified yet";
    else if (!any_serves(health))
        *why = "no backend answers";
    else
        return true;
    return false;
}

/* ---- what operators see ---------------------------------------------------------------------- */

static void write_executor(struct executor *executor, const char *member, struct json_writer *w)
{
    static const char *const states[] = {"serving", "broken", "stopping"};
    struct err why;

    jw_member_object(w, member);
    jw_member_str(w, "name", executor_backend(executor));
    jw_member_str(w, "device", executor_caps(executor)->name);
    jw_member_str(w, "state", states[executor_state(executor)]);
    if (executor_failure(executor, &why))
        jw_member_str(w, "error", why.text);
    jw_member_int(w, "heartbeat_age_ms", (clock_now_us() - executor_heartbeat_us(executor)) / 1000);
    jw_object_end(w);
}

static void write_backend(const struct health *health, struct json_writer *w)
{
    write_executor(health->args.executor, "backend", w);
    if (!health->args.fallback)
        return;
    write_executor(health->args.fallback, "fallback", w);
    jw_member_bool(w, "on_fallback", on_fallback(health));
}

static void write_redis(enum health_redis redis, struct json_writer *w)
{
    if (redis == HEALTH_REDIS_NONE)
        jw_member_str(w, "redis", "not configured");
    else
        jw_member_bool(w, "redis", redis == HEALTH_REDIS_UP);
}

/* With what it was chosen by. */
static void write_activation(const struct engine_gelu *gelu, struct json_writer *w)
{
    jw_member_str(w, "activation", gelu->name);
    if (!gelu->measured)
        return;
    jw_member_object(w, "gelu");
    jw_member_number(w, "erf_us", gelu->erf_us, 3);
    jw_member_number(w, "tanh_us", gelu->tanh_us, 3);
    jw_member_number(w, "erf_error", gelu->erf_error, 3);
    jw_member_number(w, "tanh_error", gelu->tanh_error, 3);
    jw_object_end(w);
}

static void write_model(const struct world *world, struct json_writer *w)
{
    jw_member_object(w, "model");
    jw_member_str(w, "name", model_name(world_model(world)->model));
    jw_member_str(w, "version", model_version(world_model(world)->model));
    jw_member_str(w, "digest", model_digest(world_model(world)->model));
    jw_member_str(w, "kind", model_kind(world_model(world)->model));
    jw_member_str(
        w, "precision",
        precision_names[served_model_engine(world_model(world)->served)->caps->precision]);
    write_activation(served_model_engine(world_model(world)->served)->gelu, w);
    jw_member_int(w, "generation", (int64_t)world->generation);
    jw_object_end(w);
}

/* Under the lock, so that the last reference to a world is never this thread's. */
static void write_world(struct health *health, struct json_writer *w)
{
    const struct world *world;

    pthread_mutex_lock(&health->lock);
    world = health->world;
    if (world) {
        const struct catalog_state state = catalog_state_now(world);

        write_model(world, w);
        catalog_state_write(&state, w);
    }
    pthread_mutex_unlock(&health->lock);
}

static void write_verbose(struct health *health, struct json_writer *w)
{
    write_world(health, w);
    write_backend(health, w);
    write_redis(health->args.redis(health->args.arg), w);
    jw_member_bool(w, "draining", server_draining(health->args.server));
}

typedef bool (*judge_fn)(struct health *health, const char **why);

static void answer(struct http_call *x, struct health *health, judge_fn judge, bool verbose)
{
    struct buf body = BUF_INIT;
    struct json_writer w;
    const char *why;
    const bool good = judge(health, &why);

    json_writer_init(&w, &body);
    jw_object_begin(&w);
    jw_member_str(&w, "status", why);
    if (verbose)
        write_verbose(health, &w);
    jw_object_end(&w);
    http_call_respond_buf(x, good ? 200 : 503, NULL, &body);
}

/* Monitors add parameters of their own: only "verbose" counts. */
static void answer_query(struct http_call *x, struct health *health, judge_fn judge)
{
    bool verbose;
    struct err err;

    if (query_read(&(struct query_args){.query = x->query, .name = "verbose"}, &verbose, &err))
        http_call_problem(x, PROBLEM_BAD_QUERY, err.text, NULL);
    else
        answer(x, health, judge, verbose);
}

void health_handle_live(struct http_call *x, void *arg)
{
    answer(x, arg, is_live, false);
}

void health_handle_ready(struct http_call *x, void *arg)
{
    answer(x, arg, is_ready, false);
}

void health_handle_live_verbose(struct http_call *x, void *arg)
{
    answer_query(x, arg, is_live);
}

void health_handle_ready_verbose(struct http_call *x, void *arg)
{
    answer_query(x, arg, is_ready);
}
