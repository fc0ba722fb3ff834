/* The operations of a device that computes nothing (null_ops.h). */
#include "tests/backends/null_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_logit.h"

struct linear_weight {
    int in, out;
};

int null_device_open(const char *name, struct device **out, struct err *err)
{
    struct device *device = calloc(1, sizeof(*device));

    if (!device)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    device->caps = (struct device_caps){.max_launched = NULL_LAUNCHED, .poll_us = 100};
    snprintf(device->caps.name, sizeof(device->caps.name), "null device%s%.40s", *name ? " " : "",
             name);
    *out = device;
    return 0;
}

void null_device_close(struct device *device)
{
    free(device);
}

const struct device_caps *null_device_caps(const struct device *device)
{
    return &device->caps;
}

void null_device_readings(struct device *device, struct device_readings *out)
{
    (void)device;
    device_readings_none(out);
}

void *null_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    const size_t whole = bytes / 64 * 64 + 64;
    void *memory = aligned_alloc(64, whole);

    BUG_ON(device->broken);
    if (!memory)
        err_set(err, ERR_NOMEM, "null: out of memory");
    else
        memset(memory, 0, whole);
    return memory;
}

void null_host_free(struct device *device, void *memory)
{
    (void)device;
    free(memory);
}

int null_session_open(struct device *device, const struct session_args *args, struct session **out,
                      struct err *err)
{
    struct session *session = calloc(1, sizeof(*session));

    BUG_ON(device->broken);
    if (!session)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    session->device = device;
    session->caps = (struct session_caps){
        .device = "null device",
        .precision = args->precision,
        .operand_bytes = sizeof(float),
        .stream_bytes = sizeof(float),
    };
    *out = session;
    return 0;
}

void null_session_close(struct session *session)
{
    free(session);
}

const struct session_caps *null_session_caps(const struct session *session)
{
    return &session->caps;
}

void *null_alloc(struct session *session, size_t bytes, struct err *err)
{
    return null_host_alloc(session->device, bytes, err);
}

void null_free(struct session *session, void *memory)
{
    (void)session;
    free(memory);
}

int null_upload(struct session *session, void *to, const void *from, size_t bytes, struct err *err)
{
    (void)err;
    BUG_ON(session->device->broken);
    memcpy(to, from, bytes);
    return 0;
}

int null_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err)
{
    struct linear_weight *weight = malloc(sizeof(*weight));

    (void)max_rows;
    BUG_ON(session->device->broken);
    if (!weight)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    *weight = (struct linear_weight){spec->in, spec->out};
    *out = weight;
    return 0;
}

int null_weight_step(struct session *session, struct linear_weight *weight, struct err *err)
{
    (void)session;
    (void)weight;
    (void)err;
    return 0;
}

void null_weight_free(struct session *session, struct linear_weight *weight)
{
    (void)session;
    free(weight);
}

int null_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    (void)max_tokens;
    (void)max_hidden;
    BUG_ON(session->device->broken);
    if (!lane)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    lane->session = session;
    *out = lane;
    return 0;
}

void null_lane_close(struct lane *lane)
{
    free(lane);
}

int null_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
               struct err *err)
{
    (void)pass;
    (void)err;
    lane->slice = slice;
    return 0;
}

#define DOES_NOTHING(operation)                                                                    \
    int null_##operation(struct lane *lane, const struct operation##_args *args, struct err *err)  \
    {                                                                                              \
        (void)lane;                                                                                \
        (void)args;                                                                                \
        (void)err;                                                                                 \
        return 0;                                                                                  \
    }

DOES_NOTHING(embed)
DOES_NOTHING(linear)
DOES_NOTHING(attention)
DOES_NOTHING(residual_norm)
DOES_NOTHING(pool)

int null_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    float *logits = args->logits;

    (void)err;
    BUG_ON(args->n_rows != slice->n_read);
    for (int r = 0; r < args->n_rows; r++) {
        const struct slice_segment *own = &slice->segments[slice->read_segments[r]];
        const struct slice_segment none = {0};
        const struct slice_segment *parent =
            own->parent >= 0 ? &slice->segments[own->parent] : &none;

        for (int l = 0; l < args->labels; l++)
            logits[r * args->labels + l] = null_logit(slice->ids + parent->start, parent->len,
                                                      slice->ids + own->start, own->len, l);
    }
    return 0;
}

int null_download(struct lane *lane, void *to, const void *from, size_t bytes, struct err *err)
{
    (void)lane;
    (void)err;
    memcpy(to, from, bytes);
    return 0;
}

int null_finish(struct lane *lane, struct err *err)
{
    (void)lane;
    (void)err;
    return 0;
}

int null_query(struct lane *lane, struct err *err)
{
    (void)lane;
    (void)err;
    return 1;
}
