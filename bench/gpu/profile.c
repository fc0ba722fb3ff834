/* Operations with an event after each. */
#include "bench/gpu/profile.h"

#include <stdio.h>
#include <string.h>

#define MAX_EVENTS 256
#define PASSES 5

struct mark {
    char label[40];
    cudaEvent_t event;
    float us; /* since the mark before: the least of all passes */
};

/* One pass at a time is profiled, and operations carry no argument of the caller's. */
static struct {
    struct mark marks[MAX_EVENTS];
    int n, pass;
} p;

static int mark(struct lane *lane, int rc, const char *label)
{
    if (rc || p.n == MAX_EVENTS)
        return rc;
    snprintf(p.marks[p.n].label, sizeof(p.marks[p.n].label), "%s", label);
    return cudaEventRecord(p.marks[p.n++].event, lane_device(lane)->stream) == cudaSuccess ? 0 : -1;
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

static int run(struct scenario *s, struct bench_engine *e, struct bare *before, struct err *err)
{
    struct backend_ops ops = backend_cuda;
    int rc;

    ops.embed = on_embed;
    ops.linear = on_linear;
    ops.attention = on_attention;
    ops.residual_norm = on_norm;
    ops.pool = on_pool;
    ops.head = on_head;
    e->net.ops = e->head.ops = &ops;
    p.n = 0;
    rc = bare_queue(before, err) ||
                 bench_engine_launch(e, 0, &s->plans[0].slices[0].slice, true, err) ||
                 bench_engine_wait(e, 0, err)
             ? -1
             : 0;
    e->net.ops = e->head.ops = &backend_cuda;
    for (int i = 1; i < p.n && rc == 0; i++) {
        float ms = 0;
        if (cudaEventElapsedTime(&ms, p.marks[i - 1].event, p.marks[i].event) != cudaSuccess)
            return err_set(err, ERR_UNAVAILABLE, "profile: no time");
        if (p.pass == 0 || ms * 1000 < p.marks[i].us)
            p.marks[i].us = ms * 1000;
    }
    return rc;
}

static void print(const struct scenario *s, const struct bench_engine *e)
{
    const double per = (double)s->plans[0].n_tokens * e->net.config->layers;
    bool seen[MAX_EVENTS] = {false};
    double total = 0;

    for (int i = 1; i < p.n; i++) {
        double us = 0;
        int n = 0;
        for (int k = i; k < p.n; k++) {
            if (seen[k] || strcmp(p.marks[k].label, p.marks[i].label) != 0)
                continue;
            seen[k] = true;
            us += (double)p.marks[k].us;
            n++;
        }
        if (n)
            printf("  %-28s %3d x %8.1f us  %7.2f ns/token/layer\n", p.marks[i].label, n, us / n,
                   us * 1e3 / per);
        total += us;
    }
    printf("  %-28s       %8.1f us  %7.2f ns/token/layer\n", "sum", total, total * 1e3 / per);
}

int profile_print(struct scenario *s, struct bench_engine *e, struct bare *before, struct err *err)
{
    int rc = 0;

    for (int i = 0; i < MAX_EVENTS; i++)
        if (cudaEventCreateWithFlags(&p.marks[i].event, cudaEventDefault) != cudaSuccess)
            return err_set(err, ERR_UNAVAILABLE, "profile: no events");
    for (p.pass = 0; p.pass < PASSES && rc == 0; p.pass++)
        rc = run(s, e, before, err);
    if (rc == 0)
        print(s, e);
    for (int i = 0; i < MAX_EVENTS; i++)
        (void)cudaEventDestroy(p.marks[i].event);
    return rc;
}
