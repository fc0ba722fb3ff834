/* The CUDA backend's own structs, shared by its host files. */
#ifndef KERNELS_CUDA_CUDA_H
#define KERNELS_CUDA_CUDA_H

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "kernels/backend.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/nvml.h"

#define CUDA_WIDTH_MULTIPLE 8              /* elements of a row: accesses of 16 bytes */
#define CUDA_CHUNK_BYTES ((size_t)1 << 20) /* of f32 that travel to the device at once */
#define CUDA_WORKSPACE_BYTES ((size_t)32 << 20)
/* Larger passes take the device longer than the host takes to queue them: a graph gains nothing. */
#define CUDA_RECORDED_TOKENS 8192

struct product;

struct device {
    struct device_caps caps;
    int index;
    bool pools; /* device memory comes from the device's pool */
    /* A CUDA error is sticky: after one, no call but those that release host memory is made. */
    bool broken;
    cudaStream_t stream;  /* every batch, one after the other */
    cudaStream_t uploads; /* weights, beside the batches */
    cublasLtHandle_t blas;
    void *workspace;          /* CUDA_WORKSPACE_BYTES, of the product that runs */
    int32_t *numbers;         /* on the device: numbers[n] == n, up to the top rung */
    void *chunk;              /* pinned, CUDA_CHUNK_BYTES */
    float *chunk_on_device;   /* the same, before its conversion */
    struct product *products; /* every shape that was asked for so far */
    struct block *pinned;     /* of cuda_host_alloc, some of it unused */
    struct session *idle;     /* closed, and kept for the next ones */
    struct session *opening;  /* the one opened last, if it is not settled yet */
    char uuid[16];
    struct nvml nvml; /* of device_readings alone */
};

/*
 * A model's memory, lanes and recorded passes. They survive the session: the next model takes over
 * what has its sizes, so replacing one of the same shape allocates nothing, and passes recorded for
 * the old one are replayed for the new one where all their arguments are the same (graph.c).
 */
struct session {
    struct device *device;
    struct session_caps caps;
    enum cuda_type type;
    struct block *blocks;    /* device memory; unused: what the model before this one left */
    int n_lanes;             /* open */
    struct lane *idle_lanes; /* closed, in that order */
    bool settled;            /* what this model does not need was given back */
    struct session *next;    /* idle */
};

struct linear_weight {
    struct product *product;
    struct linear_spec spec;    /* of a weight that is not complete */
    int max_rows;               /* as asked for */
    bool chosen;                /* the product's algorithms are */
    bool timed;                 /* for this weight */
    size_t uploaded;            /* elements of spec.weight, then of spec.bias */
    void *memory;               /* (N, K) and, behind it, (N): operands */
    cublasLtMatmulDesc_t desc;  /* with the bias's address */
    const void *pass_bias;      /* (N) operands that such a pass adds; NULL: the product does */
    enum activation activation; /* applied in a pass of its own; ACTIVATION_NONE: none is */
};

/* ---- device.c -------------------------------------------------------------------------------- */

int cuda_device_open(const char *name, struct device **out, struct err *err);
void cuda_device_close(struct device *device);
const struct device_caps *cuda_device_caps(const struct device *device);
void cuda_device_readings(struct device *device, struct device_readings *out);

/* Before the first CUDA call of an entry: the device is usable and the calling thread's. */
int device_enter(struct device *device, struct err *err);
/* Reports a failed call, which leaves the device broken; returns -1. */
int device_failed(struct device *device, cudaError_t rc, const char *what, struct err *err);
int device_blas_failed(struct device *device, cublasStatus_t rc, const char *what, struct err *err);
/* The result of a call that releases something: a failed one is the last, too. */
static inline void device_released(struct device *device, cudaError_t rc)
{
    device->broken = device->broken || rc != cudaSuccess;
}
/* Copies floats to the device in pieces and converts them there; waits for the copy. */
int device_upload(struct device *device, enum cuda_type type, void *to, const float *from, size_t n,
                  struct err *err);

static inline size_t cuda_type_bytes(enum cuda_type type)
{
    return type == CUDA_TYPE_F32 ? 4 : 2;
}

/* ---- memory.c -------------------------------------------------------------------------------- */

int device_pool_init(struct device *device, struct err *err);
/* Device memory, not cleared. Running out of it is an error that breaks nothing. */
void *device_alloc(struct device *device, size_t bytes, const char *what, struct err *err);
void device_free(struct device *device, void *memory); /* nothing in flight uses it */

/* The same for a session, which keeps what is put back once its lanes are closed. */
void *session_take(struct session *session, size_t bytes, const char *what, struct err *err);
void session_put(struct session *session, void *memory);
void session_settle(struct session *session); /* frees what the model before this one left */
void session_release_memory(struct session *session);

void *cuda_host_alloc(struct device *device, size_t bytes, struct err *err);
void cuda_host_free(struct device *device, void *memory);
void device_release_pinned(struct device *device);

/* ---- session.c ------------------------------------------------------------------------------- */

int cuda_session_open(struct device *device, const struct session_args *args, struct session **out,
                      struct err *err);
void cuda_session_close(struct session *session);
/* Frees the idle ones, and what the one that opens has not taken over of the model before it. */
void sessions_release(struct device *device);
const struct session_caps *cuda_session_caps(const struct session *session);
void *cuda_alloc(struct session *session, size_t bytes, struct err *err);
void cuda_free(struct session *session, void *memory);
int cuda_upload(struct session *session, void *to, const void *from, size_t bytes, struct err *err);

/* ---- linear.c -------------------------------------------------------------------------------- */

int cuda_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err);
int cuda_weight_step(struct session *session, struct linear_weight *weight, struct err *err);
void cuda_weight_free(struct session *session, struct linear_weight *weight);
int cuda_linear(struct lane *lane, const struct linear_args *args, struct err *err);

/* ---- operations.c ---------------------------------------------------------------------------- */

int cuda_op_embed(struct lane *lane, const struct embed_args *args, struct err *err);
int cuda_op_attention(struct lane *lane, const struct attention_args *args, struct err *err);
int cuda_op_residual_norm(struct lane *lane, const struct residual_norm_args *args,
                          struct err *err);
int cuda_op_pool(struct lane *lane, const struct pool_args *args, struct err *err);
int cuda_op_head(struct lane *lane, const struct head_args *args, struct err *err);

#endif
