/* The table of operation cases, and how each operation runs one. */
#include "tests/ops/cases.h"

#define EPS 1e-12F

static double deviation(const struct op_case *c)
{
    return c->deviation > 0 ? c->deviation : 1;
}

void outcome_release(struct outcome *outcome)
{
    free(outcome->stream.at);
    free(outcome->operand.at);
    free(outcome->logits.at);
    free(outcome->saved.at);
    free(outcome->saved_rstd.at);
}

static void *random_operands(struct rig *rig, struct rng *rng, int rows, int width,
                             double with_deviation)
{
    float *host = rig_random(rig, rng, (size_t)rows * (size_t)width, with_deviation, true);
    void *memory = rig_operands(rig, host, rows, width);

    free(host);
    return memory;
}

static void *random_stream(struct rig *rig, struct rng *rng, int rows, int width,
                           double with_deviation)
{
    float *host = rig_random(rig, rng, (size_t)rows * (size_t)width, with_deviation,
                             rig->like->stream != PRECISION_F32);
    void *memory = rig_stream(rig, host, rows, width);

    free(host);
    return memory;
}

/* Space for what backward needs, if the case saves it. */
static float *saved(const struct op_case *c, struct rig *rig, int rows, int width)
{
    return c->saves ? rig_floats(rig, NULL, rows, width) : NULL;
}

static struct values read(struct rig *rig, enum precision element, const void *from, int rows,
                          int width)
{
    if (!from)
        return (struct values){0};
    return (struct values){rig_read(rig, element, from, rows, width), (size_t)rows * (size_t)width};
}

static struct values read_stream(struct rig *rig, const void *from, int rows, int width)
{
    return read(rig, rig->stream, from, rows, width);
}

static struct values read_operand(struct rig *rig, const void *from, int rows, int width)
{
    return read(rig, rig->caps->precision, from, rows, width);
}

static struct values read_floats(struct rig *rig, const void *from, int rows, int width)
{
    return read(rig, PRECISION_F32, from, rows, width);
}

static void run_linear(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    const size_t in = (size_t)c->in, n = (size_t)c->out;
    struct rng rng;
    struct err err;
    struct linear_weight *weight;
    float *w, *b;
    void *y, *pre;

    rng_init(&rng, 7);
    w = rig_random(rig, &rng, in * n, 1 / sqrt((double)in), true);
    b = rig_random(rig, &rng, n, 0.5, false);
    const struct linear_spec spec = {.in = c->in,
                                     .out = c->out,
                                     .weight = w,
                                     .bias = c->no_bias ? NULL : b,
                                     .activation = c->saves ? ACTIVATION_NONE : c->activation,
                                     .to_stream = c->to_stream};
    weight = rig_weight(rig, &spec, c->rows);
    free(w);
    free(b);
    y = c->to_stream ? rig_stream(rig, NULL, c->rows, c->out)
                     : rig_operands(rig, NULL, c->rows, c->out);
    pre = c->saves ? rig_operands(rig, NULL, c->rows, c->out) : NULL;
    const struct linear_args args = {.weight = weight,
                                     .n_rows = c->rows,
                                     .in = random_operands(rig, &rng, c->rows, c->in, deviation(c)),
                                     .out = y,
                                     .activation = c->saves ? c->activation : ACTIVATION_NONE,
                                     .pre_activation = pre};
    rig_begin_rows(rig, rig->lane, c->rows);
    CHECK_OK(rig->ops->linear(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->saved = read_operand(rig, pre, c->rows, c->out);
    if (c->to_stream)
        out->stream = read_stream(rig, y, c->rows, c->out);
    else
        out->operand = read_operand(rig, y, c->rows, c->out);
    rig->ops->weight_free(rig->session, weight);
}

static void run_attention(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    const int width = 3 * c->hidden;
    struct outside_parent outside[RIG_MAX_OUTSIDE];
    struct rig_slice s;
    struct rng rng;
    struct err err;
    int rows;

    rng_init(&rng, 11);
    rig_slice_init(&s, rig, c->segments, c->outside, &rng);
    rows = c->read_only ? s.slice.n_read : s.slice.n_tokens;
    const struct attention_args args = {
        .hidden = c->hidden,
        .heads = c->heads,
        .qkv = random_operands(rig, &rng, s.slice.n_tokens, width, deviation(c)),
        .qkv_bias = c->late_bias ? rig_random_floats(rig, &rng, (size_t)width, 1) : NULL,
        .outside = outside,
        .causal = c->causal,
        .read_only = c->read_only,
        .out = rig_operands(rig, NULL, rows, c->hidden),
        .lse = saved(c, rig, rows, c->heads)};
    for (int i = 0; i < s.slice.n_outside; i++) {
        const int len = s.outside_len[i];

        outside[i] =
            (struct outside_parent){len, random_operands(rig, &rng, len, width, deviation(c))};
    }
    rig_begin(rig, rig->lane, &s.slice);
    CHECK_OK(rig->ops->attention(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->saved = read_floats(rig, args.lse, rows, c->heads);
    out->operand = read_operand(rig, args.out, rows, c->hidden);
    rig_slice_release(&s, rig);
}

static void run_embed(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    const size_t hidden = (size_t)c->hidden;
    struct rig_slice s;
    struct rng rng;
    struct err err;
    int rows;

    rng_init(&rng, 13);
    rig_slice_init(&s, rig, c->segments, c->outside, &rng);
    rows = s.slice.n_tokens;
    struct embed_args args = {
        .word = rig_random_floats(rig, &rng, RIG_VOCABULARY * hidden, deviation(c)),
        .position = rig_random_floats(rig, &rng, RIG_MAX_POSITION * hidden, deviation(c)),
        .type = rig_random_floats(rig, &rng, RIG_TYPES * hidden, deviation(c)),
        .eps = EPS,
        .hidden = c->hidden,
        .stream = rig_stream(rig, NULL, rows, c->hidden),
        .operand = rig_operands(rig, NULL, rows, c->hidden),
        .mean = saved(c, rig, rows, 1),
        .rstd = saved(c, rig, rows, 1)};
    if (!c->no_gamma) {
        args.gamma = rig_random_floats(rig, &rng, hidden, 1);
        args.beta = rig_random_floats(rig, &rng, hidden, 1);
    }
    rig_begin(rig, rig->lane, &s.slice);
    CHECK_OK(rig->ops->embed(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->saved = read_floats(rig, args.mean, rows, 1);
    out->saved_rstd = read_floats(rig, args.rstd, rows, 1);
    out->stream = read_stream(rig, args.stream, rows, c->hidden);
    out->operand = read_operand(rig, args.operand, rows, c->hidden);
    rig_slice_release(&s, rig);
}

static void run_norm(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    struct rng rng;
    struct err err;

    rng_init(&rng, 17);
    struct residual_norm_args args = {
        .n_rows = c->rows,
        .hidden = c->hidden,
        .stream = random_stream(rig, &rng, c->rows, c->hidden, deviation(c)),
        .gamma = rig_random_floats(rig, &rng, (size_t)c->hidden, 1),
        .beta = rig_random_floats(rig, &rng, (size_t)c->hidden, 1),
        .eps = EPS,
        .operand = rig_operands(rig, NULL, c->rows, c->hidden),
        .mean = saved(c, rig, c->rows, 1),
        .rstd = saved(c, rig, c->rows, 1)};
    if (!c->no_delta)
        args.delta = random_stream(rig, &rng, c->rows, c->hidden, deviation(c));
    rig_begin_rows(rig, rig->lane, c->rows);
    CHECK_OK(rig->ops->residual_norm(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->saved = read_floats(rig, args.mean, c->rows, 1);
    out->saved_rstd = read_floats(rig, args.rstd, c->rows, 1);
    out->stream = read_stream(rig, args.stream, c->rows, c->hidden);
    out->operand = read_operand(rig, args.operand, c->rows, c->hidden);
}

static void run_pool(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    struct rig_slice s;
    struct rng rng;
    struct err err;
    int rows;

    rng_init(&rng, 19);
    rig_slice_init(&s, rig, c->segments, c->outside, &rng);
    rows = s.slice.n_read;
    const struct pool_args args = {
        .kind = c->pool,
        .hidden = c->hidden,
        .stream = random_stream(rig, &rng, s.slice.n_tokens, c->hidden, deviation(c)),
        .stream_out = rig_stream(rig, NULL, rows, c->hidden),
        .operand_out = rig_operands(rig, NULL, rows, c->hidden)};
    rig_begin(rig, rig->lane, &s.slice);
    CHECK_OK(rig->ops->pool(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->stream = read_stream(rig, args.stream_out, rows, c->hidden);
    out->operand = read_operand(rig, args.operand_out, rows, c->hidden);
    rig_slice_release(&s, rig);
}

static void run_head(const struct op_case *c, struct rig *rig, struct outcome *out)
{
    const size_t n_weights = (size_t)c->labels * (size_t)c->hidden;
    struct rng rng;
    struct err err;

    rng_init(&rng, 23);
    const struct head_args args = {.n_rows = c->rows,
                                   .hidden = c->hidden,
                                   .labels = c->labels,
                                   .operand =
                                       random_operands(rig, &rng, c->rows, c->hidden, deviation(c)),
                                   .weight = rig_random_floats(rig, &rng, n_weights, 0.1),
                                   .bias = rig_random_floats(rig, &rng, (size_t)c->labels, 1),
                                   .logits = rig_floats(rig, NULL, c->rows, c->labels)};
    rig_begin_rows(rig, rig->lane, c->rows);
    CHECK_OK(rig->ops->head(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    out->logits = read_floats(rig, args.logits, c->rows, c->labels);
}

#define LINEAR(name_, rows_, in_, out_, ...)                                                       \
    {                                                                                              \
        .name = name_, .run = run_linear, .rows = rows_, .in = in_, .out = out_, ##__VA_ARGS__     \
    }
#define ATTENTION(name_, hidden_, heads_, segments_, ...)                                          \
    {                                                                                              \
        .name = name_, .run = run_attention, .hidden = hidden_, .heads = heads_,                   \
        .segments = segments_, ##__VA_ARGS__                                                       \
    }
#define EMBED(name_, hidden_, segments_, ...)                                                      \
    {                                                                                              \
        .name = name_, .run = run_embed, .hidden = hidden_, .segments = segments_, ##__VA_ARGS__   \
    }
#define NORM(name_, rows_, hidden_, ...)                                                           \
    {                                                                                              \
        .name = name_, .run = run_norm, .rows = rows_, .hidden = hidden_, ##__VA_ARGS__            \
    }
#define POOL(name_, hidden_, segments_, kind_, ...)                                                \
    {                                                                                              \
        .name = name_, .run = run_pool, .hidden = hidden_, .segments = segments_, .pool = kind_,   \
        __VA_ARGS__                                                                                \
    }
#define HEAD(name_, rows_, hidden_, labels_, ...)                                                  \
    {                                                                                              \
        .name = name_, .run = run_head, .rows = rows_, .hidden = hidden_, .labels = labels_,       \
        __VA_ARGS__                                                                                \
    }

#define SAVES .saves = true
#define TO_STREAM .to_stream = true
#define FAMILY "64 16p0 8p0 24p0 1p0 17p0"
#define TWO_FAMILIES "30 5p0 9p0 41 7p3 3p3 12p0"

const struct op_case op_cases[] = {
    LINEAR("MiniLM qkv, 256 rows", 256, 384, 1152, TO_STREAM),
    LINEAR("MiniLM qkv, one row", 1, 384, 1152),
    LINEAR("MiniLM attention out, 250 rows", 250, 384, 384, TO_STREAM),
    LINEAR("MiniLM inner, erf", 300, 384, 1536, .activation = ACTIVATION_GELU_ERF),
    LINEAR("MiniLM outer", 259, 1536, 384, TO_STREAM),
    LINEAR("demo qkv", 77, 128, 384),
    LINEAR("demo inner, tanh GELU", 33, 128, 512, .activation = ACTIVATION_GELU_TANH),
    LINEAR("demo outer", 31, 512, 128, TO_STREAM),
    LINEAR("BERT-base qkv", 48, 768, 2304),
    LINEAR("BERT-base inner, relu", 40, 768, 3072, .activation = ACTIVATION_RELU),
    LINEAR("BERT-base outer", 17, 3072, 768, TO_STREAM),
    LINEAR("pooler, tanh", 5, 384, 384, .activation = ACTIVATION_TANH),
    LINEAR("odd sizes", 37, 61, 53, .activation = ACTIVATION_GELU_ERF),
    LINEAR("odd sizes, one row", 1, 37, 41, TO_STREAM),
    LINEAR("one output", 15, 100, 1, TO_STREAM),
    LINEAR("one input", 16, 1, 19, TO_STREAM),
    LINEAR("no bias", 47, 96, 80, .no_bias = true, TO_STREAM),
    LINEAR("no bias, erf", 18, 96, 80, .no_bias = true, .activation = ACTIVATION_GELU_ERF),
    LINEAR("large values, erf", 64, 64, 64, .deviation = 20, .activation = ACTIVATION_GELU_ERF),
    LINEAR("tiny values", 64, 64, 64, .deviation = 1e-4, .no_bias = true, TO_STREAM),
    LINEAR("no rows", 0, 64, 64, TO_STREAM),
    LINEAR("1000 rows", 1000, 64, 96, TO_STREAM),
    LINEAR("erf, saved", 37, 128, 512, .activation = ACTIVATION_GELU_ERF, SAVES),
    LINEAR("tanh GELU, saved", 5, 61, 53, .activation = ACTIVATION_GELU_TANH, SAVES),

    ATTENTION("one token", 384, 12, "1"),
    ATTENTION("one short segment", 384, 12, "7"),
    ATTENTION("ragged", 384, 12, "1 2 3 17 64 5 33 16"),
    ATTENTION("512 tokens", 384, 12, "512"),
    ATTENTION("512 tokens, sharp", 128, 4, "512", .deviation = 3),
    ATTENTION("head size 64", 768, 12, "40 3"),
    ATTENTION("odd head size", 35, 5, "13 1 30"),
    ATTENTION("odd head size 37", 37, 1, "40"),
    ATTENTION("one head of 300", 300, 1, "20 20"),
    ATTENTION("head size 1", 6, 6, "9"),
    ATTENTION("family", 384, 12, FAMILY),
    ATTENTION("two families", 128, 4, TWO_FAMILIES),
    ATTENTION("outside parent", 384, 12, "16o0 8o0 24o1 1o1 5", .outside = "64 3"),
    ATTENTION("outside and inside", 128, 4, "20 6p0 6o0 6p0 6o1", .outside = "33 1"),
    ATTENTION("outside parent of 512", 128, 4, "9o0", .outside = "512"),
    ATTENTION("a parent without a child", 128, 4, "64"),
    ATTENTION("5000 segments of one token", 64, 2, "5000x1"),
    ATTENTION("2000 one-token children", 64, 2, "30 2000x1p0"),
    ATTENTION("read only", 384, 12, FAMILY, .read_only = true),
    ATTENTION("read only, outside", 384, 12, "16o0 8o0 24", .outside = "64", .read_only = true),
    ATTENTION("causal", 128, 4, "1 2 17 40", .causal = true),
    ATTENTION("causal family", 128, 4, TWO_FAMILIES, .causal = true),
    ATTENTION("causal, read only", 128, 4, TWO_FAMILIES, .causal = true, .read_only = true),
    ATTENTION("saved", 128, 4, TWO_FAMILIES, SAVES),
    ATTENTION("causal, outside, saved", 35, 5, "20 6p0 6o0 6o1", .outside = "33 1", .causal = true,
              .deviation = 3, SAVES),
    ATTENTION("read only, saved", 128, 4, FAMILY, .read_only = true, SAVES),
    ATTENTION("late bias", 384, 12, FAMILY, .late_bias = true),
    ATTENTION("late bias, one-token children", 128, 2, "30 40x1p0", .late_bias = true),
    ATTENTION("late bias, read only", 384, 12, FAMILY, .late_bias = true, .read_only = true),
    ATTENTION("late bias, causal", 128, 4, TWO_FAMILIES, .late_bias = true, .causal = true),

    EMBED("MiniLM", 384, "1 17 64"),
    EMBED("odd size", 37, "5 3"),
    EMBED("one element", 1, "5 3", .no_gamma = true),
    EMBED("no norm", 128, "5 3", .no_gamma = true),
    EMBED("saved", 37, "5 3", SAVES),

    NORM("MiniLM", 37, 384),
    NORM("nothing added", 3, 384, .no_delta = true),
    NORM("odd size", 9, 77),
    NORM("size 3", 9, 3),
    NORM("large", 4, 3072, .deviation = 100),
    NORM("no rows", 0, 384),
    NORM("saved", 9, 77, SAVES),
    NORM("large, saved", 9, 128, .deviation = 100, SAVES),

    POOL("first rows", 384, FAMILY, POOL_ROWS),
    POOL("means", 384, FAMILY, POOL_MEAN),
    POOL("means, odd size", 37, "1 512 3", POOL_MEAN),

    HEAD("one label", 100, 384, 1),
    HEAD("two labels", 7, 128, 2),
    HEAD("odd size", 3, 37, 5),
};

const size_t n_op_cases = sizeof(op_cases) / sizeof(op_cases[0]);
