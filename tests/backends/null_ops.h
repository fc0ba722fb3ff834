/*
 * The operations of a device that computes nothing: memory is the host's, every operation succeeds at once, and
 * head writes null_logit() of what is read. The modules paced and failing take these and replace a few. One
 * lane, the whole batch as one slice, two batches in flight, as on a GPU.
 */
#ifndef TESTS_BACKENDS_NULL_OPS_H
#define TESTS_BACKENDS_NULL_OPS_H

#include "kernels/backend.h"

#define NULL_LAUNCHED 2

struct backend {
    struct backend_caps caps;
    int64_t fixed_us, token_ns; /* paced */
    int64_t busy_until_us;      /* paced: the device does one batch after the other */
};

struct lane {
    struct backend *backend;
    const struct slice *slice;
    int64_t ready_us[NULL_LAUNCHED]; /* paced: by slot */
};

int null_open(const struct backend_open_args *args, struct backend **out, struct err *err);
void null_close(struct backend *backend);
const struct backend_caps *null_caps(const struct backend *backend);
void *null_alloc(struct backend *backend, size_t bytes, struct err *err);
void null_free(struct backend *backend, void *memory);
int null_upload(struct backend *backend, void *to, const void *from, size_t bytes, struct err *err);
int null_weight_new(struct backend *backend, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err);
void null_weight_free(struct backend *backend, struct linear_weight *weight);
int null_lane_open(struct backend *backend, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err);
void null_lane_close(struct lane *lane);
int null_begin(struct lane *lane, const struct slice *slice, struct err *err);
int null_embed(struct lane *lane, const struct embed_args *args, struct err *err);
int null_linear(struct lane *lane, const struct linear_args *args, struct err *err);
int null_attention(struct lane *lane, const struct attention_args *args, struct err *err);
int null_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err);
int null_pool(struct lane *lane, const struct pool_args *args, struct err *err);
int null_head(struct lane *lane, const struct head_args *args, struct err *err);
int null_download(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err);
int null_finish(struct lane *lane, int slot, struct err *err);
int null_query(struct lane *lane, int slot, struct err *err);

#endif
