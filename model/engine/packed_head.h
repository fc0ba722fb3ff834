/*
 * A head on a device: pooler and classifier over rows that a forward pass read out. Built in small
 * steps like a network, read-only afterwards.
 */
#ifndef MODEL_ENGINE_PACKED_HEAD_H
#define MODEL_ENGINE_PACKED_HEAD_H

#include "model/checkpoint/head.h"
#include "model/engine/forward.h"

struct packed_head {
    const struct backend_ops *ops;
    int hidden, labels;
    struct linear_weight *pooler;
    void *classifier, *classifier_bias; /* (L, H), (L) f32 */
    struct upload upload;
};

/* net: the network, initialised, whose rows it reads; head in host memory outlives it. Allocates no
 * device memory yet: the steps of packed->upload do. On failure nothing needs to be released. */
int packed_head_init(struct packed_head *packed, const struct network *net, const struct head *head,
                     struct err *err) MUST_CHECK;
void packed_head_release(struct packed_head *packed); /* does nothing if zeroed */

/* Applies the head to the rows in a->scratch->read_operand and copies the result to out, (R, L) in
 * memory from host_alloc; on a queue it is valid once that has finished. Ends a pass. */
int packed_head_run(const struct packed_head *packed, const struct forward_args *a, float *out,
                    struct err *err) MUST_CHECK;

#endif
