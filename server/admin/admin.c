/* The admin listener: routes, and the handlers of /metrics and /admin/... */
#include "server/admin/admin.h"

#include <stdlib.h>

#include "json/writer.h"
#include "server/admin/caller.h"
#include "server/net/descriptors.h"
#include "server/net/query.h"

#define N_ROUTES 6
/* Short, so that its connections cannot be held for long. */
#define FIRST_BYTE_MS 2000
#define IDLE_MS 15000
#define MEMORY_BYTES (16 << 20)

struct admin {
    struct admin_args args;
    struct http_route routes[N_ROUTES];
    struct router router;
    struct net_shared shared;
    struct budget memory; /* its own: it must work when the public side is out of memory */
    struct connection_pool pool;
    struct listener listener;
    struct metrics_shard *shard;
    const struct admin_options *options;
    struct http_options http; /* as configured, or less */
    struct http_call *reload; /* waits for a reload; may be NULL */
};

static struct view first_field(const struct http_call *x, const char *name)
{
    uint32_t at = 0;

    return http_call_field(x, name, &at);
}

/* Checks the caller of /admin/... and the query, whose only parameter is the switch `name` (NULL:
 * none). false: the call has been refused. */
static bool accept_call(struct admin *admin, struct http_call *x, const char *name, bool *on)
{
    struct caller caller = {.host = http_call_authority(x),
                            .origin = first_field(x, "origin"),
                            .fetch_site = first_field(x, "sec-fetch-site")};
    bool none;
    const char *why = caller_refused(&caller, admin->options->address);
    struct err err;

    if (why) {
        http_call_problem(x, PROBLEM_FORBIDDEN, why, NULL);
        return false;
    }
    if (query_read(&(struct query_args){.query = x->query, .name = name, .strict = true},
                   on ? on : &none, &err)) {
        http_call_problem(x, PROBLEM_BAD_QUERY, err.text, NULL);
        return false;
    }
    return true;
}

static void handle_metrics(struct http_call *x, void *arg)
{
    struct admin *admin = arg;
    struct buf body = BUF_INIT;

    metrics_write(admin->args.metrics, &body);
    http_call_respond_buf(x, 200, METRICS_CONTENT_TYPE, &body);
}

static void handle_config(struct http_call *x, void *arg)
{
    struct admin *admin = arg;
    struct buf body = BUF_INIT;
    struct json_writer w;

    if (!accept_call(admin, x, NULL, NULL))
        return;
    json_writer_init(&w, &body);
    admin->args.actions.print_config(admin->args.actions.arg, &w);
    http_call_respond_buf(x, 200, NULL, &body);
}

static void handle_drain(struct http_call *x, void *arg)
{
    struct admin *admin = arg;

    if (!accept_call(admin, x, NULL, NULL))
        return;
    admin->args.actions.drain(admin->args.actions.arg);
    http_call_respond(
        x, &(struct http_response){.status = 202, .body = VIEW_LIT("{\"status\":\"draining\"}")});
}

static void on_reload_gone(struct http_call *x, void *arg)
{
    struct admin *admin = arg;

    (void)x;
    admin->reload = NULL;
}

static void handle_reload(struct http_call *x, void *arg)
{
    struct admin *admin = arg;
    bool dry_run;

    if (!accept_call(admin, x, "dry_run", &dry_run))
        return;
    if (admin->args.actions.reload(admin->args.actions.arg, dry_run)) {
        http_call_problem(x, PROBLEM_RELOAD_BUSY, NULL, NULL);
        return;
    }
    admin->reload = x;
    http_call_defer(x, on_reload_gone, admin);
}

static void write_outcome(const struct reload_outcome *outcome, struct buf *body)
{
    struct json_writer w;

    json_writer_init(&w, body);
    jw_object_begin(&w);
    jw_member_str(&w, "status", outcome->status);
    jw_member_int(&w, "generation", (int64_t)outcome->generation);
    if (outcome->diff.len) {
        buf_add_str(body, ",");
        buf_add_view(body, outcome->diff);
    }
    buf_add_str(body, "}");
}

void admin_reloaded(struct admin *admin, const struct reload_outcome *outcome)
{
    struct http_call *x = admin->reload;
    struct buf body = BUF_INIT;

    if (!x)
        return;
    admin->reload = NULL;
    if (!outcome->status) {
        http_call_problem(x, PROBLEM_RELOAD_INVALID, outcome->err->text, outcome->problems);
        return;
    }
    write_outcome(outcome, &body);
    http_call_respond_buf(x, 200, NULL, &body);
}

static void set_routes(struct admin *admin)
{
    const struct http_route routes[N_ROUTES] = {
        {"GET", "/livez", health_handle_live_verbose, admin->args.health, PATH_LIVEZ},
        {"GET", "/readyz", health_handle_ready_verbose, admin->args.health, PATH_READYZ},
        {"GET", "/metrics", handle_metrics, admin, PATH_METRICS},
        {"GET", "/admin/config", handle_config, admin, PATH_ADMIN},
        {"POST", "/admin/reload", handle_reload, admin, PATH_ADMIN},
        {"POST", "/admin/drain", handle_drain, admin, PATH_ADMIN},
    };

    memcpy(admin->routes, routes, sizeof(routes));
    admin->router = (struct router){admin->routes, N_ROUTES};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void admin_set_options(struct admin *admin, const struct admin_options *options,
                       const struct http_options *http)
{
    const struct descriptors share = descriptors_share(descriptors_limit(), http);

    admin->options = options;
    admin->http = *http;
    admin->http.first_byte_ms = least(http->first_byte_ms, FIRST_BYTE_MS);
    admin->http.idle_ms = least(http->idle_ms, IDLE_MS);
    admin->pool.limits = (struct net_limits){
        .http = &admin->http, .max_connections = share.admin, .max_refusing = share.admin_refusing};
    budget_set_limit(&admin->memory, MEMORY_BYTES, http->max_body_bytes);
}

static void on_answer(void *user, int label, int status, int64_t duration_us)
{
    struct admin *admin = user;

    (void)duration_us;
    metrics_count(admin->shard, METRIC_REQUESTS,
                  metrics_request_label(status, (enum metrics_path)label), 1);
}

int admin_open(const struct admin_args *args, struct admin **out, struct err *err)
{
    struct admin *admin = calloc(1, sizeof(*admin));

    if (!admin)
        return err_set(err, ERR_NOMEM, "admin: out of memory");
    admin->args = *args;
    set_routes(admin);
    budget_init(&admin->memory, MEMORY_BYTES, args->http->max_body_bytes);
    admin->shared.memory = &admin->memory;
    admin->shard = metrics_shard_new(args->metrics, err);
    if (!admin->shard)
        goto fail;
    admin->pool = (struct connection_pool){.loop = args->loop,
                                           .shared = &admin->shared,
                                           .router = &admin->router,
                                           .hooks.on_response = on_answer,
                                           .user = admin};
    if (connection_pool_init(&admin->pool, err))
        goto fail;
    admin_set_options(admin, args->options, args->http);
    if (listener_open(&admin->listener,
                      &(struct listener_args){.loop = args->loop,
                                              .address = args->options->address,
                                              .on_accept = connection_pool_on_accept,
                                              .arg = &admin->pool},
                      err)) {
        connection_pool_release(&admin->pool);
        goto fail;
    }
    *out = admin;
    return 0;
fail:
    free(admin);
    return -1;
}

void admin_close(struct admin *admin)
{
    if (!admin)
        return;
    listener_close(&admin->listener);
    connection_pool_release(&admin->pool);
    free(admin);
}

const struct listener *admin_listener(const struct admin *admin)
{
    return &admin->listener;
}
