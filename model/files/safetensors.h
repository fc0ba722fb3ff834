/*
 * safetensors (https://github.com/huggingface/safetensors, format of 2022): eight bytes of header
 * length, little-endian, a JSON header, then the tensors' bytes. Treated as hostile input: every
 * length, offset, hole, overlap, dtype and shape is checked against the actual bytes before memory
 * is allocated for it. Refusals name the file, the tensor and the reason (ERR_DATA).
 */
#ifndef MODEL_FILES_SAFETENSORS_H
#define MODEL_FILES_SAFETENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

#define SAFETENSORS_MAX_HEADER (1 << 20) /* bytes: some 7,000 tensors */
#define SAFETENSORS_MAX_DIMS 8

struct safetensors_dtype; /* name and size; see safetensors_dtype_name */

struct safetensor {
    char *name; /* printable: a name with control bytes is refused */
    const struct safetensors_dtype *dtype;
    int n_dims;
    int64_t dims[SAFETENSORS_MAX_DIMS];
    size_t begin, end; /* bytes within data */
    const char *file;  /* as struct safetensors had it when the tensor was read */
    const char *data;  /* of that file */
    bool used;         /* for the caller: to detect surplus tensors */
};

struct safetensors {
    const char *file; /* for messages; the caller's, as is data */
    struct view data;
    struct safetensor *items; /* in the order of their bytes */
    int n;
};

/* bytes stay the caller's and must outlive out. On failure nothing needs to be released. */
int safetensors_init(struct safetensors *out, const char *file, struct view bytes,
                     struct err *err) MUST_CHECK;
void safetensors_release(struct safetensors *tensors);

/* Appends part's tensors to those of into, which may be {0} with a file for messages; part is
 * released. The caller ensures that no name is in both. */
int safetensors_join(struct safetensors *into, struct safetensors *part,
                     struct err *err) MUST_CHECK;

/* NULL when there is none of that name. */
struct safetensor *safetensors_find(const struct safetensors *tensors, const char *name);

const char *safetensors_dtype_name(const struct safetensor *tensor); /* "F32", "BF16", ... */

/* rows 0: one dimension, (cols). -1 with "shape (a, b), want (c, d)". */
int safetensors_check_shape(const struct safetensor *tensor, int64_t rows, int64_t cols,
                            struct err *err) MUST_CHECK;

/* All elements as f32, in order; out has room for them. F32, F16 and BF16; -1 for any other
 * dtype and for a tensor that holds a NaN or an infinity. */
int safetensors_read_f32(const struct safetensor *tensor, float *out, struct err *err) MUST_CHECK;

#endif
