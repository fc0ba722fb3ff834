/* What a worker keeps between requests, so that the next one calls no malloc, and when it lets go of it. */
#include "server/request/request_state.h"

#define KEEP_BYTES (256 << 10)     /* of one arena */
#define KEEP_BUF_BYTES (256 << 10) /* of an answer's or a line's buffer */
#define KEEP_SHARE 8 /* all workers' arenas together: that part of the budget; jobs too */

void request_worker_set_keep(struct request_worker *rw)
{
    rw->keep_bytes =
        (size_t)budget_limit(rw->memory) / KEEP_SHARE / (size_t)rw->worker->server->n_threads;
    rw->jobs.keep_bytes = (int64_t)rw->keep_bytes;
}

/* Of one more arena. */
static size_t may_keep(const struct request_worker *rw)
{
    size_t left = rw->kept_bytes < rw->keep_bytes ? rw->keep_bytes - rw->kept_bytes : 0;

    if (budget_is_short(rw->memory))
        return 0;
    return left < KEEP_BYTES ? left : KEEP_BYTES;
}

struct request *request_worker_take(struct request_worker *rw)
{
    struct request *r;

    if (budget_is_short(rw->memory))
        request_worker_reclaim(rw);
    if (!rw->warm && !rw->cold && request_worker_more(rw))
        return NULL;
    r = rw->warm ? rw->warm : rw->cold;
    if (rw->warm)
        rw->warm = r->next_free;
    else
        rw->cold = r->next_free;
    rw->kept_bytes -= r->arena.held_bytes;
    return r;
}

static void shrink(struct buf *buf)
{
    if (buf->capacity > KEEP_BUF_BYTES)
        buf_release(buf);
}

void request_worker_put(struct request_worker *rw, struct request *r)
{
    struct request **list;

    arena_reset(&r->arena, may_keep(rw));
    rw->kept_bytes += r->arena.held_bytes;
    list = r->arena.held_bytes ? &rw->warm : &rw->cold;
    r->next_free = *list;
    *list = r;
    shrink(&rw->body);
    shrink(&rw->line);
}

void request_worker_reclaim(struct request_worker *rw)
{
    struct request *r;

    while ((r = rw->warm)) {
        rw->warm = r->next_free;
        rw->kept_bytes -= r->arena.held_bytes;
        arena_release(&r->arena);
        r->next_free = rw->cold;
        rw->cold = r;
    }
    batch_jobs_reclaim(&rw->jobs);
}

void request_worker_on_reclaim(void *user)
{
    request_worker_reclaim(user);
}

static void on_reclaim(struct letter *letter, void *reader)
{
    struct request_worker *rw = request_worker_of(reader);

    (void)letter;
    atomic_store(&rw->reclaim_posted, false);
    request_worker_reclaim(rw);
    connection_pool_reclaim(&rw->worker->pool);
}

void request_worker_reclaim_soon(struct request_worker *rw)
{
    if (atomic_exchange(&rw->reclaim_posted, true))
        return;
    rw->reclaim.deliver = on_reclaim;
    loop_post(&rw->worker->loop, &rw->reclaim);
}
