/*
 * A worker's free requests. They are allocated in chunks that are never freed, so a slot's address
 * and number never change. Free requests keep the memory of their arenas, within bounds, so that
 * the next one calls no malloc. The worker's thread only.
 */
#ifndef SERVER_REQUEST_REQUEST_POOL_H
#define SERVER_REQUEST_REQUEST_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"

struct request;
struct request_worker;

struct request_pool {
    struct request_worker *worker;
    struct budget *memory;         /* arenas are charged to it */
    struct request **slots;        /* (n_slots) all requests ever made, by slot */
    uint32_t n_slots, max_slots;   /* more than max_slots in work is a bug */
    struct request *warm;          /* free, their arenas keep memory; last used first */
    struct request *cold;          /* the other free ones */
    size_t kept_bytes, keep_bytes; /* by warm ones; the caller may change keep_bytes */
};

void request_pool_init(struct request_pool *pool, struct request_worker *worker,
                       struct budget *memory, uint32_t max_slots);
void request_pool_release(struct request_pool *pool); /* none is in work */

struct request *request_pool_take(struct request_pool *pool); /* NULL: out of memory */
/* Resets its arena. */
void request_pool_put(struct request_pool *pool, struct request *r);
/* Frees the memory that free requests keep. */
void request_pool_reclaim(struct request_pool *pool);

#endif
