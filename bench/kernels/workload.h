/*
 * Batches as the daemon makes them, on the device: requests of 64 tokens with 100 ads of 8 to 24
 * tokens, as pairs (cross) or as families (prefix), or with one-token ads (hier).
 */
#ifndef BENCH_KERNELS_WORKLOAD_H
#define BENCH_KERNELS_WORKLOAD_H

#include "kernels/cuda/kernels.h"

enum workload_kind { WORKLOAD_CROSS, WORKLOAD_PREFIX, WORKLOAD_HIER, WORKLOAD_KINDS };
extern const char *const workload_names[WORKLOAD_KINDS];

struct workload {
    struct cuda_batch batch;
    int n_tokens, n_read;
    void *memory; /* what batch points into */
};

/* context: tokens of a request. Ends the program when memory or the device fails. */
struct workload workload_new(enum workload_kind kind, int requests, int context);
void workload_free(struct workload *w);

/* Ends the program unless the call succeeded. */
void must(cudaError_t error, const char *what);

#endif
