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
    struct onednn_matmul matmul;
    struct onednn_layout *layout;
};

/* A thread's own: x and y are as large as the widest layer needs. */
struct share {
    struct yardstick *bare;
    pthread_t thread;
    char *x, *y, *scratch;
    dnnl_stream_t stream;
    struct onednn_runner runners[PRODUCTS];
    dnnl_status_t status;
};

struct yardstick {
    dnnl_engine_t engine;
    struct product products[PRODUCTS];
    int n_products;
    struct onednn_weight *weights; /* (layers, n_products) */
    int layers;
    struct share *shares; /* (threads) */
    int threads;
    double flop; /* of one thread's pass */
};

static dnnl_status_t product_init(struct yardstick *b, int i, int in, int out,
                                  enum precision precision, bool to_stream)
{
    const dnnl_data_type_t operand = precision == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
    const struct onednn_shape shape = {.rows = ROWS,
                                       .in = in,
                                       .out = out,
                                       .operand = operand,
                                       .result = to_stream ? dnnl_f32 : operand};
    struct product *p = &b->products[i];

    b->flop += 2.0 * ROWS * in * out * b->layers;
    return onednn_matmul_init(&p->matmul, b->engine, &shape, &p->layout);
}

static dnnl_status_t weight_init(struct yardstick *b, struct onednn_weight *w,
                                 const struct product *p, struct rng *rng)
{
    const struct onednn_shape *shape = &p->matmul.shape;
    const size_t n = (size_t)shape->in * (size_t)shape->out;
    float *from = onednn_aligned(n * sizeof(*from));
    const struct linear_spec spec = {.in = shape->in, .out = shape->out, .weight = from};
    dnnl_status_t status = dnnl_out_of_memory;

    if (from) {
        for (size_t i = 0; i < n; i++)
            from[i] = (float)(rng_double(rng) - 0.5);
        status = onednn_weight_init(w, b->engine, b->shares[0].stream, p->layout, &spec);
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
    fill(s->x, ROWS * widest, b->products[0].matmul.shape.operand);
    for (int i = 0; i < b->n_products && status == dnnl_success; i++)
        status = onednn_runner_init(&s->runners[i], b->engine, &b->products[i].matmul);
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
        status = weight_init(b, &b->weights[i], &b->products[i % b->n_products], &rng);
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

static void share_release(struct share *s)
{
    for (int i = 0; i < PRODUCTS; i++)
        onednn_runner_release(&s->runners[i]);
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
    for (int i = 0; b->weights && i < b->layers * b->n_products; i++)
        onednn_weight_release(&b->weights[i]);
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
    const struct onednn_arrays arrays = {s->x, s->y, s->scratch};

    s->status = dnnl_success;
    for (int i = 0; i < b->layers * b->n_products && s->status == dnnl_success; i++)
        s->status = onednn_run(&s->runners[i % b->n_products], s->stream, &b->weights[i], &arrays);
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
