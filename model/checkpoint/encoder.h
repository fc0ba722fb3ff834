/*
 * An encoder in host memory, described by data, so that BERT is the first family and not the only
 * one: its sizes and choices (struct encoder_config) and its tensors (struct encoder_weights). A
 * head (model/checkpoint/head.h) turns its output rows into scores.
 *
 * Letters: V vocabulary, P positions, Y token types, H hidden, A heads, F inner layer.
 */
#ifndef MODEL_CHECKPOINT_ENCODER_H
#define MODEL_CHECKPOINT_ENCODER_H

#include "kernels/backend.h"

enum mask_kind { MASK_FULL, MASK_CAUSAL };

/* Position embeddings are learned, norms follow what they normalise (Vaswani et al. 2017). */
struct encoder_config {
    int layers, hidden, heads, inner;
    int vocab, positions, types;
    float eps; /* epsilon of the norms */
    enum activation activation;
    enum mask_kind mask;
};

/* All f32, row-major (out, in) as Hugging Face stores them. */
struct layer_weights {
    float *qkv, *qkv_bias;                     /* (3H, H), (3H): query, key, value */
    float *attention_out, *attention_out_bias; /* (H, H), (H) */
    float *norm1_gamma, *norm1_beta;           /* (H) after attention */
    float *inner, *inner_bias;                 /* (F, H), (F) */
    float *outer, *outer_bias;                 /* (H, F), (H) */
    float *norm2_gamma, *norm2_beta;           /* (H) after the inner layer */
};

struct encoder_weights {
    float *word, *position, *type;   /* (V, H), (P, H), (Y, H) */
    float *embed_gamma, *embed_beta; /* (H) */
    struct layer_weights *layers;    /* (layers) */
};

/* Maximum per model: a text encoder and one on top of its vectors. */
#define MODEL_MAX_ENCODERS 2

struct encoder {
    struct encoder_config config;
    struct encoder_weights weights;
};

#endif
