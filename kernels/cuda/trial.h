/*
 * Tries algorithms of one product on random data: do they give the same bits, and how long does
 * each take. x repeats its rows with a period, so the results of any number of rows are compared
 * with those of one period, a row's bits not depending on where it is.
 */
#ifndef KERNELS_CUDA_TRIAL_H
#define KERNELS_CUDA_TRIAL_H

#include "base/rng.h"
#include "kernels/cuda/product.h"

#define TRIAL_CANDIDATES 24
#define TRIAL_CLASSES 4  /* of equal bits that are kept separate */
#define TRIAL_SHIFT 1001 /* rows; no multiple of anything */

struct candidate {
    cublasLtMatmulAlgo_t algorithm;
    bool runs;  /* the library takes it */
    bool equal; /* the bits of the reference */
    float us;   /* that it took: once, or the best of several rounds */
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
    uint32_t *differ;             /* on the device */
    uint32_t *seen;               /* pinned: the same */
    cudaEvent_t start, stop;
    float *piece; /* of random numbers, on the way to the device */
    struct rng rng;
    int part;      /* of weight, bias, x: being filled */
    size_t filled; /* elements of it */
};

/* Rows of a period and of the largest product are those of two rungs. */
int trial_init(struct trial *trial, struct device *device, const struct product *product,
               int period_rung, int max_rung, struct err *err);
void trial_release(struct trial *trial); /* once trial_init was called, whatever it returned */
/* Fills the next piece of at most 1 MiB with random numbers: 1 more to do, 0 done, -1 failed. */
int trial_fill(struct trial *trial, struct err *err);

/* Keeps the result of one period as results[class]. Returns 1, 0 where the library does not take
 * the algorithm, or -1. */
int trial_keep(struct trial *trial, const cublasLtMatmulAlgo_t *algorithm, int class,
               struct err *err);
/* Compares a candidate with results[class], rows shifted by so many: fills runs, equal and us. */
int trial_compare(struct trial *trial, struct candidate *candidate, int rung, int class, int shift,
                  struct err *err);
/* Returns in *us what one that runs takes, of several one after the other. */
int trial_time(struct trial *trial, const struct candidate *candidate, int rung, float *us,
               struct err *err);

#endif
