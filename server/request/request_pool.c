/* Free requests in two lists, warm and cold, by whether their arenas keep memory. */
#include "server/request/request_pool.h"

#include <stdlib.h>

#include "base/bug.h"
#include "server/request/request_state.h"

#define CHUNK 64
#define CHUNK_BYTES (32 << 10) /* of an arena */
/* An arena's first chunk: enough for a small request that waits for its user's history. */
#define FIRST_BYTES (8 << 10)
#define KEEP_BYTES (256 << 10) /* at most, of one arena */

void request_pool_init(struct request_pool *pool, struct request_worker *worker,
                       struct budget *memory, uint32_t max_slots)
{
    *pool = (struct request_pool){.worker = worker, .memory = memory, .max_slots = max_slots};
}

void request_pool_release(struct request_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        arena_release(&pool->slots[i]->arena);
        if (i % CHUNK == CHUNK - 1)
            free(pool->slots[i - (CHUNK - 1)]);
    }
    free(pool->slots);
}

static int add_chunk(struct request_pool *pool)
{
    struct request **slots;
    struct request *chunk;

    BUG_ON(pool->n_slots >= pool->max_slots);
    slots = realloc(pool->slots, (pool->n_slots + CHUNK) * sizeof(struct request *));
    if (!slots)
        return -1;
    pool->slots = slots;
    chunk = calloc(CHUNK, sizeof(*chunk));
    if (!chunk)
        return -1;
    for (struct request *r = chunk; r < chunk + CHUNK; r++) {
        r->worker = pool->worker;
        r->slot = pool->n_slots;
        arena_init(&r->arena, CHUNK_BYTES, 0);
        arena_set_budget(&r->arena, pool->memory, FIRST_BYTES);
        pool->slots[pool->n_slots++] = r;
        r->next_free = pool->cold;
        pool->cold = r;
    }
    return 0;
}

struct request *request_pool_take(struct request_pool *pool)
{
    struct request **list;
    struct request *r;

    if (!pool->warm && !pool->cold && add_chunk(pool))
        return NULL;
    list = pool->warm ? &pool->warm : &pool->cold;
    r = *list;
    *list = r->next_free;
    pool->kept_bytes -= r->arena.held_bytes;
    return r;
}

/* Bytes that the arena of one more free request may keep. */
static size_t may_keep(const struct request_pool *pool)
{
    size_t left = pool->kept_bytes < pool->keep_bytes ? pool->keep_bytes - pool->kept_bytes : 0;

    if (budget_is_short(pool->memory))
        return 0;
    return left < KEEP_BYTES ? left : KEEP_BYTES;
}

void request_pool_put(struct request_pool *pool, struct request *r)
{
    struct request **list;

    arena_reset(&r->arena, may_keep(pool));
    pool->kept_bytes += r->arena.held_bytes;
    list = r->arena.held_bytes ? &pool->warm : &pool->cold;
    r->next_free = *list;
    *list = r;
}

void request_pool_reclaim(struct request_pool *pool)
{
    struct request *r;

    while ((r = pool->warm)) {
        pool->warm = r->next_free;
        pool->kept_bytes -= r->arena.held_bytes;
        arena_release(&r->arena);
        r->next_free = pool->cold;
        pool->cold = r;
    }
}
