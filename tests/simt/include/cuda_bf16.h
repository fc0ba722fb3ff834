/* The part of CUDA's <cuda_bf16.h> that kernels/cuda uses: conversions, round to nearest even. */
#ifndef TESTS_SIMT_CUDA_BF16_H
#define TESTS_SIMT_CUDA_BF16_H

#include "simt_16bit.h"

#ifdef __cplusplus

struct alignas(2) __nv_bfloat16 {
    uint16_t bits;
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

SIMT_16BIT(__nv_bfloat16, __nv_bfloat162, __bfloat162float, __float2bfloat16_rn, __float2bfloat16,
           __floats2bfloat162_rn, __bfloat1622float2)

#endif
#endif
