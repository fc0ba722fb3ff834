/* Generates operation cases and judges their results. */
#include "tests/ops/cases.h"

#define EPS 1e-12F

static double deviation(const struct op_case *c)
{
    return c->deviation > 0 ? c->deviation : 1;
}

void outcome_release(struct outcome *outcome)
{
    free(outcome->stream);
    free(outcome->operand);
    free(outcome->saved);
}

/* What a norm saves: the means and then the reciprocal deviations. NULL: it was not asked to. */
static void read_norm(struct rig *rig, float *mean, size_t n_rows, struct outcome *out)
{
    out->n_saved = mean ? 2 * n_rows : 0;
    if (mean)
        out->saved = rig_read_floats(rig, mean, out->n_saved);
    rig_free(rig, mean);
}

/* A random f32 array in memory of the backend. */
static void *random_floats(struct rig *rig, struct rng *rng, size_t n, double with_deviation)
{
    float *host = rig_random(rig, rng, n, with_deviation, false);
    void *memory = rig_floats(rig, host, n);

    free(host);
    return memory;
}

static void *random_operands(struct rig *rig, const struct rig *like, struct rng *rng, size_t n,
                             double with_deviation)
{
    float *host = rig_random(like, rng, n, with_deviation, true);
    void *memory = rig_operands(rig, host, n);

    free(host);
    return memory;
}

static void run_linear(const struct op_case *c, struct rig *rig, const struct rig *like,
                       struct outcome *out)
{
    const size_t rows = (size_t)c->rows, in = (size_t)c->in, n = (size_t)c->out;
    struct rng rng;
    struct err err;
    struct linear_weight *weight;
    float *w, *b;
    struct linear_args args = {.n_rows = c->rows};
    void *x, *y;

    rng_init(&rng, 7);
    w = rig_random(like, &rng, in * n, 1 / sqrt((double)in), true);
    b = rig_random(like, &rng, n, 0.5, false);
    const struct linear_spec spec = {.in = c->in,
                                     .out = c->out,
                                     .weight = w,
                                     .bias = c->no_bias ? NULL : b,
                                     .activation = c->saves ? ACTIVATION_NONE : c->activation,
                                     .to_stream = c->to_stream};
    CHECK_OK(rig->ops->weight_new(rig->session, &spec, c->rows, &weight, &err), err);
    free(w);
    free(b);
    x = random_operands(rig, like, &rng, rows * in, deviation(c));
    y = rig_floats(rig, NULL, rows * n);
    args.weight = weight;
    args.in = x;
    args.out = y;
    if (c->saves) {
        args.activation = c->activation;
        args.pre_activation = rig_operands(rig, NULL, rows * n);
    }
    CHECK_OK(rig->ops->linear(rig->lane, &args, &err), err);
    if (c->saves) {
        out->saved = rig_read_operands(rig, args.pre_activation, rows * n);
        out->n_saved = rows * n;
        rig_free(rig, args.pre_activation);
    }
    if (c->to_stream) {
        out->stream = rig_read_floats(rig, y, rows * n);
        out->n_stream = rows * n;
    } else {
        out->operand = rig_read_operands(rig, y, rows * n);
        out->n_operand = rows * n;
    }
    rig_free(rig, y);
    rig_free(rig, x);
    rig->ops->weight_free(rig->session, weight);
}

static void run_attention(const struct op_case *c, struct rig *rig, const struct rig *like,
                          struct outcome *out)
{
    const size_t hidden = (size_t)c->hidden;
    struct outside_parent outside[16];
    struct rig_slice s;
    struct rng rng;
    struct err err;
    void *qkv, *y;
    float *lse = NULL;
    size_t rows;

    rng_init(&rng, 11);
    rig_slice_init(&s, c->segments, c->outside, &rng);
    rows = (size_t)(c->read_only ? s.slice.n_read : s.slice.n_tokens);
    qkv = random_operands(rig, like, &rng, (size_t)s.slice.n_tokens * 3 * hidden, deviation(c));
    for (int i = 0; i < s.slice.n_outside; i++) {
        outside[i].len = s.outside_len[i];
        outside[i].qkv =
            random_operands(rig, like, &rng, (size_t)s.outside_len[i] * 3 * hidden, deviation(c));
    }
    y = rig_operands(rig, NULL, rows * hidden);
    if (c->saves)
        lse = rig_floats(rig, NULL, rows * (size_t)c->heads);
    const struct attention_args args = {.hidden = c->hidden,
                                        .heads = c->heads,
                                        .qkv = qkv,
                                        .outside = outside,
                                        .causal = c->causal,
                                        .read_only = c->read_only,
                                        .out = y,
                                        .lse = lse};
    CHECK_OK(rig->ops->begin(rig->lane, &s.slice, &rig_pass, &err), err);
    CHECK_OK(rig->ops->attention(rig->lane, &args, &err), err);
    if (lse) {
        out->saved = rig_read_floats(rig, lse, rows * (size_t)c->heads);
        out->n_saved = rows * (size_t)c->heads;
        rig_free(rig, lse);
    }
    out->operand = rig_read_operands(rig, y, rows * hidden);
    out->n_operand = rows * hidden;
    for (int i = 0; i < s.slice.n_outside; i++)
        rig_free(rig, (void *)(size_t)outside[i].qkv);
    rig_free(rig, y);
    rig_free(rig, qkv);
    rig_slice_release(&s);
}

static void run_embed(const struct op_case *c, struct rig *rig, const struct rig *like,
                      struct outcome *out)
{
    const size_t hidden = (size_t)c->hidden;
    struct rig_slice s;
    struct rng rng;
    struct err err;
    void *word, *position, *type, *gamma, *beta, *stream, *operand;

    (void)like;
    rng_init(&rng, 13);
    rig_slice_init(&s, c->segments, c->outside, &rng);
    word = random_floats(rig, &rng, RIG_VOCABULARY * hidden, deviation(c));
    position = random_floats(rig, &rng, RIG_MAX_POSITION * hidden, deviation(c));
    type = random_floats(rig, &rng, RIG_TYPES * hidden, deviation(c));
    gamma = random_floats(rig, &rng, hidden, 1);
    beta = random_floats(rig, &rng, hidden, 1);
    const size_t n = (size_t)s.slice.n_tokens * hidden;
    stream = rig_floats(rig, NULL, n);
    operand = rig_operands(rig, NULL, n);
    const size_t n_rows = (size_t)s.slice.n_tokens;
    float *mean = c->saves ? rig_floats(rig, NULL, 2 * n_rows) : NULL;
    const struct embed_args args = {.word = word,
                                    .position = position,
                                    .type = type,
                                    .gamma = c->no_gamma ? NULL : gamma,
                                    .beta = c->no_gamma ? NULL : beta,
                                    .eps = EPS,
                                    .hidden = c->hidden,
                                    .stream = stream,
                                    .operand = operand,
                                    .mean = mean,
                                    .rstd = mean ? mean + n_rows : NULL};
    CHECK_OK(rig->ops->begin(rig->lane, &s.slice, &rig_pass, &err), err);
    CHECK_OK(rig->ops->embed(rig->lane, &args, &err), err);
    read_norm(rig, mean, n_rows, out);
    out->stream = rig_read_floats(rig, stream, n);
    out->operand = rig_read_operands(rig, operand, n);
    out->n_stream = out->n_operand = n;
    rig_free(rig, operand);
    rig_free(rig, stream);
    rig_free(rig, beta);
    rig_free(rig, gamma);
    rig_free(rig, type);
    rig_free(rig, position);
    rig_free(rig, word);
    rig_slice_release(&s);
}

static void run_norm(const struct op_case *c, struct rig *rig, const struct rig *like,
                     struct outcome *out)
{
    const size_t n = (size_t)c->rows * (size_t)c->hidden;
    struct rng rng;
    struct err err;
    void *stream, *delta, *gamma, *beta, *operand;

    (void)like;
    rng_init(&rng, 17);
    stream = random_floats(rig, &rng, n, deviation(c));
    delta = random_floats(rig, &rng, n, deviation(c));
    gamma = random_floats(rig, &rng, (size_t)c->hidden, 1);
    beta = random_floats(rig, &rng, (size_t)c->hidden, 1);
    operand = rig_operands(rig, NULL, n);
    const size_t n_rows = (size_t)c->rows;
    float *mean = c->saves ? rig_floats(rig, NULL, 2 * n_rows) : NULL;
    const struct residual_norm_args args = {.kind = c->norm,
                                            .n_rows = c->rows,
                                            .hidden = c->hidden,
                                            .stream = stream,
                                            .delta = c->no_delta ? NULL : delta,
                                            .gamma = gamma,
                                            .beta = beta,
                                            .eps = EPS,
                                            .operand = operand,
                                            .mean = mean,
                                            .rstd = mean ? mean + n_rows : NULL};
    CHECK_OK(rig->ops->residual_norm(rig->lane, &args, &err), err);
    read_norm(rig, mean, n_rows, out);
    out->stream = rig_read_floats(rig, stream, n);
    out->operand = rig_read_operands(rig, operand, n);
    out->n_stream = out->n_operand = n;
    rig_free(rig, operand);
    rig_free(rig, beta);
    rig_free(rig, gamma);
    rig_free(rig, delta);
    rig_free(rig, stream);
}

static void run_pool(const struct op_case *c, struct rig *rig, const struct rig *like,
                     struct outcome *out)
{
    const size_t hidden = (size_t)c->hidden;
    struct rig_slice s;
    struct rng rng;
    struct err err;
    void *stream, *stream_out, *operand_out;

    (void)like;
    rng_init(&rng, 19);
    rig_slice_init(&s, c->segments, c->outside, &rng);
    const size_t n = (size_t)s.slice.n_read * hidden;
    stream = random_floats(rig, &rng, (size_t)s.slice.n_tokens * hidden, deviation(c));
    stream_out = rig_floats(rig, NULL, n);
    operand_out = rig_operands(rig, NULL, n);
    const struct pool_args args = {.kind = c->pool,
                                   .hidden = c->hidden,
                                   .stream = stream,
                                   .stream_out = stream_out,
                                   .operand_out = operand_out};
    CHECK_OK(rig->ops->begin(rig->lane, &s.slice, &rig_pass, &err), err);
    CHECK_OK(rig->ops->pool(rig->lane, &args, &err), err);
    out->stream = rig_read_floats(rig, stream_out, n);
    out->operand = rig_read_operands(rig, operand_out, n);
    out->n_stream = out->n_operand = n;
    rig_free(rig, operand_out);
    rig_free(rig, stream_out);
    rig_free(rig, stream);
    rig_slice_release(&s);
}

static void run_head(const struct op_case *c, struct rig *rig, const struct rig *like,
                     struct outcome *out)
{
    const size_t hidden = (size_t)c->hidden, n = (size_t)c->rows * (size_t)c->labels;
    struct rng rng;
    struct err err;
    void *x, *weight, *bias, *logits;

    rng_init(&rng, 23);
    x = random_operands(rig, like, &rng, (size_t)c->rows * hidden, deviation(c));
    weight = random_floats(rig, &rng, (size_t)c->labels * hidden, 0.1);
    bias = random_floats(rig, &rng, (size_t)c->labels, 1);
    logits = rig_floats(rig, NULL, n);
    const struct head_args args = {.n_rows = c->rows,
                                   .hidden = c->hidden,
                                   .labels = c->labels,
                                   .operand = x,
                                   .weight = weight,
                                   .bias = bias,
                                   .logits = logits};
    CHECK_OK(rig->ops->head(rig->lane, &args, &err), err);
    out->stream = rig_read_floats(rig, logits, n);
    out->n_stream = n;
    rig_free(rig, logits);
    rig_free(rig, bias);
    rig_free(rig, weight);
    rig_free(rig, x);
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
#define NORM(name_, rows_, hidden_, kind_, ...)                                                    \
    {                                                                                              \
        .name = name_, .run = run_norm, .rows = rows_, .hidden = hidden_, .norm = kind_,           \
        __VA_ARGS__                                                                                \
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

    EMBED("MiniLM", 384, "1 17 64"),
    EMBED("odd size", 37, "5 3"),
    EMBED("one element", 1, "5 3", .no_gamma = true),
    EMBED("no norm", 128, "5 3", .no_gamma = true),
    EMBED("saved", 37, "5 3", SAVES),

    NORM("post", 37, 384, NORM_POST),
    NORM("post, nothing added", 3, 384, NORM_POST, .no_delta = true),
    NORM("pre", 37, 384, NORM_PRE),
    NORM("pre, nothing added", 5, 128, NORM_PRE, .no_delta = true),
    NORM("odd size", 9, 77, NORM_POST),
    NORM("odd size, pre", 9, 77, NORM_PRE),
    NORM("size 3", 9, 3, NORM_POST),
    NORM("large", 4, 3072, NORM_POST, .deviation = 100),
    NORM("no rows", 0, 384, NORM_POST),
    NORM("post, saved", 9, 77, NORM_POST, SAVES),
    NORM("pre, saved", 9, 128, NORM_PRE, .deviation = 100, SAVES),

    POOL("first rows", 384, FAMILY, POOL_ROWS),
    POOL("means", 384, FAMILY, POOL_MEAN),
    POOL("means, odd size", 37, "1 512 3", POOL_MEAN),

    HEAD("one label", 100, 384, 1),
    HEAD("two labels", 7, 128, 2),
    HEAD("odd size", 3, 37, 5),
};

const size_t n_op_cases = sizeof(op_cases) / sizeof(op_cases[0]);
