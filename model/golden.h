/*
 * Golden requests: requests with the logits that the model produced where it was trained. An engine
 * computes them when it opens and is refused if the error is too large: the error is judged against
 * the spread of the scores (largest |error| over the standard deviation of all golden logits),
 * since an absolute tolerance would accept a model with constant output.
 */
#ifndef MODEL_GOLDEN_H
#define MODEL_GOLDEN_H

#include <jansson.h>

#include "base/arena.h"
#include "kernels/backend.h"

#define GOLDEN_MIN_PAIRS 32
#define GOLDEN_MIN_SPREAD 1.0 /* standard deviation of all logits */
#define GOLDEN_MAX_ERROR 0.1  /* upper limit of what a directory may allow */

struct golden_request {
    int64_t now_ms;
    struct view body;     /* a /rank request, JSON */
    const double *logits; /* (n_logits) one per candidate */
    int n_logits;
};

struct golden {
    const struct golden_request *requests;
    int n_requests; /* 0: a directory without adrank.json */
    double spread;
    double max_error[PRECISIONS]; /* 0: not stated, that precision is refused */
};

/* object is adrank.json's /golden. */
int golden_parse(struct golden *out, const char *file, const json_t *object, struct arena *arena,
                 struct err *err) MUST_CHECK;

/* max_error of that precision; of bf16 where f16 is asked for and not stated. -1 with the reason in
 * err: none is stated. */
int golden_limit(const struct golden *golden, enum precision precision, double *out,
                 struct err *err) MUST_CHECK;

#endif
