/* Operations with an event after each. */
#include "bench/gpu/marks.h"

#include <stdio.h>

#include "kernels/cuda/lane.h"

static struct marks *current;

static int mark(struct lane *lane, int rc, const char *label)
{
    const unsigned flags = lane->recorded ? cudaEventRecordExternal : cudaEventRecordDefault;
    struct mark *at;

    if (rc || current->n == MARKS_MAX)
        return rc;
    at = &current->items[current->n++];
    snprintf(at->label, sizeof(at->label), "%s", label);
    return cudaEventRecordWithFlags(at->event, lane_device(lane)->stream, flags) == cudaSuccess
               ? 0
               : -1;
}

static int on_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    return mark(lane, 0, "begin") || mark(lane, backend_cuda.embed(lane, args, err), "embed") ? -1
                                                                                              : 0;
}

static int on_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    const struct product_shape *s = &args->weight->product->shape;
    char label[40];

    snprintf(label, sizeof(label), "linear %dx%d%s%s", s->out, s->in,
             args->weight->activation == ACTIVATION_NONE ? "" : " + pass",
             args->n_rows == lane->n_read ? " read" : "");
    return mark(lane, backend_cuda.linear(lane, args, err), label);
}

static int on_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    return mark(lane, backend_cuda.attention(lane, args, err),
                args->read_only ? "attention read" : "attention");
}

static int on_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err)
{
    return mark(lane, backend_cuda.residual_norm(lane, args, err),
                args->n_rows == lane->n_read ? "norm read" : "norm");
}

static int on_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    return mark(lane, backend_cuda.pool(lane, args, err), "pool");
}

static int on_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    return mark(lane, backend_cuda.head(lane, args, err), "head");
}

int marks_launch(struct marks *marks, struct bench_engine *e, int lane, const struct slice *slice,
                 bool recorded, struct err *err)
{
    const int before = marks->n;
    struct backend_ops ops = backend_cuda;
    int rc;

    ops.embed = on_embed;
    ops.linear = on_linear;
    ops.attention = on_attention;
    ops.residual_norm = on_norm;
    ops.pool = on_pool;
    ops.head = on_head;
    e->net.ops = e->head.ops = &ops;
    current = marks;
    marks->n = 0;
    rc = bench_engine_launch_as(e, lane, slice, recorded ? marks : NULL, err);
    if (marks->n == 0) /* replayed: the events are those of the recording */
        marks->n = before;
    e->net.ops = e->head.ops = &backend_cuda;
    return rc;
}

int marks_elapsed(const struct marks *marks, int from, int to, double *us, struct err *err)
{
    float ms = 0;

    if (cudaEventElapsedTime(&ms, marks->items[from].event, marks->items[to].event) != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "no time between \"%s\" and \"%s\"",
                       marks->items[from].label, marks->items[to].label);
    *us = (double)ms * 1000;
    return 0;
}

int marks_init(struct marks *marks, struct err *err)
{
    *marks = (struct marks){0};
    for (int i = 0; i < MARKS_MAX; i++)
        if (cudaEventCreateWithFlags(&marks->items[i].event, cudaEventDefault) != cudaSuccess)
            return err_set(err, ERR_UNAVAILABLE, "no events");
    return 0;
}

void marks_release(struct marks *marks)
{
    for (int i = 0; i < MARKS_MAX; i++)
        if (marks->items[i].event)
            (void)cudaEventDestroy(marks->items[i].event);
    *marks = (struct marks){0};
}
