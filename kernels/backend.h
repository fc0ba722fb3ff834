/*
 * The interface between the model and a device: a const table of operations, every slot filled, and
 * capabilities that are data. The forward pass is written once, in model/engine/forward.c, over
 * this table; a backend implements operations on tensors and knows nothing about models, ads or
 * sockets. The CPU backend is linked in; CUDA and the test backends are modules that
 * kernels/module.h opens at run time.
 *
 *   device   opened once per process and kept while engines come and go: context, stream,
 *            workspace, pinned host memory for fast transfers.
 *   session  what one model has on a device, in one precision: weights, scratch memory, lanes.
 *   lane     with host lanes: one host thread's own scratch. Operations run in the caller and are
 *            complete when they return; two threads may use two lanes concurrently.
 *            Without host lanes: one batch in flight. Operations are queued, and the lanes of
 *            all sessions of a device share one FIFO queue, so lanes may share scratch memory.
 *
 * Letters in shapes: T tokens of a slice, S segments, R rows that are read out, H hidden size, A
 * heads, D = H / A, F size of the inner layer, V vocabulary, L labels.
 *
 * Numbers. The residual stream is kept in `stream` (f32 on the CPU), products read and write
 * `operand` elements (f32, or bf16/f16 by precision). Both are linear memory of the session: the
 * caller allocates with ops->alloc and computes byte offsets with the sizes in caps. Rows are
 * dense: no padding between them. Without a ladder, rows beyond the stated number are neither read
 * nor written and need not exist; with one, rows up to the rung of that number are, and their
 * contents are undefined. Outputs do not overlap inputs, unless noted below that they may be the
 * same.
 *
 * Order. A batch on a lane is one or more passes, each a begin, the pass's operations and its
 * download, and then finish; query follows until it no longer returns 0. Open lanes after creating
 * the weights that they will use: then no operation allocates memory or creates a library object. A
 * weight created later also works, but costs each lane already open an allocation at its first use
 * there.
 *
 * Saved. What the backward pass needs in addition to the results is an optional output of the
 * operation that computes it, marked "saved": memory of the session, NULL when serving, at no cost.
 * A device whose caps lack `saves` ignores them.
 *
 * Threads. Calls that take a struct device or a struct session are made by one thread at a time.
 * Without host lanes that thread also makes the calls that take a struct lane.
 *
 * Bits. In f32 a row of any result depends only on the row's own segment and its parent: not on T,
 * the row's position, its neighbours or the lane.
 *
 * Errors. A call returns 0, or -1 with err.
 *
 *   device_open, host_alloc, session_open, alloc, upload, weight_new, lane_open: nothing was
 *   created. weight_step: the weight is unusable. The caller closes the session that was being
 *   built; others are not affected.
 *
 *   begin to query: with host lanes and ERR_NOMEM the lane is unchanged. Otherwise the session is
 *   broken, and without host lanes the device with all its sessions is. From then on only the
 *   functions that close or free may be called on it, in the usual order. They release host
 *   resources and make no device call that could wait or fail: memory on the device is reclaimed
 *   when the process ends. With host lanes, calls in progress on other lanes, and the batches that
 *   they belong to, may still end in their own way.
 *
 * A batch that never completes is not an error: its lane, its session and the device stay open,
 * untouched, until the process ends.
 */
#ifndef KERNELS_BACKEND_H
#define KERNELS_BACKEND_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BACKEND_ABI 7

enum precision { PRECISION_F32, PRECISION_BF16, PRECISION_F16, PRECISION_INT8, PRECISIONS };
#define PRECISION_AUTO PRECISIONS /* where one is requested of an engine: the device's choice */
extern const char *const precision_names[PRECISIONS + 2]; /* of requests too; ends with NULL */

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_GELU_ERF,  /* Hendrycks and Gimpel 2016: x Phi(x) */
    ACTIVATION_GELU_TANH, /* its tanh form, HF "gelu_new" and "gelu_pytorch_tanh" */
    ACTIVATION_RELU,
    ACTIVATION_TANH,
    ACTIVATIONS
};

struct device;        /* an opened processor or GPU */
struct session;       /* one model's share of it */
struct lane;          /* a host thread's scratch, or a batch in flight */
struct linear_weight; /* one packed weight matrix with its bias and activation */

/* Batch sizes that a device computes, ascending: a batch is padded to the next rung. */
#define LADDER_RUNGS 64
struct ladder {
    int n; /* 0: no ladder, batches are not padded */
    int tokens[LADDER_RUNGS];
};

/* The lowest rung of at least n tokens; n itself without a ladder or above the top rung. */
static inline int ladder_rung(const struct ladder *ladder, int n)
{
    for (int i = 0; i < ladder->n; i++)
        if (ladder->tokens[i] >= n)
            return ladder->tokens[i];
    return n;
}

struct device_caps {
    char name[96];    /* "AMD EPYC (AVX2), 2 cores, oneDNN 2.6.3": for logs and /readyz */
    bool host_lanes;  /* lanes are host threads; false: work is queued, query reports completion */
    int slice_tokens; /* about how many tokens a slice should hold; 0: the whole batch */
    int max_launched; /* batches that may be in flight at once */
    int poll_us;      /* how often query should be called; 0 with host_lanes */
    bool outside_parents;     /* attention can read parents that are not in the slice */
    bool saves;               /* operations fill outputs marked "saved" */
    bool sensors;             /* device_readings may report something */
    enum precision precision; /* that serves best: what PRECISION_AUTO stands for */
    int width_multiple;       /* hidden sizes, K and N are multiples of this; 0: any is right */
    struct ladder ladder;
    int recorded_tokens; /* passes of more tokens are never recorded; 0: no limit */
    int batch_tokens;    /* of a batch unless configured; 0: 8192 */
};

/* What a device's sensors report. */
enum device_reading {
    READING_MEMORY_USED, /* bytes, of all processes; of the slice of a card, where that is all */
    READING_MEMORY_TOTAL,
    READING_UTILIZATION, /* 0 to 1: the time in which anything ran, of the last second or less */
    READING_POWER,       /* W */
    READING_POWER_LIMIT,
    READING_TEMPERATURE, /* degrees Celsius */
    READING_CLOCK,       /* Hz, of the multiprocessors */
    READING_CLOCK_MAX,
    READING_THROTTLED_POWER,    /* 0, 1: clocks are held down by the limit on power, */
    READING_THROTTLED_HEAT,     /* by temperature, */
    READING_THROTTLED_BRAKE,    /* by a signal of the power supply, */
    READING_THROTTLED_HARDWARE, /* by hardware: one of the above, or too high a current */
    DEVICE_READINGS
};

struct device_readings {
    double values[DEVICE_READINGS]; /* NAN: not known */
};

static inline void device_readings_none(struct device_readings *out)
{
    for (int i = 0; i < DEVICE_READINGS; i++)
        out->values[i] = NAN;
}

struct session_args {
    enum precision precision; /* requested; see caps for the one in effect */
    const char *linear; /* provider of the linear layer by name; "" or NULL: the device's choice */
};

struct session_caps {
    char device[96];          /* the device's name, with the provider in effect */
    enum precision precision; /* in effect; PRECISION_F32 if the requested one is missing */
    char note[160];           /* why precision, provider or bits are not as requested; else "" */
    int n_timed;              /* shapes of products that were timed for it; final once it is open */
    size_t operand_bytes;     /* of one element */
    size_t stream_bytes;      /* of one element */
    bool adds_qkv_bias; /* attention adds the bias of q, k and v sooner than the product does */
    /* ACTIVATION_GELU_TANH costs next to nothing beside its product, unlike ACTIVATION_GELU_ERF. */
    bool fused_gelu_tanh;
};

/* One matrix product y = act(x W^T + b). Pointers are host memory, read until the weight is
 * complete. */
struct linear_spec {
    int in, out;                /* K, N */
    const float *weight;        /* (N, K) row-major, as Hugging Face stores it */
    const float *bias;          /* (N), NULL: none */
    enum activation activation; /* ACTIVATION_RELU may give 0 for NaN */
    bool to_stream;             /* y has stream elements instead of operand elements */
};

/* A run of tokens that is encoded together. A token attends to its own segment and its parent. */
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

/* Whole segments laid end to end. Memory from host_alloc, unchanged until the slice is done. */
struct slice {
    int n_tokens, n_segments, n_read, n_outside;
    const int32_t *ids;                   /* (T) */
    const int32_t *types;                 /* (T) token types */
    const int32_t *positions;             /* (T) */
    const struct slice_segment *segments; /* (S) parents come before their children */
    const int32_t *read; /* (R) rows that are read out, ascending; each is its segment's first */
    const int32_t *read_segments; /* (R) the segments they belong to */
};

/*
 * The operations that follow a begin. Equal passes on one lane, for slices with equal rungs of T
 * and R, are the same operations with the same arguments except for row counts and slice contents,
 * so a queue can record them once and replay them. It may take R for more than its rung, up to the
 * rung of T.
 */
struct pass {
    /* Identifies the weights: an address, unique while the session is open. NULL: this pass is
     * equal to no other, and is not recorded. */
    const void *network;
    int first_layer, n_layers;
    bool record; /* an engine that opens: record it now. Otherwise nothing is created */
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
    /* Applied to the weight's output (operands), for weights created without an activation because
     * the pre-activation is needed. ACTIVATION_NONE when serving. */
    enum activation activation;
    void *pre_activation; /* (rows, N) operand, saved: the input of `activation` */
};

struct attention_args { /* softmax(q k^T / sqrt(D)) v, by head, over own segment and parent */
    int hidden, heads;
    const void *qkv; /* (T, 3H) operand: q, k, v side by side */
    /* (3H) uploaded f32 that is yet to be added to every row of qkv; NULL: nothing is. Only where
     * caps have adds_qkv_bias; lse then lacks what k's adds to all scores of a row. */
    const void *qkv_bias;
    const struct outside_parent *outside; /* (slice->n_outside) for this layer */
    bool causal;    /* a token sees no later token of its own segment, but all of its parent */
    bool read_only; /* only the rows in slice->read are queries: out is (R, H), in their order */
    void *out;      /* (T, H) or (R, H) operand */
    float *lse;     /* (T, A) or (R, A) f32, saved: log of the sum of e^score, by row and head */
};

struct residual_norm_args { /* stream = norm(stream + delta); operand = stream */
    int n_rows, hidden;
    void *stream;      /* (rows, H) in and out */
    const void *delta; /* (rows, H) stream elements; NULL: nothing is added */
    const void *gamma, *beta;
    float eps;
    void *operand;      /* (rows, H) out; may be == stream if the element types match */
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
    void *stream_out;   /* (R, H), not overlapping; NULL: not needed */
    void *operand_out;  /* (R, H); may be == stream_out where element types are the same; NULL: not
                         * wanted */
};

struct head_args { /* logits = x W^T + b in f32 */
    int n_rows, hidden, labels;
    const void *operand;       /* (R, H) */
    const void *weight, *bias; /* (L, H), (L): uploaded f32 */
    void *logits; /* (R, L) f32 in device memory; the caller checks for non-finite values */
};

struct backend_ops {
    const char *name; /* "cpu", "cuda", ... */

    /* name: "" is the default device; "0", "1" select a GPU. ERR_UNAVAILABLE: no such device. */
    int (*device_open)(const char *name, struct device **out, struct err *err);
    void (*device_close)(struct device *device); /* after its sessions and memory are gone */
    const struct device_caps *(*device_caps)(
        const struct device *device); /* constant; any thread */
    /* Any one thread at a time, until device_close: other calls may be in progress, and the device
     * may be broken. Fills all values. May wait for the driver: not on the request path. */
    void (*device_readings)(struct device *device, struct device_readings *out);
    /* Host memory for uploads by begin and for downloads: pinned where supported, 64-byte-aligned,
     * zeroed. Not on the request path. host_free accepts NULL. */
    void *(*host_alloc)(struct device *device, size_t bytes, struct err *err);
    void (*host_free)(struct device *device, void *memory);

    /* ERR_CONFIG: this backend has no such precision or provider; ERR_UNAVAILABLE: it does not work
     * on this machine. */
    int (*session_open)(struct device *device, const struct session_args *args,
                        struct session **out, struct err *err);
    void (*session_close)(struct session *session); /* after its lanes, weights and memory */
    const struct session_caps *(*session_caps)(const struct session *session); /* as device_caps */

    /* Device memory, 64-byte-aligned, zeroed. Not on the request path. free accepts NULL. */
    void *(*alloc)(struct session *session, size_t bytes, struct err *err);
    void (*free)(struct session *session, void *memory);
    int (*upload)(struct session *session, void *to, const void *from, size_t bytes,
                  struct err *err);

    /* Begins a weight, which weight_step completes. Everything that lanes need for up to max_rows
     * rows is created by them or by lane_open. */
    int (*weight_new)(struct session *session, const struct linear_spec *spec, int max_rows,
                      struct linear_weight **out, struct err *err);
    /* A short step, for between served batches: where operations are queued, at most 1 MiB to the
     * device or some milliseconds of trials. 1: more to do, 0: the weight is complete, its spec no
     * longer needed; -1: failed, it can only be freed. */
    int (*weight_step)(struct session *session, struct linear_weight *weight, struct err *err);
    void (*weight_free)(struct session *session, struct linear_weight *weight);

    /* No slice or outside parent may have more than max_tokens tokens; max_hidden is the largest
     * H. */
    int (*lane_open)(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                     struct err *err);
    void (*lane_close)(struct lane *lane);

    /*
     * Starts a slice on a lane: uploads what the operations below need of it. embed, attention and
     * pool work on this slice until the next begin. 0: the operations of `pass` follow. 1:
     * replayed: all of them, from embed to the last download, are already queued, and the caller
     * continues with finish. Never 1 with host lanes.
     */
    int (*begin)(struct lane *lane, const struct slice *slice, const struct pass *pass,
                 struct err *err);
    int (*embed)(struct lane *lane, const struct embed_args *args, struct err *err);
    int (*linear)(struct lane *lane, const struct linear_args *args, struct err *err);
    int (*attention)(struct lane *lane, const struct attention_args *args, struct err *err);
    int (*residual_norm)(struct lane *lane, const struct residual_norm_args *args, struct err *err);
    int (*pool)(struct lane *lane, const struct pool_args *args, struct err *err);
    int (*head)(struct lane *lane, const struct head_args *args, struct err *err);
    /* Copies device memory to memory from host_alloc, in order with the operations; the last
     * operation of a pass. */
    int (*download)(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err);
    /* Marks the end of the lane's batch, replayed or not; never waits. */
    int (*finish)(struct lane *lane, struct err *err);
    /* Whether the batch of the last finish is done: 1 yes, 0 not yet, -1 broken. Never waits. */
    int (*query)(struct lane *lane, struct err *err);
};

/* Exported by a module under the name "adrank_backend". */
struct backend_module {
    int abi; /* BACKEND_ABI */
    const struct backend_ops *ops;
};

extern const struct backend_ops backend_cpu;

/* The CPU as a device of 16 bits would compute (kernels/cpu/rounded.c): for the bounds of golden
 * requests. Sessions are f16 or bf16; memory holds f32. */
extern const struct backend_ops backend_rounded;

#endif
