/* Bare matrix products by oneDNN, timed. */
#include "tools/model/yardstick.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/onednn.h"

enum { ROWS = 256, PRODUCTS = YARDSTICK_MAX_PRODUCTS };

struct product {
    struct onednn_shape shape;
    struct onednn_matmul matmul;
    struct onednn_layout *layout;
};

struct weight {
    char *bytes;
    dnnl_memory_t memory;
};

/* A thread's own: x and y are as large as the widest layer needs. */
struct share {
    struct yardstick *bare;
    pthread_t thread;
    char *x, *y, *scratch;
    dnnl_stream_t stream;
    dnnl_memory_t in[PRODUCTS], out[PRODUCTS], spare[PRODUCTS];
    dnnl_status_t status;
};

struct yardstick {
    dnnl_engine_t engine;
    struct product products[PRODUCTS];
    int n_products;
    struct weight *weights; /* (layers, n_products) */
    int layers;
    struct share *shares; /* (threads) */
    int threads;
    double flop; /* of one thread's pass */
};

static dnnl_status_t product_init(struct yardstick *b, int i, int in, int out,
                                  enum precision precision, bool to_stream)
{
    const dnnl_data_type_t operand = precision == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
    struct product *p = &b->products[i];

    p->shape = (struct onednn_shape){.rows = ROWS,
                                     .in = in,
                                     .out = out,
                                     .operand = operand,
                                     .result = to_stream ? dnnl_f32 : operand};
    b->flop += 2.0 * ROWS * in * out * b->layers;
    return onednn_matmul_new(b->engine, &p->shape, NULL, &p->layout, &p->matmul);
}

static dnnl_status_t weight_init(struct yardstick *b, struct weight *w, const struct product *p,
                                 dnnl_stream_t stream, struct rng *rng)
{
    const size_t n = (size_t)p->shape.in * (size_t)p->shape.out;
    float *from = onednn_aligned(n * sizeof(*from));
    dnnl_status_t status = dnnl_out_of_memory;

    w->bytes = onednn_aligned(onednn_layout_bytes(p->layout));
    if (from && w->bytes) {
        for (size_t i = 0; i < n; i++)
            from[i] = (float)(rng_double(rng) - 0.5);
        status = onednn_packed_new(b->engine, p->layout, w->bytes, &w->memory);
        if (status == dnnl_success)
            status = onednn_pack(b->engine, stream, from, p->shape.in, p->shape.out, w->memory,
                                 p->layout);
    }
    free(from);
    return status;
}

static void fill(char *x, size_t n, dnnl_data_type_t type)
{
    struct rng rng;

    rng_init(&rng, 2);
    for (size_t i = 0; i < n; i++) {
        const float value = (float)(rng_double(&rng) - 0.5);

        if (type == dnnl_bf16)
            ((bf16 *)(void *)x)[i] = bf16_from_f32(value);
        else
            ((float *)(void *)x)[i] = value;
    }
}

static dnnl_status_t share_init(struct yardstick *b, struct share *s, size_t widest)
{
    size_t scratch = 0;
    dnnl_status_t status = onednn.stream_create(&s->stream, b->engine, dnnl_stream_default_flags);

    s->bare = b;
    for (int i = 0; i < b->n_products; i++)
        if (b->products[i].matmul.scratch_bytes > scratch)
            scratch = b->products[i].matmul.scratch_bytes;
    s->x = onednn_aligned(ROWS * widest * sizeof(float));
    s->y = onednn_aligned(ROWS * widest * sizeof(float));
    s->scratch = onednn_aligned(scratch);
    if (status != dnnl_success || !s->x || !s->y || !s->scratch)
        return status != dnnl_success ? status : dnnl_out_of_memory;
    fill(s->x, ROWS * widest, b->products[0].shape.operand);
    for (int i = 0; i < b->n_products && status == dnnl_success; i++) {
        const struct product *p = &b->products[i];

        status = onednn_matrix_new(b->engine, ROWS, p->shape.in, p->shape.operand, s->x, &s->in[i]);
        if (status == dnnl_success)
            status =
                onednn_matrix_new(b->engine, ROWS, p->shape.out, p->shape.result, s->y, &s->out[i]);
        if (status == dnnl_success)
            status =
                onednn_scratch_new(b->engine, s->scratch, p->matmul.scratch_bytes, &s->spare[i]);
    }
    return status;
}

static dnnl_status_t fill_all(struct yardstick *b, const struct yardstick_args *args)
{
    size_t widest = 0;
    dnnl_status_t status = onednn.engine_create(&b->engine, dnnl_cpu, 0);
    struct rng rng;

    rng_init(&rng, 1);
    for (int i = 0; i < args->n_products && status == dnnl_success; i++) {
        const int in = args->products[i].in, out = args->products[i].out;

        widest = (size_t)in > widest ? (size_t)in : widest;
        widest = (size_t)out > widest ? (size_t)out : widest;
        status = product_init(b, i, in, out, args->precision, args->products[i].to_stream);
    }
    for (int t = 0; t < b->threads && status == dnnl_success; t++)
        status = share_init(b, &b->shares[t], widest);
    for (int i = 0; i < b->layers * b->n_products && status == dnnl_success; i++)
        status = weight_init(b, &b->weights[i], &b->products[i % b->n_products],
                             b->shares[0].stream, &rng);
    return status;
}

int yardstick_new(const struct yardstick_args *args, struct yardstick **out, struct err *err)
{
    struct yardstick *b = calloc(1, sizeof(*b));
    dnnl_status_t status = dnnl_out_of_memory;

    if (!b)
        return err_set(err, ERR_NOMEM, "out of memory");
    b->n_products = args->n_products;
    b->layers = args->layers;
    b->threads = args->threads;
    b->weights = calloc((size_t)args->layers * (size_t)args->n_products, sizeof(*b->weights));
    b->shares = calloc((size_t)args->threads, sizeof(*b->shares));
    if (b->weights && b->shares)
        status = fill_all(b, args);
    if (status != dnnl_success) {
        yardstick_free(b);
        return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_UNAVAILABLE,
                       "bare products: oneDNN: %s", onednn_reason(status));
    }
    *out = b;
    return 0;
}

static void destroy(dnnl_memory_t memory)
{
    if (memory)
        dnnl_memory_destroy(memory);
}

static void share_release(struct share *s)
{
    for (int i = 0; i < PRODUCTS; i++) {
        destroy(s->in[i]);
        destroy(s->out[i]);
        destroy(s->spare[i]);
    }
    if (s->stream)
        dnnl_stream_destroy(s->stream);
    free(s->x);
    free(s->y);
    free(s->scratch);
}

void yardstick_free(struct yardstick *b)
{
    if (!b)
        return;
    for (int t = 0; b->shares && t < b->threads; t++)
        share_release(&b->shares[t]);
    for (int i = 0; b->weights && i < b->layers * b->n_products; i++) {
        destroy(b->weights[i].memory);
        free(b->weights[i].bytes);
    }
    for (int i = 0; i < PRODUCTS; i++) {
        onednn_matmul_release(&b->products[i].matmul);
        onednn_layout_free(b->products[i].layout);
    }
    if (b->engine)
        dnnl_engine_destroy(b->engine);
    free(b->weights);
    free(b->shares);
    free(b);
}

static void *run_share(void *arg)
{
    struct share *s = arg;
    const struct yardstick *b = s->bare;

    s->status = dnnl_success;
    for (int i = 0; i < b->layers * b->n_products && s->status == dnnl_success; i++) {
        const int p = i % b->n_products;
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, s->in[p]},
                                        {DNNL_ARG_WEIGHTS, b->weights[i].memory},
                                        {DNNL_ARG_DST, s->out[p]},
                                        {DNNL_ARG_SCRATCHPAD, s->spare[p]}};

        s->status = onednn.primitive_execute(b->products[p].matmul.primitive, s->stream, 4, args);
    }
    if (s->status == dnnl_success)
        s->status = onednn.stream_wait(s->stream);
    return NULL;
}

int yardstick_pass(struct yardstick *b, double *gflops, struct err *err)
{
    const int64_t began_us = clock_now_us();
    int n = 0, rc = 0;

    while (n < b->threads && rc == 0) {
        if (pthread_create(&b->shares[n].thread, NULL, run_share, &b->shares[n]))
            rc = err_set(err, ERR_UNAVAILABLE, "a thread cannot be started");
        else
            n++;
    }
    for (int t = 0; t < n; t++)
        pthread_join(b->shares[t].thread, NULL);
    if (rc)
        return -1;
    *gflops = b->flop * b->threads / (double)(clock_now_us() - began_us) / 1e3;
    for (int t = 0; t < n; t++)
        if (b->shares[t].status != dnnl_success)
            return err_set(err, ERR_INTERNAL, "bare products: oneDNN: %s",
                           onednn_reason(b->shares[t].status));
    return 0;
}
