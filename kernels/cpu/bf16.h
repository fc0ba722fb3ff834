/* bf16 is the upper half of an f32; rounding is to nearest, ties to even, as in AVX512-BF16 and
 * PyTorch. */
#ifndef KERNELS_CPU_BF16_H
#define KERNELS_CPU_BF16_H

#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float bf16_to_f32(bf16 b)
{
    uint32_t bits = (uint32_t)b << 16;
    float f;

    memcpy(&f, &bits, sizeof(f));
    return f;
}

static inline bf16 bf16_from_f32(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof(bits));
    if (f != f) /* rounding could carry a NaN over into infinity */
        return (bf16)(bits >> 16 | 0x40);
    return (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
