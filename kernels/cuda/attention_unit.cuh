/*
 * What a warp does in attention_tiles.cu: 16 query rows against ranges of keys, 32 at a time, with
 * a running softmax (Milakov and Gimelshein 2018).
 *
 * Fragments are loaded with 16-byte accesses and no ldmatrix. With g = lane / 4 and c = lane % 4:
 *   - the order of d inside q k^T is free: of every 32 elements, lane c takes [8 c, 8 c + 8) of its
 *     query rows and keys for two products
 *   - the order of the columns of p v is free: of every VALUES columns, lane g takes the g-th
 *     eighth, so that column g of product i is column TILES g + i, and a lane's results are
 *     2 TILES neighbours from 2 TILES c on
 *   - p comes out of q k^T as p v wants it
 */
#ifndef KERNELS_CUDA_ATTENTION_UNIT_CUH
#define KERNELS_CUDA_ATTENTION_UNIT_CUH

#include "kernels/cuda/elements.cuh"

template <int D> struct head_shape {
    enum {
        KEY_PARTS = D / 32,        /* 16-byte loads of a key by a lane */
        VALUES = D > 64 ? 64 : 32, /* columns in a block of them */
        VALUE_BLOCKS = D / VALUES, /* blocks */
        TILES = VALUES / 8,        /* products of 8 columns to a block */
        CHUNKS = D / 8,            /* of 16 bytes in a row */
        KEY_BYTES = 2 * D,         /* of a staged row */
        VALUE_BYTES = 2 * D + 16,  /* 16 more: rows start at other banks */
        STAGES = D <= 64,          /* else 48 KB are too few */
        SHARED = STAGES ? CUDA_TILE_KEYS * (KEY_BYTES + VALUE_BYTES) : 0,
        BLOCKS = D == 32   ? 4
                 : D == 64 ? 3
                           : 2, /* on a multiprocessor at least */
    };
};

/* One warp's rows, and what each of its lanes knows of rows g and g + 8. */
template <int D> struct unit_state {
    uint32_t q[D / 16][4];
    float mix[D / 8][4]; /* relative to 2^top, like sum; columns as above */
    float top[2];
    float sum[4]; /* as a column of mix whose values are 1: of rows g in [0], g + 8 in [2] */
};

/* Keys and values of a range of rows: addresses of the first row's. */
struct key_rows {
    const unsigned char *keys, *values;
    int parity; /* staged: of the first row */
};

/* Of q k^T, to units of log 2: log2(e) / sqrt(D). */
template <int D> SIMT_DEVICE float score_scale()
{
    return 1.44269504f / sqrtf((float)D);
}

/* A unit's keys: the parent's, or its own segment's. */
struct key_range {
    struct key_rows rows;
    int n;            /* keys that any row sees */
    int all_seen;     /* keys that every row sees */
    int last_seen[2]; /* by rows g and g + 8 */
};

template <int D, bool STAGED>
SIMT_DEVICE uint4 load_key(const struct key_rows &rows, uint32_t stride, int row, int chunk)
{
    if (STAGED) {
        const int swizzled = D == 32 ? chunk : chunk ^ (((row + rows.parity) & 1) << 2);

        return simt_load<uint4>(rows.keys + row * head_shape<D>::KEY_BYTES + swizzled * 16);
    }
    return simt_load<uint4>(rows.keys + ((uint32_t)row * stride + (uint32_t)chunk * 16));
}

/* TILES elements of a row of values as words of two. */
template <int D, bool STAGED>
SIMT_DEVICE void load_values(uint32_t (&words)[head_shape<D>::TILES / 2],
                             const struct key_rows &rows, uint32_t stride, int row, int block,
                             int g)
{
    const uint32_t row_at =
        STAGED ? (uint32_t)(row * head_shape<D>::VALUE_BYTES) : (uint32_t)row * stride;
    const unsigned char *from =
        rows.values +
        (row_at + (uint32_t)(block * 2 * head_shape<D>::VALUES + g * 2 * head_shape<D>::TILES));

    if constexpr (head_shape<D>::TILES == 4) {
        const uint2 raw = simt_load<uint2>(from);

        words[0] = raw.x, words[1] = raw.y;
    } else {
        const uint4 raw = simt_load<uint4>(from);

        words[0] = raw.x, words[1] = raw.y, words[2] = raw.z, words[3] = raw.w;
    }
}

SIMT_DEVICE int at_most(int x, int limit)
{
    return x < limit ? x : limit;
}

/* Maximum and sum over the four lanes that share rows. */
SIMT_DEVICE float quad_max(float x)
{
    x = fmaxf(x, simt_shuffle_xor(x, 1));
    return fmaxf(x, simt_shuffle_xor(x, 2));
}

SIMT_DEVICE float quad_sum(float x)
{
    x += simt_shuffle_xor(x, 1);
    return x + simt_shuffle_xor(x, 2);
}

/* Makes `top` the reference of what was summed so far. */
template <int D> SIMT_DEVICE void raise_top(struct unit_state<D> &u, int half, float top)
{
    const float by = simt_exp2(u.top[half] - top);

    u.top[half] = top;
    u.sum[2 * half] *= by;
    SIMT_UNROLL
    for (int i = 0; i < D / 8; i++) {
        u.mix[i][2 * half] *= by;
        u.mix[i][2 * half + 1] *= by;
    }
}

/* 1 twice, as a constant: simt_pack is not one. */
template <typename T> SIMT_DEVICE uint32_t two_ones();

template <> SIMT_DEVICE uint32_t two_ones<__half>()
{
    return 0x3c003c00;
}

template <> SIMT_DEVICE uint32_t two_ones<__nv_bfloat16>()
{
    return 0x3f803f80;
}

/*
 * KEYS keys of a range from `first` on. PARTIAL: not all of them are seen by every row. Then no row
 * after the last key is read: what lies there is another segment's, and may be infinite.
 */
template <typename T, int D, int KEYS, bool PARTIAL, bool STAGED, bool CAUSAL>
SIMT_DEVICE void attend(struct unit_state<D> &u, const struct key_range &range, uint32_t stride,
                        float scale, int first)
{
    using shape = head_shape<D>;
    const int lane = (int)threadIdx.x % WARP, g = lane / 4, c = lane % 4;
    float s[KEYS / 8][4];
    uint32_t p[KEYS / 16][4];

    SIMT_UNROLL
    for (int n = 0; n < KEYS / 8; n++) {
        const int row = first + 8 * n + g;

        s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0;
        SIMT_UNROLL
        for (int part = 0; part < shape::KEY_PARTS; part++) {
            const uint4 k = load_key<D, STAGED>(
                range.rows, stride, PARTIAL && !STAGED ? at_most(row, range.n - 1) : row,
                4 * part + c);
            const uint32_t low[2] = {k.x, k.y}, high[2] = {k.z, k.w};

            simt_mma<T>(s[n], u.q[2 * part], low);
            simt_mma<T>(s[n], u.q[2 * part + 1], high);
        }
        if (PARTIAL) {
            SIMT_UNROLL
            for (int i = 0; i < 4; i++)
                if (first + 8 * n + 2 * c + (i & 1) >
                    (CAUSAL ? range.last_seen[i / 2] : range.n - 1))
                    s[n][i] = -INFINITY;
        }
    }
    SIMT_UNROLL
    for (int half = 0; half < 2; half++) {
        float top = fmaxf(s[0][2 * half], s[0][2 * half + 1]);

        SIMT_UNROLL
        for (int n = 1; n < KEYS / 8; n++)
            top = fmaxf(top, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
        raise_top(u, half, fmaxf(u.top[half], quad_max(top) * scale));
        SIMT_UNROLL
        for (int n = 0; n < KEYS / 8; n++) {
            SIMT_UNROLL
            for (int i = 2 * half; i < 2 * half + 2; i++)
                s[n][i] = simt_exp2(fmaf(s[n][i], scale, -u.top[half]));
            p[n / 2][n % 2 * 2 + half] = simt_pack<T>(s[n][2 * half], s[n][2 * half + 1]);
        }
    }
    SIMT_UNROLL
    for (int t = 0; t < KEYS / 16; t++) {
        const uint32_t ones[2] = {two_ones<T>(), two_ones<T>()};

        simt_mma<T>(u.sum, p[t], ones); /* cheaper than additions, and of p as rounded */
        SIMT_UNROLL
        for (int block = 0; block < shape::VALUE_BLOCKS; block++) {
            uint32_t v[4][shape::TILES / 2];

            SIMT_UNROLL
            for (int i = 0; i < 4; i++) {
                const int row = first + 16 * t + 2 * c + (i & 1) + 8 * (i / 2);

                load_values<D, STAGED>(v[i], range.rows, stride,
                                       PARTIAL ? at_most(row, range.n - 1) : row, block, g);
            }
            SIMT_UNROLL
            for (int w = 0; w < shape::TILES / 2; w++) {
                const uint32_t even[2] = {simt_permute(v[0][w], v[1][w], 0x5410),
                                          simt_permute(v[2][w], v[3][w], 0x5410)};
                const uint32_t odd[2] = {simt_permute(v[0][w], v[1][w], 0x7632),
                                         simt_permute(v[2][w], v[3][w], 0x7632)};

                simt_mma<T>(u.mix[block * shape::TILES + 2 * w], p[t], even);
                simt_mma<T>(u.mix[block * shape::TILES + 2 * w + 1], p[t], odd);
            }
        }
    }
}

/* Bytes of rows of q, k and v: where row 0's head starts, and of a row. */
struct head_rows {
    const unsigned char *q, *k, *v;
    uint32_t stride;
};

/* Eight elements of a query, rounded again with their bias: words of two. */
template <typename T>
SIMT_DEVICE void load_query(uint32_t (&words)[4], const unsigned char *from, const float (&bias)[8])
{
    float x[8];

    elements_load(x, (const T *)from);
    SIMT_UNROLL
    for (int i = 0; i < 4; i++)
        words[i] = simt_pack<T>(x[2 * i] + bias[2 * i], x[2 * i + 1] + bias[2 * i + 1]);
}

/* The batch's rows that a lane's fragments are of; rows past the unit's are its last one again. */
SIMT_DEVICE void unit_rows(int (&rows)[2], const struct cuda_unit &unit)
{
    const int g = (int)threadIdx.x % WARP / 4;

    rows[0] = unit.row + at_most(g, unit.n_rows - 1);
    rows[1] = unit.row + at_most(g + 8, unit.n_rows - 1);
}

/* bias: (D) of q, NULL: none. */
template <typename T, int D>
SIMT_DEVICE void unit_begin(struct unit_state<D> &u, const struct head_rows &head,
                            const float *bias, const struct cuda_unit &unit)
{
    const int c = (int)threadIdx.x % 4;
    int rows[2];

    unit_rows(rows, unit);
    SIMT_UNROLL
    for (int part = 0; part < D / 32; part++) {
        const size_t at = (size_t)(4 * part + c) * 16;
        float b[8] = {0};

        if (bias)
            elements_load(b, bias + 8 * (4 * part + c));
        SIMT_UNROLL
        for (int half = 0; half < 2; half++) {
            uint32_t words[4];

            load_query<T>(words, head.q + (size_t)rows[half] * head.stride + at, b);
            SIMT_UNROLL
            for (int w = 0; w < 4; w++)
                u.q[2 * part + w / 2][w % 2 * 2 + half] = words[w];
        }
    }
    SIMT_UNROLL
    for (int i = 0; i < D / 8; i++)
        u.mix[i][0] = u.mix[i][1] = u.mix[i][2] = u.mix[i][3] = 0;
    u.top[0] = u.top[1] = -INFINITY;
    u.sum[0] = u.sum[1] = u.sum[2] = u.sum[3] = 0;
}

/* One-token segments: each row attends to itself as well. sum is of all keys already. */
template <typename T, int D>
SIMT_DEVICE void attend_self(struct unit_state<D> &u, const struct head_rows &head,
                             const struct cuda_unit &unit, float scale)
{
    using shape = head_shape<D>;
    const int c = (int)threadIdx.x % 4;
    int rows[2];

    unit_rows(rows, unit);

    SIMT_UNROLL
    for (int half = 0; half < 2; half++) {
        const unsigned char *k = head.k + (size_t)rows[half] * head.stride;
        const unsigned char *v = head.v + (size_t)rows[half] * head.stride;
        float score = 0, p;

        SIMT_UNROLL
        for (int part = 0; part < shape::KEY_PARTS; part++) {
            const uint4 raw = simt_load<uint4>(k + (4 * part + c) * 16);
            const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};

            SIMT_UNROLL
            for (int w = 0; w < 4; w++) {
                const float2 key = simt_unpack<T>(words[w]);
                const float2 query = simt_unpack<T>(u.q[2 * part + w / 2][w % 2 * 2 + half]);

                score = fmaf(key.x, query.x, score);
                score = fmaf(key.y, query.y, score);
            }
        }
        score = quad_sum(score);
        raise_top(u, half, fmaxf(u.top[half], score * scale));
        p = simt_exp2(fmaf(score, scale, -u.top[half]));
        u.sum[2 * half] += p;
        SIMT_UNROLL
        for (int block = 0; block < shape::VALUE_BLOCKS; block++) {
            SIMT_UNROLL
            for (int part = 0; part < shape::TILES / 4; part++) {
                const uint4 raw = simt_load<uint4>(v + block * 2 * shape::VALUES +
                                                   c * 4 * shape::TILES + part * 16);
                const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};

                SIMT_UNROLL
                for (int i = 0; i < 8; i++) { /* the lane's columns in order */
                    const int column = 8 * part + i;
                    const float2 pair = simt_unpack<T>(words[i / 2]);
                    float(&mix)[4] = u.mix[block * shape::TILES + column % shape::TILES];

                    mix[2 * half + column / shape::TILES] =
                        fmaf(p, i % 2 ? pair.y : pair.x, mix[2 * half + column / shape::TILES]);
                }
            }
        }
    }
}

template <typename T, int D>
SIMT_DEVICE void unit_store(const struct unit_state<D> &u, const struct cuda_attention_launch &args,
                            const struct cuda_unit &unit, int head)
{
    using shape = head_shape<D>;
    const int lane = (int)threadIdx.x % WARP, g = lane / 4, c = lane % 4;
    const float *bias = args.bias ? args.bias + 2 * args.hidden + head * D : NULL; /* of v */

    SIMT_UNROLL
    for (int half = 0; half < 2; half++) {
        const int row = g + 8 * half;
        const size_t batch_row = (size_t)(unit.row + row);
        const float by = simt_reciprocal(u.sum[2 * half]);
        T *out = (T *)args.out + batch_row * (size_t)args.hidden + head * D + c * 2 * shape::TILES;

        if (row >= unit.n_rows)
            break;
        SIMT_UNROLL
        for (int block = 0; block < shape::VALUE_BLOCKS; block++) {
            SIMT_UNROLL
            for (int part = 0; part < shape::TILES / 4; part++) {
                float y[8] = {0};

                if (bias) /* probabilities add up to 1 */
                    elements_load(y,
                                  bias + c * 2 * shape::TILES + block * shape::VALUES + 8 * part);
                SIMT_UNROLL
                for (int i = 0; i < 8; i++) {
                    const int column = 8 * part + i;

                    y[i] = fmaf(u.mix[block * shape::TILES + column % shape::TILES]
                                     [2 * half + column / shape::TILES],
                                by, y[i]);
                }
                elements_store(out + block * shape::VALUES + 8 * part, y);
            }
        }
        if (args.lse && c == 0)
            args.lse[batch_row * (size_t)args.heads + (size_t)head] =
                u.top[half] * 0.69314718f + logf(u.sum[2 * half]);
    }
}

/* `at`: row of shared memory, where the range is staged. */
template <int D, bool STAGED>
SIMT_DEVICE void range_begin(struct key_range &range, const struct head_rows &head,
                             const unsigned char *shared, int at, int start, int len)
{
    using shape = head_shape<D>;

    if (STAGED) {
        range.rows.keys = shared + at * shape::KEY_BYTES;
        range.rows.values = shared + CUDA_TILE_KEYS * shape::KEY_BYTES + at * shape::VALUE_BYTES;
        range.rows.parity = at;
    } else {
        range.rows.keys = head.k + (size_t)start * head.stride;
        range.rows.values = head.v + (size_t)start * head.stride;
        range.rows.parity = 0;
    }
    range.n = range.all_seen = len;
    range.last_seen[0] = range.last_seen[1] = len - 1;
}

/* A row sees no later row of its own segment. */
SIMT_DEVICE void range_make_causal(struct key_range &range, const struct cuda_unit &unit)
{
    const int first_row = unit.row - unit.own_start;
    int rows[2];

    unit_rows(rows, unit);
    range.n = at_most(range.n, first_row + CUDA_UNIT_ROWS);
    range.all_seen = first_row + 1;
    range.last_seen[0] = rows[0] - unit.own_start;
    range.last_seen[1] = rows[1] - unit.own_start;
}

/* STAGED: parent and run are in shared memory from row 0 on, one after the other. */
template <typename T, int D, bool STAGED, bool CAUSAL>
SIMT_DEVICE void attend_ranges(struct unit_state<D> &u, const struct cuda_tile &tile,
                               const struct cuda_unit &unit, const struct head_rows &head,
                               const unsigned char *shared)
{
    const float scale = score_scale<D>();
    struct key_range range;

    range_begin<D, STAGED>(range, head, shared, 0, tile.parent_start, tile.parent_len);
    SIMT_ROLLED
    for (int of_parent = 1; of_parent >= 0; of_parent--) {
        enum { STEP = STAGED || D == 32 ? 32 : 16 }; /* fewer keys, fewer registers */
        int first = 0;

        SIMT_ROLLED
        for (; first + STEP <= range.all_seen; first += STEP)
            attend<T, D, STEP, false, STAGED, CAUSAL>(u, range, head.stride, scale, first);
        SIMT_ROLLED
        for (; first + 16 < range.n; first += STEP)
            attend<T, D, STEP, true, STAGED, CAUSAL>(u, range, head.stride, scale, first);
        if (first < range.n)
            attend<T, D, 16, true, STAGED, CAUSAL>(u, range, head.stride, scale, first);
        if (of_parent) {
            range_begin<D, STAGED>(range, head, shared,
                                   tile.parent_len + unit.own_start - tile.run_start,
                                   unit.own_start, unit.own_len);
            if (CAUSAL)
                range_make_causal(range, unit);
        }
    }
}

#endif
