/*
 * cuBLASLt on the processor: products as the real library computes them, f32 sums, one rounding at
 * the end. It offers a few "algorithms" that differ in the order of summation, so that choosing
 * among them is tested, and refuses operands that the real one has no kernel for.
 */
#include <cublasLt.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <math.h>
#include <string.h>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

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

/* What the real library hides in cublasLtMatmulAlgo_t. */
struct algorithm {
    int32_t id, split_k;
    uint64_t workspace_bytes;
    int32_t lanes; /* partial sums of a dot product: what decides the bits */
};

/* In the order of the heuristic. The second to fourth have the same bits. For many columns only the
 * second is offered, unless ADRANK_SIMT_ALGORITHMS is set: trying them all takes long here. */
#define MANY_COLUMNS 512
static const struct algorithm algorithms[] = {
    {35, 1, 0, 8}, {66, 1, 0, 16}, {41, 1, 65536, 16}, {66, 1, 65536, 16}, {66, 2, 1 << 20, 8},
};

/* ---- descriptions ---------------------------------------------------------------------------- */

size_t cublasLtGetVersion(void)
{
    return 130000;
}

const char *cublasLtGetStatusName(cublasStatus_t status)
{
    return cublasLtGetStatusString(status);
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    default:
        return "CUBLAS_STATUS of the emulator";
    }
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *out)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *out = new struct cublasLtContext();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                        cudaDataType_t scale)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_ALLOC_FAILED;
    *out = new struct cublasLtMatmulDescOpaque();
    (*out)->compute = compute;
    (*out)->scale = scale;
    (*out)->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc)
{
    delete desc;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set(void *field, size_t field_size, const void *value, size_t size)
{
    if (size != field_size)
        return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(field, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_ALLOC_FAILED;
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return set(&desc->transposed_a, sizeof(desc->transposed_a), value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return set(&desc->transposed_b, sizeof(desc->transposed_b), value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return set(&desc->epilogue, sizeof(desc->epilogue), value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return set(&desc->bias, sizeof(desc->bias), value, size);
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType type,
                                          uint64_t rows, uint64_t cols, int64_t ld)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_ALLOC_FAILED;
    *out = new cublasLtMatrixLayoutOpaque{type, rows, cols, ld};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_ALLOC_FAILED;
    *out = new cublasLtMatmulPreferenceOpaque{0, CUBLASLT_REDUCTION_SCHEME_MASK, 256};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size)
{
    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_ALLOC_FAILED;
    switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        return set(&preference->workspace_bytes, sizeof(preference->workspace_bytes), value, size);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return set(&preference->reductions, sizeof(preference->reductions), value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
        return set(&preference->alignment, sizeof(preference->alignment), value, size);
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

/* ---- algorithms ------------------------------------------------------------------------------ */

static size_t element_bytes(cudaDataType type)
{
    return type == CUDA_R_32F ? 4 : 2;
}

/* d (m, n) = a^T (m, k) b (k, n), all columns dense or strided, elements of one type. */
static cublasStatus_t check_shapes(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
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
    for (const struct algorithm &algorithm : algorithms) {
        if (algorithm.workspace_bytes > preference->workspace_bytes ||
            (algorithm.split_k > 1 && preference->reductions == CUBLASLT_REDUCTION_SCHEME_NONE) ||
            (d->cols > MANY_COLUMNS && !getenv("ADRANK_SIMT_ALGORITHMS") &&
             &algorithm != &algorithms[1]))
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
    struct algorithm algorithm;
    int32_t answer;

    memcpy(&algorithm, algo, sizeof(algorithm));
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

/* ---- products -------------------------------------------------------------------------------- */

struct product {
    cudaDataType type;
    size_t m, n, k;
    int64_t lda, ldb, ldc, ldd;
    const void *a, *b, *c, *bias;
    void *d;
    float alpha, beta;
    uint32_t epilogue;
    int lanes;
};

static float element_at(cudaDataType type, const void *memory, size_t i)
{
    switch (type) {
    case CUDA_R_16F:
        return __half2float(((const __half *)memory)[i]);
    case CUDA_R_16BF:
        return __bfloat162float(((const __nv_bfloat16 *)memory)[i]);
    default:
        return ((const float *)memory)[i];
    }
}

static void store(cudaDataType type, void *memory, size_t i, float x)
{
    switch (type) {
    case CUDA_R_16F:
        ((__half *)memory)[i] = __float2half_rn(x);
        break;
    case CUDA_R_16BF:
        ((__nv_bfloat16 *)memory)[i] = __float2bfloat16_rn(x);
        break;
    default:
        ((float *)memory)[i] = x;
    }
}

/* `cols` columns of k elements, dense, in f32. */
static std::vector<float> widen(cudaDataType type, const void *memory, size_t k, size_t cols,
                                int64_t ld)
{
    std::vector<float> wide(k * cols);

    for (size_t col = 0; col < cols; col++)
        for (size_t i = 0; i < k; i++)
            wide[col * k + i] = element_at(type, memory, col * (size_t)ld + i);
    return wide;
}

static float gelu_tanh(float x)
{
    return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
}

static float finish(const struct product &p, float sum, size_t row)
{
    if (p.epilogue & CUBLASLT_EPILOGUE_BIAS)
        sum += element_at(p.type, p.bias, row);
    if (p.epilogue & CUBLASLT_EPILOGUE_RELU)
        return sum > 0 ? sum : 0;
    return p.epilogue & CUBLASLT_EPILOGUE_GELU ? gelu_tanh(sum) : sum;
}

/* Dot products of `rows` rows of a with one column of b, each in `lanes` partial sums. */
template <int lanes, int rows>
__attribute__((always_inline)) static inline void dot(const float *a, const float *b, size_t k,
                                                      float out[rows])
{
    float partial[rows][lanes] = {{0}};
    size_t i = 0;

    for (; i + lanes <= k; i += lanes)
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < lanes; j++)
                partial[r][j] += a[(size_t)r * k + i + (size_t)j] * b[i + (size_t)j];
    for (int j = 0; i < k; i++, j++)
        for (int r = 0; r < rows; r++)
            partial[r][j] += a[(size_t)r * k + i] * b[i];
    for (int r = 0; r < rows; r++) {
        out[r] = 0;
        for (int j = 0; j < lanes; j++)
            out[r] += partial[r][j];
    }
}

/* sums (n, m) = the products of m rows of a and n columns of b. */
template <int lanes>
__attribute__((always_inline)) static inline void
multiply_rows(const struct product &p, const float *a, const float *b, float *sums)
{
    for (size_t col = 0; col < p.n; col++) {
        size_t row = 0;
        for (; row + 4 <= p.m; row += 4)
            dot<lanes, 4>(a + row * p.k, b + col * p.k, p.k, sums + col * p.m + row);
        for (; row < p.m; row++)
            dot<lanes, 1>(a + row * p.k, b + col * p.k, p.k, sums + col * p.m + row);
    }
}

__attribute__((always_inline)) static inline void
multiply_by(const struct product &p, const float *a, const float *b, float *sums)
{
    if (p.lanes == 16)
        multiply_rows<16>(p, a, b, sums);
    else
        multiply_rows<8>(p, a, b, sums);
}

static void multiply_anywhere(const struct product &p, const float *a, const float *b, float *sums)
{
    multiply_by(p, a, b, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void
multiply_avx2(const struct product &p, const float *a, const float *b, float *sums)
{
    multiply_by(p, a, b, sums);
}
#endif

static void multiply(const struct product &p)
{
    std::vector<float> a = widen(p.type, p.a, p.k, p.m, p.lda);
    std::vector<float> b = widen(p.type, p.b, p.k, p.n, p.ldb);
    std::vector<float> sums(p.m * p.n);
    void (*run)(const struct product &, const float *, const float *, float *) = multiply_anywhere;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        run = multiply_avx2;
#endif
    run(p, a.data(), b.data(), sums.data());
    for (size_t col = 0; col < p.n; col++)
        for (size_t row = 0; row < p.m; row++) {
            float sum = p.alpha * sums[col * p.m + row];
            if (p.beta != 0)
                sum += p.beta * element_at(p.type, p.c, col * (size_t)p.ldc + row);
            store(p.type, p.d, col * (size_t)p.ldd + row, finish(p, sum, row));
        }
}

static bool operand_fits(const void *memory, cublasLtMatrixLayout_t layout)
{
    size_t elements = (layout->cols - 1) * (size_t)layout->ld + layout->rows;

    return (uintptr_t)memory % ALIGNMENT == 0 &&
           simt_is_device(memory, elements * element_bytes(layout->type));
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                              cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                              cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo,
                              void *workspace, size_t workspace_bytes, cudaStream_t stream)
{
    struct algorithm algorithm;
    struct product p;
    cublasStatus_t status = check_shapes(desc, a_layout, b_layout, c_layout, d_layout);

    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!handle || !algo)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    memcpy(&algorithm, algo, sizeof(algorithm));
    p.alpha = *(const float *)alpha;
    p.beta = *(const float *)beta;
    if (!operand_fits(a, a_layout) || !operand_fits(b, b_layout) || !operand_fits(d, d_layout) ||
        (p.beta != 0 && !operand_fits(c, c_layout)))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!(desc->epilogue & CUBLASLT_EPILOGUE_BIAS) && desc->bias)
        return CUBLAS_STATUS_INVALID_VALUE; /* as the library, and not before */
    if ((desc->epilogue & CUBLASLT_EPILOGUE_BIAS) &&
        !simt_is_device(desc->bias, a_layout->cols * element_bytes(a_layout->type)))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (algorithm.workspace_bytes > workspace_bytes ||
        (algorithm.workspace_bytes > 0 && !simt_is_device(workspace, workspace_bytes)))
        return CUBLAS_STATUS_INVALID_VALUE;
    p.type = a_layout->type;
    p.m = d_layout->rows;
    p.n = d_layout->cols;
    p.k = a_layout->rows;
    p.lda = a_layout->ld;
    p.ldb = b_layout->ld;
    p.ldc = c_layout->ld;
    p.ldd = d_layout->ld;
    p.a = a;
    p.b = b;
    p.c = c;
    p.d = d;
    p.bias = desc->bias;
    p.epilogue = desc->epilogue;
    p.lanes = algorithm.lanes;
    return simt_queue(stream, [p] { multiply(p); }) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                   : CUBLAS_STATUS_EXECUTION_FAILED;
}
