/* Times one request's steps on the host and on the device. */
#include "bench/gpu/timeline.h"

#include <cuda_profiler_api.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/quantile.h"
#include "bench/gpu/marks.h"

#define PASSES 50
#define WARM 3 /* as it comes, recorded, replayed */
#define QUERIES 1000

/* ---- the host -------------------------------------------------------------------------------- */

enum step { BEGIN, FINISH, WAIT, TOTAL, DEVICE, STEPS };
static const struct {
    const char *name, *what;
} steps[STEPS] = {
    [BEGIN] = {"begin", "the batch into pinned memory; its upload and the graph queued"},
    [FINISH] = {"finish", "the event after the last score queued"},
    [WAIT] = {"wait", "polling until the scores are on the host"},
    [TOTAL] = {"total", "from launch to scores"},
    [DEVICE] = {"device",
                "of that, from before begin to the last score's copy, on the device's clock"},
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int one_pass(struct scenario *s, struct bench_engine *e, const cudaEvent_t *around,
                    double *us, struct err *err)
{
    const struct slice *slice = &s->plans[0].slices[0].slice;
    const struct pass pass = {.network = &e->net, .n_layers = e->net.config->layers};
    cudaStream_t stream = e->device->stream;
    int64_t at[4];
    float ms = 0;
    int replayed;

    if (cudaEventRecord(around[0], stream) != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "timeline: no event");
    at[0] = now_ns();
    replayed = backend_cuda.begin(e->lanes[0], slice, &pass, err);
    at[1] = now_ns();
    if (replayed != 1)
        return replayed < 0 ? -1 : err_set(err, ERR_INTERNAL, "timeline: nothing was recorded");
    if (backend_cuda.finish(e->lanes[0], err))
        return -1;
    at[2] = now_ns();
    if (cudaEventRecord(around[1], stream) != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "timeline: no event");
    if (bench_engine_wait(e, 0, err))
        return -1;
    at[3] = now_ns();
    for (int i = 0; i < 3; i++)
        us[i] = (double)(at[i + 1] - at[i]) / 1e3;
    us[TOTAL] = (double)(at[3] - at[0]) / 1e3;
    if (cudaEventSynchronize(around[1]) != cudaSuccess ||
        cudaEventElapsedTime(&ms, around[0], around[1]) != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "timeline: no time");
    us[DEVICE] = (double)ms * 1000;
    return 0;
}

static int time_query(struct bench_engine *e, double *us, struct err *err)
{
    const int64_t start_ns = now_ns();

    for (int i = 0; i < QUERIES; i++)
        if (backend_cuda.query(e->lanes[0], err) < 0)
            return -1;
    *us = (double)(now_ns() - start_ns) / 1e3 / QUERIES;
    return 0;
}

static int print_host(struct scenario *s, struct bench_engine *e, const cudaEvent_t *around,
                      struct err *err)
{
    double us[STEPS][PASSES], once[STEPS], query_us;

    for (int i = 0; i < WARM; i++)
        if (bench_engine_launch(e, 0, &s->plans[0].slices[0].slice, false, err) ||
            bench_engine_wait(e, 0, err))
            return -1;
    for (int i = 0; i < PASSES; i++) {
        if (one_pass(s, e, around, once, err))
            return -1;
        for (int step = 0; step < STEPS; step++)
            us[step][i] = once[step];
    }
    if (time_query(e, &query_us, err))
        return -1;
    for (int step = 0; step < STEPS; step++)
        printf("  %-8s %8.1f us  %s\n", steps[step].name, quantile(us[step], PASSES, .5),
               steps[step].what);
    printf("  %-8s %8.2f us  of one query, when all is done\n", "poll", query_us);
    return 0;
}

/* ---- the device ------------------------------------------------------------------------------ */

/* us[i]: from the first event to event i, in the pass that was fastest. */
static int fastest(struct marks *marks, struct scenario *s, struct bench_engine *e, double *us,
                   struct err *err)
{
    double best = INFINITY;

    for (int pass = 0; pass < WARM + PASSES; pass++) {
        double total;
        if (marks_launch(marks, e, 0, &s->plans[0].slices[0].slice, true, err) ||
            bench_engine_wait(e, 0, err))
            return -1;
        if (pass < WARM)
            continue;
        if (marks_elapsed(marks, 0, marks->n - 1, &total, err))
            return -1;
        if (total >= best)
            continue;
        best = total;
        for (int i = 1; i < marks->n; i++)
            if (marks_elapsed(marks, 0, i, &us[i], err))
                return -1;
    }
    return 0;
}

static int print_device(struct scenario *s, struct bench_engine *e, struct err *err)
{
    static struct marks marks;
    double us[MARKS_MAX] = {0};
    int rc = marks_init(&marks, err);

    if (rc == 0)
        rc = fastest(&marks, s, e, us, err);
    if (rc == 0)
        printf("  in the graph, with an event after each operation: us, cumulative us\n");
    for (int i = 1; i < marks.n && rc == 0; i++)
        printf("  %-28s %8.1f %8.1f\n", marks.items[i].label, us[i] - us[i - 1], us[i]);
    marks_release(&marks);
    return rc;
}

/* One pass operation by operation for a profiler that waits for it (ncu --profile-from-start off).
 */
static int show_profiler(struct scenario *s, struct bench_engine *e, struct err *err)
{
    int rc;

    if (cudaProfilerStart() != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "timeline: no profiler");
    rc = bench_engine_launch(e, 0, &s->plans[0].slices[0].slice, true, err) ||
                 bench_engine_wait(e, 0, err)
             ? -1
             : 0;
    (void)cudaProfilerStop();
    return rc;
}

int timeline_print(struct scenario *s, struct bench_engine *e, struct err *err)
{
    cudaEvent_t around[2] = {NULL, NULL};
    int rc = -1;

    if (cudaEventCreateWithFlags(&around[0], cudaEventDefault) == cudaSuccess &&
        cudaEventCreateWithFlags(&around[1], cudaEventDefault) == cudaSuccess)
        rc = print_host(s, e, around, err);
    else
        err_set(err, ERR_UNAVAILABLE, "timeline: no events");
    for (int i = 0; i < 2; i++)
        if (around[i])
            (void)cudaEventDestroy(around[i]);
    return rc || print_device(s, e, err) || show_profiler(s, e, err) ? -1 : 0;
}
