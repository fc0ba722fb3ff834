/* Embedding, norm, activation, pool, head and conversion on random sizes, against f64. */
#include "tests/cuda/tensor.h"

#include "tests/ops/reference.h"

#define EPS 1e-12F

static const int widths[] = {8, 64, 384, 128, 768, 1000, 1280, 2048, 2056, 3072, 37, 1};

/* With every type; w is the width's place, from which checks take what else they vary. */
static void each_width(void (*check)(struct rng *rng, enum cuda_type type, int w))
{
    need_device();
    for (int w = 0; w < COUNT(widths); w++)
        for (int type = 0; type < 3; type++) {
            struct rng rng;

            rng_init(&rng, (uint64_t)(w * 3 + type));
            test_row("%d wide, %s", widths[w], type_names[type]);
            check(&rng, (enum cuda_type)type, w);
        }
}

static double *doubles(size_t n)
{
    double *out = malloc(n * sizeof(*out) + 8);

    CHECK(out != NULL);
    return out;
}

static int32_t *count_on_device(int n)
{
    const int32_t count = n;

    return device_copy(&count, sizeof(count));
}

/* Rows past the count were not written. */
static void check_untouched(const struct tensor *t, size_t from)
{
    for (size_t i = from; i < t->n; i++)
        CHECK(isnan(t->host[i]));
}

/* x becomes its norm; mean and rstd of it. */
static void norm(double *x, const float *gamma, const float *beta, int h, double *mean,
                 double *rstd)
{
    double variance = 0;

    *mean = 0;
    for (int i = 0; i < h; i++)
        *mean += x[i] / h;
    for (int i = 0; i < h; i++)
        variance += (x[i] - *mean) * (x[i] - *mean) / h;
    *rstd = 1 / sqrt(variance + (double)EPS);
    for (int i = 0; i < h; i++)
        x[i] = (x[i] - *mean) * *rstd * (double)gamma[i] + (double)beta[i];
}

static void check_norm(struct rng *rng, enum cuda_type type, int rows, int h, bool adds,
                       bool in_place)
{
    const size_t n = (size_t)(rows * h), all = n + 9 * (size_t)h;
    struct tensor stream = tensor_random(rng, type, all, 2),
                  delta = tensor_random(rng, type, all, 2);
    struct tensor operand = tensor_nan(type, all),
                  mean = tensor_nan(CUDA_TYPE_F32, (size_t)rows + 9);
    struct tensor rstd = tensor_nan(CUDA_TYPE_F32, (size_t)rows + 9);
    struct tensor gamma = tensor_random(rng, CUDA_TYPE_F32, (size_t)h, 1);
    struct tensor beta = tensor_random(rng, CUDA_TYPE_F32, (size_t)h, 1);
    double *want = doubles(n), *means = doubles((size_t)rows), *rstds = doubles((size_t)rows);
    int32_t *n_rows = count_on_device(rows);

    for (size_t i = 0; i < n; i++)
        want[i] = (double)stream.host[i] + (adds ? (double)delta.host[i] : 0);
    for (int r = 0; r < rows; r++)
        norm(want + r * h, gamma.host, beta.host, h, &means[r], &rstds[r]);
    const struct cuda_norm_launch args = {.type = type,
                                          .hidden = h,
                                          .n_rows = n_rows,
                                          .rung_rows = rows + 9,
                                          .stream = stream.device,
                                          .delta = adds ? delta.device : NULL,
                                          .gamma = gamma.device,
                                          .beta = beta.device,
                                          .eps = EPS,
                                          .operand = in_place ? stream.device : operand.device,
                                          .mean = in_place ? NULL : mean.device,
                                          .rstd = in_place ? NULL : rstd.device};
    CHECK_CUDA(cuda_residual_norm(&args, NULL));
    tensor_read(&stream);
    tensor_read(&operand);
    tensor_read(&mean);
    tensor_read(&rstd);
    check_close("stream", stream.host, want, n, type);
    if (!in_place)
        check_close("operand", operand.host, want, n, type);
    check_untouched(&operand, in_place ? 0 : n);
    if (h > 1 && !in_place) {
        check_close("mean", mean.host, means, (size_t)rows, CUDA_TYPE_F32);
        check_close("rstd", rstd.host, rstds, (size_t)rows, CUDA_TYPE_F32);
    }
    check_untouched(&mean, in_place ? 0 : (size_t)rows);
    tensor_free(&stream), tensor_free(&delta), tensor_free(&operand), tensor_free(&mean);
    tensor_free(&rstd), tensor_free(&gamma), tensor_free(&beta);
    free(want), free(means), free(rstds);
    CHECK_CUDA(cudaFree(n_rows));
}

static void check_norms(struct rng *rng, enum cuda_type type, int w)
{
    check_norm(rng, type, 1 + (int)rng_below(rng, 19), widths[w], w != 3, w % 2 == 0);
}

TEST(norm__matches_f64)
{
    each_width(check_norms);
}

static void check_embed(struct rng *rng, enum cuda_type type, int h, bool normalises)
{
    static struct layout layout;
    const size_t width = (size_t)h;
    int32_t *ids[3];

    memset(&layout, 0, sizeof(layout));
    layout_add(&layout, 1 + (int)rng_below(rng, 30), -1);
    layout_read(&layout);
    struct batch batch = batch_upload(&layout, rng, ids);
    const size_t n = (size_t)layout.n_tokens * width, all = (size_t)batch.device.rung * width;
    struct tensor word = tensor_random(rng, CUDA_TYPE_F32, 8 * width, 1);
    struct tensor types = tensor_random(rng, CUDA_TYPE_F32, 2 * width, 1);
    struct tensor position = tensor_random(rng, CUDA_TYPE_F32, 16 * width, 1);
    struct tensor gamma = tensor_random(rng, CUDA_TYPE_F32, width, 1);
    struct tensor beta = tensor_random(rng, CUDA_TYPE_F32, width, 1);
    struct tensor stream = tensor_nan(type, all), operand = tensor_nan(type, all);
    double *want = doubles(n), mean, rstd;

    for (int t = 0; t < layout.n_tokens; t++) {
        for (int i = 0; i < h; i++)
            want[t * h + i] = (double)word.host[ids[0][t] * h + i] +
                              (double)types.host[ids[1][t] * h + i] +
                              (double)position.host[ids[2][t] * h + i];
        if (normalises)
            norm(want + t * h, gamma.host, beta.host, h, &mean, &rstd);
    }
    const struct cuda_embed_launch args = {.type = type,
                                           .word = word.device,
                                           .position = position.device,
                                           .token_type = types.device,
                                           .gamma = normalises ? gamma.device : NULL,
                                           .beta = normalises ? beta.device : NULL,
                                           .eps = EPS,
                                           .hidden = h,
                                           .stream = stream.device,
                                           .operand = operand.device};
    CHECK_CUDA(cuda_embed(&batch.device, &args, NULL));
    tensor_read(&stream);
    tensor_read(&operand);
    check_close("stream", stream.host, want, n, type);
    check_close("operand", operand.host, want, n, type);
    check_untouched(&stream, n);
    tensor_free(&word), tensor_free(&types), tensor_free(&position), tensor_free(&gamma);
    tensor_free(&beta), tensor_free(&stream), tensor_free(&operand);
    free(want), free(ids[0]), free(ids[1]), free(ids[2]);
    batch_free(&batch);
}

static void check_embeds(struct rng *rng, enum cuda_type type, int w)
{
    check_embed(rng, type, widths[w], w != 2);
}

TEST(embed__matches_f64)
{
    each_width(check_embeds);
}

static void check_activation(struct rng *rng, enum cuda_type type, int activation, int rows, int n,
                             bool saves)
{
    const size_t used = (size_t)(rows * n), all = used + 3 * (size_t)n;
    struct tensor y = tensor_random(rng, type, all, 2), pre = tensor_nan(type, all);
    double *want = doubles(used), *input = doubles(used);
    int32_t *n_rows = count_on_device(rows);

    for (size_t i = 0; i < used; i++) {
        input[i] = (double)y.host[i];
        want[i] = reference_activation((enum activation)activation, input[i]);
    }
    const struct cuda_activation_launch args = {.type = type,
                                                .activation = activation,
                                                .n = n,
                                                .rung_rows = rows + 3,
                                                .n_rows = n_rows,
                                                .y = y.device,
                                                .pre = saves ? pre.device : NULL};
    CHECK_CUDA(cuda_activation(&args, NULL));
    tensor_read(&y);
    tensor_read(&pre);
    check_close("y", y.host, want, used, type);
    if (saves)
        check_close("pre", pre.host, input, used, type);
    check_untouched(&pre, saves ? used : 0);
    tensor_free(&y), tensor_free(&pre);
    free(want), free(input);
    CHECK_CUDA(cudaFree(n_rows));
}

TEST(activation__matches_f64)
{
    need_device();
    for (int type = 0; type < 3; type++)
        for (int activation = ACTIVATION_NONE + 1; activation < ACTIVATIONS; activation++) {
            struct rng rng;

            rng_init(&rng, (uint64_t)(activation * 3 + type));
            test_row("%d, %s", activation, type_names[type]);
            check_activation(&rng, (enum cuda_type)type, activation, 5, 1536, true);
            check_activation(&rng, (enum cuda_type)type, activation, 3, 61, false);
        }
}

static void check_pool(struct rng *rng, enum cuda_type type, int h, bool means)
{
    static struct layout layout;
    int32_t *ids[3];

    memset(&layout, 0, sizeof(layout));
    layout_add(&layout, 20, -1);
    for (int i = 0; i < 7; i++)
        layout_add(&layout, 1 + (int)rng_below(rng, 40), i % 2 ? 0 : -1);
    layout_read(&layout);
    struct batch batch = batch_upload(&layout, rng, ids);
    const size_t n = (size_t)(layout.n_read * h), all = (size_t)(batch.device.rung_read * h);
    struct tensor stream = tensor_random(rng, type, (size_t)(layout.n_tokens * h), 1);
    struct tensor a = tensor_nan(type, all), b = tensor_nan(type, all);
    double *want = doubles(n);

    for (int r = 0; r < layout.n_read; r++)
        for (int i = 0; i < h; i++) {
            const int s = layout.read_segments[r], count = means ? layout.len[s] : 1;

            want[r * h + i] = 0;
            for (int t = 0; t < count; t++)
                want[r * h + i] += (double)stream.host[(layout.start[s] + t) * h + i] / count;
        }
    const struct cuda_pool_launch args = {.type = type,
                                          .mean = means,
                                          .hidden = h,
                                          .stream_in = stream.device,
                                          .stream_out = a.device,
                                          .operand_out = b.device};
    CHECK_CUDA(cuda_pool(&batch.device, &args, NULL));
    tensor_read(&a);
    tensor_read(&b);
    check_close("stream", a.host, want, n, type);
    check_close("operand", b.host, want, n, type);
    check_untouched(&a, n);
    tensor_free(&stream), tensor_free(&a), tensor_free(&b);
    free(want), free(ids[0]), free(ids[1]), free(ids[2]);
    batch_free(&batch);
}

static void check_head(struct rng *rng, enum cuda_type type, int rows, int h, int labels)
{
    const size_t n = (size_t)(rows * labels);
    struct tensor x = tensor_random(rng, type, (size_t)(rows * h), 1);
    struct tensor weight = tensor_random(rng, CUDA_TYPE_F32, (size_t)(labels * h), 0.1);
    struct tensor bias = tensor_random(rng, CUDA_TYPE_F32, (size_t)labels, 1);
    struct tensor logits = tensor_nan(CUDA_TYPE_F32, n + 5 * (size_t)labels);
    double *want = doubles(n);
    int32_t *n_rows = count_on_device(rows);

    for (int r = 0; r < rows; r++)
        for (int l = 0; l < labels; l++) {
            want[r * labels + l] = (double)bias.host[l];
            for (int i = 0; i < h; i++)
                want[r * labels + l] += (double)x.host[r * h + i] * (double)weight.host[l * h + i];
        }
    const struct cuda_head_launch args = {.type = type,
                                          .hidden = h,
                                          .labels = labels,
                                          .rung_rows = rows + 5,
                                          .n_rows = n_rows,
                                          .operand = x.device,
                                          .weight = weight.device,
                                          .bias = bias.device,
                                          .logits = logits.device};
    CHECK_CUDA(cuda_head(&args, NULL));
    tensor_read(&logits);
    check_close("logits", logits.host, want, n, CUDA_TYPE_F32);
    check_untouched(&logits, n);
    tensor_free(&x), tensor_free(&weight), tensor_free(&bias), tensor_free(&logits);
    free(want);
    CHECK_CUDA(cudaFree(n_rows));
}

static void check_pool_and_head(struct rng *rng, enum cuda_type type, int w)
{
    check_pool(rng, type, widths[w], w % 2 == 0);
    check_head(rng, type, 1 + (int)rng_below(rng, 9), widths[w], 1 + w % 3);
}

TEST(pool_and_head__match_f64)
{
    each_width(check_pool_and_head);
}

TEST(convert__rounds_to_the_nearest)
{
    need_device();
    for (int type = 0; type < 3; type++) {
        struct rng rng;
        struct tensor from, to, want;

        rng_init(&rng, (uint64_t)type);
        from = tensor_random(&rng, CUDA_TYPE_F32, 5000, 30);
        to = tensor_nan((enum cuda_type)type, from.n);
        want = tensor_nan((enum cuda_type)type, from.n);
        memcpy(want.host, from.host, from.n * sizeof(float));
        tensor_upload(&want); /* rounds */
        CHECK_CUDA(cuda_convert((enum cuda_type)type, to.device, from.device, from.n, NULL));
        tensor_read(&to);
        CHECK(memcmp(to.host, want.host, from.n * sizeof(float)) == 0);
        tensor_free(&from), tensor_free(&to), tensor_free(&want);
    }
}

/* A difference in any byte, the last ones included. */
TEST(compare__finds_every_difference)
{
    enum { BYTES = 16 * 300 };
    static uint8_t bytes[BYTES];
    uint32_t differ = 0, *seen;
    void *a, *b;

    need_device();
    a = device_copy(bytes, BYTES);
    seen = device_copy(&differ, sizeof(differ));
    for (int at = -1; at < BYTES; at += at < 16 || at > BYTES - 16 ? 1 : 397) {
        test_row("byte %d", at);
        if (at >= 0)
            bytes[at] = 1;
        b = device_copy(bytes, BYTES);
        CHECK_CUDA(cudaMemset(seen, 0, sizeof(*seen)));
        CHECK_CUDA(cuda_compare(a, b, BYTES, seen, NULL));
        CHECK_CUDA(cudaMemcpy(&differ, seen, sizeof(differ), cudaMemcpyDeviceToHost));
        CHECK_INT(differ, at >= 0);
        CHECK_CUDA(cudaFree(b));
        if (at >= 0)
            bytes[at] = 0;
    }
    CHECK_CUDA(cudaFree(a));
    CHECK_CUDA(cudaFree(seen));
}
