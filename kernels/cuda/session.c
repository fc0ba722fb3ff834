/* A session: a model's precision and memory, kept for the next one when it closes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/lane.h"

#define PROVIDER "cublaslt"

static const struct {
    bool built;
    enum cuda_type type;
} types[PRECISIONS] = {
    [PRECISION_F32] = {true, CUDA_TYPE_F32},
    [PRECISION_BF16] = {true, CUDA_TYPE_BF16},
    [PRECISION_F16] = {true, CUDA_TYPE_F16},
};

/* One that was closed last: a model that is replaced often has its shape. */
static struct session *session_again(struct device *device)
{
    struct session *session = device->idle;

    if (!session)
        return calloc(1, sizeof(*session));
    device->idle = session->next;
    session->next = NULL;
    return session;
}

int cuda_session_open(struct device *device, const struct session_args *args, struct session **out,
                      struct err *err)
{
    struct session *session;

    if (!types[args->precision].built)
        return err_set(err, ERR_CONFIG, "cuda: precision %s is not built, only f32, bf16 and f16",
                       precision_names[args->precision]);
    if (args->linear && *args->linear && strcmp(args->linear, PROVIDER) != 0)
        return err_set(err, ERR_CONFIG, "cuda: no provider \"%s\" of the linear layer: " PROVIDER,
                       args->linear);
    if (device_enter(device, err))
        return -1;
    session = session_again(device);
    if (!session)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    session->device = device;
    session->type = types[args->precision].type;
    session->caps = (struct session_caps){
        .precision = args->precision,
        .operand_bytes = cuda_type_bytes(session->type),
        .stream_bytes = cuda_type_bytes(session->type),
        .adds_qkv_bias = true,
        .fused_gelu_tanh = session->type != CUDA_TYPE_F32,
    };
    snprintf(session->caps.device, sizeof(session->caps.device), "%.70s, cuBLASLt %zu",
             device->caps.name, cublasLtGetVersion());
    device->opening = session;
    *out = session;
    return 0;
}

static void free_idle_lanes(struct session *session)
{
    struct lane *lane;

    while ((lane = session->idle_lanes)) {
        session->idle_lanes = lane->next;
        lane_free(lane);
    }
}

static void session_free(struct session *session)
{
    free_idle_lanes(session);
    session_release_memory(session);
    free(session);
}

void cuda_session_close(struct session *session)
{
    struct device *device = session->device;

    if (device->opening == session)
        device->opening = NULL;
    if (device->broken) {
        session_free(session);
        return;
    }
    session->settled = false;
    session->next = device->idle;
    device->idle = session;
}

void sessions_release(struct device *device)
{
    struct session *session;

    while ((session = device->idle)) {
        device->idle = session->next;
        session_free(session);
    }
    if ((session = device->opening)) {
        free_idle_lanes(session);
        session_settle(session);
    }
}

const struct session_caps *cuda_session_caps(const struct session *session)
{
    return &session->caps;
}

void *cuda_alloc(struct session *session, size_t bytes, struct err *err)
{
    struct device *device = session->device;
    void *memory;
    cudaError_t rc;

    if (device_enter(device, err))
        return NULL;
    memory = session_take(session, bytes, "a model", err);
    if (!memory)
        return NULL;
    rc = cudaMemsetAsync(memory, 0, bytes, device->uploads);
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(device->uploads);
    if (rc == cudaSuccess)
        return memory;
    device_failed(device, rc, "clearing memory", err);
    return NULL;
}

void cuda_free(struct session *session, void *memory)
{
    session_put(session, memory);
}

int cuda_upload(struct session *session, void *to, const void *from, size_t bytes, struct err *err)
{
    struct device *device = session->device;

    if (device_enter(device, err))
        return -1;
    for (size_t at = 0; at < bytes; at += CUDA_CHUNK_BYTES) {
        const size_t n = bytes - at < CUDA_CHUNK_BYTES ? bytes - at : CUDA_CHUNK_BYTES;
        cudaError_t rc;
        memcpy(device->chunk, (const char *)from + at, n);
        rc = cudaMemcpyAsync((char *)to + at, device->chunk, n, cudaMemcpyHostToDevice,
                             device->uploads);
        if (rc == cudaSuccess)
            rc = cudaStreamSynchronize(device->uploads);
        if (rc != cudaSuccess)
            return device_failed(device, rc, "uploading", err);
    }
    return 0;
}
