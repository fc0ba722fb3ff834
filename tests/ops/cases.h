/*
 * One table of operations, shapes and layouts, which every backend runs against the reference. A
 * row is data; cases.c has the function of each operation that runs it.
 */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "tests/ops/rig.h"

/* On the heap; none where the case has no such output. */
struct values {
    float *at;
    size_t n;
};

/* The results of a case. */
struct outcome {
    struct values stream, operand, logits;
    struct values saved, saved_rstd; /* for backward; of norms: means and rstd */
};

void outcome_release(struct outcome *outcome);

struct op_case {
    const char *name;
    /* Leaves tensors to rig_free. */
    void (*run)(const struct op_case *c, struct rig *rig, struct outcome *out);
    int in, out, rows; /* linear; rows of norms too */
    int hidden, heads; /* the other operations */
    const char *segments, *outside;
    enum activation activation;
    enum pool_kind pool;
    int labels;
    double deviation; /* of the inputs; 0: 1 */
    bool to_stream, no_bias, no_gamma, no_delta, causal, read_only;
    bool saves;     /* also computes what backward needs */
    bool late_bias; /* attention adds the bias of q, k and v */
};

extern const struct op_case op_cases[];
extern const size_t n_op_cases;

#endif
