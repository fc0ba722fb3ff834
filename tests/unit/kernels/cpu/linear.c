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

static void must_open(struct opened *o, const struct linear_ops *ops)
{
    o->ops = ops;
    CHECK_OK(ops->open(PRECISION_F32, &o->provider, &err), err);
    CHECK_OK(ops->lane_open(o->provider, &o->lane, &err), err);
}

static void close_all(struct opened *o)
{
    o->ops->lane_close(o->lane);
    o->ops->close(o->provider);
}

static const struct linear_ops *const providers[] = {&linear_onednn, &linear_plain};

TEST(linear__leaves_the_host_copy_alone_and_needs_it_no_longer)
{
    for (int p = 0; p < 2; p++) {
        float w[6] = {1, 2, 3, 4, 5, 6}, b[2] = {10, 20}, x[3] = {1, 10, 100}, y[2];
        const float w_was[6] = {1, 2, 3, 4, 5, 6};
        const struct linear_spec spec = {
            .in = 3, .out = 2, .weight = w, .bias = b, .to_stream = true};
        struct linear_weight *weight;
        struct opened o;

        must_open(&o, providers[p]);
        CHECK_OK(o.ops->weight_new(o.provider, &spec, &weight, &err), err);
        CHECK_INT(memcmp(w, w_was, sizeof(w)), 0);
        memset(w, 0, sizeof(w));
        memset(b, 0, sizeof(b));
        CHECK_OK(o.ops->run(o.lane,
                            &(struct linear_args){.weight = weight, .n_rows = 1, .in = x, .out = y},
                            &err),
                 err);
        CHECK_NEAR(y[0], 331, 0); /* 1 + 20 + 300 + 10 */
        CHECK_NEAR(y[1], 674, 0); /* 4 + 50 + 600 + 20 */
        o.ops->weight_free(o.provider, weight);
        o.ops->weight_free(o.provider, NULL);
        o.ops->lane_close(NULL);
        close_all(&o);
    }
}

/* What is not a number comes out as such and stays in its row. oneDNN's relu makes it 0: known, and
 * left. */
TEST(linear__does_not_hide_what_is_not_finite)
{
    for (int p = 0; p < 2; p++)
        for (int a = 0; a < ACTIVATIONS; a++) {
            enum { N = 16, ROWS = 20 };
            float w[N * N] = {0}, x[ROWS * N] = {0}, y[ROWS * N];
            const struct linear_spec spec = {.in = N,
                                             .out = N,
                                             .weight = w,
                                             .activation = (enum activation)a,
                                             .to_stream = true};
            struct linear_weight *weight;
            struct opened o;

            if (a == ACTIVATION_RELU && providers[p] == &linear_onednn)
                continue;
            test_row("%s, activation %d", providers[p]->name, a);
            for (int i = 0; i < N; i++)
                w[i * N + i] = 1;
            x[3 * N + 2] = NAN;
            must_open(&o, providers[p]);
            CHECK_OK(o.ops->weight_new(o.provider, &spec, &weight, &err), err);
            CHECK_OK(o.ops->run(
                         o.lane,
                         &(struct linear_args){.weight = weight, .n_rows = ROWS, .in = x, .out = y},
                         &err),
                     err);
            for (int i = 0; i < ROWS * N; i++)
                if (i / N == 3 ? i % N == 2 && isfinite(y[i]) : !isfinite(y[i]))
                    FAIL("element %d is %g", i, (double)y[i]);
            o.ops->weight_free(o.provider, weight);
            close_all(&o);
        }
}

/* A backend meets few shapes, but weights of a hundred may come and go. */
TEST(linear__takes_many_shapes_and_weights)
{
    for (int p = 0; p < 2; p++) {
        struct opened o;
        struct rng rng;
        float w[20 * 20], x[20] = {0}, y[20];

        rng_init(&rng, 1);
        for (int i = 0; i < 400; i++)
            w[i] = (float)rng_normal(&rng);
        x[0] = 1;
        must_open(&o, providers[p]);
        for (int i = 0; i < 60; i++) {
            const int in = 1 + i % 20, out = 1 + (i * 7) % 20;
            const struct linear_spec spec = {.in = in, .out = out, .weight = w, .to_stream = true};
            struct linear_weight *weight;

            CHECK_OK(o.ops->weight_new(o.provider, &spec, &weight, &err), err);
            CHECK_OK(
                o.ops->run(o.lane,
                           &(struct linear_args){.weight = weight, .n_rows = 1, .in = x, .out = y},
                           &err),
                err);
            for (int n = 0; n < out; n++)
                CHECK_NEAR(y[n], w[n * in], 0);
            o.ops->weight_free(o.provider, weight);
        }
        close_all(&o);
    }
}
