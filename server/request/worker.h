/*
 * A worker's side of /rank: its world, its feature client, its jobs and its requests. Everything here is for the
 * worker's own thread unless it says otherwise. Workers share nothing but the executor and the impression log.
 */
#ifndef SERVER_REQUEST_WORKER_H
#define SERVER_REQUEST_WORKER_H

#include "server/metrics/metrics.h"
#include "server/net/server.h"
#include "server/request/impression_log.h"
#include "server/store/store.h"
#include "server/world/world.h"

struct request_worker;

struct request_worker_args {
    struct net_thread *worker;   /* its loop carries timers, mailbox and Redis */
    const struct config *config; /* until the first world */
    struct metrics_shard *shard; /* the worker thread's own */
    struct budget *memory;       /* what requests hold is charged to it */
    struct impression_log *impressions;
    uint64_t seed;
};

/* Before the worker's thread starts. */
int request_worker_new(const struct request_worker_args *args, struct request_worker **out,
                       struct err *err) MUST_CHECK;
/* After its thread has ended: gives up the world, those still in its mailbox included, so that engines can be
 * closed. NULL is legal. */
void request_worker_drop_world(struct request_worker *rw);
/* After the executor is closed: every job is back in the mailbox. NULL is legal. */
void request_worker_free(struct request_worker *rw);

/* Any thread, once for each world: it is sent by its own letter, with a reference of the worker's, and
 * cannot fail. All that the worker's thread reads of the options is that world's from then on. */
void request_worker_publish(struct request_worker *rw, struct world *world);

/* Any thread, once: from now on it tells outages of its feature store. Until then it is quiet about them, so that who
 * starts it may write the log's first line. */
void request_worker_may_log(struct request_worker *rw);

/* Any thread: what the worker only keeps for later requests goes back, soon. */
void request_worker_reclaim_soon(struct request_worker *rw);
/* The pool's reclaim hook: the same at once. user is a request_worker; its own thread. */
void request_worker_on_reclaim(void *user);

/* The pool's on_answer hook: counts every answer of the worker's connections. */
void request_worker_on_answer(struct request_worker *rw, enum metrics_path path, int status,
                              int64_t duration_us);

/* The pool's on_evicted hook. */
void request_worker_on_evicted(struct request_worker *rw);

/* Any thread: state of the worker's feature client. */
bool request_worker_redis_configured(const struct request_worker *rw);
bool request_worker_redis_up(const struct request_worker *rw);
enum breaker_state request_worker_breaker(const struct request_worker *rw);

#endif
