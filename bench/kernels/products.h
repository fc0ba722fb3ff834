/* Products as the backend chooses them, and what follows from the choice. */
#ifndef BENCH_KERNELS_PRODUCTS_H
#define BENCH_KERNELS_PRODUCTS_H

#include "bench/kernels/workload.h"

#define PRODUCT_ROWS 32768
#define PRODUCT_WIDTH 3072

/* On the device: random numbers, f16 but for bias. */
struct product_memory {
    const void *x, *weight;      /* (PRODUCT_ROWS, PRODUCT_WIDTH), (PRODUCT_WIDTH, 768) */
    void *y, *attended;          /* as x */
    const float *bias;           /* (PRODUCT_WIDTH) */
    const void *bias_of_product; /* (PRODUCT_WIDTH) f16 */
};

/* Prints them; ends the program when the device fails. */
void report_products(const struct product_memory *memory);

#endif
