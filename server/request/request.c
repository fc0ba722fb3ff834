#include "server/request/request_state.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"

#define FIRST_BYTES                                                                                \
    (8 << 10) /* of an arena: what a small request needs that waits for its user's history */

static enum step_result (*const steps[STEPS])(struct request *r) = {
    [STEP_DECODE] = step_decode,         [STEP_FEATURES] = step_features,
    [STEP_CANDIDATES] = step_candidates, [STEP_TOKENS] = step_tokens,
    [STEP_BATCH] = step_batch,           [STEP_RANK] = step_rank,
};

/* A step that ends a request has given it back; else nobody would ever answer. */
static void check_end(struct request *r, uint64_t generation)
{
    struct err err;

    if (r->generation != generation)
        return;
    err_set(&err, ERR_INTERNAL, "a step ends without an answer");
    request_fail(r, &err);
}

/* Runs steps until something is out or the request has ended. */
static void run(struct request *r)
{
    const uint64_t generation = r->generation;

    for (;;) {
        enum step_result result;

        r->in_step = true;
        result = steps[r->step](r);
        r->in_step = false;
        switch (result) {
        case STEP_NEXT: /* a late answer leaves out what takes time */
            r->step = r->late ? STEP_RANK : r->step + 1;
            break;
        case STEP_WAIT:
            return;
        case STEP_ENDED:
            check_end(r, generation);
            return;
        case STEP_LATE:
            request_late(r);
            return;
        }
    }
}

void request_go(struct request *r, enum step step)
{
    r->step = step;
    run(r);
}

void request_resume(struct request *r)
{
    request_go(r, r->step + 1);
}

/* Everything that the request holds goes back; what is out will come back as a stranger. */
static void put_back(struct request *r)
{
    struct request_worker *rw = r->worker;

    loop_timer_remove(&rw->worker->loop, &r->answer_timer);
    step_features_abandon(r);
    step_batch_abandon(r);
    world_unref(r->world);
    r->world = NULL;
    r->call = NULL;
    r->generation++;
    request_worker_put(rw, r);
}

void request_end(struct request *r)
{
    put_back(r);
}

enum step_result request_refuse(struct request *r, enum problem_code code, const char *detail,
                                const struct problems *problems)
{
    http_call_problem(r->call, code, detail, problems);
    put_back(r);
    return STEP_ENDED;
}

enum step_result request_fail(struct request *r, const struct err *err)
{
    if (err->code == ERR_NOMEM)
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    log_error("request_failed_by_bug", LOG_STR("request_id", r->call->request_id),
              LOG_INT("step", r->step), LOG_STR("error", err->text));
    return request_refuse(r, PROBLEM_INTERNAL, NULL, NULL);
}

static void on_gone(struct http_call *x, void *arg)
{
    struct request *r = arg;

    (void)x;
    metrics_count(r->worker->shard, METRIC_CLIENT_GONE, 0, 1);
    put_back(r);
}

static void on_answer_timer(struct timer *timer, void *arg)
{
    struct request *r = arg;

    (void)timer;
    request_late(r);
}

static void start(struct request *r, struct http_call *x)
{
    r->call = x;
    r->world = world_ref(r->worker->world);
    r->now_ms = clock_wall_ms();
    r->step = STEP_DECODE;
    r->degraded = 0;
    r->refused = r->late = false;
    r->timing = (struct timing){0};
    r->behaviours = NULL;
    r->n_behaviours = 0;
    r->groups = NULL;
    r->n_groups = 0;
    r->ads = (struct candidates){0};
    r->pid[0] = '\0';
    http_call_defer(x, on_gone, r);
    run(r);
}

void request_init(struct request *r, struct request_worker *rw, uint32_t slot)
{
    *r = (struct request){.worker = rw, .slot = slot};
    arena_init(&r->arena, 32 << 10, 0);
    arena_set_budget(&r->arena, rw->memory, FIRST_BYTES);
    timer_init(&r->answer_timer, on_answer_timer, r);
}

void request_handle(struct http_call *x, void *arg)
{
    struct request_worker *rw = http_call_user(x);
    struct request *r;

    (void)arg;
    if (!rw->world) {
        http_call_problem(x, PROBLEM_NOT_READY, NULL, NULL);
        return;
    }
    r = request_worker_take(rw);
    if (!r) {
        http_call_problem(x, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
        return;
    }
    start(r, x);
}
