/* Records products, and times them. */
#include "bench/gpu/bare.h"

#include <stdlib.h>

#include "base/rng.h"

/* ---- recording ------------------------------------------------------------------------------- */

struct matrices {
    const void *weight, *x;
    void *y;
};

static int rung_of(const struct device *device, int rows)
{
    const struct ladder *ladder = &device->caps.ladder;
    int i = 0;

    while (i < ladder->n - 1 && ladder->tokens[i] < rows)
        i++;
    return i;
}

/* One product of exactly so many rows. */
static cublasStatus_t queue(struct bare *b, const struct product *product,
                            cublasLtMatmulDesc_t desc, const struct matrices *m, int rows)
{
    static const cudaDataType_t types[] = {
        [CUDA_TYPE_F32] = CUDA_R_32F, [CUDA_TYPE_F16] = CUDA_R_16F, [CUDA_TYPE_BF16] = CUDA_R_16BF};
    const struct product_shape *s = &product->shape;
    const uint64_t in = (uint64_t)s->in, out = (uint64_t)s->out, t = (uint64_t)rows;
    const float one = 1, zero = 0;
    int rung = rung_of(b->device, rows);
    cublasLtMatrixLayout_t x = NULL, y = NULL;
    cublasStatus_t status = cublasLtMatrixLayoutCreate(&x, types[s->type], in, t, (int64_t)in);

    if (rung >= product->n_rungs)
        rung = product->n_rungs - 1;
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatrixLayoutCreate(&y, types[s->type], out, t, (int64_t)out);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmul(b->device->blas, desc, &one, m->weight, product->weight, m->x, x,
                                &zero, m->y, y, m->y, y, &product->algorithms[rung],
                                b->device->workspace, CUDA_WORKSPACE_BYTES, b->device->stream);
    b->flop += 2.0 * rows * s->in * s->out;
    if (x)
        (void)cublasLtMatrixLayoutDestroy(x);
    if (y)
        (void)cublasLtMatrixLayoutDestroy(y);
    return status;
}

static int record_begin(struct bare *b, struct err *err)
{
    const cudaError_t rc = cudaStreamBeginCapture(b->device->stream, cudaStreamCaptureModeRelaxed);

    return rc == cudaSuccess ? 0 : device_failed(b->device, rc, "recording products", err);
}

static int record_end(struct bare *b, cublasStatus_t status, struct err *err)
{
    cudaGraph_t graph = NULL;
    cudaError_t rc = cudaStreamEndCapture(b->device->stream, &graph);

    if (status != CUBLAS_STATUS_SUCCESS)
        return device_blas_failed(b->device, status, "recording products", err);
    if (rc == cudaSuccess)
        rc = cudaGraphInstantiate(&b->exec, graph, 0);
    if (rc == cudaSuccess)
        rc = cudaGraphDestroy(graph);
    return rc == cudaSuccess ? 0 : device_failed(b->device, rc, "recording products", err);
}

/* ---- of a pass ------------------------------------------------------------------------------- */

enum { QKV, ATTENTION_OUT, INNER, OUTER, PRODUCTS };

struct layer_products {
    struct product *products[PRODUCTS];
    cublasLtMatmulDesc_t descs[PRODUCTS];
};

static int find_products(struct layer_products *p, struct bench_engine *e, struct err *err)
{
    const int h = e->net.config->hidden, f = e->net.config->inner;
    const int sizes[PRODUCTS][2] = {{h, 3 * h}, {h, h}, {h, f}, {f, h}};

    for (int i = 0; i < PRODUCTS; i++) {
        const struct product_shape shape = {.type = e->session->type,
                                            .in = sizes[i][0],
                                            .out = sizes[i][1],
                                            .epilogue = CUBLASLT_EPILOGUE_DEFAULT};
        if (product_find(e->device, &shape, e->max_tokens, &p->products[i], err))
            return -1;
        p->descs[i] = product_desc_new(e->device, &shape, NULL, err);
        if (!p->descs[i])
            return -1;
    }
    return 0;
}

static cublasStatus_t queue_layer(struct bare *b, const struct layer_products *p,
                                  const struct bench_engine *e, int layer, int tokens, int rows)
{
    const struct network_layer *w = &e->net.layers[layer];
    const struct forward_scratch *s = &e->scratch;
    const struct matrices matrices[PRODUCTS] = {
        {w->qkv->memory, s->operand, s->qkv},
        {w->attention_out->memory, s->attention, s->delta},
        {w->inner->memory, s->operand, s->inner},
        {w->outer->memory, s->inner, s->delta},
    };
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;

    for (int i = 0; i < PRODUCTS && status == CUBLAS_STATUS_SUCCESS; i++)
        status = queue(b, p->products[i], p->descs[i], &matrices[i], i == QKV ? tokens : rows);
    return status;
}

int bare_init(struct bare *b, const struct scenario *s, struct bench_engine *e, struct err *err)
{
    const int layers = e->net.config->layers;
    struct layer_products p = {0};
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    int rc = -1;

    *b = (struct bare){.device = e->device};
    if (find_products(&p, e, err) || record_begin(b, err))
        goto out;
    for (int i = 0; i < s->n_batches; i++) {
        const struct slice *slice = &s->plans[i].slices[0].slice;
        for (int l = 0; l < layers && status == CUBLAS_STATUS_SUCCESS; l++)
            status = queue_layer(b, &p, e, l, slice->n_tokens,
                                 l == layers - 1 ? slice->n_read : slice->n_tokens);
    }
    rc = record_end(b, status, err);
out:
    for (int i = 0; i < PRODUCTS; i++)
        if (p.descs[i])
            (void)cublasLtMatmulDescDestroy(p.descs[i]);
    return rc;
}

/* ---- the yardstick --------------------------------------------------------------------------- */

static int fill_random(struct bare *b, size_t n, struct err *err)
{
    float *host = malloc(n * sizeof(*host));
    struct rng rng;
    int rc;

    if (!host)
        return err_set(err, ERR_NOMEM, "out of memory");
    rng_init(&rng, 5);
    for (size_t i = 0; i < n; i++)
        host[i] = (float)((int32_t)(rng_u64(&rng) >> 32)) * 0x1p-31F;
    rc = device_upload(b->device, CUDA_TYPE_F16, b->memory, host, n, err);
    free(host);
    return rc;
}

int yardstick_init(struct bare *b, struct device *device, int size, int n, struct err *err)
{
    const struct product_shape shape = {
        .type = CUDA_TYPE_F16, .in = size, .out = size, .epilogue = CUBLASLT_EPILOGUE_DEFAULT};
    const size_t one = (size_t)size * (size_t)size;
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    cublasLtMatmulDesc_t desc;
    struct matrices m;
    struct product *product;
    int rc;

    *b = (struct bare){.device = device};
    if (product_find(device, &shape, size, &product, err))
        return -1;
    b->memory = device_alloc(device, 3 * one * sizeof(uint16_t), "the yardstick", err);
    if (!b->memory || fill_random(b, 2 * one, err))
        return -1;
    m = (struct matrices){b->memory, (char *)b->memory + one * sizeof(uint16_t),
                          (char *)b->memory + 2 * one * sizeof(uint16_t)};
    desc = product_desc_new(device, &shape, NULL, err);
    if (!desc || record_begin(b, err))
        return -1;
    for (int i = 0; i < n && status == CUBLAS_STATUS_SUCCESS; i++)
        status = queue(b, product, desc, &m, size);
    rc = record_end(b, status, err);
    (void)cublasLtMatmulDescDestroy(desc);
    return rc;
}

void bare_release(struct bare *b)
{
    if (!b->device)
        return;
    if (b->exec && !b->device->broken)
        (void)cudaGraphExecDestroy(b->exec);
    device_free(b->device, b->memory);
    *b = (struct bare){0};
}

/* ---- timing ---------------------------------------------------------------------------------- */

int bare_queue(struct bare *b, struct err *err)
{
    const cudaError_t rc = cudaGraphLaunch(b->exec, b->device->stream);

    return rc == cudaSuccess ? 0 : device_failed(b->device, rc, "products", err);
}

int bare_time(struct bare *b, int repeats, double *us, struct err *err)
{
    cudaStream_t stream = b->device->stream;
    cudaEvent_t start = NULL, stop = NULL;
    float ms = 0;
    cudaError_t rc = cudaEventCreateWithFlags(&start, cudaEventDefault);

    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&stop, cudaEventDefault);
    if (rc == cudaSuccess)
        rc = cudaEventRecord(start, stream);
    for (int i = 0; i < repeats && rc == cudaSuccess; i++)
        rc = cudaGraphLaunch(b->exec, stream);
    if (rc == cudaSuccess)
        rc = cudaEventRecord(stop, stream);
    if (rc == cudaSuccess)
        rc = cudaEventSynchronize(stop);
    if (rc == cudaSuccess)
        rc = cudaEventElapsedTime(&ms, start, stop);
    *us = (double)ms * 1000 / repeats;
    if (start)
        (void)cudaEventDestroy(start);
    if (stop)
        (void)cudaEventDestroy(stop);
    return rc == cudaSuccess ? 0 : device_failed(b->device, rc, "timing products", err);
}
