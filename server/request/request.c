/* A call becomes a request, and the loop over its steps, which is never re-entered for it. */
#include "server/request/request.h"

#include "base/bug.h"
#include "base/clock.h"
#include "server/request/reply.h"
#include "server/request/worker.h"
#include "server/request/worker_state.h"

#define KEEP_BUF_BYTES (256 << 10) /* of the worker's buffers, between requests */

static void shrink(struct buf *buf)
{
    if (buf->capacity > KEEP_BUF_BYTES)
        buf_release(buf);
}

/* Puts back everything that the request holds. Jobs still out are recognised by generation. */
static void finish(struct request *r)
{
    struct request_worker *rw = r->worker;

    loop_timer_remove(&rw->worker->loop, &r->answer_timer);
    for (int step = r->step; step >= 0; step--)
        request_steps[step].abandon(r);
    world_unref(r->world);
    r->world = NULL;
    r->call = NULL;
    r->generation++;
    request_pool_put(&rw->pool, r);
    shrink(&rw->body);
    shrink(&rw->line);
}

/* A step that ends the request without an answer is a bug; the client gets a 500. */
static void check_answered(struct request *r)
{
    struct err err;

    if (!r->call)
        return;
    err_set(&err, ERR_INTERNAL, "a step ended without an answer");
    request_fail(r, &err);
}

static enum step following(const struct request *r)
{
    enum step step = r->step + 1;

    while (r->late && request_steps[step].when_late == LATE_SKIPS)
        step++;
    return step;
}

static enum step_result reject(struct request *r)
{
    metrics_count(r->worker->shard, METRIC_DEGRADED, DEGRADED_DEADLINE, 1);
    request_count_late(r);
    return request_refuse(r, r->refused ? PROBLEM_OVERLOADED : PROBLEM_DEADLINE, NULL);
}

/* Continues by deadline.on_late, after r->step, with the steps that a late request runs. */
static enum step_result become_late(struct request *r)
{
    int on_late = r->world->config->deadline.on_late;

    request_degrade(r, DEGRADED_DEADLINE);
    r->late = true;
    request_steps[r->step].abandon(r);
    if (on_late == ON_LATE_REJECT)
        return reject(r);
    if (on_late == ON_LATE_EMPTY) /* else scores that came in time are used, and priors */
        r->step = STEP_RANK;
    return STEP_NEXT;
}

/* Whether there is a step to run now, r->step. */
static bool advance(struct request *r, enum step_result result)
{
    if (result == STEP_LATE)
        result = become_late(r);
    switch (result) {
    case STEP_NEXT:
        r->step = following(r);
        return true;
    case STEP_WAIT:
        return false;
    case STEP_ENDED:
        check_answered(r);
        finish(r);
        return false;
    case STEP_LATE:
        break;
    }
    BUG("late twice");
}

static void run(struct request *r)
{
    enum step_result result;

    do {
        r->running = true;
        r->resumed = STEP_WAIT;
        result = request_steps[r->step].run(r);
        r->running = false;
        if (result == STEP_WAIT)
            result = r->resumed;
    } while (advance(r, result));
}

void request_resume(struct request *r, enum step_result result)
{
    if (r->running)
        r->resumed = result;
    else if (advance(r, result))
        run(r);
}

static void on_gone(struct http_call *call, void *arg)
{
    struct request *r = arg;

    (void)call;
    metrics_count(r->worker->shard, METRIC_CLIENT_GONE, 0, 1);
    finish(r);
}

static void on_answer_timer(struct timer *timer, void *arg)
{
    (void)timer;
    request_resume(arg, STEP_LATE);
}

/* r is fresh from the pool. */
static void start(struct request *r, struct http_call *call, const struct wire_format *format)
{
    timer_init(&r->answer_timer, on_answer_timer, r);
    r->call = call;
    r->format = format;
    r->world = world_ref(r->worker->world);
    r->arrived_us = loop_arrival_us(&r->worker->worker->loop);
    r->now_ms = clock_wall_ms();
    r->step = STEP_DECODE;
    r->degraded = 0;
    r->refused = r->late = false;
    memset(r->timing_us, 0, sizeof(r->timing_us));
    r->history.pid[0] = '\0';
    r->history.behaviours = NULL;
    r->history.n = 0;
    r->ads = (struct candidates){0};
    r->tokens.groups = NULL;
    r->tokens.n_groups = 0;
    r->rank = (struct rank_state){0};
    http_call_defer(call, on_gone, r);
    run(r);
}

void request_handle(struct http_call *call, void *format)
{
    const struct wire_format *wire = format;
    struct request_worker *rw = http_call_user(call);
    struct request *r;

    if (!rw->world) {
        wire->refuse(call, PROBLEM_NOT_READY, NULL);
        return;
    }
    if (budget_is_short(rw->memory))
        request_worker_on_reclaim(rw);
    r = request_pool_take(&rw->pool);
    if (r)
        start(r, call, wire);
    else
        wire->refuse(call, PROBLEM_OUT_OF_MEMORY, NULL);
}
