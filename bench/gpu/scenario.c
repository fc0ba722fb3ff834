/* Inputs, their batches, and passes over them. */
#include "bench/gpu/scenario.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/engine/flop.h"
#include "model/kinds/kind.h"

#define AD_MIN 8
#define AD_MAX 24

/* ---- inputs ---------------------------------------------------------------------------------- */

static void random_ids(struct rng *rng, const struct encoder_config *config, int32_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        ids[i] = (int32_t)rng_below(rng, (uint64_t)config->vocab);
}

/* A request depends on its number alone. */
static int build_request(const struct scenario_args *args, const struct kind *kind,
                         const struct encoder_config *config, int request, struct input *out,
                         struct err *err)
{
    struct id_run *ads = calloc((size_t)args->pairs, sizeof(*ads));
    int32_t *ids = calloc((size_t)(args->context + args->pairs * AD_MAX), sizeof(*ids)), *at = ids;
    struct input_parts parts = {.n_ads = args->pairs, .ads = ads, .cls = 1, .sep = 2};
    struct rng rng;
    int n_tokens, n_segments, rc = -1;

    rng_init(&rng, (uint64_t)request + 1);
    if (!ads || !ids) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto out;
    }
    parts.context = (struct id_run){at, args->context - kind->context_specials};
    random_ids(&rng, config, at, parts.context.n);
    at += parts.context.n;
    for (int i = 0; i < args->pairs; i++) {
        ads[i] = (struct id_run){at, AD_MIN + (int)rng_below(&rng, AD_MAX - AD_MIN + 1) -
                                         kind->ad_specials};
        random_ids(&rng, config, at, ads[i].n);
        at += ads[i].n;
    }
    kind->size(&parts, &n_tokens, &n_segments);
    if (input_reserve(out, n_tokens, n_segments, err))
        goto out;
    kind->build(&parts, out);
    rc = 0;
out:
    free(ads);
    free(ids);
    return rc;
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Jobs [from, to) as the next batch. */
static int add_batch(struct scenario *s, const struct encoder_config *config, int from, int to,
                     struct err *err)
{
    const struct plan_limits limits = {
        .max_batch_tokens = s->args.max_tokens,
        .max_rows = s->args.max_tokens,
        .max_segment_tokens = config->positions,
        .max_slice_tokens = s->args.max_tokens,
        .max_parent_tokens = config->positions,
        .threads = 1,
    };
    struct engine_job *jobs[SCENARIO_REQUESTS];
    void *memory;

    if (s->n_batches == SCENARIO_BATCHES)
        return err_set(err, ERR_INTERNAL, "too many batches");
    memory = backend_cuda.host_alloc(s->device, plan_bytes(&limits), err);
    if (!memory)
        return -1;
    for (int i = from; i < to; i++)
        jobs[i - from] = &s->jobs[i];
    s->memory[s->n_batches] = memory;
    plan_init(&s->plans[s->n_batches], &limits, memory);
    plan_build(&s->plans[s->n_batches++], jobs, to - from, 1);
    return 0;
}

static int make_batches(struct scenario *s, const struct encoder_config *config, struct err *err)
{
    int from = 0, tokens = 0;

    for (int i = 0; i < s->args.requests; i++) {
        const int n = s->inputs[i].n_tokens;
        if (tokens + n > s->args.max_tokens) {
            if (add_batch(s, config, from, i, err))
                return -1;
            from = i;
            tokens = 0;
        }
        tokens += n;
    }
    return add_batch(s, config, from, s->args.requests, err);
}

int scenario_init(struct scenario *s, struct device *device, const struct encoder_config *config,
                  const struct scenario_args *args, struct err *err)
{
    const struct kind *kind = kind_find("bench", args->kind, err);

    *s = (struct scenario){.args = *args, .device = device};
    if (!kind)
        return -1;
    s->logits = calloc((size_t)(args->requests * args->pairs), sizeof(*s->logits));
    if (!s->logits)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int i = 0; i < args->requests; i++) {
        if (build_request(args, kind, config, args->requests - 1 - i, &s->inputs[i], err)) {
            scenario_release(s);
            return -1;
        }
        s->jobs[i] =
            (struct engine_job){.input = &s->inputs[i], .out = s->logits + i * args->pairs};
        s->n_tokens += s->inputs[i].n_tokens;
        s->flop += encoder_linear_flop(config, &s->inputs[i]) +
                   encoder_attention_flop(config, &s->inputs[i]);
    }
    if (make_batches(s, config, err)) {
        scenario_release(s);
        return -1;
    }
    return 0;
}

void scenario_release(struct scenario *s)
{
    for (int i = 0; i < s->n_batches; i++)
        backend_cuda.host_free(s->device, s->memory[i]);
    for (int i = 0; i < s->args.requests; i++)
        input_release(&s->inputs[i]);
    free(s->logits);
    *s = (struct scenario){0};
}

const float *scenario_first(const struct scenario *s)
{
    return s->jobs[s->args.requests - 1].out;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Batch after batch on the lanes in turn; at most one lane is waited for while the other works. */
static int run_all(struct scenario *s, struct bench_engine *e, bool plain, int repeats,
                   struct err *err)
{
    const int n = s->n_batches * repeats;

    for (int i = 0; i < n; i++) {
        const struct plan *plan = &s->plans[i % s->n_batches];
        if (i >= BENCH_LANES && bench_engine_wait(e, i % BENCH_LANES, err))
            return -1;
        if (bench_engine_launch(e, i % BENCH_LANES, &plan->slices[0].slice, plain, err))
            return -1;
    }
    for (int i = n > BENCH_LANES ? n - BENCH_LANES : 0; i < n; i++)
        if (bench_engine_wait(e, i % BENCH_LANES, err))
            return -1;
    return 0;
}

int scenario_run(struct scenario *s, struct bench_engine *e, bool plain, struct err *err)
{
    for (int b = 0; b < s->n_batches; b++) {
        const struct plan *plan = &s->plans[b];
        const int lane = b % BENCH_LANES;
        if (bench_engine_launch(e, lane, &plan->slices[0].slice, plain, err) ||
            bench_engine_wait(e, lane, err))
            return -1;
        for (int r = 0; r < plan->n_read; r++)
            *plan->targets[r] = e->out[lane][r];
    }
    return 0;
}

int scenario_time(struct scenario *s, struct bench_engine *e, bool plain, int repeats, double *us,
                  struct err *err)
{
    cudaEvent_t start = NULL, stop = NULL;
    float ms = 0;
    cudaError_t rc = cudaEventCreateWithFlags(&start, cudaEventDefault);
    int failed = -1;

    if (rc == cudaSuccess)
        rc = cudaEventCreateWithFlags(&stop, cudaEventDefault);
    if (rc == cudaSuccess)
        rc = cudaEventRecord(start, e->device->stream);
    if (rc == cudaSuccess) {
        failed = run_all(s, e, plain, repeats, err);
        if (failed)
            goto out;
        rc = cudaEventRecord(stop, e->device->stream);
    }
    if (rc == cudaSuccess)
        rc = cudaEventSynchronize(stop);
    if (rc == cudaSuccess)
        rc = cudaEventElapsedTime(&ms, start, stop);
    if (rc != cudaSuccess)
        failed = device_failed(e->device, rc, "timing", err);
    *us = (double)ms * 1000 / repeats;
out:
    (void)cudaEventDestroy(start);
    (void)cudaEventDestroy(stop);
    return failed;
}

int scenario_latency(struct scenario *s, struct bench_engine *e, double *us, struct err *err)
{
    const int64_t start_us = clock_now_us();

    if (run_all(s, e, false, 1, err))
        return -1;
    *us = (double)(clock_now_us() - start_us);
    return 0;
}
