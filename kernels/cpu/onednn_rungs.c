/* The primitives of one product, by numbers of rows. */
#include "kernels/cpu/onednn_rungs.h"

dnnl_status_t onednn_rungs_init(struct onednn_rungs *rungs, dnnl_engine_t engine,
                                const struct onednn_shape *of)
{
    struct onednn_shape shape = *of;
    dnnl_status_t status;

    shape.rows = onednn_rows(ONEDNN_RUNGS - 1);
    *rungs = (struct onednn_rungs){.shape = shape};
    status =
        onednn_matmul_new(engine, &shape, NULL, &rungs->layout, &rungs->matmuls[ONEDNN_RUNGS - 1]);
    for (int rung = 0; status == dnnl_success && rung < ONEDNN_RUNGS - 1; rung++) {
        shape.rows = onednn_rows(rung);
        if (onednn_matmul_new(engine, &shape, rungs->layout, NULL, &rungs->matmuls[rung]) ==
            dnnl_out_of_memory)
            status = dnnl_out_of_memory;
    }
    for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
        if (rungs->matmuls[rung].scratch_bytes > rungs->scratch_bytes)
            rungs->scratch_bytes = rungs->matmuls[rung].scratch_bytes;
    return status;
}

void onednn_rungs_release(struct onednn_rungs *rungs)
{
    for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
        onednn_matmul_release(&rungs->matmuls[rung]);
    onednn_layout_free(rungs->layout);
}
