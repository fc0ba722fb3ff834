/*
 * An encoder on a device: the weights that the forward pass reads, without any head. Built in
 * small steps; one thread at a time while it is built, read-only afterwards.
 */
#ifndef MODEL_ENGINE_NETWORK_H
#define MODEL_ENGINE_NETWORK_H

#include "model/checkpoint/encoder.h"
#include "model/engine/upload.h"

struct network_layer {
    struct linear_weight *qkv, *attention_out, *inner, *outer;
    void *qkv_bias; /* (3H) f32 for attention to add; NULL: qkv adds it */
    void *norm1_gamma, *norm1_beta, *norm2_gamma, *norm2_beta; /* (H) f32 */
};

struct network {
    const struct backend_ops *ops;
    const struct session_caps *caps;
    const struct encoder_config *config;
    void *word, *position, *type; /* f32 */
    void *embed_gamma, *embed_beta;
    enum activation activation; /* of the inner layers: config's, or what replaces it */
    struct network_layer *layers;
    /* What forward applies to the inner layer's product: ACTIVATION_NONE where the weight does. */
    enum activation inner_activation;
    struct upload upload;
};

struct network_args {
    const struct backend_ops *ops;
    struct session *session;       /* outlives the network */
    const struct encoder *encoder; /* host memory; outlives the network */
    int max_rows;                  /* of one slice */
    enum activation activation;    /* instead of the encoder's; ACTIVATION_NONE: its own */
    bool saves;                    /* for training: the inner layer's pre-activation is available */
};

/* Allocates no device memory yet: the steps of net->upload do. On failure nothing needs to be
 * released. */
int network_init(struct network *net, const struct network_args *args, struct err *err) MUST_CHECK;

/* The inner layers once more and nothing else, with args->activation: not a network to run, but one
 * to exchange these layers with. Released like a network. */
int network_twin_init(struct network *twin, const struct network_args *args,
                      struct err *err) MUST_CHECK;
void network_swap_inner(struct network *net, struct network *twin);

void network_release(struct network *net); /* does nothing if zeroed */

#endif
