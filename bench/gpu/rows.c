/* Opens models and sizes, and measures them. */
#include "bench/gpu/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantile.h"
#include "base/rng.h"

#define YARDSTICK_SIZE 8192
#define YARDSTICK_PRODUCTS 12
#define YARDSTICK_WARM 4 /* times so many products before those that are timed */
#define BURST_US 12000.0 /* of passes between two looks at the yardstick */

static const struct encoder_config minilm = {.layers = 6,
                                             .hidden = 384,
                                             .heads = 12,
                                             .inner = 1536,
                                             .vocab = 30522,
                                             .positions = 512,
                                             .types = 2,
                                             .eps = 1e-12F,
                                             .activation = ACTIVATION_GELU_ERF};
static const struct encoder_config bert_base = {.layers = 12,
                                                .hidden = 768,
                                                .heads = 12,
                                                .inner = 3072,
                                                .vocab = 30522,
                                                .positions = 512,
                                                .types = 2,
                                                .eps = 1e-12F,
                                                .activation = ACTIVATION_GELU_ERF};
static const struct encoder_config tiny = {.layers = 2,
                                           .hidden = 64,
                                           .heads = 2,
                                           .inner = 128,
                                           .vocab = 100,
                                           .positions = 128,
                                           .types = 2,
                                           .eps = 1e-12F,
                                           .activation = ACTIVATION_GELU_ERF};

/* ---- opening --------------------------------------------------------------------------------- */

/* How the inner layer's GELU is computed. */
enum variant { ERF, TANH };

static const struct model_shape {
    const char *name;
    const struct encoder_config *config;
    enum variant variant;
} shapes[] = {
    {"MiniLM-L6", &minilm, ERF},    {"MiniLM-L6-tanh", &minilm, TANH},
    {"BERT-base", &bert_base, ERF}, {"BERT-base-tanh", &bert_base, TANH},
    {"tiny", &tiny, ERF},
};
static const char *const kinds[] = {"prefix", "cross"};
static const struct size {
    int requests, pairs;
} sizes[2][ROWS_SIZES] = {{{1, 8}, {1, 100}, {4, 100}, {16, 100}},
                          {{1, 2}, {1, 3}, {2, 3}, {3, 3}}};

static int open_engine(struct rows *rows, const struct model_shape *shape, int max_tokens,
                       struct err *err)
{
    struct encoder_config config = *shape->config;
    struct bench_model *model = &rows->models[rows->n_models];
    struct bench_engine *engine = &rows->engines[rows->n_models];

    config.activation = shape->variant == TANH ? ACTIVATION_GELU_TANH : ACTIVATION_GELU_ERF;
    if (bench_model_init(model, shape->name, &config, err) ||
        bench_engine_init(engine, rows->device, model, rows->options->precision, max_tokens, err))
        return -1;
    rows->n_models++;
    return 0;
}

static int open_row(struct rows *rows, struct bench_engine *engine,
                    const struct scenario_args *args, struct err *err)
{
    struct row *row = &rows->items[rows->n];

    row->engine = engine;
    row->repeats = 1;
    if (scenario_init(&row->scenario, rows->device, engine->net.config, args, err))
        return -1;
    rows->n++;
    /* Scratch must hold numbers before products are timed over it. */
    if (scenario_run(&row->scenario, engine, true, err))
        return -1;
    return bare_init(&row->bare, &row->scenario, engine, err);
}

/* The chosen ones of a model, which is opened for the first of them. */
static int open_shape(struct rows *rows, const struct model_shape *shape, struct err *err)
{
    const bool tiny_size = rows->options->tiny;
    const int max_tokens = tiny_size ? 1024 : 32768;
    struct bench_engine *engine = NULL;

    for (int i = 0; i < 2 * ROWS_SIZES; i++) {
        const struct size *size = &sizes[tiny_size][i % ROWS_SIZES];
        const struct scenario_args args = {.kind = kinds[i / ROWS_SIZES],
                                           .requests = size->requests,
                                           .context = tiny_size ? 16 : 64,
                                           .pairs = size->pairs,
                                           .max_tokens = max_tokens};
        char *path = rows->items[rows->n].path;

        snprintf(path, sizeof(rows->items[0].path), "%s/%s/%dx%d", shape->name, args.kind,
                 args.requests, args.pairs);
        if (!strstr(path, rows->options->only))
            continue;
        if (!engine && open_engine(rows, shape, max_tokens, err))
            return -1;
        engine = &rows->engines[rows->n_models - 1];
        if (open_row(rows, engine, &args, err))
            return -1;
    }
    return 0;
}

int rows_open(struct rows *rows, const struct options *options, struct err *err)
{
    const int yardstick = options->tiny ? 256 : YARDSTICK_SIZE;

    *rows = (struct rows){.options = options};
    if (backend_cuda.device_open("", &rows->device, err) ||
        yardstick_init(&rows->yardstick, rows->device, yardstick, YARDSTICK_PRODUCTS, err))
        return -1;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if ((shapes[i].config == &tiny) == options->tiny && open_shape(rows, &shapes[i], err))
            return -1;
    return rows->n ? 0 : err_set(err, ERR_USAGE, "--only %s: no such row", options->only);
}

void rows_close(struct rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        bare_release(&rows->items[i].bare);
        scenario_release(&rows->items[i].scenario);
    }
    for (int m = 0; m < rows->n_models; m++) {
        bench_engine_release(&rows->engines[m]);
        bench_model_release(&rows->models[m]);
    }
    bare_release(&rows->yardstick);
    if (rows->device)
        backend_cuda.device_close(rows->device);
}

/* ---- bits ------------------------------------------------------------------------------------ */

static bool finite_all(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static bool same_group(const struct row *a, const struct row *b)
{
    return a->engine == b->engine && strcmp(a->scenario.args.kind, b->scenario.args.kind) == 0;
}

/* Once as it comes, then recorded and replayed. alone: the scores of the group's smallest row. */
static int check_row(struct row *row, const struct row *alone, struct err *err)
{
    struct scenario *s = &row->scenario;
    const float *want = alone->scenario.logits;

    for (int pass = 0; pass < 4; pass++) {
        if (scenario_run(s, row->engine, pass == 0, err))
            return -1;
        if (row == alone && pass == 0)
            printf("%s: logits %s: %g, %g, ...\n", row->path,
                   finite_all(want, s->args.pairs) ? "finite" : "NOT FINITE", (double)want[0],
                   (double)want[1]);
        if (memcmp(scenario_first(s), want, (size_t)alone->scenario.args.pairs * sizeof(float)))
            printf("%s, pass %d: SCORES DIFFER FROM THOSE ALONE\n", row->path, pass);
    }
    return 0;
}

int rows_check_bits(struct rows *rows, struct err *err)
{
    const struct row *alone = NULL;

    for (int i = 0; i < rows->n; i++) {
        struct row *row = &rows->items[i];
        if (!alone || !same_group(alone, row))
            alone = row;
        if (check_row(row, alone, err))
            return -1;
    }
    return 0;
}

/* ---- measuring ------------------------------------------------------------------------------- */

int rows_warm_up(struct rows *rows, struct err *err)
{
    double us;

    for (int r = 0; r < rows->n; r++) {
        struct row *row = &rows->items[r];
        /* Both lanes record every batch at its second pass. */
        for (int i = 0; i < 2; i++)
            if (scenario_time(&row->scenario, row->engine, false, rows->options->tiny ? 2 : 6, &us,
                              err))
                return -1;
        row->repeats = us < BURST_US && !rows->options->tiny ? (int)(BURST_US / us) + 1 : 1;
    }
    return 0;
}

static int time_to_host(struct row *row, double *us, struct err *err)
{
    *us = INFINITY;
    for (int i = 0; i < 5; i++) {
        double once;
        if (scenario_latency(&row->scenario, row->engine, &once, err))
            return -1;
        *us = fmin(*us, once);
    }
    return 0;
}

static int measure_row(struct rows *rows, struct row *row, struct err *err)
{
    const int round = rows->rounds;
    struct scenario *s = &row->scenario;
    double us;

    for (int i = 0; i < YARDSTICK_WARM; i++) /* the card slows down under load, not at once */
        if (bare_queue(&rows->yardstick, err))
            return -1;
    if (bare_time(&rows->yardstick, 1, &us, err))
        return -1;
    row->measured[YARDSTICK_TFLOPS][round] = rows->yardstick.flop / us / 1e6;
    return scenario_time(s, row->engine, false, row->repeats, &row->measured[DEVICE][round], err) ||
                   bare_time(&row->bare, row->repeats, &row->measured[BARE][round], err) ||
                   scenario_time(s, row->engine, true, row->repeats / 2 + 1,
                                 &row->measured[PLAIN][round], err) ||
                   time_to_host(row, &row->measured[TO_HOST][round], err)
               ? -1
               : 0;
}

/* The order is another one in each round, and the same in each run. */
int rows_measure(struct rows *rows, struct err *err)
{
    int order[ROWS_MAX];
    struct rng rng;

    rng_init(&rng, (uint64_t)rows->rounds + 1);
    for (int i = 0; i < rows->n; i++) { /* Fisher and Yates 1938, from within */
        const int j = (int)rng_below(&rng, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (int i = 0; i < rows->n; i++)
        if (measure_row(rows, &rows->items[order[i]], err))
            return -1;
    rows->rounds++;
    return 0;
}

double row_median(struct row *row, enum measure measure, int rounds)
{
    return rounds ? quantile(row->measured[measure], rounds, .5) : 0;
}
