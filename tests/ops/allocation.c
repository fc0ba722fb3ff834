/*
 * Once lanes are open no operation allocates. The linker sends every allocation of the code that is
 * built here through the counters below; what the libraries do inside is their own affair, and is
 * not seen.
 */
#include "tests/ops/rig.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static int n_allocations;

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    n_allocations++;
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    n_allocations++;
    return __real_aligned_alloc(alignment, size);
}

enum { H = 128, HEADS = 4, F = 512, PARENT = 30 };

/* Tensors of one layer of a small network. */
struct tensors {
    struct linear_weight *qkv_weight, *inner_weight;
    float *word, *position, *type, *gamma;
    void *stream, *operand, *qkv, *mixed, *inner, *pooled, *logits, *outside;
};

static struct linear_weight *weight(struct rig *rig, struct rng *rng, int in, int out,
                                    enum activation activation)
{
    struct linear_weight *made;
    struct err err;
    float *w = rig_random(rig, rng, (size_t)in * (size_t)out, 0.1, true);
    const struct linear_spec spec = {
        .in = in, .out = out, .weight = w, .bias = w, .activation = activation};

    CHECK_OK(rig->ops->weight_new(rig->session, &spec, 256, &made, &err), err);
    free(w);
    return made;
}

static float *floats(struct rig *rig, struct rng *rng, size_t n)
{
    float *host = rig_random(rig, rng, n, 1, false), *memory = rig_floats(rig, host, n);

    free(host);
    return memory;
}

static void tensors_init(struct tensors *t, struct rig *rig, size_t n_tokens)
{
    struct rng rng;

    rng_init(&rng, 21);
    t->qkv_weight = weight(rig, &rng, H, 3 * H, ACTIVATION_NONE);
    t->inner_weight = weight(rig, &rng, H, F, ACTIVATION_GELU_ERF);
    t->word = floats(rig, &rng, RIG_VOCABULARY * H);
    t->position = floats(rig, &rng, RIG_MAX_POSITION * H);
    t->type = floats(rig, &rng, RIG_TYPES * H);
    t->gamma = floats(rig, &rng, H);
    t->stream = rig_floats(rig, NULL, n_tokens * H);
    t->operand = rig_operands(rig, NULL, n_tokens * H);
    t->qkv = rig_operands(rig, NULL, n_tokens * 3 * H);
    t->mixed = rig_operands(rig, NULL, n_tokens * H);
    t->inner = rig_operands(rig, NULL, n_tokens * F);
    t->pooled = rig_operands(rig, NULL, n_tokens * H);
    t->logits = rig_floats(rig, NULL, n_tokens);
    t->outside = rig_operands(rig, NULL, (size_t)PARENT * 3 * H);
}

static void tensors_release(struct tensors *t, struct rig *rig)
{
    rig->ops->weight_free(rig->session, t->qkv_weight);
    rig->ops->weight_free(rig->session, t->inner_weight);
    void *all[] = {t->word, t->position, t->type,  t->gamma,  t->stream, t->operand,
                   t->qkv,  t->mixed,    t->inner, t->pooled, t->logits, t->outside};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        rig_free(rig, all[i]);
}

/* Every operation once. */
static void pass(struct rig *rig, const struct tensors *t, const struct slice *slice)
{
    const struct outside_parent outside = {PARENT, t->outside};
    const int n = slice->n_tokens;
    struct err err;
    int done;

    CHECK_OK(rig->ops->begin(rig->lane, slice, &rig_pass, &err), err);
    CHECK_OK(rig->ops->embed(rig->lane,
                             &(struct embed_args){.word = t->word,
                                                  .position = t->position,
                                                  .type = t->type,
                                                  .gamma = t->gamma,
                                                  .beta = t->gamma,
                                                  .eps = 1e-12F,
                                                  .hidden = H,
                                                  .stream = t->stream,
                                                  .operand = t->operand},
                             &err),
             err);
    CHECK_OK(
        rig->ops->linear(rig->lane,
                         &(struct linear_args){
                             .weight = t->qkv_weight, .n_rows = n, .in = t->operand, .out = t->qkv},
                         &err),
        err);
    CHECK_OK(
        rig->ops->attention(
            rig->lane,
            &(struct attention_args){
                .hidden = H, .heads = HEADS, .qkv = t->qkv, .outside = &outside, .out = t->mixed},
            &err),
        err);
    CHECK_OK(rig->ops->linear(
                 rig->lane,
                 &(struct linear_args){
                     .weight = t->inner_weight, .n_rows = n, .in = t->mixed, .out = t->inner},
                 &err),
             err);
    CHECK_OK(rig->ops->residual_norm(rig->lane,
                                     &(struct residual_norm_args){.kind = NORM_POST,
                                                                  .n_rows = n,
                                                                  .hidden = H,
                                                                  .stream = t->stream,
                                                                  .gamma = t->gamma,
                                                                  .beta = t->gamma,
                                                                  .eps = 1e-12F,
                                                                  .operand = t->operand},
                                     &err),
             err);
    CHECK_OK(rig->ops->pool(
                 rig->lane,
                 &(struct pool_args){
                     .kind = POOL_MEAN, .hidden = H, .stream = t->stream, .operand_out = t->pooled},
                 &err),
             err);
    CHECK_OK(rig->ops->head(rig->lane,
                            &(struct head_args){.n_rows = slice->n_read,
                                                .hidden = H,
                                                .labels = 1,
                                                .operand = t->pooled,
                                                .weight = t->gamma,
                                                .bias = t->gamma,
                                                .logits = t->logits},
                            &err),
             err);
    CHECK_OK(rig->ops->finish(rig->lane, &err), err);
    while ((done = rig->ops->query(rig->lane, &err)) == 0)
        ;
    CHECK_INT(done, 1);
}

static void count(const struct rig_config *config)
{
    struct rig rig;
    struct tensors t;
    struct rig_slice small, large;
    struct rng rng;
    int before;

    rig_open_config(&rig, config);
    rng_init(&rng, 1);
    rig_slice_init(&small, "5 1", "30", &rng);
    rig_slice_init(&large, "64 16p0 8p0 24p0 1p0 17p0 90o0 61", "30", &rng);
    tensors_init(&t, &rig, (size_t)large.slice.n_tokens);
    rig_lane(&rig);
    before = n_allocations;
    CHECK(before > 0); /* the counter counts */
    for (int i = 0; i < 3; i++) {
        pass(&rig, &t, &large.slice);
        pass(&rig, &t, &small.slice);
    }
    CHECK_INT(n_allocations, before);
    tensors_release(&t, &rig);
    rig_slice_release(&small);
    rig_slice_release(&large);
    rig_close(&rig);
}

TEST(operations__allocate_nothing)
{
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n = rig_configs(configs);

    for (int i = 0; i < n; i++)
        count(&configs[i]);
}

TEST_MAIN
