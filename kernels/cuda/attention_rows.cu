/*
 * Attention with a warp for each row and head. The warp is cut into groups of LANES lanes; a group
 * takes every (32 / LANES)-th key with a softmax of its own (Milakov and Gimelshein 2018), and the
 * groups are merged at the end. No shared memory, no tensor cores.
 */
#include "kernels/cuda/attention.h"
#include "kernels/cuda/elements.cuh"

enum { ROWS_WARPS = 8, ROWS_MAX_HEAD = 512 };

/* Where the keys that a query sees are: the parent's, then its own segment's. */
struct visible {
    int parent_start, parent_len, own_start, n;
};

SIMT_DEVICE int visible_row(const struct visible &keys, int key)
{
    return key < keys.parent_len ? keys.parent_start + key : keys.own_start + key - keys.parent_len;
}

SIMT_DEVICE struct visible visible_of(const struct cuda_segment &segment, int row, bool causal)
{
    const int own = causal ? row - segment.start + 1 : segment.len;

    return {segment.parent_start, segment.parent_len, segment.start, segment.parent_len + own};
}

/* A running softmax: scores are in units of log 2; sum and mix are relative to 2^top. */
template <int W, int CHUNKS> struct softmax {
    float top, sum, mix[CHUNKS][W];
};

template <int W, int CHUNKS> SIMT_DEVICE void rescale(struct softmax<W, CHUNKS> &s, float top)
{
    const float by = simt_exp2(s.top - top);

    s.top = top;
    s.sum *= by;
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            s.mix[c][i] *= by;
    }
}

/* Sums the groups of the warp; every lane gets its elements' total. */
template <int W, int CHUNKS, int LANES> SIMT_DEVICE void merge(struct softmax<W, CHUNKS> &s)
{
    SIMT_UNROLL
    for (int mask = LANES; mask < WARP; mask *= 2) {
        rescale(s, fmaxf(s.top, simt_shuffle_xor(s.top, mask)));
        s.sum += simt_shuffle_xor(s.sum, mask);
        SIMT_UNROLL
        for (int c = 0; c < CHUNKS; c++) {
            SIMT_UNROLL
            for (int i = 0; i < W; i++)
                s.mix[c][i] += simt_shuffle_xor(s.mix[c][i], mask);
        }
    }
}

/* The lane's elements of a row of a head. Lanes past the head's end load its last ones again: no
 * load waits for a branch. */
template <typename T, int W, int LANES, int CHUNKS>
SIMT_DEVICE void load_head(float (&x)[CHUNKS][W], const T *row, int d)
{
    const int lane = (int)threadIdx.x % LANES;

    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        const int at = W * (lane + LANES * c);

        elements_load(x[c], row + (at < d ? at : d - W));
    }
}

/* The same of a head's bias; zeros if it is NULL. */
template <int W, int LANES, int CHUNKS>
SIMT_DEVICE void load_bias(float (&x)[CHUNKS][W], const float *bias, int d)
{
    if (bias) {
        load_head<float, W, LANES>(x, bias, d);
        return;
    }
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            x[c][i] = 0;
    }
}

/* Lane l of a group holds elements [W (l + LANES c), + W) of a head for each chunk c, and takes
 * KEYS keys at a time. */
template <typename T, int W, int LANES, int CHUNKS, int KEYS>
__global__ void __launch_bounds__(ROWS_WARPS *WARP, CHUNKS > 2 ? 1 : 3)
    attention_rows(const struct cuda_batch batch, const struct cuda_attention_launch args)
{
    enum { GROUPS = WARP / LANES };
    const int out_row = (int)(blockIdx.x * ROWS_WARPS + threadIdx.x / WARP);
    const int head = (int)blockIdx.y, d = args.hidden / args.heads;
    const int lane = (int)threadIdx.x % LANES, group = (int)threadIdx.x % WARP / LANES;
    const size_t hidden = (size_t)args.hidden, head_at = (size_t)head * (size_t)d;
    const T *q = (const T *)args.qkv + head_at, *k = q + hidden, *v = k + hidden;
    const float scale = 1.44269504f / sqrtf((float)d); /* log2 e */
    float query[CHUNKS][W], of_bias[CHUNKS][W];
    struct softmax<W, CHUNKS> s;

    if (out_row >= (args.read_only ? batch.counts->n_read : batch.counts->n_tokens))
        return;
    const int row = args.read_only ? batch.read[out_row] : out_row;
    const struct cuda_segment segment =
        batch.segments[args.read_only ? batch.read_segments[out_row] : batch.segment_of[row]];
    const struct visible keys = visible_of(segment, row, args.causal);

    s.top = -1e30f; /* below every score, and finite: a group may have no key */
    s.sum = 0;
    load_head<T, W, LANES>(query, q + (size_t)row * 3 * hidden, d);
    load_bias<W, LANES>(of_bias, args.bias ? args.bias + head_at : NULL, d);
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        SIMT_UNROLL
        for (int i = 0; i < W; i++) {
            s.mix[c][i] = 0;
            query[c][i] += of_bias[c][i];
            if (W * (lane + LANES * c) >= d)
                query[c][i] = 0;
        }
    }
    for (int first = 0; first < keys.n; first += GROUPS * KEYS) {
        float of_key[KEYS][CHUNKS][W], of_value[KEYS][CHUNKS][W], score[KEYS], top = s.top;

        SIMT_UNROLL
        for (int i = 0; i < KEYS; i++) {
            const int key = first + GROUPS * i + group;
            const size_t at =
                (size_t)visible_row(keys, key < keys.n ? key : keys.n - 1) * 3 * hidden;

            load_head<T, W, LANES>(of_key[i], k + at, d);
            load_head<T, W, LANES>(of_value[i], v + at, d);
        }
        SIMT_UNROLL
        for (int i = 0; i < KEYS; i++) {
            score[i] = 0;
            SIMT_UNROLL
            for (int c = 0; c < CHUNKS; c++) {
                SIMT_UNROLL
                for (int e = 0; e < W; e++)
                    score[i] = fmaf(of_key[i][c][e], query[c][e], score[i]);
            }
            SIMT_UNROLL
            for (int mask = LANES / 2; mask > 0; mask /= 2)
                score[i] += simt_shuffle_xor(score[i], mask);
            score[i] = first + GROUPS * i + group < keys.n ? score[i] * scale : -INFINITY;
            top = fmaxf(top, score[i]);
        }
        rescale(s, top);
        SIMT_UNROLL
        for (int i = 0; i < KEYS; i++) {
            const float p = simt_exp2(score[i] - s.top);

            s.sum += p;
            SIMT_UNROLL
            for (int c = 0; c < CHUNKS; c++) {
                SIMT_UNROLL
                for (int e = 0; e < W; e++)
                    s.mix[c][e] = fmaf(p, of_value[i][c][e], s.mix[c][e]);
            }
        }
    }
    merge<W, CHUNKS, LANES>(s);
    const float by = 1.0f / s.sum;
    load_bias<W, LANES>(of_bias, args.bias ? args.bias + 2 * hidden + head_at : NULL, d);
    SIMT_UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        const int at = W * (lane + LANES * c);

        SIMT_UNROLL
        for (int i = 0; i < W; i++)
            s.mix[c][i] = fmaf(s.mix[c][i], by, of_bias[c][i]); /* probabilities add up to 1 */
        if (group == 0 && at < d)
            elements_store((T *)args.out + (size_t)out_row * hidden + head_at + at, s.mix[c]);
    }
    if (args.lse && group == 0 && lane == 0)
        args.lse[(size_t)out_row * (size_t)args.heads + (size_t)head] =
            s.top * 0.69314718f + logf(s.sum);
}

template <typename T>
static cudaError_t launch(const struct cuda_batch *batch, const struct cuda_attention_launch *args,
                          cudaStream_t stream)
{
    const int rows = args->read_only ? batch->rung_read : batch->rung;
    const int d = args->hidden / args->heads;
    const dim3 grid(blocks_for((size_t)rows, ROWS_WARPS), (unsigned)args->heads);
    const struct simt_where where = {grid, ROWS_WARPS * WARP, 0, stream};

    if (d > ROWS_MAX_HEAD)
        return cudaErrorInvalidValue;
    if ((d % 8 || args->hidden % 8) && d <= 64)
        return simt_launch(attention_rows<T, 1, 32, 2, 1>, where, *batch, *args);
    if (d % 8 || args->hidden % 8 || d > 256)
        return simt_launch(attention_rows<T, 1, 32, ROWS_MAX_HEAD / 32, 1>, where, *batch, *args);
    if (d <= 32)
        return simt_launch(attention_rows<T, 8, 4, 1, 4>, where, *batch, *args);
    if (d <= 64)
        return simt_launch(attention_rows<T, 8, 8, 1, 4>, where, *batch, *args);
    if (d <= 128)
        return simt_launch(attention_rows<T, 8, 16, 1, 4>, where, *batch, *args);
    return simt_launch(attention_rows<T, 8, 32, 1, 4>, where, *batch, *args);
}

cudaError_t cuda_attention_rows(const struct cuda_batch *batch,
                                const struct cuda_attention_launch *args, cudaStream_t stream)
{
    return launch_by_type(
        args->type, [&](auto element) { return launch<decltype(element)>(batch, args, stream); });
}
