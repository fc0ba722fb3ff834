/*
 * The limit that the linear layer is compared with: matrix products and nothing else, by oneDNN as
 * it likes them best. 256 rows a product, weights laid out as the library chooses, neither bias nor
 * activation, one product after the other on each thread. For benchmarks.
 */
#ifndef TOOLS_MODEL_YARDSTICK_H
#define TOOLS_MODEL_YARDSTICK_H

#include "kernels/backend.h"

#define YARDSTICK_MAX_PRODUCTS 8

struct yardstick;

struct yardstick_args {
    struct {
        int in, out;
        bool to_stream;                 /* the result is f32, else an operand */
    } products[YARDSTICK_MAX_PRODUCTS]; /* of a layer */
    int n_products;
    int layers;               /* each with weights of its own, as in a network */
    enum precision precision; /* of operands: f32 or bf16 */
    int threads;
};

int yardstick_new(const struct yardstick_args *args, struct yardstick **out,
                  struct err *err) MUST_CHECK;
void yardstick_free(struct yardstick *yardstick); /* may be NULL */

/* All layers once on every thread at once. *gflops: floating-point operations of all threads by
 * the time of the last. */
int yardstick_pass(struct yardstick *yardstick, double *gflops, struct err *err) MUST_CHECK;

#endif
