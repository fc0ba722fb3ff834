/* Launching and polling, on the CPU and on the test backends. */
#include "adrank/engine.h"

#include <errno.h>
#include <stdatomic.h>

#include "model/engine/compute.h"
#include "tests/backends/null_logit.h"
#include "tests/unit/model/engine/engine_fixture.h"

/* ---- counting allocations -------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0
#else
#define COUNTING 1
static atomic_long allocations;

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

/* ---- running --------------------------------------------------------------------------------- */

static atomic_int progress;

static void on_progress(void *arg)
{
    (void)arg;
    atomic_fetch_add(&progress, 1);
}

TEST(engine__runs_as_many_batches_at_once_as_it_says)
{
    const struct launcher_args launcher_args = {
        .backend = "cpu", .linear = "", .threads = 2, .on_progress = on_progress};
    struct model *m = model_of(REQUESTS);
    struct launched alone[8], together[8];
    struct input inputs[8];
    struct launcher *launcher;
    struct engine *engine;
    struct err err;
    int n;

    CHECK_OK(launcher_open(&launcher_args, &launcher, &err), err);
    engine = engine_of(launcher, m, false);
    n = engine->n_launches;
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
        struct engine_batch *batch = poll_for(launcher);
        CHECK_INT(batch->status, BATCH_OK);
        CHECK(batch->run_us >= 0);
    }
    CHECK(!launcher_poll(launcher));
    for (int i = 0; i < n; i++)
        CHECK(memcmp(alone[i].logits, together[i].logits, sizeof(alone[i].logits)) == 0);
    for (int i = 0; i < 1000 && atomic_load(&progress) < n; i++)
        usleep(1000);
    CHECK(atomic_load(&progress) >= n); /* one of the runs before may have been late to tell */
    for (int i = 0; i < n; i++)
        input_release(&inputs[i]);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}

#if COUNTING /* with a sanitizer the allocations are its own */
/* oneDNN allocates in its own calls: the plain provider shows that nothing of ours does. */
TEST(engine__submit_and_poll_allocate_nothing)
{
    struct launcher *launcher;
    struct model *m;
    struct engine *engine;
    struct input input;
    struct launched l;
    struct err err;
    long before;

    launcher = launcher_of("cpu", "plain", 2);
    m = model_of(REQUESTS);
    engine = engine_of(launcher, m, false);
    input = request_of(m, 4);
    for (int round = 0; round < 5; round++) {
        launched_init(&l, &input);
        before = atomic_load(&allocations);
        CHECK_OK(engine_submit(engine, &l.batch, &err), err);
        CHECK(poll_for(launcher) == &l.batch);
        CHECK_INT(atomic_load(&allocations) - before, 0);
    }
    before = atomic_load(&allocations);
    free(strdup("the counter counts"));
    CHECK(atomic_load(&allocations) > before);
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}
#endif

TEST(engine__computes_what_is_larger_than_a_batch_in_parts)
{
    struct launcher *launcher = launcher_of("cpu", "", 1);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, false), *small;
    struct engine_args args = args_of(m);
    struct input input = request_of(m, 0);
    float whole[MAX_ADS] = {0}, parts[MAX_ADS] = {0};
    struct err err;
    int64_t us;

    args.max_batch_tokens = m->encoders[0].config.positions;
    CHECK_OK(engine_open(launcher, &args, &small, &err), err);
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
    launcher_close(launcher);
    model_unref(m);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static int broken_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    return err_set(err, ERR_INTERNAL, "attention is broken");
}

/* A slice that fails ends its batch, whatever other slices are doing; nothing is launched any
 * more. */
TEST(engine__a_failing_slice_fails_its_batch)
{
    struct launcher *launcher = launcher_of("cpu", "", 3);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, false);
    struct input input = request_of(m, 4);
    struct launched l;
    struct err err;

    patched_ops(engine)->attention = broken_attention;
    launched_init(&l, &input);
    CHECK_OK(engine_submit(engine, &l.batch, &err), err);
    CHECK(poll_for(launcher) == &l.batch);
    CHECK_INT(l.batch.status, BATCH_FAILED);
    CHECK_STR(l.batch.err.text, "attention is broken");
    CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "is broken");
    for (int i = 0; i < engine->n_kept; i++)
        CHECK(!engine->kept[i].used);
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}

static atomic_int without_memory; /* so many calls of attention have none */
static int (*attention)(struct lane *, const struct attention_args *, struct err *);

static int starved_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    if (atomic_fetch_sub(&without_memory, 1) > 0)
        return err_set(err, ERR_NOMEM, "attention has no memory");
    return attention(lane, args, err);
}

/* On host lanes: the batch that had none fails alone, and the engine goes on. */
TEST(engine__want_of_memory_fails_one_batch)
{
    struct launcher *launcher = launcher_of("cpu", "", 3);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, false);
    struct input input = request_of(m, 4);
    struct launched right, l;
    struct err err;

    launched_init(&right, &input);
    CHECK_OK(engine_run(engine, &right.batch, &err), err);
    attention = engine->ops->attention;
    patched_ops(engine)->attention = starved_attention;
    for (int n = 1; n <= 3; n++) {
        without_memory = n;
        launched_init(&l, &input);
        CHECK_OK(engine_submit(engine, &l.batch, &err), err);
        CHECK(poll_for(launcher) == &l.batch);
        CHECK_INT(l.batch.status, BATCH_NO_MEMORY);
        CHECK_STR(l.batch.err.text, "attention has no memory");
        for (int i = 0; i < engine->n_kept; i++)
            CHECK(!engine->kept[i].used);
        without_memory = 1;
        launched_init(&l, &input);
        CHECK_ERR(engine_run(engine, &l.batch, &err), err, "has no memory");
        CHECK_INT(err.code, ERR_NOMEM);
        without_memory = 0;
        launched_init(&l, &input);
        CHECK_OK(engine_run(engine, &l.batch, &err), err);
        CHECK_INT(l.batch.status, BATCH_OK);
        CHECK(memcmp(l.logits, right.logits, sizeof(l.logits)) == 0);
    }
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}

/* A device's own queue is in a state that nobody knows then. */
TEST(engine__want_of_memory_breaks_a_queue)
{
    struct launcher *launcher = launcher_of(module_path("null"), "", 1);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, true);
    struct input input = request_of(m, 4);
    struct launched l;
    struct err err;

    attention = engine->ops->attention;
    patched_ops(engine)->attention = starved_attention;
    without_memory = 1;
    launched_init(&l, &input);
    CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "has no memory");
    CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "is broken");
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}

TEST(engine__null_device_takes_the_batch_whole)
{
    struct launcher *launcher = launcher_of(module_path("null"), "", 2);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, true);
    struct input input = request_of(m, 4);
    const struct segment *parent = &input.segments[0];
    struct launched l;
    struct err err;

    launched_init(&l, &input);
    CHECK_OK(engine_submit(engine, &l.batch, &err), err);
    CHECK(poll_for(launcher) == &l.batch);
    CHECK_INT(l.batch.status, BATCH_OK);
    for (int i = 0; i < input.n_read; i++) {
        const struct segment *s = &input.segments[i + 1];
        CHECK_NEAR(
            l.logits[i],
            null_logit(input.ids + parent->start, parent->len, input.ids + s->start, s->len, 0), 0);
    }
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}

static int n_queries;

/* Broken at the first question; whoever asks again waits for ever. */
static int query_that_breaks(struct lane *lane, struct err *err)
{
    (void)lane;
    return n_queries++ == 0 ? err_set(err, ERR_INTERNAL, "broken") : 0;
}

TEST(engine__asks_a_broken_queue_nothing_more)
{
    struct launcher *launcher = launcher_of(module_path("null"), "", 1);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, true);
    struct input input = request_of(m, 4);
    struct launched l[2];
    struct err err;

    CHECK(engine->n_launches >= 2);
    n_queries = 0;
    patched_ops(engine)->query = query_that_breaks;
    for (int i = 0; i < 2; i++) {
        launched_init(&l[i], &input);
        CHECK_OK(engine_submit(engine, &l[i].batch, &err), err);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(poll_for(launcher) == &l[i].batch);
        CHECK_INT(l[i].batch.status, BATCH_FAILED);
    }
    CHECK_INT(n_queries, 1);
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
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
        struct launcher *launcher;
        struct engine *engine;
        struct launched right, l;
        struct err err;
        test_row("%s", rows[i].words);
        tell_failing("");
        launcher = launcher_of(module, "", 1);
        engine = engine_of(launcher, m, true);
        launched_init(&right, &input);
        CHECK_OK(engine_run(engine, &right.batch, &err), err);
        tell_failing(rows[i].words);
        launched_init(&l, &input);
        CHECK_INT(engine_submit(engine, &l.batch, &err), rows[i].at_submit ? -1 : 0);
        if (!rows[i].at_submit) {
            CHECK(poll_for(launcher) == &l.batch);
            CHECK_INT(l.batch.status, rows[i].status);
        }
        if (rows[i].status == BATCH_NOT_FINITE) {
            CHECK(isnan(l.logits[0]));
            CHECK(strcmp(rows[i].words, "nan") == 0 || l.logits[1] == right.logits[1]);
        } else {
            CHECK_ERR(engine_submit(engine, &l.batch, &err), err, "is broken");
        }
        CHECK(!launcher_poll(launcher));
        engine_close(engine);
        launcher_close(launcher);
    }
    unlink(getenv("ADRANK_FAILING_FILE"));
    input_release(&input);
    model_unref(m);
}
