/*
 * What must be uploaded to a device: matrices to pack and arrays to copy, listed first and then
 * processed in small steps, so that an engine can open between served batches. One thread at a
 * time.
 */
#ifndef MODEL_ENGINE_UPLOAD_H
#define MODEL_ENGINE_UPLOAD_H

#include "kernels/backend.h"

struct upload {
    const struct backend_ops *ops;
    struct session *session;
    int max_rows; /* of one slice */
    struct upload_item *items;
    int n, max, next;
    size_t done; /* bytes of the copy in progress */
};

/* Room for max items. The session must outlive the list. On failure nothing needs to be
 * released. */
int upload_init(struct upload *upload, const struct backend_ops *ops, struct session *session,
                int max_rows, int max, struct err *err) MUST_CHECK;

/* Adds a matrix that becomes *to, where what spec points to is read when its turn comes; or rows of
 * cols f32 that become *to. *to is NULL until then and lives as long as the list. */
void upload_matrix(struct upload *upload, struct linear_weight **to, struct linear_spec spec);
void upload_array(struct upload *upload, void **to, const float *from, int rows, int cols);

/* A step of packing a matrix, or at most 1 MiB of an array: 1 more to do, 0 done, -1 failed. */
int upload_step(struct upload *upload, struct err *err) MUST_CHECK;
/* Frees everything, including device memory. Does nothing if zeroed. */
void upload_release(struct upload *upload);

#endif
