/*
 * Models are replaced while batches are served: what is asked of CUDA in each step of opening and
 * closing one, and in the batches between. Counts, not times: nothing is created or freed, copied
 * in large pieces or waited for at length that could hold a batch up.
 */
#include <dlfcn.h>

#include "base/rng.h"
#include "kernels/module.h"
#include "tests/simt/runtime.h"
#include "tests/unit/model/engine/engine_fixture.h"

#define OTHER_SHAPE "tests/golden/logits/deep"
#define MAX_TOKENS 256
#define MAX_STEP_US 1000000 /* the emulator is slow: all passes are run */
#define STEPS_A_BATCH 4
#define PIECE_BYTES ((size_t)1 << 20)
#define CALLS_A_STEP 2000 /* two passes of every lane, or some hundred comparisons of products */

/* ---- what is counted ------------------------------------------------------------------------- */

enum call { QUEUES, WAITS, ALLOCATES, FREES, CREATES, OTHER, KINDS };

/* Kinds of calls that matter; freeing that waits for the device is "stalls". */
static const struct {
    const char *name;
    enum call kind;
} kinds[] = {
    {"cudaSetDevice", QUEUES},
    {"cudaMemcpyAsync", QUEUES},
    {"cudaMemsetAsync", QUEUES},
    {"cudaLaunchKernel", QUEUES},
    {"cudaGraphLaunch", QUEUES},
    {"cudaEventRecord", QUEUES},
    {"cudaEventQuery", QUEUES},
    {"cublasLtMatmul", QUEUES},
    {"cudaStreamSynchronize", WAITS},
    {"cudaMallocAsync", ALLOCATES},
    {"cudaMalloc", ALLOCATES},
    {"cudaHostAlloc", ALLOCATES},
    {"cudaFreeAsync", FREES},
    {"cudaGraphInstantiate", CREATES},
    {"cudaEventCreateWithFlags", CREATES},
    {"cudaStreamCreateWithFlags", CREATES},
};

struct counts {
    int of[KINDS], all;
    int stalls; /* calls that wait for all work of the device */
    const char *other;
};

static struct counts counts;

static void on_call(const char *name)
{
    static const char *const stalls[] = {
        "cudaFree",          "cudaFreeHost", "cudaDeviceSynchronize",
        "cudaStreamDestroy", "cudaMemcpy",   "cudaMemset"};
    enum call kind = OTHER;

    for (int i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            kind = kinds[i].kind;
    for (int i = 0; i < COUNT(stalls); i++)
        counts.stalls += strcmp(stalls[i], name) == 0;
    counts.of[kind]++;
    counts.all++;
    if (kind == OTHER)
        counts.other = name;
}

static struct counts counts_take(void)
{
    const struct counts taken = counts;

    counts = (struct counts){0};
    return taken;
}

/* ---- what is served -------------------------------------------------------------------------- */

static size_t (*largest_upload)(void);
static void (*offer)(const struct simt_algorithm *algorithms, int n);
static void (*watch)(void (*on_call)(const char *name));
static struct launcher *launcher;
static struct model *models[2]; /* the served one's shape, another */
static struct input input;
static float first; /* logit of the first engine */

static void find(void *module, const char *name, void *function)
{
    void *symbol = dlsym(module, name);

    CHECK(symbol != NULL);
    memcpy(function, &symbol, sizeof(symbol));
}

static void begin(void)
{
    void *module = dlopen(MODULE, RTLD_NOW);
    struct err err;

    CHECK(module != NULL);
    find(module, "simt_largest_upload", (void *)&largest_upload);
    find(module, "simt_watch", (void *)&watch);
    find(module, "simt_algorithms", (void *)&offer);
    launcher = launcher_of(MODULE, "", 1);
    models[0] = model_of(REQUESTS);
    models[1] = model_of(OTHER_SHAPE);
    CHECK_OK(input_reserve(&input, 8, 1, &err), err);
    input.segments[0] = (struct segment){.len = 8, .parent = -1, .read = true};
    input.n_tokens = 8;
    input.n_segments = input.n_read = 1;
    for (int i = 0; i < 8; i++) {
        input.ids[i] = i;
        input.types[i] = 0;
    }
}

static void end(struct engine *engine)
{
    watch(NULL);
    engine_close(engine);
    input_release(&input);
    for (int i = 0; i < 2; i++)
        model_unref(models[i]);
    launcher_close(launcher);
}

static struct engine_args args_to_open(struct model *m, int max_step_us)
{
    return (struct engine_args){.model = m,
                                .max_batch_tokens = MAX_TOKENS,
                                .max_batch_jobs = 16,
                                .skip_golden = m != models[0] || !max_step_us,
                                .max_step_us = max_step_us,
                                .resident = 3};
}

/* A step with a cost that leaves time for two passes, whatever the emulator takes. */
static int step(struct engine *engine, struct err *err)
{
    const struct engine_cost cheap = {.fixed_us = 240000, .ladder = launcher->caps->ladder};

    engine->cost = cheap;
    for (int i = 0; i < LAUNCHER_COSTS; i++)
        launcher->costs[i].cost = cheap;
    return engine_open_step(engine, err);
}

/* A batch creates, allocates and waits for nothing; of the first model's weights it has its bits.
 */
static void serve(struct engine *engine, bool first_model)
{
    struct launched l;
    struct counts batch;
    struct err err;

    counts_take();
    launched_init(&l, &input);
    CHECK_OK(engine_run(engine, &l.batch, &err), err);
    batch = counts_take();
    CHECK_STR(batch.other ? batch.other : "", "");
    CHECK_INT(batch.of[QUEUES], batch.all);
    CHECK(!first_model || l.logits[0] == first);
}

/* ---- a swap ---------------------------------------------------------------------------------- */

/* Returns the bytes of the largest piece. */
static size_t check_step(struct counts *total)
{
    const struct counts step = counts_take();
    const size_t bytes = largest_upload();

    CHECK_INT(step.stalls, 0);
    CHECK(step.all <= CALLS_A_STEP);
    CHECK(step.of[ALLOCATES] <= 16);
    CHECK(bytes <= PIECE_BYTES);
    for (int i = 0; i < KINDS; i++)
        total->of[i] += step.of[i];
    total->all += step.all;
    return bytes;
}

/* Opens a model beside the served one, with batches of it between the steps; closes the
 * served one.
 * Returns the new engine, and what opening and closing took. */
static struct engine *swap_models(struct engine *served, bool first_model, struct model *m,
                                  struct counts *total, int *n_steps)
{
    const struct engine_args args = args_to_open(m, MAX_STEP_US);
    struct engine *engine;
    struct err err;
    int rc = 1;

    *total = (struct counts){0};
    *n_steps = 0;
    counts_take();
    largest_upload();
    CHECK_OK(engine_open_begin(launcher, &args, &engine, &err), err);
    check_step(total);
    while (rc > 0) {
        rc = step(engine, &err);
        CHECK_OK(rc < 0 ? rc : 0, err);
        check_step(total);
        if (++*n_steps % STEPS_A_BATCH == 0)
            serve(served, first_model);
    }
    counts_take();
    engine_close(served);
    check_step(total);
    return engine;
}

static struct engine *open_first(void)
{
    const struct engine_args args = args_to_open(models[0], 0);
    struct engine *engine;
    struct launched l;
    int rc = 1;
    struct err err;

    CHECK_OK(engine_open_begin(launcher, &args, &engine, &err), err);
    while (rc > 0)
        rc = step(engine, &err);
    CHECK_OK(rc, err);
    launched_init(&l, &input);
    CHECK_OK(engine_run(engine, &l.batch, &err), err);
    first = l.logits[0];
    return engine;
}

TEST(swap__of_the_same_shape_creates_nothing_and_of_another_is_paced)
{
    struct engine *engine;
    struct counts total;
    int n_steps;

    begin();
    engine = open_first();
    watch(on_call);
    for (int i = 0; i < 2; i++) { /* into reserved memory, then into that of the first */
        test_row("swap %d", i);
        engine = swap_models(engine, true, models[0], &total, &n_steps);
        CHECK(n_steps > 30);
        CHECK_INT(total.of[ALLOCATES], 0);
        CHECK_INT(total.of[FREES], 0);
        CHECK_INT(total.of[CREATES], 0);
        serve(engine, true);
    }
    test_row("another shape");
    engine = swap_models(engine, true, models[1], &total, &n_steps);
    CHECK(total.of[ALLOCATES] > 0 && total.of[CREATES] > 0);
    test_row("and back");
    engine = swap_models(engine, false, models[0], &total, &n_steps);
    CHECK_INT(total.of[ALLOCATES], 0);
    CHECK_INT(total.of[CREATES], 0);
    serve(engine, true);
    end(engine);
}

/* Steps until it is complete; the last of them upload. */
static struct linear_weight *make_weight(struct session *session, const struct linear_spec *spec,
                                         int n_uploads)
{
    const struct backend_ops *ops = launcher->ops;
    struct linear_weight *weight;
    struct counts total = {0};
    int uploads = 0, rc = 1;
    struct err err;

    CHECK_OK(ops->weight_new(session, spec, 1024, &weight, &err), err);
    counts_take();
    largest_upload();
    while (rc > 0) {
        rc = ops->weight_step(session, weight, &err);
        CHECK_OK(rc < 0 ? rc : 0, err);
        uploads = check_step(&total) > 0 ? uploads + 1 : 0;
    }
    CHECK_INT(uploads, n_uploads);
    return weight;
}

static float numbers[768 * 384];

static void fill_numbers(void)
{
    struct rng rng;

    rng_init(&rng, 1);
    for (int i = 0; i < COUNT(numbers); i++)
        numbers[i] = (float)rng_below(&rng, 1000) / 1000 - 0.5F;
}

/* A matrix of more than a piece. */
TEST(swap__uploads_a_matrix_in_pieces)
{
    const struct linear_spec spec = {.in = 384, .out = 768, .weight = numbers, .bias = numbers};
    const struct session_args args = {.precision = PRECISION_F32};
    const struct backend_ops *ops;
    struct session *session;
    struct err err;

    begin();
    ops = launcher->ops;
    watch(on_call);
    CHECK_OK(ops->session_open(launcher->device, &args, &session, &err), err);
    ops->weight_free(session, make_weight(session, &spec, 3)); /* a piece, the rest, the bias */
    CHECK_INT(ops->session_caps(session)->n_timed, 0);         /* one algorithm is offered */
    ops->session_close(session);
    end(NULL);
}

/* Of several algorithms, with different bits, one with the same is chosen at every rung. */
TEST(swap__tries_algorithms_in_short_steps)
{
    enum { IN = 64, OUT = 32, FEW = 200, MANY = 1000 };
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 8, .us = 5},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 20, .max_cols = 512},
        {.id = 3, .split_k = 1, .lanes = 16, .us = 30},
        {.id = 4, .split_k = 1, .lanes = 16, .us = 50},
    };
    const struct linear_spec spec = {.in = IN, .out = OUT, .weight = numbers, .bias = numbers};
    const struct session_args args = {.precision = PRECISION_F32};
    const size_t bytes = MANY * OUT * sizeof(float);
    const struct backend_ops *ops;
    struct linear_weight *weight;
    struct session *session;
    struct lane *lane;
    float *x, *y[2], *host[2];
    struct err err;

    fill_numbers();
    begin();
    offer(proposals, COUNT(proposals));
    ops = launcher->ops;
    watch(on_call);
    CHECK_OK(ops->session_open(launcher->device, &args, &session, &err), err);
    weight = make_weight(session, &spec, 2);
    CHECK_INT(ops->session_caps(session)->n_timed, 1);
    CHECK_STR(ops->session_caps(session)->note, "");
    x = ops->alloc(session, 1024 * IN * sizeof(float), &err);
    CHECK_OK(ops->upload(session, x, numbers, MANY * IN * sizeof(float), &err), err);
    CHECK_OK(ops->lane_open(session, 1024, OUT, &lane, &err), err);
    for (int i = 0; i < 2; i++) {
        struct linear_args product = {.weight = weight, .n_rows = i ? MANY : FEW, .in = x};

        y[i] = ops->alloc(session, 1024 * OUT * sizeof(float), &err);
        host[i] = ops->host_alloc(launcher->device, bytes, &err);
        product.out = y[i];
        CHECK_OK(ops->linear(lane, &product, &err), err);
        CHECK_OK(ops->download(lane, host[i], y[i], i ? bytes : bytes / MANY * FEW, &err), err);
    }
    CHECK_OK(ops->finish(lane, &err), err);
    while (ops->query(lane, &err) == 0)
        ;
    CHECK(host[0][7] != host[0][OUT + 7]);
    CHECK(memcmp(host[0], host[1], bytes / MANY * FEW) == 0);
    ops->lane_close(lane);
    for (int i = 0; i < 2; i++) {
        ops->free(session, y[i]);
        ops->host_free(launcher->device, host[i]);
    }
    ops->free(session, x);
    ops->weight_free(session, weight);
    ops->session_close(session);
    end(NULL);
    offer(NULL, 0);
}
