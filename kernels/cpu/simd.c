/* Picks the widest vector kernels that the processor has. */
#include "kernels/cpu/simd.h"

const struct simd *simd_choose(const struct cpuid *cpu)
{
#if defined(__x86_64__)
    if (cpu->avx512)
        return &simd_avx512;
    if (cpu->avx2)
        return &simd_avx2;
#endif
    (void)cpu;
    return &simd_base;
}
