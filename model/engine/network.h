/*
 * A model's weights on a device: what the forward pass reads. Built in small steps, so that an
 * engine can open between served batches. One thread at a time while it is built; read-only
 * afterwards.
 */
#ifndef MODEL_ENGINE_NETWORK_H
#define MODEL_ENGINE_NETWORK_H

#include "kernels/backend.h"
#include "model/encoder.h"

struct network_layer {
    struct linear_weight *qkv, *attention_out, *inner, *outer;
    void *norm1_gamma, *norm1_beta, *norm2_gamma, *norm2_beta; /* (H) f32 */
};

struct network {
    const struct backend_ops *ops;
    struct session *session;
    const struct session_caps *caps;
    const struct encoder_config *config;   /* the model's, as is */
    const struct encoder_weights *weights; /* host memory: the source */
    void *word, *position, *type;          /* f32 */
    void *embed_gamma, *embed_beta;
    struct network_layer *layers;
    struct linear_weight *pooler;
    void *classifier, *classifier_bias; /* f32 */
    /* what is still to be built */
    struct network_piece *pieces;
    int n_pieces, next_piece;
    size_t piece_at; /* bytes of a copy that is under way */
    int max_rows;
};

struct network_args {
    const struct backend_ops *ops;
    struct session *session; /* outlives the network */
    const struct encoder_config *config;
    const struct encoder_weights *weights;
    int max_rows; /* of one slice */
};

/* Takes no device memory yet. On failure nothing needs a release. */
int network_init(struct network *net, const struct network_args *args, struct err *err) MUST_CHECK;
/* Packs one weight, or uploads at most 1 MiB: 1 more to do, 0 built, -1 failed. */
int network_step(struct network *net, struct err *err) MUST_CHECK;
void network_release(struct network *net);

#endif
