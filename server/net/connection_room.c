/* Which connection is closed when there are too many: those waiting for their clients, longest
 * first. */
#include "base/clock.h"
#include "server/net/connection.h"

#define LOOKS 8                /* idle ones checked for bytes that have just arrived */
#define SLOW_US 250000         /* in transit for less than this is not slow */
#define MAX_EVICTED_AT_ONCE 16 /* per turn of the loop */

static bool is_idle(const struct connection_pool *pool, const struct connection_list *list)
{
    return list == &pool->idle || list == &pool->silent;
}

static void count_idle(struct connection_pool *pool, int64_t n)
{
    int64_t idle = atomic_load_explicit(&pool->n_idle, memory_order_relaxed);

    atomic_store_explicit(&pool->n_idle, idle + n, memory_order_relaxed);
}

void connection_wait(struct connection *c, struct connection_list *list, int64_t now_us)
{
    if (c->list == list)
        return;
    connection_wait_over(c);
    c->list = list;
    c->listed_us = now_us;
    c->list_next = NULL;
    c->list_before = list->last;
    if (list->last)
        list->last->list_next = c;
    else
        list->first = c;
    list->last = c;
    if (is_idle(c->pool, list))
        count_idle(c->pool, 1);
}

void connection_unlist(struct connection *c)
{
    struct connection_list *list = c->list;

    if (c->list_before)
        c->list_before->list_next = c->list_next;
    else
        list->first = c->list_next;
    if (c->list_next)
        c->list_next->list_before = c->list_before;
    else
        list->last = c->list_before;
    c->list = NULL;
    if (is_idle(c->pool, list))
        count_idle(c->pool, -1);
}

static struct connection *longest_without_bytes(const struct connection_list *list)
{
    struct connection *c = list->first;

    for (int i = 0; c && i < LOOKS; i++, c = c->list_next)
        if (!c->transport.ops->pending(&c->transport))
            return c;
    return NULL;
}

static struct connection *victim(const struct connection_pool *pool)
{
    struct connection *c = longest_without_bytes(&pool->silent);

    if (!c)
        c = longest_without_bytes(&pool->idle);
    if (c)
        return c;
    c = pool->slow.first;
    return c && clock_now_us() - c->listed_us >= SLOW_US ? c : NULL;
}

/* Between two requests the client expects no response; otherwise it is answered. */
static void evict(struct connection *c)
{
    connection_enter(c);
    c->hard = c->state == CONNECTION_WRITING;
    if (c->state == CONNECTION_READING && (c->started || !c->used))
        connection_problem(c, PROBLEM_TOO_MANY_CONNECTIONS, NULL, NULL, "");
    c->state = CONNECTION_ENDED;
    if (c->pool->hooks.on_evicted)
        c->pool->hooks.on_evicted(c->pool->user);
    connection_leave(c);
}

static bool too_many(const struct connection_pool *pool)
{
    return atomic_load(&pool->shared->connections) > pool->limits.max_connections;
}

/* One for one: lingering refusals count, too, but no connection is closed for them. */
bool connection_pool_make_room(struct connection_pool *pool)
{
    struct connection *c;

    if (!too_many(pool))
        return true;
    c = victim(pool);
    if (!c)
        return false;
    evict(c);
    return true;
}

int connection_pool_shrink(struct connection_pool *pool)
{
    int n = 0;

    for (; n < MAX_EVICTED_AT_ONCE && too_many(pool); n++)
        if (!connection_pool_make_room(pool))
            return n;
    return too_many(pool) ? n : -1;
}
