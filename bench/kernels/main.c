/*
 * Our kernels one by one on a GPU, against the time that a copy takes to move the bytes which they
 * must read and write; then products. Medians of recorded runs, interleaved with the copy.
 */
#include "bench/kernels/products.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/backend.h"

#define USAGE                                                                                      \
    "usage: bench-kernels [-h]\n"                                                                  \
    "Single kernels on the GPU beside the time that a copy of their bytes takes.\n"

#define ROUNDS 7
#define REPEATS 10
#define COPY_BYTES ((size_t)256 << 20)
#define MAX_TOKENS 135000
#define MAX_HIDDEN 768
#define MAX_INNER 3072
#define VOCABULARY 30000

struct bench {
    cudaStream_t stream;
    cudaEvent_t from, to;
    char *a, *b; /* COPY_BYTES; also where f16 rows are */
    char *wide;  /* (MAX_TOKENS, MAX_INNER) f16 */
    float *table;
    double copy_bytes_us; /* bytes a microsecond, read and written */
};

/* What to time. */
struct job {
    const struct workload *w;
    int hidden, heads, activation;
    bool read_only, simple, causal;
    cudaError_t (*run)(const struct bench *b, const struct job *job);
};

static cudaError_t run_copy(const struct bench *b, const struct job *job)
{
    (void)job;
    return cudaMemcpyAsync(b->b, b->a, COPY_BYTES, cudaMemcpyDeviceToDevice, b->stream);
}

static cudaError_t run_attention(const struct bench *b, const struct job *job)
{
    const struct cuda_attention_launch args = {.type = CUDA_TYPE_F16,
                                               .hidden = job->hidden,
                                               .heads = job->heads,
                                               .qkv = b->wide,
                                               .read_only = job->read_only,
                                               .causal = job->causal,
                                               .simple = job->simple,
                                               .out = b->a};

    return cuda_attention(&job->w->batch, &args, b->stream);
}

static cudaError_t run_norm(const struct bench *b, const struct job *job)
{
    const struct cuda_norm_launch args = {.type = CUDA_TYPE_F16,
                                          .hidden = job->hidden,
                                          .n_rows = &job->w->batch.counts->n_tokens,
                                          .rung_rows = job->w->n_tokens,
                                          .stream = b->a,
                                          .delta = b->b,
                                          .gamma = b->table,
                                          .beta = b->table,
                                          .eps = 1e-12F,
                                          .operand = b->a};

    return cuda_residual_norm(&args, b->stream);
}

static cudaError_t run_embed(const struct bench *b, const struct job *job)
{
    const struct cuda_embed_launch args = {.type = CUDA_TYPE_F16,
                                           .word = b->table,
                                           .position = b->table,
                                           .token_type = b->table,
                                           .gamma = b->table,
                                           .beta = b->table,
                                           .eps = 1e-12F,
                                           .hidden = job->hidden,
                                           .stream = b->a,
                                           .operand = b->a};

    return cuda_embed(&job->w->batch, &args, b->stream);
}

static cudaError_t run_activation(const struct bench *b, const struct job *job)
{
    const struct cuda_activation_launch args = {.type = CUDA_TYPE_F16,
                                                .activation = job->activation,
                                                .n = 4 * job->hidden,
                                                .rung_rows = job->w->n_tokens,
                                                .n_rows = &job->w->batch.counts->n_tokens,
                                                .y = b->wide};

    return cuda_activation(&args, b->stream);
}

static cudaError_t run_pool(const struct bench *b, const struct job *job)
{
    const struct cuda_pool_launch args = {.type = CUDA_TYPE_F16,
                                          .mean = true,
                                          .hidden = job->hidden,
                                          .stream_in = b->a,
                                          .stream_out = b->b,
                                          .operand_out = b->b};

    return cuda_pool(&job->w->batch, &args, b->stream);
}

static cudaError_t run_head(const struct bench *b, const struct job *job)
{
    const struct cuda_head_launch args = {.type = CUDA_TYPE_F16,
                                          .hidden = job->hidden,
                                          .labels = 1,
                                          .rung_rows = job->w->n_read,
                                          .n_rows = &job->w->batch.counts->n_read,
                                          .operand = b->a,
                                          .weight = b->table,
                                          .bias = b->table,
                                          .logits = (float *)b->b};

    return cuda_head(&args, b->stream);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static cudaGraphExec_t record(const struct bench *b, const struct job *job)
{
    cudaGraphExec_t exec;
    cudaGraph_t graph;

    must(cudaStreamBeginCapture(b->stream, cudaStreamCaptureModeThreadLocal), "capture");
    for (int i = 0; i < REPEATS; i++)
        must(job->run(b, job), "launch");
    must(cudaStreamEndCapture(b->stream, &graph), "capture");
    must(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    must(cudaGraphDestroy(graph), "graph");
    return exec;
}

/* Microseconds of one run. */
static double time_once(const struct bench *b, cudaGraphExec_t exec)
{
    float ms;

    must(cudaEventRecord(b->from, b->stream), "event");
    must(cudaGraphLaunch(exec, b->stream), "launch");
    must(cudaEventRecord(b->to, b->stream), "event");
    must(cudaEventSynchronize(b->to), "kernel");
    must(cudaEventElapsedTime(&ms, b->from, b->to), "event");
    return (double)ms * 1000 / REPEATS;
}

static double time_job(const struct bench *b, const struct job *job)
{
    cudaGraphExec_t exec = record(b, job);
    double us[ROUNDS];

    time_once(b, exec);
    for (int i = 0; i < ROUNDS; i++)
        us[i] = time_once(b, exec);
    must(cudaGraphExecDestroy(exec), "graph");
    qsort(us, ROUNDS, sizeof(us[0]), by_value);
    return us[ROUNDS / 2];
}

/* Returns the time over the copy's. */
static double report(const struct bench *b, const char *what, const struct job *job, double bytes)
{
    const double us = time_job(b, job), over_copy = us / (bytes / b->copy_bytes_us);

    printf("%-26s %3d x %-3d %7d tokens %9.1f us %7.3f ns/token  %5.2f of the copy's time\n", what,
           job->heads, job->hidden / job->heads, job->w->n_tokens, us, us * 1000 / job->w->n_tokens,
           over_copy);
    fflush(stdout);
    return over_copy;
}

static void report_rows(const struct bench *b, const struct workload *w, int hidden, int heads)
{
    struct job job = {.w = w, .hidden = hidden, .heads = heads, .run = run_norm};
    const double rows = w->n_tokens, width = 2.0 * hidden;

    report(b, "norm", &job, rows * 3 * width);
    job.run = run_embed;
    report(b, "embed", &job, rows * 3 * width);
    job.run = run_pool;
    report(b, "mean pool", &job, rows * width);
    job.run = run_head;
    report(b, "head", &job, w->n_read * width);
    job.run = run_activation;
    for (int a = ACTIVATION_GELU_ERF; a <= ACTIVATION_TANH; a++) {
        static const char *const names[] = {"", "erf GELU", "tanh GELU", "relu", "tanh"};

        job.activation = a;
        report(b, names[a], &job, rows * 8 * width);
    }
}

static void report_attention(const struct bench *b, enum workload_kind kind, int requests,
                             int context, int hidden, int heads)
{
    struct workload w = workload_new(kind, requests, context);
    struct job job = {.w = &w, .hidden = hidden, .heads = heads, .run = run_attention};
    const double width = 2.0 * hidden;
    double over_copy;
    char what[64];

    if (w.n_tokens > MAX_TOKENS) {
        workload_free(&w);
        return;
    }
    snprintf(what, sizeof(what), "attention %s %d+", workload_names[kind], context);
    over_copy = report(b, what, &job, w.n_tokens * 4 * width);
    if (requests == 16 && context == 64) /* for bench-targets */
        printf("figure kernel/attention/%s/d%d/over_copy %.4g\n", workload_names[kind],
               hidden / heads, over_copy);
    job.simple = true;
    report(b, "  by rows", &job, w.n_tokens * 4 * width);
    job.simple = false;
    job.read_only = true;
    report(b, "  read only", &job, w.n_tokens * 2 * width + w.n_read * 2 * width);
    if (kind != WORKLOAD_HIER && context == 64 && heads == 12) /* one request: of little work */
        report_rows(b, &w, hidden, heads);
    workload_free(&w);
}

/* Random numbers of about 1. */
static void fill(const struct bench *b)
{
    const size_t n = COPY_BYTES / 2, n_table = (size_t)VOCABULARY * MAX_HIDDEN;
    uint16_t *half = malloc(COPY_BYTES);
    float *table = malloc(n_table * sizeof(*table));
    struct rng rng;

    if (!half || !table) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    rng_init(&rng, 2);
    for (size_t i = 0; i < n; i++) /* sign and fraction at random, 0.125 to 2 */
        half[i] = (uint16_t)((rng_u64(&rng) & 0x8fff) | 0x3000);
    for (size_t i = 0; i < n_table; i++)
        table[i] = (float)rng_double(&rng) - 0.5F;
    must(cudaMemcpy(b->a, half, COPY_BYTES, cudaMemcpyHostToDevice), "upload");
    must(cudaMemcpy(b->b, half, COPY_BYTES, cudaMemcpyHostToDevice), "upload");
    for (size_t at = 0; at < (size_t)MAX_TOKENS * MAX_INNER * 2; at += COPY_BYTES) {
        const size_t left = (size_t)MAX_TOKENS * MAX_INNER * 2 - at;

        must(cudaMemcpy(b->wide + at, half, left < COPY_BYTES ? left : COPY_BYTES,
                        cudaMemcpyHostToDevice),
             "upload");
    }
    must(cudaMemcpy(b->table, table, n_table * sizeof(*table), cudaMemcpyHostToDevice), "upload");
    free(half);
    free(table);
}

static void open_bench(struct bench *b)
{
    struct cudaDeviceProp prop;

    must(cudaGetDeviceProperties(&prop, 0), "no GPU");
    must(cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking), "stream");
    must(cudaEventCreate(&b->from), "event");
    must(cudaEventCreate(&b->to), "event");
    must(cudaMalloc((void **)&b->a, COPY_BYTES), "memory");
    must(cudaMalloc((void **)&b->b, COPY_BYTES), "memory");
    must(cudaMalloc((void **)&b->wide, (size_t)MAX_TOKENS * MAX_INNER * 2), "memory");
    must(cudaMalloc((void **)&b->table, (size_t)VOCABULARY * MAX_HIDDEN * sizeof(float)), "memory");
    fill(b);
    b->copy_bytes_us = 2.0 * (double)COPY_BYTES / time_job(b, &(struct job){.run = run_copy});
    printf("%s, copy %.2f TB/s\n", prop.name, b->copy_bytes_us / 1e6);
}

int main(int argc, char **argv)
{
    static const int hidden[] = {384, 768};
    const int status = usage_status(argc, argv, 0, 0, USAGE);
    struct bench b;

    if (status >= 0)
        return status;
    open_bench(&b);
    for (int h = 0; h < 2; h++)
        for (int kind = 0; kind < WORKLOAD_KINDS; kind++) {
            report_attention(&b, (enum workload_kind)kind, 16, 64, hidden[h], 12);
            report_attention(&b, (enum workload_kind)kind, 1, 64, hidden[h], 12);
        }
    report_attention(&b, WORKLOAD_PREFIX, 16, 500, 384, 12);
    report_attention(&b, WORKLOAD_HIER, 64, 500, 384, 12);
    report_attention(&b, WORKLOAD_CROSS, 4, 200, 384, 12);
    report_attention(&b, WORKLOAD_CROSS, 2, 400, 384, 12);
    report_attention(&b, WORKLOAD_PREFIX, 16, 64, 768, 6);
    report_products(&(struct product_memory){
        .x = b.a,
        .weight = b.b,
        .y = b.wide,
        .attended = b.wide + (size_t)PRODUCT_ROWS * PRODUCT_WIDTH * 2,
        .bias = b.table,
        .bias_of_product = b.b,
    });
    return 0;
}
