/*
 * ./adrank bench cost [MODEL]: opens MODEL (default: the demo's) in f32 and bf16, with one thread
 * and with all, once freely and once in short steps as beside served engines, and runs batches of
 * several shapes: what the cost function predicts, what they take (median and fastest), and the
 * ratio of the two.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quantile.h"
#include "base/rng.h"
#include "bench/usage.h"
#include "model/engine/engine_state.h"
#include "model/engine/opening.h"

#define SHAPE_US 200000.0 /* of each shape: rounds */
#define MAX_ROUNDS 200
#define MAX_TOKENS 8192

/* What a line measures: one input or several (`families`), each with a parent or none. */
static const struct shape {
    const char *name;
    int families, parent, n, len_min, len_max;
} shapes[] = {
    {"cross, 100 pairs of 72 to 88", 1, 0, 100, 72, 88},
    {"cross, 20 pairs of 72 to 88", 1, 0, 20, 72, 88},
    {"prefix 64, 100 ads of 8 to 24", 1, 64, 100, 8, 24},
    {"prefix 64, 20 ads of 8 to 24", 1, 64, 20, 8, 24},
    {"prefix 64, 5 ads of 8 to 24", 1, 64, 5, 8, 24},
    {"8 of prefix 64, 20 ads of 8 to 24", 8, 64, 20, 8, 24},
    {"3 of prefix 32, 40 ads of 4 to 12", 3, 32, 40, 4, 12},
    {"one segment of 200", 1, 0, 1, 200, 200},
    {"3 segments of 200", 1, 0, 3, 200, 200},
    {"1000 segments of 1", 1, 0, 1000, 1, 1},
    {"300 segments of 1 to 32", 1, 0, 300, 1, 32},
    {"48 segments of 8 to 250", 1, 0, 48, 8, 250},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct line {
    double predicted_us, took_us[MAX_ROUNDS];
    int n;
};

struct bench {
    struct model *model;
    struct launcher *launcher;
    struct engine *engine;
    struct input input;
    float *logits;
    double ratios[SHAPES * MAX_ROUNDS]; /* took over predicted */
    int n_ratios;
};

static void put(struct bench *b, struct rng *rng, int len, int parent, bool read)
{
    struct input *in = &b->input;
    int position = parent >= 0 ? in->segments[parent].len : 0;

    in->segments[in->n_segments++] = (struct segment){
        .start = in->n_tokens, .len = len, .parent = parent, .position = position, .read = read};
    in->n_read += read;
    for (int i = 0; i < len; i++) {
        in->ids[in->n_tokens] =
            (int32_t)rng_below(rng, (uint64_t)b->model->encoders[0].config.vocab);
        in->types[in->n_tokens++] = 0;
    }
}

static int build(struct bench *b, const struct shape *shape, struct err *err)
{
    int positions = b->model->encoders[0].config.positions;
    int parent = shape->parent < positions / 2 ? shape->parent : positions / 2;
    struct rng rng;

    rng_init(&rng, 1);
    if (input_reserve(&b->input, MAX_TOKENS, MAX_TOKENS, err))
        return -1;
    for (int f = 0; f < shape->families; f++) {
        int at = parent ? b->input.n_segments : -1;
        if (parent)
            put(b, &rng, parent, -1, false);
        for (int i = 0; i < shape->n; i++) {
            int span = shape->len_max - shape->len_min + 1;
            int len = shape->len_min + (int)rng_below(&rng, (uint64_t)span);
            len = len < positions - parent ? len : positions - parent;
            if (b->input.n_tokens + len <= MAX_TOKENS)
                put(b, &rng, len, at, true);
        }
    }
    return 0;
}

static int run(struct bench *b, double *us, struct err *err)
{
    struct engine_job job = {.input = &b->input, .out = b->logits};
    struct engine_job *jobs[] = {&job};
    struct engine_batch batch = {.jobs = jobs, .n_jobs = 1};

    if (engine_run(b->engine, &batch, err))
        return -1;
    *us = (double)batch.run_us;
    return 0;
}

static int measure(struct bench *b, const struct shape *shape, struct err *err)
{
    static struct line line;
    double spent_us = 0;

    if (build(b, shape, err) || run(b, &line.took_us[0], err))
        return -1;
    struct input_shape of = input_shape(&b->input);
    line.predicted_us = engine_cost_us(engine_cost(b->engine), &of, 1);
    for (line.n = 0; line.n < MAX_ROUNDS && (line.n < 5 || spent_us < SHAPE_US); line.n++) {
        if (run(b, &line.took_us[line.n], err))
            return -1;
        spent_us += line.took_us[line.n];
        b->ratios[b->n_ratios++] = line.took_us[line.n] / line.predicted_us;
    }
    double fastest_us = quantile(line.took_us, line.n, 0),
           median_us = quantile(line.took_us, line.n, 0.5);
    printf(
        "  %-36s %6lld tokens  predicted %8.2f ms  took %8.2f ms (%.2f), fastest %8.2f ms (%.2f)\n",
        shape->name, (long long)of.tokens, line.predicted_us / 1e3, median_us / 1e3,
        median_us / line.predicted_us, fastest_us / 1e3, fastest_us / line.predicted_us);
    return 0;
}

/* A stage of opening, in the order of engine.c: measuring the cost function. */
enum { STAGE_COST = 3, STAGES = 5 };

static int open_engine(struct bench *b, const struct engine_args *args, struct err *err)
{
    double longest_ms[STAGES] = {0}, total_ms = 0;
    int steps = 0, rc;

    if (engine_open_begin(b->launcher, args, &b->engine, err))
        return -1;
    do {
        int stage = b->engine->opening->stage;
        int64_t began_us = clock_now_us();
        rc = engine_open_step(b->engine, err);
        double ms = (double)(clock_now_us() - began_us) / 1e3;
        longest_ms[stage] = ms > longest_ms[stage] ? ms : longest_ms[stage];
        total_ms += ms;
        steps++;
    } while (rc > 0);
    if (rc < 0)
        return -1;
    const struct engine_cost *cost = engine_cost(b->engine);
    printf(
        "%s, threads: %d%s; opened in %d steps, %.0f ms; longest: weights %.1f ms, measuring %.1f "
        "ms, golden %.1f ms\n  fixed %.0f us, per token %.3f, per attention %.4f, per segment "
        "%.3f, lanes %.2f\n",
        precision_names[b->engine->caps.precision], b->engine->n_threads,
        args->max_step_us ? ", in short steps" : "", steps, total_ms, longest_ms[0],
        longest_ms[STAGE_COST], longest_ms[STAGE_COST + 1], cost->fixed_us, cost->per_token_us,
        cost->per_attention_us, cost->per_segment_us, cost->lanes);
    return 0;
}

static int one(struct bench *b, enum precision precision, int threads, int max_step_us,
               struct err *err)
{
    const struct launcher_args args = {.backend = "cpu", .threads = threads};
    const struct engine_args engine = {.model = b->model,
                                       .precision = precision,
                                       .max_batch_tokens = MAX_TOKENS,
                                       .max_batch_jobs = 1,
                                       .skip_golden = !b->model->has_adrank_json,
                                       .max_step_us = max_step_us};
    int rc = -1;

    b->n_ratios = 0;
    if (launcher_open(&args, &b->launcher, err))
        return -1;
    if (open_engine(b, &engine, err) == 0) {
        rc = 0;
        for (int i = 0; i < SHAPES && rc == 0; i++)
            rc = measure(b, &shapes[i], err);
        if (rc == 0)
            printf("  actual over predicted, all rounds: p5 %.2f, median %.2f, p95 %.2f\n",
                   quantile(b->ratios, b->n_ratios, 0.05), quantile(b->ratios, b->n_ratios, 0.5),
                   quantile(b->ratios, b->n_ratios, 0.95));
    }
    engine_close(b->engine);
    b->engine = NULL;
    launcher_close(b->launcher);
    return rc;
}

/* An encoder without a classifier is measured with one of zeros: the cost is the same. */
static int lend_classifier(struct model *m, struct err *err)
{
    if (m->head.labels)
        return 0;
    m->head.classifier =
        arena_calloc(&m->arena, (size_t)m->encoders[0].config.hidden, sizeof(float));
    m->head.classifier_bias = arena_calloc(&m->arena, 1, sizeof(float));
    if (!m->head.classifier || !m->head.classifier_bias || !m->head.pooler)
        return err_set(err, ERR_DATA, "%s: it has neither classifier nor pooler", m->dir);
    m->head.labels = 1;
    return 0;
}

static int bench(struct bench *b, const char *dir, struct err *err)
{
    static const enum precision precisions[] = {PRECISION_F32, PRECISION_BF16};
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);

    if (model_open(dir, &b->model, err) || lend_classifier(b->model, err))
        return -1;
    b->logits = calloc((size_t)MAX_TOKENS * (size_t)b->model->head.labels, sizeof(*b->logits));
    if (!b->logits)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int p = 0; p < 2; p++)
        for (int threads = 1; threads <= cores; threads += cores > 1 ? cores - 1 : 1)
            for (int max_step_us = 0; max_step_us <= 10000; max_step_us += 10000)
                if (one(b, precisions[p], threads, max_step_us, err))
                    return -1;
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct err err;
    int rc;

    rc = usage_status(argc, argv, 0, 1, "usage: ./adrank bench cost [MODEL]\n");
    if (rc >= 0)
        return rc;
    rc = bench(&b, argc == 2 ? argv[1] : "config/demo/model", &err);
    if (rc)
        fprintf(stderr, "bench-cost: %s\n", err.text);
    input_release(&b.input);
    free(b.logits);
    model_unref(b.model);
    return rc ? err_exit_status(&err) : 0;
}
