/*
 * y = gelu(x W^T + b) in one kernel, erf GELU on the f32 sums: the activation costs no pass over
 * memory. A block computes 128 rows by 128 columns with four warps of 64 by 64; rows of x and W
 * come in pieces of 32 elements by asynchronous copies, three pieces deep.
 *
 * As in attention_tiles.cu, fragments are loaded with 16-byte accesses, which is free to do because
 * the order of k inside a product is: with g = lane / 4 and c = lane % 4, lane c takes elements [8
 * c, 8 c + 8) of its rows for two products. The order of columns is free as well: rows of W are
 * staged so that a lane's results in a row are 16 neighbours.
 */
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/gelu.cuh"

enum {
    TILE = 128, /* rows and columns of a block */
    ROWS = 64,  /* of a warp */
    COLUMNS = 64,
    PRODUCTS = COLUMNS / 8, /* side by side */
    PIECE = 32,             /* elements of k in a stage */
    STAGES = 3,
    GELU_THREADS = TILE / ROWS * TILE / COLUMNS * WARP,
    PIECE_BYTES = PIECE * 2,
    OPERAND_BYTES = TILE * PIECE_BYTES,
    STAGE_BYTES = 2 * OPERAND_BYTES,
    CHUNKS = PIECE_BYTES / 16,
    COPY_ROWS = GELU_THREADS / CHUNKS,
};

/* Which column of the block's a staged row of W is: a warp's fragment column g of product i is
 * PRODUCTS g + i. */
SIMT_DEVICE int column_of(int staged)
{
    return staged / COLUMNS * COLUMNS + staged % 8 * PRODUCTS + staged % COLUMNS / 8;
}

/* What a thread copies: the same 16 bytes of every COPY_ROWS-th row. */
struct source {
    const unsigned char *x, *w; /* in the thread's first row of either */
    uint32_t row_bytes;
    int n_rows; /* of x, from the thread's first row on */
};

SIMT_DEVICE struct source source_of(const struct cuda_linear_launch &args, int row, int column,
                                    int n_rows)
{
    const int first = (int)threadIdx.x / CHUNKS, chunk = (int)threadIdx.x % CHUNKS;
    struct source from;

    from.row_bytes = (uint32_t)args.in * 2;
    from.x = (const unsigned char *)args.x + (size_t)(row + first) * from.row_bytes + chunk * 16;
    from.w = (const unsigned char *)args.weight +
             (size_t)(column + column_of(first)) * from.row_bytes + chunk * 16;
    from.n_rows = n_rows - row - first;
    return from;
}

/* Starts copying elements [PIECE * piece, + PIECE) of both operands' rows. */
SIMT_DEVICE void stage(unsigned char *shared, const struct source &from, int piece)
{
    unsigned char *to = shared + threadIdx.x * 16;
    const unsigned char *x = from.x + piece * PIECE_BYTES, *w = from.w + piece * PIECE_BYTES;

    SIMT_UNROLL
    for (int i = 0; i < TILE / COPY_ROWS; i++) {
        const int row = i * COPY_ROWS; /* more; column_of() of the sum is the sum */

        simt_copy_async16(to + row * PIECE_BYTES, x + (uint32_t)row * from.row_bytes,
                          row < from.n_rows);
        simt_copy_async16(to + OPERAND_BYTES + row * PIECE_BYTES,
                          w + (uint32_t)column_of(row) * from.row_bytes, true);
    }
}

/* The products of one stage; the warp's parts of x and W start at these rows of it. */
template <typename T>
SIMT_DEVICE void multiply(float (&sums)[4][PRODUCTS][4], const unsigned char *shared, int x_row,
                          int w_row)
{
    const int lane = (int)threadIdx.x % WARP, g = lane / 4, c = lane % 4;
    const unsigned char *x = shared + (x_row + g) * PIECE_BYTES + c * 16;
    const unsigned char *w = shared + OPERAND_BYTES + (w_row + g) * PIECE_BYTES + c * 16;
    uint32_t a[4][2][4];

    SIMT_UNROLL
    for (int m = 0; m < 4; m++) {
        const uint4 low = simt_load<uint4>(x + m * 16 * PIECE_BYTES);
        const uint4 high = simt_load<uint4>(x + (m * 16 + 8) * PIECE_BYTES);

        a[m][0][0] = low.x, a[m][0][1] = high.x, a[m][0][2] = low.y, a[m][0][3] = high.y;
        a[m][1][0] = low.z, a[m][1][1] = high.z, a[m][1][2] = low.w, a[m][1][3] = high.w;
    }
    SIMT_UNROLL
    for (int n = 0; n < PRODUCTS; n++) {
        const uint4 raw = simt_load<uint4>(w + n * 8 * PIECE_BYTES);
        const uint32_t b[2][2] = {{raw.x, raw.y}, {raw.z, raw.w}};

        SIMT_UNROLL
        for (int k = 0; k < 2; k++) {
            SIMT_UNROLL
            for (int m = 0; m < 4; m++)
                simt_mma<T>(sums[m][n], a[m][k], b[k]);
        }
    }
}

/* Neighbouring columns of rows g and g + 8 of each 16. */
template <typename T>
SIMT_DEVICE void finish(const float (&sums)[4][PRODUCTS][4], const float *bias, T *y,
                        size_t row_elements, int n_rows)
{
    const int g = (int)threadIdx.x % WARP / 4, column = (int)threadIdx.x % 4 * 2 * PRODUCTS;

    SIMT_UNROLL
    for (int at = 0; at < 2 * PRODUCTS; at += 8) {
        float added[8];

        elements_load(added, bias + column + at);
        SIMT_UNROLL
        for (int i = 0; i < 8; i++) {
            const int row = 8 * i + g, m = i / 2, half = i % 2;
            float out[8];

            SIMT_UNROLL
            for (int e = 0; e < 8; e++)
                out[e] = gelu_erf_16(sums[m][(at + e) % PRODUCTS][2 * half + (at + e) / PRODUCTS] +
                                     added[e]);
            if (row < n_rows)
                elements_store(y + (size_t)row * row_elements + column + at, out);
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(GELU_THREADS, 2) linear_gelu(const struct cuda_linear_launch args)
{
    SIMT_DYNAMIC_SHARED(shared);
    const int warp = (int)threadIdx.x / WARP, x_part = warp % (TILE / ROWS) * ROWS,
              w_part = warp / (TILE / ROWS) * COLUMNS;
    const int row = (int)blockIdx.y * TILE, column = (int)blockIdx.x * TILE;
    const int n_rows = *args.n_rows, n_pieces = args.in / PIECE;
    float sums[4][PRODUCTS][4];

    if (row >= n_rows)
        return;
    const struct source from = source_of(args, row, column, n_rows);
    SIMT_UNROLL
    for (int i = 0; i < 16 * PRODUCTS; i++)
        sums[i / 4 / PRODUCTS][i / 4 % PRODUCTS][i % 4] = 0;
    for (int i = 0; i < STAGES - 1; i++) {
        if (i < n_pieces)
            stage(shared + i * STAGE_BYTES, from, i);
        simt_copy_commit();
    }
    for (int i = 0; i < n_pieces; i++) {
        const int next = i + STAGES - 1;

        simt_copy_wait<STAGES - 2>();
        simt_block_sync(); /* this stage has arrived, and the one before it is read */
        if (next < n_pieces)
            stage(shared + next % STAGES * STAGE_BYTES, from, next);
        simt_copy_commit();
        multiply<T>(sums, shared + i % STAGES * STAGE_BYTES, x_part, w_part);
    }
    simt_copy_wait<0>();
    finish(sums, args.bias + column + w_part,
           (T *)args.y + (size_t)(row + x_part) * (size_t)args.out + column + w_part,
           (size_t)args.out, n_rows - row - x_part);
}

bool cuda_linear_gelu_fits(enum cuda_type type, int in, int out)
{
    return type != CUDA_TYPE_F32 && in % PIECE == 0 && out % TILE == 0;
}

cudaError_t cuda_linear_gelu(const struct cuda_linear_launch *args, cudaStream_t stream)
{
    const dim3 grid((unsigned)(args->out / TILE), blocks_for((size_t)args->rung_rows, TILE));
    const struct simt_where where = {grid, GELU_THREADS, STAGES * STAGE_BYTES, stream};

    if (!cuda_linear_gelu_fits(args->type, args->in, args->out))
        return cudaErrorInvalidValue;
    if (args->rung_rows == 0)
        return cudaSuccess;
    return args->type == CUDA_TYPE_F16 ? simt_launch(linear_gelu<__half>, where, *args)
                                       : simt_launch(linear_gelu<__nv_bfloat16>, where, *args);
}
