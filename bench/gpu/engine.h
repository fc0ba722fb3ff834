/*
 * A model on the GPU, driven below the daemon's engine so that passes can be timed by the device's
 * own events, with and without recording.
 */
#ifndef BENCH_GPU_ENGINE_H
#define BENCH_GPU_ENGINE_H

#include "bench/gpu/model.h"
#include "kernels/cuda/product.h"
#include "model/engine/packed_head.h"

#define BENCH_LANES 2

extern const struct backend_ops backend_cuda;

struct bench_engine {
    const struct bench_model *model;
    struct device *device;
    struct session *session;
    struct network net;
    struct packed_head head;
    struct forward_scratch scratch;
    struct lane *lanes[BENCH_LANES];
    float *out[BENCH_LANES]; /* (max_tokens) pinned: the logits of the lane's batch */
    int max_tokens;
};

int bench_engine_init(struct bench_engine *e, struct device *device,
                      const struct bench_model *model, enum precision precision, int max_tokens,
                      struct err *err) MUST_CHECK;
void bench_engine_release(struct bench_engine *e);

/* Queues one pass; plain: its operations one by one. The lane must be idle. */
int bench_engine_launch(struct bench_engine *e, int lane, const struct slice *slice, bool plain,
                        struct err *err) MUST_CHECK;
/* The same, recorded under a key of its own (kernels/backend.h, struct pass); NULL: not at all. */
int bench_engine_launch_as(struct bench_engine *e, int lane, const struct slice *slice,
                           const void *key, struct err *err) MUST_CHECK;
/* Waits, without sleeping, until the lane's batch is done. */
int bench_engine_wait(struct bench_engine *e, int lane, struct err *err) MUST_CHECK;

#endif
