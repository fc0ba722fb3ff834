/* The stand-in's algorithms: which it has, and which it proposes for a product. */
#include "tests/simt/cublaslt_state.h"

#include <algorithm>
#include <vector>

#include <string.h>

static_assert(sizeof(struct simt_algorithm) <= sizeof(cublasLtMatmulAlgo_t), "it fits");

/* In the order of the heuristic. The second to fourth have the same bits. For many columns only the
 * second is offered: trying them all would take long here. */
#define MANY_COLUMNS 512
static struct simt_algorithm one(int32_t id, int32_t split_k, int32_t lanes, uint64_t bytes)
{
    struct simt_algorithm algorithm = simt_algorithm();

    algorithm.id = id;
    algorithm.split_k = split_k;
    algorithm.lanes = lanes;
    algorithm.workspace_bytes = bytes;
    algorithm.max_cols = id == 66 && bytes == 0 ? 0 : MANY_COLUMNS;
    return algorithm;
}

static std::vector<struct simt_algorithm> ordinary()
{
    return {one(35, 1, 8, 0), one(66, 1, 16, 0), one(41, 1, 16, 65536), one(66, 1, 16, 65536),
            one(66, 2, 8, 1 << 20)};
}

static std::vector<struct simt_algorithm> &offered()
{
    static auto *all = new std::vector<struct simt_algorithm>(ordinary());
    return *all;
}

void simt_algorithms(const struct simt_algorithm *algorithms, int n)
{
    offered() = n > 0 ? std::vector<struct simt_algorithm>(algorithms, algorithms + n) : ordinary();
}

bool algorithm_takes(const struct simt_algorithm &algorithm, uint64_t cols)
{
    return cols >= (uint64_t)algorithm.min_cols &&
           (algorithm.max_cols == 0 || cols <= (uint64_t)algorithm.max_cols);
}

cublasStatus_t check_shapes(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                            cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                            cublasLtMatrixLayout_t d)
{
    if (desc->compute != CUBLAS_COMPUTE_32F || desc->scale != CUDA_R_32F ||
        desc->transposed_a != CUBLAS_OP_T || desc->transposed_b != CUBLAS_OP_N)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (a->type != b->type || a->type != c->type || a->type != d->type)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (a->rows != b->rows || a->cols != d->rows || b->cols != d->cols || c->rows != d->rows ||
        c->cols != d->cols)
        return CUBLAS_STATUS_INVALID_VALUE;
    for (cublasLtMatrixLayout_t layout : {a, b, c, d}) {
        if (layout->rows == 0 || layout->cols == 0 || layout->ld < (int64_t)layout->rows)
            return CUBLAS_STATUS_INVALID_VALUE;
        if ((size_t)layout->ld * element_bytes(layout->type) % ALIGNMENT != 0)
            return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    switch (desc->epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
        return CUBLAS_STATUS_SUCCESS;
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int *returned)
{
    cublasStatus_t status = handle ? check_shapes(desc, a, b, c, d) : CUBLAS_STATUS_INVALID_VALUE;

    *returned = 0;
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    for (const struct simt_algorithm &algorithm : offered()) {
        if (algorithm.workspace_bytes > preference->workspace_bytes ||
            (algorithm.split_k > 1 && !algorithm.insists &&
             preference->reductions == CUBLASLT_REDUCTION_SCHEME_NONE) ||
            !(algorithm.insists || algorithm_takes(algorithm, d->cols)))
            continue;
        if (*returned == requested)
            break;
        cublasLtMatmulHeuristicResult_t *result = &results[(*returned)++];
        *result = cublasLtMatmulHeuristicResult_t();
        memcpy(&result->algo, &algorithm, sizeof(algorithm));
        result->workspaceSize = algorithm.workspace_bytes;
        result->wavesCount = 1;
    }
    return *returned > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute,
                                                    void *value, size_t size, size_t *written)
{
    const struct simt_algorithm algorithm = algorithm_of(algo);
    int32_t answer;

    switch (attribute) {
    case CUBLASLT_ALGO_CONFIG_ID:
        answer = algorithm.id;
        break;
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM:
        answer = algorithm.split_k;
        break;
    case CUBLASLT_ALGO_CONFIG_TILE_ID:
    case CUBLASLT_ALGO_CONFIG_STAGES_ID:
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME:
        answer = 0;
        break;
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (size != sizeof(answer))
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(value, &answer, size);
    if (written)
        *written = size;
    return CUBLAS_STATUS_SUCCESS;
}
