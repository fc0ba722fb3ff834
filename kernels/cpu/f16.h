/* Rounds to the nearest f16, ties to even, as a processor and PyTorch do; beyond its range is
 * infinite. */
#ifndef KERNELS_CPU_F16_H
#define KERNELS_CPU_F16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float f16_round(float x)
{
    const float magnitude = fabsf(x);
    uint32_t bits;
    float rounded;

    if (!(magnitude < 65520.0F)) /* halfway from the largest f16 to the next power of two */
        return x != x ? x : copysignf(INFINITY, x);
    if (magnitude < 0x1p-14F) /* subnormal: steps of 2^-24, which is the step of an f32 from 0.5 */
        return copysignf((magnitude + 0.5F) - 0.5F, x);
    memcpy(&bits, &x, sizeof(bits));
    bits = (bits + 0xfff + (bits >> 13 & 1)) & ~UINT32_C(0x1fff);
    memcpy(&rounded, &bits, sizeof(rounded));
    return rounded;
}

#endif
