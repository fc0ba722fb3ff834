/*
 * Choices of the backend that only a GPU can confirm, as recorded runs without a host between their
 * kernels: what the chosen products take at small rungs, beside what the trial measured, and the
 * product of q, k and v with its bias in the epilogue and in attention.
 */
#include "bench/kernels/products.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/product.h"

#define ROUNDS 7
#define REPEATS 20
#define MAX_SMALL_ROWS 2048

struct bench {
    struct device *device;
    cudaEvent_t from, to;
    const struct product_memory *memory;
};

extern const struct backend_ops backend_cuda;

/* A product, and attention to its result if w is there. */
struct job {
    const struct product *product;
    cublasLtMatmulDesc_t desc;
    int rung; /* its index */
    const struct workload *w;
    int hidden, heads;
    bool late_bias;
};

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

/* ---- timing ---------------------------------------------------------------------------------- */

static void run(const struct bench *b, const struct job *job)
{
    const struct product_memory *m = b->memory;
    const struct product_call call = {.desc = job->desc, .weight = m->weight, .x = m->x, .y = m->y};

    if (product_run(b->device, job->product, job->rung, &call, b->device->stream) !=
        CUBLAS_STATUS_SUCCESS) {
        fprintf(stderr, "a product failed\n");
        exit(1);
    }
    if (job->w) {
        const struct cuda_attention_launch args = {.type = CUDA_TYPE_F16,
                                                   .hidden = job->hidden,
                                                   .heads = job->heads,
                                                   .qkv = m->y,
                                                   .bias = job->late_bias ? m->bias : NULL,
                                                   .out = m->attended};

        must(cuda_attention(&job->w->batch, &args, b->device->stream), "attention");
    }
}

static cudaGraphExec_t record(const struct bench *b, const struct job *job)
{
    cudaStream_t stream = b->device->stream;
    cudaGraphExec_t exec;
    cudaGraph_t graph;

    run(b, job); /* loads what is loaded at first use */
    must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "capture");
    for (int i = 0; i < REPEATS; i++)
        run(b, job);
    must(cudaStreamEndCapture(stream, &graph), "capture");
    must(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    must(cudaGraphDestroy(graph), "graph");
    return exec;
}

static double time_once(const struct bench *b, cudaGraphExec_t exec)
{
    float ms;

    must(cudaEventRecord(b->from, b->device->stream), "event");
    must(cudaGraphLaunch(exec, b->device->stream), "launch");
    must(cudaEventRecord(b->to, b->device->stream), "event");
    must(cudaEventSynchronize(b->to), "kernel");
    must(cudaEventElapsedTime(&ms, b->from, b->to), "event");
    return (double)ms * 1000 / REPEATS;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Medians of microseconds; the jobs take turns. */
static void time_jobs(const struct bench *b, const struct job *jobs, int n, double *median)
{
    cudaGraphExec_t execs[2];
    double us[2][ROUNDS];

    for (int j = 0; j < n; j++)
        execs[j] = record(b, &jobs[j]);
    for (int i = -1; i < ROUNDS; i++)
        for (int j = 0; j < n; j++)
            us[j][i < 0 ? 0 : i] = time_once(b, execs[j]);
    for (int j = 0; j < n; j++) {
        must(cudaGraphExecDestroy(execs[j]), "graph");
        qsort(us[j], ROUNDS, sizeof(us[j][0]), by_value);
        median[j] = us[j][ROUNDS / 2];
    }
}

/* ---- products -------------------------------------------------------------------------------- */

static void choose(const struct bench *b, struct job *job, int in, int out, bool bias)
{
    const struct product_shape shape = {.type = CUDA_TYPE_F16,
                                        .in = in,
                                        .out = out,
                                        .epilogue = bias ? CUBLASLT_EPILOGUE_BIAS
                                                         : CUBLASLT_EPILOGUE_DEFAULT};
    struct product *product;
    struct err err;

    if (product_find(b->device, &shape, PRODUCT_ROWS, &product, &err))
        fail(&err);
    job->product = product;
    job->desc = product_desc_new(b->device, &shape, bias ? b->memory->bias_of_product : NULL, &err);
    if (!job->desc)
        fail(&err);
}

static void release(struct job *job)
{
    (void)cublasLtMatmulDescDestroy(job->desc);
}

static void report_small(const struct bench *b, int in, int out, bool bias)
{
    const struct ladder *ladder = &b->device->caps.ladder;
    struct job job = {0};
    double us;

    choose(b, &job, in, out, bias);
    printf("product %4d x %-4d%s, us recorded (by the trial) at rows:", out, in,
           bias ? " + bias" : "");
    for (job.rung = 0; ladder->tokens[job.rung] <= MAX_SMALL_ROWS; job.rung += 2) {
        time_jobs(b, &job, 1, &us);
        printf(" %d: %.1f (%.1f)", ladder->tokens[job.rung], us, (double)job.product->us[job.rung]);
    }
    printf("\n");
    fflush(stdout);
    release(&job);
}

static void report_bias(const struct bench *b, enum workload_kind kind, int requests, int hidden)
{
    const struct ladder *ladder = &b->device->caps.ladder;
    struct workload w = workload_new(kind, requests, 64);
    struct job jobs[2] = {{.w = &w, .hidden = hidden, .heads = 12},
                          {.w = &w, .hidden = hidden, .heads = 12, .late_bias = true}};
    double us[2];

    for (int j = 0; j < 2; j++) {
        choose(b, &jobs[j], hidden, 3 * hidden, j == 0);
        while (ladder->tokens[jobs[j].rung] < w.n_tokens)
            jobs[j].rung++;
    }
    time_jobs(b, jobs, 2, us);
    printf("q, k, v and attention %-6s 12 x %-3d %6d tokens, bias in the product %8.1f us, in "
           "attention %8.1f us: %.3f\n",
           workload_names[kind], hidden / 12, w.n_tokens, us[0], us[1], us[1] / us[0]);
    fflush(stdout);
    release(&jobs[0]);
    release(&jobs[1]);
    workload_free(&w);
}

void report_products(const struct product_memory *memory)
{
    static const int hidden[] = {384, 768};
    struct bench b = {.memory = memory};
    struct err err;

    if (backend_cuda.device_open("", &b.device, &err))
        fail(&err);
    must(cudaEventCreate(&b.from), "event");
    must(cudaEventCreate(&b.to), "event");
    for (int i = 0; i < 2; i++) {
        const int h = hidden[i];

        for (int kind = WORKLOAD_CROSS; kind <= WORKLOAD_PREFIX; kind++)
            for (int requests = 1; requests <= 4; requests *= 4)
                report_bias(&b, (enum workload_kind)kind, requests, h);
        report_small(&b, h, 3 * h, false);
        report_small(&b, h, h, true);
        report_small(&b, h, 4 * h, false);
        report_small(&b, 4 * h, h, true);
    }
    must(cudaEventDestroy(b.from), "event");
    must(cudaEventDestroy(b.to), "event");
    backend_cuda.device_close(b.device);
}
