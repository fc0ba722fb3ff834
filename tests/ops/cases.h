/*
 * One table of operations, shapes and layouts; every backend runs it against the reference. A row
 * is data; what its operation does with it stands in cases.c.
 */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "tests/ops/rig.h"

/* What a case computed, on the heap. The stream part is f32 on every backend, operands have its
 * precision. */
struct outcome {
    float *stream, *operand, *saved; /* saved: what backward needs, of operands' precision */
    size_t n_stream, n_operand, n_saved;
};

void outcome_release(struct outcome *outcome);

struct op_case {
    const char *name;
    /* Runs the case on `rig`; inputs are rounded as those of `like` are, so that both see the
     * same numbers. */
    void (*run)(const struct op_case *c, struct rig *rig, const struct rig *like,
                struct outcome *out);
    int in, out, rows; /* linear; rows of norms too */
    int hidden, heads; /* the others */
    const char *segments, *outside;
    enum activation activation;
    enum norm_kind norm;
    enum pool_kind pool;
    int labels;
    double deviation; /* of the inputs; 0: 1 */
    bool to_stream, no_bias, no_gamma, no_delta, causal, read_only;
    bool saves; /* what backward needs is wanted, too */
};

extern const struct op_case op_cases[];
extern const size_t n_op_cases;

#endif
