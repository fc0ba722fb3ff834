/*
 * Tries algorithms of one product on random data: do they give the same bits, and how long does
 * each take. x repeats its rows with a period, so the results of any number of rows are compared
 * with those of one period, a row's bits not depending on where it is.
 */
#ifndef KERNELS_CUDA_TRIAL_H
#define KERNELS_CUDA_TRIAL_H

#include "kernels/cuda/product.h"

#define TRIAL_CANDIDATES 24
#define TRIAL_CLASSES 4  /* of equal bits that are kept separate */
#define TRIAL_SHIFT 1001 /* rows; no multiple of anything */

struct candidate {
    cublasLtMatmulAlgo_t algorithm;
    bool runs;  /* the library takes it */
    bool equal; /* the bits of the reference */
    float us;
};

struct trial {
    struct device *device;
    const struct product *product;
    cublasLtMatmulDesc_t desc;
    int period_rung; /* of rows in a period */
    int period, max_rows;
    int n_delays; /* before products are timed */
    void *weight, *bias;
    char *x;                      /* (max_rows + TRIAL_SHIFT, K) */
    char *y;                      /* (max_rows, N) */
    void *results[TRIAL_CLASSES]; /* (period, N) one of each class of bits */
    uint32_t *differ;             /* (TRIAL_CANDIDATES) on the device */
    uint32_t *seen;               /* pinned: the same */
    cudaEvent_t start[TRIAL_CANDIDATES], stop[TRIAL_CANDIDATES];
};

/* Rows of a period and of the largest product are those of two rungs. */
int trial_init(struct trial *trial, struct device *device, const struct product *product,
               int period_rung, int max_rung, struct err *err);
void trial_release(struct trial *trial); /* once trial_init was called, whatever it returned */

/* Keeps the result of one period as results[class]. Returns 1, 0 where the library does not take
 * the algorithm, or -1. */
int trial_keep(struct trial *trial, const cublasLtMatmulAlgo_t *algorithm, int class,
               struct err *err);
/* Compares all with results[class], rows shifted by so many: fills runs and equal. */
int trial_compare(struct trial *trial, struct candidate *candidates, int n, int rung, int class,
                  int shift, struct err *err);
/* Fills us of those that run. */
int trial_time(struct trial *trial, struct candidate *candidates, int n, int rung, struct err *err);

#endif
