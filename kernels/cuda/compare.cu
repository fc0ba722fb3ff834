/* Whether two arrays have the same bits. */
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/simt.cuh"

#define THREADS 256
#define MAX_BLOCKS 1024

static __global__ void compare(const char *a, const char *b, size_t n, uint32_t *differ)
{
    const size_t step = (size_t)gridDim.x * THREADS;

    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
        const uint4 x = simt_load<uint4>(a + i * 16), y = simt_load<uint4>(b + i * 16);

        if (x.x != y.x || x.y != y.y || x.z != y.z || x.w != y.w)
            simt_store<uint32_t>(differ, 1); /* all that do write the same */
    }
}

cudaError_t cuda_compare(const void *a, const void *b, size_t bytes, uint32_t *differ,
                         cudaStream_t stream)
{
    const size_t n = bytes / 16, wanted = (n + THREADS - 1) / THREADS;
    struct simt_where where;

    where.grid = dim3((unsigned)(wanted < MAX_BLOCKS ? wanted : MAX_BLOCKS));
    where.block = dim3(THREADS);
    where.shared_bytes = 0;
    where.stream = stream;
    return simt_launch(compare, where, (const char *)a, (const char *)b, n, differ);
}
