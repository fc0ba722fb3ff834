/* Opening, launching and polling, on the CPU and on the test backends. */
#include "adrank/engine.h"

#include <errno.h>
#include <stdatomic.h>

#include "model/engine_struct.h"
#include "model/request_input.h"
#include "tests/backends/null_logit.h"
#include "tests/unit/model/model_dir.h"

#define REQUESTS "tests/golden/requests/two-layers" /* kind prefix */
#define PAIRS "tests/golden/logits/three-heads"
#define MAX_ADS 16

/* ------------------------------------------------------------------ counting allocations */

static atomic_long allocations;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0
#else
#define COUNTING 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    atomic_fetch_add(&allocations, 1);
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}
#endif

/* ------------------------------------------------------------------ helpers */

/* A module of the test backends, beside this program in the build tree. */
static const char *module_path(const char *name)
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

static struct device *device_of(const char *backend, const char *linear, int threads)
{
    const struct device_args args = {.backend = backend, .linear = linear, .threads = threads};
    struct device *device;
    struct err err;

    CHECK_OK(device_open(&args, &device, &err), err);
    return device;
}

static struct model *model_of(const char *dir)
{
    struct model *m;
    struct err err;

    CHECK_OK(model_open(dir, &m, &err), err);
    return m;
}

static struct engine_args args_of(struct model *m)
{
    return (struct engine_args){.model = m, .max_batch_tokens = 2048, .max_batch_jobs = 16};
}

static struct engine *engine_of(struct device *device, struct model *m, bool skip_golden)
{
    struct engine_args args = args_of(m);
    struct engine *engine;
    struct err err;

    args.skip_golden = skip_golden;
    CHECK_OK(engine_open(device, &args, &engine, &err), err);
    return engine;
}

/* Golden request i as an input. */
static struct input request_of(const struct model *m, int i)
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

struct launched {
    struct engine_job job, *list[1];
    struct engine_batch batch;
    float logits[MAX_ADS];
};

static void launched_init(struct launched *l, const struct input *input)
{
    *l = (struct launched){.job = {.input = input}};
    l->job.logits = l->logits;
    l->list[0] = &l->job;
    l->batch = (struct engine_batch){.jobs = l->list, .n_jobs = 1};
}

static struct engine_batch *poll_for(struct device *device)
{
    struct engine_batch *batch;

    for (int i = 0; i < 50000; i++) {
        batch = device_poll(device);
        if (batch)
            return batch;
        usleep(100);
    }
    FAIL("no batch came back in 5 s");
}

/* ------------------------------------------------------------------ opening */

static void check_open_refused(const char *dir, struct engine_args args, const char *linear,
                               const char *error)
{
    struct device *device = device_of("cpu", linear, 1);
    struct engine *engine;
    struct err err;

    args.model = model_of(dir);
    CHECK_ERR(engine_open(device, &args, &engine, &err), err, error);
    model_unref(args.model);
    device_close(device);
}

TEST(engine__refuses_golden_requests_that_are_not_met)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;
    struct model *m = model_of(REQUESTS);
    char value[64];

    /* Three times the allowed error of 1e-4 of a spread of 2. */
    snprintf(value, sizeof(value), "%.9f", m->adrank.golden.requests[3].logits[0] + 6e-4);
    model_unref(m);
    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/requests/3/logits/0", value);
    check_open_refused(dir.path, args, "", "golden request 3, candidate 0: logit ");
    model_dir_remove(&dir);
}

TEST(engine__refuses_weights_that_were_changed)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;
    struct buf bytes;

    model_dir_copy(&dir, REQUESTS);
    bytes = model_dir_get(&dir, "model.safetensors");
    bytes.ptr[bytes.len - 1] ^= 0x40; /* an exponent */
    model_dir_put(&dir, "model.safetensors", buf_view(&bytes));
    check_open_refused(dir.path, args, "", "golden request ");
    buf_release(&bytes);
    model_dir_remove(&dir);
}

TEST(engine__refuses_a_precision_without_a_stated_error)
{
    struct engine_args args = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_BF16};
    struct model_dir dir;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/max_error/bf16", NULL);
    check_open_refused(dir.path, args, "plain", "/golden/max_error: bf16 is not stated");
    model_dir_remove(&dir);
}

TEST(engine__refuses_golden_requests_that_are_none)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/requests/2/request/imp", "7");
    check_open_refused(dir.path, args, "", "golden request 2: request: /imp");
    model_dir_remove(&dir);
}

TEST(engine__refuses_what_it_cannot_serve)
{
    struct engine_args small = {.max_batch_tokens = 39, .max_batch_jobs = 1};
    struct engine_args int8 = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_INT8};
    struct engine_args f16 = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_F16};
    struct device *device = device_of("cpu", "", 1);
    struct engine *engine;
    struct err err;
    struct model *m = model_of(PAIRS);
    struct engine_args args = args_of(m);

    check_open_refused(PAIRS, small, "",
                       "a batch of 39 tokens does not hold the 40 of one segment");
    check_open_refused(PAIRS, int8, "", "int8");
    check_open_refused(PAIRS, f16, "", "f16");
    m->config.labels = 0; /* as a BertModel opens */
    CHECK_ERR(engine_open_begin(device, &args, &engine, &err), err, "no classifier");
    model_unref(m);
    device_close(device);
}

/* One engine goes on serving while another opens beside it, step by step. */
TEST(engine__opens_in_steps_while_another_serves)
{
    struct device *device = device_of("cpu", "", 2);
    struct model *old_model = model_of(REQUESTS),
                 *new_model = model_of("tests/golden/requests/cross");
    struct engine *old = engine_of(device, old_model, false), *new_engine;
    struct engine_args args = args_of(new_model);
    struct input input = request_of(old_model, 4);
    struct launched first, again;
    struct err err;
    int steps = 0, rc;

    launched_init(&first, &input);
    CHECK_OK(engine_run(old, &first.batch, &err), err);
    CHECK_OK(engine_open_begin(device, &args, &new_engine, &err), err);
    do {
        launched_init(&again, &input);
        CHECK_OK(engine_submit(old, &again.batch, &err), err);
        rc = engine_open_step(new_engine, &err);
        CHECK(rc >= 0);
        CHECK(poll_for(device) == &again.batch);
        CHECK(memcmp(first.logits, again.logits, sizeof(first.logits)) == 0);
        steps++;
    } while (rc > 0);
    CHECK(steps > 40);
    CHECK_INT(engine_open_step(new_engine, &err), 0);
    CHECK(engine_cost(new_engine)->fixed_us >= 0 && engine_cost(new_engine)->per_token_us >= 0);
    CHECK(engine_cost(new_engine)->fixed_us + engine_cost(new_engine)->per_token_us > 0);
    engine_close(old);
    engine_close(new_engine);
    device_close(device);
    input_release(&input);
    model_unref(old_model);
    model_unref(new_model);
}

TEST(engine__closes_at_any_step_of_opening)
{
    struct device *device = device_of("cpu", "", 2);
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);
    struct err err;
    int rc = 1;

    for (int steps = 0; rc > 0; steps++) {
        struct engine *engine;
        CHECK_OK(engine_open_begin(device, &args, &engine, &err), err);
        rc = 1;
        for (int i = 0; i < steps && rc > 0; i++)
            rc = engine_open_step(engine, &err);
        CHECK(rc >= 0);
        engine_close(engine);
        if (steps > 45)
            steps += 6; /* measuring and golden requests: many alike */
    }
    device_close(device);
    model_unref(m);
}

/* ------------------------------------------------------------------ running */

static atomic_int progress;

static void on_progress(void *arg)
{
    (void)arg;
    atomic_fetch_add(&progress, 1);
}

TEST(engine__runs_as_many_batches_at_once_as_it_says)
{
    const struct device_args device_args = {
        .backend = "cpu", .linear = "", .threads = 2, .on_progress = on_progress};
    struct model *m = model_of(REQUESTS);
    struct launched alone[8], together[8];
    struct input inputs[8];
    struct device *device;
    struct engine *engine;
    struct err err;
    int n;

    CHECK_OK(device_open(&device_args, &device, &err), err);
    engine = engine_of(device, m, false);
    n = engine_max_launched(engine);
    CHECK(n >= 1 && n <= 8);
    for (int i = 0; i < n; i++) {
        inputs[i] = request_of(m, i);
        launched_init(&alone[i], &inputs[i]);
        launched_init(&together[i], &inputs[i]);
        CHECK_OK(engine_run(engine, &alone[i].batch, &err), err);
    }
    atomic_store(&progress, 0);
    for (int i = 0; i < n; i++)
        CHECK_OK(engine_submit(engine, &together[i].batch, &err), err);
    for (int i = 0; i < n; i++) {
        struct engine_batch *batch = poll_for(device);
        CHECK_INT(batch->status, BATCH_OK);
        CHECK(batch->run_us >= 0);
    }
    CHECK(!device_poll(device));
    for (int i = 0; i < n; i++)
        CHECK(memcmp(alone[i].logits, together[i].logits, sizeof(alone[i].logits)) == 0);
    for (int i = 0; i < 1000 && atomic_load(&progress) < n; i++)
        usleep(1000);
    CHECK(atomic_load(&progress) >= n); /* one of the runs before may have been late to tell */
    for (int i = 0; i < n; i++)
        input_release(&inputs[i]);
    engine_close(engine);
    device_close(device);
    model_unref(m);
}

/* oneDNN allocates in its own calls: the plain provider shows that nothing of ours does. */
TEST(engine__submit_and_poll_allocate_nothing)
{
    struct device *device;
    struct model *m;
    struct engine *engine;
    struct input input;
    struct launched l;
    struct err err;
    long before;

    if (!COUNTING)
        SKIP("allocations are the sanitizer's here");
    device = device_of("cpu", "plain", 2);
    m = model_of(REQUESTS);
    engine = engine_of(device, m, false);
    input = request_of(m, 4);
    for (int round = 0; round < 5; round++) {
        launched_init(&l, &input);
        before = atomic_load(&allocations);
        CHECK_OK(engine_submit(engine, &l.batch, &err), err);
        CHECK(poll_for(device) == &l.batch);
        CHECK_INT(atomic_load(&allocations) - before, 0);
    }
    before = atomic_load(&allocations);
    free(strdup("the counter counts"));
    CHECK(atomic_load(&allocations) > before);
    input_release(&input);
    engine_close(engine);
    device_close(device);
    model_unref(m);
}

TEST(engine__computes_what_is_larger_than_a_batch_in_parts)
{
    struct device *device = device_of("cpu", "", 1);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(device, m, false), *small;
    struct engine_args args = args_of(m);
    struct input input = request_of(m, 0);
    float whole[MAX_ADS] = {0}, parts[MAX_ADS] = {0};
    struct err err;
    int64_t us;

    args.max_batch_tokens = m->config.positions;
    CHECK_OK(engine_open(device, &args, &small, &err), err);
    for (int i = 0; i < m->adrank.golden.n_requests; i++) {
        input_release(&input);
        input = request_of(m, i);
        CHECK_OK(engine_compute(engine, &input, whole, &us, &err), err);
        CHECK_OK(engine_compute(small, &input, parts, &us, &err), err);
        CHECK(memcmp(whole, parts, sizeof(whole)) == 0);
    }
    input_release(&input);
    engine_close(small);
    engine_close(engine);
    device_close(device);
    model_unref(m);
}

/* ------------------------------------------------------------------ faults */

static int broken_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    return err_set(err, ERR_INTERNAL, "attention is broken");
}

/* A slice that fails ends its batch, whatever other slices are doing; nothing is launched any more. */
TEST(engine__a_failing_slice_fails_its_batch)
{
    struct device *device = device_of("cpu", "", 3);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(device, m, false);
    struct input input = request_of(m, 4);
    struct launched l;
    struct err err;

    engine->ops.attention = broken_attention;
    launched_init(&l, &input);
    CHECK_OK(engine_submit(engine, &l.batch, &err), err);
    CHECK(poll_for(device) == &l.batch);
    CHECK_INT(l.batch.status, BATCH_FAILED);
    CHECK_STR(l.batch.err.text, "attention is broken");
    CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "is broken");
    for (int i = 0; i < engine->n_kept; i++)
        CHECK(!engine->kept[i].used);
    input_release(&input);
    engine_close(engine);
    device_close(device);
    model_unref(m);
}

TEST(engine__null_device_takes_the_batch_whole)
{
    struct device *device = device_of(module_path("null"), "", 2);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(device, m, true);
    struct input input = request_of(m, 4);
    const struct segment *parent = &input.segments[0];
    struct launched l;
    struct err err;

    launched_init(&l, &input);
    CHECK_OK(engine_submit(engine, &l.batch, &err), err);
    CHECK(poll_for(device) == &l.batch);
    CHECK_INT(l.batch.status, BATCH_OK);
    for (int i = 0; i < input.n_read; i++) {
        const struct segment *s = &input.segments[i + 1];
        CHECK_NEAR(
            l.logits[i],
            null_logit(input.ids + parent->start, parent->len, input.ids + s->start, s->len, 0), 0);
    }
    input_release(&input);
    engine_close(engine);
    device_close(device);
    model_unref(m);
}

static void tell_failing(const char *words)
{
    static const char path[] = "/tmp/adrank-test-failing";
    struct err err;

    setenv("ADRANK_FAILING_FILE", path, 1);
    CHECK_OK(file_write(path, view_of(words), &err), err);
}

TEST(engine__tells_failures_of_a_queue)
{
    static const struct {
        const char *words;
        bool at_submit;
        enum batch_status status;
    } rows[] = {
        {"submit", true, BATCH_FAILED},   {"embed", true, BATCH_FAILED},
        {"linear", true, BATCH_FAILED},   {"attention", true, BATCH_FAILED},
        {"norm", true, BATCH_FAILED},     {"pool", true, BATCH_FAILED},
        {"head", true, BATCH_FAILED},     {"download", true, BATCH_FAILED},
        {"finish", true, BATCH_FAILED},   {"query", false, BATCH_FAILED},
        {"nan", false, BATCH_NOT_FINITE}, {"nan_first", false, BATCH_NOT_FINITE},
    };
    const char *module = module_path("failing");
    struct model *m = model_of(REQUESTS);
    struct input input = request_of(m, 4);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct device *device;
        struct engine *engine;
        struct launched right, l;
        struct err err;
        test_row("%s", rows[i].words);
        tell_failing("");
        device = device_of(module, "", 1);
        engine = engine_of(device, m, true);
        launched_init(&right, &input);
        CHECK_OK(engine_run(engine, &right.batch, &err), err);
        tell_failing(rows[i].words);
        launched_init(&l, &input);
        CHECK_INT(engine_submit(engine, &l.batch, &err), rows[i].at_submit ? -1 : 0);
        if (!rows[i].at_submit) {
            CHECK(poll_for(device) == &l.batch);
            CHECK_INT(l.batch.status, rows[i].status);
        }
        if (rows[i].status == BATCH_NOT_FINITE) {
            CHECK(isnan(l.logits[0]));
            CHECK(strcmp(rows[i].words, "nan") == 0 || l.logits[1] == right.logits[1]);
        } else {
            CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "is broken");
        }
        CHECK(!device_poll(device));
        engine_close(engine);
        device_close(device);
    }
    unlink(getenv("ADRANK_FAILING_FILE"));
    input_release(&input);
    model_unref(m);
}

/* Golden requests and logits that are not finite keep an engine from opening. */
TEST(engine__does_not_open_on_a_device_that_fails)
{
    static const char *const words[] = {"weight", "linear", "query", "nan"};
    const char *module = module_path("failing");
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct device *device;
        struct engine *engine;
        struct err err;
        test_row("%s", words[i]);
        tell_failing("");
        device = device_of(module, "", 1);
        tell_failing(words[i]);
        CHECK_INT(engine_open(device, &args, &engine, &err), -1);
        device_close(device);
    }
    tell_failing("");
    unlink(getenv("ADRANK_FAILING_FILE"));
    model_unref(m);
}

TEST(device__refuses_unknown_backends)
{
    const struct device_args args = {.backend = "nosuch", .threads = 1};
    const struct device_args linear = {.backend = "cpu", .linear = "nosuch", .threads = 1};
    struct device *device;
    struct err err;

    CHECK_ERR(device_open(&args, &device, &err), err, "nosuch");
    CHECK_ERR(device_open(&linear, &device, &err), err, "nosuch");
}

TEST_MAIN
