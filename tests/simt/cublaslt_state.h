/* What the files of the stand-in for cuBLASLt share. */
#ifndef TESTS_SIMT_CUBLASLT_STATE_H
#define TESTS_SIMT_CUBLASLT_STATE_H

#include <cublasLt.h>

#include "tests/simt/runtime.h"

#define ALIGNMENT 16 /* bytes, of every operand and, for 16-bit elements, of every column */

struct cublasLtContext {
    int unused;
};

struct cublasLtMatmulDescOpaque {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    int32_t transposed_a, transposed_b;
    uint32_t epilogue;
    const void *bias;
};

struct cublasLtMatrixLayoutOpaque {
    cudaDataType type;
    uint64_t rows, cols;
    int64_t ld;
};

struct cublasLtMatmulPreferenceOpaque {
    uint64_t workspace_bytes;
    uint32_t reductions;
    uint32_t alignment;
};

/* An algorithm as cublasLtMatmulAlgo_t hides it. */
static inline struct simt_algorithm algorithm_of(const cublasLtMatmulAlgo_t *algo)
{
    struct simt_algorithm algorithm;

    __builtin_memcpy(&algorithm, algo, sizeof(algorithm));
    return algorithm;
}

static inline size_t element_bytes(cudaDataType type)
{
    return type == CUDA_R_32F ? 4 : 2;
}

/* d (m, n) = a^T (m, k) b (k, n), all columns dense or strided, elements of one type. */
cublasStatus_t check_shapes(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                            cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                            cublasLtMatrixLayout_t d);
/* Whether it computes so many columns. */
bool algorithm_takes(const struct simt_algorithm &algorithm, uint64_t cols);

#endif
