/*
 * The forward pass of one slice over backend_ops (Vaswani et al. 2017; Devlin et al. 2018). It
 * knows neither threads nor devices: whoever calls it owns the lane and the scratch while it runs.
 *
 * The last layer computes what is read and nothing else: keys and values of every token, then rows
 * of slice->read alone.
 */
#ifndef MODEL_ENGINE_FORWARD_H
#define MODEL_ENGINE_FORWARD_H

#include "model/engine/network.h"

/* Device memory that a pass works in, for slices of up to max_tokens. */
struct forward_scratch {
    void *memory;                   /* one allocation; the rest points into it */
    void *stream;                   /* (T, H) stream */
    void *operand;                  /* (T, H) operand; == stream where they have one element type */
    void *qkv;                      /* (T, 3H) operand */
    void *attention;                /* (T, H) operand */
    void *delta;                    /* (T, H) stream */
    void *inner;                    /* (T, F) operand */
    void *read_stream;              /* (R, H) stream */
    void *read_operand;             /* (R, H) operand; == read_stream as above */
    void *pooled;                   /* (R, H) operand */
    void *logits;                   /* (R, L) f32 */
    struct outside_parent *outside; /* (max_tokens) host memory: filled anew for each layer */
};

int forward_scratch_init(struct forward_scratch *scratch, const struct network *net, int max_tokens,
                         struct err *err) MUST_CHECK;
void forward_scratch_release(struct forward_scratch *scratch, const struct network *net);

/* q, k and v of every layer that a slice of parents leaves behind for its children. */
struct kept_qkv {
    char *memory;       /* (layers, max_tokens, 3H) operand */
    size_t layer_bytes; /* from one layer to the next */
};

/* Bytes of one kept_qkv for up to max_tokens rows. */
size_t forward_kept_bytes(const struct network *net, int max_tokens, size_t *layer_bytes);

/* A parent that was computed in another slice: rows of what that one kept. */
struct outside_rows {
    int32_t start, len;
};

struct forward_args {
    struct lane *lane;
    const struct slice *slice;
    struct forward_scratch *scratch;
    const struct kept_qkv *keep;    /* NULL: nothing is kept */
    const struct kept_qkv *parents; /* what the outside parents' slice kept; NULL: there are none */
    const struct outside_rows *outside; /* (slice->n_outside) */
    float *logits; /* (R, L) of host_alloc, always the same for a lane of a queue; valid once that
                    * has finished */
};

int forward(const struct network *net, const struct forward_args *args, struct err *err) MUST_CHECK;

#endif
