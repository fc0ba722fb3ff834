/* Launchers of maps.cu: each runs a primitive of kernels/cuda/simt.cuh on one warp. */
#ifndef TESTS_CUDA_MAPS_H
#define TESTS_CUDA_MAPS_H

#include "kernels/cuda/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* d (16, 8) f32 += a (16, 16) b (16, 8), row-major; type f16 or bf16. */
cudaError_t maps_mma(enum cuda_type type, float *d, const void *a, const void *b);
/* to: 32 chunks of 16 bytes by way of shared memory; those with valid[i] == 0 become zero. */
cudaError_t maps_copy(uint32_t *to, const uint32_t *from, const int32_t *valid);
/* to[i] = simt_permute(a[i], b[i], selectors[i]), 32 of each. */
cudaError_t maps_permute(uint32_t *to, const uint32_t *a, const uint32_t *b,
                         const uint32_t *selectors);
/* to (5, 32): values by lane ^ 5, from lane 7, from 3 lanes up, the ballot and any/all of odd
 * values. */
cudaError_t maps_meet(uint32_t *to, const uint32_t *values);
/* to (2, 32): simt_exp2 and simt_reciprocal. */
cudaError_t maps_arithmetic(float *to, const float *x);
/* words[i] = simt_pack(x[2 i], x[2 i + 1]); back (64): unpacked. 32 words. */
cudaError_t maps_pack(enum cuda_type type, uint32_t *words, float *back, const float *x);

#ifdef __cplusplus
}
#endif

#endif
