/* The forward pass by ranges of layers, through networks of two widths, and what it saves. */
#include "model/engine/forward.h"

#include "base/arena.h"
#include "tests/ops/reference.h"
#include "tests/ops/rig.h"

#define TEXTS "9 4p0 7p0 12 5"
#define N_TEXTS 4 /* that are read */
#define LOWER 24  /* hidden sizes */
#define UPPER 40
#define LAYERS 4
#define MAX_ROWS 64

/* ---- networks of random numbers -------------------------------------------------------------- */

static float *numbers(struct arena *arena, struct rng *rng, int rows, int cols, double deviation)
{
    float *out = arena_array(arena, (size_t)rows * (size_t)cols, sizeof(*out));

    CHECK(out != NULL);
    for (int i = 0; i < rows * cols; i++)
        out[i] = (float)(deviation * rng_normal(rng));
    return out;
}

static void encoder_init(struct encoder *e, struct arena *arena, int hidden, enum mask_kind mask)
{
    const int h = hidden, f = 2 * hidden + 3;
    const double d = 1 / sqrt(h);
    struct rng rng;

    rng_init(&rng, (uint64_t)hidden);
    e->config = (struct encoder_config){.layers = LAYERS,
                                        .hidden = h,
                                        .heads = 4,
                                        .inner = f,
                                        .vocab = RIG_VOCABULARY,
                                        .positions = RIG_MAX_POSITION,
                                        .types = RIG_TYPES,
                                        .eps = 1e-12F,
                                        .activation = ACTIVATION_GELU_ERF,
                                        .mask = mask};
    e->weights = (struct encoder_weights){
        .word = numbers(arena, &rng, RIG_VOCABULARY, h, 1),
        .position = numbers(arena, &rng, RIG_MAX_POSITION, h, 1),
        .type = numbers(arena, &rng, RIG_TYPES, h, 1),
        .embed_gamma = numbers(arena, &rng, 1, h, 1),
        .embed_beta = numbers(arena, &rng, 1, h, 1),
        .layers = arena_calloc(arena, LAYERS, sizeof(struct layer_weights))};
    CHECK(e->weights.layers != NULL);
    for (int l = 0; l < LAYERS; l++)
        e->weights.layers[l] =
            (struct layer_weights){.qkv = numbers(arena, &rng, 3 * h, h, d),
                                   .qkv_bias = numbers(arena, &rng, 1, 3 * h, 1),
                                   .attention_out = numbers(arena, &rng, h, h, d),
                                   .attention_out_bias = numbers(arena, &rng, 1, h, 1),
                                   .norm1_gamma = numbers(arena, &rng, 1, h, 1),
                                   .norm1_beta = numbers(arena, &rng, 1, h, 1),
                                   .inner = numbers(arena, &rng, f, h, d),
                                   .inner_bias = numbers(arena, &rng, 1, f, 1),
                                   .outer = numbers(arena, &rng, h, f, d),
                                   .outer_bias = numbers(arena, &rng, 1, h, 1),
                                   .norm2_gamma = numbers(arena, &rng, 1, h, 1),
                                   .norm2_beta = numbers(arena, &rng, 1, h, 1)};
}

/* A lower and an upper network on one backend, and a scratch for both. */
struct stack {
    struct rig rig;
    struct arena arena; /* the encoders' numbers */
    struct encoder encoders[2];
    struct network networks[2];
    struct forward_scratch scratch;
    struct rig_slice texts;
};

static void stack_init(struct stack *s, const struct backend_ops *ops, enum precision precision,
                       enum mask_kind mask, bool saves)
{
    const struct forward_scratch_args scratch = {
        .networks = s->networks, .n_networks = 2, .max_tokens = MAX_ROWS, .out_width = 1};
    struct rng rng;
    struct err err;

    arena_init(&s->arena, 1 << 20, 0);
    rig_open(&s->rig, ops, precision, precision == PRECISION_BF16 ? "plain" : "");
    for (int i = 0; i < 2; i++) {
        int rc;

        encoder_init(&s->encoders[i], &s->arena, i ? UPPER : LOWER, mask);
        CHECK_OK(network_init(&s->networks[i],
                              &(struct network_args){.ops = ops,
                                                     .session = s->rig.session,
                                                     .encoder = &s->encoders[i],
                                                     .max_rows = MAX_ROWS,
                                                     .saves = saves},
                              &err),
                 err);
        while ((rc = upload_step(&s->networks[i].upload, &err)) > 0)
            ;
        CHECK_OK(rc, err);
    }
    rig_lane(&s->rig);
    CHECK_OK(forward_scratch_init(&s->scratch, &scratch, &err), err);
    rng_init(&rng, 3);
    rig_slice_init(&s->texts, &s->rig, TEXTS, NULL, &rng);
    CHECK_INT(s->texts.slice.n_read, N_TEXTS);
}

static void stack_release(struct stack *s)
{
    rig_slice_release(&s->texts, &s->rig);
    forward_scratch_release(&s->scratch, s->networks);
    for (int i = 0; i < 2; i++)
        network_release(&s->networks[i]);
    rig_close(&s->rig);
    arena_release(&s->arena);
}

static struct forward_args args_of(struct stack *s, const struct slice *slice)
{
    return (struct forward_args){.lane = s->rig.lane,
                                 .slice = slice,
                                 .scratch = &s->scratch,
                                 .layers = {0, LAYERS},
                                 .reads = true};
}

static void run(struct stack *s, int network, const struct forward_args *args)
{
    struct err err;

    rig_begin(&s->rig, s->rig.lane, args->slice);
    CHECK_OK(forward(&s->networks[network], args, &err), err);
}

static float *read_rows(struct stack *s, int hidden)
{
    return rig_read(&s->rig, PRECISION_F32, s->scratch.read_stream, N_TEXTS, hidden);
}

static void check_within(const float *got, const float *want, int n, float allowed)
{
    for (int i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= allowed))
            FAIL("number %d: %g, want %g", i, (double)got[i], (double)want[i]);
}

static void check_close(const float *got, const float *want, int n)
{
    check_within(got, want, n, 1e-4F);
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static void check_ranges(enum precision precision, enum pool_kind read_out)
{
    struct stack s AT_END(stack_release);
    struct forward_args args;
    float *whole, *operands;

    stack_init(&s, &backend_cpu, precision, MASK_FULL, false);
    args = args_of(&s, &s.texts.slice);
    args.read_out = read_out;
    run(&s, 1, &args);
    whole = read_rows(&s, UPPER);
    operands = rig_read(&s.rig, precision, s.scratch.read_operand, N_TEXTS, UPPER);
    check_within(operands, whole, N_TEXTS * UPPER, 0.05F); /* rounded to bf16 */
    free(operands);
    for (int k = 1; k < LAYERS; k++) {
        struct forward_args first = args, second = args;
        float *parts;

        test_row("precision %d, read-out %d, cut before layer %d", precision, read_out, k);
        first.layers.end = second.layers.first = k;
        first.reads = false;
        second.has_rows = true;
        memset(s.scratch.read_stream, 0xa5, sizeof(float) * N_TEXTS * UPPER);
        run(&s, 1, &first);
        run(&s, 1, &second);
        parts = read_rows(&s, UPPER);
        CHECK(memcmp(parts, whole, sizeof(float) * N_TEXTS * UPPER) == 0);
        free(parts);
    }
    free(whole);
}

TEST(forward__two_ranges_give_the_bits_of_one)
{
    for (int read_out = POOL_ROWS; read_out <= POOL_MEAN; read_out++) {
        check_ranges(PRECISION_F32, (enum pool_kind)read_out);
        check_ranges(PRECISION_BF16, (enum pool_kind)read_out);
    }
}

TEST(forward__a_causal_network_sees_nothing_that_follows)
{
    struct stack s AT_END(stack_release);
    struct forward_args args;
    int32_t *ids;
    float *before, *after;

    stack_init(&s, &backend_cpu, PRECISION_F32, MASK_CAUSAL, false);
    args = args_of(&s, &s.texts.slice);
    args.reads = false;
    run(&s, 0, &args);
    before = rig_read(&s.rig, PRECISION_F32, s.scratch.stream, s.texts.slice.n_tokens, LOWER);
    ids = (int32_t *)(size_t)s.texts.slice.ids;
    ids[31] = (ids[31] + 1) % RIG_VOCABULARY; /* the last of the segment of 12 */
    run(&s, 0, &args);
    after = rig_read(&s.rig, PRECISION_F32, s.scratch.stream, s.texts.slice.n_tokens, LOWER);
    CHECK(memcmp(before, after, sizeof(float) * LOWER * 31) == 0);
    CHECK(memcmp(before + LOWER * 31, after + LOWER * 31, sizeof(float) * LOWER) != 0);
    CHECK(memcmp(before + LOWER * 32, after + LOWER * 32, sizeof(float) * LOWER * 5) == 0);
    free(before);
    free(after);
}

/* ---- one network on another ------------------------------------------------------------------ */

/* Texts through the lower network, a mean of each; as the upper one's rows, the first of them the
 * parent of the others. Returns the upper's read rows. */
static float *texts_then_vectors(const struct backend_ops *ops)
{
    const int n_read = N_TEXTS - 1;
    struct stack s AT_END(stack_release);
    struct forward_args lower, upper;
    struct rig_slice vectors;
    struct linear_weight *widen;
    struct rng rng;
    struct err err;
    float *weight, *out;

    stack_init(&s, ops, PRECISION_F32, MASK_FULL, false);
    lower = args_of(&s, &s.texts.slice);
    lower.read_out = POOL_MEAN;
    run(&s, 0, &lower);

    rng_init(&rng, 5);
    weight = numbers(&s.arena, &rng, UPPER, LOWER, 1 / sqrt(LOWER));
    CHECK_OK(ops->weight_new(s.rig.session,
                             &(struct linear_spec){
                                 .in = LOWER, .out = UPPER, .weight = weight, .to_stream = true},
                             MAX_ROWS, &widen, &err),
             err);
    rig_fill(&s.rig, widen);
    CHECK_OK(ops->linear(s.rig.lane,
                         &(struct linear_args){.weight = widen,
                                               .n_rows = N_TEXTS,
                                               .in = s.scratch.read_operand,
                                               .out = s.scratch.stream},
                         &err),
             err);
    rig_slice_init(&vectors, &s.rig, "1 1p0 1p0 1p0", NULL, &rng);
    upper = args_of(&s, &vectors.slice);
    upper.has_rows = true;
    CHECK_INT(vectors.slice.n_read, n_read);
    run(&s, 1, &upper);
    out = rig_read(&s.rig, PRECISION_F32, s.scratch.read_stream, n_read, UPPER);
    ops->weight_free(s.rig.session, widen);
    rig_slice_release(&vectors, &s.rig);
    return out;
}

TEST(forward__vectors_of_one_network_go_through_a_wider_one)
{
    float *got = texts_then_vectors(&backend_cpu), *want = texts_then_vectors(&backend_reference);

    check_close(got, want, (N_TEXTS - 1) * UPPER);
    free(got);
    free(want);
}

/* ---- what training keeps --------------------------------------------------------------------- */

/* A block of rows of up to cols floats for every layer and the end. */
static void keep(struct stack *s, struct layer_block *block, int cols)
{
    block->layer_bytes = MAX_ROWS * (size_t)cols * sizeof(float);
    block->memory = rig_floats(&s->rig, NULL, (LAYERS + 1) * MAX_ROWS, cols);
}

static const float *kept(const struct layer_block *block, int l)
{
    return (const float *)(const void *)(block->memory + (size_t)l * block->layer_bytes);
}

/* after = norm(before + delta), by the saved mean and reciprocal deviation. */
static void check_norm(const float *before, const float *delta, const float *mean,
                       const float *rstd, const float *gamma, const float *beta, const float *after,
                       int n_rows)
{
    float want[LOWER];

    for (int r = 0; r < n_rows; r++) {
        for (int i = 0; i < LOWER; i++)
            want[i] =
                (before[r * LOWER + i] + delta[r * LOWER + i] - mean[r]) * rstd[r] * gamma[i] +
                beta[i];
        check_close(after + r * LOWER, want, LOWER);
    }
}

/* Everything that backward starts from is there, of every layer, and belongs together. */
TEST(forward__keeps_every_layer_for_backward)
{
    const int inner = 2 * LOWER + 3;
    struct stack s AT_END(stack_release), serving AT_END(stack_release);
    struct forward_args args, plain;
    struct forward_rows *rows = &args.rows;
    float *got, *want;

    stack_init(&s, &backend_cpu, PRECISION_F32, MASK_FULL, true);
    stack_init(&serving, &backend_cpu, PRECISION_F32, MASK_FULL, false);
    args = args_of(&s, &s.texts.slice);
    args.reads = false;
    struct {
        struct layer_block *block;
        int cols;
    } blocks[] = {{&rows->operand, LOWER},
                  {&rows->qkv, 3 * LOWER},
                  {&rows->attention, LOWER},
                  {&rows->delta1, LOWER},
                  {&rows->middle, LOWER},
                  {&rows->inner, inner},
                  {&rows->delta2, LOWER},
                  {&rows->lse, 4},
                  {&rows->mean1, 1},
                  {&rows->rstd1, 1},
                  {&rows->mean2, 1},
                  {&rows->rstd2, 1},
                  {&rows->pre_activation, inner}};
    const size_t n_blocks = sizeof(blocks) / sizeof(blocks[0]);
    for (size_t i = 0; i < n_blocks; i++)
        keep(&s, blocks[i].block, blocks[i].cols);
    args.rows.embed_mean = rig_floats(&s.rig, NULL, MAX_ROWS, 2);
    args.rows.embed_rstd = args.rows.embed_mean + MAX_ROWS;
    run(&s, 0, &args);

    const int n = s.texts.slice.n_tokens;
    CHECK(args.rows.embed_rstd[n - 1] > 0 && isnan(args.rows.embed_rstd[n]));
    for (int l = 0; l < LAYERS; l++) {
        const struct layer_weights *w = &s.encoders[0].weights.layers[l];
        const float *x = kept(&rows->pre_activation, l), *y = kept(&rows->inner, l);

        test_row("layer %d", l);
        check_norm(kept(&rows->operand, l), kept(&rows->delta1, l), kept(&rows->mean1, l),
                   kept(&rows->rstd1, l), w->norm1_gamma, w->norm1_beta, kept(&rows->middle, l), n);
        check_norm(kept(&rows->middle, l), kept(&rows->delta2, l), kept(&rows->mean2, l),
                   kept(&rows->rstd2, l), w->norm2_gamma, w->norm2_beta,
                   kept(&rows->operand, l + 1), n);
        for (int i = 0; i < n * inner; i++)
            CHECK(fabs((double)y[i] - 0.5 * (double)x[i] * erfc(-(double)x[i] / sqrt(2))) < 1e-5);
        for (int i = 0; i < n * 4; i++)
            CHECK(kept(&rows->lse, l)[i] < 0 || kept(&rows->lse, l)[i] > 0);
    }
    plain = args_of(&serving, &serving.texts.slice);
    plain.reads = false;
    run(&serving, 0, &plain);
    got = rig_read(&s.rig, PRECISION_F32, s.scratch.stream, n, LOWER);
    want = rig_read(&serving.rig, PRECISION_F32, serving.scratch.stream, n, LOWER);
    check_close(got, want, LOWER * n);
    check_close(kept(&rows->operand, LAYERS), want, LOWER * n);
    free(got);
    free(want);
}
