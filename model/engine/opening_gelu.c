/*
 * The stage of opening that decides whether an erf GELU is computed in its tanh form, on a device
 * where that costs less: model.gelu "auto". The inner layers' weights are made a second time, with
 * the other activation; both are timed, and both compute the golden requests. The tanh form is
 * taken where it is faster and its largest error is not above the erf form's; the weights of the
 * other are freed. The launcher keeps the choice for later opens of the same weights. Other weights
 * are first made in the form that was last taken: if it is taken again, a model that replaces
 * another lands where the kept passes of the device read.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/engine/compute.h"
#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"
#include "model/engine/opening.h"

#define FIRST_TOKENS 64 /* of a timed batch; doubled while that is fast enough */
#define LAST_TOKENS 8192
#define PASS_US 20000.0 /* of one pass, when nothing else is served */
#define ROUNDS 5        /* the first is a warm-up; the fastest of the others counts */

const char *const gelu_names[GELUS + 1] = {
    [GELU_AUTO] = "auto", [GELU_ERF] = "erf", [GELU_TANH] = "tanh"};

static const char *const activation_names[ACTIVATIONS] = {[ACTIVATION_NONE] = "none",
                                                          [ACTIVATION_GELU_ERF] = "gelu_erf",
                                                          [ACTIVATION_GELU_TANH] = "gelu_tanh",
                                                          [ACTIVATION_RELU] = "relu",
                                                          [ACTIVATION_TANH] = "tanh"};

/* ---- kept choices ---------------------------------------------------------------------------- */

/* Their digest where adrank.json states it, as pack does; else that of all files. */
static const char *weights_of(const struct model *m)
{
    return m->adrank.weights_sha256 ? m->adrank.weights_sha256 : m->digest;
}

static struct kept_gelu *find_kept(struct engine *engine)
{
    struct launcher *launcher = engine->launcher;

    for (int i = 0; i < LAUNCHER_GELUS; i++) {
        struct kept_gelu *kept = &launcher->gelus[i];
        if (strcmp(kept->weights, weights_of(engine->model)) == 0 &&
            kept->precision == engine->caps.precision)
            return kept;
    }
    return NULL;
}

/* The form that weights before these took, for a model whose own is erf. */
static enum activation last_taken(const struct engine *engine)
{
    const struct launcher *launcher = engine->launcher;
    const int last = (launcher->next_gelu + LAUNCHER_GELUS - 1) % LAUNCHER_GELUS;
    const struct kept_gelu *kept = &launcher->gelus[last];

    return kept->weights[0] && kept->precision == engine->caps.precision ? kept->chosen.activation
                                                                         : ACTIVATION_GELU_ERF;
}

static void keep(struct engine *engine)
{
    struct launcher *launcher = engine->launcher;
    struct kept_gelu *kept = &launcher->gelus[launcher->next_gelu];

    launcher->next_gelu = (launcher->next_gelu + 1) % LAUNCHER_GELUS;
    kept->precision = engine->caps.precision;
    kept->chosen = engine->gelu;
    snprintf(kept->weights, sizeof(kept->weights), "%s", weights_of(engine->model));
}

/* ---- what is requested ----------------------------------------------------------------------- */

static bool is_erf(const struct engine *engine)
{
    return engine->model->encoders[0].config.activation == ACTIVATION_GELU_ERF;
}

static void set_activation(struct engine *engine, enum activation activation)
{
    engine->gelu.activation = activation;
    engine->gelu.name = activation_names[activation];
}

void opening_gelu_request(struct engine *engine, enum gelu requested)
{
    const struct kept_gelu *kept = find_kept(engine);
    struct engine_opening *o = engine->opening;

    set_activation(engine, engine->model->encoders[0].config.activation);
    if (!is_erf(engine) || requested == GELU_ERF)
        return;
    if (requested == GELU_TANH) {
        set_activation(engine, ACTIVATION_GELU_TANH);
        return;
    }
    if (!engine->caps.fused_gelu_tanh || o->skip_golden ||
        engine->model->adrank.golden.n_requests == 0)
        return;
    if (kept) {
        engine->gelu = kept->chosen;
        return;
    }
    set_activation(engine, last_taken(engine));
    o->trial.wanted = true;
    o->trial.first = o->trial.form = engine->gelu.activation == ACTIVATION_GELU_TANH;
}

/* ---- the trial ------------------------------------------------------------------------------- */

/* The other form is in place then. */
static void swap(struct engine *engine)
{
    struct gelu_trial *trial = &engine->opening->trial;

    for (int i = 0; i < engine->n_networks; i++)
        if (trial->twins[i].layers)
            network_swap_inner(&engine->networks[i], &trial->twins[i]);
    trial->form = !trial->form;
}

static int make_twins(struct engine *engine, struct err *err)
{
    struct gelu_trial *trial = &engine->opening->trial;

    for (int i = 0; i < engine->n_networks; i++) {
        const struct network_args args = {.ops = engine->ops,
                                          .session = engine->session,
                                          .encoder = &engine->model->encoders[i],
                                          .max_rows = engine->max_slice_tokens,
                                          .activation = trial->first ? ACTIVATION_GELU_ERF
                                                                     : ACTIVATION_GELU_TANH};
        if (args.encoder->config.activation == ACTIVATION_GELU_ERF &&
            network_twin_init(&trial->twins[i], &args, err))
            return -1;
    }
    trial->tokens = FIRST_TOKENS;
    trial->stage++;
    return 1;
}

static int upload_twins(struct engine *engine, struct err *err)
{
    struct gelu_trial *trial = &engine->opening->trial;

    for (int i = 0; i < engine->n_networks; i++) {
        int rc = trial->twins[i].layers ? upload_step(&trial->twins[i].upload, err) : 0;
        if (rc)
            return rc;
    }
    trial->stage++;
    return 1;
}

static double limit_us(const struct engine *engine)
{
    const int step_us = engine->opening->max_step_us;

    return step_us ? step_us : PASS_US;
}

/* Another size, or the end, once both forms were timed often enough. */
static void next_size(struct engine *engine)
{
    struct gelu_trial *trial = &engine->opening->trial;
    const double us = fmax(trial->us[0], trial->us[1]);
    const bool larger = trial->tokens * 2 <= LAST_TOKENS &&
                        trial->tokens * 2 <= engine->max_batch_tokens && us * 2 <= limit_us(engine);

    if (++trial->round < (us > limit_us(engine) ? 2 : larger ? 1 : ROUNDS))
        return;
    trial->round = 0;
    if (larger) {
        trial->tokens *= 2;
        return;
    }
    trial->token_us = us / trial->tokens;
    trial->stage++;
}

/* One pass in the form that is in place; then the other form is, so that what disturbs disturbs
 * both. */
static int time_form(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    struct gelu_trial *trial = &o->trial;
    struct engine_job job = {.input = &o->input};
    struct engine_batch batch;

    if (opening_rung_input(engine, trial->tokens, 0, &o->input, err) ||
        opening_reserve_out(engine, o->input.n_read, err))
        return -1;
    job.out = o->out;
    if (engine_compute_batch(engine, &job, engine_layers(engine), &batch, err))
        return -1;
    if (trial->round <= 1 || (double)batch.run_us < trial->us[trial->form])
        trial->us[trial->form] = (double)batch.run_us;
    swap(engine);
    if (trial->form == trial->first)
        next_size(engine);
    return 1;
}

/* The golden requests in the form that is in place; then the other form is. */
static int measure_error(struct engine *engine, struct err *err)
{
    struct gelu_trial *trial = &engine->opening->trial;
    const int rc = opening_golden_step(engine, INFINITY, &trial->error[trial->form], err);

    if (rc)
        return rc;
    swap(engine);
    trial->stage += trial->form == trial->first;
    return 1;
}

static int choose(struct engine *engine, struct err *err)
{
    struct gelu_trial *trial = &engine->opening->trial;
    struct engine_gelu *gelu = &engine->gelu;

    (void)err;
    gelu->measured = true;
    gelu->erf_us = trial->us[0];
    gelu->tanh_us = trial->us[1];
    gelu->erf_error = trial->error[0];
    gelu->tanh_error = trial->error[1];
    set_activation(engine, gelu_prefers_tanh(gelu) ? ACTIVATION_GELU_TANH : ACTIVATION_GELU_ERF);
    if (trial->form != gelu_prefers_tanh(gelu))
        swap(engine);
    opening_gelu_release(engine);
    keep(engine);
    return 0;
}

static const struct {
    int (*step)(struct engine *engine, struct err *err);
} stages[] = {{make_twins}, {upload_twins}, {time_form}, {measure_error}, {choose}};

int opening_gelu(struct engine *engine, struct err *err)
{
    struct gelu_trial *trial = &engine->opening->trial;
    int rc;

    if (!trial->wanted)
        return 0;
    engine->exchanging = true;
    rc = stages[trial->stage].step(engine, err);
    engine->exchanging = rc > 0;
    return rc;
}

void opening_gelu_release(struct engine *engine)
{
    for (int i = 0; i < MODEL_MAX_ENCODERS; i++)
        network_release(&engine->opening->trial.twins[i]);
}
