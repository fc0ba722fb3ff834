/* Memory of the device and pinned memory: what exists, copies and fills. */
#include "tests/simt/runtime_state.h"

#include <stdlib.h>
#include <string.h>

/* Whether an allocation of this kind holds all the bytes. */
static bool within(const void *memory, size_t bytes, bool device)
{
    const char *start = (const char *)memory;
    auto next = the().memory.upper_bound(start);

    if (next == the().memory.begin())
        return false;
    --next;
    return next->second.device == device && start + bytes <= next->first + next->second.bytes;
}

int simt_is_device(const void *memory, size_t bytes)
{
    LOCK;
    return within(memory, bytes, true);
}

static cudaError_t allocate(void **out, size_t size, bool device)
{
    struct runtime &r = the();
    void *memory = NULL;

    *out = NULL;
    if (r.n_captures > 0)
        return report(cudaErrorStreamCaptureUnsupported);
    if (size == 0)
        return cudaSuccess;
    if (device && r.device_bytes + size > r.total_bytes)
        return report(cudaErrorMemoryAllocation);
    if (posix_memalign(&memory, device ? 256 : 4096, size) != 0)
        return report(cudaErrorMemoryAllocation);
    memset(memory, 0xff, size);
    (device ? r.device_bytes : r.pinned_bytes) += size;
    r.memory[(const char *)memory] = {size, device};
    *out = memory;
    return cudaSuccess;
}

/* A GPU waits for all its work before memory is freed; so do the streams that may use it here: a
 * closure that comes later and uses it is caught by ASan. */
static cudaError_t release(void *memory, bool device)
{
    struct runtime &r = the();

    if (!memory)
        return cudaSuccess;
    auto found = r.memory.find((const char *)memory);
    if (found == r.memory.end() || found->second.device != device)
        return report(cudaErrorInvalidValue);
    (device ? r.device_bytes : r.pinned_bytes) -= found->second.bytes;
    r.memory.erase(found);
    free(memory);
    return cudaSuccess;
}

void simt_forget_memory()
{
    for (const auto &entry : the().memory)
        free((void *)entry.first);
    the().memory.clear();
    the().device_bytes = the().pinned_bytes = 0;
}

cudaError_t cudaMalloc(void **out, size_t size)
{
    ENTER;
    return allocate(out, size, true);
}

cudaError_t cudaFree(void *memory)
{
    ENTER;
    return release(memory, true);
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *out, int)
{
    ENTER;
    *out = NULL; /* there is one */
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, enum cudaMemPoolAttr, void *)
{
    ENTER;
    return cudaSuccess;
}

/* The memory is there at once: a GPU's may be used too early unnoticed. */
cudaError_t cudaMallocAsync(void **out, size_t size, cudaStream_t)
{
    ENTER;
    return allocate(out, size, true);
}

cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    ENTER;
    if (!within(memory, 1, true))
        return report(cudaErrorInvalidValue);
    return simt_queue(stream, [memory] { release(memory, true); });
}

cudaError_t cudaHostAlloc(void **out, size_t size, unsigned)
{
    ENTER;
    return allocate(out, size, false);
}

cudaError_t cudaMallocHost(void **out, size_t size)
{
    return cudaHostAlloc(out, size, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *memory)
{
    ENTER;
    return release(memory, false);
}

/* Device sides must be device memory; the host's may be anything for a copy that waits. */
static bool copy_fits(const void *to, const void *from, size_t size, enum cudaMemcpyKind kind)
{
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;

    if (kind == cudaMemcpyDefault || kind == cudaMemcpyHostToHost)
        return false; /* nothing that adrank does */
    return within(to, size, true) == to_device && within(from, size, true) == from_device;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind kind,
                            cudaStream_t handle)
{
    ENTER;
    struct CUstream_st *stream = stream_of(handle);

    if (size == 0)
        return cudaSuccess;
    if (!copy_fits(to, from, size, kind))
        return report(cudaErrorInvalidValue);
    if (kind == cudaMemcpyHostToDevice && size > the().largest_upload)
        the().largest_upload = size;
    if ((kind == cudaMemcpyHostToDevice && !within(from, size, false)) ||
        (kind == cudaMemcpyDeviceToHost && !within(to, size, false))) {
        /* memory that is not pinned: the copy waits, which a capture does not allow here */
        cudaError_t drained = drain(stream);
        if (drained == cudaSuccess)
            memcpy(to, from, size);
        return drained;
    }
    return simt_queue(handle, [to, from, size] { memcpy(to, from, size); });
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind)
{
    ENTER;
    if (size == 0)
        return cudaSuccess;
    if (!copy_fits(to, from, size, kind))
        return report(cudaErrorInvalidValue);
    if (the().n_captures > 0)
        return report(cudaErrorStreamCaptureUnsupported);
    progress(&the().default_stream, SIZE_MAX);
    memcpy(to, from, size);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t size, cudaStream_t stream)
{
    ENTER;
    if (size == 0)
        return cudaSuccess;
    if (!within(memory, size, true))
        return report(cudaErrorInvalidValue);
    return simt_queue(stream, [memory, value, size] { memset(memory, value, size); });
}

cudaError_t cudaMemset(void *memory, int value, size_t size)
{
    ENTER;
    if (!within(memory, size, true))
        return report(cudaErrorInvalidValue);
    progress(&the().default_stream, SIZE_MAX);
    memset(memory, value, size);
    return cudaSuccess;
}

size_t simt_largest_upload(void)
{
    LOCK;
    const size_t bytes = the().largest_upload;

    the().largest_upload = 0;
    return bytes;
}
