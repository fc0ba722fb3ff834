/*
 * Device memory and pinned host memory. Where the device has memory pools, device memory comes from
 * its pool and goes back to it in the order of the uploads' stream: neither stalls the batches, as
 * cudaFree would, which waits for all of them. Pinned memory is kept for the next owner, since to
 * free it waits as well.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "kernels/cuda/lane.h"

/* A piece of memory, in use or kept for the next owner that asks for its size. */
struct block {
    void *memory;
    size_t bytes;
    bool used;
    struct block *next;
};

/* Adds a block to the end of a list: what asks in the same order gets the same addresses. */
static struct block *block_add(struct block **list, size_t bytes)
{
    struct block *block = calloc(1, sizeof(*block));

    if (!block)
        return NULL;
    while (*list)
        list = &(*list)->next;
    block->bytes = bytes;
    *list = block;
    return block;
}

static struct block *block_of(struct block *list, const void *memory)
{
    while (list && list->memory != memory)
        list = list->next;
    BUG_ON(!list);
    return list;
}

static void block_drop(struct block **list, struct block *block)
{
    while (*list != block)
        list = &(*list)->next;
    *list = block->next;
    free(block);
}

/* ---- device memory --------------------------------------------------------------------------- */

int device_pool_init(struct device *device, struct err *err)
{
    uint64_t keep = UINT64_MAX; /* bytes that the pool does not give back to the system */
    int supported = 0;
    cudaMemPool_t pool;
    cudaError_t rc =
        cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device->index);

    if (rc == cudaSuccess && supported) {
        rc = cudaDeviceGetDefaultMemPool(&pool, device->index);
        if (rc == cudaSuccess)
            rc = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep);
    }
    device->pools = supported != 0;
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "opening the memory pool", err);
}

/* Memory of the pool may be used on any stream once the uploads' stream got there. */
static cudaError_t allocate(struct device *device, void **memory, size_t bytes)
{
    cudaError_t rc;

    if (!device->pools)
        return cudaMalloc(memory, bytes);
    rc = cudaMallocAsync(memory, bytes, device->uploads);
    return rc == cudaSuccess ? cudaStreamSynchronize(device->uploads) : rc;
}

void *device_alloc(struct device *device, size_t bytes, const char *what, struct err *err)
{
    size_t available = 0, total = 0;
    void *memory = NULL;
    cudaError_t rc = allocate(device, &memory, bytes ? bytes : 1);

    if (rc == cudaErrorMemoryAllocation && (device->idle || device->opening)) {
        (void)cudaGetLastError();
        sessions_release(device); /* what is kept for the next model is needed now */
        if (!device->broken)
            rc = cudaStreamSynchronize(device->uploads); /* it is free then */
        if (rc == cudaSuccess)
            rc = allocate(device, &memory, bytes ? bytes : 1);
    }
    if (rc == cudaSuccess)
        return memory;
    if (rc != cudaErrorMemoryAllocation) {
        device_failed(device, rc, what, err);
        return NULL;
    }
    (void)cudaGetLastError(); /* not sticky, but remembered */
    if (!device->broken)
        (void)cudaMemGetInfo(&available, &total);
    err_set(err, ERR_UNAVAILABLE,
            "cuda: out of memory for %s: %zu MiB wanted, %zu of %zu MiB are free", what,
            bytes >> 20, available >> 20, total >> 20);
    return NULL;
}

void device_free(struct device *device, void *memory)
{
    if (memory && !device->broken)
        device_released(device,
                        device->pools ? cudaFreeAsync(memory, device->uploads) : cudaFree(memory));
}

/* ---- a session's memory ---------------------------------------------------------------------- */

void *session_take(struct session *session, size_t bytes, const char *what, struct err *err)
{
    struct block *block = session->blocks;

    while (block && (block->used || block->bytes != bytes))
        block = block->next;
    if (!block) {
        block = block_add(&session->blocks, bytes);
        if (!block) {
            err_set(err, ERR_NOMEM, "cuda: out of memory");
            return NULL;
        }
        block->used = true; /* else it would go where memory runs out */
        block->memory = device_alloc(session->device, bytes, what, err);
        if (!block->memory) {
            block_drop(&session->blocks, block);
            return NULL;
        }
    }
    block->used = true;
    return block->memory;
}

static void give_back(struct session *session, struct block *block)
{
    device_free(session->device, block->memory);
    block_drop(&session->blocks, block);
}

void session_put(struct session *session, void *memory)
{
    struct block *block = memory ? block_of(session->blocks, memory) : NULL;

    if (block && session->n_lanes > 0)
        give_back(session, block);
    else if (block) /* the session is about to close: this is for the next one */
        block->used = false;
}

void session_settle(struct session *session)
{
    struct block *next;

    for (struct block *block = session->blocks; block; block = next) {
        next = block->next;
        if (!block->used)
            give_back(session, block);
    }
    session->settled = true;
    if (session->device->opening == session)
        session->device->opening = NULL;
}

void session_release_memory(struct session *session)
{
    while (session->blocks)
        give_back(session, session->blocks);
}

/* ---- pinned memory --------------------------------------------------------------------------- */

/* An unused block that is not much too large. */
static struct block *pinned_kept(struct device *device, size_t bytes)
{
    struct block *best = NULL;

    for (struct block *block = device->pinned; block; block = block->next)
        if (!block->used && block->bytes >= bytes && block->bytes / 2 <= bytes &&
            (!best || block->bytes < best->bytes))
            best = block;
    return best;
}

static struct block *pinned_new(struct device *device, size_t bytes, struct err *err)
{
    struct block *block = block_add(&device->pinned, bytes);
    cudaError_t rc;

    if (!block) {
        err_set(err, ERR_NOMEM, "cuda: out of memory");
        return NULL;
    }
    rc = cudaHostAlloc(&block->memory, bytes, cudaHostAllocDefault); /* whole pages */
    if (rc == cudaSuccess)
        return block;
    block_drop(&device->pinned, block);
    if (rc == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        err_set(err, ERR_UNAVAILABLE, "cuda: out of memory: %zu MiB to be locked for transfers",
                bytes >> 20);
    } else {
        device_failed(device, rc, "locking memory", err);
    }
    return NULL;
}

void *cuda_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    struct block *block;

    if (device_enter(device, err))
        return NULL;
    bytes = bytes ? bytes : 1;
    block = pinned_kept(device, bytes);
    if (!block)
        block = pinned_new(device, bytes, err);
    if (!block)
        return NULL;
    block->used = true;
    memset(block->memory, 0, bytes);
    return block->memory;
}

void cuda_host_free(struct device *device, void *memory)
{
    if (memory)
        block_of(device->pinned, memory)->used = false;
}

void device_release_pinned(struct device *device)
{
    while (device->pinned) {
        if (!device->broken)
            device_released(device, cudaFreeHost(device->pinned->memory));
        block_drop(&device->pinned, device->pinned);
    }
}
