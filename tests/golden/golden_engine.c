/* Opens engines for the comparison with golden logits. */
#include "tests/golden/golden_engine.h"

#include <dirent.h>

#include "tests/test.h"

#define MAX_JOBS 256

void golden_engine_need_bf16(void)
{
    const struct golden_engine_args f32 = {.dir = "tests/golden/logits/one-layer"};
    struct engine_args args = {.precision = PRECISION_BF16,
                               .max_batch_tokens = 4096,
                               .max_batch_jobs = 1,
                               .skip_golden = true};
    struct golden_engine g;
    enum precision got;
    struct err err;

    golden_engine_open(&g, &f32);
    engine_close(g.engine);
    args.model = g.model;
    CHECK_OK(engine_open(g.launcher, &args, &g.engine, &err), err);
    got = engine_caps(g.engine)->precision;
    CHECK(got == PRECISION_BF16 || engine_caps(g.engine)->note[0]);
    golden_engine_close(&g);
    if (got != PRECISION_BF16)
        SKIP("this processor has no bf16 products");
}

void golden_engine_open(struct golden_engine *g, const struct golden_engine_args *args)
{
    const struct launcher_args launcher = {.backend = args->backend ? args->backend : "cpu",
                                           .linear = args->linear ? args->linear : "",
                                           .threads = args->threads ? args->threads : 1};
    struct engine_args engine = {.precision = args->precision,
                                 .max_batch_tokens =
                                     args->max_batch_tokens ? args->max_batch_tokens : 4096,
                                 .max_batch_jobs = MAX_JOBS,
                                 .skip_golden = args->skip_golden};
    struct err err;

    CHECK_OK(model_open(args->dir, &g->model, &err), err);
    CHECK_OK(launcher_open(&launcher, &g->launcher, &err), err);
    engine.model = g->model;
    CHECK_OK(engine_open(g->launcher, &engine, &g->engine, &err), err);
    CHECK_INT(engine_caps(g->engine)->precision, args->precision);
}

void golden_engine_close(struct golden_engine *g)
{
    engine_close(g->engine);
    launcher_close(g->launcher);
    model_unref(g->model);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void golden_engine_each(const char *folder, struct golden_engine_args args,
                        void (*check)(const char *name, const struct golden_engine_args *args))
{
    struct dirent **list;
    int n = scandir(folder, &list, visible, alphasort);

    CHECK(n >= 3);
    for (int i = 0; i < n; i++) {
        char dir[512];
        snprintf(dir, sizeof(dir), "%s/%s", folder, list[i]->d_name);
        args.dir = dir;
        check(list[i]->d_name, &args);
        free(list[i]);
    }
    free(list);
}

void golden_engine_score(struct golden_engine *g, const struct input *const *inputs,
                         float *const *logits, int n)
{
    struct engine_job jobs[MAX_JOBS];
    struct engine_job *list[MAX_JOBS];
    struct engine_batch batch = {.jobs = list, .n_jobs = n};
    struct err err;

    CHECK(n <= MAX_JOBS);
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct engine_job){.input = inputs[i], .out = logits[i]};
        list[i] = &jobs[i];
    }
    CHECK_OK(engine_run(g->engine, &batch, &err), err);
    CHECK_INT(batch.status, BATCH_OK);
}
