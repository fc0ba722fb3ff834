/* Executors, workers and models for the executor's tests. */
#include "tests/unit/server/batch/executor_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

/* The model that serves requests; workers take a reference each time. */
static struct world {
    pthread_mutex_t lock;
    struct served_model *served;
    int number;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

void rig_nap(int64_t us)
{
    struct timespec t = {.tv_sec = us / SECOND, .tv_nsec = us % SECOND * 1000};

    nanosleep(&t, NULL);
}

struct rig_stats rig_stats[STUB_DEVICES];
struct rig_crowd crowd;
struct rig_one one;

static void on_batch(void *arg, const struct batch_stats *batch)
{
    struct rig_stats *stats = arg;
    double ratio = batch->cost_ratio;

    stats->least_ratio = stats->batches && stats->least_ratio < ratio ? stats->least_ratio : ratio;
    stats->most_ratio = stats->most_ratio > ratio ? stats->most_ratio : ratio;
    stats->batches++;
    stats->requests += batch->requests;
    stats->tokens += batch->tokens;
}

struct executor *rig_open_executor(const char *device, int max_jobs)
{
    struct executor_args args = {
        .launcher = {.backend = "stub", .device = device, .threads = 1},
        .max_queue = 64,
        .max_batch_jobs = max_jobs,
        .options = &(struct executor_options){.max_tokens = 256, .max_queue = 64},
        .deadline = &(struct deadline_options){.reserve_us = 500},
        .on_batch = on_batch,
        .on_batch_arg = &rig_stats[atoi(device)],
    };
    struct executor *executor = NULL;
    struct err err;

    rig_stats[atoi(device)] = (struct rig_stats){0};
    CHECK_OK(executor_open(&args, &executor, &err), err);
    return executor;
}

struct served_model *rig_open_model(int number, struct executor *primary, struct executor *fallback)
{
    struct served_model_args args = {.model = stub_model_new(number),
                                     .primary = primary,
                                     .fallback = fallback,
                                     .max_batch_tokens = 256};
    struct served_model *served = NULL;
    struct err err;

    CHECK_OK(served_model_open(&args, &served, &err), err);
    model_unref(args.model);
    return served;
}

static struct served_model *world_take(int *number)
{
    pthread_mutex_lock(&world.lock);
    struct served_model *served = served_model_ref(world.served);
    *number = world.number;
    pthread_mutex_unlock(&world.lock);
    return served;
}

void rig_crowd_serve(struct served_model *served, int number)
{
    pthread_mutex_lock(&world.lock);
    struct served_model *old = world.served;
    world.served = served;
    world.number = number;
    pthread_mutex_unlock(&world.lock);
    served_model_unref(old);
}

static bool right_logits(const struct batch_job *job)
{
    int n = 0;

    for (int i = 0; i < job->input.n_segments; i++) {
        const struct segment *segment = &job->input.segments[i];
        if (segment->read &&
            job->out[n++] != stub_logit((int)job->owner.slot, job->input.ids[segment->start]))
            return false;
    }
    return n == job->n_out;
}

static void on_letter(struct letter *letter, void *reader)
{
    struct rig_worker *worker = reader;
    struct batch_job *job = batch_job_of(letter);

    worker->letters++;
    worker->outcomes[job->outcome]++;
    worker->by_fallback += job->outcome == JOB_OK && job->by_fallback;
    if (job->home != &worker->box || (job->outcome == JOB_OK && !right_logits(job)))
        worker->wrong++;
    job->owner.generation = 0; /* so that a second letter is detected */
    batch_jobs_put(&worker->jobs, job);
}

/* A parent of 8 tokens and segments of 8 that are read, their first tokens all different. */
static void fill(struct batch_jobs *jobs, struct batch_job *job, int segments, int32_t first)
{
    struct err err;

    if (input_reserve(&job->input, 8 * (segments + 1), segments + 1, &err))
        test_fail(__FILE__, __LINE__, "%s", err.text);
    struct input *input = &job->input;
    input->n_tokens = 8 * (segments + 1);
    input->n_segments = segments + 1;
    input->n_read = segments;
    for (int i = 0; i < input->n_tokens; i++)
        input->ids[i] = input->types[i] = 0;
    for (int i = 0; i <= segments; i++) {
        input->segments[i] =
            (struct segment){.start = 8 * i, .len = 8, .parent = i ? 0 : -1, .read = i > 0};
        input->ids[8 * i] = i ? first + i : 7;
    }
    if (batch_jobs_reserve(jobs, job, 1, &err))
        test_fail(__FILE__, __LINE__, "%s", err.text);
}

struct batch_job *rig_new_job(struct rig_worker *worker, struct served_model *served, int number,
                              int segments, int64_t budget_us)
{
    struct batch_job *job = batch_jobs_take(&worker->jobs);

    if (!job)
        return NULL;
    fill(&worker->jobs, job, segments, (int32_t)(worker->generation % 500));
    job->letter.deliver = on_letter;
    job->home = &worker->box;
    job->owner = (struct job_owner){(uint32_t)number, ++worker->generation};
    job->model = served;
    job->deadline_us = clock_now_us() + budget_us;
    return job;
}

enum submit rig_submit(struct rig_worker *worker, struct batch_job *job)
{
    enum submit answer = executor_submit(job, clock_now_us());

    if (answer == SUBMIT_ADMITTED) {
        worker->admitted++;
        return answer;
    }
    worker->refused += answer != SUBMIT_FAILED;
    worker->failed_submits += answer == SUBMIT_FAILED;
    batch_jobs_put(&worker->jobs, job);
    return answer;
}

void rig_init_worker(struct rig_worker *worker, int jobs)
{
    struct err err;

    *worker = (struct rig_worker){.segments = 3, .budget_us = FOR_EVER};
    CHECK_OK(mailbox_init(&worker->box, &err), err);
    CHECK_OK(batch_jobs_init(&worker->jobs, jobs, NULL, &err), err);
}

static void receive(struct rig_worker *worker, int timeout_ms)
{
    struct pollfd fd = {.fd = worker->box.fd, .events = POLLIN};

    if (poll(&fd, 1, timeout_ms) == 1)
        mailbox_drain(&worker->box, worker);
}

bool rig_await(struct rig_worker *worker, int letters)
{
    for (int i = 0; i < 1000 && worker->letters < letters; i++)
        receive(worker, 10);
    return worker->letters == letters;
}

bool rig_settle(struct rig_worker *worker)
{
    return rig_await(worker, worker->admitted);
}

void rig_release_worker(struct rig_worker *worker)
{
    batch_jobs_release(&worker->jobs);
    mailbox_release(&worker->box);
}

static void *work_on(void *arg)
{
    struct rig_worker *worker = arg;

    for (int i = 0; i < worker->to_submit;) {
        int number;
        struct served_model *served = world_take(&number);
        struct batch_job *job =
            rig_new_job(worker, served, number, worker->segments, worker->budget_us);
        if (job) {
            i++;
            if (rig_submit(worker, job) == SUBMIT_ADMITTED && worker->cancel_some && i % 3 == 0)
                batch_job_cancel(job);
        }
        served_model_unref(served); /* a lent job has its own reference */
        receive(worker, job ? 0 : 10);
        if (worker->pause_us)
            rig_nap(worker->pause_us);
    }
    rig_settle(worker);
    return NULL;
}

void rig_crowd_open(int max_jobs, int max_launched, bool with_fallback)
{
    crowd = (struct rig_crowd){0};
    stub_scripts[0].batch_us = stub_scripts[1].batch_us = 300;
    stub_scripts[0].max_launched = max_launched;
    crowd.executor = rig_open_executor("0", max_jobs);
    crowd.fallback = with_fallback ? rig_open_executor("1", max_jobs) : NULL;
    rig_crowd_serve(rig_open_model(1, crowd.executor, crowd.fallback), 1);
}

void rig_crowd_start(int to_submit, int segments)
{
    for (int i = 0; i < RIG_WORKERS; i++) {
        rig_init_worker(&crowd.workers[i], 16);
        crowd.workers[i].to_submit = to_submit;
        crowd.workers[i].segments = segments;
    }
}

void rig_crowd_run(void)
{
    for (int i = 0; i < RIG_WORKERS; i++)
        CHECK(pthread_create(&crowd.workers[i].thread, NULL, work_on, &crowd.workers[i]) == 0);
}

void rig_crowd_join(void)
{
    for (int i = 0; i < RIG_WORKERS; i++)
        pthread_join(crowd.workers[i].thread, NULL);
    for (int i = 0; i < RIG_WORKERS; i++) {
        struct rig_worker *worker = &crowd.workers[i];

        CHECK_INT(worker->letters, worker->admitted);
        CHECK_INT(worker->wrong, 0);
        for (int outcome = 0; outcome < JOB_OUTCOMES; outcome++)
            crowd.outcomes[outcome] += worker->outcomes[outcome];
        crowd.refused += worker->refused;
        crowd.failed_submits += worker->failed_submits;
        crowd.by_fallback += worker->by_fallback;
        rig_release_worker(worker);
    }
}

void rig_crowd_close(void)
{
    rig_crowd_serve(NULL, 0);
    executor_close(crowd.executor);
    if (crowd.fallback)
        executor_close(crowd.fallback);
    rig_check_clean();
}

void rig_one_open(int max_jobs)
{
    one.executor = rig_open_executor("0", max_jobs);
    one.served = rig_open_model(1, one.executor, NULL);
    rig_init_worker(&one.worker, 64);
}

struct batch_job *rig_one_submit(int segments, int64_t budget_us, enum submit want)
{
    struct batch_job *job = rig_new_job(&one.worker, one.served, 1, segments, budget_us);

    CHECK_INT(rig_submit(&one.worker, job), want);
    return want == SUBMIT_ADMITTED ? job : NULL;
}

void rig_one_settle(enum job_outcome outcome, int n)
{
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.outcomes[outcome], n);
}

void rig_one_close(void)
{
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.wrong, 0);
    rig_release_worker(&one.worker);
    served_model_unref(one.served);
    executor_close(one.executor);
    rig_check_clean();
}

void rig_one_wait(int completed, int launched)
{
    const struct stub_script *script = &stub_scripts[0];

    for (int i = 0; i < 20000; i++) {
        if (script->batches >= completed && script->launched == launched)
            return;
        rig_nap(500);
    }
    test_fail(__FILE__, __LINE__, "not %d batches completed and %d launched", completed, launched);
}

void rig_check_clean(void)
{
    int opened = 0, closed = 0;

    for (int i = 0; i < STUB_DEVICES; i++) {
        opened += stub_scripts[i].open_engines;
        closed += stub_scripts[i].closed_engines;
        CHECK_INT(stub_scripts[i].threads_seen, 0);
    }
    CHECK_INT(closed, opened);
    CHECK_INT(stub_models, 0);
    CHECK_INT(stub_launchers, 0); /* else an executor was leaked */
    stub_reset();
}
