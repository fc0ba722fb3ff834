/*
 * Matrix products of one shape by cuBLASLt: y (T, N) = x (T, K) W (N, K)^T, with bias and
 * activation in the epilogue. A product knows, for each rung of T, the fastest of the algorithms
 * that give the same bits (algorithms.c); it belongs to the device, so later sessions and other
 * layers find it chosen.
 */
#ifndef KERNELS_CUDA_PRODUCT_H
#define KERNELS_CUDA_PRODUCT_H

#include "kernels/cuda/cuda.h"

struct product_shape {
    enum cuda_type type;
    int in, out; /* K, N */
    cublasLtEpilogue_t epilogue;
};

struct product {
    struct product_shape shape;
    cublasLtMatrixLayout_t weight;
    cublasLtMatrixLayout_t x[LADDER_RUNGS], y[LADDER_RUNGS];
    cublasLtMatmulAlgo_t algorithms[LADDER_RUNGS];
    float us[LADDER_RUNGS]; /* that it took; 0: it was the only one and not timed */
    int n_rungs;            /* with an algorithm; higher ones take the highest's */
    int n_unlike;           /* rungs whose algorithm is not proven to give the bits of the others */
    struct choice *choice;  /* in progress */
    struct product *next;
};

/* One product: operands on the device, and how it is computed. */
struct product_call {
    cublasLtMatmulDesc_t desc;
    const void *weight, *x;
    void *y;
    const cublasLtMatmulAlgo_t *algorithm; /* NULL: the one chosen */
};

/* A product of the device's; it can be run once algorithms are chosen. */
int product_of(struct device *device, const struct product_shape *shape, struct product **out,
               struct err *err);
/* The same with algorithms up to the rung of max_rows, chosen here if they are not yet. */
int product_find(struct device *device, const struct product_shape *shape, int max_rows,
                 struct product **out, struct err *err);
void product_free(struct product *product);

/* A description of the operation for one bias (NULL: none). NULL: it failed. */
cublasLtMatmulDesc_t product_desc_new(struct device *device, const struct product_shape *shape,
                                      const void *bias, struct err *err);

/* Queues a product of ladder.tokens[rung] rows. */
cublasStatus_t product_run(struct device *device, const struct product *product, int rung,
                           const struct product_call *call, cudaStream_t stream);

/* ---- algorithms.c ---------------------------------------------------------------------------- */

/* Chooses algorithms up to the rung of max_rows, in steps of some milliseconds on an idle device:
 * 1 more to do, 0 done, -1 failed. */
int product_choose_step(struct device *device, struct product *product, int max_rows,
                        struct err *err);
/* Frees what a choice that is not done holds. */
void product_choose_abandon(struct product *product);

#endif
