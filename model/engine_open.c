/* The stages of opening an engine, each in small steps (adrank/engine.h). */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/engine_opening.h"
#include "model/engine_struct.h"

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
        kept->memory = engine->ops.alloc(engine->backend, bytes, err);
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
        engine->scratch = calloc((size_t)engine->n_lanes, sizeof(*engine->scratch));
        if (!engine->lanes || !engine->scratch)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (engine->ops.lane_open(engine->backend, engine->max_slice_tokens,
                              engine->model->config.hidden, &engine->lanes[i], err) ||
        forward_scratch_init(&engine->scratch[i], &engine->network, engine->max_slice_tokens, err))
        return -1;
    engine->opening->lane++;
    if (engine->opening->lane < engine->n_lanes)
        return 1;
    return open_kept(engine, err);
}

static int open_run(struct engine *engine, int i, struct err *err)
{
    const struct model *m = engine->model;
    bool slices = engine->device->crew != NULL;
    const struct plan_limits limits = {
        .max_batch_tokens = engine->max_batch_tokens,
        .max_segment_tokens = m->config.positions,
        .slice_tokens = slices ? engine->caps.slice_tokens : 0,
        .max_slice_tokens = engine->max_slice_tokens,
        .max_parent_tokens = m->config.positions,
        .threads = engine->n_lanes,
        .outside_parents = engine->caps.outside_parents,
    };
    struct run *run = &engine->runs[i];
    size_t n = (size_t)engine->max_batch_tokens;

    *run = (struct run){.engine = engine, .slot = i};
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

int engine_compute(struct engine *engine, const struct input *input, float *logits, int64_t *run_us,
                   struct err *err)
{
    struct input part = {0};
    struct engine_job job = {.input = &part};
    struct engine_job *jobs[] = {&job};
    struct engine_batch batch = {.jobs = jobs, .n_jobs = 1};
    struct run *run;
    int first, rc = 0;

    *run_us = 0;
    for (int i = 0; (rc = input_part(input, engine->max_batch_tokens, i, &part, &first, err)) > 0;
         i++) {
        job.logits = logits + (ptrdiff_t)first * engine->model->config.labels;
        rc = run_launch(engine, &batch, true, &run, err);
        if (rc)
            break;
        run_wait(run);
        *run_us += batch.run_us;
        if (!batch_computed(batch.status)) {
            *err = batch.err;
            rc = -1;
            break;
        }
        if (batch.status == BATCH_NOT_FINITE) {
            rc = err_set(err, ERR_DATA, "%s: logits are not finite", engine->model->dir);
            break;
        }
    }
    input_release(&part);
    return rc;
}

/* Room for n rows of logits, kept from one step to the next. */
static int reserve_logits(struct engine_opening *o, int n, int labels, struct err *err)
{
    float *room;

    if (n <= o->max_logits)
        return 0;
    room = realloc(o->logits, (size_t)n * (size_t)labels * sizeof(*room));
    if (!room)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    o->logits = room;
    o->max_logits = n;
    return 0;
}

/* ------------------------------------------------------------------ cost */

#define COST_ROUNDS 4
#define COST_BUDGET_US 1500000 /* of all measuring; the rest is left out */

/* n segments of len tokens; with a parent of that many tokens, or none. */
static const struct {
    int n, len, parent;
} cost_shapes[COST_SHAPES] = {
    {1, 16, 0},  {4, 32, 0},  {16, 16, 0},   {1, 256, 0},    {24, 16, 64},
    {32, 32, 0}, {4, 256, 0}, {100, 16, 96}, {256, 16, 128},
};

static void put_segment(struct input *out, int len, int parent, bool read)
{
    int position = parent >= 0 ? out->segments[parent].len : 0;

    out->segments[out->n_segments] = (struct segment){
        .start = out->n_tokens, .len = len, .parent = parent, .position = position, .read = read};
    for (int i = 0; i < len; i++) {
        out->ids[out->n_tokens + i] = 0;
        out->types[out->n_tokens + i] = 0;
    }
    out->n_tokens += len;
    out->n_segments++;
    out->n_read += read;
}

/* The shape as far as model and batch hold it. */
static int build_shape(const struct engine *engine, int shape, struct input *out, struct err *err)
{
    int positions = engine->model->config.positions;
    int parent = cost_shapes[shape].parent, len = cost_shapes[shape].len;

    if (parent > positions / 2)
        parent = positions / 2;
    if (len > positions - parent)
        len = positions - parent;
    if (input_reserve(out, parent + cost_shapes[shape].n * len, cost_shapes[shape].n + 1, err))
        return -1;
    if (parent)
        put_segment(out, parent, -1, false);
    for (int i = 0; i < cost_shapes[shape].n && out->n_tokens + len <= engine->max_batch_tokens;
         i++)
        put_segment(out, len, parent ? 0 : -1, true);
    return 0;
}

/* The first round of a shape warms it up; the fastest of the others counts, since what disturbs
 * only adds. */
static void note_round(struct engine_opening *o, const struct input *input, double us)
{
    struct input_shape shape = input_shape(input);

    if (o->round == 1 || (o->round > 1 && us < o->best_us))
        o->best_us = us;
    if (o->round < COST_ROUNDS - 1)
        return;
    o->samples[o->n_samples++] = (struct cost_sample){(double)shape.tokens, (double)shape.attention,
                                                      o->best_us > 1 ? o->best_us : 1};
}

int opening_cost(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    int labels = engine->model->config.labels;
    int64_t us;

    if (!o->cost_began_us)
        o->cost_began_us = clock_now_us();
    if (build_shape(engine, o->shape, &o->input, err) ||
        reserve_logits(o, o->input.n_read, labels, err) ||
        engine_compute(engine, &o->input, o->logits, &us, err))
        return -1;
    note_round(o, &o->input, (double)us);
    if (++o->round == COST_ROUNDS) {
        o->round = 0;
        o->shape++;
    }
    /* At least three shapes, or the terms cannot be told apart. */
    if (o->shape < COST_SHAPES &&
        (o->n_samples < 3 || clock_now_us() - o->cost_began_us < COST_BUDGET_US))
        return 1;
    cost_fit(o->samples, o->n_samples, &engine->cost);
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

int opening_golden(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    const struct golden *golden = &engine->model->adrank.golden;
    const struct golden_request *request = &golden->requests[o->golden];
    double limit;
    int64_t us;

    if (o->skip_golden || golden->n_requests == 0)
        return 0;
    if (golden_limit(golden, engine->caps.precision, &limit, err))
        return err_prefix(err, "%s/%s", engine->model->dir, model_file_names[FILE_ADRANK]);
    if (request_input_build(&o->requests, engine->model, request->body, request->now_ms, &o->input,
                            err))
        return err_prefix(err, "%s: golden request %d", engine->model->dir, o->golden);
    if (reserve_logits(o, o->input.n_read, engine->model->config.labels, err) ||
        engine_compute(engine, &o->input, o->logits, &us, err) ||
        judge(engine, o->golden, o->input.n_read, limit, err))
        return -1;
    return ++o->golden < golden->n_requests;
}
