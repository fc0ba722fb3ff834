/* The vector kernels for AVX2 and FMA. */
#if defined(__x86_64__)
#define SIMD_WIDTH 8
#define SIMD_TABLE simd_avx2
#define SIMD_NAME "AVX2"
#include "kernels/cpu/simd/kernels.h"
#endif
