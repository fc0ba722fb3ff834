#include "kernels/cpu/onednn_plan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernels/cpu/onednn_trial.h"

/* ---- what was found out, kept for every later open ------------------------------------------- */

#define MAX_VERDICTS 256 /* shapes; more are tried anew each time */

static struct verdict {
    struct onednn_shape shape;
    int classes[PLAN_RUNGS];
} verdicts[MAX_VERDICTS];
static int n_verdicts;
static pthread_mutex_t verdicts_lock = PTHREAD_MUTEX_INITIALIZER;

static bool same_shape(const struct onednn_shape *a, const struct onednn_shape *b)
{
    return a->in == b->in && a->out == b->out && a->operand == b->operand &&
           a->result == b->result && a->bias == b->bias && a->activation == b->activation;
}

static bool recall(const struct onednn_shape *shape, int classes[PLAN_RUNGS])
{
    bool found = false;

    pthread_mutex_lock(&verdicts_lock);
    for (int i = 0; i < n_verdicts && !found; i++) {
        found = same_shape(&verdicts[i].shape, shape);
        if (found)
            memcpy(classes, verdicts[i].classes, sizeof(verdicts[i].classes));
    }
    pthread_mutex_unlock(&verdicts_lock);
    return found;
}

static void remember(const struct onednn_shape *shape, const int classes[PLAN_RUNGS])
{
    pthread_mutex_lock(&verdicts_lock);
    if (n_verdicts < MAX_VERDICTS) {
        struct verdict *verdict = &verdicts[n_verdicts++];

        verdict->shape = *shape;
        memcpy(verdict->classes, classes, sizeof(verdict->classes));
    }
    pthread_mutex_unlock(&verdicts_lock);
}

static dnnl_status_t classify(const struct onednn_plan *plan, dnnl_engine_t engine,
                              dnnl_stream_t stream, int classes[PLAN_RUNGS])
{
    dnnl_status_t status;

    if (recall(&plan->shape, classes))
        return dnnl_success;
    status = onednn_trial(plan, engine, stream, classes);
    if (status == dnnl_success)
        remember(&plan->shape, classes);
    return status;
}

/* ---- a plan ---------------------------------------------------------------------------------- */

void onednn_plan_choose(struct onednn_plan *plan, const int classes[PLAN_RUNGS])
{
    int rows[PLAN_RUNGS] = {0}, best = -1;

    for (int rung = 0; rung < PLAN_RUNGS; rung++)
        if (classes[rung] >= 0)
            rows[classes[rung]] += plan_rows(rung);
    for (int class = 0; class < PLAN_RUNGS; class ++)
        if (rows[class] && (best < 0 || rows[class] > rows[best]))
            best = class;
    plan->lowest = -1;
    for (int rung = PLAN_RUNGS - 1; rung >= 0; rung--) {
        plan->usable[rung] = best >= 0 && classes[rung] == best;
        if (plan->usable[rung])
            plan->lowest = rung;
    }
}

static dnnl_status_t keep_agreeing_rungs(struct onednn_plan *plan, dnnl_engine_t engine,
                                         dnnl_stream_t stream)
{
    int classes[PLAN_RUNGS];
    dnnl_status_t status = classify(plan, engine, stream, classes);

    if (status != dnnl_success)
        return status;
    onednn_plan_choose(plan, classes);
    return plan->lowest < 0 ? dnnl_unimplemented : dnnl_success;
}

/* The top rung chooses the layout; a rung that cannot take it is left out. */
static dnnl_status_t make_rungs(struct onednn_plan *plan, dnnl_engine_t engine)
{
    struct onednn_shape shape = plan->shape;
    dnnl_status_t status =
        onednn_matmul_new(engine, &shape, NULL, &plan->layout, &plan->rungs[PLAN_RUNGS - 1]);

    for (int rung = 0; status == dnnl_success && rung < PLAN_RUNGS - 1; rung++) {
        shape.rows = plan_rows(rung);
        if (onednn_matmul_new(engine, &shape, plan->layout, NULL, &plan->rungs[rung]) ==
            dnnl_out_of_memory)
            status = dnnl_out_of_memory;
    }
    for (int rung = 0; rung < PLAN_RUNGS; rung++)
        if (plan->rungs[rung].scratch_bytes > plan->scratch_bytes)
            plan->scratch_bytes = plan->rungs[rung].scratch_bytes;
    return status;
}

static void tell(const struct onednn_plan *plan)
{
    int n_usable = 0, highest = 0;

    for (int rung = 0; rung < PLAN_RUNGS; rung++) {
        n_usable += plan->usable[rung];
        highest = plan->usable[rung] ? rung : highest;
    }
    log_debug("linear_shape", LOG_INT("in", plan->shape.in), LOG_INT("out", plan->shape.out),
              LOG_STR("implementation", plan->rungs[PLAN_RUNGS - 1].implementation),
              LOG_INT("rungs", n_usable), LOG_INT("most_rows", plan_rows(highest)));
}

int onednn_plan_new(dnnl_engine_t engine, dnnl_stream_t stream, const struct onednn_shape *shape,
                    struct onednn_plan **out, struct err *err)
{
    struct onednn_plan *plan = calloc(1, sizeof(*plan));
    dnnl_status_t status;

    if (!plan)
        return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", shape->in, shape->out);
    plan->shape = *shape;
    plan->shape.rows = plan_rows(PLAN_RUNGS - 1);
    plan->lowest = -1;
    status = make_rungs(plan, engine);
    if (status == dnnl_success)
        status = keep_agreeing_rungs(plan, engine, stream);
    if (status != dnnl_success) {
        onednn_plan_free(plan);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "linear %d x %d: oneDNN: %s", shape->in, shape->out, onednn_reason(status));
    }
    tell(plan);
    *out = plan;
    return 0;
}

void onednn_plan_free(struct onednn_plan *plan)
{
    if (!plan)
        return;
    for (int rung = 0; rung < PLAN_RUNGS; rung++)
        onednn_matmul_release(&plan->rungs[rung]);
    onednn_layout_free(plan->layout);
    free(plan);
}

int onednn_plan_rung(const struct onednn_plan *plan, int n_rows)
{
    int rung = n_rows / PLAN_STEP - 1;

    if (rung >= PLAN_RUNGS)
        rung = PLAN_RUNGS - 1;
    while (rung > plan->lowest && !plan->usable[rung])
        rung--;
    return rung;
}
