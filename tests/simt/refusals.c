/* What the CUDA backend refuses when a model opens, and says why. */
#include <stdlib.h>

#include "kernels/module.h"
#include "tests/test.h"

static const struct backend_ops *ops;
static struct device *device;
static struct session *session;
static struct err err;

static void open_session(void)
{
    setenv("ADRANK_SIMT_MEMORY_MB", "128", 1);
    CHECK_OK(backend_find(MODULE, &ops, &err), err);
    CHECK_OK(ops->device_open("", &device, &err), err);
    CHECK_OK(ops->session_open(device, &(struct session_args){0}, &session, &err), err);
}

static void close_session(void)
{
    ops->session_close(session);
    ops->device_close(device);
}

TEST(refusals__of_sessions)
{
    struct session *other;

    open_session();
    CHECK_ERR(ops->session_open(device, &(struct session_args){.precision = PRECISION_INT8}, &other,
                                &err),
              err, "cuda: precision int8 is not built, only f32, bf16 and f16");
    CHECK_ERR(ops->session_open(device, &(struct session_args){.linear = "plain"}, &other, &err),
              err, "cuda: no provider \"plain\" of the linear layer: cublaslt");
    close_session();
}

TEST(refusals__of_sizes)
{
    static const float values[16 * 16];
    const struct linear_spec spec = {.in = 12, .out = 16, .weight = values, .bias = values};
    struct linear_weight *weight;
    struct lane *lane;

    open_session();
    CHECK_ERR(ops->weight_new(session, &spec, 256, &weight, &err), err,
              "cuda: a weight of 16 x 12: not multiples of 8");
    CHECK_ERR(ops->lane_open(session, 40000, 16, &lane, &err), err,
              "cuda: a batch of 40000 tokens: 32768 is the most");
    CHECK_ERR(ops->lane_open(session, 256, 12, &lane, &err), err,
              "cuda: hidden size 12 is not a multiple of 8");
    close_session();
}

/* What a closed model left makes room for one of another shape, also where that one has it. */
TEST(refusals__of_memory)
{
    const size_t first = (size_t)40 << 20, second = (size_t)60 << 20; /* one fits beside the rest */
    const struct session_args args = {0};
    void *memory;

    open_session();
    memory = ops->alloc(session, first, &err);
    CHECK(memory != NULL);
    ops->free(session, memory);
    ops->session_close(session);
    CHECK_OK(ops->session_open(device, &args, &session, &err), err);
    memory = ops->alloc(session, second, &err);
    CHECK(memory != NULL);
    CHECK(ops->alloc(session, second, &err) == NULL);
    CHECK_INT(err.code, ERR_UNAVAILABLE);
    ops->free(session, memory);
    close_session();
}
