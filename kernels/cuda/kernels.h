/*
 * Launchers of the CUDA kernels, one per operation of kernels/backend.h: each queues one grid (or a
 * few) on a stream and returns the launch's error. Host code is C11, kernels are in the .cu files.
 *
 * A recorded graph replays the same arguments, so grids are sized for the rung and the true counts
 * are read from device memory (struct cuda_counts). Rows from the true count up to the rung may be
 * read and written; their contents are undefined, but finite inputs keep them finite.
 *
 * Letters as in kernels/backend.h. Row strides are H, 3H, F or N elements; H and N are multiples of
 * 8 (16-byte accesses), which session and weight creation check.
 */
#ifndef KERNELS_CUDA_KERNELS_H
#define KERNELS_CUDA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element type of operands and stream; arithmetic is always in f32. */
enum cuda_type { CUDA_TYPE_F32, CUDA_TYPE_F16, CUDA_TYPE_BF16 };

/* The true sizes of a batch, first in its device block. */
struct cuda_counts {
    int32_t n_tokens, n_segments, n_read, n_tiles;
};

/* A run of tokens with its shared range, all in rows of the batch. */
struct cuda_segment {
    int32_t start, len;
    int32_t parent_start, parent_len; /* parent_len 0: no parent */
};

/* The most rows of shared and own keys that an attention block stages. */
#define CUDA_TILE_KEYS 160
#define CUDA_TILE_UNITS 6
#define CUDA_UNIT_ROWS 16

/* Query rows that one warp takes: up to 16 of one segment, or of as many one-token segments. */
struct cuda_unit {
    int32_t row, n_rows;
    int32_t own_start, own_len; /* own_len 0: one-token segments, each attends to itself */
};

/* One block of the attention grid: units with the same parent, or with none. */
struct cuda_tile {
    struct cuda_unit units[CUDA_TILE_UNITS];
    int32_t n_units;
    int32_t parent_start, parent_len;
    int32_t run_start, run_len; /* the units' own keys, end to end; 0: one-token segments */
    int32_t staged;             /* parent_len + run_len <= CUDA_TILE_KEYS, and worth it */
    int32_t unused[2];
};

/* What the kernels read of one batch: pointers into one device block, carved for a rung. */
struct cuda_batch {
    const struct cuda_counts *counts;
    const int32_t *ids, *types, *positions; /* (rung) */
    const int32_t *segment_of;              /* (rung) segment of each row */
    const struct cuda_segment *segments;    /* (S) */
    const int32_t *read, *read_segments;    /* (rung_read) */
    const struct cuda_tile *tiles;          /* (max_tiles) */
    int rung, rung_read, max_tiles;         /* sizes of the grids */
};

struct cuda_embed_launch { /* embed_args, with types */
    enum cuda_type type;
    const float *word, *position, *token_type, *gamma, *beta;
    float eps;
    int hidden;
    void *stream, *operand; /* may be equal */
    float *mean, *rstd;     /* NULL: not wanted */
};
cudaError_t cuda_embed(const struct cuda_batch *batch, const struct cuda_embed_launch *args,
                       cudaStream_t stream);

struct cuda_norm_launch { /* residual_norm_args */
    enum cuda_type type;
    int hidden;
    const int32_t *n_rows; /* device: &counts->n_tokens or &counts->n_read */
    int rung_rows;
    void *stream;
    const void *delta; /* NULL: nothing is added */
    const float *gamma, *beta;
    float eps;
    void *operand;
    float *mean, *rstd;
};
cudaError_t cuda_residual_norm(const struct cuda_norm_launch *args, cudaStream_t stream);

struct cuda_attention_launch {
    enum cuda_type type;
    int hidden, heads;
    const void *qkv;   /* (rung, 3H) */
    const float *bias; /* (3H) of q, k and v; NULL: qkv has it. k's moves all scores of a row alike,
                        * and is left out: lse lacks it */
    bool causal, read_only;
    void *out;
    float *lse;  /* NULL: not wanted */
    bool simple; /* the oracle: no shared memory, any D; f32 always takes it */
};
cudaError_t cuda_attention(const struct cuda_batch *batch, const struct cuda_attention_launch *args,
                           cudaStream_t stream);

struct cuda_pool_launch {
    enum cuda_type type;
    bool mean; /* POOL_MEAN */
    int hidden;
    const void *stream_in;
    void *stream_out, *operand_out; /* either may be NULL; may be equal */
};
cudaError_t cuda_pool(const struct cuda_batch *batch, const struct cuda_pool_launch *args,
                      cudaStream_t stream);

struct cuda_head_launch {
    enum cuda_type type;
    int hidden, labels, rung_rows;
    const int32_t *n_rows;
    const void *operand;
    const float *weight, *bias;
    float *logits;
};
cudaError_t cuda_head(const struct cuda_head_launch *args, cudaStream_t stream);

/* y = act(y + bias) in place on (rows, n) elements; pre: a copy of y + bias, NULL: not wanted. */
struct cuda_activation_launch {
    enum cuda_type type;
    int activation; /* enum activation of kernels/backend.h, not ACTIVATION_NONE */
    int n, rung_rows;
    const int32_t *n_rows;
    const void *bias; /* (n) elements; NULL: none */
    void *y, *pre;
};
cudaError_t cuda_activation(const struct cuda_activation_launch *args, cudaStream_t stream);

/* f32 to the element type, once per upload of a weight; count elements. */
cudaError_t cuda_convert(enum cuda_type type, void *to, const float *from, size_t count,
                         cudaStream_t stream);

/* Sets *differ to 1 unless a and b have the same bits; both and bytes are multiples of 16. */
cudaError_t cuda_compare(const void *a, const void *b, size_t bytes, uint32_t *differ,
                         cudaStream_t stream);

/* ---- tiles.c: host code, pure C -------------------------------------------------------------- */

struct slice;
/* The most tiles that a slice of n tokens in n segments can need. */
int cuda_tiles_max(int n_tokens, int n_segments);
/* Fills segments, segment_of and tiles from a slice; returns the number of tiles. */
int cuda_tiles_fill(const struct slice *slice, struct cuda_segment *segments, int32_t *segment_of,
                    struct cuda_tile *tiles);

#ifdef __cplusplus
}
#endif

#endif
