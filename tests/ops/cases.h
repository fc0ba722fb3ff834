/*
 * One table of operations, shapes and layouts, which every backend runs against the reference. A
 * row is data; cases.c has the function of each operation that runs it.
 */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "tests/ops/rig.h"

/* What a case computed, on the heap; of no elements where it has no such output. */
struct outcome {
    float *stream, *operand, *saved, *logits; /* saved: what backward needs */
    size_t n_stream, n_operand, n_saved, n_logits;
};

void outcome_release(struct outcome *outcome);

struct op_case {
    const char *name;
    /* Runs the case on `rig`; inputs are rounded as those of `like` are, so that both get the
     * same numbers. Leaves tensors to rig_free. */
    void (*run)(const struct op_case *c, struct rig *rig, const struct rig *like,
                struct outcome *out);
    int in, out, rows; /* linear; rows of norms too */
    int hidden, heads; /* the others */
    const char *segments, *outside;
    enum activation activation;
    enum pool_kind pool;
    int labels;
    double deviation; /* of the inputs; 0: 1 */
    bool to_stream, no_bias, no_gamma, no_delta, causal, read_only;
    bool saves; /* also computes what backward needs */
};

extern const struct op_case op_cases[];
extern const size_t n_op_cases;

#endif
