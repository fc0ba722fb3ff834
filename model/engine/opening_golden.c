/* The stage of opening that runs the model's golden requests and compares their logits. */
#include <math.h>
#include <stdlib.h>

#include "model/engine/compute.h"
#include "model/engine/engine_state.h"
#include "model/engine/opening.h"

int opening_reserve_out(struct engine *engine, int n, struct err *err)
{
    struct engine_opening *o = engine->opening;
    size_t row_bytes = (size_t)engine->out_width * sizeof(*o->out);
    float *room;

    if (n <= o->max_out)
        return 0;
    room = realloc(o->out, (size_t)n * row_bytes);
    if (!room)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    o->out = room;
    o->max_out = n;
    return 0;
}

static int judge(struct engine *engine, int request, int n_read, double limit, double *worst,
                 struct err *err)
{
    const struct golden *golden = &engine->model->adrank.golden;
    const struct golden_request *want = &golden->requests[request];

    if (n_read != want->n_logits)
        return err_set(err, ERR_DATA, "%s: golden request %d: %d logits, want %d",
                       engine->model->dir, request, n_read, want->n_logits);
    for (int i = 0; i < n_read; i++) {
        double got =
            model_logit(engine->model, engine->opening->out + (ptrdiff_t)i * engine->out_width);
        double error = fabs(got - want->logits[i]) / golden->spread;
        if (error > *worst)
            *worst = error;
        if (!(error <= limit))
            return err_set(err, ERR_DATA,
                           "%s: golden request %d, candidate %d: logit %.6g, want %.6g: error over "
                           "spread %.3g, allowed %.3g in %s with %s",
                           engine->model->dir, request, i, got, want->logits[i], error, limit,
                           precision_names[engine->caps.precision], engine->gelu.name);
    }
    return 0;
}

/* Of one part, so that a step takes about max_step_us. */
static int part_tokens(const struct engine *engine)
{
    const struct input_shape usual = {.tokens = 256, .attention = 256 * 64, .segments = 16};
    double us = engine_cost_us(&engine->cost, &usual, 1);
    int wanted_us = engine->opening->max_step_us;

    if (us <= 0)
        us = engine->opening->trial.token_us * 256;
    if (!wanted_us || us * engine->max_batch_tokens <= (double)wanted_us * 256)
        return engine->max_batch_tokens;
    return 1 + (int)(wanted_us * 256 / us);
}

static int build_golden(struct engine *engine, const struct golden_request *request,
                        struct err *err)
{
    struct engine_opening *o = engine->opening;

    if (request_input_build(&o->requests, engine->model, request->body, request->now_ms, &o->input,
                            err))
        return err_prefix(err, "%s: golden request %d", engine->model->dir, o->golden);
    return opening_reserve_out(engine, o->input.n_read, err);
}

int opening_golden_step(struct engine *engine, double limit, double *worst, struct err *err)
{
    struct engine_opening *o = engine->opening;
    const struct golden *golden = &engine->model->adrank.golden;
    int64_t us;
    int first, rc;

    if (o->golden_part == 0 && build_golden(engine, &golden->requests[o->golden], err))
        return -1;
    rc = input_part(&o->input, part_tokens(engine), o->golden_part++, &o->part, &first, err);
    if (rc > 0) {
        float *out = o->out + (ptrdiff_t)first * engine->out_width;
        return engine_compute(engine, &o->part, out, &us, err) ? -1 : 1;
    }
    if (rc < 0 || judge(engine, o->golden, o->input.n_read, limit, worst, err))
        return -1;
    o->golden_part = 0;
    if (++o->golden < golden->n_requests)
        return 1;
    o->golden = 0;
    return 0;
}

int opening_golden(struct engine *engine, struct err *err)
{
    const struct golden *golden = &engine->model->adrank.golden;
    double limit;

    if (engine->opening->skip_golden || golden->n_requests == 0)
        return 0;
    if (golden_limit(golden, engine->caps.precision, &limit, err))
        return err_prefix(err, "%s/%s", engine->model->dir, model_file_names[FILE_ADRANK]);
    return opening_golden_step(engine, limit, &engine->golden_error, err);
}
