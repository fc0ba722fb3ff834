/*
 * Layer norm (Ba et al. 2016) of rows that a source computes: norm.cu adds two tensors, embed.cu
 * three table rows. A warp takes a row and keeps it in registers; rows that are too wide or whose
 * width is no multiple of 8 are computed anew for each of three sweeps.
 *
 * A source is a struct with element type T and
 *   source_load(float (&x)[W], const source &, int row, int at)   W = 8 and 1
 */
#ifndef KERNELS_CUDA_NORM_CUH
#define KERNELS_CUDA_NORM_CUH

#include "kernels/cuda/elements.cuh"

enum { NORM_WARPS = 4 };

struct norm_to {
    const int32_t *n_rows; /* NULL: rung_rows */
    int rung_rows;
    int hidden;
    const float *gamma, *beta; /* NULL: no norm */
    float eps;
    void *stream, *operand; /* (rows, H), may be equal */
    float *mean, *rstd;
};

template <typename T, int W>
SIMT_DEVICE void norm_store(const struct norm_to &to, size_t at, const float (&y)[W])
{
    elements_store((T *)to.stream + at, y);
    if (to.operand != to.stream)
        elements_store((T *)to.operand + at, y);
}

SIMT_DEVICE void norm_save(const struct norm_to &to, int row, float mean, float rstd)
{
    if (to.mean && threadIdx.x % WARP == 0) {
        to.mean[row] = mean;
        to.rstd[row] = rstd;
    }
}

SIMT_DEVICE bool norm_has(const struct norm_to &to, int row)
{
    return row < (to.n_rows ? *to.n_rows : to.rung_rows);
}

/* gamma and beta of W elements. */
template <int W> struct norm_factors {
    float gamma[W], beta[W];
};

template <int W>
SIMT_DEVICE void norm_load(struct norm_factors<W> &f, const struct norm_to &to, int at)
{
    elements_load(f.gamma, to.gamma + at);
    elements_load(f.beta, to.beta + at);
}

template <int W>
SIMT_DEVICE void norm_apply(float (&x)[W], const struct norm_factors<W> &f, float mean, float rstd)
{
    SIMT_UNROLL
    for (int i = 0; i < W; i++)
        x[i] = (x[i] - mean) * rstd * f.gamma[i] + f.beta[i];
}

/* Lane i holds elements [8 (i + 32 c), + 8) for each chunk c. FEW: rows; then lanes past the end
 * load the last elements again, since no load is to wait for a branch. */
template <typename T, typename Source, int CHUNKS, bool FEW>
__global__ void __launch_bounds__(NORM_WARPS *WARP)
    norm_narrow(const Source source, const struct norm_to to)
{
    const int lane = (int)threadIdx.x % WARP;
    const int row = (int)(blockIdx.x * NORM_WARPS + threadIdx.x / WARP);
    const size_t row_at = (size_t)row * (size_t)to.hidden;
    struct norm_factors<8> factors[CHUNKS];
    float x[CHUNKS][8], sum = 0, squares = 0;

    if (!norm_has(to, row))
        return;
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        const int at = 8 * (lane + WARP * c);
        const bool has = at < to.hidden;

        if (FEW || has)
            source_load(x[c], source, row, has ? at : to.hidden - 8);
        if (FEW && to.gamma)
            norm_load(factors[c], to, has ? at : to.hidden - 8);
        if (!has)
            for (int i = 0; i < 8; i++)
                x[c][i] = 0;
    }
    if (to.gamma) {
        SIMT_UNROLL
        for (int c = 0; c < CHUNKS; c++)
            for (int i = 0; i < 8; i++)
                sum += x[c][i];
        const float mean = warp_sum(sum) / (float)to.hidden;
        SIMT_UNROLL
        for (int c = 0; c < CHUNKS; c++)
            if (8 * (lane + WARP * c) < to.hidden)
                for (int i = 0; i < 8; i++)
                    squares += (x[c][i] - mean) * (x[c][i] - mean);
        const float rstd = 1.0f / sqrtf(warp_sum(squares) / (float)to.hidden + to.eps);
        SIMT_UNROLL
        for (int c = 0; c < CHUNKS; c++)
            if (8 * (lane + WARP * c) < to.hidden) {
                if (!FEW)
                    norm_load(factors[c], to, 8 * (lane + WARP * c));
                norm_apply(x[c], factors[c], mean, rstd);
            }
        norm_save(to, row, mean, rstd);
    }
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++)
        if (8 * (lane + WARP * c) < to.hidden)
            norm_store<T>(to, row_at + (size_t)(8 * (lane + WARP * c)), x[c]);
}

template <typename T, typename Source>
__global__ void __launch_bounds__(NORM_WARPS *WARP)
    norm_wide(const Source source, const struct norm_to to)
{
    const int lane = (int)threadIdx.x % WARP;
    const int row = (int)(blockIdx.x * NORM_WARPS + threadIdx.x / WARP);
    const size_t row_at = (size_t)row * (size_t)to.hidden;
    float x[1], sum = 0, squares = 0, mean = 0, rstd = 0;

    if (!norm_has(to, row))
        return;
    if (to.gamma) {
        for (int i = lane; i < to.hidden; i += WARP) {
            source_load(x, source, row, i);
            sum += x[0];
        }
        mean = warp_sum(sum) / (float)to.hidden;
        for (int i = lane; i < to.hidden; i += WARP) {
            source_load(x, source, row, i);
            squares += (x[0] - mean) * (x[0] - mean);
        }
        rstd = 1.0f / sqrtf(warp_sum(squares) / (float)to.hidden + to.eps);
        norm_save(to, row, mean, rstd);
    }
    for (int i = lane; i < to.hidden; i += WARP) {
        source_load(x, source, row, i);
        if (to.gamma) {
            struct norm_factors<1> factors;

            norm_load(factors, to, i);
            norm_apply(x, factors, mean, rstd);
        }
        norm_store<T>(to, row_at + (size_t)i, x);
    }
}

template <typename T, typename Source>
cudaError_t norm_launch(const Source &source, const struct norm_to &to, cudaStream_t stream)
{
    const struct simt_where where = {blocks_for((size_t)to.rung_rows, NORM_WARPS),
                                     NORM_WARPS * WARP, 0, stream};
    const int chunks = to.hidden % 8 ? 0 : (to.hidden + 8 * WARP - 1) / (8 * WARP);

    if (to.rung_rows == 0)
        return cudaSuccess;
    if (to.rung_rows <= FEW_ROWS && chunks == 2)
        return simt_launch(norm_narrow<T, Source, 2, true>, where, source, to);
    if (to.rung_rows <= FEW_ROWS && chunks == 3)
        return simt_launch(norm_narrow<T, Source, 3, true>, where, source, to);
    switch (chunks) {
    case 1:
        return simt_launch(norm_narrow<T, Source, 1, false>, where, source, to);
    case 2:
        return simt_launch(norm_narrow<T, Source, 2, false>, where, source, to);
    case 3:
        return simt_launch(norm_narrow<T, Source, 3, false>, where, source, to);
    case 4:
        return simt_launch(norm_narrow<T, Source, 4, false>, where, source, to);
    case 5:
    case 6:
    case 7:
    case 8:
        return simt_launch(norm_narrow<T, Source, 8, false>, where, source, to);
    default:
        return simt_launch(norm_wide<T, Source>, where, source, to);
    }
}

#endif
