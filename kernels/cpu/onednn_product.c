/* A product of the linear layer: its primitives by number of rows, and which of them are used. */
#include "kernels/cpu/onednn_product.h"

#include <stdlib.h>

#include "base/log.h"
#include "kernels/cpu/onednn_trial.h"

void onednn_product_choose(struct onednn_product *product, const int classes[ONEDNN_RUNGS])
{
    int rows[ONEDNN_RUNGS] = {0}, best = -1;

    for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
        if (classes[rung] >= 0)
            rows[classes[rung]] += onednn_rows(rung);
    for (int class = 0; class < ONEDNN_RUNGS; class ++)
        if (rows[class] && (best < 0 || rows[class] > rows[best]))
            best = class;
    product->lowest = -1;
    for (int rung = ONEDNN_RUNGS - 1; rung >= 0; rung--) {
        product->usable[rung] = best >= 0 && classes[rung] == best;
        if (product->usable[rung])
            product->lowest = rung;
    }
}

static dnnl_status_t make_rungs(struct onednn_product *product, dnnl_engine_t engine)
{
    struct onednn_shape shape = product->shape;
    dnnl_status_t status = dnnl_success;

    /* The top rung, which decides on the layout, must be there; the others need not. */
    for (int rung = ONEDNN_RUNGS - 1; rung >= 0; rung--) {
        struct onednn_matmul *matmul = &product->matmuls[rung];

        shape.rows = onednn_rows(rung);
        status = onednn_matmul_init(matmul, engine, &shape, &product->layout);
        if (status == dnnl_out_of_memory || (status != dnnl_success && rung == ONEDNN_RUNGS - 1))
            return status;
        if (matmul->scratch_bytes > product->scratch_bytes)
            product->scratch_bytes = matmul->scratch_bytes;
    }
    return dnnl_success;
}

static dnnl_status_t keep_agreeing_rungs(struct onednn_product *product, dnnl_engine_t engine,
                                         dnnl_stream_t stream)
{
    int classes[ONEDNN_RUNGS];
    dnnl_status_t status = onednn_trial(product, engine, stream, classes);

    if (status != dnnl_success)
        return status;
    onednn_product_choose(product, classes);
    return product->lowest < 0 ? dnnl_unimplemented : dnnl_success;
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

int onednn_product_new(dnnl_engine_t engine, dnnl_stream_t stream, const struct onednn_shape *shape,
                       struct onednn_product **out, struct err *err)
{
    struct onednn_product *product = calloc(1, sizeof(*product));
    dnnl_status_t status;

    if (!product)
        return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", shape->in, shape->out);
    product->shape = *shape;
    product->shape.rows = onednn_rows(ONEDNN_RUNGS - 1);
    status = make_rungs(product, engine);
    if (status == dnnl_success)
        status = keep_agreeing_rungs(product, engine, stream);
    if (status != dnnl_success) {
        onednn_product_free(product);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "linear %d x %d: oneDNN: %s", shape->in, shape->out, onednn_reason(status));
    }
    log_product(product);
    *out = product;
    return 0;
}

void onednn_product_free(struct onednn_product *product)
{
    if (!product)
        return;
    for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
        onednn_matmul_release(&product->matmuls[rung]);
    onednn_layout_free(product->layout);
    free(product);
}

int onednn_product_rung(const struct onednn_product *product, int n_rows)
{
    int rung = n_rows / ONEDNN_STEP - 1;

    if (rung >= ONEDNN_RUNGS)
        rung = ONEDNN_RUNGS - 1;
    while (rung > product->lowest && !product->usable[rung])
        rung--;
    return rung;
}
