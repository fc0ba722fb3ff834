/*
 * Elements of rows: loads that widen to f32, stores that round, sums over a warp, and the choice of
 * a template by element type. W elements at a time: 8 with 16-byte accesses where row widths are
 * multiples of 8, else 1.
 */
#ifndef KERNELS_CUDA_ELEMENTS_CUH
#define KERNELS_CUDA_ELEMENTS_CUH

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/simt.cuh"

enum { WARP = 32 };

/*
 * Kernels of rungs up to this leave most of the device idle, and take as long as the loads that
 * wait for each other. They compute the rows past the true count as well, which is not waited for,
 * and load early what they need late, which takes registers.
 */
enum { FEW_ROWS = 2048 };

template <typename T> SIMT_DEVICE void elements_load(float (&x)[8], const T *from)
{
    const uint4 raw = simt_load<uint4>(from);
    const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};

    SIMT_UNROLL
    for (int i = 0; i < 4; i++) {
        const float2 pair = simt_unpack<T>(words[i]);

        x[2 * i] = pair.x;
        x[2 * i + 1] = pair.y;
    }
}

SIMT_DEVICE void elements_load(float (&x)[8], const float *from)
{
    const float4 low = simt_load<float4>(from), high = simt_load<float4>(from + 4);

    x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
    x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
}

template <typename T> SIMT_DEVICE void elements_load(float (&x)[1], const T *from)
{
    x[0] = simt_float(*from);
}

template <typename T> SIMT_DEVICE void elements_store(T *to, const float (&x)[8])
{
    simt_store(to, make_uint4(simt_pack<T>(x[0], x[1]), simt_pack<T>(x[2], x[3]),
                              simt_pack<T>(x[4], x[5]), simt_pack<T>(x[6], x[7])));
}

SIMT_DEVICE void elements_store(float *to, const float (&x)[8])
{
    simt_store(to, make_float4(x[0], x[1], x[2], x[3]));
    simt_store(to + 4, make_float4(x[4], x[5], x[6], x[7]));
}

template <typename T> SIMT_DEVICE void elements_store(T *to, const float (&x)[1])
{
    *to = simt_element<T>(x[0]);
}

/* The same bits in every lane. */
SIMT_DEVICE float warp_sum(float x)
{
    SIMT_UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        x += simt_shuffle_xor(x, mask);
    return x;
}

/* ---- host ------------------------------------------------------------------------------------ */

/* launch(T()) with the element type. */
template <typename Launch> cudaError_t launch_by_type(enum cuda_type type, const Launch &launch)
{
    switch (type) {
    case CUDA_TYPE_F32:
        return launch(float());
    case CUDA_TYPE_F16:
        return launch(__half());
    case CUDA_TYPE_BF16:
        return launch(__nv_bfloat16());
    }
    return cudaErrorInvalidValue;
}

static inline unsigned blocks_for(size_t n, size_t by_block)
{
    return (unsigned)((n + by_block - 1) / by_block);
}

#endif
