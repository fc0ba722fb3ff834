#include "tests/backends/null_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_logit.h"

struct linear_weight {
    int in, out;
};

int null_open(const struct backend_open_args *args, struct backend **out, struct err *err)
{
    struct backend *backend = calloc(1, sizeof(*backend));

    if (!backend)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    backend->caps = (struct backend_caps){
        .device = "null device",
        .precision = args->precision,
        .operand_bytes = sizeof(float),
        .stream_bytes = sizeof(float),
        .host_lanes = false,
        .max_launched = NULL_LAUNCHED,
        .poll_us = 100,
    };
    *out = backend;
    return 0;
}

void null_close(struct backend *backend)
{
    free(backend);
}

const struct backend_caps *null_caps(const struct backend *backend)
{
    return &backend->caps;
}

void *null_alloc(struct backend *backend, size_t bytes, struct err *err)
{
    const size_t whole = bytes / 64 * 64 + 64;
    void *memory = aligned_alloc(64, whole);

    (void)backend;
    if (!memory)
        err_set(err, ERR_NOMEM, "null: out of memory");
    else
        memset(memory, 0, whole);
    return memory;
}

void null_free(struct backend *backend, void *memory)
{
    (void)backend;
    free(memory);
}

int null_upload(struct backend *backend, void *to, const void *from, size_t bytes, struct err *err)
{
    (void)backend;
    (void)err;
    memcpy(to, from, bytes);
    return 0;
}

int null_weight_new(struct backend *backend, const struct linear_spec *spec, int max_rows,
                    struct linear_weight **out, struct err *err)
{
    struct linear_weight *weight = malloc(sizeof(*weight));

    (void)backend;
    (void)max_rows;
    if (!weight)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    *weight = (struct linear_weight){spec->in, spec->out};
    *out = weight;
    return 0;
}

void null_weight_free(struct backend *backend, struct linear_weight *weight)
{
    (void)backend;
    free(weight);
}

int null_lane_open(struct backend *backend, int max_tokens, int max_hidden, struct lane **out,
                   struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    (void)max_tokens;
    (void)max_hidden;
    if (!lane)
        return err_set(err, ERR_NOMEM, "null: out of memory");
    lane->backend = backend;
    *out = lane;
    return 0;
}

void null_lane_close(struct lane *lane)
{
    free(lane);
}

int null_begin(struct lane *lane, const struct slice *slice, struct err *err)
{
    (void)err;
    lane->slice = slice;
    return 0;
}

int null_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    (void)err;
    return 0;
}

int null_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    (void)err;
    return 0;
}

int null_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    (void)err;
    return 0;
}

int null_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    (void)err;
    return 0;
}

int null_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    (void)err;
    return 0;
}

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

int null_finish(struct lane *lane, int slot, struct err *err)
{
    (void)lane;
    (void)err;
    BUG_ON(slot < 0 || slot >= NULL_LAUNCHED);
    return 0;
}

int null_query(struct lane *lane, int slot, struct err *err)
{
    (void)lane;
    (void)slot;
    (void)err;
    return 1;
}
