/*
 * The seam between the model and a device: a const table of operations, every slot filled, and
 * capabilities that are data. The forward pass is written once, in model/engine/forward.c, over this table; a
 * backend knows operations on tensors and nothing of models, ads or sockets. The CPU backend is linked
 * in; CUDA and the test backends are modules that kernels/module.h opens at run time.
 *
 * Letters in shapes: T tokens of a slice, S segments, R rows that are read out, H hidden size, A heads,
 * D = H / A, F size of the inner layer, V vocabulary, L labels.
 *
 * Numbers. The residual stream is kept in `stream` (f32 on the CPU), products read and write `operand`
 * elements (f32, or bf16/f16 by precision). Both are linear memory of the backend: the caller allocates
 * with ops->alloc and computes byte offsets with the sizes in caps. Rows are dense: no padding between
 * them, none asked for behind them, and rows beyond the stated number are neither read nor written.
 * Results do not overlap what they are made from, unless it is said here that they may be the same.
 *
 * Threads. backend_open and everything that takes a struct backend: one thread at a time. A struct lane
 * is one stream of work: on the CPU a host thread's own scratch, and the operations run in the caller
 * before they return; on a GPU a stream, and they are queued in order. Two lanes may be used by two
 * threads at once. Open lanes after the weights that they will serve: then no operation allocates memory or
 * creates a library object. A weight that is made later is served too, and costs each lane that was open
 * before an allocation at its first use there.
 *
 * Saved. What backward needs beside the results themselves is an optional output of the operation that computes
 * it, marked "saved": memory of the backend, NULL when serving, and then it costs nothing. A backend whose caps
 * lack `saves` ignores them.
 *
 * Bits. In f32 a row of any result depends on nothing but that row's own segment and its parent: not on T,
 * on the row's place, on its neighbours or the lane.
 *
 * Errors. An operation returns 0, or -1 with err; after -1 the backend is broken until it is closed.
 */
#ifndef KERNELS_BACKEND_H
#define KERNELS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BACKEND_ABI 1

enum precision { PRECISION_F32, PRECISION_BF16, PRECISION_F16, PRECISION_INT8, PRECISIONS };
/* "f32", "bf16", "f16", "int8", NULL */
extern const char *const precision_names[PRECISIONS + 1];

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_GELU_ERF,  /* Hendrycks and Gimpel 2016: x Phi(x) */
    ACTIVATION_GELU_TANH, /* its tanh form, HF "gelu_new" and "gelu_pytorch_tanh" */
    ACTIVATION_RELU,
    ACTIVATION_TANH,
    ACTIVATIONS
};

struct backend;       /* an opened device */
struct lane;          /* a stream of work on it */
struct linear_weight; /* one packed weight matrix with its bias and activation */

struct backend_open_args {
    const char *device;       /* "" is the default one; "0", "1" choose a GPU */
    enum precision precision; /* wanted; caps tell what is had */
    const char *linear; /* provider of the linear layer by name; "" or NULL chooses by processor */
};

struct backend_caps {
    char device[96];          /* "AMD EPYC (AVX2), 2 cores, oneDNN 2.6.3": for logs and /readyz */
    enum precision precision; /* in use; PRECISION_F32 where the processor lacks the one wanted */
    char note[160];           /* why precision is not the wanted one; "" otherwise */
    size_t operand_bytes;     /* of one element */
    size_t stream_bytes;      /* of one element */
    bool host_lanes;          /* lanes are host threads: one thread each drives slices by itself.
                                 false: one lane, work is queued, completion is told by query() */
    int slice_tokens;         /* about how many tokens a slice should hold; 0: the whole batch */
    int max_launched;         /* batches that may be in flight at once */
    int poll_us;              /* how often a queued batch must be asked for; 0 with host_lanes */
    bool outside_parents;     /* attention can read parents that are not in the slice */
    bool saves;               /* operations fill what is marked "saved" */
};

/* One matrix product y = act(x W^T + b). Pointers are host memory, read during the call only. */
struct linear_spec {
    int in, out;                /* K, N */
    const float *weight;        /* (N, K) row-major, as Hugging Face stores it */
    const float *bias;          /* (N), NULL: none */
    enum activation activation; /* ACTIVATION_RELU may give 0 for NaN */
    bool to_stream;             /* y has stream elements instead of operand elements */
};

/* A run of tokens that is encoded together. A token attends to its own segment and to its parent. */
struct slice_segment {
    int32_t start, len;     /* rows of this slice */
    int32_t parent;         /* segment of this slice, -1: none here */
    int32_t outside_parent; /* index into slice->outside, -1: none. At most one of the two is set */
};

/* Rows of another slice's q, k and v that this slice's segments attend to, at one layer. */
struct outside_parent {
    int32_t len;
    const void *qkv; /* (len, 3H) operand elements */
};

/* Whole segments laid end to end. Host memory, stays as it is until the slice is through. */
struct slice {
    int n_tokens, n_segments, n_read, n_outside;
    const int32_t *ids;                   /* (T) */
    const int32_t *types;                 /* (T) token types */
    const int32_t *positions;             /* (T) */
    const struct slice_segment *segments; /* (S) parents stand before their children */
    const int32_t *read; /* (R) rows that are read out, ascending; each is its segment's first */
    const int32_t *read_segments; /* (R) the segments they belong to */
};

struct embed_args { /* x = norm(word[id] + position[p] + type[t]); norm as Ba et al. 2016 */
    const void *word, *position, *type; /* (V, H), (P, H), (types, H): uploaded f32 */
    const void *gamma, *beta;           /* (H) uploaded f32; NULL: no norm */
    float eps;
    int hidden;
    void *stream;       /* (T, H) out */
    void *operand;      /* (T, H) out; may be == stream where both have the same element type */
    float *mean, *rstd; /* (T) f32, saved: of each row, 1 / deviation; both or neither */
};

struct linear_args {
    const struct linear_weight *weight;
    int n_rows;
    const void *in; /* (rows, K) operand */
    void *out;      /* (rows, N) operand, or stream by the weight's spec */
    /* Applied to what the weight gives (operands), for weights that are made without one because the
     * pre-activation is wanted. ACTIVATION_NONE when serving. */
    enum activation activation;
    void *pre_activation; /* (rows, N) operand, saved: what `activation` was applied to */
};

struct attention_args { /* softmax(q k^T / sqrt(D)) v, by head, over own segment and parent */
    int hidden, heads;
    const void *qkv;                      /* (T, 3H) operand: q, k, v side by side */
    const struct outside_parent *outside; /* (slice->n_outside) for this layer */
    bool causal;    /* a token sees none after it in its own segment; all of its parent */
    bool read_only; /* only the rows in slice->read are queries: out is (R, H), in their order */
    void *out;      /* (T, H) or (R, H) operand */
    float *lse;     /* (T, A) or (R, A) f32, saved: log of the sum of e^score, by row and head */
};

enum norm_kind {
    NORM_POST, /* stream = norm(stream + delta); operand = stream */
    NORM_PRE,  /* stream = stream + delta; operand = norm(stream) */
};

struct residual_norm_args {
    enum norm_kind kind;
    int n_rows, hidden;
    void *stream;      /* (rows, H) in and out */
    const void *delta; /* (rows, H) stream elements; NULL: nothing is added */
    const void *gamma, *beta;
    float eps;
    void *
        operand; /* (rows, H) out; may be == stream where kind is POST and element types are the same */
    float *mean, *rstd; /* (rows) f32, saved: of each row, 1 / deviation; both or neither */
};

enum pool_kind {
    POOL_ROWS, /* row r of the result is row slice->read[r] of x */
    POOL_MEAN, /* mean over the tokens of segment slice->read_segments[r] */
};

struct pool_args {
    enum pool_kind kind;
    int hidden;
    const void *stream; /* (T, H) */
    void *stream_out;   /* (R, H), not overlapping; NULL: not wanted */
    void *operand_out;  /* (R, H); may be == stream_out where element types are the same; NULL: not
                         * wanted */
};

struct head_args { /* logits = x W^T + b in f32 */
    int n_rows, hidden, labels;
    const void *operand;       /* (R, H) */
    const void *weight, *bias; /* (L, H), (L): uploaded f32 */
    void *logits; /* (R, L) f32 in backend memory; not finite is for the caller to see */
};

struct backend_ops {
    const char *name; /* "cpu", "cuda", ... */

    /* ERR_UNAVAILABLE: no such device; ERR_CONFIG: a precision or a provider that this backend never has. */
    int (*open)(const struct backend_open_args *args, struct backend **out, struct err *err);
    void (*close)(struct backend *backend); /* lanes, weights and memory are gone before */
    const struct backend_caps *(*caps)(const struct backend *backend);

    /* Memory, 64-byte-aligned, zeroed. Not on the request path. free takes NULL. */
    void *(*alloc)(struct backend *backend, size_t bytes, struct err *err);
    void (*free)(struct backend *backend, void *memory);
    int (*upload)(struct backend *backend, void *to, const void *from, size_t bytes,
                  struct err *err);

    /* Packs once; the host copy may go afterwards. Everything that lanes need for up to max_rows rows is
     * made here or in lane_open. */
    int (*weight_new)(struct backend *backend, const struct linear_spec *spec, int max_rows,
                      struct linear_weight **out, struct err *err);
    void (*weight_free)(struct backend *backend, struct linear_weight *weight);

    /* No slice and no outside parent has more than max_tokens; max_hidden is the largest H. */
    int (*lane_open)(struct backend *backend, int max_tokens, int max_hidden, struct lane **out,
                     struct err *err);
    void (*lane_close)(struct lane *lane);

    /* Starts a slice on a lane: whatever the operations below need of it goes to the device. The slice is
     * what embed, attention and pool speak of until the next begin. */
    int (*begin)(struct lane *lane, const struct slice *slice, struct err *err);
    int (*embed)(struct lane *lane, const struct embed_args *args, struct err *err);
    int (*linear)(struct lane *lane, const struct linear_args *args, struct err *err);
    int (*attention)(struct lane *lane, const struct attention_args *args, struct err *err);
    int (*residual_norm)(struct lane *lane, const struct residual_norm_args *args, struct err *err);
    int (*pool)(struct lane *lane, const struct pool_args *args, struct err *err);
    int (*head)(struct lane *lane, const struct head_args *args, struct err *err);
    /* Backend memory to host memory, in order with the operations. */
    int (*download)(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err);
    /* Marks the end of a launched batch; query tells 1 done, 0 not yet, -1 broken. */
    int (*finish)(struct lane *lane, int slot, struct err *err);
    int (*query)(struct lane *lane, int slot, struct err *err);
};

/* What a module exports under the name "adrank_backend". */
struct backend_module {
    int abi; /* BACKEND_ABI */
    const struct backend_ops *ops;
};

extern const struct backend_ops backend_cpu;

#endif
