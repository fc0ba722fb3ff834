/* Memory of a trial, its comparisons and its timings: all of it on the stream of the batches, with
 * none in flight, so that neither disturbs the other. */
#include "kernels/cuda/trial.h"

#include <stdlib.h>
#include <string.h>

#define REPEATS 4  /* of a product between two events */
#define HOST_US 10 /* a product that takes less may wait for the host, which queues it */
#define MAX_DELAYS 128

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t x_row(const struct trial *t)
{
    return (size_t)t->product->shape.in * cuda_type_bytes(t->product->shape.type);
}

static size_t y_row(const struct trial *t)
{
    return (size_t)t->product->shape.out * cuda_type_bytes(t->product->shape.type);
}

static int make_events(struct trial *t, struct err *err)
{
    cudaError_t rc = cudaEventCreateWithFlags(&t->start, cudaEventDefault);

    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&t->stop, cudaEventDefault);
    return rc == cudaSuccess ? 0 : device_failed(t->device, rc, "trying products", err);
}

int trial_init(struct trial *t, struct device *device, const struct product *product,
               int period_rung, int max_rung, struct err *err)
{
    const struct ladder *ladder = &device->caps.ladder;
    const size_t element = cuda_type_bytes(product->shape.type), out = (size_t)product->shape.out;
    const struct {
        void *pointer;
        size_t bytes;
    } parts[] = {
        {&t->weight, (size_t)product->shape.in * out * element},
        {&t->bias, out * element},
        {&t->x,
         ((size_t)ladder->tokens[max_rung] + TRIAL_SHIFT) * (size_t)product->shape.in * element},
        {&t->y, (size_t)ladder->tokens[max_rung] * out * element},
        {&t->results[0], (size_t)ladder->tokens[period_rung] * out * element},
        {&t->results[1], (size_t)ladder->tokens[period_rung] * out * element},
        {&t->results[2], (size_t)ladder->tokens[period_rung] * out * element},
        {&t->results[3], (size_t)ladder->tokens[period_rung] * out * element},
        {&t->differ, sizeof(*t->differ)},
    };

    *t = (struct trial){.device = device,
                        .product = product,
                        .period_rung = period_rung,
                        .period = ladder->tokens[period_rung],
                        .max_rows = ladder->tokens[max_rung],
                        .n_delays = 1};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        void *memory = device_alloc(device, parts[i].bytes, "trying products", err);
        if (!memory)
            return -1;
        memcpy(parts[i].pointer, &memory, sizeof(memory));
    }
    t->piece = malloc(CUDA_CHUNK_BYTES);
    if (!t->piece)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    t->seen = cuda_host_alloc(device, sizeof(*t->seen), err);
    if (!t->seen)
        return -1;
    t->desc = product_desc_new(device, &product->shape, t->bias, err);
    return t->desc ? make_events(t, err) : -1;
}

void trial_release(struct trial *t)
{
    struct device *device = t->device;
    void *const all[] = {t->weight,     t->bias,       t->x,          t->y,     t->results[0],
                         t->results[1], t->results[2], t->results[3], t->differ};

    if (t->desc)
        (void)cublasLtMatmulDescDestroy(t->desc);
    /* Nothing runs that uses what is freed. */
    if (!device->broken)
        device_released(device, cudaStreamSynchronize(device->stream));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        device_free(device, all[i]);
    cuda_host_free(device, t->seen);
    free(t->piece);
    if (t->start && !device->broken)
        device_released(device, cudaEventDestroy(t->start));
    if (t->stop && !device->broken)
        device_released(device, cudaEventDestroy(t->stop));
}

/* Rows after the first period are the same again. */
static int repeat_rows(struct trial *t, struct err *err)
{
    const size_t bytes = x_row(t);

    for (int at = t->period; at < t->max_rows + TRIAL_SHIFT; at += t->period) {
        const int left = t->max_rows + TRIAL_SHIFT - at, n = left < t->period ? left : t->period;
        const cudaError_t rc = cudaMemcpyAsync(t->x + (size_t)at * bytes, t->x, (size_t)n * bytes,
                                               cudaMemcpyDeviceToDevice, t->device->stream);
        if (rc != cudaSuccess)
            return device_failed(t->device, rc, "trying products", err);
    }
    return 0;
}

/* Uniform from -1 to 1: sums differ by their rounding, for which this is enough. */
int trial_fill(struct trial *t, struct err *err)
{
    const struct product_shape *s = &t->product->shape;
    const size_t in = (size_t)s->in, most = CUDA_CHUNK_BYTES / sizeof(*t->piece);
    const struct {
        void *to;
        size_t n;
    } parts[] = {{t->weight, in * (size_t)s->out},
                 {t->bias, (size_t)s->out},
                 {t->x, (size_t)t->period * in}};
    const size_t left = parts[t->part].n - t->filled, n = left < most ? left : most;

    if (t->filled == 0)
        rng_init(&t->rng, (uint64_t)t->part + 1);
    for (size_t i = 0; i < n; i++)
        t->piece[i] = (float)((int32_t)(rng_u64(&t->rng) >> 32)) * 0x1p-31F;
    if (device_upload(t->device, s->type,
                      (char *)parts[t->part].to + t->filled * cuda_type_bytes(s->type), t->piece, n,
                      err))
        return -1;
    t->filled += n;
    if (n < left)
        return 1;
    t->filled = 0;
    if (++t->part < (int)(sizeof(parts) / sizeof(parts[0])))
        return 1;
    return repeat_rows(t, err);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Queues a product whose rows begin `shift` rows further on in x. False: it is not taken. */
static bool run(struct trial *t, const cublasLtMatmulAlgo_t *algorithm, int rung, int shift)
{
    const struct product_call call = {.desc = t->desc,
                                      .weight = t->weight,
                                      .x = t->x + (size_t)shift * x_row(t),
                                      .y = t->y,
                                      .algorithm = algorithm};

    return product_run(t->device, t->product, rung, &call, t->device->stream) ==
           CUBLAS_STATUS_SUCCESS;
}

int trial_keep(struct trial *t, const cublasLtMatmulAlgo_t *algorithm, int class, struct err *err)
{
    cudaError_t rc;

    if (!run(t, algorithm, t->period_rung, 0))
        return 0;
    rc = cudaMemcpyAsync(t->results[class], t->y, (size_t)t->period * y_row(t),
                         cudaMemcpyDeviceToDevice, t->device->stream);
    return rc == cudaSuccess ? 1 : device_failed(t->device, rc, "trying products", err);
}

/* Sets *differ unless the rows in y are those of the result, which repeat. */
static cudaError_t compare(struct trial *t, const void *result, int rows, int shift,
                           uint32_t *differ)
{
    const size_t bytes = y_row(t);
    cudaError_t rc = cudaSuccess;

    for (int at = 0; at < rows && rc == cudaSuccess;) {
        const int first = (at + shift) % t->period;
        int n = t->period - first;
        if (n > rows - at)
            n = rows - at;
        rc = cuda_compare(t->y + (size_t)at * bytes, (const char *)result + (size_t)first * bytes,
                          (size_t)n * bytes, differ, t->device->stream);
        at += n;
    }
    return rc;
}

/* Between two events; false: it is not taken. */
static bool run_timed(struct trial *t, const cublasLtMatmulAlgo_t *algorithm, int rung, int shift,
                      int repeats, cudaError_t *rc)
{
    *rc = cudaEventRecord(t->start, t->device->stream);
    for (int i = 0; i < repeats && *rc == cudaSuccess; i++)
        if (!run(t, algorithm, rung, shift))
            return false;
    if (*rc == cudaSuccess)
        *rc = cudaEventRecord(t->stop, t->device->stream);
    return true;
}

static cudaError_t elapsed(struct trial *t, int repeats, float *us)
{
    float ms = 0;
    const cudaError_t rc = cudaEventElapsedTime(&ms, t->start, t->stop);

    *us = ms * 1000.0F / (float)repeats;
    return rc;
}

/* Run twice, since the first time may load the kernel. */
static cudaError_t queue_compare(struct trial *t, struct candidate *c, int rung, int class,
                                 int shift)
{
    const int rows = t->device->caps.ladder.tokens[rung];
    cudaStream_t stream = t->device->stream;
    cudaError_t rc = cudaMemsetAsync(t->differ, 0, sizeof(*t->differ), stream);

    if (rc == cudaSuccess)
        rc = cudaMemsetAsync(t->y, 0xff, (size_t)rows * y_row(t), stream); /* NaN */
    if (rc != cudaSuccess)
        return rc;
    c->runs =
        run(t, &c->algorithm, rung, shift) && run_timed(t, &c->algorithm, rung, shift, 1, &rc);
    if (!c->runs || rc != cudaSuccess)
        return rc;
    rc = compare(t, t->results[class], rows, shift, t->differ);
    if (rc == cudaSuccess)
        rc = cudaMemcpyAsync(t->seen, t->differ, sizeof(*t->seen), cudaMemcpyDeviceToHost, stream);
    return rc;
}

int trial_compare(struct trial *t, struct candidate *c, int rung, int class, int shift,
                  struct err *err)
{
    cudaError_t rc = queue_compare(t, c, rung, class, shift);

    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(t->device->stream);
    c->equal = rc == cudaSuccess && c->runs && *t->seen == 0;
    if (rc == cudaSuccess && c->runs)
        rc = elapsed(t, 1, &c->us);
    return rc == cudaSuccess ? 0 : device_failed(t->device, rc, "comparing products", err);
}

/* Long operations first, so that the products wait in the queue and not for the host. */
static cudaError_t queue_delays(struct trial *t)
{
    cudaError_t rc = cudaSuccess;

    for (int i = 0; i < t->n_delays && rc == cudaSuccess; i++)
        rc = cudaMemsetAsync(t->y, 0, (size_t)t->max_rows * y_row(t), t->device->stream);
    return rc;
}

/* *late: the first product began before the last was queued. */
static cudaError_t time_once(struct trial *t, const struct candidate *c, int rung, float *us,
                             bool *late)
{
    cudaError_t rc = queue_delays(t);

    if (rc == cudaSuccess)
        (void)run_timed(t, &c->algorithm, rung, 0, REPEATS, &rc); /* it ran before */
    if (rc == cudaSuccess)
        rc = cudaEventQuery(t->start);
    *late = rc == cudaSuccess;
    if (rc == cudaSuccess || rc == cudaErrorNotReady)
        rc = cudaStreamSynchronize(t->device->stream);
    return rc == cudaSuccess ? elapsed(t, REPEATS, us) : rc;
}

/* Again with more delay where the host was in the way: launches take it about as long as small
 * products take the device, and would make all of them look alike. */
int trial_time(struct trial *t, const struct candidate *c, int rung, float *us, struct err *err)
{
    for (;;) {
        bool late;
        const cudaError_t rc = time_once(t, c, rung, us, &late);

        if (rc != cudaSuccess)
            return device_failed(t->device, rc, "timing products", err);
        if (!late || *us >= HOST_US || t->n_delays >= MAX_DELAYS)
            return 0;
        t->n_delays *= 2;
    }
}
