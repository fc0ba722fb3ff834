/* Streams and events: what is queued, and when it runs. */
#include "tests/simt/runtime_state.h"

#include <cuda_profiler_api.h>
#include <time.h>

#include "kernels/cuda/simt.cuh"

/* ---- streams: progress ----------------------------------------------------------------------- */

struct CUstream_st *stream_of(cudaStream_t stream)
{
    return stream ? stream : &the().default_stream;
}

static double now_us()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

void simt_take_time(double us)
{
    the().device_us += us;
}

static void run_timed(const work_fn &work)
{
    const double taken_us = the().device_us, start_us = now_us();

    work();
    if (the().device_us <= taken_us)
        the().device_us += now_us() - start_us;
}

void progress(struct CUstream_st *stream, size_t n)
{
    while (n-- > 0 && !stream->queue.empty() && !simt_hangs()) {
        work_fn work = std::move(stream->queue.front());
        stream->queue.pop_front();
        run_timed(work);
    }
}

static void progress_a_little(struct CUstream_st *stream)
{
    struct runtime &r = the();

    r.random = r.random * 6364136223846793005u + 1442695040888963407u;
    progress(stream, (r.random >> 33) % 16);
}

cudaError_t drain(struct CUstream_st *stream)
{
    if (stream->capture) {
        stream->capture_failed = true;
        return report(cudaErrorStreamCaptureUnsupported);
    }
    progress(stream, SIZE_MAX);
    while (!stream->queue.empty()) {
        simt_wait_for_hang("a stream");
        progress(stream, SIZE_MAX);
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
    LOCK;
    cudaError_t entered = simt_enter("cudaLaunchKernel");
    size_t n_threads = (size_t)where.block.x * where.block.y * where.block.z;

    if (entered != cudaSuccess)
        return report(entered);
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
        while (!reached(event, generation) && !simt_hangs())
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
    while (event->recorded && !reached(event, event->queued) && !simt_hangs())
        progress(event->stream, 1);
    delete event;
    the().n_objects--;
    return cudaSuccess;
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
        event->time_ms = the().device_us / 1000;
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
        event->time_ms = the().device_us / 1000;
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
        simt_wait_for_hang("an event");
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
