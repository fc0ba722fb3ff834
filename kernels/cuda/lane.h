/*
 * A lane: a batch in flight. Its slices are written into pinned memory and reach the device in one
 * copy each; its passes are queued, or replayed where they were recorded.
 */
#ifndef KERNELS_CUDA_LANE_H
#define KERNELS_CUDA_LANE_H

#include "kernels/cuda/cuda.h"

#define LANE_RECORDINGS 128 /* the one that was not used for longest makes room */
#define LANE_STAGINGS 2     /* slices of a batch that are staged without waiting for a copy */

/* A pass for one pair of rungs. */
struct recording {
    struct pass pass; /* network NULL: the entry is free, or of a model that was closed */
    int rung, rung_read;
    int times;            /* it was begun */
    cudaGraphExec_t exec; /* NULL: not recorded yet */
    uint64_t digest;      /* of all arguments in exec */
    bool proven;          /* they are those of this pass's operations */
    uint64_t used;        /* when last, by the lane's count of begins */
};

struct lane {
    struct session *session;
    int max_tokens;                /* a rung */
    void *stagings[LANE_STAGINGS]; /* pinned */
    void *block;                   /* the same on the device */
    cudaEvent_t done;              /* the batch is */
    /* the slice of the last begin */
    bool begun; /* false: operations come without a slice */
    int n_tokens, n_read;
    struct cuda_batch batch;
    int n_begun; /* slices of this batch */
    /* recordings */
    struct recording recordings[LANE_RECORDINGS];
    struct recording *recorded; /* the one in progress; NULL: operations run as they come */
    struct recording *compared; /* of a closed model: the operations that come may be equal to it */
    uint64_t digest;            /* of the arguments of the operations since begin */
    uint64_t n_begins;
    struct lane *next; /* idle */
};

/* The rows of an operation: what its grid covers, and where the device finds how many there are. */
struct lane_rows {
    int rung;
    const int32_t *n;
};
struct lane_rows lane_rows(const struct lane *lane, int n_rows);

static inline struct device *lane_device(const struct lane *lane)
{
    return lane->session->device;
}

int cuda_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err);
void cuda_lane_close(struct lane *lane);
void lane_free(struct lane *lane); /* an idle one, or one that was not opened; may be NULL */
int cuda_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
               struct err *err);
int cuda_download(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err);
int cuda_finish(struct lane *lane, struct err *err);
int cuda_query(struct lane *lane, struct err *err);

/* ---- graph.c --------------------------------------------------------------------------------- */

/* Starts a pass of the lane's slice: 1 replayed, 0 its operations follow, -1 failed. */
int recording_begin(struct lane *lane, const struct pass *pass, struct err *err);
/* Ends the recording in progress, if any, and queues it. */
int recording_end(struct lane *lane, struct err *err);
void recordings_release(struct lane *lane);
/* The lane closes: the next model's passes may be equal. */
void recordings_keep(struct lane *lane);

/* The rows read out that a pass of the lane is computed for: with a network few different ones, so
 * that few are recorded. */
int recording_rung_read(const struct lane *lane, const struct slice *slice,
                        const struct pass *pass);

/* Kinds of launches; a product's is followed by its rung. */
enum {
    OPERATION_EMBED,
    OPERATION_ATTENTION,
    OPERATION_NORM,
    OPERATION_POOL,
    OPERATION_HEAD,
    OPERATION_ACTIVATION,
    OPERATION_DOWNLOAD,
    OPERATION_PRODUCT
};
/* Notes what a graph would hold of a launch: its kind and its arguments, as bytes. */
void recording_note(struct lane *lane, int operation, const void *arguments, size_t bytes);

#endif
