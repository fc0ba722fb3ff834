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

struct device {
    struct stub_script *script;
    struct backend_caps caps;
    void (*on_progress)(void *arg);
    void *arg;
    pthread_t owner, thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct engine_batch *waiting[STUB_SLOTS], *done[STUB_SLOTS];
    struct engine *engines[STUB_SLOTS]; /* of the waiting ones */
    int n_waiting, n_done, n_launched;
    bool quit;
};

struct engine {
    struct device *device;
    struct model *model;
    struct engine_cost cost;
    int steps_left;
};

struct stub_script stub_scripts[STUB_DEVICES];
_Atomic int stub_models;

void stub_reset(void)
{
    for (int i = 0; i < STUB_DEVICES; i++) {
        struct stub_script *script = &stub_scripts[i];
        script->batch_us = 1000;
        script->per_job_us = script->open_steps = script->step_us = script->poll_takes_us = 0;
        script->fail_after = script->refuse_after = -1;
        script->hang = script->open_fails = false;
        script->starve_every = 0;
        script->max_launched = 1;
        script->poll_us = 0;
        script->batches = script->largest_batch = script->most_launched = 0;
        script->open_engines = script->closed_engines = script->threads_seen = 0;
        script->max_step_us = -1;
    }
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

int model_labels(const struct model *model)
{
    (void)model;
    return 1;
}

int model_max_tokens(const struct model *model)
{
    (void)model;
    return STUB_MAX_TOKENS;
}

static void sleep_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    while (nanosleep(&t, &t) == -1)
        ;
}

static void check_thread(struct device *device)
{
    if (!pthread_equal(device->owner, pthread_self()))
        device->script->threads_seen++;
}

static void compute(struct engine *engine, struct engine_batch *batch)
{
    batch->status = BATCH_OK;
    for (int j = 0; j < batch->n_jobs; j++) {
        const struct input *input = batch->jobs[j]->input;
        float *logits = batch->jobs[j]->logits;
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

static void complete(struct device *device, struct engine *engine, struct engine_batch *batch)
{
    struct stub_script *script = device->script;
    int64_t started_us = clock_now_us();

    sleep_us(script->batch_us + script->per_job_us * batch->n_jobs);
    while (script->hang)
        sleep_us(500);
    int done = ++script->batches;
    if (script->fail_after >= 0 && done > script->fail_after) {
        batch->status = BATCH_FAILED;
        err_set(&batch->err, ERR_UNAVAILABLE, "the script says so");
    } else if (script->starve_every && done % script->starve_every == 0) {
        batch->status = BATCH_NO_MEMORY;
        err_set(&batch->err, ERR_NOMEM, "the script takes it");
    } else {
        compute(engine, batch);
    }
    if (batch->n_jobs > script->largest_batch)
        script->largest_batch = batch->n_jobs;
    batch->run_us = clock_now_us() - started_us;
}

static void *crew(void *arg)
{
    struct device *device = arg;

    pthread_mutex_lock(&device->lock);
    while (!device->quit) {
        if (!device->n_waiting) {
            pthread_cond_wait(&device->wake, &device->lock);
            continue;
        }
        struct engine_batch *batch = device->waiting[0];
        struct engine *engine = device->engines[0];
        device->n_waiting--;
        for (int i = 0; i < device->n_waiting; i++) {
            device->waiting[i] = device->waiting[i + 1];
            device->engines[i] = device->engines[i + 1];
        }
        pthread_mutex_unlock(&device->lock);
        complete(device, engine, batch);
        pthread_mutex_lock(&device->lock);
        device->done[device->n_done++] = batch;
        if (device->on_progress && !device->caps.poll_us) {
            pthread_mutex_unlock(&device->lock);
            device->on_progress(device->arg);
            pthread_mutex_lock(&device->lock);
        }
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

int device_open(const struct device_args *args, struct device **out, struct err *err)
{
    int number = atoi(args->device);
    struct device *device = calloc(1, sizeof(*device));

    BUG_ON(!device);
    if (number >= STUB_DEVICES) {
        free(device);
        return err_set(err, ERR_UNAVAILABLE, "no device %s", args->device);
    }
    device->script = &stub_scripts[number];
    device->caps.max_launched = device->script->max_launched;
    device->caps.poll_us = device->script->poll_us;
    device->on_progress = args->on_progress;
    device->arg = args->arg;
    device->owner = pthread_self();
    pthread_mutex_init(&device->lock, NULL);
    pthread_cond_init(&device->wake, NULL);
    BUG_ON(pthread_create(&device->thread, NULL, crew, device) != 0);
    *out = device;
    return 0;
}

void device_close(struct device *device)
{
    check_thread(device);
    pthread_mutex_lock(&device->lock);
    device->quit = true;
    pthread_cond_signal(&device->wake);
    pthread_mutex_unlock(&device->lock);
    pthread_join(device->thread, NULL);
    pthread_cond_destroy(&device->wake);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

const struct backend_caps *device_caps(const struct device *device)
{
    return &device->caps;
}

const char *device_backend(const struct device *device)
{
    (void)device;
    return "stub";
}

int engine_open_begin(struct device *device, const struct engine_args *args, struct engine **out,
                      struct err *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    (void)err;
    BUG_ON(!engine);
    check_thread(device);
    BUG_ON(device->n_launched > 0);
    sleep_us(device->script->step_us);
    engine->device = device;
    engine->model = model_ref(args->model);
    engine->steps_left = device->script->open_steps;
    device->script->max_step_us = args->max_step_us;
    engine->cost.fixed_us = device->script->batch_us + 100;
    engine->cost.per_token_us = (double)device->script->per_job_us / 16;
    device->script->open_engines++;
    *out = engine;
    return 0;
}

int engine_open_step(struct engine *engine, struct err *err)
{
    struct stub_script *script = engine->device->script;

    check_thread(engine->device);
    BUG_ON(engine->device->n_launched > 0);
    sleep_us(script->step_us);
    if (engine->steps_left-- > 0)
        return 1;
    if (script->open_fails)
        return err_set(err, ERR_DATA, "golden requests miss");
    return 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    check_thread(engine->device);
    BUG_ON(engine->device->n_launched > 0);
    engine->device->script->closed_engines++;
    model_unref(engine->model);
    free(engine);
}

const struct backend_caps *engine_caps(const struct engine *engine)
{
    return &engine->device->caps;
}

const struct engine_cost *engine_cost(const struct engine *engine)
{
    return &engine->cost;
}

int engine_max_launched(const struct engine *engine)
{
    return engine->device->caps.max_launched;
}

int engine_submit(struct engine *engine, struct engine_batch *batch, struct err *err)
{
    struct device *device = engine->device;
    struct stub_script *script = device->script;

    check_thread(device);
    BUG_ON(device->n_launched >= script->max_launched);
    if (script->refuse_after >= 0 && script->batches >= script->refuse_after)
        return err_set(err, ERR_UNAVAILABLE, "the script refuses");
    pthread_mutex_lock(&device->lock);
    if (++device->n_launched > script->most_launched)
        script->most_launched = device->n_launched;
    device->engines[device->n_waiting] = engine;
    device->waiting[device->n_waiting++] = batch;
    pthread_cond_signal(&device->wake);
    pthread_mutex_unlock(&device->lock);
    return 0;
}

struct engine_batch *device_poll(struct device *device)
{
    struct engine_batch *batch = NULL;

    check_thread(device);
    pthread_mutex_lock(&device->lock);
    if (device->n_done) {
        batch = device->done[0];
        device->n_done--;
        for (int i = 0; i < device->n_done; i++)
            device->done[i] = device->done[i + 1];
        device->n_launched--;
    }
    pthread_mutex_unlock(&device->lock);
    if (!batch)
        sleep_us(device->script->poll_takes_us);
    return batch;
}
