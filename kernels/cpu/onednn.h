/*
 * The parts of oneDNN that linear_onednn.c needs, behind one interface for versions 2 and 3: only
 * onednn.c (and the guard's table) knows which one is in use. Matrices are (rows, columns),
 * row-major.
 *
 * Calls return dnnl_success or the reason. What an init fills is zeroed by the caller and released
 * by the caller, even after a failure.
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

static inline size_t onednn_row_bytes(int columns, dnnl_data_type_t type)
{
    return (size_t)columns * (type == dnnl_bf16 ? 2 : 4);
}

static inline void *onednn_aligned(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

/* The product for one fixed number of rows. */
struct onednn_matmul {
    struct onednn_shape shape;
    dnnl_primitive_t primitive;
    size_t scratch_bytes;
    char implementation[48]; /* the library's name for the implementation in use */
};

/* *layout is that of the weights. NULL: oneDNN chooses it, and the caller frees it. */
dnnl_status_t onednn_matmul_init(struct onednn_matmul *matmul, dnnl_engine_t engine,
                                 const struct onednn_shape *shape, struct onednn_layout **layout);
void onednn_matmul_release(struct onednn_matmul *matmul);
void onednn_layout_free(struct onednn_layout *layout); /* may be NULL */

/* A packed matrix with its bias; read-only once made. */
struct onednn_weight {
    char *packed;
    float *bias;
    dnnl_memory_t packed_memory, bias_memory; /* bias_memory NULL: none */
};

/* Of the spec's matrix and bias, of which it keeps copies. */
dnnl_status_t onednn_weight_init(struct onednn_weight *weight, dnnl_engine_t engine,
                                 dnnl_stream_t stream, const struct onednn_layout *layout,
                                 const struct linear_spec *spec);
void onednn_weight_release(struct onednn_weight *weight);

/* A product with one thread's memory objects, whose handles are set at each run. */
struct onednn_runner {
    dnnl_primitive_t primitive; /* the matmul's, which outlives the runner */
    dnnl_memory_t x, y, scratch;
};

dnnl_status_t onednn_runner_init(struct onednn_runner *runner, dnnl_engine_t engine,
                                 const struct onednn_matmul *matmul);
void onednn_runner_release(struct onednn_runner *runner);

struct onednn_arrays {
    const void *x; /* (rows, in) operand */
    void *y;       /* (rows, out) result */
    void *scratch; /* matmul's scratch_bytes */
};

/* y is there once onednn.stream_wait(stream) returns. */
dnnl_status_t onednn_run(const struct onednn_runner *runner, dnnl_stream_t stream,
                         const struct onednn_weight *weight, const struct onednn_arrays *arrays);

const char *onednn_reason(dnnl_status_t status);

#endif
