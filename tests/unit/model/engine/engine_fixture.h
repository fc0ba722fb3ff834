/* Devices, engines and inputs for the engine's tests; a failure to open one fails the test. */
#ifndef TESTS_UNIT_MODEL_ENGINE_ENGINE_FIXTURE_H
#define TESTS_UNIT_MODEL_ENGINE_ENGINE_FIXTURE_H

#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"
#include "model/request_input.h"
#include "tests/backends/null_logit.h"
#include "tests/unit/model/model_dir.h"

#define REQUESTS "tests/golden/requests/two-layers" /* kind prefix */
#define MAX_ADS 16

/* A module of the test backends, beside this program in the build tree. */
static inline const char *module_path(const char *name)
{
    static char path[600];
    char exe[400];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    CHECK(len > 0);
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    snprintf(path, sizeof(path), "%s/../lib/adrank-backend-%s.so", exe, name);
    if (access(path, R_OK) != 0)
        SKIP("%s is not built", path);
    return path;
}

static inline struct launcher *launcher_of(const char *backend, const char *linear, int threads)
{
    const struct launcher_args args = {.backend = backend, .linear = linear, .threads = threads};
    struct launcher *launcher;
    struct err err;

    CHECK_OK(launcher_open(&args, &launcher, &err), err);
    return launcher;
}

static inline struct model *model_of(const char *dir)
{
    struct model *m;
    struct err err;

    CHECK_OK(model_open(dir, &m, &err), err);
    return m;
}

static inline struct engine_args args_of(struct model *m)
{
    return (struct engine_args){.model = m, .max_batch_tokens = 2048, .max_batch_jobs = 16};
}

static inline struct engine *engine_of(struct launcher *launcher, struct model *m, bool skip_golden)
{
    struct engine_args args = args_of(m);
    struct engine *engine;
    struct err err;

    args.skip_golden = skip_golden;
    CHECK_OK(engine_open(launcher, &args, &engine, &err), err);
    return engine;
}

/* Golden request i as an input. */
static inline struct input request_of(const struct model *m, int i)
{
    const struct golden_request *request = &m->adrank.golden.requests[i];
    struct request_input builder;
    struct input input = {0};
    struct err err;

    request_input_init(&builder);
    CHECK_OK(request_input_build(&builder, m, request->body, request->now_ms, &input, &err), err);
    request_input_release(&builder);
    CHECK(input.n_read <= MAX_ADS);
    return input;
}

/* A model on a launcher, and an engine with one of its golden requests once it is opened. */
struct opened {
    struct model *model;
    struct launcher *launcher;
    struct engine_args args;
    struct engine *engine; /* NULL: none */
    struct input input;
    struct err err;
};

/* Without an engine. */
static inline void opened_prepare(struct opened *o, const char *backend, const char *linear,
                                  int threads)
{
    *o = (struct opened){.model = model_of(REQUESTS),
                         .launcher = launcher_of(backend, linear, threads)};
    o->args = args_of(o->model);
}

/* The golden requests are computed on the CPU alone; the input is the one of 4. */
static inline void opened_init(struct opened *o, const char *backend, const char *linear,
                               int threads)
{
    opened_prepare(o, backend, linear, threads);
    o->args.max_batch_tokens = 8192;
    o->args.skip_golden = strcmp(backend, "cpu") != 0;
    CHECK_OK(engine_open(o->launcher, &o->args, &o->engine, &o->err), o->err);
    o->input = request_of(o->model, 4);
}

static inline void opened_release(struct opened *o)
{
    input_release(&o->input);
    engine_close(o->engine);
    launcher_close(o->launcher);
    model_unref(o->model);
}

struct launched {
    struct engine_job job, *list[1];
    struct engine_batch batch;
    float logits[MAX_ADS];
};

static inline void launched_init(struct launched *l, const struct input *input)
{
    *l = (struct launched){.job = {.input = input}};
    l->job.out = l->logits;
    l->list[0] = &l->job;
    l->batch = (struct engine_batch){.jobs = l->list, .n_jobs = 1};
}

/* The scores of a test backend that computes null_logit(). */
static inline void check_null_logits(const struct launched *l, const struct input *input)
{
    const struct segment *parent = &input->segments[0];

    CHECK_INT(l->batch.status, BATCH_OK);
    for (int i = 0; i < input->n_read; i++) {
        const struct segment *s = &input->segments[i + 1];
        CHECK_NEAR(
            l->logits[i],
            null_logit(input->ids + parent->start, parent->len, input->ids + s->start, s->len, 0),
            0);
    }
}

/* A copy of the operations for this engine, valid until the next call: to replace some of them. */
static inline struct backend_ops *patched_ops(struct engine *engine)
{
    static struct backend_ops ops;

    ops = *engine->launcher->ops;
    engine->ops = engine->networks[0].ops = engine->head.ops = &ops;
    return &ops;
}

static inline struct engine_batch *poll_for(struct launcher *launcher)
{
    struct engine_batch *batch;

    for (int i = 0; i < 50000; i++) {
        batch = launcher_poll(launcher);
        if (batch)
            return batch;
        usleep(100);
    }
    FAIL("no batch finished in 5 s");
}

/* Submits the input as a batch and waits for it. */
static inline void launch_one(struct opened *o, struct launched *l)
{
    launched_init(l, &o->input);
    CHECK_OK(engine_submit(o->engine, &l->batch, &o->err), o->err);
    CHECK(poll_for(o->launcher) == &l->batch);
}

static inline void set_failing(const char *words)
{
    char path[64];
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-test-failing-%d", (int)getpid());
    setenv("ADRANK_FAILING_FILE", path, 1);
    CHECK_OK(file_write(path, view_of(words), &err), err);
}

#endif
