/* The linear layer: weights, products and the activations that follow them. */
#include <stdlib.h>

#include "base/bug.h"
#include "kernels/cuda/lane.h"
#include "kernels/cuda/product.h"

/* ---- weights --------------------------------------------------------------------------------- */

/* What the epilogue does; the rest is a pass of its own. In f32 nothing but the bias: the library's
 * tanh is not exact enough there. */
static cublasLtEpilogue_t choose_epilogue(enum cuda_type type, const struct linear_spec *spec,
                                          enum activation *rest)
{
    const bool bias = spec->bias != NULL;

    *rest = ACTIVATION_NONE;
    if (spec->activation == ACTIVATION_GELU_TANH && type != CUDA_TYPE_F32)
        return bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    if (spec->activation == ACTIVATION_RELU)
        return bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    *rest = spec->activation;
    return bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

static int weight_make(struct device *device, struct linear_weight *weight,
                       const struct linear_spec *spec, struct err *err)
{
    const struct product_shape *shape = &weight->product->shape;
    const size_t n = (size_t)spec->in * (size_t)spec->out, out = (size_t)spec->out;
    const size_t element = cuda_type_bytes(shape->type);
    char *bias;

    weight->memory = device_alloc(device, (n + out) * element, "a weight", err);
    if (!weight->memory)
        return -1;
    bias = (char *)weight->memory + n * element;
    if (device_upload(device, shape->type, weight->memory, spec->weight, n, err) ||
        (spec->bias && device_upload(device, shape->type, bias, spec->bias, out, err)))
        return -1;
    weight->desc = product_desc_new(device, shape, spec->bias ? bias : NULL, err);
    return weight->desc ? 0 : -1;
}

int cuda_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err)
{
    struct device *device = session->device;
    struct product_shape shape = {.type = session->type, .in = spec->in, .out = spec->out};
    struct linear_weight *weight;

    BUG_ON(spec->in < 1 || spec->out < 1);
    if (spec->in % CUDA_WIDTH_MULTIPLE != 0 || spec->out % CUDA_WIDTH_MULTIPLE != 0)
        return err_set(err, ERR_CONFIG, "cuda: a weight of %d x %d: not multiples of %d", spec->out,
                       spec->in, CUDA_WIDTH_MULTIPLE);
    if (device_enter(device, err))
        return -1;
    weight = calloc(1, sizeof(*weight));
    if (!weight)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    shape.epilogue = choose_epilogue(session->type, spec, &weight->activation);
    if (product_find(device, &shape, max_rows, &weight->product, err) ||
        weight_make(device, weight, spec, err)) {
        cuda_weight_free(session, weight);
        return -1;
    }
    *out = weight;
    return 0;
}

void cuda_weight_free(struct session *session, struct linear_weight *weight)
{
    if (weight->desc)
        (void)cublasLtMatmulDescDestroy(weight->desc); /* host memory alone */
    device_free(session->device, weight->memory);
    free(weight);
}

/* ---- the operation --------------------------------------------------------------------------- */

static int rung_index(const struct ladder *ladder, int rung)
{
    int i = 0;

    while (i < ladder->n - 1 && ladder->tokens[i] < rung)
        i++;
    return i;
}

int cuda_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    struct device *device = lane_device(lane);
    const struct linear_weight *weight = args->weight;
    const struct product_shape *shape = &weight->product->shape;
    const struct product_call call = {
        .desc = weight->desc, .weight = weight->memory, .x = args->in, .y = args->out};
    struct cuda_activation_launch pass = {.type = shape->type, .n = shape->out, .y = args->out};
    struct lane_rows rows;
    cublasStatus_t status;
    cudaError_t rc;

    if (device->broken)
        return err_set(err, ERR_UNAVAILABLE, "cuda: the device is broken: restart the process");
    if (args->n_rows == 0)
        return 0;
    rows = lane_rows(lane, args->n_rows);
    status = product_run(device, weight->product, rung_index(&device->caps.ladder, rows.rung),
                         &call, device->stream);
    if (status != CUBLAS_STATUS_SUCCESS)
        return device_blas_failed(device, status, "a product", err);
    pass.activation = (int)weight->activation;
    if (args->activation != ACTIVATION_NONE) { /* the weight has none of its own then */
        pass.activation = (int)args->activation;
        pass.pre = args->pre_activation;
    }
    if (pass.activation == ACTIVATION_NONE)
        return 0;
    pass.n_rows = rows.n;
    pass.rung_rows = rows.rung;
    rc = cuda_activation(&pass, device->stream);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "activation", err);
}
