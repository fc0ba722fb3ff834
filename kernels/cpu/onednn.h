/*
 * The parts of oneDNN that linear_onednn.c needs, behind one interface for versions 2 and 3: only
 * onednn.c (and the guard's table) knows which one is in use. Matrices are (rows, columns),
 * row-major.
 */
#ifndef KERNELS_CPU_ONEDNN_H
#define KERNELS_CPU_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "kernels/backend.h"
#include "kernels/cpu/onednn_guard.h" /* oneDNN, and how to call it */

struct onednn_layout; /* memory layout of packed weights */

struct onednn_shape { /* y = act(x W + b): x (rows, in), W (in, out), b (1, out) */
    int rows, in, out;
    dnnl_data_type_t operand, result; /* of x and W; of y. b is f32 */
    bool bias;
    enum activation activation;
};

/* Apart from rows. */
static inline bool onednn_same_shape(const struct onednn_shape *a, const struct onednn_shape *b)
{
    return a->in == b->in && a->out == b->out && a->operand == b->operand &&
           a->result == b->result && a->bias == b->bias && a->activation == b->activation;
}

static inline void *onednn_aligned(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

struct onednn_matmul {
    dnnl_primitive_t primitive;
    size_t scratch_bytes;
    char implementation[48]; /* the library's name for the implementation in use */
};

/* Creates the product for one fixed number of rows. layout NULL: oneDNN chooses the layout of the
 * weights and *chosen receives it (the caller frees it); otherwise layout is used. Returns
 * dnnl_success or the reason. */
dnnl_status_t onednn_matmul_new(dnnl_engine_t engine, const struct onednn_shape *shape,
                                const struct onednn_layout *layout, struct onednn_layout **chosen,
                                struct onednn_matmul *out);
void onednn_matmul_release(struct onednn_matmul *matmul);

void onednn_layout_free(struct onednn_layout *layout); /* may be NULL */
size_t onednn_layout_bytes(const struct onednn_layout *layout);

/* A memory object over the caller's bytes, whose handle may be NULL and set later. */
dnnl_status_t onednn_matrix_new(dnnl_engine_t engine, int rows, int columns, dnnl_data_type_t type,
                                void *bytes, dnnl_memory_t *out);
dnnl_status_t onednn_packed_new(dnnl_engine_t engine, const struct onednn_layout *layout,
                                void *bytes, dnnl_memory_t *out);
dnnl_status_t onednn_scratch_new(dnnl_engine_t engine, void *bytes, size_t n, dnnl_memory_t *out);

/* from: (out, in) f32, row-major; to: memory from onednn_packed_new. */
dnnl_status_t onednn_pack(dnnl_engine_t engine, dnnl_stream_t stream, const float *from, int in,
                          int out, dnnl_memory_t to, const struct onednn_layout *layout);

const char *onednn_reason(dnnl_status_t status);

#endif
