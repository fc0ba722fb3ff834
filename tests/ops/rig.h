/*
 * What every test of operations stands on: an opened backend with a lane, tensors that go up and
 * come down as f32 whatever the backend's element type is, and slices written as text.
 */
#ifndef TESTS_OPS_RIG_H
#define TESTS_OPS_RIG_H

#include "base/rng.h"
#include "kernels/backend.h"
#include "tests/test.h"

#define RIG_MAX_TOKENS 6000
#define RIG_MAX_HIDDEN 3072
#define RIG_VOCABULARY                                                                             \
    50 /* ids, positions (RIG_MAX_POSITION) and types of slices are below these */
#define RIG_MAX_POSITION 600
#define RIG_TYPES 2

struct rig {
    const struct backend_ops *ops;
    const struct session_caps *caps;
    struct device *device;
    struct session *session;
    struct lane *lane;
};

extern const struct pass rig_pass; /* for every begin: nothing is recorded under it */

/* What tests run over: the CPU with every provider and precision, and each other backend that opens
 * here, in the precisions that it has. */
struct rig_config {
    const struct backend_ops *ops;
    enum precision precision;
    const char *linear;
};

#define RIG_MAX_CONFIGS 8
int rig_configs(struct rig_config out[RIG_MAX_CONFIGS]);                /* returns how many */
void rig_open_config(struct rig *rig, const struct rig_config *config); /* prints which */

/* Fails the test when the backend cannot be opened. lane is not opened yet: weights come first. */
void rig_open(struct rig *rig, const struct backend_ops *ops, enum precision precision,
              const char *linear);
void rig_lane(struct rig *rig);
void rig_close(struct rig *rig);

/* n floats as operands (or as they are) in memory of the backend; from NULL: zeros. Freed by
 * rig_free. */
void *rig_operands(struct rig *rig, const float *from, size_t n);
void *rig_floats(struct rig *rig, const float *from, size_t n);
void rig_free(struct rig *rig, void *memory);
/* And back into a heap array; waits until the lane has computed it. */
void *rig_read_bytes(struct rig *rig, struct lane *lane, const void *from, size_t bytes);
float *rig_read_operands(struct rig *rig, const void *from, size_t n);
float *rig_read_floats(struct rig *rig, const void *from, size_t n);

/* n normal numbers of the given deviation, rounded to the backend's operands if `rounded`. Heap. */
float *rig_random(const struct rig *rig, struct rng *rng, size_t n, double deviation, bool rounded);
float rig_round(const struct rig *rig, float x);

/*
 * A slice from text: segments apart by blanks, each a length, then "p2" (its parent is segment 2)
 * or "o1" (outside parent 1); "5000x1" is 5000 segments of length 1. `outside` lists lengths. Every
 * segment that is nobody's parent is read. ids, types and positions are random.
 */
struct rig_slice {
    struct slice slice;
    int *outside_len;
};

void rig_slice_init(struct rig_slice *s, const char *segments, const char *outside,
                    struct rng *rng);
void rig_slice_release(struct rig_slice *s);

#endif
