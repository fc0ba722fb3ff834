/* The vector kernels for AVX-512. */
#if defined(__x86_64__)
#define SIMD_WIDTH 16
#define SIMD_TABLE simd_avx512
#define SIMD_NAME "AVX-512"
#include "kernels/cpu/simd/kernels.h"
#endif
