/* Gathers rows or averages segments. */
#include "kernels/cuda/elements.cuh"

enum { POOL_THREADS = 64 };

/* A block takes a read row, a thread W columns of it. */
template <typename T, int W>
__global__ void __launch_bounds__(POOL_THREADS)
    pool(const struct cuda_batch batch, const struct cuda_pool_launch args)
{
    const int row = (int)blockIdx.x, at = (int)(blockIdx.y * POOL_THREADS + threadIdx.x) * W;
    const size_t hidden = (size_t)args.hidden, out = (size_t)row * hidden + (size_t)at;
    const T *from = (const T *)args.stream_in + at;
    T *to_stream = (T *)args.stream_out, *to_operand = (T *)args.operand_out;
    float x[W], sum[W];

    if (row >= batch.counts->n_read || at >= args.hidden)
        return;
    if (args.mean) {
        const struct cuda_segment segment = batch.segments[batch.read_segments[row]];

        elements_load(sum, from + (size_t)segment.start * hidden);
        for (int t = 1; t < segment.len; t++) {
            elements_load(x, from + (size_t)(segment.start + t) * hidden);
            SIMT_UNROLL
            for (int i = 0; i < W; i++)
                sum[i] += x[i];
        }
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            sum[i] /= (float)segment.len;
    } else {
        elements_load(sum, from + (size_t)batch.read[row] * hidden);
    }
    if (to_stream)
        elements_store(to_stream + out, sum);
    if (to_operand && to_operand != to_stream)
        elements_store(to_operand + out, sum);
}

template <typename T, int W>
static cudaError_t launch(const struct cuda_batch *batch, const struct cuda_pool_launch *args,
                          cudaStream_t stream)
{
    const dim3 grid((unsigned)batch->rung_read, blocks_for((size_t)args->hidden, POOL_THREADS * W));
    const struct simt_where where = {grid, POOL_THREADS, 0, stream};

    return simt_launch(pool<T, W>, where, *batch, *args);
}

cudaError_t cuda_pool(const struct cuda_batch *batch, const struct cuda_pool_launch *args,
                      cudaStream_t stream)
{
    if (batch->rung_read == 0)
        return cudaSuccess;
    return launch_by_type(args->type, [&](auto element) {
        using T = decltype(element);

        return args->hidden % 8 ? launch<T, 1>(batch, args, stream)
                                : launch<T, 8>(batch, args, stream);
    });
}
