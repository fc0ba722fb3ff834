/*
 * A batch cut into slices. A slice is whole segments laid end to end, about as many rows as stay in
 * a core's cache; a parent whose family does not fit one slice gets a slice of its own (small
 * parents share one), and its children's slices wait for it.
 *
 * Pure: arithmetic over memory of the caller. A row's result does not depend on the cut
 * (kernels/backend.h, Bits), so neither do scores.
 */
#ifndef MODEL_ENGINE_PLAN_H
#define MODEL_ENGINE_PLAN_H

#include "adrank/engine.h"
#include "kernels/backend.h"
#include "model/engine/forward.h"

/* Below this a slice is too small for the processor to work at its rate. */
#define PLAN_MIN_TOKENS 64

struct plan_limits {
    int max_batch_tokens;
    int max_rows;           /* memory is allocated for: max_batch_tokens, or the rung of that */
    int max_segment_tokens; /* the model's positions */
    int slice_tokens;       /* target; 0: one slice for everything */
    int max_slice_tokens;   /* upper limit: what lanes have room for */
    int max_parent_tokens;  /* rows that may be kept of one slice of parents */
    int threads;            /* as many slices or a multiple, so that every thread has work */
    bool outside_parents;   /* false: a family stays together, however large */
};

struct plan_slice {
    struct slice slice;
    const struct outside_rows *outside; /* (slice.n_outside) rows of the parent slice */
    int parent;                         /* index of the slice this one waits for, -1: none */
    int n_children;                     /* slices that wait for this one */
    int first_read;                     /* of slice.n_read rows, into plan->targets */
};

struct plan {
    struct plan_slice *slices; /* in the order to start them */
    int n_slices;
    int n_read;
    float **targets; /* (n_read) where a read row's outputs belong: in its job */
    /* what the slices point into; all of limits.max_rows */
    struct plan_limits limits;
    int32_t *ids, *types, *positions;
    struct slice_segment *segments;
    int32_t *read, *read_segments;
    struct outside_rows *outside;
    struct plan_unit *units;
    int n_tokens, n_segments, n_outside, n_units;
};

/* The plan's arrays are placed in memory of the caller: plan_bytes, 64-byte-aligned. */
size_t plan_bytes(const struct plan_limits *limits);
void plan_init(struct plan *plan, const struct plan_limits *limits, void *memory);

/* Cuts a batch. Allocates nothing. Jobs larger than the limits are a BUG; width is that of a row of
 * a job's out. Parents without children that are not read themselves are left out. */
void plan_build(struct plan *plan, struct engine_job *const *jobs, int n_jobs, int width);

#endif
