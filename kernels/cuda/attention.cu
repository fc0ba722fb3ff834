/* Which kernel an attention takes. */
#include "kernels/cuda/attention.h"

static bool fits_tiles(const struct cuda_attention_launch *args)
{
    const int d = args->hidden / args->heads;

    return !args->simple && !args->read_only && args->type != CUDA_TYPE_F32 &&
           (d == 32 || d == 64 || d == 128);
}

cudaError_t cuda_attention(const struct cuda_batch *batch, const struct cuda_attention_launch *args,
                           cudaStream_t stream)
{
    if ((args->read_only ? batch->rung_read : batch->rung) == 0)
        return cudaSuccess;
    return fits_tiles(args) ? cuda_attention_tiles(batch, args, stream)
                            : cuda_attention_rows(batch, args, stream);
}
