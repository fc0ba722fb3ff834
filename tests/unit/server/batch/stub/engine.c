/* A scripted implementation of include/adrank/engine.h. */
#include "tests/unit/server/batch/stub/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/bug.h"
#include "base/clock.h"

enum { STUB_SLOTS = 8 };

struct model {
    atomic_int refs;
    int number;
};

struct launcher {
    struct stub_script *script;
    struct device_caps caps;
    struct session_caps session_caps;
    void (*on_progress)(void *arg);
    void *arg;
    pthread_t owner, thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct engine_batch *waiting[STUB_SLOTS], *done[STUB_SLOTS];
    struct engine *engines[STUB_SLOTS]; /* of the waiting ones */
    struct engine *open;                /* all; a device that hangs keeps its own within reach */
    int n_waiting, n_done, n_launched;
    bool quit;
    atomic_bool abandoned, gone; /* hangs for good; and no longer reads the script */
};

struct engine {
    struct launcher *launcher;
    struct model *model;
    struct engine_cost cost;
    int steps_left;
    struct engine *next; /* of the launcher's open ones */
};

struct stub_script stub_scripts[STUB_DEVICES];
_Atomic int stub_models, stub_launchers;
static void sleep_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    while (nanosleep(&t, &t) == -1)
        ;
}

static struct launcher *latest[STUB_DEVICES];

void stub_abandon(int device)
{
    latest[device]->abandoned = true;
    while (!latest[device]->gone)
        sleep_us(500);
    stub_models = stub_launchers = 0;
}

__attribute__((constructor)) void stub_reset(void)
{
    for (int i = 0; i < STUB_DEVICES; i++)
        stub_scripts[i] = (struct stub_script){.batch_us = 1000,
                                               .fail_after = -1,
                                               .refuse_after = -1,
                                               .max_launched = 1,
                                               .max_step_us = -1};
}

float stub_logit(int model, int32_t token)
{
    return (float)(model * 1000 + token);
}

struct model *stub_model_new(int number)
{
    struct model *model = calloc(1, sizeof(*model));

    BUG_ON(!model);
    atomic_init(&model->refs, 1);
    model->number = number;
    stub_models++;
    return model;
}

struct model *model_ref(struct model *model)
{
    model->refs++;
    return model;
}

void model_unref(struct model *model)
{
    if (!model || --model->refs)
        return;
    stub_models--;
    free(model);
}

int model_out_width(const struct model *model)
{
    (void)model;
    return 1;
}

int model_max_tokens(const struct model *model)
{
    (void)model;
    return STUB_MAX_TOKENS;
}

static void check_thread(struct launcher *launcher)
{
    if (!pthread_equal(launcher->owner, pthread_self()))
        launcher->script->threads_seen++;
}

static void compute(struct engine *engine, struct engine_batch *batch)
{
    batch->status = BATCH_OK;
    for (int j = 0; j < batch->n_jobs; j++) {
        const struct input *input = batch->jobs[j]->input;
        float *logits = batch->jobs[j]->out;
        for (int i = 0; i < input->n_segments; i++) {
            int32_t token = input->ids[input->segments[i].start];
            if (!input->segments[i].read)
                continue;
            if (token == STUB_NAN_TOKEN)
                batch->status = BATCH_NOT_FINITE;
            *logits++ = token == STUB_NAN_TOKEN ? __builtin_nanf("")
                                                : stub_logit(engine->model->number, token);
        }
    }
}

static void complete(struct launcher *launcher, struct engine *engine, struct engine_batch *batch)
{
    struct stub_script *script = launcher->script;
    int64_t started_us = clock_now_us();

    sleep_us(script->batch_us + script->per_job_us * batch->n_jobs);
    while (script->hang && !launcher->abandoned)
        sleep_us(500);
    while (launcher->abandoned) {
        launcher->gone = true;
        sleep_us(500);
    }
    int done = ++script->batches;
    if (script->fail_after >= 0 && done > script->fail_after) {
        batch->status = BATCH_FAILED;
        err_set(&batch->err, ERR_UNAVAILABLE, "the script has it fail");
    } else if (script->starve_every && done % script->starve_every == 0) {
        batch->status = BATCH_NO_MEMORY;
        err_set(&batch->err, ERR_NOMEM, "the script has no memory");
    } else {
        compute(engine, batch);
    }
    if (batch->n_jobs > script->largest_batch)
        script->largest_batch = batch->n_jobs;
    batch->run_us = clock_now_us() - started_us;
}

static void *crew(void *arg)
{
    struct launcher *launcher = arg;

    pthread_mutex_lock(&launcher->lock);
    while (!launcher->quit) {
        if (!launcher->n_waiting) {
            pthread_cond_wait(&launcher->wake, &launcher->lock);
            continue;
        }
        struct engine_batch *batch = launcher->waiting[0];
        struct engine *engine = launcher->engines[0];
        launcher->n_waiting--;
        for (int i = 0; i < launcher->n_waiting; i++) {
            launcher->waiting[i] = launcher->waiting[i + 1];
            launcher->engines[i] = launcher->engines[i + 1];
        }
        pthread_mutex_unlock(&launcher->lock);
        complete(launcher, engine, batch);
        pthread_mutex_lock(&launcher->lock);
        launcher->done[launcher->n_done++] = batch;
        if (launcher->on_progress && !launcher->caps.poll_us) {
            pthread_mutex_unlock(&launcher->lock);
            launcher->on_progress(launcher->arg);
            pthread_mutex_lock(&launcher->lock);
        }
    }
    pthread_mutex_unlock(&launcher->lock);
    return NULL;
}

int launcher_open(const struct launcher_args *args, struct launcher **out, struct err *err)
{
    int number = atoi(args->device);
    struct launcher *launcher = calloc(1, sizeof(*launcher));

    BUG_ON(!launcher);
    if (number >= STUB_DEVICES) {
        free(launcher);
        return err_set(err, ERR_UNAVAILABLE, "no device %s", args->device);
    }
    launcher->script = &stub_scripts[number];
    launcher->caps.max_launched = launcher->script->max_launched;
    launcher->caps.poll_us = launcher->script->poll_us;
    launcher->on_progress = args->on_progress;
    launcher->arg = args->arg;
    launcher->owner = pthread_self();
    pthread_mutex_init(&launcher->lock, NULL);
    pthread_cond_init(&launcher->wake, NULL);
    BUG_ON(pthread_create(&launcher->thread, NULL, crew, launcher) != 0);
    stub_launchers++;
    latest[number] = launcher;
    *out = launcher;
    return 0;
}

void launcher_close(struct launcher *launcher)
{
    check_thread(launcher);
    pthread_mutex_lock(&launcher->lock);
    launcher->quit = true;
    pthread_cond_signal(&launcher->wake);
    pthread_mutex_unlock(&launcher->lock);
    pthread_join(launcher->thread, NULL);
    pthread_cond_destroy(&launcher->wake);
    pthread_mutex_destroy(&launcher->lock);
    free(launcher);
    stub_launchers--;
}

const struct device_caps *launcher_caps(const struct launcher *launcher)
{
    return &launcher->caps;
}

const char *launcher_backend(const struct launcher *launcher)
{
    (void)launcher;
    return "stub";
}

void launcher_readings(struct launcher *launcher, struct device_readings *out)
{
    (void)launcher;
    device_readings_none(out);
}

int engine_open_begin(struct launcher *launcher, const struct engine_args *args,
                      struct engine **out, struct err *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    (void)err;
    BUG_ON(!engine);
    check_thread(launcher);
    BUG_ON(launcher->n_launched > 0);
    sleep_us(launcher->script->step_us);
    engine->launcher = launcher;
    engine->model = model_ref(args->model);
    engine->steps_left = launcher->script->open_steps;
    launcher->script->max_step_us = args->max_step_us;
    engine->cost.fixed_us = launcher->script->batch_us + 100;
    engine->cost.per_token_us = (double)launcher->script->per_job_us / 16;
    engine->next = launcher->open;
    launcher->open = engine;
    launcher->script->open_engines++;
    *out = engine;
    return 0;
}

int engine_open_step(struct engine *engine, struct err *err)
{
    struct stub_script *script = engine->launcher->script;

    check_thread(engine->launcher);
    BUG_ON(engine->launcher->n_launched > 0);
    while (script->stuck_open)
        sleep_us(500);
    sleep_us(script->step_us);
    if (engine->steps_left-- > 0)
        return 1;
    if (script->open_fails)
        return err_set(err, ERR_DATA, "golden requests miss");
    return 0;
}

void engine_close(struct engine *engine)
{
    struct engine **at;

    if (!engine)
        return;
    for (at = &engine->launcher->open; *at != engine; at = &(*at)->next)
        ;
    *at = engine->next;
    check_thread(engine->launcher);
    BUG_ON(engine->launcher->n_launched > 0);
    engine->launcher->script->closed_engines++;
    model_unref(engine->model);
    free(engine);
}

const struct session_caps *engine_caps(const struct engine *engine)
{
    return &engine->launcher->session_caps;
}

const struct engine_gelu *engine_gelu(const struct engine *engine)
{
    static const struct engine_gelu gelu = {.activation = ACTIVATION_GELU_ERF, .name = "gelu_erf"};

    (void)engine;
    return &gelu;
}

const struct engine_cost *engine_cost(const struct engine *engine)
{
    return &engine->cost;
}

int engine_submit(struct engine *engine, struct engine_batch *batch, struct err *err)
{
    struct launcher *launcher = engine->launcher;
    struct stub_script *script = launcher->script;

    check_thread(launcher);
    BUG_ON(launcher->n_launched >= script->max_launched);
    while (script->stuck)
        sleep_us(500);
    if (script->refuse_after >= 0 && script->batches >= script->refuse_after)
        return err_set(err, ERR_UNAVAILABLE, "the script refuses");
    pthread_mutex_lock(&launcher->lock);
    script->launched = ++launcher->n_launched;
    if (launcher->n_launched > script->most_launched)
        script->most_launched = launcher->n_launched;
    launcher->engines[launcher->n_waiting] = engine;
    launcher->waiting[launcher->n_waiting++] = batch;
    pthread_cond_signal(&launcher->wake);
    pthread_mutex_unlock(&launcher->lock);
    return 0;
}

struct engine_batch *launcher_poll(struct launcher *launcher)
{
    struct engine_batch *batch = NULL;

    check_thread(launcher);
    pthread_mutex_lock(&launcher->lock);
    if (launcher->n_done) {
        batch = launcher->done[0];
        launcher->n_done--;
        for (int i = 0; i < launcher->n_done; i++)
            launcher->done[i] = launcher->done[i + 1];
        launcher->script->launched = --launcher->n_launched;
    }
    pthread_mutex_unlock(&launcher->lock);
    if (!batch)
        sleep_us(launcher->script->poll_takes_us);
    return batch;
}
