/* The executor over the real engine: the CPU backend, and the modules that simulate a GPU. Checks
 * only outcomes and scores; executor.c tests races, with a scripted engine. */
#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/model_struct.h"
#include "server/batch/executor.h"
#include "server/batch/submit.h"
#include "tests/test.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MODEL "tests/golden/models/e2e"
#define SECOND 1000000
#define PATIENT (3600 * (int64_t)SECOND) /* even if a busy machine inflates the costs */

enum { JOBS = 40 };

static struct {
    struct mailbox box;
    struct batch_jobs jobs;
    struct batch_job *all[JOBS];
    int lent, back, outcomes[JOB_OUTCOMES], by_fallback;
    _Atomic int largest_batch;
    struct model *model;
    struct executor *executor, *fallback; /* the latter NULL: none */
    struct served_model *served;
    char script[64]; /* the file that the module "failing" reads */
} s;

static void on_letter(struct letter *letter, void *reader)
{
    const struct batch_job *job = batch_job_of(letter);

    (void)reader;
    s.back++;
    s.outcomes[job->outcome]++;
    s.by_fallback += job->outcome == JOB_OK && job->by_fallback;
}

/* A parent of some ten tokens and up to 20 short segments; the last jobs are larger than a
 * batch. */
static void fill(struct batch_job *job, struct rng *rng, bool large)
{
    int children = large ? 150 : 1 + (int)rng_below(rng, 20);
    int32_t vocabulary = tokenizer_facts(s.model->tokenizer)->vocab_size;
    struct input *input = &job->input;
    struct err err;

    CHECK_OK(input_reserve(input, 20 * (children + 1), children + 1, &err), err);
    for (int i = 0; i <= children; i++) {
        int len = 3 + (int)rng_below(rng, 10);
        input->segments[i] = (struct segment){.start = input->n_tokens,
                                              .len = len,
                                              .parent = i ? 0 : -1,
                                              .position = i ? input->segments[0].len : 0,
                                              .read = i > 0};
        for (int t = 0; t < len; t++) {
            input->ids[input->n_tokens] = (int32_t)rng_below(rng, (uint64_t)vocabulary);
            input->types[input->n_tokens++] = 0;
        }
        input->n_segments++;
        input->n_read += i > 0;
    }
    CHECK_OK(batch_jobs_reserve(&s.jobs, job, model_out_width(s.model), &err), err);
}

static const char failing[] = MODULES "/adrank-backend-failing.so";

static void on_batch(void *arg, const struct batch_stats *stats)
{
    (void)arg;
    if (stats->requests > s.largest_batch)
        s.largest_batch = stats->requests;
}

static struct executor *open_executor(const char *backend)
{
    struct executor_args args = {
        .launcher = {.backend = backend, .device = "", .linear = "", .threads = 2},
        .max_queue = JOBS,
        .max_batch_jobs = 8,
        .options = &(struct executor_options){.max_tokens = 512, .max_queue = JOBS},
        .deadline = &(struct deadline_options){.reserve_us = 500},
        .on_batch = on_batch,
    };
    struct executor *executor = NULL;
    struct err err;

    CHECK_OK(executor_open(&args, &executor, &err), err);
    return executor;
}

/* Only the processor computes what golden requests expect. */
static void serve(const char *backend, bool with_fallback)
{
    struct served_model_args args = {
        .model = s.model, .max_batch_tokens = 512, .skip_golden = strcmp(backend, "cpu") != 0};
    struct err err;

    args.primary = s.executor = open_executor(backend);
    args.fallback = s.fallback = with_fallback ? open_executor("cpu") : NULL;
    CHECK_OK(served_model_open(&args, &s.served, &err), err);
}

static void start(void)
{
    struct rng rng;
    struct err err;

    memset(&s, 0, sizeof(s));
    rng_init(&rng, 17);
    CHECK_OK(model_open(MODEL, &s.model, &err), err);
    CHECK_OK(mailbox_init(&s.box, &err), err);
    CHECK_OK(batch_jobs_init(&s.jobs, JOBS, NULL, &err), err);
    for (int i = 0; i < JOBS; i++) {
        s.all[i] = batch_jobs_take(&s.jobs);
        fill(s.all[i], &rng, i >= JOBS - 2);
    }
    snprintf(s.script, sizeof(s.script), "/tmp/adrank-failing-%d", (int)getpid());
    setenv("ADRANK_FAILING_FILE", s.script, 1);
    unlink(s.script);
}

static void finish(void)
{
    served_model_unref(s.served);
    executor_close(s.executor);
    if (s.fallback)
        executor_close(s.fallback);
    for (int i = 0; i < JOBS; i++)
        batch_jobs_put(&s.jobs, s.all[i]);
    batch_jobs_release(&s.jobs);
    mailbox_release(&s.box);
    model_unref(s.model);
    unlink(s.script);
}

static void instruct(const char *words)
{
    struct err err;

    CHECK_OK(file_write(s.script, view_of(words), &err), err);
}

static void submit(int i)
{
    struct batch_job *job = s.all[i];

    job->letter.deliver = on_letter;
    job->home = &s.box;
    job->model = s.served;
    job->deadline_us = clock_now_us() + PATIENT;
    CHECK_INT(executor_submit(job, clock_now_us()), SUBMIT_ADMITTED);
    s.lent++;
}

static void settle(void)
{
    for (int i = 0; i < 1000 && s.back < s.lent; i++) {
        struct pollfd fd = {.fd = s.box.fd, .events = POLLIN};
        if (poll(&fd, 1, 20) == 1)
            mailbox_drain(&s.box, NULL);
    }
    CHECK_INT(s.back, s.lent);
}

/* Submits jobs [from, to) and waits for them. */
static void run(int from, int to)
{
    for (int i = from; i < to; i++)
        submit(i);
    settle();
}

/* The scores of each job alone, directly from an engine. */
static void alone(float **logits)
{
    struct launcher_args launcher_args = {
        .backend = "cpu", .device = "", .linear = "", .threads = 1};
    struct engine_args args = {
        .model = s.model, .max_batch_tokens = 4096, .max_batch_jobs = 1, .skip_golden = true};
    struct launcher *launcher;
    struct engine *engine;
    struct err err;

    CHECK_OK(launcher_open(&launcher_args, &launcher, &err), err);
    CHECK_OK(engine_open(launcher, &args, &engine, &err), err);
    for (int i = 0; i < JOBS; i++) {
        logits[i] = calloc((size_t)s.all[i]->n_out, sizeof(float));
        CHECK(logits[i]);
        struct engine_job job = {.input = &s.all[i]->input, .out = logits[i]};
        struct engine_job *jobs[] = {&job};
        struct engine_batch batch = {.jobs = jobs, .n_jobs = 1};
        CHECK_OK(engine_run(engine, &batch, &err), err);
    }
    engine_close(engine);
    launcher_close(launcher);
}

TEST(real_engine__scores_are_the_same_alone_and_in_any_batch)
{
    float *logits[JOBS];

    start();
    alone(logits);
    serve("cpu", false);
    run(0, JOBS);
    CHECK_INT(s.outcomes[JOB_OK], JOBS);
    for (int i = 0; i < JOBS; i++) {
        test_row("job %d: %d segments", i, s.all[i]->input.n_segments);
        CHECK(memcmp(logits[i], s.all[i]->out, (size_t)s.all[i]->n_out * sizeof(float)) == 0);
        free(logits[i]);
    }
    CHECK(s.largest_batch > 1);
    double ratio = s.served->engines[SERVED_PRIMARY].cost.ratio; /* nothing is running any more */
    CHECK(ratio >= COST_RATIO_MIN && ratio <= COST_RATIO_MAX);
    finish();
}

TEST(real_engine__serves_what_a_device_beside_the_processor_computes)
{
    static const char *const modules[] = {MODULES "/adrank-backend-null.so",
                                          MODULES "/adrank-backend-paced.so"};

    for (int m = 0; m < COUNT(modules); m++) {
        test_row("%s", modules[m]);
        start();
        serve(modules[m], false);
        run(0, JOBS);
        CHECK_INT(s.outcomes[JOB_OK], JOBS);
        finish();
    }
}

TEST(real_engine__a_broken_device_hands_over_to_the_processor)
{
    static const char *const words[] = {"submit", "attention", "query", "download"};

    for (int w = 0; w < COUNT(words); w++) {
        test_row("%s", words[w]);
        start();
        serve(failing, true);
        run(0, 1);
        CHECK_INT(s.by_fallback, 0);
        instruct(words[w]);
        run(1, JOBS);
        CHECK_INT(s.outcomes[JOB_OK], JOBS);
        CHECK_INT(s.by_fallback, JOBS - 1);
        CHECK_INT(executor_state(s.executor), EXECUTOR_BROKEN);
        CHECK_INT(executor_state(s.fallback), EXECUTOR_SERVING);
        finish();
    }
}

TEST(real_engine__one_nan_is_one_job)
{
    start();
    serve(failing, false);
    instruct("nan_first");
    run(0, 1);
    CHECK_INT(s.outcomes[JOB_NOT_FINITE], 1);
    instruct("");
    run(0, 1);
    CHECK_INT(s.outcomes[JOB_OK], 1);
    CHECK_INT(executor_state(s.executor), EXECUTOR_SERVING);
    finish();
}

TEST(real_engine__a_hang_shows_and_passes)
{
    struct timespec moment = {.tv_nsec = 300 * 1000 * 1000};

    start();
    serve(failing, false);
    instruct("hang");
    submit(0);
    while (executor_queue_depth(s.executor)) /* once empty, it is launched */
        ;
    int64_t beat_us = executor_heartbeat_us(s.executor);
    nanosleep(&moment, NULL);
    CHECK_INT(executor_heartbeat_us(s.executor), beat_us);
    CHECK_INT(s.back, 0);
    instruct("");
    settle();
    CHECK_INT(s.outcomes[JOB_OK], 1);
    CHECK(executor_heartbeat_us(s.executor) > beat_us);
    finish();
}
