/*
 * oneDNN as provider: fixed shapes only (a product with a number of rows that is known at run time
 * is slow there and changes bits), one thread each, weights packed once for all lanes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/linear_onednn.h"

int onednn_fail(struct err *err, const char *what, dnnl_status_t status)
{
    return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_INTERNAL, "%s: oneDNN: %s",
                   what, onednn_reason(status));
}

static dnnl_data_type_t operand_type(enum precision precision)
{
    return precision == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* oneDNN has bf16 from AVX-512 on, but emulated it is slower than f32. */
static bool supports(const struct cpuid *cpu, enum precision precision)
{
    return precision == PRECISION_F32 || (precision == PRECISION_BF16 && cpu->bf16_products);
}

static void describe(char *text, size_t size)
{
    const dnnl_version_t *version = dnnl_version();

    snprintf(text, size, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

static void provider_close(struct linear_provider *provider)
{
    for (int i = 0; i < provider->n_products; i++)
        onednn_product_free(provider->products[i]);
    if (provider->stream)
        dnnl_stream_destroy(provider->stream);
    if (provider->engine)
        dnnl_engine_destroy(provider->engine);
    free(provider);
}

static int find_product(struct linear_provider *provider, const struct onednn_shape *shape,
                        const struct onednn_product **out, struct err *err)
{
    for (int i = 0; i < provider->n_products; i++) {
        *out = provider->products[i];
        if (onednn_same_shape(&(*out)->rungs.shape, shape))
            return 0;
    }
    if (provider->n_products == MAX_PRODUCTS)
        return err_set(err, ERR_INTERNAL, "linear: more than %d shapes", MAX_PRODUCTS);
    if (onednn_product_new(provider->engine, provider->stream, shape,
                           &provider->products[provider->n_products], err))
        return -1;
    *out = provider->products[provider->n_products];
    provider->products[provider->n_products]->index = provider->n_products;
    provider->n_products++;
    return 0;
}

static int provider_open(enum precision precision, struct linear_provider **out, struct err *err)
{
    struct linear_provider *provider = calloc(1, sizeof(*provider));
    const struct onednn_shape shape = {.rows = ONEDNN_STEP,
                                       .in = ONEDNN_STEP,
                                       .out = ONEDNN_STEP,
                                       .operand = operand_type(precision),
                                       .result = operand_type(precision)};
    struct onednn_layout *layout;
    struct onednn_matmul trial;
    dnnl_status_t status;

    if (!provider)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    provider->precision = precision;
    status = onednn.engine_create(&provider->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status =
            onednn.stream_create(&provider->stream, provider->engine, dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = onednn_matmul_new(provider->engine, &shape, NULL, &layout, &trial);
    if (status != dnnl_success) {
        provider_close(provider);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "products in %s: oneDNN: %s", precision_names[precision],
                       onednn_reason(status));
    }
    onednn_matmul_release(&trial);
    onednn_layout_free(layout);
    *out = provider;
    return 0;
}

static void weight_free(struct linear_provider *provider, struct linear_weight *weight)
{
    (void)provider;
    if (!weight)
        return;
    if (weight->bias_memory)
        dnnl_memory_destroy(weight->bias_memory);
    if (weight->packed_memory)
        dnnl_memory_destroy(weight->packed_memory);
    free(weight->bias);
    free(weight->packed);
    free(weight);
}

static dnnl_status_t pack(struct linear_provider *provider, const struct linear_spec *spec,
                          struct linear_weight *weight)
{
    const struct onednn_layout *layout = weight->product->rungs.layout;
    dnnl_status_t status;

    weight->packed = onednn_aligned(onednn_layout_bytes(layout));
    weight->bias = onednn_aligned((size_t)spec->out * sizeof(float));
    if (!weight->packed || !weight->bias)
        return dnnl_out_of_memory;
    status = onednn_packed_new(provider->engine, layout, weight->packed, &weight->packed_memory);
    if (status == dnnl_success)
        status = onednn_pack(provider->engine, provider->stream, spec->weight, spec->in, spec->out,
                             weight->packed_memory, layout);
    if (status == dnnl_success && spec->bias) {
        memcpy(weight->bias, spec->bias, (size_t)spec->out * sizeof(float));
        status = onednn_matrix_new(provider->engine, 1, spec->out, dnnl_f32, weight->bias,
                                   &weight->bias_memory);
    }
    return status;
}

static int weight_new(struct linear_provider *provider, const struct linear_spec *spec,
                      struct linear_weight **out, struct err *err)
{
    const dnnl_data_type_t operand = operand_type(provider->precision);
    const struct onednn_shape shape = {.in = spec->in,
                                       .out = spec->out,
                                       .operand = operand,
                                       .result = spec->to_stream ? dnnl_f32 : operand,
                                       .bias = spec->bias != NULL,
                                       .activation = spec->activation};
    struct linear_weight *weight = calloc(1, sizeof(*weight));
    dnnl_status_t status;

    if (!weight)
        return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", spec->in, spec->out);
    if (find_product(provider, &shape, &weight->product, err))
        goto failed;
    status = pack(provider, spec, weight);
    if (status != dnnl_success) {
        onednn_fail(err, "linear: packing a weight", status);
        goto failed;
    }
    *out = weight;
    return 0;
failed:
    weight_free(provider, weight);
    return -1;
}

static int width(const struct linear_weight *weight)
{
    return weight->product->rungs.shape.out;
}

const struct linear_ops linear_onednn = {
    .name = "onednn",
    .supports = supports,
    .describe = describe,
    .open = provider_open,
    .close = provider_close,
    .weight_new = weight_new,
    .weight_free = weight_free,
    .width = width,
    .lane_open = onednn_lane_open,
    .lane_close = onednn_lane_close,
    .run = onednn_lane_run,
};
