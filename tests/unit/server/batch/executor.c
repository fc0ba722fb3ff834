/* Threads against a scripted engine (stub/engine.h): every admitted job comes back exactly once,
 * with the scores of its own model, whatever happens to device, model and executor meanwhile. */
#include "server/batch/executor.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "tests/test.h"
#include "tests/unit/server/batch/stub/engine.h"

#define MS 1000
#define SECOND 1000000
#define FOR_EVER (60 * (int64_t)SECOND)

/* What requests are served from; workers take a reference each time. */
static struct world {
    pthread_mutex_t lock;
    struct served_model *served;
    int number;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct worker {
    pthread_t thread;
    struct mailbox box;
    struct batch_jobs jobs;
    uint32_t number;
    int to_submit, segments;
    int64_t budget_us, pause_us;
    bool cancel_some;
    uint64_t generation;
    _Atomic int admitted, refused, failed_submits, letters, wrong, by_fallback;
    _Atomic int outcomes[JOB_OUTCOMES];
};

/* The linker sends every allocation of this program through these (see CMakeLists.txt). */
static _Atomic int allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

static void nap(int64_t us)
{
    struct timespec t = {.tv_sec = us / SECOND, .tv_nsec = us % SECOND * 1000};

    nanosleep(&t, NULL);
}

static struct executor *open_executor(const char *device, int max_jobs)
{
    struct executor_args args = {
        .device = {.backend = "stub", .device = device, .threads = 1},
        .max_queue = 64,
        .max_batch_jobs = max_jobs,
        .options = {.max_tokens = 256, .max_jobs = max_jobs, .max_queue = 64, .reserve_us = 500},
    };
    struct executor *executor = NULL;
    struct err err;

    CHECK_OK(executor_open(&args, &executor, &err), err);
    return executor;
}

static struct served_model *open_model(int number, struct executor *primary,
                                       struct executor *fallback)
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

static void world_set(struct served_model *served, int number)
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
            job->logits[n++] != stub_logit((int)job->owner.slot, job->input.ids[segment->start]))
            return false;
    }
    return n == job->n_logits;
}

static void on_letter(struct letter *letter, void *reader)
{
    struct worker *worker = reader;
    struct batch_job *job = batch_job_of(letter);

    worker->letters++;
    worker->outcomes[job->outcome]++;
    worker->by_fallback += job->outcome == JOB_OK && job->by_fallback;
    if (job->owner.worker != worker->number || job->home != &worker->box ||
        (job->outcome == JOB_OK && !right_logits(job)))
        worker->wrong++;
    job->owner.generation = 0; /* a second letter would be noticed */
    batch_jobs_put(&worker->jobs, job);
}

/* A parent of 8 tokens and segments of 8 that are read, their first tokens all different. */
static void fill(struct batch_job *job, int segments, int32_t first)
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
    if (batch_job_reserve(job, 1, &err))
        test_fail(__FILE__, __LINE__, "%s", err.text);
}

static struct batch_job *new_job(struct worker *worker, struct served_model *served, int number,
                                 int segments, int64_t budget_us)
{
    struct batch_job *job = batch_jobs_take(&worker->jobs);

    if (!job)
        return NULL;
    fill(job, segments, (int32_t)(worker->generation % 500));
    job->letter.deliver = on_letter;
    job->home = &worker->box;
    job->owner = (struct job_owner){worker->number, (uint32_t)number, ++worker->generation};
    job->model = served;
    job->deadline_us = clock_now_us() + budget_us;
    return job;
}

static enum submit submit(struct worker *worker, struct batch_job *job)
{
    int64_t wait_us;
    enum submit answer = executor_submit(job, clock_now_us(), &wait_us);

    if (answer == SUBMIT_ADMITTED) {
        worker->admitted++;
        return answer;
    }
    worker->refused += answer != SUBMIT_FAILED;
    worker->failed_submits += answer == SUBMIT_FAILED;
    batch_jobs_put(&worker->jobs, job);
    return answer;
}

static void init_worker(struct worker *worker, uint32_t number, int jobs)
{
    struct err err;

    *worker = (struct worker){.number = number, .segments = 3, .budget_us = FOR_EVER};
    CHECK_OK(mailbox_init(&worker->box, &err), err);
    CHECK_OK(batch_jobs_init(&worker->jobs, jobs, &err), err);
}

static void receive(struct worker *worker, int timeout_ms)
{
    struct pollfd fd = {.fd = mailbox_fd(&worker->box), .events = POLLIN};

    if (poll(&fd, 1, timeout_ms) == 1)
        mailbox_drain(&worker->box, worker);
}

/* All letters that are due; false when one stays out for ten seconds. */
static bool settle(struct worker *worker)
{
    for (int i = 0; i < 1000 && worker->letters < worker->admitted; i++)
        receive(worker, 10);
    return worker->letters == worker->admitted;
}

static void release_worker(struct worker *worker)
{
    batch_jobs_release(&worker->jobs);
    mailbox_release(&worker->box);
}

static void *work_on(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < worker->to_submit;) {
        int number;
        struct served_model *served = world_take(&number);
        struct batch_job *job =
            new_job(worker, served, number, worker->segments, worker->budget_us);
        if (job) {
            i++;
            if (submit(worker, job) == SUBMIT_ADMITTED && worker->cancel_some && i % 3 == 0)
                batch_job_cancel(job);
        }
        served_model_unref(served); /* a lent job has its own */
        receive(worker, job ? 0 : 10);
        if (worker->pause_us)
            nap(worker->pause_us);
    }
    settle(worker);
    return NULL;
}

enum { WORKERS = 3 };

static void start_workers(struct worker *workers, int to_submit)
{
    for (int i = 0; i < WORKERS; i++) {
        init_worker(&workers[i], (uint32_t)i, 16);
        workers[i].to_submit = to_submit;
    }
}

static void run_workers(struct worker *workers)
{
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&workers[i].thread, NULL, work_on, &workers[i]) == 0);
}

static void join_workers(struct worker *workers)
{
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < WORKERS; i++) {
        CHECK_INT(workers[i].letters, workers[i].admitted);
        CHECK_INT(workers[i].wrong, 0);
        release_worker(&workers[i]);
    }
}

/* Nothing of executors, models and engines is left behind. */
static void check_clean(void)
{
    int opened = 0, closed = 0;

    for (int i = 0; i < STUB_DEVICES; i++) {
        opened += stub_scripts[i].open_engines;
        closed += stub_scripts[i].closed_engines;
        CHECK_INT(stub_scripts[i].threads_seen, 0);
    }
    CHECK_INT(closed, opened);
    CHECK_INT(stub_models, 0);
}

TEST(executor__answers_every_job_once)
{
    struct worker workers[WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = 300;
    struct executor *executor = open_executor("0", 8);
    world_set(open_model(1, executor, NULL), 1);
    start_workers(workers, 400);
    workers[1].cancel_some = true;
    run_workers(workers);
    join_workers(workers);
    CHECK_INT(workers[0].outcomes[JOB_OK], 400);
    CHECK(workers[1].outcomes[JOB_OK] >= 200);
    CHECK(stub_scripts[0].largest_batch > 1); /* together, not one by one */
    static struct executor_snapshot snapshot;
    executor_snapshot(executor, &snapshot);
    CHECK_INT(snapshot.queue_depth, 0);
    /* Cancelled ones were not paid for, or came back as ok. */
    CHECK_INT(snapshot.batch_requests.sum, snapshot.outcomes[JOB_OK]);
    CHECK_INT(snapshot.admitted, workers[0].admitted + workers[1].admitted + workers[2].admitted);
    world_set(NULL, 0);
    executor_close(executor);
    check_clean();
}

TEST(executor__keeps_two_batches_launched_where_the_device_takes_them)
{
    struct worker workers[WORKERS];

    stub_reset();
    stub_scripts[0].max_launched = 2;
    stub_scripts[0].poll_us = 50;
    stub_scripts[0].batch_us = 500;
    struct executor *executor = open_executor("0", 4);
    world_set(open_model(2, executor, NULL), 2);
    start_workers(workers, 200);
    run_workers(workers);
    join_workers(workers);
    CHECK_INT(stub_scripts[0].most_launched, 2);
    world_set(NULL, 0);
    executor_close(executor);
    check_clean();
}

TEST(executor__refuses_at_once_what_would_be_late)
{
    struct worker worker;
    int64_t wait_us = 0;

    stub_reset();
    stub_scripts[0].batch_us = 500 * MS;
    struct executor *executor = open_executor("0", 1);
    struct served_model *served = open_model(1, executor, NULL);
    init_worker(&worker, 0, 8);
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    struct batch_job *job = new_job(&worker, served, 1, 3, 700 * MS);
    CHECK_INT(executor_submit(job, clock_now_us(), &wait_us), SUBMIT_LATE);
    CHECK_INT(job->outcome, JOB_REFUSED);
    CHECK(wait_us > 700 * MS);
    batch_jobs_put(&worker.jobs, job);
    /* The queue's bound, live. */
    struct batch_options options = {.max_tokens = 256, .max_jobs = 1, .max_queue = 1};
    executor_set_options(executor, &options);
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_FULL);
    CHECK(settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 2);
    release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    check_clean();
}

TEST(executor__drops_cancelled_and_expired_unpaid)
{
    struct worker worker;

    stub_reset();
    struct executor *executor = open_executor("0", 4);
    struct served_model *served = open_model(1, executor, NULL);
    init_worker(&worker, 0, 8);
    stub_scripts[0].hang = true;
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    while (!stub_scripts[0].most_launched)
        nap(100);
    struct batch_job *cancelled = new_job(&worker, served, 1, 3, FOR_EVER);
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, 500 * MS)), SUBMIT_ADMITTED);
    CHECK_INT(submit(&worker, cancelled), SUBMIT_ADMITTED);
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    batch_job_cancel(cancelled);
    nap(600 * MS);
    stub_scripts[0].hang = false;
    CHECK(settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 2);
    CHECK_INT(worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(worker.outcomes[JOB_EXPIRED], 1);
    CHECK_INT(stub_scripts[0].batches, 2);
    release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    check_clean();
}

TEST(executor__runs_a_job_larger_than_a_batch_in_parts)
{
    for (int launched = 1; launched <= 2; launched++) {
        struct worker worker;
        stub_reset();
        stub_scripts[0].max_launched = launched;
        struct executor *executor = open_executor("0", 8);
        struct served_model *served = open_model(3, executor, NULL);
        init_worker(&worker, 0, 8);
        for (int i = 0; i < 4; i++) /* 101 segments of 8 tokens in batches of 256, and small ones */
            CHECK_INT(submit(&worker, new_job(&worker, served, 3, i % 2 ? 3 : 100, FOR_EVER)),
                      SUBMIT_ADMITTED);
        CHECK(settle(&worker));
        CHECK_INT(worker.outcomes[JOB_OK], 4);
        CHECK_INT(worker.wrong, 0);
        CHECK(stub_scripts[0].batches >= 2 * 4 + 1);
        CHECK_INT(stub_scripts[0].most_launched, launched);
        release_worker(&worker);
        served_model_unref(served);
        executor_close(executor);
        check_clean();
    }
}

TEST(executor__allocates_nothing_once_warm)
{
    struct worker worker;

    stub_reset();
    stub_scripts[0].batch_us = 100;
    struct executor *executor = open_executor("0", 4);
    struct served_model *served = open_model(1, executor, NULL);
    init_worker(&worker, 0, 8);
    int before = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 8; i++) /* all jobs of the pool grow to the largest, parts included */
            CHECK_INT(
                submit(&worker, new_job(&worker, served, 1, round ? 1 + 17 * i : 120, FOR_EVER)),
                SUBMIT_ADMITTED);
        CHECK(settle(&worker));
        if (round == 0)
            before = allocations;
    }
    CHECK(before > 0); /* it counts */
    CHECK_INT(allocations, before);
    CHECK_INT(worker.wrong, 0);
    release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    check_clean();
}

TEST(executor__gives_nan_to_its_own_job_only)
{
    struct worker worker;

    stub_reset();
    struct executor *executor = open_executor("0", 8);
    struct served_model *served = open_model(1, executor, NULL);
    init_worker(&worker, 0, 8);
    for (int i = 0; i < 6; i++) {
        struct batch_job *job = new_job(&worker, served, 1, i == 5 ? 100 : 3, FOR_EVER);
        if (i == 3)
            job->input.ids[job->input.segments[2].start] = STUB_NAN_TOKEN;
        if (i == 5)
            job->input.ids[job->input.segments[90].start] = STUB_NAN_TOKEN;
        CHECK_INT(submit(&worker, job), SUBMIT_ADMITTED);
    }
    CHECK(settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 4);
    CHECK_INT(worker.outcomes[JOB_NOT_FINITE], 2);
    CHECK_INT(worker.wrong, 0);
    release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    check_clean();
}

TEST(executor__swaps_models_under_load)
{
    struct worker workers[WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = 300;
    stub_scripts[0].open_steps = 5;
    stub_scripts[0].step_us = 500;
    struct executor *executor = open_executor("0", 8);
    world_set(open_model(1, executor, NULL), 1);
    start_workers(workers, 500);
    run_workers(workers);
    for (int number = 2; number <= 12; number++) {
        stub_scripts[0].open_fails = number % 3 == 0;
        struct served_model_args args = {
            .model = stub_model_new(number), .primary = executor, .max_batch_tokens = 256};
        struct served_model *served;
        struct err err;
        int rc = served_model_open(&args, &served, &err);
        model_unref(args.model);
        CHECK_INT(rc, number % 3 == 0 ? -1 : 0);
        if (rc == 0)
            world_set(served, number);
        else
            CHECK_STR(err.text, "golden requests miss");
    }
    join_workers(workers);
    for (int i = 0; i < WORKERS; i++) {
        CHECK_INT(workers[i].outcomes[JOB_OK], 500);
    }
    world_set(NULL, 0);
    executor_close(executor);
    check_clean();
}

static void break_down(bool with_fallback, bool at_submit, int segments)
{
    struct worker workers[WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = stub_scripts[1].batch_us = 300;
    stub_scripts[0].max_launched = 2;
    struct executor *executor = open_executor("0", 4);
    struct executor *fallback = with_fallback ? open_executor("1", 4) : NULL;
    world_set(open_model(1, executor, fallback), 1);
    *(at_submit ? &stub_scripts[0].refuse_after : &stub_scripts[0].fail_after) = 20;
    start_workers(workers, 150);
    for (int i = 0; i < WORKERS; i++)
        workers[i].segments = segments;
    run_workers(workers);
    join_workers(workers);
    CHECK_INT(executor_state(executor), EXECUTOR_BROKEN);
    int ok = 0, failed = 0, by_fallback = 0, rest = 0;
    for (int i = 0; i < WORKERS; i++) {
        ok += workers[i].outcomes[JOB_OK];
        by_fallback += workers[i].by_fallback;
        failed += workers[i].outcomes[JOB_FAILED] + workers[i].failed_submits;
        rest += workers[i].refused + workers[i].outcomes[JOB_REFUSED];
    }
    CHECK_INT(ok + failed + rest, WORKERS * 150);
    if (with_fallback) {
        CHECK_INT(failed, 0);
        CHECK(by_fallback > 200);
    } else {
        CHECK(failed > 200);
        CHECK_INT(by_fallback, 0);
    }
    struct served_model_args args = {.model = stub_model_new(2), .primary = executor};
    struct served_model *served;
    struct err err;
    CHECK_ERR(served_model_open(&args, &served, &err), err, "broken");
    model_unref(args.model);
    world_set(NULL, 0);
    executor_close(executor);
    if (fallback)
        executor_close(fallback);
    check_clean();
}

TEST(executor__goes_on_with_the_fallback)
{
    test_row("batches fail");
    break_down(true, false, 3);
    test_row("submits fail");
    break_down(true, true, 3);
    test_row("parts of large jobs fail");
    break_down(true, false, 80);
    test_row("submits of parts fail");
    break_down(true, true, 80);
}

TEST(executor__fails_at_once_without_a_fallback)
{
    test_row("batches fail");
    break_down(false, false, 3);
    test_row("submits fail");
    break_down(false, true, 3);
    test_row("parts of large jobs fail");
    break_down(false, false, 80);
}

TEST(executor__shows_a_hang_by_its_heartbeat)
{
    struct worker worker;

    stub_reset();
    struct executor *executor = open_executor("0", 4);
    struct served_model *served = open_model(1, executor, NULL);
    init_worker(&worker, 0, 8);
    int64_t beat_us = executor_heartbeat_us(executor);
    for (int i = 0; i < 1000 && executor_heartbeat_us(executor) == beat_us; i++)
        nap(10 * MS);
    CHECK(executor_heartbeat_us(executor) > beat_us); /* idle is well */
    stub_scripts[0].hang = true;
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    while (!stub_scripts[0].most_launched)
        nap(MS);
    beat_us = executor_heartbeat_us(executor);
    nap(300 * MS);
    CHECK_INT(executor_heartbeat_us(executor), beat_us);
    /* The gate shuts by itself: who knows how long it will take. */
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, 100 * MS)), SUBMIT_LATE);
    stub_scripts[0].hang = false;
    CHECK(settle(&worker));
    CHECK_INT(submit(&worker, new_job(&worker, served, 1, 3, 100 * MS)), SUBMIT_ADMITTED);
    CHECK(settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 2);
    release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    check_clean();
}

TEST(executor__stops_under_load)
{
    for (int drain = 0; drain < 2; drain++) {
        struct worker workers[WORKERS];
        stub_reset();
        stub_scripts[0].batch_us = 2 * MS;
        struct executor *executor = open_executor("0", 2);
        world_set(open_model(1, executor, NULL), 1);
        start_workers(workers, 1500);
        for (int i = 0; i < WORKERS; i++)
            workers[i].pause_us = 500;
        run_workers(workers);
        nap(20 * MS);
        executor_stop(executor, drain ? 5 * SECOND : 0);
        CHECK_INT(executor_state(executor), EXECUTOR_STOPPING);
        join_workers(workers);
        int failed = 0;
        for (int i = 0; i < WORKERS; i++) {
            CHECK(workers[i].failed_submits > 0);
            failed += workers[i].outcomes[JOB_FAILED];
        }
        if (drain)
            CHECK_INT(failed, 0); /* all that was admitted was served */
        world_set(NULL, 0);
        executor_close(executor);
        check_clean();
    }
}

TEST(executor__tells_why_a_device_does_not_open)
{
    struct executor_args args = {
        .device = {.backend = "stub", .device = "9"}, .max_queue = 4, .max_batch_jobs = 4};
    struct executor *executor;
    struct err err;

    CHECK_ERR(executor_open(&args, &executor, &err), err, "no device 9");
}

TEST_MAIN
