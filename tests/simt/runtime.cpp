/* The CUDA runtime on the processor: memory, streams, events, graphs, errors on demand. */
#include "tests/simt/runtime.h"

#include <cuda_profiler_api.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/cuda/simt.cuh"

typedef std::function<void()> work_fn;

struct CUgraph_st {
    std::vector<work_fn> nodes;
};

struct CUgraphExec_st {
    std::vector<work_fn> nodes;
};

struct CUstream_st {
    std::deque<work_fn> queue;
    std::unique_ptr<struct CUgraph_st> capture; /* while one is recorded */
    enum cudaStreamCaptureMode mode;
    bool capture_failed;
};

struct CUevent_st {
    bool timed, recorded;
    struct CUstream_st *stream;
    uint64_t queued, done; /* generations: records queued, the last of them reached */
    double time_ms;
};

struct allocation {
    size_t bytes;
    bool device; /* else pinned host memory */
};

/* Everything there is; never destroyed, as it may be used by other destructors. */
struct runtime {
    std::recursive_mutex mutex;
    std::map<const char *, struct allocation> memory;
    struct CUstream_st default_stream;
    size_t device_bytes, pinned_bytes, total_bytes;
    int n_devices, n_objects, n_captures;
    int calls, calls_after_failure, fail_at, hang_at;
    cudaError_t failure, sticky, last;
    uint64_t random;
};

static int number_from(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static struct runtime *make_runtime()
{
    struct runtime *r = new struct runtime();
    int fail_at = number_from("ADRANK_SIMT_FAIL", 0);

    r->total_bytes = (size_t)number_from("ADRANK_SIMT_MEMORY_MB", 4096) << 20;
    r->n_devices = number_from("ADRANK_SIMT_DEVICES", 1);
    r->random = (uint64_t)number_from("ADRANK_SIMT_SEED", 0) * 2654435761u + 362436069u;
    r->hang_at = number_from("ADRANK_SIMT_HANG", -1);
    r->fail_at = fail_at;
    r->failure = cudaErrorUnknown;
    return r;
}

static struct runtime &the()
{
    static struct runtime *runtime = make_runtime();
    return *runtime;
}

#define LOCK std::lock_guard<std::recursive_mutex> lock(the().mutex)

/* ---- errors ---------------------------------------------------------------------------------- */

void simt_fail(int n, cudaError_t error)
{
    LOCK;
    the().fail_at = n > 0 ? the().calls + n : 0;
    the().failure = error;
    the().sticky = cudaSuccess;
    the().calls_after_failure = 0;
}

void simt_hang(int n)
{
    LOCK;
    the().hang_at = n < 0 ? -1 : the().calls + n;
}

int simt_calls(void)
{
    LOCK;
    return the().calls;
}

int simt_calls_after_failure(void)
{
    LOCK;
    return the().calls_after_failure;
}

cudaError_t simt_call(void)
{
    struct runtime &r = the();

    r.calls++;
    if (r.sticky != cudaSuccess) {
        r.calls_after_failure++;
        return r.sticky;
    }
    if (r.fail_at != 0 && r.calls >= r.fail_at)
        r.sticky = r.failure;
    return r.sticky;
}

static cudaError_t report(cudaError_t error)
{
    if (error != cudaSuccess && error != cudaErrorNotReady)
        the().last = error;
    return error;
}

/* Locks, counts the call and returns from it when it is to fail. */
#define ENTER                                                                                      \
    LOCK;                                                                                          \
    {                                                                                              \
        cudaError_t entered = simt_call();                                                         \
        if (entered != cudaSuccess)                                                                \
            return report(entered);                                                                \
    }

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &entry : errors)
        if (entry.error == error)
            return entry.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &entry : errors)
        if (entry.error == error)
            return entry.text;
    return "unrecognized error code";
}

cudaError_t cudaPeekAtLastError(void)
{
    LOCK;
    return the().sticky != cudaSuccess ? the().sticky : the().last;
}

cudaError_t cudaGetLastError(void)
{
    LOCK;
    cudaError_t last = cudaPeekAtLastError();
    the().last = cudaSuccess;
    return last;
}

/* ---- the device ------------------------------------------------------------------------------ */

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    ENTER;
    *count = the().n_devices;
    return *count > 0 ? cudaSuccess : report(cudaErrorNoDevice);
}

static cudaError_t check_device(int device)
{
    return device >= 0 && device < the().n_devices ? cudaSuccess : report(cudaErrorInvalidDevice);
}

cudaError_t cudaSetDevice(int device)
{
    ENTER;
    return check_device(device);
}

cudaError_t cudaGetDevice(int *device)
{
    ENTER;
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned)
{
    ENTER;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    ENTER;
    *prop = cudaDeviceProp();
    snprintf(prop->name, sizeof(prop->name), "CUDA emulator");
    memcpy(prop->uuid.bytes, "adrank emulator", 16);
    prop->totalGlobalMem = the().total_bytes;
    prop->sharedMemPerBlock = 48 * 1024;
    prop->major = 8;
    prop->multiProcessorCount = 4;
    prop->l2CacheSize = 1 << 20;
    return check_device(device);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
    ENTER;
    switch (attr) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = 1024;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = 48 * 1024;
        break;
    case cudaDevAttrWarpSize:
        *value = 32;
        break;
    case cudaDevAttrClockRate:
        *value = 1000000;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = 4;
        break;
    case cudaDevAttrComputeMode:
        *value = 0;
        break;
    case cudaDevAttrL2CacheSize:
        *value = 1 << 20;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = 8;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
    default:
        return report(cudaErrorInvalidValue);
    }
    return check_device(device);
}

cudaError_t cudaDeviceGetPCIBusId(char *out, int len, int device)
{
    ENTER;
    snprintf(out, (size_t)len, "0000:00:00.0");
    return check_device(device);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    ENTER;
    *total = the().total_bytes;
    *available = *total - the().device_bytes;
    return cudaSuccess;
}

/* ---- streams: progress ----------------------------------------------------------------------- */

static struct CUstream_st *stream_of(cudaStream_t stream)
{
    return stream ? stream : &the().default_stream;
}

static bool hangs()
{
    return the().hang_at >= 0 && the().calls > the().hang_at;
}

/* Runs up to n operations. */
static void progress(struct CUstream_st *stream, size_t n)
{
    while (n-- > 0 && !stream->queue.empty() && !hangs()) {
        work_fn work = std::move(stream->queue.front());
        stream->queue.pop_front();
        work();
    }
}

static void progress_a_little(struct CUstream_st *stream)
{
    struct runtime &r = the();

    r.random = r.random * 6364136223846793005u + 1442695040888963407u;
    progress(stream, (r.random >> 33) % 16);
}

static cudaError_t drain(struct CUstream_st *stream)
{
    if (stream->capture) {
        stream->capture_failed = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    progress(stream, SIZE_MAX);
    if (!stream->queue.empty()) {
        fprintf(stderr, "simt: waits for a stream that hangs\n");
        abort();
    }
    return cudaSuccess;
}

cudaError_t simt_queue(cudaStream_t handle, work_fn work)
{
    struct CUstream_st *stream = stream_of(handle);

    if (stream->capture)
        stream->capture->nodes.push_back(std::move(work));
    else
        stream->queue.push_back(std::move(work));
    return cudaSuccess;
}

cudaError_t simt_enqueue(const struct simt_where &where, work_fn thread)
{
    ENTER;
    size_t n_threads = (size_t)where.block.x * where.block.y * where.block.z;

    if (n_threads == 0 || n_threads > 1024 || where.block.z > 64 || where.grid.x == 0 ||
        where.grid.y == 0 || where.grid.z == 0 || where.grid.x > 0x7fffffffu ||
        where.grid.y > 65535 || where.grid.z > 65535)
        return report(cudaErrorInvalidConfiguration);
    if (where.shared_bytes > 48 * 1024)
        return report(cudaErrorInvalidValue);
    return simt_queue(where.stream, [where, thread] { simt_run(where, thread); });
}

/* ---- streams: calls -------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned)
{
    ENTER;
    *out = new struct CUstream_st();
    the().n_objects++;
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *out)
{
    return cudaStreamCreateWithFlags(out, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    ENTER;
    if (!stream)
        return report(cudaErrorInvalidResourceHandle);
    progress(stream, SIZE_MAX);
    delete stream;
    the().n_objects--;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER;
    return drain(stream_of(stream));
}

cudaError_t cudaDeviceSynchronize(void)
{
    ENTER;
    return drain(&the().default_stream); /* the others are not known here */
}

cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    ENTER;
    struct CUstream_st *stream = stream_of(handle);

    if (stream->capture) {
        stream->capture_failed = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    progress_a_little(stream);
    return stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

static bool reached(const struct CUevent_st *event, uint64_t generation)
{
    return event->done >= generation;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    ENTER;
    uint64_t generation = event->queued;

    if (!event->recorded)
        return cudaSuccess;
    return simt_queue(stream, [event, generation] {
        while (!reached(event, generation) && !hangs())
            progress(event->stream, 1);
    });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data)
{
    ENTER;
    return simt_queue(stream, [function, data] { function(data); });
}

/* ---- events ---------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    ENTER;
    *out = new struct CUevent_st();
    (*out)->timed = !(flags & cudaEventDisableTiming);
    the().n_objects++;
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *out)
{
    return cudaEventCreateWithFlags(out, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    ENTER;
    if (!event)
        return report(cudaErrorInvalidResourceHandle);
    while (event->recorded && !reached(event, event->queued) && !hangs())
        progress(event->stream, 1);
    delete event;
    the().n_objects--;
    return cudaSuccess;
}

static double now_ms()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle)
{
    ENTER;
    struct CUstream_st *stream = stream_of(handle);

    if (stream->capture) { /* allowed there, but nothing that adrank does */
        stream->capture_failed = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    uint64_t generation = ++event->queued;
    event->recorded = true;
    event->stream = stream;
    return simt_queue(handle, [event, generation] {
        event->done = generation;
        event->time_ms = now_ms();
    });
}

/* External: a node of the graph, which records at every replay; only while one is captured. */
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t handle, unsigned flags)
{
    struct CUstream_st *stream = stream_of(handle);

    if (flags == cudaEventRecordDefault)
        return cudaEventRecord(event, handle);
    ENTER;
    if (flags != cudaEventRecordExternal || !stream->capture)
        return report(cudaErrorInvalidValue);
    event->recorded = true;
    event->stream = stream;
    return simt_queue(handle, [event] {
        event->done = ++event->queued;
        event->time_ms = now_ms();
    });
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    ENTER;
    if (!event->recorded || reached(event, event->queued))
        return cudaSuccess;
    progress_a_little(event->stream);
    return reached(event, event->queued) ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ENTER;
    while (event->recorded && !reached(event, event->queued)) {
        if (hangs()) {
            fprintf(stderr, "simt: waits for an event on a stream that hangs\n");
            abort();
        }
        progress(event->stream, 1);
    }
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    ENTER;
    if (!start->timed || !end->timed || !start->recorded || !end->recorded)
        return report(cudaErrorInvalidResourceHandle);
    if (!reached(start, start->queued) || !reached(end, end->queued))
        return cudaErrorNotReady;
    *ms = (float)(end->time_ms - start->time_ms);
    return cudaSuccess;
}

/* ---- profilers: there is none ---------------------------------------------------------------- */

cudaError_t cudaProfilerStart(void)
{
    ENTER;
    return cudaSuccess;
}

cudaError_t cudaProfilerStop(void)
{
    ENTER;
    return cudaSuccess;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    ENTER;
    if (!stream || stream->capture)
        return report(stream ? cudaErrorInvalidValue : cudaErrorStreamCaptureUnsupported);
    stream->capture.reset(new struct CUgraph_st());
    stream->mode = mode;
    stream->capture_failed = false;
    if (mode != cudaStreamCaptureModeRelaxed)
        the().n_captures++;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    ENTER;
    *out = NULL;
    if (!stream || !stream->capture)
        return report(cudaErrorInvalidValue);
    if (stream->mode != cudaStreamCaptureModeRelaxed)
        the().n_captures--;
    *out = stream->capture.release();
    the().n_objects++;
    if (!stream->capture_failed)
        return cudaSuccess;
    delete *out;
    *out = NULL;
    the().n_objects--;
    return report(cudaErrorStreamCaptureInvalidated);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long)
{
    ENTER;
    *out = new struct CUgraphExec_st();
    (*out)->nodes = graph->nodes;
    the().n_objects++;
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t)
{
    ENTER;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    ENTER;
    for (const work_fn &node : graph->nodes)
        simt_queue(stream, node);
    return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void *, size_t *count)
{
    ENTER;
    *count = graph->nodes.size();
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    ENTER;
    delete graph;
    the().n_objects--;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    ENTER;
    delete graph;
    the().n_objects--;
    return cudaSuccess;
}

/* ---- memory ---------------------------------------------------------------------------------- */

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

size_t simt_device_bytes(void)
{
    LOCK;
    return the().device_bytes;
}

int simt_objects(void)
{
    LOCK;
    return the().n_objects;
}
