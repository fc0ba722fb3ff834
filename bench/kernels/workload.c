/* Lays out requests and uploads them. */
#include "bench/kernels/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/backend.h"

#define ADS 100
#define AD_MIN 8
#define AD_MAX 24
#define VOCABULARY 30000

const char *const workload_names[WORKLOAD_KINDS] = {"cross", "prefix", "hier"};

struct layout {
    struct slice_segment *segments;
    int n_segments, n_tokens;
};

void must(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return;
    fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
    exit(1);
}

static void *must_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (!memory) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}

static void add(struct layout *layout, int len, int parent)
{
    layout->segments[layout->n_segments++] =
        (struct slice_segment){layout->n_tokens, len, parent, -1};
    layout->n_tokens += len;
}

static void add_request(struct layout *layout, enum workload_kind kind, int context,
                        struct rng *rng)
{
    const int parent = layout->n_segments;

    if (kind != WORKLOAD_CROSS)
        add(layout, context, -1);
    for (int i = 0; i < ADS; i++) {
        const int ad = AD_MIN + (int)rng_below(rng, AD_MAX - AD_MIN + 1);

        if (kind == WORKLOAD_CROSS)
            add(layout, context + ad, -1);
        else
            add(layout, kind == WORKLOAD_HIER ? 1 : ad, parent);
    }
}

/* Places of the arrays in one block, host and device alike. */
struct block {
    char *host;
    size_t bytes;
};

static void *carve(struct block *block, size_t bytes)
{
    void *at = block->host + block->bytes;

    block->bytes += (bytes + 63) / 64 * 64;
    return at;
}

static const void *moved(const void *host, const struct block *block, const void *device)
{
    return (const char *)device + ((const char *)host - block->host);
}

struct workload workload_new(enum workload_kind kind, int requests, int context)
{
    const int most = requests * (ADS + 1);
    struct layout layout = {must_alloc((size_t)most * sizeof(struct slice_segment)), 0, 0};
    struct workload w = {.memory = NULL};
    struct block block = {NULL, 0};
    struct rng rng;

    rng_init(&rng, 1);
    for (int i = 0; i < requests; i++)
        add_request(&layout, kind, context, &rng);
    const size_t rows = (size_t)layout.n_tokens * sizeof(int32_t);
    const size_t segments = (size_t)layout.n_segments;
    const size_t tiles = (size_t)cuda_tiles_max(layout.n_tokens, layout.n_segments);
    block.host =
        must_alloc(4 * rows + segments * (2 * sizeof(int32_t) + sizeof(struct cuda_segment)) +
                   tiles * sizeof(struct cuda_tile) + 4096);
    struct cuda_counts *counts = carve(&block, sizeof(*counts));
    int32_t *ids = carve(&block, rows), *types = carve(&block, rows);
    int32_t *positions = carve(&block, rows), *segment_of = carve(&block, rows);
    struct cuda_segment *of_cuda = carve(&block, segments * sizeof(*of_cuda));
    int32_t *read = carve(&block, segments * sizeof(*read));
    int32_t *read_segments = carve(&block, segments * sizeof(*read_segments));
    struct cuda_tile *tile = carve(&block, tiles * sizeof(*tile));
    const struct slice slice = {
        .n_tokens = layout.n_tokens, .n_segments = layout.n_segments, .segments = layout.segments};

    for (int t = 0; t < layout.n_tokens; t++) {
        ids[t] = (int32_t)rng_below(&rng, VOCABULARY);
        positions[t] = t % 128;
    }
    for (int s = 0; s < layout.n_segments; s++)
        if (kind == WORKLOAD_CROSS || layout.segments[s].parent >= 0) {
            read_segments[w.n_read] = s;
            read[w.n_read++] = layout.segments[s].start;
        }
    w.n_tokens = layout.n_tokens;
    counts->n_tokens = layout.n_tokens;
    counts->n_segments = layout.n_segments;
    counts->n_read = w.n_read;
    counts->n_tiles = cuda_tiles_fill(&slice, of_cuda, segment_of, tile);
    must(cudaMalloc(&w.memory, block.bytes), "memory for a batch");
    must(cudaMemcpy(w.memory, block.host, block.bytes, cudaMemcpyHostToDevice), "upload");
    w.batch = (struct cuda_batch){.counts = moved(counts, &block, w.memory),
                                  .ids = moved(ids, &block, w.memory),
                                  .types = moved(types, &block, w.memory),
                                  .positions = moved(positions, &block, w.memory),
                                  .segment_of = moved(segment_of, &block, w.memory),
                                  .segments = moved(of_cuda, &block, w.memory),
                                  .read = moved(read, &block, w.memory),
                                  .read_segments = moved(read_segments, &block, w.memory),
                                  .tiles = moved(tile, &block, w.memory),
                                  .rung = w.n_tokens,
                                  .rung_read = w.n_read,
                                  .max_tiles = (int)tiles};
    free(block.host);
    free(layout.segments);
    return w;
}

void workload_free(struct workload *w)
{
    must(cudaFree(w->memory), "free");
}
