/* The activations of kernels/backend.h in place, as PyTorch defines them. */
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/gelu.cuh"

#include "kernels/backend.h"

enum { ACTIVATION_THREADS = 256, ACTIVATION_STEPS = 2 };

template <typename T, int ACTIVATION> SIMT_DEVICE float activate(float x)
{
    if (ACTIVATION == ACTIVATION_GELU_ERF)
        return sizeof(T) == sizeof(float) ? gelu_erf(x) : gelu_erf_16(x);
    if (ACTIVATION == ACTIVATION_GELU_TANH)
        return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    if (ACTIVATION == ACTIVATION_RELU)
        return x > 0 || x != x ? x : 0.0f;
    return tanhf(x);
}

template <typename T, int ACTIVATION, int W, bool FEW>
__global__ void __launch_bounds__(ACTIVATION_THREADS)
    activation(const struct cuda_activation_launch args)
{
    const int n_rows = FEW ? args.rung_rows : *args.n_rows;
    const size_t n = (size_t)n_rows * (size_t)args.n / W;
    const size_t first = (size_t)blockIdx.x * (ACTIVATION_THREADS * ACTIVATION_STEPS) + threadIdx.x;
    T *y = (T *)args.y, *pre = (T *)args.pre;
    float x[ACTIVATION_STEPS][W], bias[ACTIVATION_STEPS][W] = {{0}};

    SIMT_UNROLL
    for (int s = 0; s < ACTIVATION_STEPS; s++) {
        const size_t at = (first + (size_t)(s * ACTIVATION_THREADS)) * W;

        if (at >= n * W)
            continue;
        elements_load(x[s], y + at);
        if (FEW && args.bias)
            elements_load(bias[s], (const T *)args.bias + (uint32_t)at % (uint32_t)args.n);
    }
    SIMT_UNROLL
    for (int s = 0; s < ACTIVATION_STEPS; s++) {
        const size_t at = (first + (size_t)(s * ACTIVATION_THREADS)) * W;

        if (at >= n * W)
            return;
        if (!FEW && args.bias)
            elements_load(bias[s], (const T *)args.bias + (uint32_t)at % (uint32_t)args.n);
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            x[s][i] += bias[s][i];
        if (pre)
            elements_store(pre + at, x[s]);
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            x[s][i] = activate<T, ACTIVATION>(x[s][i]);
        elements_store(y + at, x[s]);
    }
}

template <typename T, int ACTIVATION>
static cudaError_t launch(const struct cuda_activation_launch *args, cudaStream_t stream)
{
    const int w = args->n % 8 ? 1 : 8;
    const size_t n = (size_t)args->rung_rows * (size_t)args->n / (size_t)w;
    const struct simt_where where = {blocks_for(n, ACTIVATION_THREADS * ACTIVATION_STEPS),
                                     ACTIVATION_THREADS, 0, stream};

    if (w == 1)
        return simt_launch(activation<T, ACTIVATION, 1, false>, where, *args);
    if (args->rung_rows <= FEW_ROWS && !args->pre)
        return simt_launch(activation<T, ACTIVATION, 8, true>, where, *args);
    return simt_launch(activation<T, ACTIVATION, 8, false>, where, *args);
}

cudaError_t cuda_activation(const struct cuda_activation_launch *args, cudaStream_t stream)
{
    if (args->rung_rows == 0)
        return cudaSuccess;
    return launch_by_type(args->type, [&](auto element) {
        using T = decltype(element);

        switch (args->activation) {
        case ACTIVATION_GELU_ERF:
            return launch<T, ACTIVATION_GELU_ERF>(args, stream);
        case ACTIVATION_GELU_TANH:
            return launch<T, ACTIVATION_GELU_TANH>(args, stream);
        case ACTIVATION_RELU:
            return launch<T, ACTIVATION_RELU>(args, stream);
        case ACTIVATION_TANH:
            return launch<T, ACTIVATION_TANH>(args, stream);
        default:
            return cudaErrorInvalidValue;
        }
    });
}
