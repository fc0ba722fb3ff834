#include "server/admin/admin.h"

#include <stdlib.h>

#include "base/json_writer.h"

#define N_ROUTES 6
#define ADMIN_CONNECTIONS 256
#define MEMORY_BYTES (16 << 20)

struct admin {
    struct admin_args args;
    struct http_route routes[N_ROUTES];
    struct router router;
    struct net_shared shared;
    struct budget memory; /* its own: a public side that is out of it must not shut it */
    struct connection_pool pool;
    struct listener listener;
    struct exchange *reload; /* that waits for a reload */
};

static void handle_metrics(struct exchange *x, void *arg)
{
    struct admin *admin = arg;
    struct buf body = BUF_INIT;

    metrics_write(admin->args.metrics, &body);
    if (buf_failed(&body))
        exchange_problem(x, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    else
        exchange_respond(x, &(struct answer){.status = 200,
                                             .content_type = METRICS_CONTENT_TYPE,
                                             .body = buf_view(&body)});
    buf_release(&body);
}

static void handle_config(struct exchange *x, void *arg)
{
    struct admin *admin = arg;
    struct buf body = BUF_INIT;
    struct json_writer w;

    json_writer_init(&w, &body);
    admin->args.actions.print_config(admin->args.actions.arg, &w);
    if (buf_failed(&body))
        exchange_problem(x, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    else
        exchange_respond(x, &(struct answer){.status = 200, .body = buf_view(&body)});
    buf_release(&body);
}

static void handle_drain(struct exchange *x, void *arg)
{
    struct admin *admin = arg;

    admin->args.actions.drain(admin->args.actions.arg);
    exchange_respond(
        x, &(struct answer){.status = 202, .body = VIEW_LIT("{\"status\":\"draining\"}")});
}

static void on_reload_gone(struct exchange *x, void *arg)
{
    struct admin *admin = arg;

    (void)x;
    admin->reload = NULL;
}

static void handle_reload(struct exchange *x, void *arg)
{
    struct admin *admin = arg;
    const struct view dry = exchange_query(x, "dry_run");
    const bool dry_run = dry.ptr && !view_is(dry, "0") && !view_is(dry, "false");

    if (admin->args.actions.reload(admin->args.actions.arg, dry_run)) {
        exchange_problem(x, PROBLEM_RELOAD_BUSY, NULL, NULL);
        return;
    }
    admin->reload = x;
    exchange_defer(x, on_reload_gone, admin);
}

static void write_outcome(const struct reload_outcome *outcome, struct buf *body)
{
    struct json_writer w;

    json_writer_init(&w, body);
    jw_object_begin(&w);
    jw_key(&w, "status");
    jw_str(&w, outcome->status);
    jw_key(&w, "generation");
    jw_int(&w, (int64_t)outcome->generation);
    if (outcome->diff.len) {
        buf_add_str(body, ",");
        buf_add_view(body, outcome->diff);
    }
    buf_add_str(body, "}");
}

void admin_reloaded(struct admin *admin, const struct reload_outcome *outcome)
{
    struct exchange *x = admin->reload;
    struct buf body = BUF_INIT;

    if (!x)
        return;
    admin->reload = NULL;
    if (!outcome->status) {
        exchange_problem(x, PROBLEM_RELOAD_INVALID, outcome->err->text, outcome->problems);
        return;
    }
    write_outcome(outcome, &body);
    if (buf_failed(&body))
        exchange_problem(x, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    else
        exchange_respond(x, &(struct answer){.status = 200, .body = buf_view(&body)});
    buf_release(&body);
}

static void set_routes(struct admin *admin)
{
    const struct http_route routes[N_ROUTES] = {
        {"GET", "/livez", health_handle_live, admin->args.health},
        {"GET", "/readyz", health_handle_ready, admin->args.health},
        {"GET", "/metrics", handle_metrics, admin},
        {"GET", "/admin/config", handle_config, admin},
        {"POST", "/admin/reload", handle_reload, admin},
        {"POST", "/admin/drain", handle_drain, admin},
    };

    memcpy(admin->routes, routes, sizeof(routes));
    admin->router = (struct router){admin->routes, N_ROUTES};
}

void admin_set_limits(struct admin *admin, const struct net_limits *limits)
{
    struct net_limits own = *limits;

    own.max_connections = ADMIN_CONNECTIONS; /* a full public side must not shut it */
    net_limits_store(&admin->shared.limits, &own);
    budget_set_limit(&admin->memory, MEMORY_BYTES, own.max_body_bytes);
}

int admin_open(const struct admin_args *args, struct admin **out, struct err *err)
{
    struct admin *admin = calloc(1, sizeof(*admin));

    if (!admin)
        return err_set(err, ERR_NOMEM, "admin: out of memory");
    admin->args = *args;
    set_routes(admin);
    budget_init(&admin->memory, MEMORY_BYTES, args->limits->max_body_bytes);
    net_shared_init(&admin->shared, args->limits, &admin->memory);
    admin_set_limits(admin, args->limits);
    if (connection_pool_init(&admin->pool,
                             &(struct connection_pool_args){.loop = args->loop,
                                                            .shared = &admin->shared,
                                                            .router = &admin->router,
                                                            .user = admin},
                             err)) {
        free(admin);
        return -1;
    }
    if (listener_open(&admin->listener,
                      &(struct listener_args){.loop = args->loop,
                                              .address = args->address,
                                              .on_accept = connection_pool_on_accept,
                                              .arg = &admin->pool},
                      err)) {
        connection_pool_release(&admin->pool);
        free(admin);
        return -1;
    }
    *out = admin;
    return 0;
}

void admin_close(struct admin *admin)
{
    if (!admin)
        return;
    listener_close(&admin->listener);
    connection_pool_release(&admin->pool);
    free(admin);
}

const char *admin_address(const struct admin *admin)
{
    return listener_text(&admin->listener);
}
