/*
 * Attention on tensor cores. A block takes a tile and a head: it stages the keys and values of the
 * parent and of the tile's own segments in shared memory, and each warp takes a unit of 16 query
 * rows through them. Tiles whose keys do not fit read them from global memory.
 */
#include "kernels/cuda/attention.h"
#include "kernels/cuda/attention_unit.cuh"

/* A warp for each unit. */
enum { TILE_THREADS = CUDA_TILE_UNITS * WARP, TILE_ROWS = CUDA_TILE_UNITS * CUDA_UNIT_ROWS };

/* Starts copying the tile's keys and values. A thread takes the same chunk of every STEP-th row. */
template <int D>
SIMT_DEVICE void stage(unsigned char *shared, const struct cuda_tile &tile,
                       const struct head_rows &head)
{
    using shape = head_shape<D>;
    enum { ROW_CHUNKS = 2 * shape::CHUNKS, STEP = TILE_THREADS / ROW_CHUNKS };
    static_assert(TILE_THREADS % ROW_CHUNKS == 0 && STEP % 2 == 0, "rows keep their parity");
    const int first = (int)threadIdx.x / ROW_CHUNKS, chunk = (int)threadIdx.x % shape::CHUNKS;
    const bool is_value = (int)threadIdx.x % ROW_CHUNKS >= shape::CHUNKS;
    const int row_bytes = is_value ? (int)shape::VALUE_BYTES : (int)shape::KEY_BYTES;
    const int swizzled = D == 32 || is_value ? chunk : chunk ^ ((first & 1) << 2);
    const unsigned char *from = (is_value ? head.v : head.k) + chunk * 16;
    const int parent_len = tile.parent_len, n = parent_len + tile.run_len;
    const int parent_start = tile.parent_start, run_start = tile.run_start - parent_len;
    unsigned char *to = shared + (is_value ? CUDA_TILE_KEYS * shape::KEY_BYTES : 0) +
                        first * row_bytes + swizzled * 16;

    for (int row = first; row < n; row += STEP, to += STEP * row_bytes)
        simt_copy_async16(
            to, from + (size_t)(row + (row < parent_len ? parent_start : run_start)) * head.stride,
            true);
    simt_copy_commit();
}

/* The tile's fields and the warp's unit, in three loads. */
SIMT_DEVICE void load_tile(struct cuda_tile &tile, struct cuda_unit &unit,
                           const struct cuda_tile *from)
{
    const int4 of_unit = simt_load<int4>(&from->units[threadIdx.x / WARP]);
    const int4 low = simt_load<int4>(&from->n_units), high = simt_load<int4>(&from->run_len);

    unit.row = of_unit.x, unit.n_rows = of_unit.y;
    unit.own_start = of_unit.z, unit.own_len = of_unit.w;
    tile.n_units = low.x, tile.parent_start = low.y, tile.parent_len = low.z;
    tile.run_start = low.w, tile.run_len = high.x, tile.staged = high.y;
}

template <typename T, int D, bool CAUSAL>
__global__ void __launch_bounds__(TILE_THREADS, head_shape<D>::BLOCKS)
    attention_tiles(const struct cuda_batch batch, const struct cuda_attention_launch args)
{
    SIMT_DYNAMIC_SHARED(shared);
    const int n_tiles = batch.counts->n_tiles, warp = (int)threadIdx.x / WARP;

    for (int i = (int)blockIdx.x; i < batch.max_tiles * args.heads; i += (int)gridDim.x) {
        const int head_index = i % args.heads;
        const uint32_t hidden = (uint32_t)(args.hidden * (int)sizeof(T));
        struct cuda_tile tile;
        struct cuda_unit unit;
        struct unit_state<D> u;
        struct head_rows head;

        load_tile(tile, unit, &batch.tiles[i / args.heads]); /* while the count is on its way */
        if (i / args.heads >= n_tiles)
            return;
        head.q = (const unsigned char *)args.qkv + (size_t)head_index * D * sizeof(T);
        head.k = head.q + hidden;
        head.v = head.k + hidden;
        head.stride = 3 * hidden;
        const bool staged = head_shape<D>::STAGES && tile.staged, works = warp < tile.n_units;

        if (i != (int)blockIdx.x)
            simt_block_sync(); /* the tile before is done with */
        if (staged)
            stage<D>(shared, tile, head);
        if (works)
            unit_begin<T, D>(u, head, args.bias ? args.bias + head_index * D : NULL, unit);
        if (staged) {
            simt_copy_wait<0>();
            simt_block_sync(); /* everyone's copies are there */
        }
        if (!works)
            continue;
        if (staged)
            attend_ranges<T, D, true, CAUSAL>(u, tile, unit, head, shared);
        else
            attend_ranges<T, D, false, CAUSAL>(u, tile, unit, head, shared);
        if (unit.own_len == 0)
            attend_self<T, D>(u, head, unit, score_scale<D>());
        unit_store<T, D>(u, args, unit, head_index);
    }
}

/*
 * As many blocks as full tiles would need: most batches need a few more, and the first blocks take
 * them in a second turn, which costs less than blocks that find no work. A grid that leaves much of
 * a GPU idle is doubled or tripled instead.
 */
static int grid_size(const struct cuda_batch *batch, int heads)
{
    const int most = batch->max_tiles * heads, full = (batch->rung / TILE_ROWS + 1) * heads;
    const int blocks = full < 1024 ? (batch->rung / (TILE_ROWS / 3) + 1) * heads : full;

    return blocks < most ? blocks : most;
}

template <typename T, int D>
static cudaError_t launch_head(const struct cuda_batch *batch,
                               const struct cuda_attention_launch *args, cudaStream_t stream)
{
    const struct simt_where where = {(unsigned)grid_size(batch, args->heads), TILE_THREADS,
                                     head_shape<D>::SHARED, stream};

    return args->causal ? simt_launch(attention_tiles<T, D, true>, where, *batch, *args)
                        : simt_launch(attention_tiles<T, D, false>, where, *batch, *args);
}

template <typename T>
static cudaError_t launch(const struct cuda_batch *batch, const struct cuda_attention_launch *args,
                          cudaStream_t stream)
{
    switch (args->hidden / args->heads) {
    case 32:
        return launch_head<T, 32>(batch, args, stream);
    case 64:
        return launch_head<T, 64>(batch, args, stream);
    case 128:
        return launch_head<T, 128>(batch, args, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

cudaError_t cuda_attention_tiles(const struct cuda_batch *batch,
                                 const struct cuda_attention_launch *args, cudaStream_t stream)
{
    if (args->type == CUDA_TYPE_F16)
        return launch<__half>(batch, args, stream);
    if (args->type == CUDA_TYPE_BF16)
        return launch<__nv_bfloat16>(batch, args, stream);
    return cudaErrorInvalidValue;
}
