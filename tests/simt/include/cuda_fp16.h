/* The part of CUDA's <cuda_fp16.h> that kernels/cuda uses: conversions, round to nearest even. */
#ifndef TESTS_SIMT_CUDA_FP16_H
#define TESTS_SIMT_CUDA_FP16_H

#include "simt_16bit.h"

#ifdef __cplusplus

struct alignas(2) __half {
    uint16_t bits;
};

static inline float __half2float(__half h)
{
    uint32_t sign = (uint32_t)(h.bits & 0x8000) << 16, magnitude = h.bits & 0x7fff, bits;
    float x;

    if (magnitude >= 0x7c00) { /* infinity, NaN */
        bits = sign | 0x7f800000 | (magnitude & 0x3ff) << 13;
    } else if (magnitude >= 0x400) {
        bits = sign | ((magnitude << 13) + 0x38000000);
    } else { /* below the smallest normal: a multiple of 2^-24 */
        x = (float)magnitude * 0x1p-24f;
        return sign ? -x : x;
    }
    __builtin_memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline __half __float2half_rn(float x)
{
    uint32_t bits, sign, magnitude;
    __half h;

    __builtin_memcpy(&bits, &x, sizeof(bits));
    sign = bits >> 16 & 0x8000;
    magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) { /* NaN: CUDA gives the canonical one */
        h.bits = 0x7fff;
        return h;
    }
    if (magnitude >= 0x477ff000) { /* rounds to 65536 or more */
        magnitude = 0x7c00;
    } else if (magnitude >= 0x38800000) {
        magnitude += 0xfff + (magnitude >> 13 & 1);
        magnitude = (magnitude - 0x38000000) >> 13;
    } else { /* a multiple of 2^-24: the sum's last place is that unit, and rounds to even */
        float moved;
        uint32_t units;

        __builtin_memcpy(&moved, &magnitude, sizeof(moved));
        moved += 0.5f;
        __builtin_memcpy(&units, &moved, sizeof(units));
        magnitude = units - 0x3f000000;
    }
    h.bits = (uint16_t)(sign | magnitude);
    return h;
}

SIMT_16BIT(__half, __half2, __half2float, __float2half_rn, __float2half, __floats2half2_rn,
           __half22float2)

#endif
#endif
