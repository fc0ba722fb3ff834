/* model.gelu on a device that computes the tanh form in a product's epilogue: what "auto" takes, by
 * golden logits that are planted to favour one form, and what is forced. */
#include "model/engine/compute.h"
#include "model/engine/opening.h"
#include "tests/unit/model/engine/engine_fixture.h"

#define SIMT MODULES "/adrank-backend-simt.so"
#define GELU_NEW "tests/golden/requests/other-template" /* hidden_act is the tanh form */

/* opening_gelu.c's table. */
enum { STAGE_TIME = 2, STAGE_ERROR };

static struct engine *begin(struct launcher *launcher, struct model *m, enum gelu gelu,
                            enum precision precision, bool skip_golden)
{
    struct engine_args args = args_of(m);
    struct engine *engine;
    struct err err;

    args.max_batch_tokens = 512;
    args.gelu = gelu;
    args.precision = precision;
    args.skip_golden = skip_golden;
    CHECK_OK(engine_open_begin(launcher, &args, &engine, &err), err);
    return engine;
}

static int step(struct engine *engine)
{
    struct err err;
    const int rc = engine_open_step(engine, &err);

    CHECK_OK(rc < 0 ? -1 : 0, err);
    return rc;
}

/* Time here says nothing about a GPU: tanh is faster, once both forms were timed. */
static struct engine *open_engine(struct launcher *launcher, struct model *m, enum gelu gelu,
                                  enum precision precision, bool skip_golden)
{
    struct engine *engine = begin(launcher, m, gelu, precision, skip_golden);

    while (step(engine)) {
        struct gelu_trial *trial = &engine->opening->trial;
        if (trial->stage != STAGE_ERROR)
            continue;
        CHECK(trial->us[1] > 0);
        trial->us[0] = trial->us[1] + 1;
    }
    return engine;
}

static void compute(struct engine *engine, const struct model *m, int request, float *out)
{
    struct input input AT_END(input_release) = request_of(m, request);
    struct err err;
    int64_t us;

    CHECK_OK(engine_compute(engine, &input, out, &us, &err), err);
}

/* The golden logits become what this form computes on this device, so that its error is 0. */
static void plant(struct launcher *launcher, struct model *m, enum gelu gelu)
{
    struct engine *engine = open_engine(launcher, m, gelu, PRECISION_F16, true);

    CHECK(!engine_gelu(engine)->measured);
    for (int i = 0; i < m->adrank.golden.n_requests; i++) {
        const struct golden_request *request = &m->adrank.golden.requests[i];
        double *logits = (double *)(uintptr_t)request->logits;
        float out[MAX_ADS];

        compute(engine, m, i, out);
        for (int k = 0; k < request->n_logits; k++)
            logits[k] = model_logit(m, &out[k]);
    }
    engine_close(engine);
}

/* Opens it with auto: the form taken, which is the planted one where it was measured now. */
static void check_auto(struct launcher *launcher, struct model *m, const char *name, bool kept)
{
    struct engine *engine = open_engine(launcher, m, GELU_AUTO, PRECISION_F16, false);
    const struct engine_gelu *gelu = engine_gelu(engine);

    CHECK_STR(gelu->name, name);
    CHECK(gelu->measured && gelu->erf_us > 0 && gelu->tanh_us > 0);
    CHECK((gelu->tanh_error == 0) == (gelu->activation == ACTIVATION_GELU_TANH));
    CHECK((gelu->erf_error == 0) == (gelu->activation == ACTIVATION_GELU_ERF));
    CHECK((engine->golden_error == 0) == !kept);
    engine_close(engine);
}

static void check_first(struct launcher *launcher, struct model *m, enum activation activation)
{
    struct engine *engine = begin(launcher, m, GELU_AUTO, PRECISION_F16, false);

    CHECK_INT(engine_gelu(engine)->activation, activation);
    CHECK(engine->opening->trial.wanted);
    engine_close(engine);
}

TEST(gelu__auto_takes_the_form_that_is_nearer_and_keeps_it)
{
    struct launcher *launcher = launcher_of(SIMT, "", 1);
    struct model *m = model_of(REQUESTS);

    m->adrank.weights_sha256 = "0";
    test_row("tanh is nearer, and faster");
    plant(launcher, m, GELU_TANH);
    check_auto(launcher, m, "gelu_tanh", false);
    test_row("the same weights, other files: no second trial, which would choose erf");
    plant(launcher, m, GELU_ERF);
    m->digest[0] ^= 1;
    check_auto(launcher, m, "gelu_tanh", true);
    CHECK_INT(launcher->next_gelu, 1);
    test_row("other weights: erf is nearer");
    m->adrank.weights_sha256 = "1";
    check_auto(launcher, m, "gelu_erf", false);
    CHECK_INT(launcher->next_gelu, 2);
    test_row("the form that was last taken is made first: tanh, and again");
    m->adrank.weights_sha256 = "2";
    plant(launcher, m, GELU_TANH);
    check_auto(launcher, m, "gelu_tanh", false);
    m->adrank.weights_sha256 = "3";
    check_first(launcher, m, ACTIVATION_GELU_TANH);
    check_auto(launcher, m, "gelu_tanh", false);
    model_unref(m);
    launcher_close(launcher);
}

/* What GELU_AUTO takes of measured forms. */
TEST(gelu__tanh_has_to_be_faster_and_no_further)
{
    static const struct {
        struct engine_gelu gelu;
        bool tanh;
    } rows[] = {
        {{.erf_us = 100, .tanh_us = 90, .erf_error = 0.01, .tanh_error = 0.01}, true},
        {{.erf_us = 100, .tanh_us = 90, .erf_error = 0.01, .tanh_error = 0.009}, true},
        {{.erf_us = 100, .tanh_us = 90, .erf_error = 0.01, .tanh_error = 0.01001}, false},
        {{.erf_us = 100, .tanh_us = 100, .erf_error = 0.01, .tanh_error = 0.009}, false},
        {{.erf_us = 100, .tanh_us = 110, .erf_error = 0.01, .tanh_error = 0}, false},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%d", i);
        CHECK_INT(gelu_prefers_tanh(&rows[i].gelu), rows[i].tanh);
    }
}

/* Where tanh costs as much, or nothing can judge it, or the model has another activation. */
TEST(gelu__auto_is_the_models_own_without_a_reason)
{
    static const struct {
        const char *why, *dir;
        enum precision precision;
        bool skip_golden;
        const char *name;
    } rows[] = {
        {"f32", REQUESTS, PRECISION_F32, false, "gelu_erf"},
        {"golden requests are skipped", REQUESTS, PRECISION_F16, true, "gelu_erf"},
        {"no golden requests", "tests/golden/logits/one-layer", PRECISION_F16, false, "gelu_erf"},
        {"tanh is the model's own", GELU_NEW, PRECISION_F16, false, "gelu_tanh"},
    };
    struct launcher *launcher = launcher_of(SIMT, "", 1);

    for (int i = 0; i < COUNT(rows); i++) {
        struct model *m = model_of(rows[i].dir);
        struct engine *engine;
        test_row("%s", rows[i].why);
        engine = begin(launcher, m, GELU_AUTO, rows[i].precision, rows[i].skip_golden);
        CHECK_STR(engine_gelu(engine)->name, rows[i].name);
        CHECK(!engine->opening->trial.wanted);
        engine_close(engine);
        model_unref(m);
    }
    launcher_close(launcher);
}

/* ---- forced ---------------------------------------------------------------------------------- */

/* On the CPU the tanh form is computed as well, and judged by the golden requests like all else. */
TEST(gelu__forced_on_a_device_where_it_saves_nothing)
{
    struct launcher *launcher = launcher_of("cpu", "", 1);
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);
    float erf[MAX_ADS], tanh[MAX_ADS];
    struct engine *engine;
    struct err err;

    args.gelu = GELU_TANH;
    CHECK_ERR(engine_open(launcher, &args, &engine, &err), err, "in f32 with gelu_tanh");
    engine = open_engine(launcher, m, GELU_TANH, PRECISION_F32, true);
    CHECK_STR(engine_gelu(engine)->name, "gelu_tanh");
    compute(engine, m, 0, tanh);
    engine_close(engine);
    engine = open_engine(launcher, m, GELU_ERF, PRECISION_F32, false);
    CHECK_STR(engine_gelu(engine)->name, "gelu_erf");
    compute(engine, m, 0, erf);
    engine_close(engine);
    CHECK(erf[0] != tanh[0]);
    CHECK_NEAR(erf[0], tanh[0], 0.05 * m->adrank.golden.spread);
    model_unref(m);
    m = model_of(GELU_NEW);
    engine = open_engine(launcher, m, GELU_ERF, PRECISION_F32, false);
    CHECK_STR(engine_gelu(engine)->name, "gelu_tanh");
    engine_close(engine);
    model_unref(m);
    launcher_close(launcher);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Nothing is left when it is closed half-way. */
TEST(gelu__closes_at_any_stage_of_the_trial)
{
    struct launcher *launcher = launcher_of(SIMT, "", 1);
    struct model *m = model_of(REQUESTS);

    for (int stage = 0; stage <= STAGE_ERROR; stage++) {
        struct engine *engine = begin(launcher, m, GELU_AUTO, PRECISION_F16, false);
        test_row("%d", stage);
        engine->opening->max_step_us = 1000;
        while (step(engine) && engine->opening->trial.stage < stage)
            ;
        CHECK(engine->opening);
        if (stage > STAGE_TIME)
            CHECK(step(engine));
        engine_close(engine);
    }
    model_unref(m);
    launcher_close(launcher);
}
