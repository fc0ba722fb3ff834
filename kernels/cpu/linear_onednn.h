/*
 * Internals of the oneDNN provider, shared by linear_onednn.c (the library, weights) and
 * linear_onednn_lane.c (a lane's memory objects, running).
 */
#ifndef KERNELS_CPU_LINEAR_ONEDNN_H
#define KERNELS_CPU_LINEAR_ONEDNN_H

#include "kernels/cpu/linear.h"
#include "kernels/cpu/onednn_product.h"

#define MAX_PRODUCTS 256 /* shapes that one backend ever sees */

struct linear_provider {
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* for packing and checks */
    enum precision precision;
    struct onednn_product *products[MAX_PRODUCTS];
    int n_products;
};

struct linear_weight {
    const struct onednn_product *product;
    char *packed;
    float *bias;
    dnnl_memory_t packed_memory, bias_memory; /* bias_memory NULL: none */
};

/* Returns -1 with err. */
int onednn_fail(struct err *err, const char *what, dnnl_status_t status);

/* As in struct linear_ops. */
int onednn_lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err);
void onednn_lane_close(struct linear_lane *lane);
int onednn_lane_run(struct linear_lane *lane, const struct linear_args *args, struct err *err);

#endif
