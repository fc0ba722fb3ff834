/*
 * The vector kernels of the CPU backend. simd/kernels.h writes them once for any vector width; each
 * instruction set compiles them in its own file (simd/base.c, avx2.c, avx512.c) with its own
 * flags, and simd_choose takes the best that the processor has. An opened backend uses one table
 * only, so a row has the same bits all along.
 */
#ifndef KERNELS_CPU_SIMD_H
#define KERNELS_CPU_SIMD_H

#include <stdbool.h>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/cpuid.h"

#define SIMD_MAX_STRIP 32 /* floats in two of the widest vectors: kernels work on pairs */
#define SIMD_ROWS 4       /* queries that attend() takes together */

/* n rounded up to whole pairs of vectors of any width. */
static inline int simd_round(int n)
{
    return (n + SIMD_MAX_STRIP - 1) / SIMD_MAX_STRIP * SIMD_MAX_STRIP;
}

/* Keys and values of one segment and head, packed for attend(). Zeros fill what is rounded up. */
struct simd_panel {
    int n;       /* keys */
    float *keys; /* simd_round(n) * D: strips of (D, two vectors of keys), transposed, end to end */
    float *values; /* (n, simd_round(D)) */
};

struct attend_args {
    const struct simd_panel *parent; /* NULL: none */
    const struct simd_panel *own;
    int head;    /* D */
    float scale; /* 1 / sqrt(D) */
    int n_rows;  /* 1 to SIMD_ROWS */
    int visible; /* own keys that the first row sees; each row after it sees one more if causal */
    bool causal; /* false: every row sees all */
    const float *q; /* (n_rows, simd_round(D)) */
    float *scores;  /* (SIMD_ROWS, simd_round(parent n) + simd_round(own n)) scratch */
    float *out;     /* (n_rows, simd_round(D)) */
    float *lse;     /* (n_rows) log of the sum of e^(scale q k^T); NULL: not needed */
};

/* Of one row: its mean and 1 / sqrt(variance + eps). */
struct simd_norm {
    float mean, rstd;
};

struct simd {
    const char *name;
    /* Packs n rows of k and v; `stride` floats lie between two rows. Reads D floats of each row,
     * no more. */
    void (*pack)(struct simd_panel *to, const float *k, const float *v, int n, int head,
                 int stride);
    /* softmax(scale q k^T) v. A row's bits do not depend on n_rows nor on its place among them. */
    void (*attend)(const struct attend_args *args);
    /* x = norm(x + delta), delta NULL: of x; norm(x) = (x - mean) / sqrt(variance + eps) * gamma +
     * beta. gamma NULL: no norm, and zeros are returned. Rows of n. */
    struct simd_norm (*add_norm)(float *x, const float *delta, const float *gamma,
                                 const float *beta, float eps, int n);
    float (*dot)(const float *a, const float *b, int n);
    void (*from_bf16)(float *to, const bf16 *from, int n);
    void (*to_bf16)(bf16 *to, const float *from, int n);
};

extern const struct simd simd_base;
#if defined(__x86_64__)
extern const struct simd simd_avx2, simd_avx512;
#endif

const struct simd *simd_choose(const struct cpuid *cpu);

#endif
