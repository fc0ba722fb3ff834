/* Products of one shape: their descriptions, and how they are found. */
#include "kernels/cuda/product.h"

#include <stdlib.h>

static const struct {
    cudaDataType_t of;
} types[] = {
    [CUDA_TYPE_F32] = {CUDA_R_32F},
    [CUDA_TYPE_F16] = {CUDA_R_16F},
    [CUDA_TYPE_BF16] = {CUDA_R_16BF},
};

/* ---- descriptions ---------------------------------------------------------------------------- */

/* The library thinks in columns: its A is the weight, transposed, its B and its C = D are x and y.
 */
cublasLtMatmulDesc_t product_desc_new(struct device *device, const struct product_shape *shape,
                                      const void *bias, struct err *err)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    cublasLtMatmulDesc_t desc = NULL;
    cublasStatus_t status = cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);

    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                                sizeof(transposed));
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_EPILOGUE,
                                                &shape->epilogue, sizeof(shape->epilogue));
    /* A bias that the epilogue does not add is refused, and only when the product runs. */
    if (status == CUBLAS_STATUS_SUCCESS && bias && shape->epilogue & CUBLASLT_EPILOGUE_BIAS)
        status = cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                                sizeof(bias));
    if (status == CUBLAS_STATUS_SUCCESS)
        return desc;
    if (desc)
        (void)cublasLtMatmulDescDestroy(desc);
    device_blas_failed(device, status, "describing a product", err);
    return NULL;
}

static cublasStatus_t describe(struct product *product, const struct ladder *ladder)
{
    const struct product_shape *s = &product->shape;
    const uint64_t in = (uint64_t)s->in, out = (uint64_t)s->out;
    const cudaDataType_t type = types[s->type].of;
    cublasStatus_t status =
        cublasLtMatrixLayoutCreate(&product->weight, type, in, out, (int64_t)in);

    for (int i = 0; i < ladder->n && status == CUBLAS_STATUS_SUCCESS; i++) {
        const uint64_t rows = (uint64_t)ladder->tokens[i];
        status = cublasLtMatrixLayoutCreate(&product->x[i], type, in, rows, (int64_t)in);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatrixLayoutCreate(&product->y[i], type, out, rows, (int64_t)out);
    }
    return status;
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool same(const struct product_shape *a, const struct product_shape *b)
{
    return a->type == b->type && a->in == b->in && a->out == b->out && a->epilogue == b->epilogue;
}

static int make(struct device *device, const struct product_shape *shape, struct product **out,
                struct err *err)
{
    struct product *product = calloc(1, sizeof(*product));
    cublasStatus_t status;

    if (!product)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    product->shape = *shape;
    status = describe(product, &device->caps.ladder);
    if (status != CUBLAS_STATUS_SUCCESS) {
        product_free(product);
        return device_blas_failed(device, status, "describing a product", err);
    }
    product->next = device->products;
    device->products = product;
    *out = product;
    return 0;
}

int product_of(struct device *device, const struct product_shape *shape, struct product **out,
               struct err *err)
{
    struct product *product = device->products;

    while (product && !same(&product->shape, shape))
        product = product->next;
    if (!product && make(device, shape, &product, err))
        return -1;
    *out = product;
    return 0;
}

int product_find(struct device *device, const struct product_shape *shape, int max_rows,
                 struct product **out, struct err *err)
{
    int rc = product_of(device, shape, out, err);

    if (rc == 0)
        do
            rc = product_choose_step(device, *out, max_rows, err);
        while (rc > 0);
    return rc;
}

void product_free(struct product *product)
{
    product_choose_abandon(product);
    if (product->weight)
        (void)cublasLtMatrixLayoutDestroy(product->weight);
    for (int i = 0; i < LADDER_RUNGS; i++) {
        if (product->x[i])
            (void)cublasLtMatrixLayoutDestroy(product->x[i]);
        if (product->y[i])
            (void)cublasLtMatrixLayoutDestroy(product->y[i]);
    }
    free(product);
}

cublasStatus_t product_run(struct device *device, const struct product *product, int rung,
                           const struct product_call *call, cudaStream_t stream)
{
    const float one = 1, zero = 0;
    const int chosen = rung < product->n_rungs ? rung : product->n_rungs - 1;
    const cublasLtMatmulAlgo_t *algorithm =
        call->algorithm ? call->algorithm : &product->algorithms[chosen];

    return cublasLtMatmul(device->blas, call->desc, &one, call->weight, product->weight, call->x,
                          product->x[rung], &zero, call->y, product->y[rung], call->y,
                          product->y[rung], algorithm, device->workspace, CUDA_WORKSPACE_BYTES,
                          stream);
}
