/* The two attention kernels behind cuda_attention. */
#ifndef KERNELS_CUDA_ATTENTION_H
#define KERNELS_CUDA_ATTENTION_H

#include "kernels/cuda/kernels.h"

/* A warp for each row and head, straight from global memory: every type, D up to 512, rows that are
 * read out. */
cudaError_t cuda_attention_rows(const struct cuda_batch *batch,
                                const struct cuda_attention_launch *args, cudaStream_t stream);

/* Tensor cores on tiles of rows: f16 and bf16, D = 32, 64 or 128, H a multiple of 8. Not read_only.
 */
cudaError_t cuda_attention_tiles(const struct cuda_batch *batch,
                                 const struct cuda_attention_launch *args, cudaStream_t stream);

#endif
