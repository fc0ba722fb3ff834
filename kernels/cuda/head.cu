/* The classifier in f32. */
#include "kernels/cuda/elements.cuh"

enum { HEAD_WARPS = 4 };

/* A warp takes a row. */
template <typename T, int W>
__global__ void __launch_bounds__(HEAD_WARPS *WARP) head(const struct cuda_head_launch args)
{
    const int lane = (int)threadIdx.x % WARP;
    const int row = (int)(blockIdx.x * HEAD_WARPS + threadIdx.x / WARP);
    const T *from = (const T *)args.operand + (size_t)row * (size_t)args.hidden;

    if (row >= *args.n_rows)
        return;
    for (int label = 0; label < args.labels; label++) {
        const float *weight = args.weight + (size_t)label * (size_t)args.hidden;
        float sum = 0;

        for (int at = W * lane; at < args.hidden; at += W * WARP) {
            float x[W], w[W];

            elements_load(x, from + at);
            elements_load(w, weight + at);
            SIMT_UNROLL
            for (int i = 0; i < W; i++)
                sum += x[i] * w[i];
        }
        sum = warp_sum(sum);
        if (lane == 0)
            args.logits[(size_t)row * (size_t)args.labels + (size_t)label] = sum + args.bias[label];
    }
}

cudaError_t cuda_head(const struct cuda_head_launch *args, cudaStream_t stream)
{
    const struct simt_where where = {blocks_for((size_t)args->rung_rows, HEAD_WARPS),
                                     HEAD_WARPS * WARP, 0, stream};

    if (args->rung_rows == 0)
        return cudaSuccess;
    return launch_by_type(args->type, [&](auto element) {
        using T = decltype(element);

        return args->hidden % 8 ? simt_launch(head<T, 1>, where, *args)
                                : simt_launch(head<T, 8>, where, *args);
    });
}
