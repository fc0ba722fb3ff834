/* Charges what a connection holds to the budget; when that is full, a connection is ended. */
#include "server/net/connection.h"

#include <stddef.h>

#define FINE_STEP 1024 /* up to COARSE_STEP: thousands of small requests need little memory */
#define COARSE_STEP 4096
#define MAX_VICTIMS 4 /* for one charge */

static int64_t rounded(size_t bytes)
{
    size_t step = bytes > COARSE_STEP ? COARSE_STEP : FINE_STEP;

    return (int64_t)((bytes + step - 1) / step * step);
}

static struct connection *connection_of(const struct holder *holder)
{
    return (struct connection *)(void *)((char *)holder - offsetof(struct connection, holder));
}

void connection_shield(struct connection *c)
{
    holders_set(&c->pool->holders, &c->holder, 0);
}

void connection_expose(struct connection *c)
{
    holders_set(&c->pool->holders, &c->holder, c->in_charged + c->out_charged);
}

/* The 503 cannot be composed while another response is: then only a connection that is being
 * written to may be ended. */
static int may_go(const struct holder *holder, void *arg)
{
    const struct connection *c = connection_of(holder);
    const bool *writing_only = arg;

    return c->entered == 0 &&
           (c->state == CONNECTION_WRITING || (c->state == CONNECTION_READING && !*writing_only));
}

static void end_for_others(struct connection *c)
{
    connection_enter(c);
    c->yielding = false;
    if (c->state == CONNECTION_READING) {
        connection_problem(c, PROBLEM_BODY_MEMORY, NULL, NULL, "");
    } else {
        c->hard = true;
        connection_lost(c);
    }
    connection_leave(c);
}

/* Charges `bytes` more, at the expense of others if need be. */
static bool charge(struct connection *c, enum budget_kind kind, int64_t bytes, int64_t holder_bytes)
{
    struct connection_pool *pool = c->pool;
    struct budget *memory = pool->shared->memory;
    bool writing_only = kind == BUDGET_ANSWER;

    if (budget_charge(memory, kind, bytes, holder_bytes))
        return true;
    if (pool->hooks.reclaim) {
        pool->hooks.reclaim(pool->user);
        if (budget_charge(memory, kind, bytes, holder_bytes))
            return true;
    }
    for (int i = 0; i < MAX_VICTIMS; i++) {
        struct holder *victim = holders_victim(&pool->holders, &c->holder, holder_bytes,
                                               BUDGET_SMALL_BYTES, may_go, &writing_only);

        if (!victim)
            return false;
        end_for_others(connection_of(victim));
        if (budget_charge(memory, kind, bytes, holder_bytes))
            return true;
    }
    return false;
}

/* Pages of a buffer that were written stay in memory, even if its bytes have been consumed since. A
 * small buffer does not make a connection a large holder. */
static size_t held(const struct connection *c)
{
    if (c->in.capacity > BUFFERS_BASE_BYTES || c->in_most < BUDGET_SMALL_BYTES)
        return c->in_most;
    return c->in_len > BUDGET_SMALL_BYTES ? c->in_len : BUDGET_SMALL_BYTES;
}

bool connection_charge_in(struct connection *c)
{
    int64_t bytes = rounded(held(c));

    if (bytes == c->in_charged)
        return true;
    if (bytes < c->in_charged)
        budget_return(c->pool->shared->memory, BUDGET_BODY, c->in_charged - bytes);
    else if (!charge(c, BUDGET_BODY, bytes - c->in_charged, bytes))
        return false;
    c->in_charged = bytes;
    connection_expose(c);
    return true;
}

bool connection_charge_out(struct connection *c, size_t n)
{
    int64_t bytes = rounded(n);

    if (bytes <= c->out_charged)
        return true;
    if (!charge(c, BUDGET_ANSWER, bytes - c->out_charged, bytes))
        return false;
    c->out_charged = bytes;
    connection_expose(c);
    return true;
}

static void discharge(struct connection *c, enum budget_kind kind, int64_t *charged)
{
    if (!*charged)
        return;
    budget_return(c->pool->shared->memory, kind, *charged);
    *charged = 0;
    connection_expose(c);
}

void connection_drop_in(struct connection *c)
{
    buffers_put(&c->pool->buffers, c->in);
    c->in = (struct buffer){NULL, 0};
    c->in_at = c->in_len = c->in_most = 0;
    discharge(c, BUDGET_BODY, &c->in_charged);
}

void connection_drop_out(struct connection *c)
{
    buffers_put(&c->pool->buffers, c->out);
    c->out = (struct buffer){NULL, 0};
    c->out_len = c->out_pos = 0;
    discharge(c, BUDGET_ANSWER, &c->out_charged);
}
