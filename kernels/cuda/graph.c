/*
 * Recorded passes. Between begin and download the first pass of a kind runs as it comes, which
 * loads what is loaded at first use; the second is captured into a graph and queued as one; later
 * ones only queue the graph. Nothing in a graph depends on the slice but memory of the lane.
 */
#include <string.h>

#include "kernels/cuda/lane.h"

static bool same(const struct recording *r, const struct pass *pass, const struct cuda_batch *batch)
{
    return r->pass.network == pass->network && r->pass.first_layer == pass->first_layer &&
           r->pass.n_layers == pass->n_layers && r->rung == batch->rung &&
           r->rung_read == batch->rung_read;
}

static int forget(struct device *device, struct recording *r, struct err *err)
{
    const cudaError_t rc = r->exec ? cudaGraphExecDestroy(r->exec) : cudaSuccess;

    *r = (struct recording){0};
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "forgetting a pass", err);
}

/* The recording of such a pass, new if there is none. */
static struct recording *find(struct lane *lane, const struct pass *pass, struct err *err)
{
    struct recording *oldest = &lane->recordings[0];

    for (int i = 0; i < LANE_RECORDINGS; i++) {
        struct recording *r = &lane->recordings[i];
        if (same(r, pass, &lane->batch))
            return r;
        if (r->used < oldest->used)
            oldest = r;
    }
    /* Of the lane's own batches none is in flight, so nothing runs that is forgotten here. */
    if (forget(lane_device(lane), oldest, err))
        return NULL;
    oldest->pass = *pass;
    oldest->rung = lane->batch.rung;
    oldest->rung_read = lane->batch.rung_read;
    return oldest;
}

int recording_begin(struct lane *lane, const struct pass *pass, struct err *err)
{
    struct device *device = lane_device(lane);
    struct recording *r;
    cudaError_t rc;

    if (!pass->network)
        return 0;
    r = find(lane, pass, err);
    if (!r)
        return -1;
    r->used = ++lane->n_begins;
    if (r->exec) {
        rc = cudaGraphLaunch(r->exec, device->stream);
        return rc == cudaSuccess ? 1 : device_failed(device, rc, "replaying a pass", err);
    }
    if (r->times++ == 0)
        return 0;
    rc = cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeRelaxed);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "recording a pass", err);
    lane->recorded = r;
    return 0;
}

int recording_end(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    struct recording *r = lane->recorded;
    cudaGraph_t graph = NULL;
    cudaError_t rc;

    if (!r)
        return 0;
    lane->recorded = NULL;
    rc = cudaStreamEndCapture(device->stream, &graph);
    if (rc == cudaSuccess)
        rc = cudaGraphInstantiate(&r->exec, graph, 0);
    if (rc == cudaSuccess)
        rc = cudaGraphDestroy(graph);
    if (rc == cudaSuccess)
        rc = cudaGraphLaunch(r->exec, device->stream);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "recording a pass", err);
}

void recordings_release(struct lane *lane)
{
    struct device *device = lane_device(lane);
    struct err err;

    for (int i = 0; i < LANE_RECORDINGS && !device->broken; i++)
        (void)forget(device, &lane->recordings[i], &err);
}
