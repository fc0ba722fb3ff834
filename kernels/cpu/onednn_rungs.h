/*
 * All primitives of one product: one for each number of rows in a ladder of 16, 32, ... 256. The
 * weights are packed in the layout of the 256-row product, which all others use; a rung that cannot
 * is left out.
 */
#ifndef KERNELS_CPU_ONEDNN_RUNGS_H
#define KERNELS_CPU_ONEDNN_RUNGS_H

#include "kernels/cpu/onednn.h"

#define ONEDNN_STEP 16
#define ONEDNN_RUNGS 16 /* rung i has (i + 1) * ONEDNN_STEP rows */

struct onednn_rungs {
    struct onednn_shape shape; /* rows: of the top rung */
    struct onednn_layout *layout;
    struct onednn_matmul matmuls[ONEDNN_RUNGS]; /* primitive NULL: left out */
    size_t scratch_bytes;                       /* the largest any of them needs */
};

static inline int onednn_rows(int rung)
{
    return (rung + 1) * ONEDNN_STEP;
}

static inline size_t onednn_type_bytes(dnnl_data_type_t type)
{
    return type == dnnl_bf16 ? 2 : 4;
}

/* shape->rows is not read. Release it on failure too. */
dnnl_status_t onednn_rungs_init(struct onednn_rungs *rungs, dnnl_engine_t engine,
                                const struct onednn_shape *shape);
void onednn_rungs_release(struct onednn_rungs *rungs);

#endif
