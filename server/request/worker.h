/*
 * A worker's side of requests: its world, its store client, its jobs and its free requests.
 * The worker's own thread only, unless stated otherwise. Workers share only the executor and the
 * impression log.
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
    struct budget *memory;       /* charged with what requests hold */
    struct impression_log *impressions;
    uint64_t seed;
};

/* Before the worker's thread starts. */
int request_worker_new(const struct request_worker_args *args, struct request_worker **out,
                       struct err *err) MUST_CHECK;
/* After its thread has ended: drops its references to worlds, those still in its mailbox included,
 * so that engines can be closed. May be NULL. */
void request_worker_drop_world(struct request_worker *rw);
/* After the executor is closed: every job is back in the mailbox. May be NULL. */
void request_worker_free(struct request_worker *rw);

/* Any thread, once for each world: sends it by its own letter, with a reference for the worker;
 * cannot fail. From then on the worker's thread reads all options from that world. */
void request_worker_publish(struct request_worker *rw, struct world *world);

/* Any thread, once: from now on outages of its store are logged. Until then they are not, so that
 * the log's first line is the starter's. */
void request_worker_may_log(struct request_worker *rw);

/* Any thread: soon frees what the worker only keeps for later requests. */
void request_worker_reclaim_soon(struct request_worker *rw);
/* The pool's reclaim hook: the same at once. user is a request_worker; its own thread. */
void request_worker_on_reclaim(void *user);

/* The pool's on_response hook: counts every answer of the worker's connections. user is a
 * request_worker, path an enum metrics_path. */
void request_worker_on_response(void *user, int path, int status, int64_t duration_us);
/* The pool's on_evicted hook. */
void request_worker_on_evicted(void *user);

/* Any thread, for what of its store is for any thread. */
const struct store *request_worker_store(const struct request_worker *rw);

#endif
