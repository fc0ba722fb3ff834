/* Tests of kernels/cpu/linear.c. */
#include "kernels/cpu/linear.h"

#include "base/rng.h"
#include "tests/test.h"

static struct err err;

TEST(linear__is_chosen_by_name_or_by_processor)
{
    const struct cpuid old = {.cores = 1},
                       new = {.cores = 1, .avx2 = true, .avx512 = true, .bf16_products = true};

    CHECK(linear_choose("", &old, PRECISION_F32) == &linear_onednn);
    CHECK(linear_choose(NULL, &old, PRECISION_F32) == &linear_onednn);
    CHECK(linear_choose("", &new, PRECISION_BF16) == &linear_onednn);
    CHECK(linear_choose("", &old, PRECISION_BF16) == &linear_plain);
    CHECK(linear_choose("plain", &new, PRECISION_F32) == &linear_plain);
    CHECK(linear_choose("onednn", &old, PRECISION_F32) == &linear_onednn);
    CHECK(linear_choose("openblas", &old, PRECISION_F32) == NULL);
    CHECK(linear_choose("", &old, PRECISION_F16) == NULL);
    CHECK(linear_choose("", &old, PRECISION_INT8) == NULL);
}

struct opened {
    const struct linear_ops *ops;
    struct linear_provider *provider;
    struct linear_lane *lane;
};

static void on_each_provider(void (*check)(struct opened *o))
{
    static const struct linear_ops *const providers[] = {&linear_onednn, &linear_plain};

    for (int p = 0; p < COUNT(providers); p++) {
        struct opened o = {.ops = providers[p]};

        CHECK_OK(o.ops->open(PRECISION_F32, &o.provider, &err), err);
        CHECK_OK(o.ops->lane_open(o.provider, &o.lane, &err), err);
        check(&o);
        o.ops->lane_close(o.lane);
        o.ops->lane_close(NULL);
        o.ops->weight_free(o.provider, NULL);
        o.ops->close(o.provider);
    }
}

static struct linear_weight *weight_of(struct opened *o, const struct linear_spec *spec)
{
    struct linear_weight *weight;

    CHECK_OK(o->ops->weight_new(o->provider, spec, &weight, &err), err);
    return weight;
}

/* x times the weight, which it frees. */
static void multiply(struct opened *o, struct linear_weight *weight, int n_rows, const float *x,
                     float *y)
{
    const struct linear_args args = {.weight = weight, .n_rows = n_rows, .in = x, .out = y};

    CHECK_OK(o->ops->run(o->lane, &args, &err), err);
    o->ops->weight_free(o->provider, weight);
}

static void host_copy(struct opened *o)
{
    float w[6] = {1, 2, 3, 4, 5, 6}, b[2] = {10, 20}, x[3] = {1, 10, 100}, y[2];
    const float w_was[6] = {1, 2, 3, 4, 5, 6};
    const struct linear_spec spec = {.in = 3, .out = 2, .weight = w, .bias = b, .to_stream = true};
    struct linear_weight *weight = weight_of(o, &spec);

    CHECK_INT(memcmp(w, w_was, sizeof(w)), 0);
    memset(w, 0, sizeof(w));
    memset(b, 0, sizeof(b));
    multiply(o, weight, 1, x, y);
    CHECK_NEAR(y[0], 331, 0); /* 1 + 20 + 300 + 10 */
    CHECK_NEAR(y[1], 674, 0); /* 4 + 50 + 600 + 20 */
}

TEST(linear__leaves_the_host_copy_alone_and_needs_it_no_longer)
{
    on_each_provider(host_copy);
}

/* What is not a number comes out as such and stays in its row. oneDNN's relu makes it 0: known, and
 * left. */
static void not_finite(struct opened *o)
{
    enum { N = 16, ROWS = 20 };
    float w[N * N] = {0}, x[ROWS * N] = {0}, y[ROWS * N];

    for (int i = 0; i < N; i++)
        w[i * N + i] = 1;
    x[3 * N + 2] = NAN;
    for (int a = 0; a < ACTIVATIONS; a++) {
        const struct linear_spec spec = {
            .in = N, .out = N, .weight = w, .activation = (enum activation)a, .to_stream = true};

        if (a == ACTIVATION_RELU && o->ops == &linear_onednn)
            continue;
        test_row("%s, activation %d", o->ops->name, a);
        multiply(o, weight_of(o, &spec), ROWS, x, y);
        for (int i = 0; i < ROWS * N; i++)
            if (i / N == 3 ? i % N == 2 && isfinite(y[i]) : !isfinite(y[i]))
                FAIL("element %d is %g", i, (double)y[i]);
    }
}

TEST(linear__does_not_hide_what_is_not_finite)
{
    on_each_provider(not_finite);
}

/* A backend meets few shapes, but weights of a hundred may come and go. */
static void many_shapes(struct opened *o)
{
    struct rng rng;
    float w[20 * 20], x[20] = {1}, y[20];

    rng_init(&rng, 1);
    for (int i = 0; i < 400; i++)
        w[i] = (float)rng_normal(&rng);
    for (int i = 0; i < 60; i++) {
        const int in = 1 + i % 20, out = 1 + (i * 7) % 20;
        const struct linear_spec spec = {.in = in, .out = out, .weight = w, .to_stream = true};

        multiply(o, weight_of(o, &spec), 1, x, y);
        for (int n = 0; n < out; n++)
            CHECK_NEAR(y[n], w[n * in], 0);
    }
}

TEST(linear__takes_many_shapes_and_weights)
{
    on_each_provider(many_shapes);
}
