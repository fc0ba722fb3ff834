/*
 * The internals of struct request_worker: what the steps of its requests share. Private to
 * server/request; the worker's thread only.
 */
#ifndef SERVER_REQUEST_WORKER_STATE_H
#define SERVER_REQUEST_WORKER_STATE_H

#include <stdatomic.h>

#include "base/rng.h"
#include "server/batch/job.h"
#include "server/metrics/metrics.h"
#include "server/net/server.h"
#include "server/request/impression_log.h"
#include "server/request/request_pool.h"
#include "server/store/store.h"
#include "server/world/world.h"

struct request_worker {
    struct net_thread *worker;
    struct metrics_shard *shard;
    struct impression_log *impressions;
    struct store *store;
    struct letter may_log; /* request_worker_may_log()'s */
    bool quiet;            /* that has not come yet */
    struct world *world;   /* a reference; NULL before the first */
    struct batch_jobs jobs;
    struct request_pool pool;
    struct budget *memory;
    struct letter reclaim; /* request_worker_reclaim_soon()'s */
    atomic_bool reclaim_posted;
    struct rng rng;  /* sampling */
    struct buf body; /* of the answer that is being written */
    struct buf line; /* of the impression log */
};

static inline struct request_worker *request_worker_of(void *reader)
{
    return ((struct net_thread *)reader)->pool.user;
}

#endif
