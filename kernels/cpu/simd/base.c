/* Whatever every processor of this architecture has: SSE2, NEON. */
#define SIMD_WIDTH 4
#define SIMD_TABLE simd_base
#define SIMD_NAME "base"
#include "kernels/cpu/simd/kernels.h"
