/* The stages of opening an engine, each in small steps (adrank/engine.h). */
#include <math.h>
#include <stdlib.h>

#include "model/engine/engine_opening.h"
#include "model/engine/engine_struct.h"

int opening_network(struct engine *engine, struct err *err)
{
    return network_step(&engine->network, err);
}

static int open_kept(struct engine *engine, struct err *err)
{
    int rows = engine->model->config.positions;

    if (rows < PLAN_MIN_TOKENS)
        rows = PLAN_MIN_TOKENS;
    engine->kept = calloc((size_t)engine->n_kept + 1, sizeof(*engine->kept));
    if (!engine->kept)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    for (int i = 0; i < engine->n_kept; i++) {
        struct kept_qkv *kept = &engine->kept[i].qkv;
        size_t bytes = forward_kept_bytes(&engine->network, rows, &kept->layer_bytes);
        kept->memory = engine->ops->alloc(engine->session, bytes, err);
        if (!kept->memory)
            return -1;
    }
    return 0;
}

int opening_lanes(struct engine *engine, struct err *err)
{
    int i = engine->opening->lane;

    if (i == 0) {
        engine->lanes = calloc((size_t)engine->n_lanes, sizeof(*engine->lanes));
        engine->scratch = calloc((size_t)engine->n_scratch, sizeof(*engine->scratch));
        if (!engine->lanes || !engine->scratch)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (engine->ops->lane_open(engine->session, engine->max_slice_tokens,
                               engine->model->config.hidden, &engine->lanes[i], err) ||
        (i < engine->n_scratch && forward_scratch_init(&engine->scratch[i], &engine->network,
                                                       engine->max_slice_tokens, err)))
        return -1;
    engine->opening->lane++;
    if (engine->opening->lane < engine->n_lanes)
        return 1;
    return open_kept(engine, err);
}

static int open_run(struct engine *engine, int i, struct err *err)
{
    const struct model *m = engine->model;
    bool slices = engine->launcher->crew != NULL;
    const struct plan_limits limits = {
        .max_batch_tokens = engine->max_batch_tokens,
        .max_segment_tokens = m->config.positions,
        .slice_tokens = slices ? engine->launcher->caps->slice_tokens : 0,
        .max_slice_tokens = engine->max_slice_tokens,
        .max_parent_tokens = m->config.positions,
        .threads = slices ? engine->n_lanes : 1,
        .outside_parents = engine->launcher->caps->outside_parents,
    };
    struct run *run = &engine->runs[i];
    size_t n = (size_t)engine->max_batch_tokens;

    *run = (struct run){.engine = engine, .lane = i};
    run->slices = calloc(n, sizeof(*run->slices));
    run->logits = calloc(n * (size_t)m->config.labels, sizeof(*run->logits));
    if (!run->slices || !run->logits)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    return plan_init(&run->plan, &limits, err);
}

int opening_runs(struct engine *engine, struct err *err)
{
    if (!engine->runs) {
        engine->runs = calloc((size_t)engine->n_runs, sizeof(*engine->runs));
        if (!engine->runs)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (open_run(engine, engine->opening->run, err))
        return -1;
    return ++engine->opening->run < engine->n_runs;
}

/* ------------------------------------------------------------------ computing while opening */

int engine_compute_batch(struct engine *engine, const struct input *input, float *logits,
                         struct engine_batch *out, struct err *err)
{
    struct engine_job job = {.input = input, .logits = logits};
    struct engine_job *jobs[] = {&job};
    struct run *run;

    *out = (struct engine_batch){.jobs = jobs, .n_jobs = 1};
    if (run_launch(engine, out, true, &run, err))
        return -1;
    run_wait(run);
    out->jobs = NULL;
    if (!batch_computed(out->status)) {
        *err = out->err;
        return -1;
    }
    return 0;
}

int engine_not_finite(const struct engine *engine, struct err *err)
{
    return err_set(err, ERR_DATA, "%s: logits are not finite", engine->model->dir);
}

int engine_compute(struct engine *engine, const struct input *input, float *logits, int64_t *run_us,
                   struct err *err)
{
    struct input part = {0};
    struct engine_batch batch;
    int first, rc = 0;

    *run_us = 0;
    for (int i = 0; (rc = input_part(input, engine->max_batch_tokens, i, &part, &first, err)) > 0;
         i++) {
        float *to = logits + (ptrdiff_t)first * engine->model->config.labels;
        rc = engine_compute_batch(engine, &part, to, &batch, err);
        if (rc == 0 && batch.status == BATCH_NOT_FINITE)
            rc = engine_not_finite(engine, err);
        if (rc)
            break;
        *run_us += batch.run_us;
    }
    input_release(&part);
    return rc;
}

int opening_reserve_logits(struct engine *engine, int n, struct err *err)
{
    struct engine_opening *o = engine->opening;
    size_t row_bytes = (size_t)engine->model->config.labels * sizeof(*o->logits);
    float *room;

    if (n <= o->max_logits)
        return 0;
    room = realloc(o->logits, (size_t)n * row_bytes);
    if (!room)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    o->logits = room;
    o->max_logits = n;
    return 0;
}

/* ------------------------------------------------------------------ golden requests */

static int judge(struct engine *engine, int request, int n_read, double limit, struct err *err)
{
    const struct golden *golden = &engine->model->adrank.golden;
    const struct golden_request *want = &golden->requests[request];
    int labels = engine->model->config.labels;

    if (n_read != want->n_logits)
        return err_set(err, ERR_DATA, "%s: golden request %d: %d logits, want %d",
                       engine->model->dir, request, n_read, want->n_logits);
    for (int i = 0; i < n_read; i++) {
        double got = model_logit(engine->model, engine->opening->logits + (ptrdiff_t)i * labels);
        double error = fabs(got - want->logits[i]) / golden->spread;
        if (error > engine->golden_error)
            engine->golden_error = error;
        if (!(error <= limit))
            return err_set(err, ERR_DATA,
                           "%s: golden request %d, candidate %d: logit %.6g, want %.6g: error over "
                           "spread %.3g, allowed %.3g in %s",
                           engine->model->dir, request, i, got, want->logits[i], error, limit,
                           precision_names[engine->caps.precision]);
    }
    return 0;
}

/* Of one part, so that a step takes about max_step_us. */
static int part_tokens(const struct engine *engine)
{
    const struct input_shape usual = {.tokens = 256, .attention = 256 * 64, .segments = 16};
    double us = engine_cost_us(&engine->cost, &usual, 1);
    int wanted_us = engine->opening->max_step_us;

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
    return opening_reserve_logits(engine, o->input.n_read, err);
}

int opening_golden(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    const struct golden *golden = &engine->model->adrank.golden;
    double limit;
    int64_t us;
    int first, rc;

    if (o->skip_golden || golden->n_requests == 0)
        return 0;
    if (golden_limit(golden, engine->caps.precision, &limit, err))
        return err_prefix(err, "%s/%s", engine->model->dir, model_file_names[FILE_ADRANK]);
    if (o->golden_part == 0 && build_golden(engine, &golden->requests[o->golden], err))
        return -1;
    rc = input_part(&o->input, part_tokens(engine), o->golden_part++, &o->part, &first, err);
    if (rc > 0) {
        float *logits = o->logits + (ptrdiff_t)first * engine->model->config.labels;
        return engine_compute(engine, &o->part, logits, &us, err) ? -1 : 1;
    }
    if (rc < 0 || judge(engine, o->golden, o->input.n_read, limit, err))
        return -1;
    o->golden_part = 0;
    return ++o->golden < golden->n_requests;
}
