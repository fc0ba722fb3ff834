/*
 * Whole passes on a GPU, for the shapes of MiniLM-L6 and BERT-base with random weights: time on the
 * device with and without recording, from launch to scores on the host, and beside them, in the
 * same rounds, the bare products of the same shapes and a sustained product of 8192^3. Medians.
 * Then that a request's scores have the same bits in every batch, and where the time goes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/rng.h"
#include "bench/gpu/bare.h"
#include "bench/gpu/profile.h"
#include "bench/usage.h"

#define USAGE                                                                                      \
    "usage: bench-gpu [rounds [precision]]\n"                                                      \
    "Passes of MiniLM-L6 and BERT-base on the GPU. rounds: 7; 0: one tiny model, to try the\n"     \
    "program itself. precision: f16 (default), bf16, f32\n"

#define MAX_ROUNDS 50
#define MODELS 4
#define SIZES 4               /* of a model and kind */
#define SCENARIOS (2 * SIZES) /* of a model */
#define YARDSTICK_SIZE 8192
#define YARDSTICK_PRODUCTS 12
#define YARDSTICK_WARM 4    /* times so many products before those that are timed */
#define MEASURE_US 50000000 /* no round is begun later */
#define BURST_US 12000.0    /* of passes between two looks at the yardstick */

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

/* One row of the table. */
struct row {
    struct bench_engine *engine;
    struct scenario scenario;
    struct bare bare;
    int repeats;
    double device[MAX_ROUNDS], plain[MAX_ROUNDS], latency[MAX_ROUNDS], bare_us[MAX_ROUNDS];
    double yardstick[MAX_ROUNDS]; /* TFLOP/s */
};

struct bench {
    int rounds;
    enum precision precision;
    struct device *device;
    struct bench_model models[MODELS];
    struct bench_engine engines[MODELS];
    int n_models;
    struct row rows[MODELS * SCENARIOS];
    int n_rows;
    struct bare yardstick;
};

/* ---- opening --------------------------------------------------------------------------------- */

/* How the inner layer's GELU is computed. */
enum variant { ERF, TANH };

static int add_model(struct bench *b, const char *name, const struct encoder_config *config,
                     enum variant variant, int max_tokens, struct err *err)
{
    struct encoder_config changed = *config;
    struct bench_model *model = &b->models[b->n_models];
    struct bench_engine *engine = &b->engines[b->n_models];

    changed.activation = variant == TANH ? ACTIVATION_GELU_TANH : ACTIVATION_GELU_ERF;
    if (bench_model_init(model, name, &changed, err) ||
        bench_engine_init(engine, b->device, model, b->precision, max_tokens, err))
        return -1;
    b->n_models++;
    return 0;
}

static int add_row(struct bench *b, struct bench_engine *engine, const struct scenario_args *args,
                   struct err *err)
{
    struct row *row = &b->rows[b->n_rows];

    row->engine = engine;
    if (scenario_init(&row->scenario, b->device, engine->net.config, args, err))
        return -1;
    b->n_rows++;
    /* Scratch must hold numbers before products are timed over it. */
    if (scenario_run(&row->scenario, engine, true, err))
        return -1;
    return bare_init(&row->bare, &row->scenario, engine, err);
}

static int open_all(struct bench *b, struct err *err)
{
    static const char *const kinds[] = {"prefix", "cross"};
    static const struct {
        int requests, pairs;
    } sizes[2][SIZES] = {{{1, 8}, {1, 100}, {4, 100}, {16, 100}}, {{1, 2}, {1, 3}, {2, 3}, {3, 3}}};
    static const struct {
        const char *name;
        const struct encoder_config *config;
        enum variant variant;
    } models[] = {
        {"MiniLM-L6", &minilm, ERF},    {"MiniLM-L6 tanh", &minilm, TANH},
        {"BERT-base", &bert_base, ERF}, {"BERT-base tanh", &bert_base, TANH},
        {"tiny", &tiny, ERF},
    };
    const bool small = b->rounds == 0;
    const int max_tokens = small ? 1024 : 32768, yardstick = small ? 256 : YARDSTICK_SIZE;

    if (backend_cuda.device_open("", &b->device, err) ||
        yardstick_init(&b->yardstick, b->device, yardstick, YARDSTICK_PRODUCTS, err))
        return -1;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if ((models[i].config == &tiny) == small &&
            add_model(b, models[i].name, models[i].config, models[i].variant, max_tokens, err))
            return -1;
    for (int m = 0; m < b->n_models; m++)
        for (int k = 0; k < 2; k++)
            for (int r = 0; r < SIZES; r++) {
                const struct scenario_args args = {.kind = kinds[k],
                                                   .requests = sizes[small][r].requests,
                                                   .context = small ? 16 : 64,
                                                   .pairs = sizes[small][r].pairs,
                                                   .max_tokens = max_tokens};
                if (add_row(b, &b->engines[m], &args, err))
                    return -1;
            }
    return 0;
}

static void close_all(struct bench *b)
{
    for (int i = 0; i < b->n_rows; i++) {
        bare_release(&b->rows[i].bare);
        scenario_release(&b->rows[i].scenario);
    }
    for (int m = 0; m < b->n_models; m++) {
        bench_engine_release(&b->engines[m]);
        bench_model_release(&b->models[m]);
    }
    bare_release(&b->yardstick);
    if (b->device)
        backend_cuda.device_close(b->device);
}

/* ---- bits ------------------------------------------------------------------------------------ */

static bool finite_all(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* The first pairs of request 0 without the others, with them, as the last of many requests, and
 * replayed; the rows of a model and kind are together. */
static int check_bits(struct bench *b, struct err *err)
{
    const float *alone = NULL;
    size_t bytes = 0;

    for (int i = 0; i < b->n_rows; i++) {
        struct row *row = &b->rows[i];
        struct scenario *s = &row->scenario;
        for (int pass = 0; pass < 4; pass++) { /* as they come, then recorded and replayed */
            if (scenario_run(s, row->engine, pass == 0, err))
                return -1;
            if (i % SIZES == 0 && pass == 0) {
                bytes = (size_t)s->args.pairs * sizeof(float);
                alone = b->rows[i].scenario.logits;
                printf("%-16s %-6s logits %s: %g, %g, ...\n", row->engine->model->name,
                       s->args.kind, finite_all(alone, s->args.pairs) ? "finite" : "NOT FINITE",
                       (double)alone[0], (double)alone[1]);
            }
            if (memcmp(scenario_first(s), alone, bytes) != 0)
                printf("%-16s %-6s %2d x %d pairs, pass %d: SCORES DIFFER FROM THOSE ALONE\n",
                       row->engine->model->name, s->args.kind, s->args.requests, s->args.pairs,
                       pass);
        }
    }
    return 0;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static int warm_up(struct row *row, struct err *err)
{
    double us;

    /* Both lanes record every batch at its second pass. */
    for (int i = 0; i < 2; i++)
        if (scenario_time(&row->scenario, row->engine, false, 6, &us, err))
            return -1;
    row->repeats = us < BURST_US ? (int)(BURST_US / us) + 1 : 1;
    return 0;
}

static int measure_row(struct bench *b, struct row *row, int round, struct err *err)
{
    struct scenario *s = &row->scenario;
    double us, latency[5];

    for (int i = 0; i < YARDSTICK_WARM; i++) /* the card slows down under load, not at once */
        if (bare_queue(&b->yardstick, err))
            return -1;
    if (bare_time(&b->yardstick, 1, &us, err))
        return -1;
    row->yardstick[round] = b->yardstick.flop / us / 1e6;
    if (scenario_time(s, row->engine, false, row->repeats, &row->device[round], err) ||
        bare_time(&row->bare, row->repeats, &row->bare_us[round], err) ||
        scenario_time(s, row->engine, true, row->repeats / 2 + 1, &row->plain[round], err))
        return -1;
    row->latency[round] = INFINITY;
    for (int i = 0; i < 5; i++) {
        if (scenario_latency(s, row->engine, &latency[i], err))
            return -1;
        row->latency[round] = fmin(row->latency[round], latency[i]);
    }
    return 0;
}

static int measure(struct bench *b, struct err *err)
{
    const int64_t end_us = clock_now_us() + MEASURE_US;
    struct rng rng;

    rng_init(&rng, 1);
    for (int i = 0; i < b->n_rows; i++)
        if (warm_up(&b->rows[i], err))
            return -1;
    for (int round = 0; round < b->rounds; round++) {
        if (clock_now_us() > end_us) { /* what there is counts */
            b->rounds = round;
            break;
        }
        int order[MODELS * SCENARIOS];
        for (int i = 0; i < b->n_rows; i++) { /* Fisher and Yates 1938, from within */
            const int j = (int)rng_below(&rng, (uint64_t)i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (int i = 0; i < b->n_rows; i++)
            if (measure_row(b, &b->rows[order[i]], round, err))
                return -1;
    }
    return 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return n ? values[n / 2] : 0;
}

static void print_row(struct row *row, int rounds)
{
    const struct scenario *s = &row->scenario;
    const double device = median(row->device, rounds), plain = median(row->plain, rounds);
    const double yardstick = median(row->yardstick, rounds), bare = median(row->bare_us, rounds);
    const double tflops = s->flop / device / 1e6;

    printf("%-16s %-6s %2dx%-3d %7d %9.1f %9.1f %9.1f %9.1f %7.1f %7.1f %6.3f %6.3f %6.2f %9.0f\n",
           row->engine->model->name, s->args.kind, s->args.requests, s->args.pairs, s->n_tokens,
           device, median(row->latency, rounds), plain, bare, tflops, yardstick, tflops / yardstick,
           bare / device, plain / device, s->args.requests * s->args.pairs / device * 1e6);
}

static void print(struct bench *b)
{
    printf("%-16s %-6s %6s %7s %9s %9s %9s %9s %7s %7s %6s %6s %6s %9s\n", "model", "kind", "pairs",
           "tokens", "device us", "to host", "plain", "bare", "TFLOP/s", "8192^3", "share", "bare/",
           "plain/", "pairs/s");
    for (int i = 0; i < b->n_rows; i++)
        print_row(&b->rows[i], b->rounds);
}

/* What was chosen for the products, and how fast it is. */
static void print_products(const struct bench *b)
{
    const struct ladder *ladder = &b->device->caps.ladder;

    for (const struct product *p = b->device->products; p; p = p->next) {
        printf("%5d x %5d, epilogue %2d, unlike %d, TFLOP/s at rows:", p->shape.out, p->shape.in,
               (int)p->shape.epilogue, p->n_unlike);
        for (int i = 0; i < p->n_rungs; i++)
            if (p->us[i] > 0)
                printf(" %d:%.0f", ladder->tokens[i],
                       2.0 * ladder->tokens[i] * p->shape.in * p->shape.out / (double)p->us[i] /
                           1e6);
        printf("\n");
    }
}

static int profile(struct bench *b, struct row *row, struct err *err)
{
    printf("%s, %s: %d tokens\n", row->engine->model->name, row->scenario.args.kind,
           row->scenario.plans[0].n_tokens);
    return profile_print(&row->scenario, row->engine, &b->yardstick, err);
}

static int run(struct bench *b, struct err *err)
{
    const int64_t start_us = clock_now_us();

    if (open_all(b, err))
        return -1;
    printf("opened in %.1f s\n", (double)(clock_now_us() - start_us) / 1e6);
    print_products(b);
    if (check_bits(b, err))
        return -1;
    for (int i = 0; i < b->n_rows; i++) /* one request, and the most */
        if (i % 2 && profile(b, &b->rows[i], err))
            return -1;
    if (measure(b, err))
        return -1;
    printf("%s, %s, %d rounds\n", b->engines[0].session->caps.device, precision_names[b->precision],
           b->rounds);
    if (b->rounds)
        print(b);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench *b = calloc(1, sizeof(*b));
    const int status = usage_status(argc, argv, 0, 2, USAGE);
    int64_t rounds = 7;
    struct err err;
    int rc = -1;

    if (status >= 0)
        return status;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what is known stays if the time runs out */
    if (!b)
        return ERR_INTERNAL;
    b->precision = PRECISION_F16;
    if (argc > 2 && strcmp(argv[2], "bf16") == 0)
        b->precision = PRECISION_BF16;
    if (argc > 2 && strcmp(argv[2], "f32") == 0)
        b->precision = PRECISION_F32;
    if (argc > 1 && number_int(view_of(argv[1]), 0, MAX_ROUNDS, &rounds))
        err_set(&err, ERR_USAGE, "rounds: 0 to %d", MAX_ROUNDS);
    else {
        b->rounds = (int)rounds;
        rc = run(b, &err);
    }
    if (rc)
        fprintf(stderr, "bench-gpu: %s\n", err.text);
    close_all(b);
    free(b);
    return rc ? err_exit_status(&err) : 0;
}
