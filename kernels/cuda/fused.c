/*
 * Whether an inner layer's erf GELU is a pass of its own after cuBLASLt's product, or the product
 * is our own kernel that applies it: the faster of the two. They round differently, so one of them
 * serves every number of rows.
 */
#include <math.h>

#include "kernels/cuda/product.h"

#define REPEATS 4
#define LONG_US 1000.0F /* after so long a measurement no larger one is made */

struct contest {
    struct device *device;
    const struct linear_weight *weight;
    void *x, *y;
    cudaEvent_t start, stop;
};

static int contest_init(struct contest *c, struct device *device,
                        const struct linear_weight *weight, int max_rows, struct err *err)
{
    const struct product_shape *s = &weight->product->shape;
    const size_t x_bytes = (size_t)max_rows * (size_t)s->in * cuda_type_bytes(s->type);
    const size_t y_bytes = (size_t)max_rows * (size_t)s->out * cuda_type_bytes(s->type);
    cudaError_t rc;

    *c = (struct contest){.device = device, .weight = weight};
    c->x = device_alloc(device, x_bytes, "trying products", err);
    c->y = c->x ? device_alloc(device, y_bytes, "trying products", err) : NULL;
    if (!c->y)
        return -1;
    rc = cudaMemsetAsync(c->x, 0x3c, x_bytes, device->stream); /* small numbers in any type */
    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&c->start, cudaEventDefault);
    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&c->stop, cudaEventDefault);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "trying products", err);
}

static void contest_release(struct contest *c)
{
    if (c->start && !c->device->broken)
        (void)cudaEventDestroy(c->start);
    if (c->stop && !c->device->broken)
        (void)cudaEventDestroy(c->stop);
    device_free(c->device, c->x);
    device_free(c->device, c->y);
}

/* Microseconds of the fused kernel, or of product and pass. */
static int contest_time(struct contest *c, int rung, bool fused, float *us, struct err *err)
{
    const struct linear_call call = {
        .rung = rung,
        .n_rows = c->device->numbers + c->device->caps.ladder.tokens[rung],
        .x = c->x,
        .y = c->y,
    };
    cudaStream_t stream = c->device->stream;
    float ms = 0;
    int rc = 0;
    cudaError_t failed = cudaSuccess;

    for (int i = 0; i <= REPEATS && rc == 0; i++) { /* the first one warms up */
        if (i == 1)
            failed = cudaEventRecord(c->start, stream);
        rc = linear_gelu_run(c->device, c->weight, &call, fused, err);
    }
    if (rc)
        return -1;
    if (failed == cudaSuccess)
        failed = cudaEventRecord(c->stop, stream);
    if (failed == cudaSuccess)
        failed = cudaEventSynchronize(c->stop);
    if (failed == cudaSuccess)
        failed = cudaEventElapsedTime(&ms, c->start, c->stop);
    *us = ms * 1000 / REPEATS;
    return failed == cudaSuccess ? 0 : device_failed(c->device, failed, "timing products", err);
}

int fused_choose(struct device *device, const struct linear_weight *weight, struct err *err)
{
    struct product *product = weight->product;
    const struct ladder *ladder = &device->caps.ladder;
    struct contest contest;
    double gain = 0;
    float pass_us = 0, fused_us = 0;
    int rc = contest_init(&contest, device, weight, ladder->tokens[product->n_rungs - 1], err);

    for (int rung = 0; rung < product->n_rungs && rc == 0 && pass_us < LONG_US; rung += 3) {
        rc = contest_time(&contest, rung, false, &pass_us, err) ||
                     contest_time(&contest, rung, true, &fused_us, err)
                 ? -1
                 : 0;
        product->pass_us[rung] = pass_us;
        product->fused_us[rung] = fused_us;
        if (rc == 0 && pass_us > 0 && fused_us > 0)
            gain += log((double)pass_us / (double)fused_us);
    }
    contest_release(&contest);
    if (rc == 0)
        product->gelu = gain > 0 ? GELU_FUSED : GELU_PASS;
    return rc;
}
