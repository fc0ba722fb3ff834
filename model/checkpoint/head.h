/*
 * A head in host memory: turns an encoder's output rows into scores. BERT's is a pooler (a linear
 * layer with tanh) and a classifier.
 */
#ifndef MODEL_CHECKPOINT_HEAD_H
#define MODEL_CHECKPOINT_HEAD_H

#include <stdbool.h>

/* config.json's problem_type: how two labels become one probability. */
enum problem_kind { PROBLEM_UNSTATED, PROBLEM_SINGLE_LABEL, PROBLEM_MULTI_LABEL };

struct head {
    int labels; /* of the classifier; 0: there is none */
    enum problem_kind problem;
    bool independent_labels; /* the last label alone is the click's; else softmax */
    /* f32, row-major (out, in); H is the encoder's hidden size, L the labels */
    float *pooler, *pooler_bias;         /* (H, H), (H); NULL: no pooler */
    float *classifier, *classifier_bias; /* (L, H), (L); NULL: no classifier */
};

#endif
