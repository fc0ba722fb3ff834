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

template <typename T, int ACTIVATION, int W>
__global__ void __launch_bounds__(ACTIVATION_THREADS)
    activation(const struct cuda_activation_launch args)
{
    const size_t n = (size_t)*args.n_rows * (size_t)args.n / W;
    const size_t first = (size_t)blockIdx.x * (ACTIVATION_THREADS * ACTIVATION_STEPS) + threadIdx.x;
    T *y = (T *)args.y, *pre = (T *)args.pre;
    float x[ACTIVATION_STEPS][W];

    SIMT_UNROLL
    for (int s = 0; s < ACTIVATION_STEPS; s++)
        if (first + (size_t)(s * ACTIVATION_THREADS) < n)
            elements_load(x[s], y + (first + (size_t)(s * ACTIVATION_THREADS)) * W);
    SIMT_UNROLL
    for (int s = 0; s < ACTIVATION_STEPS; s++) {
        const size_t at = (first + (size_t)(s * ACTIVATION_THREADS)) * W;

        if (at >= n * W)
            return;
        if (args.bias) {
            float bias[W];

            elements_load(bias, (const T *)args.bias + (uint32_t)at % (uint32_t)args.n);
            SIMT_UNROLL
            for (int i = 0; i < W; i++)
                x[s][i] += bias[i];
        }
        if (pre)
            elements_store(pre + at, x[s]);
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            x[s][i] = activate<T, ACTIVATION>(x[s][i]);
        elements_store(y + at, x[s]);
    }
}

template <typename T, int W>
static cudaError_t launch(const struct cuda_activation_launch *args, cudaStream_t stream)
{
    const size_t n = (size_t)args->rung_rows * (size_t)args->n / W;
    const struct simt_where where = {blocks_for(n, ACTIVATION_THREADS * ACTIVATION_STEPS),
                                     ACTIVATION_THREADS, 0, stream};

    switch (args->activation) {
    case ACTIVATION_GELU_ERF:
        return simt_launch(activation<T, ACTIVATION_GELU_ERF, W>, where, *args);
    case ACTIVATION_GELU_TANH:
        return simt_launch(activation<T, ACTIVATION_GELU_TANH, W>, where, *args);
    case ACTIVATION_RELU:
        return simt_launch(activation<T, ACTIVATION_RELU, W>, where, *args);
    case ACTIVATION_TANH:
        return simt_launch(activation<T, ACTIVATION_TANH, W>, where, *args);
    default:
        return cudaErrorInvalidValue;
    }
}

cudaError_t cuda_activation(const struct cuda_activation_launch *args, cudaStream_t stream)
{
    if (args->rung_rows == 0)
        return cudaSuccess;
    return launch_by_type(args->type, [&](auto element) {
        using T = decltype(element);

        return args->n % 8 ? launch<T, 1>(args, stream) : launch<T, 8>(args, stream);
    });
}
