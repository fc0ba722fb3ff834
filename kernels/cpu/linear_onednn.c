/*
 * oneDNN as provider: fixed shapes only (a product with a number of rows that is known at run time
 * is slow there and changes bits), one thread each, weights packed once for all lanes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/onednn_trial.h"

#define MAX_PRODUCTS 256 /* shapes that one backend ever sees */

struct linear_provider {
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* for packing and checks */
    enum precision precision;
    struct onednn_product *products[MAX_PRODUCTS];
    int n_products;
};

struct linear_weight {
    const struct onednn_product *product;
    struct onednn_weight packed;
};

struct linear_lane {
    const struct linear_provider *provider;
    dnnl_stream_t stream;
    struct onednn_runner *runners[MAX_PRODUCTS]; /* by product->index: (ONEDNN_RUNGS), or NULL until
                                                  * first needed */
    char *scratch;
    size_t scratch_bytes;
    char *few_x, *few_y; /* rows of a slice that is smaller than the lowest rung */
    size_t few_x_bytes, few_y_bytes;
};

static int fail(struct err *err, const char *what, dnnl_status_t status)
{
    return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_INTERNAL, "%s: oneDNN: %s",
                   what, onednn_reason(status));
}

static dnnl_data_type_t operand_type(enum precision precision)
{
    return precision == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* ---- products -------------------------------------------------------------------------------- */

static void product_free(struct onednn_product *product)
{
    onednn_product_release(product);
    free(product);
}

static void log_product(const struct onednn_product *product)
{
    int n_usable = 0, highest = 0;

    for (int rung = 0; rung < ONEDNN_RUNGS; rung++) {
        n_usable += product->usable[rung];
        highest = product->usable[rung] ? rung : highest;
    }
    log_debug("linear_shape", LOG_INT("in", product->shape.in), LOG_INT("out", product->shape.out),
              LOG_STR("implementation", product->matmuls[ONEDNN_RUNGS - 1].implementation),
              LOG_INT("rungs", n_usable), LOG_INT("most_rows", onednn_rows(highest)));
}

static dnnl_status_t product_init(struct linear_provider *provider,
                                  const struct onednn_shape *shape, struct onednn_product *product)
{
    int classes[ONEDNN_RUNGS];
    dnnl_status_t status = onednn_product_init(product, provider->engine, shape);

    if (status == dnnl_success)
        status = onednn_trial(product, provider->engine, provider->stream, classes);
    if (status != dnnl_success)
        return status;
    onednn_product_choose(product, classes);
    return product->lowest < 0 ? dnnl_unimplemented : dnnl_success;
}

static int product_new(struct linear_provider *provider, const struct onednn_shape *shape,
                       const struct onednn_product **out, struct err *err)
{
    struct onednn_product *product;
    dnnl_status_t status;

    if (provider->n_products == MAX_PRODUCTS)
        return err_set(err, ERR_INTERNAL, "linear: more than %d shapes", MAX_PRODUCTS);
    product = calloc(1, sizeof(*product));
    if (!product)
        return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", shape->in, shape->out);
    status = product_init(provider, shape, product);
    if (status != dnnl_success) {
        product_free(product);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "linear %d x %d: oneDNN: %s", shape->in, shape->out, onednn_reason(status));
    }
    log_product(product);
    product->index = provider->n_products;
    provider->products[provider->n_products++] = product;
    *out = product;
    return 0;
}

static int find_product(struct linear_provider *provider, const struct onednn_shape *shape,
                        const struct onednn_product **out, struct err *err)
{
    for (int i = 0; i < provider->n_products; i++) {
        *out = provider->products[i];
        if (onednn_same_shape(&(*out)->shape, shape))
            return 0;
    }
    return product_new(provider, shape, out, err);
}

/* ---- provider -------------------------------------------------------------------------------- */

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
        product_free(provider->products[i]);
    if (provider->stream)
        dnnl_stream_destroy(provider->stream);
    if (provider->engine)
        dnnl_engine_destroy(provider->engine);
    free(provider);
}

static int provider_open(enum precision precision, struct linear_provider **out, struct err *err)
{
    struct linear_provider *provider = calloc(1, sizeof(*provider));
    const struct onednn_shape shape = {.rows = ONEDNN_STEP,
                                       .in = ONEDNN_STEP,
                                       .out = ONEDNN_STEP,
                                       .operand = operand_type(precision),
                                       .result = operand_type(precision)};
    struct onednn_layout *layout = NULL;
    struct onednn_matmul trial = {0};
    dnnl_status_t status;

    if (!provider)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    provider->precision = precision;
    status = onednn.engine_create(&provider->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status =
            onednn.stream_create(&provider->stream, provider->engine, dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = onednn_matmul_init(&trial, provider->engine, &shape, &layout);
    onednn_matmul_release(&trial);
    onednn_layout_free(layout);
    if (status != dnnl_success) {
        provider_close(provider);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "products in %s: oneDNN: %s", precision_names[precision],
                       onednn_reason(status));
    }
    *out = provider;
    return 0;
}

/* ---- weights --------------------------------------------------------------------------------- */

static void weight_free(struct linear_provider *provider, struct linear_weight *weight)
{
    (void)provider;
    if (weight)
        onednn_weight_release(&weight->packed);
    free(weight);
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
    status = onednn_weight_init(&weight->packed, provider->engine, provider->stream,
                                weight->product->layout, spec);
    if (status != dnnl_success) {
        fail(err, "linear: packing a weight", status);
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
    return weight->product->shape.out;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static void runners_free(struct onednn_runner *runners)
{
    for (int rung = 0; runners && rung < ONEDNN_RUNGS; rung++)
        onednn_runner_release(&runners[rung]);
    free(runners);
}

static void lane_close(struct linear_lane *lane)
{
    if (!lane)
        return;
    for (int i = 0; i < MAX_PRODUCTS; i++)
        runners_free(lane->runners[i]);
    if (lane->stream)
        dnnl_stream_destroy(lane->stream);
    free(lane->few_x);
    free(lane->few_y);
    free(lane->scratch);
    free(lane);
}

/* Ensures room for `bytes`; contents are lost. -1: nothing has changed for the products that use
 * it. */
static int make_room(char **room, size_t *has, size_t bytes)
{
    char *larger;

    if (*has >= bytes && *room)
        return 0;
    larger = onednn_aligned(bytes);
    if (!larger)
        return -1;
    memset(larger, 0, bytes); /* unset rows are multiplied too, and must be finite */
    free(*room);
    *room = larger;
    *has = bytes;
    return 0;
}

/* Everything of this lane that a product needs; all or nothing, since the lane stays in use. */
static int add_product(struct linear_lane *lane, const struct onednn_product *product,
                       struct err *err)
{
    const struct onednn_shape *shape = &product->shape;
    const size_t few = (size_t)onednn_rows(product->lowest);
    struct onednn_runner *runners = calloc(ONEDNN_RUNGS, sizeof(*runners));
    dnnl_status_t status = dnnl_success;

    if (!runners || make_room(&lane->scratch, &lane->scratch_bytes, product->scratch_bytes) ||
        make_room(&lane->few_x, &lane->few_x_bytes,
                  few * onednn_row_bytes(shape->in, shape->operand)) ||
        make_room(&lane->few_y, &lane->few_y_bytes,
                  few * onednn_row_bytes(shape->out, shape->result)))
        status = dnnl_out_of_memory;
    for (int rung = 0; status == dnnl_success && rung < ONEDNN_RUNGS; rung++)
        if (product->usable[rung])
            status =
                onednn_runner_init(&runners[rung], lane->provider->engine, &product->matmuls[rung]);
    if (status != dnnl_success) {
        runners_free(runners);
        return fail(err, "linear: a lane's memory", status);
    }
    lane->runners[product->index] = runners;
    return 0;
}

static int lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err)
{
    struct linear_lane *lane = calloc(1, sizeof(*lane));
    dnnl_status_t status;

    if (!lane)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    lane->provider = provider;
    status = onednn.stream_create(&lane->stream, provider->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        fail(err, "linear: a lane", status);
        goto failed;
    }
    for (int i = 0; i < provider->n_products; i++)
        if (add_product(lane, provider->products[i], err))
            goto failed;
    *out = lane;
    return 0;
failed:
    lane_close(lane);
    return -1;
}

/* ---- running --------------------------------------------------------------------------------- */

static dnnl_status_t run_rung(struct linear_lane *lane, const struct linear_weight *weight,
                              int rung, const void *x, void *y)
{
    const struct onednn_arrays arrays = {x, y, lane->scratch};

    return onednn_run(&lane->runners[weight->product->index][rung], lane->stream, &weight->packed,
                      &arrays);
}

/* If fewer rows remain than the lowest rung has, a run overlapping earlier rows computes them; the
 * earlier rows get the same bits again. */
static dnnl_status_t run_rows(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_product *product = args->weight->product;
    const size_t x_bytes = onednn_row_bytes(product->shape.in, product->shape.operand);
    const size_t y_bytes = onednn_row_bytes(product->shape.out, product->shape.result);
    const int few = onednn_rows(product->lowest);
    dnnl_status_t status = dnnl_success;

    for (int row = 0; status == dnnl_success && row < args->n_rows;) {
        int rung;

        if (args->n_rows - row < few)
            row = args->n_rows - few;
        rung = onednn_product_rung(product, args->n_rows - row);
        status = run_rung(lane, args->weight, rung, (const char *)args->in + (size_t)row * x_bytes,
                          (char *)args->out + (size_t)row * y_bytes);
        row += onednn_rows(rung);
    }
    return status;
}

static dnnl_status_t run_few(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_product *product = args->weight->product;
    const size_t n = (size_t)args->n_rows;
    dnnl_status_t status;

    memcpy(lane->few_x, args->in, n * onednn_row_bytes(product->shape.in, product->shape.operand));
    status = run_rung(lane, args->weight, product->lowest, lane->few_x, lane->few_y);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    if (status == dnnl_success)
        memcpy(args->out, lane->few_y,
               n * onednn_row_bytes(product->shape.out, product->shape.result));
    return status;
}

static int run(struct linear_lane *lane, const struct linear_args *args, struct err *err)
{
    const struct onednn_product *product = args->weight->product;
    dnnl_status_t status;

    if (args->n_rows == 0)
        return 0;
    if (!lane->runners[product->index] && add_product(lane, product, err))
        return -1;
    if (args->n_rows < onednn_rows(product->lowest))
        status = run_few(lane, args);
    else
        status = run_rows(lane, args);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    return status == dnnl_success ? 0 : fail(err, "linear", status);
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
    .lane_open = lane_open,
    .lane_close = lane_close,
    .run = run,
};
