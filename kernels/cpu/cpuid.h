/* What the processor supports, detected once when the backend opens. */
#ifndef KERNELS_CPU_CPUID_H
#define KERNELS_CPU_CPUID_H

#include <stdbool.h>

struct cpuid {
    char name[64]; /* "AMD EPYC", as the processor calls itself; "unknown" */
    /* Best instruction set that our kernels support: "AVX-512", "AVX2", "SSE2", "NEON",
     * "generic". */
    const char *isa;
    /* With FMA; with F, BW, DQ and VL; both only where the system saves the registers. */
    bool avx2, avx512;
    bool bf16_products; /* AVX512-BF16 or AMX-BF16: products of bf16 are faster than of f32 */
    int cores;          /* that this process may run on; at least 1 */
};

void cpuid_detect(struct cpuid *cpu);

#endif
