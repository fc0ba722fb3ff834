/* Every CUDA call failing once, and all after it: errors reach the caller, and nothing more is
 * asked of the device. */
#include <dlfcn.h>

#include "kernels/module.h"
#include "tests/simt/runtime.h"
#include "tests/test.h"

#define WIDTH 32
#define ROWS 4

struct control {
    void (*fail)(int n, cudaError_t error);
    int (*calls_after_failure)(void);
    size_t (*device_bytes)(void);
    int (*objects)(void);
};

static void find(void *module, const char *name, void *function)
{
    void *symbol = dlsym(module, name);

    CHECK(symbol != NULL);
    memcpy(function, &symbol, sizeof(symbol));
}

static struct control control_of(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    struct control control;

    CHECK(module != NULL);
    find(module, "simt_fail", &control.fail);
    find(module, "simt_calls_after_failure", &control.calls_after_failure);
    find(module, "simt_device_bytes", &control.device_bytes);
    find(module, "simt_objects", &control.objects);
    return control;
}

/* A product over a slice of one-token segments, and its download. */
static int run_batch(const struct backend_ops *ops, struct lane *lane, struct linear_weight *weight,
                     const struct slice *slice, void *x, void *y, void *host, struct err *err)
{
    const struct pass pass = {.network = weight, .n_layers = 1, .record = true};
    const struct linear_args args = {.weight = weight, .n_rows = ROWS, .in = x, .out = y};
    int rc = ops->begin(lane, slice, &pass, err), done = 0;

    if (rc == 0)
        rc = ops->linear(lane, &args, err) ||
                     ops->download(lane, host, y, ROWS * WIDTH * sizeof(float), err)
                 ? -1
                 : 0;
    if (rc < 0 || ops->finish(lane, err))
        return -1;
    while (done == 0)
        done = ops->query(lane, err);
    return done < 0 ? -1 : 0;
}

struct memory {
    struct slice_segment *segments;
    int32_t *numbers; /* ids, types, positions, read, read_segments */
    float *host;
};

static int fill(const struct backend_ops *ops, struct device *device, struct memory *m,
                struct slice *slice, struct err *err)
{
    m->segments = ops->host_alloc(device, ROWS * sizeof(*m->segments), err);
    m->numbers = m->segments ? ops->host_alloc(device, 5 * ROWS * sizeof(int32_t), err) : NULL;
    m->host = m->numbers ? ops->host_alloc(device, 256 * WIDTH * sizeof(float), err) : NULL;
    if (!m->host)
        return -1;
    for (int i = 0; i < ROWS; i++) {
        m->segments[i] = (struct slice_segment){i, 1, -1, -1};
        m->numbers[3 * ROWS + i] = m->numbers[4 * ROWS + i] = i;
    }
    *slice = (struct slice){.n_tokens = ROWS,
                            .n_segments = ROWS,
                            .n_read = ROWS,
                            .ids = m->numbers,
                            .types = m->numbers + ROWS,
                            .positions = m->numbers + 2 * ROWS,
                            .segments = m->segments,
                            .read = m->numbers + 3 * ROWS,
                            .read_segments = m->numbers + 4 * ROWS};
    return 0;
}

static int weight_fill(const struct backend_ops *ops, struct session *session,
                       struct linear_weight *weight, struct err *err)
{
    int rc = 1;

    while (rc > 0)
        rc = ops->weight_step(session, weight, err);
    return rc;
}

/* Opens everything, computes three batches (run, recorded, replayed), closes what was opened. */
static int live(const struct backend_ops *ops, struct err *err)
{
    static float values[WIDTH * WIDTH];
    const struct linear_spec spec = {.in = WIDTH, .out = WIDTH, .weight = values, .bias = values};
    struct device *device = NULL;
    struct session *session = NULL;
    struct linear_weight *weight = NULL;
    struct lane *lane = NULL;
    struct memory memory = {0};
    struct slice slice;
    void *x = NULL, *y = NULL;
    int rc = -1;

    if (ops->device_open("", &device, err) || fill(ops, device, &memory, &slice, err) ||
        ops->session_open(device, &(struct session_args){0}, &session, err) ||
        ops->weight_new(session, &spec, 256, &weight, err) ||
        weight_fill(ops, session, weight, err) ||
        !(x = ops->alloc(session, 256 * WIDTH * sizeof(float), err)) ||
        !(y = ops->alloc(session, 256 * WIDTH * sizeof(float), err)) ||
        ops->lane_open(session, 256, WIDTH, &lane, err))
        goto out;
    rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = run_batch(ops, lane, weight, &slice, x, y, memory.host, err);
out:
    if (lane)
        ops->lane_close(lane);
    if (session) {
        ops->free(session, x);
        ops->free(session, y);
        if (weight)
            ops->weight_free(session, weight);
        ops->session_close(session);
    }
    if (device) {
        ops->host_free(device, memory.segments);
        ops->host_free(device, memory.numbers);
        ops->host_free(device, memory.host);
        ops->device_close(device);
    }
    return rc;
}

TEST(failures__of_every_cuda_call_are_reported_and_end_all_calls)
{
    const struct backend_ops *ops;
    struct control control;
    struct err err;
    int n = 0, rc;

    CHECK_OK(backend_find(MODULE, &ops, &err), err);
    control = control_of(MODULE);
    CHECK_OK(live(ops, &err), err);
    CHECK_INT(control.device_bytes(), 0);
    CHECK_INT(control.objects(), 0);
    do {
        control.fail(++n, cudaErrorLaunchFailure);
        rc = live(ops, &err);
        test_row("call %d: %s", n, rc ? err.text : "does not matter");
        CHECK_INT(control.calls_after_failure(), 0);
    } while (rc != 0 && n < 2000);
    printf("     %d calls\n", n);
    CHECK(n > 50 && n < 2000);
}
