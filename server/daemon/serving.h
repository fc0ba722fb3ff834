/*
 * struct serving: the part of the daemon that answers requests. The public server and a request
 * worker for each of its threads, the executors, and what they share: memory, metrics, the
 * impression log. Main thread only.
 */
#ifndef SERVER_DAEMON_SERVING_H
#define SERVER_DAEMON_SERVING_H

#include <stdatomic.h>

#include "base/budget.h"
#include "server/admin/health.h"
#include "server/request/worker.h"

struct serving;

/* Counts the batches of one executor, on its thread. */
struct executor_meter {
    struct serving *serving;
    struct metrics_shard *shard;
};

struct serving {
    struct budget memory; /* what requests hold */
    struct metrics metrics;
    struct impression_log *impressions;
    struct server server;
    struct http_route routes[3];
    struct executor *executor;
    struct executor *fallback; /* on the processor, for when the executor's device fails; or NULL */
    struct executor_meter meters[2]; /* theirs */
    _Atomic int64_t batch_us;        /* when the last batch was computed (monotonic); 0: none yet */
    struct request_worker **workers; /* (server.n_threads) */
    bool has_server;                 /* how far opening came */
};

struct serving_args {
    struct loop *loop;           /* the main thread's: it accepts */
    const struct config *config; /* until the first world is published */
    const char *backend;         /* in place of model.backend; NULL: that */
    struct health *health;       /* of the routes; not touched before server_start() */
};

/* Binds the address and makes everything but the server's threads. Closed by serving_close(), also
 * after a failure; a zeroed one may be stopped and closed. */
int serving_open(struct serving *serving, const struct serving_args *args,
                 struct err *err) MUST_CHECK;

/* From here on new requests are served from `world`. Cannot fail. */
void serving_publish(struct serving *serving, struct world *world);

/* No more requests: what the executor has admitted may end, for a second, then the threads end. */
void serving_stop(struct serving *serving);
/* Nothing else may hold a world. -1: a thread hangs in a call of the device, and most of this has
 * to outlive the process. */
int serving_close(struct serving *serving);

/* Any thread, after serving_open(); arg is the struct serving. */
enum health_redis serving_redis(void *arg);

#endif
