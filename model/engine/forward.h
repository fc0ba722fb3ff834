/*
 * The forward pass of one slice through layers of a network, over backend_ops (Vaswani et al. 2017;
 * Devlin et al. 2018). It knows nothing about threads, devices or heads: the caller has begun the
 * slice on the lane, and owns lane and scratch while it runs. On a queue the results are valid once
 * the lane has finished.
 *
 * A range of layers that ends in a read-out computes only what is read: keys and values of every
 * token, then rows of slice->read alone.
 */
#ifndef MODEL_ENGINE_FORWARD_H
#define MODEL_ENGINE_FORWARD_H

#include "model/engine/network.h"

/* Scratch device memory of a pass, for slices of up to max_tokens and any of the networks it was
 * created for: H and F are their maxima. */
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
    void *pooled;                   /* (R, H) operand: for a head */
    void *out;                      /* (R, W) f32: for a head */
    struct outside_parent *outside; /* (max_tokens) host memory: filled anew for each layer */
};

struct forward_scratch_args {
    const struct network *networks; /* (n_networks) initialised, of one backend */
    int n_networks;
    int max_tokens;
    int out_width; /* W: outputs of a head per read row */
};

int forward_scratch_init(struct forward_scratch *scratch, const struct forward_scratch_args *args,
                         struct err *err) MUST_CHECK;
/* networks: any of those it was created for. */
void forward_scratch_release(struct forward_scratch *scratch, const struct network *networks);

/* Location of one kind of rows for each layer: layer l's at memory + l * layer_bytes. */
struct layer_block {
    char *memory;
    size_t layer_bytes;
};

/*
 * Where a pass stores its results. memory NULL: in the scratch, overwritten by the next layer; for
 * saved outputs (kernels/backend.h): not needed. Serving sets what other slices or the next pass
 * read; training sets everything. The read-out's layer has R rows where others have T.
 */
struct forward_rows {
    struct layer_block operand;      /* (T, H) operand: what layer l starts from, l up to the end */
    struct layer_block qkv;          /* (T, 3H) operand */
    struct layer_block attention;    /* (T, H) operand */
    struct layer_block delta1;       /* (T, H) stream: what attention adds before its norm */
    struct layer_block middle;       /* (T, H) operand: after that norm */
    struct layer_block inner;        /* (T, F) operand */
    struct layer_block delta2;       /* (T, H) stream: what the inner layer adds before its norm */
    struct layer_block lse;          /* (T, A) f32, saved */
    struct layer_block mean1, rstd1; /* (T) f32, saved: of the norm after attention */
    /* (T, F) operand, saved: of networks that save; NULL: in place */
    struct layer_block pre_activation;
    struct layer_block mean2, rstd2; /* (T) f32, saved: of the norm after the inner layer */
    float *embed_mean, *embed_rstd;  /* (T) f32, saved */
};

/* Bytes of a qkv block with up to max_tokens rows for every layer. */
size_t forward_qkv_bytes(const struct network *net, int max_tokens, size_t *layer_bytes);

/* A parent that was computed in another slice: rows of that one's qkv. */
struct outside_rows {
    int32_t start, len;
};

/* Layers [first, end) of a network. */
struct layer_range {
    int first, end;
};

struct forward_args {
    struct lane *lane;
    const struct slice *slice;
    struct forward_scratch *scratch;
    struct layer_range layers; /* at least one */
    /* The rows to start from are already present: in scratch->stream, and as operands where
     * rows.operand has them. false: they come from the embedding of slice->ids. */
    bool has_rows;
    /* The range ends in read rows, by read_out, in scratch->read_stream and read_operand; false: in
     * every row, where the next range would start from. */
    bool reads;
    enum pool_kind read_out;
    struct forward_rows rows;
    const struct layer_block *parents; /* qkv of the outside parents' slice; NULL: there are none */
    const struct outside_rows *outside; /* (slice->n_outside) */
};

int forward(const struct network *net, const struct forward_args *args, struct err *err) MUST_CHECK;

#endif
