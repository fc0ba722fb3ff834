/* Products of the stand-in, in the order of summation that an algorithm has. */
#include "tests/simt/cublaslt_state.h"

#include <vector>

#include <math.h>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

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
    switch (p.lanes) {
    case 16:
        return multiply_rows<16>(p, a, b, sums);
    case 8:
        return multiply_rows<8>(p, a, b, sums);
    case 4:
        return multiply_rows<4>(p, a, b, sums);
    case 2:
        return multiply_rows<2>(p, a, b, sums);
    default:
        return multiply_rows<1>(p, a, b, sums);
    }
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
    struct product p;
    cublasStatus_t status = check_shapes(desc, a_layout, b_layout, c_layout, d_layout);

    if (simt_call(__func__) != cudaSuccess)
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!handle || !algo)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    const struct simt_algorithm algorithm = algorithm_of(algo);
    if (!algorithm_takes(algorithm, d_layout->cols))
        return CUBLAS_STATUS_NOT_SUPPORTED;
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
    if (algorithm.by_place && (uintptr_t)b / ((size_t)p.ldb * element_bytes(p.type)) % 2 == 1)
        p.lanes = p.lanes == 8 ? 16 : 8;
    const double us = algorithm.us;
    return simt_queue(stream,
                      [p, us] {
                          multiply(p);
                          simt_take_time(us);
                      }) == cudaSuccess
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_EXECUTION_FAILED;
}
