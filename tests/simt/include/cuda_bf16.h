/* The part of CUDA's <cuda_bf16.h> that kernels/cuda uses: conversions, round to nearest even. */
#ifndef TESTS_SIMT_CUDA_BF16_H
#define TESTS_SIMT_CUDA_BF16_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus

struct alignas(2) __nv_bfloat16 {
    uint16_t bits;
};

struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

static inline float __bfloat162float(__nv_bfloat16 b)
{
    uint32_t bits = (uint32_t)b.bits << 16;
    float x;

    __builtin_memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    uint32_t bits;
    __nv_bfloat16 b;

    __builtin_memcpy(&bits, &x, sizeof(bits));
    if ((bits & 0x7fffffff) > 0x7f800000)
        b.bits = 0x7fff; /* NaN: CUDA gives the canonical one */
    else
        b.bits = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    return b;
}

static inline __nv_bfloat16 __float2bfloat16(float x)
{
    return __float2bfloat16_rn(x);
}

static inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y)
{
    return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}

static inline float2 __bfloat1622float2(__nv_bfloat162 b)
{
    return {__bfloat162float(b.x), __bfloat162float(b.y)};
}

#endif
#endif
