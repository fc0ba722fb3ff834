/*
 * The rig of the operation tests: an open backend with a lane, tensors that are uploaded and read
 * back as f32 whatever the backend's element types are, and slices written as text. It follows the
 * contract of a device without host lanes: slices are in memory of host_alloc, every operation
 * follows a begin, every read waits by query, and tensors have rows up to the rung.
 */
#ifndef TESTS_OPS_RIG_H
#define TESTS_OPS_RIG_H

#include "base/rng.h"
#include "kernels/backend.h"
#include "tests/test.h"

#define RIG_MAX_TOKENS 6000
#define RIG_MAX_HIDDEN 3072
#define RIG_MAX_OUTSIDE 16
/* ids, positions and types of slices are below these */
#define RIG_VOCABULARY 50
#define RIG_MAX_POSITION 600
#define RIG_TYPES 2

struct rig_slice {
    struct slice slice;
    int outside_len[RIG_MAX_OUTSIDE];
    struct slice_segment *segments;
    int32_t *read, *read_segments;
    void *memory; /* from host_alloc */
};

struct rig {
    const struct backend_ops *ops;
    const struct device_caps *device_caps;
    const struct session_caps *caps;
    enum precision stream;  /* of stream elements */
    const struct rig *like; /* inputs are rounded to its elements; by default this rig's */
    struct device *device;
    struct session *session;
    struct lane *lane;
    struct rig_slice rows; /* as many one-token segments as fit, all read */
    struct slice begun;    /* by rig_begin_rows */
    uintptr_t n_passes;
    int n_tensors;
    void *tensors[64];
};

/*
 * Runs check on every backend that opens here: the CPU with every provider and precision, and CUDA
 * in the precisions that it has. The environment's ADRANK_OPS_BACKEND (a name or a module's path)
 * replaces them. Prints which; the lane is not opened.
 */
void rig_each(void (*check)(struct rig *rig));

/* Fails the test when the backend cannot be opened. lane is not opened yet: weights come first. */
void rig_open(struct rig *rig, const struct backend_ops *ops, enum precision precision,
              const char *linear);
void rig_lane(struct rig *rig);
void rig_close(struct rig *rig);

/* ---- tensors --------------------------------------------------------------------------------- */

/* Rows of f32, operand or stream elements in memory of the backend, with padding up to the rung;
 * from: (rows, width), or NULL. All other bytes are RIG_FILLED, which is NaN in every precision. */
#define RIG_FILLED 0xff
void *rig_floats(struct rig *rig, const float *from, int rows, int width);
void *rig_operands(struct rig *rig, const float *from, int rows, int width);
void *rig_stream(struct rig *rig, const float *from, int rows, int width);
/* A matrix of uploaded f32 (no padding): random normal numbers. */
float *rig_random_floats(struct rig *rig, struct rng *rng, size_t n, double deviation);
/* Completes a new weight. */
void rig_fill(struct rig *rig, struct linear_weight *weight);
/* A weight for up to this many rows and the rung above them. */
struct linear_weight *rig_weight(struct rig *rig, const struct linear_spec *spec, int rows);
void rig_free(struct rig *rig, int kept); /* all but the first `kept` tensors */

/* Rows into a heap array, once the lane has computed them. from has rows up to the rung. */
void *rig_read_bytes(struct rig *rig, struct lane *lane, const void *from, int rows,
                     size_t row_bytes);
float *rig_read(struct rig *rig, enum precision element, const void *from, int rows, int width);

size_t rig_element_bytes(enum precision element);
int rig_rung(const struct rig *rig, int rows);
bool rig_takes_width(const struct rig *rig, int width); /* a hidden size, K or N */
/* n normal numbers of the given deviation, rounded to operands of rig->like if `rounded`. Heap. */
float *rig_random(const struct rig *rig, struct rng *rng, size_t n, double deviation, bool rounded);

/* ---- passes ---------------------------------------------------------------------------------- */

/* A pass that is never replayed. rig_begin_rows: over a slice of this many rows (one if 0), all
 * read. */
void rig_begin(struct rig *rig, struct lane *lane, const struct slice *slice);
void rig_begin_rows(struct rig *rig, struct lane *lane, int rows);
/* Ends the batch and waits until the lane has computed it. */
void rig_wait(struct rig *rig, struct lane *lane);

/*
 * A slice from text: segments separated by blanks, each a length, then "p2" (its parent is segment
 * 2) or "o1" (outside parent 1); "5000x1" is 5000 segments of length 1. `outside` lists lengths,
 * may be NULL. Every segment without children is read. ids, types and positions are random.
 */
void rig_slice_init(struct rig_slice *s, struct rig *rig, const char *segments, const char *outside,
                    struct rng *rng);
void rig_slice_read_all(struct rig_slice *s); /* including parents */
void rig_slice_release(struct rig_slice *s, struct rig *rig);

#endif
