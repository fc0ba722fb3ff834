/*
 * Health, reported on both listeners (CONTRACT 2): live while every thread beats, ready
 * while the model is verified, a backend answers and nothing drains. Redis and overload change
 * neither.
 */
#ifndef SERVER_ADMIN_HEALTH_H
#define SERVER_ADMIN_HEALTH_H

#include <pthread.h>

#include "server/batch/executor.h"
#include "server/net/server.h"
#include "server/world/world.h"

enum health_redis {
    HEALTH_REDIS_NONE, /* not configured */
    HEALTH_REDIS_DOWN,
    HEALTH_REDIS_UP
};

struct health_args {
    const struct server *server;
    struct executor *executor, *fallback;  /* the latter NULL: none */
    const struct admin_options *options;   /* until the first world */
    enum health_redis (*redis)(void *arg); /* any thread */
    void *arg;
};

struct health {
    struct health_args args;
    pthread_mutex_t lock; /* guards what follows */
    struct world *world;  /* a reference: what is served; NULL before the first */
};

void health_init(struct health *health, const struct health_args *args);
/* No handler may run any more. Drops its world, so before the executor is closed. May be zeroed. */
void health_release(struct health *health);

/* Main thread: what is served from now on; takes a reference. Cannot fail. */
void health_set_world(struct health *health, struct world *world);

/* Handlers of GET /livez and GET /readyz, on any loop; arg is the struct health. They report
 * the status and the reason, nothing about what is served. */
void health_handle_live(struct http_call *x, void *arg);
void health_handle_ready(struct http_call *x, void *arg);
/* The same, and with ?verbose=1 all of it: for operators. */
void health_handle_live_verbose(struct http_call *x, void *arg);
void health_handle_ready_verbose(struct http_call *x, void *arg);

#endif
