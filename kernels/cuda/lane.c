/* A lane: how slices reach the device, and when a batch is done. */
#include "kernels/cuda/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/carve.h"

/* ---- the block ------------------------------------------------------------------------------- */

/* What a slice is on the device, carved for two rungs: in one piece and at the same place each
 * time, so that a recorded pass finds it. */
struct slice_block {
    struct cuda_counts *counts;
    int32_t *ids, *types, *positions, *segment_of; /* (rung) */
    int32_t *read, *read_segments;                 /* (rung_read) */
    struct cuda_segment *segments;                 /* (rung) */
    struct cuda_tile *tiles; /* (max_tiles); the largest, and last: only those in use are copied */
};

/* Returns its bytes; places it unless memory is NULL. */
static size_t block_carve(struct slice_block *block, int rung, int rung_read, void *memory)
{
    const size_t t = (size_t)rung, r = (size_t)rung_read;
    const size_t n_tiles = (size_t)cuda_tiles_max(rung, rung);
    const struct carve_part parts[] = {
        {&block->counts, sizeof(*block->counts)},
        {&block->ids, t * sizeof(*block->ids)},
        {&block->types, t * sizeof(*block->types)},
        {&block->positions, t * sizeof(*block->positions)},
        {&block->segment_of, t * sizeof(*block->segment_of)},
        {&block->read, r * sizeof(*block->read)},
        {&block->read_segments, r * sizeof(*block->read_segments)},
        {&block->segments, t * sizeof(*block->segments)},
        {&block->tiles, n_tiles * sizeof(*block->tiles)},
    };

    return carve(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

/* Fills the block; returns the bytes that are in use. */
static size_t block_fill(const struct slice_block *block, const struct slice *slice)
{
    const size_t tokens = (size_t)slice->n_tokens * sizeof(int32_t);
    const size_t read = (size_t)slice->n_read * sizeof(int32_t);

    memcpy(block->ids, slice->ids, tokens);
    memcpy(block->types, slice->types, tokens);
    memcpy(block->positions, slice->positions, tokens);
    memcpy(block->read, slice->read, read);
    memcpy(block->read_segments, slice->read_segments, read);
    *block->counts = (struct cuda_counts){
        .n_tokens = slice->n_tokens,
        .n_segments = slice->n_segments,
        .n_read = slice->n_read,
        .n_tiles = cuda_tiles_fill(slice, block->segments, block->segment_of, block->tiles),
    };
    return (size_t)((char *)(block->tiles + block->counts->n_tiles) - (char *)block->counts);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int lane_make(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    struct slice_block block;
    const size_t bytes = block_carve(&block, lane->max_tokens, lane->max_tokens, NULL);
    cudaError_t rc;

    for (int i = 0; i < LANE_STAGINGS; i++) {
        lane->stagings[i] = cuda_host_alloc(device, bytes, err);
        if (!lane->stagings[i])
            return -1;
    }
    lane->block = device_alloc(device, bytes, "a batch", err);
    if (!lane->block)
        return -1;
    rc = cudaMemsetAsync(lane->block, 0, bytes, device->uploads); /* finite from the start */
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(device->uploads);
    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&lane->done, cudaEventDisableTiming);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "opening a lane", err);
}

/* A closed one of this size; the others go, since this model does not need them. */
static struct lane *lane_again(struct session *session, int max_tokens)
{
    struct lane *lane;

    while ((lane = session->idle_lanes)) {
        session->idle_lanes = lane->next;
        lane->next = NULL;
        if (lane->max_tokens == max_tokens)
            return lane;
        lane_free(lane);
    }
    return NULL;
}

static struct lane *lane_new(struct session *session, int max_tokens, struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    if (!lane) {
        err_set(err, ERR_NOMEM, "cuda: out of memory");
        return NULL;
    }
    lane->session = session;
    lane->max_tokens = max_tokens;
    if (lane_make(lane, err) == 0)
        return lane;
    lane_free(lane);
    return NULL;
}

int cuda_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err)
{
    struct device *device = session->device;
    const struct ladder *ladder = &device->caps.ladder;
    struct lane *lane;

    if (max_tokens > ladder->tokens[ladder->n - 1])
        return err_set(err, ERR_CONFIG, "cuda: a batch of %d tokens: %d is the most", max_tokens,
                       ladder->tokens[ladder->n - 1]);
    if (max_hidden % CUDA_WIDTH_MULTIPLE != 0)
        return err_set(err, ERR_CONFIG, "cuda: hidden size %d is not a multiple of %d", max_hidden,
                       CUDA_WIDTH_MULTIPLE);
    if (device_enter(device, err))
        return -1;
    max_tokens = ladder_rung(ladder, max_tokens);
    lane = lane_again(session, max_tokens);
    if (!lane)
        lane = lane_new(session, max_tokens, err);
    if (!lane)
        return -1;
    session->n_lanes++;
    *out = lane;
    return 0;
}

void cuda_lane_close(struct lane *lane)
{
    struct lane **end;

    if (!lane)
        return;
    lane->session->n_lanes--;
    if (lane_device(lane)->broken) {
        lane_free(lane);
        return;
    }
    recordings_keep(lane);
    end = &lane->session->idle_lanes;
    while (*end)
        end = &(*end)->next;
    *end = lane;
}

void lane_free(struct lane *lane)
{
    struct device *device;

    if (!lane)
        return;
    device = lane_device(lane);
    recordings_release(lane);
    if (lane->done && !device->broken)
        device_released(device, cudaEventDestroy(lane->done));
    device_free(device, lane->block);
    for (int i = 0; i < LANE_STAGINGS; i++)
        cuda_host_free(device, lane->stagings[i]);
    free(lane);
}

/* ---- batches --------------------------------------------------------------------------------- */

struct lane_rows lane_rows(const struct lane *lane, int n_rows)
{
    const struct device *device = lane_device(lane);
    const struct cuda_batch *batch = &lane->batch;

    /* Tokens first: where both are equal now, a replay may have more tokens than rows read. */
    if (lane->begun && n_rows == lane->n_tokens)
        return (struct lane_rows){batch->rung, &batch->counts->n_tokens};
    if (lane->begun && n_rows == lane->n_read)
        return (struct lane_rows){batch->rung_read, &batch->counts->n_read};
    BUG_ON(lane->recorded || n_rows > device->caps.ladder.tokens[device->caps.ladder.n - 1]);
    return (struct lane_rows){ladder_rung(&device->caps.ladder, n_rows), device->numbers + n_rows};
}

/* A staging that no copy reads any more. */
static void *staging_take(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    cudaError_t rc;

    if (lane->n_begun >= LANE_STAGINGS) { /* a batch of many slices: no engine has them */
        rc = cudaStreamSynchronize(device->stream);
        if (rc != cudaSuccess) {
            device_failed(device, rc, "waiting for a slice", err);
            return NULL;
        }
        lane->n_begun = 0;
    }
    return lane->stagings[lane->n_begun++];
}

static int upload_slice(struct lane *lane, const struct slice *slice, const struct pass *pass,
                        struct err *err)
{
    struct device *device = lane_device(lane);
    const int rung = ladder_rung(&device->caps.ladder, slice->n_tokens);
    const int rung_read = recording_rung_read(lane, slice, pass);
    void *staging = staging_take(lane, err);
    struct slice_block host, there;
    cudaError_t rc;

    if (!staging)
        return -1;
    block_carve(&host, rung, rung_read, staging);
    block_carve(&there, rung, rung_read, lane->block);
    rc = cudaMemcpyAsync(lane->block, staging, block_fill(&host, slice), cudaMemcpyHostToDevice,
                         device->stream);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "uploading a slice", err);
    lane->batch = (struct cuda_batch){
        .counts = there.counts,
        .ids = there.ids,
        .types = there.types,
        .positions = there.positions,
        .segment_of = there.segment_of,
        .segments = there.segments,
        .read = there.read,
        .read_segments = there.read_segments,
        .tiles = there.tiles,
        .rung = rung,
        .rung_read = rung_read,
        .max_tiles = cuda_tiles_max(rung, rung),
    };
    return 0;
}

int cuda_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
               struct err *err)
{
    BUG_ON(slice->n_tokens < 1 || slice->n_tokens > lane->max_tokens || slice->n_outside);
    if (device_enter(lane_device(lane), err) || recording_end(lane, err) ||
        upload_slice(lane, slice, pass, err))
        return -1;
    if (!lane->session->settled)
        session_settle(lane->session);
    lane->begun = true;
    lane->n_tokens = slice->n_tokens;
    lane->n_read = slice->n_read;
    return recording_begin(lane, pass, err);
}

int cuda_download(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err)
{
    struct device *device = lane_device(lane);
    const struct {
        const void *to, *from;
        size_t row_bytes;
    } noted = {to, from, bytes / (size_t)(lane->n_read > 0 ? lane->n_read : 1)};
    cudaError_t rc;

    if (device_enter(device, err))
        return -1;
    recording_note(lane, OPERATION_DOWNLOAD, &noted, sizeof(noted));
    if (lane->recorded) /* the rows of a replay may be more */
        bytes = bytes / (size_t)lane->n_read * (size_t)lane->batch.rung_read;
    rc = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "downloading", err);
    return recording_end(lane, err);
}

int cuda_finish(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    cudaError_t rc;

    if (device_enter(device, err) || recording_end(lane, err))
        return -1;
    lane->begun = false;
    lane->n_begun = 0;
    rc = cudaEventRecord(lane->done, device->stream);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "ending a batch", err);
}

int cuda_query(struct lane *lane, struct err *err)
{
    struct device *device = lane_device(lane);
    cudaError_t rc;

    if (device_enter(device, err))
        return -1;
    rc = cudaEventQuery(lane->done);
    if (rc == cudaErrorNotReady)
        return 0;
    return rc == cudaSuccess ? 1 : device_failed(device, rc, "a batch", err);
}
