/* A product of the linear layer: its primitives by number of rows, and which of them are used. */
#include "kernels/cpu/onednn_product.h"

dnnl_status_t onednn_product_init(struct onednn_product *product, dnnl_engine_t engine,
                                  const struct onednn_shape *of)
{
    struct onednn_shape shape = *of;
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
    product->shape = product->matmuls[ONEDNN_RUNGS - 1].shape;
    return dnnl_success;
}

void onednn_product_release(struct onednn_product *product)
{
    for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
        onednn_matmul_release(&product->matmuls[rung]);
    onednn_layout_free(product->layout);
}

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

int onednn_product_rung(const struct onednn_product *product, int n_rows)
{
    int rung = n_rows / ONEDNN_STEP - 1;

    if (rung >= ONEDNN_RUNGS)
        rung = ONEDNN_RUNGS - 1;
    while (rung > product->lowest && !product->usable[rung])
        rung--;
    return rung;
}
