/*
 * An encoder described by data, so that BERT is the first family and not the only one: its sizes
 * and choices (struct encoder_config), its tensors in host memory (struct encoder_weights), and a
 * family's files (struct family: how config.json is read, what the tensors are called).
 *
 * Letters: V vocabulary, P positions, Y token types, H hidden, A heads, F inner layer, L labels.
 */
#ifndef MODEL_ENCODER_H
#define MODEL_ENCODER_H

#include <jansson.h>

#include "base/arena.h"
#include "kernels/backend.h"
#include "model/files/safetensors.h"

enum mask_kind { MASK_FULL, MASK_CAUSAL };
enum position_kind { POSITION_LEARNED };
/* config.json's problem_type: how two labels become one probability. */
enum problem_kind { PROBLEM_UNSTATED, PROBLEM_SINGLE_LABEL, PROBLEM_MULTI_LABEL };

struct encoder_config {
    int layers, hidden, heads, inner;
    int vocab, positions, types;
    int labels; /* of the classifier; 0: there is none */
    enum problem_kind problem;
    float eps; /* of the norms */
    enum activation activation;
    enum norm_kind norm;
    enum mask_kind mask;
    enum position_kind position;
};

/* All f32, row-major (out, in) as Hugging Face stores them. */
struct layer_weights {
    float *qkv, *qkv_bias;                     /* (3H, H), (3H): query, key, value */
    float *attention_out, *attention_out_bias; /* (H, H), (H) */
    float *norm1_gamma, *norm1_beta;           /* (H) after (post) or before (pre) attention */
    float *inner, *inner_bias;                 /* (F, H), (F) */
    float *outer, *outer_bias;                 /* (H, F), (H) */
    float *norm2_gamma, *norm2_beta;           /* (H) */
};

struct encoder_weights {
    float *word, *position, *type;       /* (V, H), (P, H), (Y, H) */
    float *embed_gamma, *embed_beta;     /* (H) */
    struct layer_weights *layers;        /* (layers) */
    float *pooler, *pooler_bias;         /* (H, H), (H); NULL: no pooler */
    float *classifier, *classifier_bias; /* (L, H), (L); NULL: no classifier */
};

struct family {
    const char *model_type; /* config.json's */
    /* file is for messages. labels is what config.json says; the weights decide whether there is
     * a head. */
    int (*config)(const char *file, const json_t *config, struct encoder_config *out,
                  struct err *err);
    /* Fills weights from the arena, settles config->labels. Missing, surplus and mis-shaped
     * tensors are errors; the arena's memory is taken only for tensors that were found right. */
    int (*weights)(struct safetensors *tensors, struct encoder_config *config, struct arena *arena,
                   struct encoder_weights *out, struct err *err);
};

/* The family of config.json's model_type; NULL with err when there is none. */
const struct family *family_find(const char *file, const json_t *config,
                                 struct err *err) MUST_CHECK;

extern const struct family family_bert;

/* Multiply-adds times two of the linear layers and the attention products, for one forward pass.
 * Only what has to be computed counts: of the last layer keys and values of every token, the
 * rest of read rows. */
struct input;
double encoder_linear_flop(const struct encoder_config *config, const struct input *input);
double encoder_attention_flop(const struct encoder_config *config, const struct input *input);

#endif
