/* Kernels of one warp around single primitives. */
#include "tests/cuda/maps.h"

#include "kernels/cuda/simt.cuh"

static struct simt_where one_warp()
{
    return {dim3(1), dim3(32), 0, NULL};
}

/* Two neighbours in a row, or in a column. */
template <typename T> SIMT_DEVICE uint32_t pair(const T *at, int step)
{
    const uint16_t *bits = (const uint16_t *)at;

    return (uint32_t)bits[0] | (uint32_t)bits[step] << 16;
}

template <typename T> __global__ void multiply(float *d, const T *a, const T *b)
{
    const int g = (int)threadIdx.x / 4, c = (int)threadIdx.x % 4;
    uint32_t of_a[4], of_b[2];
    float of_d[4];

    for (int i = 0; i < 4; i++)
        of_a[i] = pair(a + (g + 8 * (i % 2)) * 16 + 2 * c + 8 * (i / 2), 1);
    for (int i = 0; i < 2; i++)
        of_b[i] = pair(b + (2 * c + 8 * i) * 8 + g, 8);
    for (int i = 0; i < 4; i++)
        of_d[i] = d[(g + 8 * (i / 2)) * 8 + 2 * c + i % 2];
    simt_mma<T>(of_d, of_a, of_b);
    for (int i = 0; i < 4; i++)
        d[(g + 8 * (i / 2)) * 8 + 2 * c + i % 2] = of_d[i];
}

cudaError_t maps_mma(enum cuda_type type, float *d, const void *a, const void *b)
{
    if (type == CUDA_TYPE_F16)
        return simt_launch(multiply<__half>, one_warp(), d, (const __half *)a, (const __half *)b);
    return simt_launch(multiply<__nv_bfloat16>, one_warp(), d, (const __nv_bfloat16 *)a,
                       (const __nv_bfloat16 *)b);
}

/* Each lane reads what its neighbour copied. */
static __global__ void copy(uint32_t *to, const uint32_t *from, const int32_t *valid)
{
    SIMT_SHARED(uint4, staged, 32);
    const int lane = (int)threadIdx.x, next = (lane + 1) % 32;

    simt_copy_async16(&staged[lane], from + 4 * lane, valid[lane] != 0);
    simt_copy_commit();
    simt_copy_wait<0>();
    simt_block_sync();
    simt_store(to + 4 * next, simt_load<uint4>(&staged[next]));
}

cudaError_t maps_copy(uint32_t *to, const uint32_t *from, const int32_t *valid)
{
    return simt_launch(copy, one_warp(), to, from, valid);
}

static __global__ void permute(uint32_t *to, const uint32_t *a, const uint32_t *b,
                               const uint32_t *selectors)
{
    const int lane = (int)threadIdx.x;

    to[lane] = simt_permute(a[lane], b[lane], selectors[lane]);
}

cudaError_t maps_permute(uint32_t *to, const uint32_t *a, const uint32_t *b,
                         const uint32_t *selectors)
{
    return simt_launch(permute, one_warp(), to, a, b, selectors);
}

static __global__ void meet(uint32_t *to, const uint32_t *values)
{
    const int lane = (int)threadIdx.x;
    const uint32_t value = values[lane];

    to[lane] = simt_shuffle_xor(value, 5);
    to[32 + lane] = simt_shuffle(value, 7);
    to[64 + lane] = simt_shuffle_down(value, 3);
    to[96 + lane] = simt_ballot(value % 2 != 0);
    to[128 + lane] = (simt_any(value % 2 != 0) ? 1u : 0u) | (simt_all(value % 2 != 0) ? 2u : 0u);
}

cudaError_t maps_meet(uint32_t *to, const uint32_t *values)
{
    return simt_launch(meet, one_warp(), to, values);
}

static __global__ void arithmetic(float *to, const float *x)
{
    const int lane = (int)threadIdx.x;

    to[lane] = simt_exp2(x[lane]);
    to[32 + lane] = simt_reciprocal(x[lane]);
}

cudaError_t maps_arithmetic(float *to, const float *x)
{
    return simt_launch(arithmetic, one_warp(), to, x);
}

template <typename T> __global__ void pack(uint32_t *words, float *back, const float *x)
{
    const int lane = (int)threadIdx.x;

    words[lane] = simt_pack<T>(x[2 * lane], x[2 * lane + 1]);
    simt_store(back + 2 * lane, simt_unpack<T>(words[lane]));
}

cudaError_t maps_pack(enum cuda_type type, uint32_t *words, float *back, const float *x)
{
    return simt_launch(type == CUDA_TYPE_F16 ? pack<__half> : pack<__nv_bfloat16>, one_warp(),
                       words, back, x);
}
