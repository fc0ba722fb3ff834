/*
 * The operations of a device that computes nothing: memory is the host's, every operation succeeds
 * immediately, and head writes null_logit() of its tokens. The other devices reuse these and
 * replace a few. No host lanes: the whole batch as one slice, two batches in flight, as on a GPU.
 */
#ifndef TESTS_BACKENDS_NULL_OPS_H
#define TESTS_BACKENDS_NULL_OPS_H

#include "kernels/backend.h"

#define NULL_LAUNCHED 2

struct device {
    struct device_caps caps;
    int64_t fixed_us, token_ns; /* paced */
    int64_t busy_until_us;      /* paced: the device runs one batch after the other */
    bool broken;                /* failing: an operation has failed; only closing is allowed */
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
void null_device_readings(struct device *device, struct device_readings *out);
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
int null_weight_step(struct session *session, struct linear_weight *weight, struct err *err);
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

/* Members of a struct backend_ops: those shared by all test devices, and groups of functions
 * PREFIX_name. */
#define NULL_FACTS(the_name)                                                                       \
    .name = the_name, .device_caps = null_device_caps, .device_readings = null_device_readings,    \
    .session_caps = null_session_caps, .alloc = null_alloc, .free = null_free,                     \
    .upload = null_upload

#define OWNERS(prefix)                                                                             \
    .device_close = prefix##_device_close, .host_alloc = prefix##_host_alloc,                      \
    .host_free = prefix##_host_free, .session_open = prefix##_session_open,                        \
    .session_close = prefix##_session_close, .lane_open = prefix##_lane_open,                      \
    .lane_close = prefix##_lane_close

#define OPERATIONS(prefix)                                                                         \
    .embed = prefix##_embed, .linear = prefix##_linear, .attention = prefix##_attention,           \
    .residual_norm = prefix##_residual_norm, .pool = prefix##_pool, .head = prefix##_head

/* Initialiser of a struct backend_ops: the operations above, except for how the device opens and
 * when a batch is done. */
#define NULL_OPS(the_name, the_device_open, the_finish, the_query)                                 \
    {                                                                                              \
        NULL_FACTS(the_name), OWNERS(null), OPERATIONS(null),                                      \
            .device_open = the_device_open, .weight_new = null_weight_new,                         \
            .weight_step = null_weight_step, .weight_free = null_weight_free, .begin = null_begin, \
            .download = null_download, .finish = the_finish, .query = the_query                    \
    }

#endif
