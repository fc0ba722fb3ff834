/*
 * The bounds that adrank-model pack writes without a GPU, on a device of 16 bits: CUDA, or the
 * backend in the environment's ADRANK_GOLDEN_BACKEND (a name or a module's path). It computes
 * within them, and with a planted error outside.
 */
#include "kernels/module.h"
#include "tests/golden/model_program.h"
#include "tests/unit/model/engine/engine_fixture.h"

#define LOGITS "tests/golden/logits/"
#define DEMO "config/demo/model" /* with the bounds that it is shipped with */

static const char *backend_name(void)
{
    const char *named = getenv("ADRANK_GOLDEN_BACKEND");
    return named ? named : "cuda";
}

/* SKIPs where CUDA is not named and not there. */
static struct launcher *launcher_or_skip(void)
{
    const struct launcher_args args = {.backend = backend_name(), .threads = 1};
    struct launcher *launcher;
    struct err err;

    if (launcher_open(&args, &launcher, &err)) {
        if (getenv("ADRANK_GOLDEN_BACKEND"))
            FAIL("%s", err.text);
        SKIP("no GPU: %s", err.text);
    }
    return launcher;
}

/* A packed copy of the directory, opened. */
static struct model *packed(struct model_dir *dir, const char *from)
{
    model_dir_copy(dir, from);
    if (strcmp(from, DEMO) != 0)
        json_decref(model_run_line(js("pack %s --golden built-in", dir->path), VIEW_LIT("")));
    return model_of(dir->path);
}

/* Opens the model in this precision, with the operations that plant replaces. */
static int open_planted(struct launcher *launcher, struct model *m, enum precision precision,
                        void (*plant)(struct backend_ops *ops), double *error, struct err *err)
{
    struct engine_args args = args_of(m);
    struct engine *engine;
    int rc;

    args.precision = precision;
    args.gelu = GELU_ERF;
    CHECK_OK(engine_open_begin(launcher, &args, &engine, err), *err);
    if (plant) {
        struct backend_ops *ops = patched_ops(engine);
        engine->networks[0].upload.ops = ops;
        plant(ops);
    }
    do
        rc = engine_open_step(engine, err);
    while (rc > 0);
    *error = engine->golden_error;
    engine_close(engine);
    return rc;
}

TEST(bounds__hold_on_a_device_of_16_bits)
{
    static const char *const dirs[] = {LOGITS "one-layer", LOGITS "three-heads", REQUESTS, DEMO};
    static const enum precision precisions[] = {PRECISION_F16, PRECISION_BF16};
    struct launcher *launcher = launcher_or_skip();

    for (int i = 0; i < COUNT(dirs); i++) {
        struct model_dir dir;
        struct model *m = packed(&dir, dirs[i]);
        for (int k = 0; k < COUNT(precisions); k++) {
            const char *name = precision_names[precisions[k]];
            const double limit = m->adrank.golden.max_error[precisions[k]];
            struct err err;
            double error;
            test_row("%s %s", name, dirs[i]);
            CHECK(limit > 0);
            CHECK_OK(open_planted(launcher, m, precisions[k], NULL, &error, &err), err);
            printf("     %-4s %-28s error over spread %.2e, bound %.2e\n", name, dirs[i], error,
                   limit);
        }
        model_unref(m);
        model_dir_remove(&dir);
    }
    launcher_close(launcher);
}

/* ---- planted errors -------------------------------------------------------------------------- */

static struct backend_ops real;

static int attends_to_too_little(struct lane *lane, const struct attention_args *args,
                                 struct err *err)
{
    struct attention_args causal = *args;

    causal.causal = true;
    return real.attention(lane, &causal, err);
}

static int norms_by_too_much(struct lane *lane, const struct residual_norm_args *args,
                             struct err *err)
{
    struct residual_norm_args more = *args;

    more.eps = 0.1F;
    return real.residual_norm(lane, &more, err);
}

static struct arena lost; /* the weights: read until they are complete */

/* One weight of a thousand is lost. */
static int loses_weights(struct session *session, const struct linear_spec *spec, int max_rows,
                         struct linear_weight **out, struct err *err)
{
    const size_t n = (size_t)spec->in * (size_t)spec->out;
    float *weight = arena_array(&lost, n, sizeof(*weight));
    struct linear_spec fewer = *spec;

    CHECK(weight);
    for (size_t i = 0; i < n; i++)
        weight[i] = i % 1000 == 7 ? 0 : spec->weight[i];
    fewer.weight = weight;
    return real.weight_new(session, &fewer, max_rows, out, err);
}

static void plant_attention(struct backend_ops *ops)
{
    real = *ops;
    ops->attention = attends_to_too_little;
}

static void plant_norm(struct backend_ops *ops)
{
    real = *ops;
    ops->residual_norm = norms_by_too_much;
}

static void plant_weights(struct backend_ops *ops)
{
    real = *ops;
    ops->weight_new = loses_weights;
}

TEST(bounds__refuse_what_computes_something_else)
{
    static const struct {
        const char *name;
        void (*plant)(struct backend_ops *ops);
    } rows[] = {{"attention", plant_attention}, {"norm", plant_norm}, {"weights", plant_weights}};
    struct launcher *launcher = launcher_or_skip();
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m = packed(&dir, LOGITS "three-heads");

    arena_init(&lost, 64 << 10, 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct err err;
        double error;
        test_row("%s", rows[i].name);
        CHECK_INT(open_planted(launcher, m, PRECISION_F16, rows[i].plant, &error, &err), -1);
        CHECK(strstr(err.text, "error over spread"));
        printf("     %-10s error over spread %.2e at least\n", rows[i].name, error);
    }
    arena_release(&lost);
    model_unref(m);
    launcher_close(launcher);
}
