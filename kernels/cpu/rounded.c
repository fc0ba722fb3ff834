/*
 * The CPU backend as a device of 16 bits would compute: in f32, with every weight and the result of
 * every operation rounded to f16 or bf16. An activation is a pass of its own, so its input is
 * rounded too. What such a device rounds inside an operation (attention's probabilities) is not
 * imitated. For bounds of golden requests, not for serving.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/f16.h"

#define REAL (&backend_cpu)

/* Each wraps what backend_cpu made; devices and memory are backend_cpu's own. */
struct session {
    struct session *real;
    struct session_caps caps;
};

struct lane {
    struct lane *real;
    const struct session *session;
    const struct slice *slice; /* of the last begin */
};

struct linear_weight {
    struct linear_weight *real; /* without the activation */
    int out;
    enum activation activation;
};

static void round_all(const struct session *session, float *values, size_t n)
{
    if (session->caps.precision == PRECISION_F16)
        for (size_t i = 0; i < n; i++)
            values[i] = f16_round(values[i]);
    else
        for (size_t i = 0; i < n; i++)
            values[i] = bf16_to_f32(bf16_from_f32(values[i]));
}

/* Of rows that are both stream and operand, which may be the same memory; either may be NULL. */
static void round_rows(const struct lane *lane, void *stream, void *operand, int n, int width)
{
    const size_t elements = (size_t)n * (size_t)width;

    if (stream)
        round_all(lane->session, stream, elements);
    if (operand && operand != stream)
        round_all(lane->session, operand, elements);
}

/* ---- session --------------------------------------------------------------------------------- */

static int rounded_session_open(struct device *device, const struct session_args *args,
                                struct session **out, struct err *err)
{
    const struct session_args real = {.precision = PRECISION_F32, .linear = args->linear};
    struct session *session;

    if (args->precision != PRECISION_F16 && args->precision != PRECISION_BF16)
        return err_set(err, ERR_CONFIG, "rounded: precision %s, want f16 or bf16",
                       precision_names[args->precision]);
    session = calloc(1, sizeof(*session));
    if (!session)
        return err_set(err, ERR_NOMEM, "rounded: out of memory");
    if (REAL->session_open(device, &real, &session->real, err)) {
        free(session);
        return -1;
    }
    session->caps = *REAL->session_caps(session->real);
    session->caps.precision = args->precision;
    *out = session;
    return 0;
}

static void rounded_session_close(struct session *session)
{
    REAL->session_close(session->real);
    free(session);
}

static const struct session_caps *rounded_session_caps(const struct session *session)
{
    return &session->caps;
}

static void *rounded_alloc(struct session *session, size_t bytes, struct err *err)
{
    return REAL->alloc(session->real, bytes, err);
}

static void rounded_free(struct session *session, void *memory)
{
    REAL->free(session->real, memory);
}

static int rounded_upload(struct session *session, void *to, const void *from, size_t bytes,
                          struct err *err)
{
    return REAL->upload(session->real, to, from, bytes, err);
}

/* ---- weights --------------------------------------------------------------------------------- */

static void rounded_weight_free(struct session *session, struct linear_weight *weight)
{
    if (weight->real)
        REAL->weight_free(session->real, weight->real);
    free(weight);
}

/* Matrix and bias, rounded, in one allocation. */
static float *rounded_copy(const struct session *session, const struct linear_spec *spec,
                           struct err *err)
{
    const size_t n = (size_t)spec->in * (size_t)spec->out, out = (size_t)spec->out;
    float *copy = calloc(n + out, sizeof(*copy));

    if (!copy) {
        err_set(err, ERR_NOMEM, "rounded: out of memory");
        return NULL;
    }
    memcpy(copy, spec->weight, n * sizeof(*copy));
    if (spec->bias)
        memcpy(copy + n, spec->bias, out * sizeof(*copy));
    round_all(session, copy, n + out);
    return copy;
}

static int rounded_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                              struct linear_weight **out, struct err *err)
{
    struct linear_weight *weight = calloc(1, sizeof(*weight));
    float *copy = weight ? rounded_copy(session, spec, err) : NULL;
    struct linear_spec real = *spec;
    int rc;

    if (!weight)
        return err_set(err, ERR_NOMEM, "rounded: out of memory");
    if (!copy) {
        free(weight);
        return -1;
    }
    weight->out = spec->out;
    weight->activation = spec->activation;
    real.weight = copy;
    real.bias = spec->bias ? copy + (size_t)spec->in * (size_t)spec->out : NULL;
    real.activation = ACTIVATION_NONE;
    rc = REAL->weight_new(session->real, &real, max_rows, &weight->real, err);
    free(copy);
    if (rc) {
        rounded_weight_free(session, weight);
        return -1;
    }
    *out = weight;
    return 0;
}

static int rounded_weight_step(struct session *session, struct linear_weight *weight,
                               struct err *err)
{
    (void)session;
    (void)weight;
    (void)err;
    return 0; /* the cpu's weight_new packed it: the rounded copy is gone */
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static int rounded_lane_open(struct session *session, int max_tokens, int max_hidden,
                             struct lane **out, struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    if (!lane)
        return err_set(err, ERR_NOMEM, "rounded: out of memory");
    lane->session = session;
    if (REAL->lane_open(session->real, max_tokens, max_hidden, &lane->real, err)) {
        free(lane);
        return -1;
    }
    *out = lane;
    return 0;
}

static void rounded_lane_close(struct lane *lane)
{
    REAL->lane_close(lane->real);
    free(lane);
}

static int rounded_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
                         struct err *err)
{
    lane->slice = slice;
    return REAL->begin(lane->real, slice, pass, err);
}

static int rounded_download(struct lane *lane, void *to, const void *from, size_t bytes,
                            struct err *err)
{
    return REAL->download(lane->real, to, from, bytes, err);
}

static int rounded_finish(struct lane *lane, struct err *err)
{
    return REAL->finish(lane->real, err);
}

static int rounded_query(struct lane *lane, struct err *err)
{
    return REAL->query(lane->real, err);
}

/* ---- operations ------------------------------------------------------------------------------ */

static int rounded_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    if (REAL->embed(lane->real, args, err))
        return -1;
    round_rows(lane, args->stream, args->operand, lane->slice->n_tokens, args->hidden);
    return 0;
}

static int rounded_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    const struct linear_weight *weight = args->weight;
    const size_t n = (size_t)args->n_rows * (size_t)weight->out;
    const enum activation activation =
        weight->activation != ACTIVATION_NONE ? weight->activation : args->activation;
    struct linear_args real = *args;
    float *out = args->out;

    real.weight = weight->real;
    real.activation = ACTIVATION_NONE;
    real.pre_activation = NULL;
    if (REAL->linear(lane->real, &real, err))
        return -1;
    round_all(lane->session, out, n);
    if (args->pre_activation)
        memcpy(args->pre_activation, out, n * sizeof(*out));
    if (activation == ACTIVATION_NONE)
        return 0;
    for (size_t i = 0; i < n; i++)
        out[i] = activation_apply(activation, out[i]);
    round_all(lane->session, out, n);
    return 0;
}

static int rounded_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    const int n = args->read_only ? lane->slice->n_read : lane->slice->n_tokens;

    if (REAL->attention(lane->real, args, err))
        return -1;
    round_rows(lane, NULL, args->out, n, args->hidden);
    return 0;
}

static int rounded_residual_norm(struct lane *lane, const struct residual_norm_args *args,
                                 struct err *err)
{
    if (REAL->residual_norm(lane->real, args, err))
        return -1;
    round_rows(lane, args->stream, args->operand, args->n_rows, args->hidden);
    return 0;
}

static int rounded_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    if (REAL->pool(lane->real, args, err))
        return -1;
    round_rows(lane, args->stream_out, args->operand_out, lane->slice->n_read, args->hidden);
    return 0;
}

static int rounded_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    return REAL->head(lane->real, args, err);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int rounded_device_open(const char *name, struct device **out, struct err *err)
{
    return REAL->device_open(name, out, err);
}

static void rounded_device_close(struct device *device)
{
    REAL->device_close(device);
}

static const struct device_caps *rounded_device_caps(const struct device *device)
{
    return REAL->device_caps(device);
}

static void rounded_device_readings(struct device *device, struct device_readings *out)
{
    REAL->device_readings(device, out);
}

static void *rounded_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    return REAL->host_alloc(device, bytes, err);
}

static void rounded_host_free(struct device *device, void *memory)
{
    REAL->host_free(device, memory);
}

const struct backend_ops backend_rounded = {
    .name = "rounded",
    .device_open = rounded_device_open,
    .device_close = rounded_device_close,
    .device_caps = rounded_device_caps,
    .device_readings = rounded_device_readings,
    .host_alloc = rounded_host_alloc,
    .host_free = rounded_host_free,
    .session_open = rounded_session_open,
    .session_close = rounded_session_close,
    .session_caps = rounded_session_caps,
    .alloc = rounded_alloc,
    .free = rounded_free,
    .upload = rounded_upload,
    .weight_new = rounded_weight_new,
    .weight_step = rounded_weight_step,
    .weight_free = rounded_weight_free,
    .lane_open = rounded_lane_open,
    .lane_close = rounded_lane_close,
    .begin = rounded_begin,
    .embed = rounded_embed,
    .linear = rounded_linear,
    .attention = rounded_attention,
    .residual_norm = rounded_residual_norm,
    .pool = rounded_pool,
    .head = rounded_head,
    .download = rounded_download,
    .finish = rounded_finish,
    .query = rounded_query,
};
