/*
 * Models are replaced while batches are served: what is asked of CUDA in each step of opening and
 * closing one, and in the batches between. Counts, not times: nothing is created or freed, copied
 * in large pieces or waited for at length that could hold a batch up.
 */
#include <dlfcn.h>

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
static void (*watch)(void (*on_call)(const char *name));
static struct launcher *launcher;
static struct model *models[2]; /* the served one's shape, another */
static struct input input, other_input;
static float first[MAX_ADS]; /* logits of the first engine */

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
    launcher = launcher_of(MODULE, "", 1);
    models[0] = model_of(REQUESTS);
    models[1] = model_of(OTHER_SHAPE);
    input = request_of(models[0], 4);
    CHECK_OK(input_reserve(&other_input, 8, 1, &err), err);
    other_input.segments[0] = (struct segment){.len = 8, .parent = -1, .read = true};
    other_input.n_tokens = 8;
    other_input.n_segments = other_input.n_read = 1;
    for (int i = 0; i < 8; i++)
        other_input.ids[i] = other_input.types[i] = 0;
}

static void end(struct engine *engine)
{
    watch(NULL);
    engine_close(engine);
    input_release(&input);
    input_release(&other_input);
    for (int i = 0; i < 2; i++)
        model_unref(models[i]);
    launcher_close(launcher);
}

static struct engine_args args_to_open(struct model *m, int max_step_us)
{
    return (struct engine_args){.model = m,
                                .max_batch_tokens = MAX_TOKENS,
                                .max_batch_jobs = 16,
                                .skip_golden = m != models[0],
                                .max_step_us = max_step_us,
                                .resident = 2};
}

/* A batch creates, allocates and waits for nothing; of the first model's weights it has its bits.
 */
static void serve(struct engine *engine, bool first_model)
{
    struct launched l;
    struct counts batch;
    struct err err;

    counts_take();
    launched_init(&l, first_model ? &input : &other_input);
    CHECK_OK(engine_run(engine, &l.batch, &err), err);
    batch = counts_take();
    CHECK_STR(batch.other ? batch.other : "", "");
    CHECK_INT(batch.of[QUEUES], batch.all);
    CHECK(!first_model || memcmp(l.logits, first, sizeof(first)) == 0);
}

/* ---- a swap ---------------------------------------------------------------------------------- */

static void check_step(struct counts *total)
{
    const struct counts step = counts_take();

    CHECK_INT(step.stalls, 0);
    CHECK(step.all <= CALLS_A_STEP);
    CHECK(step.of[ALLOCATES] <= 16);
    CHECK(largest_upload() <= PIECE_BYTES);
    for (int i = 0; i < KINDS; i++)
        total->of[i] += step.of[i];
    total->all += step.all;
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
        rc = engine_open_step(engine, &err);
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
    struct err err;

    CHECK_OK(engine_open(launcher, &args, &engine, &err), err);
    launched_init(&l, &input);
    CHECK_OK(engine_run(engine, &l.batch, &err), err);
    memcpy(first, l.logits, sizeof(first));
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

/* A matrix of more than a piece. */
TEST(swap__uploads_a_matrix_in_pieces)
{
    enum { IN = 384, OUT = 768 };
    static float values[OUT * IN];
    const struct linear_spec spec = {.in = IN, .out = OUT, .weight = values, .bias = values};
    const struct backend_ops *ops;
    struct linear_weight *weight;
    struct session *session;
    int n_uploads = 0, rc = 1;
    struct counts total;
    struct err err;

    begin();
    ops = launcher->ops;
    CHECK_OK(ops->session_open(launcher->device, &(struct session_args){0}, &session, &err), err);
    CHECK_OK(ops->weight_new(session, &spec, 256, &weight, &err), err);
    watch(on_call);
    largest_upload();
    while (rc > 0) {
        size_t bytes;
        counts_take();
        rc = ops->weight_step(session, weight, &err);
        CHECK_OK(rc < 0 ? rc : 0, err);
        total = counts_take();
        bytes = largest_upload();
        CHECK(bytes <= PIECE_BYTES);
        CHECK_INT(total.stalls, 0);
        n_uploads = bytes > 0 ? n_uploads + 1 : 0; /* the last ones are the weight's */
    }
    CHECK_INT(n_uploads, 3); /* a piece, the rest, the bias */
    ops->weight_free(session, weight);
    ops->session_close(session);
    end(NULL);
}
