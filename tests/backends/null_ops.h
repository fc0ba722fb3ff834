/*
 * The operations of a device that computes nothing: memory is the host's, every operation succeeds
 * at once, and head writes null_logit() of what is read. The modules paced and failing take these
 * and replace a few. No host lanes: the whole batch as one slice, two batches in flight, as on a
 * GPU.
 */
#ifndef TESTS_BACKENDS_NULL_OPS_H
#define TESTS_BACKENDS_NULL_OPS_H

#include "kernels/backend.h"

#define NULL_LAUNCHED 2

struct device {
    struct device_caps caps;
    int64_t fixed_us, token_ns; /* paced */
    int64_t busy_until_us;      /* paced: the device does one batch after the other */
    bool broken;                /* failing: an operation has failed */
};

struct session {
    struct device *device;
    struct session_caps caps;
};

struct lane {
    struct session *session;
    const struct slice *slice;
    int64_t ready_us; /* paced */
};

int null_device_open(const char *name, struct device **out, struct err *err);
void null_device_close(struct device *device);
const struct device_caps *null_device_caps(const struct device *device);
void *null_host_alloc(struct device *device, size_t bytes, struct err *err);
void null_host_free(struct device *device, void *memory);
int null_session_open(struct device *device, const struct session_args *args, struct session **out,
                      struct err *err);
void null_session_close(struct session *session);
const struct session_caps *null_session_caps(const struct session *session);
void *null_alloc(struct session *session, size_t bytes, struct err *err);
void null_free(struct session *session, void *memory);
int null_upload(struct session *session, void *to, const void *from, size_t bytes, struct err *err);
int null_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err);
void null_weight_free(struct session *session, struct linear_weight *weight);
int null_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err);
void null_lane_close(struct lane *lane);
int null_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
               struct err *err);
int null_embed(struct lane *lane, const struct embed_args *args, struct err *err);
int null_linear(struct lane *lane, const struct linear_args *args, struct err *err);
int null_attention(struct lane *lane, const struct attention_args *args, struct err *err);
int null_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err);
int null_pool(struct lane *lane, const struct pool_args *args, struct err *err);
int null_head(struct lane *lane, const struct head_args *args, struct err *err);
int null_download(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err);
int null_finish(struct lane *lane, struct err *err);
int null_query(struct lane *lane, struct err *err);

/* Members of a struct backend_ops: caps, memory and weights of the operations above. */
#define NULL_FACTS(the_name)                                                                       \
    .name = the_name, .device_caps = null_device_caps, .session_caps = null_session_caps,          \
    .alloc = null_alloc, .free = null_free, .upload = null_upload, .weight_new = null_weight_new,  \
    .weight_free = null_weight_free

/* Initialiser of a struct backend_ops: the operations above, except for how the device opens and
 * when a batch is done. */
#define NULL_OPS(the_name, the_device_open, the_finish, the_query)                                 \
    {                                                                                              \
        NULL_FACTS(the_name),                                                                      \
            .device_open = the_device_open, .device_close = null_device_close,                     \
            .host_alloc = null_host_alloc, .host_free = null_host_free,                            \
            .session_open = null_session_open, .session_close = null_session_close,                \
            .lane_open = null_lane_open, .lane_close = null_lane_close, .begin = null_begin,       \
            .embed = null_embed, .linear = null_linear, .attention = null_attention,               \
            .residual_norm = null_residual_norm, .pool = null_pool, .head = null_head,             \
            .download = null_download, .finish = the_finish, .query = the_query,                   \
    }

#endif
