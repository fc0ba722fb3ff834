/*
 * Recorded passes. Of a pass that is to be recorded (struct pass) the first runs as it comes, which
 * loads what is loaded at first use; the second is captured into a graph and queued as one; later
 * ones only queue the graph. A pass that was not recorded runs as it comes: serving records none.
 * Nothing in a graph depends on the slice but memory of the lane.
 *
 * A lane keeps the graphs of a closed model. When a pass with the same rungs first comes from the
 * next model it runs as it comes, and the arguments of its operations are compared, by a digest,
 * with those in the graph: where they are the same, which they are for a model of the same shape in
 * the same memory, later ones replay it.
 *
 * Captures are relaxed: they restrict no other thread and no other stream, and operations that load
 * something may do so.
 */
#include <string.h>

#include "kernels/cuda/lane.h"

/* The rows read out that passes are recorded for, as shares of the tokens: pairs, ads of some
 * words, short ones, single tokens. */
static const int read_shares[] = {32, 12, 4, 1};

static bool is_recorded(const struct pass *pass, int rung)
{
    return pass->network && rung <= CUDA_RECORDED_TOKENS;
}

int recording_rung_read(const struct lane *lane, const struct slice *slice, const struct pass *pass)
{
    const struct ladder *ladder = &lane_device(lane)->caps.ladder;
    const int rung = ladder_rung(ladder, slice->n_tokens);

    for (size_t i = 0; is_recorded(pass, rung) && i < sizeof(read_shares) / sizeof(read_shares[0]);
         i++) {
        const int read = ladder_rung(ladder, rung / read_shares[i]);
        if (slice->n_read <= read)
            return read;
    }
    return ladder_rung(ladder, slice->n_read);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 29;
}

void recording_note(struct lane *lane, int operation, const void *arguments, size_t bytes)
{
    const char *from = arguments;
    uint64_t digest = mix(lane->digest, (uint64_t)operation);

    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t value = 0;
        memcpy(&value, from + at, bytes - at < sizeof(value) ? bytes - at : sizeof(value));
        digest = mix(digest, value);
    }
    lane->digest = digest;
}

/* ---- recordings ------------------------------------------------------------------------------ */

static bool same(const struct recording *r, const struct lane *lane, const struct pass *pass,
                 const void *network)
{
    return r->pass.network == network && r->pass.first_layer == pass->first_layer &&
           r->pass.n_layers == pass->n_layers && r->rung == lane->batch.rung &&
           r->rung_read == lane->batch.rung_read;
}

static int forget(struct device *device, struct recording *r, struct err *err)
{
    const cudaError_t rc = r->exec ? cudaGraphExecDestroy(r->exec) : cudaSuccess;

    *r = (struct recording){0};
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "forgetting a pass", err);
}

/* The recording of such a pass, or one of a closed model that may be equal; NULL: there is none. */
static struct recording *find(struct lane *lane, const struct pass *pass)
{
    for (int i = 0; i < LANE_RECORDINGS; i++)
        if (same(&lane->recordings[i], lane, pass, pass->network))
            return &lane->recordings[i];
    for (int i = 0; i < LANE_RECORDINGS; i++) {
        struct recording *r = &lane->recordings[i];
        if (r->exec && same(r, lane, pass, NULL)) {
            r->pass = *pass;
            return r;
        }
    }
    return NULL;
}

static struct recording *add(struct lane *lane, const struct pass *pass, struct err *err)
{
    struct recording *oldest = &lane->recordings[0];

    for (int i = 0; i < LANE_RECORDINGS; i++)
        if (lane->recordings[i].used < oldest->used)
            oldest = &lane->recordings[i];
    /* Of the lane's own batches none is in flight, so nothing runs that is forgotten here. */
    if (forget(lane_device(lane), oldest, err))
        return NULL;
    *oldest = (struct recording){
        .pass = *pass, .rung = lane->batch.rung, .rung_read = lane->batch.rung_read};
    return oldest;
}

int recording_begin(struct lane *lane, const struct pass *pass, struct err *err)
{
    struct device *device = lane_device(lane);
    struct recording *r;
    cudaError_t rc;

    lane->digest = 0;
    if (!is_recorded(pass, lane->batch.rung))
        return 0;
    r = find(lane, pass);
    if (!r && !pass->record)
        return 0;
    if (!r)
        r = add(lane, pass, err);
    if (!r)
        return -1;
    r->used = ++lane->n_begins;
    if (r->proven) {
        rc = cudaGraphLaunch(r->exec, device->stream);
        return rc == cudaSuccess ? 1 : device_failed(device, rc, "replaying a pass", err);
    }
    if (r->exec) {
        lane->compared = r;
        return 0;
    }
    if (!pass->record || r->times++ == 0)
        return 0;
    rc = cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeRelaxed);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "recording a pass", err);
    lane->recorded = r;
    return 0;
}

/* A graph that is not of these operations goes; the pass is recorded when it comes again. */
static int compare(struct lane *lane, struct recording *r, struct err *err)
{
    cudaError_t rc = cudaSuccess;

    r->proven = r->digest == lane->digest;
    if (!r->proven) {
        rc = cudaGraphExecDestroy(r->exec);
        r->exec = NULL;
        r->times = 1;
    }
    return rc == cudaSuccess ? 0 : device_failed(lane_device(lane), rc, "forgetting a pass", err);
}

int recording_end(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    struct recording *r = lane->recorded, *compared = lane->compared;
    cudaGraph_t graph = NULL;
    cudaError_t rc;

    lane->recorded = lane->compared = NULL;
    if (compared)
        return compare(lane, compared, err);
    if (!r)
        return 0;
    rc = cudaStreamEndCapture(device->stream, &graph);
    if (rc == cudaSuccess)
        rc = cudaGraphInstantiate(&r->exec, graph, 0);
    if (rc == cudaSuccess)
        rc = cudaGraphDestroy(graph);
    if (rc == cudaSuccess)
        rc = cudaGraphLaunch(r->exec, device->stream);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "recording a pass", err);
    r->digest = lane->digest;
    r->proven = true;
    return 0;
}

void recordings_keep(struct lane *lane)
{
    for (int i = 0; i < LANE_RECORDINGS; i++) {
        struct recording *r = &lane->recordings[i];
        r->pass.network = NULL;
        r->proven = false;
        if (!r->exec)
            *r = (struct recording){0};
    }
    lane->recorded = lane->compared = NULL;
}

void recordings_release(struct lane *lane)
{
    struct device *device = lane_device(lane);
    struct err err;

    for (int i = 0; i < LANE_RECORDINGS && !device->broken; i++)
        (void)forget(device, &lane->recordings[i], &err);
}
