/*
 * Health, told on both listeners (CONTRACT 2): alive while every thread's heart beats, ready while the model is
 * verified, some backend answers and nothing drains. Redis and overload change neither.
 */
#ifndef SERVER_ADMIN_HEALTH_H
#define SERVER_ADMIN_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/batch/executor.h"
#include "server/net/server.h"
#include "server/world/world.h"

enum health_redis {
    HEALTH_REDIS_NONE,
    HEALTH_REDIS_DOWN,
    HEALTH_REDIS_UP
}; /* NONE: not configured */

struct health {
    const struct server *server;
    const struct executor *executor;
    enum health_redis (*redis)(void *arg); /* any thread */
    void *arg;
    _Atomic int64_t stall_us;
    atomic_bool verified;    /* a world is being served */
    pthread_mutex_t lock;    /* guards what follows */
    struct buf model;        /* JSON of the served model, for ?verbose=1 */
    struct catalog *catalog; /* a reference; NULL before the first world */
    int64_t catalog_modified_ms;
};

struct health_args {
    const struct server *server;
    const struct executor *executor;
    int64_t stall_us;
    enum health_redis (*redis)(void *arg);
    void *arg;
};

void health_init(struct health *health, const struct health_args *args);
void health_release(struct health *health);

/* Main thread: what is served from now on. */
void health_set_world(struct health *health, const struct world *world);

/* Any thread. *why is a constant text: "ok", or what is wrong. */
bool health_live(const struct health *health, int64_t now_us, const char **why);
bool health_ready(const struct health *health, const char **why);

/* Handlers of GET /livez and GET /readyz, on any loop; arg is the struct health. They say whether and why, nothing of what
 * is served by what. */
void health_handle_live(struct http_call *x, void *arg);
void health_handle_ready(struct http_call *x, void *arg);
/* The same with all of it for ?verbose=1: for operators' eyes. */
void health_handle_live_verbose(struct http_call *x, void *arg);
void health_handle_ready_verbose(struct http_call *x, void *arg);

#endif
