/* f32 to the element type of a session, once per upload of a weight. */
#include "kernels/cuda/elements.cuh"

enum { CONVERT_THREADS = 256 };

template <typename T>
__global__ void __launch_bounds__(CONVERT_THREADS) convert(T *to, const float *from, size_t count)
{
    const size_t step = (size_t)gridDim.x * CONVERT_THREADS;

    for (size_t i = (size_t)blockIdx.x * CONVERT_THREADS + threadIdx.x; i < count; i += step)
        to[i] = simt_element<T>(from[i]);
}

cudaError_t cuda_convert(enum cuda_type type, void *to, const float *from, size_t count,
                         cudaStream_t stream)
{
    const unsigned blocks = blocks_for(count, CONVERT_THREADS);
    const struct simt_where where = {blocks < 4096 ? blocks : 4096, CONVERT_THREADS, 0, stream};

    if (count == 0)
        return cudaSuccess;
    return launch_by_type(type, [&](auto element) {
        using T = decltype(element);

        return simt_launch(convert<T>, where, (T *)to, from, count);
    });
}
