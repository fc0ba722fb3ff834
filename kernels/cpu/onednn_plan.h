/*
 * All products of one shape: a primitive for each number of rows in a ladder of 16, 32, ... 256,
 * made when the first weight of that shape is, and kept until the provider closes. The weights are
 * packed as the 256-row product wants them, and all others take that layout.
 *
 * oneDNN may add up in another order when the number of rows is another (2.6 on AVX2 does at 32
 * rows, on AMX with 3072 inputs), so a row's bits would depend on its neighbours. A plan uses only
 * rungs that agree to the bit (onednn_trial.h): of those that agree with each other, the ones with
 * most rows in all. What was found out for a shape is kept for the life of the process.
 */
#ifndef KERNELS_CPU_ONEDNN_PLAN_H
#define KERNELS_CPU_ONEDNN_PLAN_H

#include "kernels/cpu/onednn.h"

#define PLAN_STEP 16
#define PLAN_RUNGS 16 /* rung i has (i + 1) * PLAN_STEP rows */

struct onednn_plan {
    struct onednn_shape shape; /* rows: of the top rung */
    struct onednn_layout *layout;
    struct onednn_matmul rungs[PLAN_RUNGS];
    bool usable[PLAN_RUNGS];
    int lowest;           /* usable rung with the fewest rows */
    size_t scratch_bytes; /* what the hungriest usable rung needs */
    int index;            /* place in the provider's list */
};

/* ERR_UNAVAILABLE: oneDNN does not have this product here. stream is used for the trial. Any
 * thread. */
int onednn_plan_new(dnnl_engine_t engine, dnnl_stream_t stream, const struct onednn_shape *shape,
                    struct onednn_plan **out, struct err *err) MUST_CHECK;
void onednn_plan_free(struct onednn_plan *plan); /* NULL is legal */

static inline int plan_rows(int rung)
{
    return (rung + 1) * PLAN_STEP;
}

/* Sets usable and lowest (-1: none) from the classes of onednn_trial(). Pure. */
void onednn_plan_choose(struct onednn_plan *plan, const int classes[PLAN_RUNGS]);

/* Highest usable rung of at most n_rows rows; n_rows is at least plan_rows(plan->lowest). */
int onednn_plan_rung(const struct onednn_plan *plan, int n_rows);

static inline size_t onednn_type_bytes(dnnl_data_type_t type)
{
    return type == dnnl_bf16 ? 2 : 4;
}

#endif
