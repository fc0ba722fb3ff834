/* Encoders with the shapes of known models and random weights: times do not depend on training. */
#ifndef BENCH_GPU_MODEL_H
#define BENCH_GPU_MODEL_H

#include "model/checkpoint/encoder.h"
#include "model/checkpoint/head.h"

struct bench_model {
    const char *name;
    struct encoder encoder;
    struct head head;
    float *random, *ones, *zeros; /* what the tensors point into; layers share theirs */
};

int bench_model_init(struct bench_model *m, const char *name, const struct encoder_config *config,
                     struct err *err) MUST_CHECK;
void bench_model_release(struct bench_model *m);

#endif
