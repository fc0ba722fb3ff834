/* The linear layer: weights, products and the activations that follow them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"
#include "kernels/cuda/lane.h"
#include "kernels/cuda/product.h"

/* ---- weights --------------------------------------------------------------------------------- */

/* What the epilogue does; the rest is a pass of its own, which adds the bias as well: there it
 * costs nothing, while in the epilogue it slows a product down by 5 to 15 %. In f32 tanh GELU is a
 * pass too, since the library's is not exact enough. */
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
    return bias && *rest == ACTIVATION_NONE ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
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
    weight->spec = *spec;
    weight->max_rows = max_rows;
    shape.epilogue = choose_epilogue(session->type, spec, &weight->activation);
    if (product_of(device, &shape, &weight->product, err)) {
        cuda_weight_free(session, weight);
        return -1;
    }
    *out = weight;
    return 0;
}

static int weight_alloc(struct session *session, struct linear_weight *weight, struct err *err)
{
    const struct linear_spec *spec = &weight->spec;
    const size_t n = (size_t)spec->in * (size_t)spec->out, element = cuda_type_bytes(session->type);
    const char *bias;

    weight->memory = session_take(session, (n + (size_t)spec->out) * element, "a weight", err);
    if (!weight->memory)
        return -1;
    bias = spec->bias ? (char *)weight->memory + n * element : NULL;
    weight->desc = product_desc_new(session->device, &weight->product->shape, bias, err);
    if (weight->activation != ACTIVATION_NONE)
        weight->pass_bias = bias;
    return weight->desc ? 1 : -1;
}

/* One piece of the matrix, or of the bias behind it. */
static int weight_upload(struct session *session, struct linear_weight *weight, struct err *err)
{
    const struct linear_spec *spec = &weight->spec;
    const size_t n = (size_t)spec->in * (size_t)spec->out;
    const size_t all = n + (spec->bias ? (size_t)spec->out : 0), at = weight->uploaded;
    const size_t end = at < n ? n : all, most = CUDA_CHUNK_BYTES / sizeof(float);
    const size_t piece = end - at < most ? end - at : most;

    if (device_upload(session->device, session->type,
                      (char *)weight->memory + at * cuda_type_bytes(session->type),
                      at < n ? spec->weight + at : spec->bias + (at - n), piece, err))
        return -1;
    weight->uploaded += piece;
    return weight->uploaded < all;
}

/* What the choice of algorithms came to. */
static void note_choice(struct session *session, const struct linear_weight *weight)
{
    const struct product *product = weight->product;
    struct session_caps *caps = &session->caps;

    caps->n_timed += weight->timed;
    if (product->n_unlike > 0)
        snprintf(caps->note, sizeof(caps->note),
                 "products of %d x %d: no algorithm gives the bits of the others at %d of %d sizes "
                 "of a batch, so a score may depend on its batch",
                 product->shape.out, product->shape.in, product->n_unlike, product->n_rungs);
}

int cuda_weight_step(struct session *session, struct linear_weight *weight, struct err *err)
{
    int rc;

    if (device_enter(session->device, err))
        return -1;
    if (!weight->chosen) {
        rc = product_choose_step(session->device, weight->product, weight->max_rows, err);
        weight->chosen = rc == 0;
        weight->timed |= rc > 0;
        if (weight->chosen)
            note_choice(session, weight);
        return rc < 0 ? -1 : 1;
    }
    if (!weight->memory)
        return weight_alloc(session, weight, err);
    return weight_upload(session, weight, err);
}

void cuda_weight_free(struct session *session, struct linear_weight *weight)
{
    if (weight->product && !weight->chosen)
        product_choose_abandon(weight->product);
    if (weight->desc)
        (void)cublasLtMatmulDescDestroy(weight->desc); /* host memory alone */
    session_put(session, weight->memory);
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

struct linear_call {
    int rung;              /* its index */
    const int32_t *n_rows; /* on the device */
    const void *x;
    void *y;
};

static int multiply(struct lane *lane, const struct linear_weight *weight,
                    const struct linear_call *call, struct err *err)
{
    struct device *device = lane_device(lane);
    const struct product_call product = {
        .desc = weight->desc, .weight = weight->memory, .x = call->x, .y = call->y};
    const void *const noted[] = {weight->product, product.weight, product.x, product.y};
    cublasStatus_t status;

    recording_note(lane, OPERATION_PRODUCT + call->rung, noted, sizeof(noted));
    status = product_run(device, weight->product, call->rung, &product, device->stream);
    return status == CUBLAS_STATUS_SUCCESS ? 0
                                           : device_blas_failed(device, status, "a product", err);
}

/* Adds the bias that the product did not. */
static int activate(struct lane *lane, const struct linear_weight *weight,
                    const struct linear_call *call, enum activation activation, void *pre,
                    struct err *err)
{
    struct device *device = lane_device(lane);
    const struct cuda_activation_launch pass = {
        .type = weight->product->shape.type,
        .activation = (int)activation,
        .n = weight->product->shape.out,
        .rung_rows = device->caps.ladder.tokens[call->rung],
        .n_rows = call->n_rows,
        .bias = weight->pass_bias,
        .y = call->y,
        .pre = pre,
    };
    cudaError_t rc;

    recording_note(lane, OPERATION_ACTIVATION, &pass, sizeof(pass));
    rc = cuda_activation(&pass, device->stream);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "activation", err);
}

int cuda_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    struct device *device = lane_device(lane);
    const struct linear_weight *weight = args->weight;
    struct linear_call call = {.x = args->in, .y = args->out};
    struct lane_rows rows;

    if (device->broken)
        return err_set(err, ERR_UNAVAILABLE, "cuda: the device is broken: restart the process");
    if (args->n_rows == 0)
        return 0;
    rows = lane_rows(lane, args->n_rows);
    call.rung = rung_index(&device->caps.ladder, rows.rung);
    call.n_rows = rows.n;
    if (multiply(lane, weight, &call, err))
        return -1;
    if (weight->activation != ACTIVATION_NONE)
        return activate(lane, weight, &call, weight->activation, NULL, err);
    if (args->activation != ACTIVATION_NONE) /* the weight has none of its own then */
        return activate(lane, weight, &call, args->activation, args->pre_activation, err);
    return 0;
}
