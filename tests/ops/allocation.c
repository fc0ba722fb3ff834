/*
 * Once lanes are open no operation allocates: counted by tests/fault, through which the linker
 * routes every allocation of the code built here. Allocations inside libraries are not counted.
 */
#include "tests/fault/fault.h"
#include "tests/ops/rig.h"

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
    float *w = rig_random(rig, rng, (size_t)in * (size_t)out, 0.1, true);
    const struct linear_spec spec = {
        .in = in, .out = out, .weight = w, .bias = w, .activation = activation};

    made = rig_weight(rig, &spec, 512);
    free(w);
    return made;
}

static void tensors_init(struct tensors *t, struct rig *rig, int rows)
{
    struct rng rng;

    rng_init(&rng, 21);
    t->qkv_weight = weight(rig, &rng, H, 3 * H, ACTIVATION_NONE);
    t->inner_weight = weight(rig, &rng, H, F, ACTIVATION_GELU_ERF);
    t->word = rig_random_floats(rig, &rng, RIG_VOCABULARY * H, 1);
    t->position = rig_random_floats(rig, &rng, RIG_MAX_POSITION * H, 1);
    t->type = rig_random_floats(rig, &rng, RIG_TYPES * H, 1);
    t->gamma = rig_random_floats(rig, &rng, H, 1);
    t->stream = rig_stream(rig, NULL, rows, H);
    t->operand = rig_operands(rig, NULL, rows, H);
    t->qkv = rig_operands(rig, NULL, rows, 3 * H);
    t->mixed = rig_operands(rig, NULL, rows, H);
    t->inner = rig_operands(rig, NULL, rows, F);
    t->pooled = rig_operands(rig, NULL, rows, H);
    t->logits = rig_floats(rig, NULL, rows, 1);
    t->outside = rig_operands(rig, NULL, PARENT, 3 * H);
}

static void run(int rc, const struct err *err)
{
    CHECK_OK(rc, *err);
}

/* Every operation once; not if the device replays them. */
static void pass(struct rig *rig, const struct tensors *t, const struct slice *slice)
{
    const struct pass pass = {.network = t, .n_layers = 1, .record = true};
    const struct outside_parent outside = {PARENT, t->outside};
    const struct embed_args embed = {.word = t->word,
                                     .position = t->position,
                                     .type = t->type,
                                     .gamma = t->gamma,
                                     .beta = t->gamma,
                                     .eps = 1e-12F,
                                     .hidden = H,
                                     .stream = t->stream,
                                     .operand = t->operand};
    const struct linear_args qkv = {
        .weight = t->qkv_weight, .n_rows = slice->n_tokens, .in = t->operand, .out = t->qkv};
    const struct attention_args attention = {
        .hidden = H, .heads = HEADS, .qkv = t->qkv, .outside = &outside, .out = t->mixed};
    const struct linear_args inner = {
        .weight = t->inner_weight, .n_rows = slice->n_tokens, .in = t->mixed, .out = t->inner};
    const struct residual_norm_args norm = {.n_rows = slice->n_tokens,
                                            .hidden = H,
                                            .stream = t->stream,
                                            .gamma = t->gamma,
                                            .beta = t->gamma,
                                            .eps = 1e-12F,
                                            .operand = t->operand};
    const struct pool_args pool = {
        .kind = POOL_MEAN, .hidden = H, .stream = t->stream, .operand_out = t->pooled};
    const struct head_args head = {.n_rows = slice->n_read,
                                   .hidden = H,
                                   .labels = 1,
                                   .operand = t->pooled,
                                   .weight = t->gamma,
                                   .bias = t->gamma,
                                   .logits = t->logits};
    struct err err;
    const int replayed = rig->ops->begin(rig->lane, slice, &pass, &err);

    run(replayed < 0 ? -1 : 0, &err);
    if (!replayed) {
        run(rig->ops->embed(rig->lane, &embed, &err), &err);
        run(rig->ops->linear(rig->lane, &qkv, &err), &err);
        run(rig->ops->attention(rig->lane, &attention, &err), &err);
        run(rig->ops->linear(rig->lane, &inner, &err), &err);
        run(rig->ops->residual_norm(rig->lane, &norm, &err), &err);
        run(rig->ops->pool(rig->lane, &pool, &err), &err);
        run(rig->ops->head(rig->lane, &head, &err), &err);
    }
    rig_wait(rig, rig->lane);
}

static void allocates_nothing(struct rig *rig)
{
    struct tensors t;
    struct rig_slice small, large;
    struct rng rng;
    struct fault fault;

    if (!rig->device_caps->outside_parents)
        return;
    fault_here(&fault);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){0});
    rng_init(&rng, 1);
    rig_slice_init(&small, rig, "5 1", "30", &rng);
    rig_slice_init(&large, rig, "64 16p0 8p0 24p0 1p0 17p0 90o0 61", "30", &rng);
    tensors_init(&t, rig, large.slice.n_tokens);
    rig_lane(rig);
    CHECK(fault_seen(&fault, FAULT_MALLOC) > 0); /* the counter works */
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){0});
    for (int i = 0; i < 3; i++) {
        pass(rig, &t, &large.slice);
        pass(rig, &t, &small.slice);
    }
    CHECK_INT(fault_seen(&fault, FAULT_MALLOC), 0);
    rig->ops->weight_free(rig->session, t.qkv_weight);
    rig->ops->weight_free(rig->session, t.inner_weight);
    rig_slice_release(&small, rig);
    rig_slice_release(&large, rig);
}

TEST(operations__allocate_nothing)
{
    rig_each(allocates_nothing);
}
