/*
 * Arrays for tests of single kernels: on the device in an element type, on the host as f32. Fails
 * the test on any CUDA error. The same tests run on a GPU and on the emulator.
 */
#ifndef TESTS_CUDA_TENSOR_H
#define TESTS_CUDA_TENSOR_H

#include "base/rng.h"
#include "kernels/cuda/kernels.h"
#include "tests/test.h"

#define CHECK_CUDA(call)                                                                           \
    do {                                                                                           \
        const cudaError_t error_ = (call);                                                         \
        if (error_ != cudaSuccess)                                                                 \
            FAIL("%s: %s", #call, cudaGetErrorString(error_));                                     \
    } while (0)

struct tensor {
    enum cuda_type type;
    size_t n;
    void *device;
    float *host; /* what the device has, widened: after tensor_random, tensor_upload, tensor_read */
};

/* Skips the test where there is no device. */
void need_device(void);

/* Normal numbers, rounded to the type. */
struct tensor tensor_random(struct rng *rng, enum cuda_type type, size_t n, double deviation);
/* NaN in every element. */
struct tensor tensor_nan(enum cuda_type type, size_t n);
/* host to the device; host is rounded to the type. */
void tensor_upload(struct tensor *t);
/* The device's elements to host, once everything queued is done. */
void tensor_read(struct tensor *t);
void tensor_free(struct tensor *t);

size_t type_bytes(enum cuda_type type);
extern const char *const type_names[];

/* Any bytes to the device. */
void *device_copy(const void *from, size_t bytes);

/* Largest error over the root mean square, and that the mean of squares is small, as tests/ops
 * has it by type. want: f64. */
void check_close(const char *what, const float *got, const double *want, size_t n,
                 enum cuda_type type);

/* Whole segments end to end in the terms of kernels/backend.h, uploaded as the kernels read them.
 */
struct layout {
    int n_segments, n_tokens, n_read;
    int start[512], len[512], parent[512]; /* parent: -1: none */
    int read[512], read_segments[512];     /* first rows of the segments that have no children */
    int segment_of[16384];
};

void layout_add(struct layout *layout, int len, int parent);
void layout_read(struct layout *layout); /* once all are added */

struct batch {
    struct cuda_batch device; /* rungs are above the counts */
    void *memory[8];
    int n_memory;
    struct cuda_counts counts;
};

/* ids, types, positions: below 8, 2 and 16. */
struct batch batch_upload(const struct layout *layout, struct rng *rng, int32_t *ids[3]);
void batch_free(struct batch *batch);

#endif
