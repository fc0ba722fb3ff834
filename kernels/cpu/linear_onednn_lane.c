/* A lane of the oneDNN provider: with its own memory objects, whose handles are set at each run. */
#include <string.h>

#include "kernels/cpu/linear_onednn.h"

/* A lane's own memory objects for one product: their handles are set at each run. */
struct lane_product {
    dnnl_memory_t x[ONEDNN_RUNGS], y[ONEDNN_RUNGS], scratch[ONEDNN_RUNGS];
};

struct linear_lane {
    const struct linear_provider *provider;
    dnnl_stream_t stream;
    struct lane_product *products[MAX_PRODUCTS]; /* by product->index; NULL until first needed */
    char *scratch;
    size_t scratch_bytes;
    char *few_x, *few_y; /* rows of a slice that is smaller than the lowest rung */
    size_t few_x_bytes, few_y_bytes;
};

static void destroy_all(dnnl_memory_t *memories)
{
    for (int i = 0; i < ONEDNN_RUNGS; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
}

static void lane_product_free(struct lane_product *product)
{
    if (!product)
        return;
    destroy_all(product->x);
    destroy_all(product->y);
    destroy_all(product->scratch);
    free(product);
}

void onednn_lane_close(struct linear_lane *lane)
{
    if (!lane)
        return;
    for (int i = 0; i < MAX_PRODUCTS; i++)
        lane_product_free(lane->products[i]);
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
    const size_t few = (size_t)onednn_rows(product->lowest);
    const dnnl_engine_t engine = lane->provider->engine;
    struct lane_product *mine = calloc(1, sizeof(*mine));
    dnnl_status_t status = dnnl_success;

    if (!mine)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    if (make_room(&lane->scratch, &lane->scratch_bytes, product->rungs.scratch_bytes) ||
        make_room(&lane->few_x, &lane->few_x_bytes,
                  few * (size_t)product->rungs.shape.in *
                      onednn_type_bytes(product->rungs.shape.operand)) ||
        make_room(&lane->few_y, &lane->few_y_bytes,
                  few * (size_t)product->rungs.shape.out *
                      onednn_type_bytes(product->rungs.shape.result)))
        status = dnnl_out_of_memory;
    for (int rung = 0; status == dnnl_success && rung < ONEDNN_RUNGS; rung++) {
        const int rows = onednn_rows(rung);

        if (!product->usable[rung])
            continue;
        status = onednn_matrix_new(engine, rows, product->rungs.shape.in,
                                   product->rungs.shape.operand, NULL, &mine->x[rung]);
        if (status == dnnl_success)
            status = onednn_matrix_new(engine, rows, product->rungs.shape.out,
                                       product->rungs.shape.result, NULL, &mine->y[rung]);
        if (status == dnnl_success)
            status = onednn_scratch_new(engine, NULL, product->rungs.matmuls[rung].scratch_bytes,
                                        &mine->scratch[rung]);
    }
    if (status != dnnl_success) {
        lane_product_free(mine);
        return onednn_fail(err, "linear: a lane's memory", status);
    }
    lane->products[product->index] = mine;
    return 0;
}

int onednn_lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err)
{
    struct linear_lane *lane = calloc(1, sizeof(*lane));
    dnnl_status_t status;

    if (!lane)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    lane->provider = provider;
    status = onednn.stream_create(&lane->stream, provider->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        onednn_fail(err, "linear: a lane", status);
        goto failed;
    }
    for (int i = 0; i < provider->n_products; i++)
        if (add_product(lane, provider->products[i], err))
            goto failed;
    *out = lane;
    return 0;
failed:
    onednn_lane_close(lane);
    return -1;
}

static dnnl_status_t run_rung(struct linear_lane *lane, const struct linear_weight *weight,
                              int rung, const void *x, void *y)
{
    const struct lane_product *mine = lane->products[weight->product->index];
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, mine->x[rung]},
                                    {DNNL_ARG_WEIGHTS, weight->packed_memory},
                                    {DNNL_ARG_DST, mine->y[rung]},
                                    {DNNL_ARG_SCRATCHPAD, mine->scratch[rung]},
                                    {DNNL_ARG_BIAS, weight->bias_memory}};
    dnnl_status_t status = onednn.memory_set_data_handle(mine->x[rung], (void *)(size_t)x);

    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(mine->y[rung], y);
    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(mine->scratch[rung], lane->scratch);
    if (status == dnnl_success)
        status = onednn.primitive_execute(weight->product->rungs.matmuls[rung].primitive,
                                          lane->stream, weight->bias_memory ? 5 : 4, args);
    return status;
}

/* If fewer rows remain than the lowest rung has, a run overlapping earlier rows computes them; the
 * earlier rows get the same bits again. */
static dnnl_status_t run_rows(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_product *product = args->weight->product;
    const size_t x_bytes =
        (size_t)product->rungs.shape.in * onednn_type_bytes(product->rungs.shape.operand);
    const size_t y_bytes =
        (size_t)product->rungs.shape.out * onednn_type_bytes(product->rungs.shape.result);
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

    memcpy(lane->few_x, args->in,
           n * (size_t)product->rungs.shape.in * onednn_type_bytes(product->rungs.shape.operand));
    status = run_rung(lane, args->weight, product->lowest, lane->few_x, lane->few_y);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    if (status == dnnl_success)
        memcpy(args->out, lane->few_y,
               n * (size_t)product->rungs.shape.out *
                   onednn_type_bytes(product->rungs.shape.result));
    return status;
}

int onednn_lane_run(struct linear_lane *lane, const struct linear_args *args, struct err *err)
{
    const struct onednn_product *product = args->weight->product;
    dnnl_status_t status;

    if (args->n_rows == 0)
        return 0;
    if (!lane->products[product->index] && add_product(lane, product, err))
        return -1;
    if (args->n_rows < onednn_rows(product->lowest))
        status = run_few(lane, args);
    else
        status = run_rows(lane, args);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    return status == dnnl_success ? 0 : onednn_fail(err, "linear", status);
}
