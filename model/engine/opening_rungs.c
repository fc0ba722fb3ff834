/*
 * The stage of opening that runs every rung of the device's ladder once on each lane before batches
 * are served: what a queue records of a pass, or loads at first use, is there by then. A step is
 * one pass of one rung.
 */
#include "model/engine/engine_state.h"
#include "model/engine/launch.h"
#include "model/engine/launcher_state.h"
#include "model/engine/opening.h"

#define BUDGET_US 1000000 /* of all rungs; passes of the others are not recorded */
#define PASSES 2          /* a queue records a pass that comes for the second time */
#define MAX_LAUNCHES 4

/* Segments as they are read in practice: a parent's children, pairs, ads of few words and of one.
 */
static const struct {
    int parent, len;
} shapes[] = {{64, 16}, {0, 80}, {64, 6}, {64, 2}};
#define SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

int opening_rung_input(const struct engine *engine, int tokens, int shape, struct input *out,
                       struct err *err)
{
    const int positions = engine->networks[0].config->positions;
    int parent = shapes[shape].parent, len = shapes[shape].len;

    if (parent > positions / 2)
        parent = positions / 2;
    if (parent > tokens / 2)
        parent = tokens / 2;
    if (len > positions - parent)
        len = positions - parent;
    if (input_reserve(out, tokens, tokens, err))
        return -1;
    if (parent)
        out->segments[out->n_segments++] = (struct segment){.len = parent, .parent = -1};
    out->n_tokens = parent;
    while (out->n_tokens < tokens) {
        const int left = tokens - out->n_tokens;
        const struct segment s = {.start = out->n_tokens,
                                  .len = left < len ? left : len,
                                  .parent = parent ? 0 : -1,
                                  .position = parent,
                                  .read = true};
        out->segments[out->n_segments++] = s;
        out->n_tokens += s.len;
        out->n_read++;
    }
    for (int i = 0; i < out->n_tokens; i++)
        out->ids[i] = out->types[i] = 0;
    return 0;
}

/* One batch on every lane at once. Logits may be what they like: ids are not words. */
static int run_lanes(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    struct engine_job job = {.input = &o->input, .out = o->out};
    struct engine_job *jobs[] = {&job};
    struct engine_batch batches[MAX_LAUNCHES];
    struct launch *launches[MAX_LAUNCHES];
    int n = 0, rc = 0;

    while (n < engine->n_launches && n < MAX_LAUNCHES && rc == 0) {
        const struct launch_args args = {
            .batch = &batches[n], .internal = true, .layers = engine_layers(engine)};
        batches[n] = (struct engine_batch){.jobs = jobs, .n_jobs = 1};
        rc = launch_start(engine, &args, &launches[n], err);
        n += rc == 0;
    }
    for (int i = 0; i < n; i++) {
        launch_wait(launches[i]);
        if (rc == 0 && !batch_computed(batches[i].status)) {
            *err = batches[i].err;
            rc = -1;
        }
    }
    return rc;
}

/* Of a batch on every lane. Predicted, so that all engines of a shape run the same rungs. */
static double predicted_us(const struct engine *engine)
{
    const struct input_shape shape = input_shape(&engine->opening->input);

    return engine_cost_us(&engine->cost, &shape, 1) * engine->n_launches;
}

/* For a step beside batches that are served, or for what is left of the budget. One pass always
 * runs. */
static bool too_long(const struct engine_opening *o, double us)
{
    if (o->rung == 0 && o->rung_shape == 0 && o->rung_pass == 0)
        return false;
    return (o->max_step_us && us > o->max_step_us) || o->rungs_us + us > BUDGET_US;
}

/* A rung that is not recorded runs once. */
static void next_pass(struct engine_opening *o, const struct device_caps *caps)
{
    const bool recorded =
        !caps->recorded_tokens || caps->ladder.tokens[o->rung] <= caps->recorded_tokens;

    if (recorded && ++o->rung_pass < PASSES)
        return;
    o->rung_pass = 0;
    if (recorded && ++o->rung_shape < SHAPES)
        return;
    o->rung_shape = 0;
    o->rung++;
}

int opening_rungs(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    const struct ladder *ladder = &engine->launcher->caps->ladder;
    double us;
    int tokens;

    if (o->rung >= ladder->n)
        return 0;
    tokens = ladder->tokens[o->rung];
    if (tokens > engine->max_batch_tokens)
        tokens = engine->max_batch_tokens;
    if (opening_rung_input(engine, tokens, o->rung_shape, &o->input, err) ||
        opening_reserve_out(engine, o->input.n_read, err))
        return -1;
    us = predicted_us(engine);
    if (too_long(o, us))
        return 0; /* as the larger ones will be */
    if (run_lanes(engine, err))
        return -1;
    next_pass(o, engine->launcher->caps);
    o->rungs_us += us;
    return tokens < engine->max_batch_tokens || o->rung_shape || o->rung_pass;
}
