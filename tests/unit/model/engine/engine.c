/* Launching and polling, on the CPU and on the test backends. */
#include "adrank/engine.h"

#include <errno.h>
#include <stdatomic.h>

#include "model/engine/compute.h"
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
    *p = aligned_alloc(align, n);
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

TEST(engine__runs_max_launched_batches_concurrently)
{
    struct opened o AT_END(opened_release);
    struct launched alone[8], together[8];
    struct input inputs[8];
    int n;

    opened_init(&o, "cpu", "", 2);
    o.launcher->on_progress = on_progress;
    n = o.engine->n_launches;
    CHECK(n >= 1 && n <= 8);
    for (int i = 0; i < n; i++) {
        inputs[i] = request_of(o.model, i);
        launched_init(&alone[i], &inputs[i]);
        launched_init(&together[i], &inputs[i]);
        CHECK_OK(engine_run(o.engine, &alone[i].batch, &o.err), o.err);
    }
    atomic_store(&progress, 0);
    for (int i = 0; i < n; i++)
        CHECK_OK(engine_submit(o.engine, &together[i].batch, &o.err), o.err);
    for (int i = 0; i < n; i++) {
        struct engine_batch *batch = poll_for(o.launcher);
        CHECK_INT(batch->status, BATCH_OK);
        CHECK(batch->run_us >= 0);
    }
    CHECK(!launcher_poll(o.launcher));
    for (int i = 0; i < n; i++)
        CHECK(memcmp(alone[i].logits, together[i].logits, sizeof(alone[i].logits)) == 0);
    for (int i = 0; i < 1000 && atomic_load(&progress) < n; i++)
        usleep(1000);
    CHECK(atomic_load(&progress) >= n); /* a notification of the runs before may have been late */
    for (int i = 0; i < n; i++)
        input_release(&inputs[i]);
}

#if COUNTING /* with a sanitizer the allocations are its own */
/* With the plain provider, since oneDNN allocates in its own calls. */
TEST(engine__submit_and_poll_allocate_nothing)
{
    struct opened o AT_END(opened_release);
    struct launched l;
    long before;

    opened_init(&o, "cpu", "plain", 2);
    for (int round = 0; round < 5; round++) {
        before = atomic_load(&allocations);
        launch_one(&o, &l);
        CHECK_INT(atomic_load(&allocations) - before, 0);
    }
    before = atomic_load(&allocations);
    free(strdup("the counter counts"));
    CHECK(atomic_load(&allocations) > before);
}
#endif

TEST(engine__computes_what_is_larger_than_a_batch_in_parts)
{
    struct opened o AT_END(opened_release);
    float whole[MAX_ADS] = {0}, parts[MAX_ADS] = {0};
    struct engine *small;
    int64_t us;

    opened_init(&o, "cpu", "", 1);
    o.args.max_batch_tokens = o.model->encoders[0].config.positions;
    CHECK_OK(engine_open(o.launcher, &o.args, &small, &o.err), o.err);
    for (int i = 0; i < o.model->adrank.golden.n_requests; i++) {
        input_release(&o.input);
        o.input = request_of(o.model, i);
        CHECK_OK(engine_compute(o.engine, &o.input, whole, &us, &o.err), o.err);
        CHECK_OK(engine_compute(small, &o.input, parts, &us, &o.err), o.err);
        CHECK(memcmp(whole, parts, sizeof(whole)) == 0);
    }
    engine_close(small);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static int broken_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    (void)lane;
    (void)args;
    return err_set(err, ERR_INTERNAL, "attention is broken");
}

/* A slice that fails ends its batch, whatever other slices are doing; nothing more is launched. */
TEST(engine__a_failing_slice_fails_its_batch)
{
    struct opened o AT_END(opened_release);
    struct launched l;

    opened_init(&o, "cpu", "", 3);
    patched_ops(o.engine)->attention = broken_attention;
    launch_one(&o, &l);
    CHECK_INT(l.batch.status, BATCH_FAILED);
    CHECK_STR(l.batch.err.text, "attention is broken");
    CHECK_ERR(engine_submit(o.engine, &l.batch, &o.err), o.err, "is broken");
    for (int i = 0; i < o.engine->n_kept; i++)
        CHECK(!o.engine->kept[i].used);
}

static atomic_int without_memory; /* the next calls of attention that fail */
static int (*attention)(struct lane *, const struct attention_args *, struct err *);

static int starved_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    if (atomic_fetch_sub(&without_memory, 1) > 0)
        return err_set(err, ERR_NOMEM, "attention has no memory");
    return attention(lane, args, err);
}

/* On host lanes only that batch fails, and the engine continues. */
TEST(engine__running_out_of_memory_fails_one_batch)
{
    struct opened o AT_END(opened_release);
    struct launched right, l;

    opened_init(&o, "cpu", "", 3);
    launched_init(&right, &o.input);
    CHECK_OK(engine_run(o.engine, &right.batch, &o.err), o.err);
    attention = o.engine->ops->attention;
    patched_ops(o.engine)->attention = starved_attention;
    for (int n = 1; n <= 3; n++) {
        without_memory = n;
        launch_one(&o, &l);
        CHECK_INT(l.batch.status, BATCH_NO_MEMORY);
        CHECK_STR(l.batch.err.text, "attention has no memory");
        for (int i = 0; i < o.engine->n_kept; i++)
            CHECK(!o.engine->kept[i].used);
        without_memory = 1;
        launched_init(&l, &o.input);
        CHECK_ERR(engine_run(o.engine, &l.batch, &o.err), o.err, "has no memory");
        CHECK_INT(o.err.code, ERR_NOMEM);
        without_memory = 0;
        launched_init(&l, &o.input);
        CHECK_OK(engine_run(o.engine, &l.batch, &o.err), o.err);
        CHECK_INT(l.batch.status, BATCH_OK);
        CHECK(memcmp(l.logits, right.logits, sizeof(l.logits)) == 0);
    }
}

/* The state of a queue is unknown then. */
TEST(engine__running_out_of_memory_breaks_a_queue)
{
    struct opened o AT_END(opened_release);
    struct launched l;

    opened_init(&o, module_path("null"), "", 1);
    attention = o.engine->ops->attention;
    patched_ops(o.engine)->attention = starved_attention;
    without_memory = 1;
    launched_init(&l, &o.input);
    CHECK_ERR(engine_submit(o.engine, &l.batch, &o.err), o.err, "has no memory");
    CHECK_ERR(engine_submit(o.engine, &l.batch, &o.err), o.err, "is broken");
}

TEST(engine__null_device_takes_the_batch_whole)
{
    struct opened o AT_END(opened_release);
    struct launched l;

    opened_init(&o, module_path("null"), "", 2);
    launch_one(&o, &l);
    check_null_logits(&l, &o.input);
}

static int n_queries;

/* Broken at the first query; a second one would wait forever. */
static int query_that_breaks(struct lane *lane, struct err *err)
{
    (void)lane;
    return n_queries++ == 0 ? err_set(err, ERR_INTERNAL, "broken") : 0;
}

TEST(engine__does_not_query_a_broken_queue_again)
{
    struct opened o AT_END(opened_release);
    struct launched l[2];

    opened_init(&o, module_path("null"), "", 1);
    CHECK(o.engine->n_launches >= 2);
    n_queries = 0;
    patched_ops(o.engine)->query = query_that_breaks;
    for (int i = 0; i < 2; i++) {
        launched_init(&l[i], &o.input);
        CHECK_OK(engine_submit(o.engine, &l[i].batch, &o.err), o.err);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(poll_for(o.launcher) == &l[i].batch);
        CHECK_INT(l[i].batch.status, BATCH_FAILED);
    }
    CHECK_INT(n_queries, 1);
}

TEST(engine__reports_failures_of_a_queue)
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

    for (int i = 0; i < COUNT(rows); i++) {
        struct opened o AT_END(opened_release);
        struct launched right, l;
        test_row("%s", rows[i].words);
        set_failing("");
        opened_init(&o, module, "", 1);
        launched_init(&right, &o.input);
        CHECK_OK(engine_run(o.engine, &right.batch, &o.err), o.err);
        set_failing(rows[i].words);
        launched_init(&l, &o.input);
        CHECK_INT(engine_submit(o.engine, &l.batch, &o.err), rows[i].at_submit ? -1 : 0);
        if (!rows[i].at_submit) {
            CHECK(poll_for(o.launcher) == &l.batch);
            CHECK_INT(l.batch.status, rows[i].status);
        }
        if (rows[i].status == BATCH_NOT_FINITE) {
            CHECK(isnan(l.logits[0]));
            CHECK(strcmp(rows[i].words, "nan") == 0 || l.logits[1] == right.logits[1]);
        } else {
            CHECK_ERR(engine_submit(o.engine, &l.batch, &o.err), o.err, "is broken");
        }
        CHECK(!launcher_poll(o.launcher));
    }
    unlink(getenv("ADRANK_FAILING_FILE"));
}
