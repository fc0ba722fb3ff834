/*
 * A product of the linear layer, y = act(x W + b) of one shape and for any number of rows: made
 * when the first weight of that shape is, and kept until the provider closes.
 *
 * It has a primitive for each number of rows in a ladder of 16, 32, ... 256. The weights are packed
 * in the layout of the 256-row primitive, which all others use; a rung that cannot is left out.
 *
 * oneDNN's order of summation may depend on the number of rows (in 2.6 it does on AVX2 at 32 rows,
 * and on AMX with 3072 inputs), so a row's bits would depend on its neighbours. A product uses only
 * rungs that agree bit for bit (onednn_trial.h): the class of agreeing rungs with the most rows in
 * total.
 */
#ifndef KERNELS_CPU_ONEDNN_PRODUCT_H
#define KERNELS_CPU_ONEDNN_PRODUCT_H

#include "base/err.h"
#include "kernels/cpu/onednn.h"

#define ONEDNN_STEP 16
#define ONEDNN_RUNGS 16 /* rung i has (i + 1) * ONEDNN_STEP rows */

struct onednn_product {
    struct onednn_shape shape; /* rows: of the top rung */
    struct onednn_layout *layout;
    struct onednn_matmul matmuls[ONEDNN_RUNGS]; /* primitive NULL: left out */
    size_t scratch_bytes;                       /* the largest any of them needs */
    bool usable[ONEDNN_RUNGS];
    int lowest; /* usable rung with the fewest rows */
    int index;  /* in the provider's list */
};

static inline int onednn_rows(int rung)
{
    return (rung + 1) * ONEDNN_STEP;
}

/* shape->rows is not read. Neither usable nor lowest is set. Any thread. */
dnnl_status_t onednn_product_init(struct onednn_product *product, dnnl_engine_t engine,
                                  const struct onednn_shape *shape);
void onednn_product_release(struct onednn_product *product);

/* Sets usable and lowest (-1: none) from the classes of onednn_trial(). Pure. */
void onednn_product_choose(struct onednn_product *product, const int classes[ONEDNN_RUNGS]);

/* Highest usable rung of at most n_rows rows; n_rows is at least onednn_rows(product->lowest). */
int onednn_product_rung(const struct onednn_product *product, int n_rows);

#endif
