/* The stage of opening that measures the cost function. A step is one pass of one shape. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "model/engine/compute.h"
#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"
#include "model/engine/opening.h"

#define BUDGET_US 1500000.0 /* of all passes; remaining passes are skipped */
#define ENOUGH 6            /* samples taken regardless of the budget */
#define PASS_US 100000.0    /* of one pass, when nothing else is served */
#define SLOW_US 20000.0     /* from there on one pass to warm up and one that counts are enough */
#define ROUNDS 4

/*
 * n segments of len_min to len_max tokens; with a parent of that many tokens, or none. Each
 * has at most about twice the tokens of those before it, so that its time can be predicted: the
 * small ones already span tokens, attention and segments, and threads from 128 tokens on. The
 * lengths are not round: kernels are faster at round ones.
 */
static const struct {
    int n, len_min, len_max, parent;
} shapes[] = {
    {1, 19, 19, 0},  {1, 37, 37, 0},   {32, 1, 1, 0},    {4, 8, 24, 0},
    {1, 75, 75, 0},  {8, 8, 24, 0},    {1, 131, 131, 0}, {128, 1, 1, 0},
    {16, 8, 24, 0},  {1, 250, 250, 0}, {24, 8, 24, 60},  {500, 1, 1, 0},
    {12, 70, 90, 0}, {100, 8, 24, 60}, {8, 180, 250, 0}, {250, 4, 28, 90},
};
#define SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))
_Static_assert(SHAPES <= COST_MAX_SAMPLES, "a sample each");

/* ---- cached measurements --------------------------------------------------------------------- */

/* memcmp works: a struct encoder_config of ints, enums and one float has no padding. */
static bool same_encoders(const struct kept_cost *kept, const struct model *m)
{
    for (int i = 0; i < MODEL_MAX_ENCODERS; i++)
        if (memcmp(&kept->configs[i], &m->encoders[i].config, sizeof(kept->configs[i])) != 0)
            return false;
    return true;
}

static struct kept_cost *find_kept(struct engine *engine)
{
    struct launcher *launcher = engine->launcher;

    for (int i = 0; i < LAUNCHER_COSTS; i++) {
        struct kept_cost *kept = &launcher->costs[i];
        if (same_encoders(kept, engine->model) && kept->out_width == engine->out_width &&
            kept->precision == engine->caps.precision &&
            kept->activation == engine->gelu.activation &&
            kept->max_batch_tokens == engine->max_batch_tokens)
            return kept;
    }
    return NULL;
}

static bool take_kept(struct engine *engine)
{
    const struct kept_cost *kept = find_kept(engine);

    if (!kept || (kept->in_short_steps && !engine->opening->max_step_us))
        return false;
    engine->cost = kept->cost;
    return true;
}

static void keep(struct engine *engine)
{
    struct launcher *launcher = engine->launcher;
    struct kept_cost *kept = find_kept(engine);

    if (!kept) {
        kept = &launcher->costs[launcher->next_cost];
        launcher->next_cost = (launcher->next_cost + 1) % LAUNCHER_COSTS;
    }
    *kept = (struct kept_cost){.out_width = engine->out_width,
                               .precision = engine->caps.precision,
                               .activation = engine->gelu.activation,
                               .max_batch_tokens = engine->max_batch_tokens,
                               .in_short_steps = engine->opening->max_step_us > 0,
                               .cost = engine->cost};
    for (int i = 0; i < MODEL_MAX_ENCODERS; i++)
        kept->configs[i] = engine->model->encoders[i].config;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* With random tokens; a child where parent is not negative. */
static void put_segment(const struct engine *engine, struct input *out, int len, int parent,
                        struct rng *rng)
{
    int position = parent >= 0 ? out->segments[parent].len : 0;
    uint64_t vocab = (uint64_t)engine->networks[0].config->vocab;

    out->segments[out->n_segments++] = (struct segment){
        .start = out->n_tokens, .len = len, .parent = parent, .position = position, .read = true};
    out->n_read++;
    for (int i = 0; i < len; i++) {
        out->ids[out->n_tokens] = (int32_t)rng_below(rng, vocab);
        out->types[out->n_tokens++] = 0;
    }
}

/* The shape, as far as it fits model and batch. */
static int build_shape(const struct engine *engine, int shape, struct input *out, struct err *err)
{
    int n = shapes[shape].n, parent = shapes[shape].parent;
    int least = shapes[shape].len_min, most = shapes[shape].len_max;
    int positions = engine->networks[0].config->positions;
    struct rng rng;

    rng_init(&rng, 1);
    if (parent > positions / 2)
        parent = positions / 2;
    if (input_reserve(out, parent + n * most, n + 1, err))
        return -1;
    if (parent) {
        put_segment(engine, out, parent, -1, &rng);
        out->segments[0].read = false;
        out->n_read = 0;
    }
    for (int i = 0; i < n; i++) {
        int len = least + (int)rng_below(&rng, (uint64_t)(most - least) + 1);
        if (len > positions - parent)
            len = positions - parent;
        if (out->n_tokens + len > engine->max_batch_tokens)
            break;
        put_segment(engine, out, len, parent ? 0 : -1, &rng);
    }
    return 0;
}

static double limit_us(const struct engine_opening *o)
{
    return o->max_step_us ? o->max_step_us : PASS_US;
}

/* Layers of the larger of the two passes that a shape is measured with: all where that is short
 * enough, else two (and the other takes one); 0 where even they are too many. */
static int layers_for(const struct engine *engine, const struct input *input)
{
    const struct engine_opening *o = engine->opening;
    const struct measuring *m = &o->measuring;
    const struct input_shape shape = input_shape(input);
    int all = engine->networks[0].config->layers, few = all < 2 ? all : 2;
    double us;

    if (m->n_samples == 0)
        return o->max_step_us ? few : all;
    /* Twice the tokens take at most twice as long: a single sample shows no more. */
    us = engine_cost_us(&m->so_far, &shape, 1);
    if (m->n_samples == 1)
        us = m->samples[0].us;
    if (us <= limit_us(o))
        return all;
    return us * few / all <= limit_us(o) ? few : 0;
}

/* Builds the next shape whose predicted time is short enough in o->input. 0: none is left. */
static int next_shape(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    struct measuring *m = &o->measuring;

    for (m->shape = 0; m->shape < SHAPES; m->shape++) {
        if (m->measured[m->shape])
            continue;
        if (build_shape(engine, m->shape, &o->input, err) ||
            opening_reserve_out(engine, o->input.n_read, err))
            return -1;
        m->layers = layers_for(engine, &o->input);
        if (!m->layers)
            continue;
        m->round = 0;
        return 1;
    }
    return 0;
}

/* ---- passes ---------------------------------------------------------------------------------- */

static int run_layers(struct engine *engine, struct layer_range layers, double *us, struct err *err)
{
    struct engine_opening *o = engine->opening;
    struct engine_job job = {.input = &o->input, .out = o->out};
    struct engine_batch batch;

    if (engine_compute_batch(engine, &job, layers, &batch, err))
        return -1;
    if (batch.status == BATCH_NOT_FINITE &&
        layers.end - layers.first == engine->networks[0].config->layers)
        return engine_not_finite(engine, err);
    *us = batch.run_us > 1 ? (double)batch.run_us : 1;
    return 0;
}

static void note_sample(struct engine *engine)
{
    const struct ladder *ladder = &engine->launcher->caps->ladder;
    struct input_shape shape = input_shape(&engine->opening->input);
    struct measuring *m = &engine->opening->measuring;
    int all = engine->networks[0].config->layers;
    double us = m->more_us;

    /* Adds what each layer takes; the last, which computes less, is in both passes. */
    if (m->layers < all)
        us = m->few_us + fmax(m->more_us - m->few_us, 0) * (all - 1);
    shape.tokens = ladder_rung(ladder, (int)shape.tokens);
    m->samples[m->n_samples++] = (struct cost_sample){shape, us};
    m->measured[m->shape] = true;
    cost_fit(m->samples, m->n_samples, engine->n_threads, &m->so_far);
    m->so_far.ladder = *ladder;
}

/* Passes of a shape alternate: with few layers, with one more. The first of each is a warm-up; the
 * fastest of the others counts, since disturbances only add time. */
static int measure(struct engine *engine, struct err *err)
{
    struct measuring *m = &engine->opening->measuring;
    int all = engine->networks[0].config->layers, turns = m->layers < all ? 2 : 1;
    int turn = m->round % turns, round = m->round / turns;
    int layers = turns == 2 && turn == 0 ? m->layers - 1 : m->layers;
    /* Varies the layers: the same ones would stay in caches too small for the model. */
    int first = round * m->layers % (all - layers + 1);
    double us, *best = layers == m->layers ? &m->more_us : &m->few_us;
    double limit = limit_us(engine->opening);

    if (run_layers(engine, (struct layer_range){first, first + layers}, &us, err))
        return -1;
    if (round <= 1 || us < *best)
        *best = us;
    m->spent_us += us;
    m->round++;
    if (turn < turns - 1)
        return 0;
    if (round + 1 < (us > 2 * limit ? 1 : us > SLOW_US ? 2 : ROUNDS))
        return 0;
    note_sample(engine);
    return 1;
}

int opening_cost(struct engine *engine, struct err *err)
{
    struct measuring *m = &engine->opening->measuring;
    int rc;

    if (!m->begun) {
        if (take_kept(engine))
            return 0;
        m->begun = true;
        m->shape = SHAPES;
    }
    if (m->shape == SHAPES) {
        rc = m->n_samples >= ENOUGH && m->spent_us > BUDGET_US ? 0 : next_shape(engine, err);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            engine->cost = m->so_far;
            keep(engine);
            return 0;
        }
    }
    rc = measure(engine, err);
    if (rc < 0)
        return -1;
    if (rc > 0)
        m->shape = SHAPES;
    return 1;
}
