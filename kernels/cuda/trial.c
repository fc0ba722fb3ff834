/* Memory of a trial, its comparisons and its timings. */
#include "kernels/cuda/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define ROUNDS 2   /* the better one counts: what disturbs only adds */
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

/* Uniform from -1 to 1: sums differ by their rounding, for which this is enough. */
static int fill_random(struct trial *t, void *to, size_t n, uint64_t seed, struct err *err)
{
    float *host = malloc(n * sizeof(*host));
    struct rng rng;
    int rc;

    if (!host)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    rng_init(&rng, seed);
    for (size_t i = 0; i < n; i++)
        host[i] = (float)((int32_t)(rng_u64(&rng) >> 32)) * 0x1p-31F;
    rc = device_upload(t->device, t->product->shape.type, to, host, n, err);
    free(host);
    return rc;
}

static int fill(struct trial *t, struct err *err)
{
    const struct product_shape *s = &t->product->shape;
    const size_t in = (size_t)s->in, out = (size_t)s->out, bytes = x_row(t);

    if (fill_random(t, t->weight, in * out, 1, err) || fill_random(t, t->bias, out, 2, err) ||
        fill_random(t, t->x, (size_t)t->period * in, 3, err))
        return -1;
    for (int at = t->period; at < t->max_rows + TRIAL_SHIFT; at += t->period) {
        const int left = t->max_rows + TRIAL_SHIFT - at, n = left < t->period ? left : t->period;
        const cudaError_t rc = cudaMemcpyAsync(t->x + (size_t)at * bytes, t->x, (size_t)n * bytes,
                                               cudaMemcpyDeviceToDevice, t->device->stream);
        if (rc != cudaSuccess)
            return device_failed(t->device, rc, "trying products", err);
    }
    return 0;
}

static int make_events(struct trial *t, struct err *err)
{
    cudaError_t rc =
        cudaHostAlloc((void **)&t->seen, TRIAL_CANDIDATES * sizeof(*t->seen), cudaHostAllocDefault);

    for (int i = 0; i < TRIAL_CANDIDATES && rc == cudaSuccess; i++) {
        rc = cudaEventCreateWithFlags(&t->start[i], cudaEventDefault);
        if (rc == cudaSuccess)
            rc = cudaEventCreateWithFlags(&t->stop[i], cudaEventDefault);
    }
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
        {&t->differ, TRIAL_CANDIDATES * sizeof(*t->differ)},
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
    t->desc = product_desc_new(device, &product->shape, t->bias, err);
    return t->desc && make_events(t, err) == 0 ? fill(t, err) : -1;
}

void trial_release(struct trial *t)
{
    struct device *device = t->device;
    void *const all[] = {t->weight,     t->bias,       t->x,          t->y,     t->results[0],
                         t->results[1], t->results[2], t->results[3], t->differ};

    if (t->desc)
        (void)cublasLtMatmulDescDestroy(t->desc);
    if (!device->broken) /* nothing runs that uses what is freed */
        device_released(device, cudaStreamSynchronize(device->stream));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        device_free(device, all[i]);
    cuda_host_free(device, t->seen);
    for (int i = 0; i < TRIAL_CANDIDATES; i++) {
        if (t->start[i] && !device->broken)
            device_released(device, cudaEventDestroy(t->start[i]));
        if (t->stop[i] && !device->broken)
            device_released(device, cudaEventDestroy(t->stop[i]));
    }
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

int trial_compare(struct trial *t, struct candidate *candidates, int n, int rung, int class,
                  int shift, struct err *err)
{
    const int rows = t->device->caps.ladder.tokens[rung];
    const size_t bytes = (size_t)n * sizeof(*t->seen);
    cudaStream_t stream = t->device->stream;
    cudaError_t rc = cudaMemsetAsync(t->differ, 0, bytes, stream);

    for (int i = 0; i < n && rc == cudaSuccess; i++) {
        rc = cudaMemsetAsync(t->y, 0xff, (size_t)rows * y_row(t), stream); /* NaN */
        if (rc != cudaSuccess)
            break;
        candidates[i].runs = run(t, &candidates[i].algorithm, rung, shift);
        rc = candidates[i].runs ? compare(t, t->results[class], rows, shift, t->differ + i)
                                : cudaSuccess;
    }
    if (rc == cudaSuccess)
        rc = cudaMemcpyAsync(t->seen, t->differ, bytes, cudaMemcpyDeviceToHost, stream);
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(stream);
    if (rc != cudaSuccess)
        return device_failed(t->device, rc, "comparing products", err);
    for (int i = 0; i < n; i++)
        candidates[i].equal = candidates[i].runs && t->seen[i] == 0;
    return 0;
}

/* ---- timing ---------------------------------------------------------------------------------- */

/* Long operations first, so that the products wait in the queue and not for the host. */
static cudaError_t queue_delays(struct trial *t)
{
    cudaError_t rc = cudaSuccess;

    for (int i = 0; i < t->n_delays && rc == cudaSuccess; i++)
        rc = cudaMemsetAsync(t->y, 0, (size_t)t->max_rows * y_row(t), t->device->stream);
    return rc;
}

/* *late: the first product began before the last was queued. */
static cudaError_t queue_round(struct trial *t, const struct candidate *candidates, int n, int rung,
                               bool *late)
{
    cudaStream_t stream = t->device->stream;
    cudaEvent_t first = NULL;
    cudaError_t rc = queue_delays(t);

    for (int i = 0; i < n && rc == cudaSuccess; i++) {
        if (!candidates[i].runs)
            continue;
        rc = cudaEventRecord(t->start[i], stream);
        for (int k = 0; k < REPEATS; k++)
            (void)run(t, &candidates[i].algorithm, rung, 0); /* it ran before */
        if (rc == cudaSuccess)
            rc = cudaEventRecord(t->stop[i], stream);
        first = first ? first : t->start[i];
    }
    if (rc == cudaSuccess && first)
        rc = cudaEventQuery(first);
    *late = first && rc == cudaSuccess;
    return rc == cudaSuccess || rc == cudaErrorNotReady ? cudaStreamSynchronize(stream) : rc;
}

/* Times a round, again with more delay where the host was in the way: launches take it about as
 * long as small products take the device, and would make all of them look alike. */
static cudaError_t time_round(struct trial *t, const struct candidate *candidates, int n, int rung,
                              float us[TRIAL_CANDIDATES])
{
    for (;;) {
        float least = INFINITY;
        bool late;
        cudaError_t rc = queue_round(t, candidates, n, rung, &late);

        for (int i = 0; i < n && rc == cudaSuccess; i++) {
            if (!candidates[i].runs)
                continue;
            rc = cudaEventElapsedTime(&us[i], t->start[i], t->stop[i]);
            us[i] *= 1000.0F / REPEATS;
            least = fminf(least, us[i]);
        }
        if (rc != cudaSuccess || !late || least >= HOST_US || t->n_delays >= MAX_DELAYS)
            return rc;
        t->n_delays *= 2;
    }
}

int trial_time(struct trial *t, struct candidate *candidates, int n, int rung, struct err *err)
{
    float us[TRIAL_CANDIDATES] = {0};
    cudaError_t rc = cudaSuccess;

    for (int round = 0; round < ROUNDS && rc == cudaSuccess; round++) {
        rc = time_round(t, candidates, n, rung, us);
        for (int i = 0; i < n && rc == cudaSuccess; i++)
            if (candidates[i].runs && (round == 0 || us[i] < candidates[i].us))
                candidates[i].us = us[i];
    }
    return rc == cudaSuccess ? 0 : device_failed(t->device, rc, "timing products", err);
}
