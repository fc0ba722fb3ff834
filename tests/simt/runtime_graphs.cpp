/* Graphs: work that is recorded from a stream and queued as one. */
#include "tests/simt/runtime_state.h"

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
