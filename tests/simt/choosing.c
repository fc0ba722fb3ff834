/*
 * Which algorithms are chosen for a product, from proposals made up for the stand-in of cuBLASLt:
 * orders of summation, times and refusals that the real library may have on some device.
 */
#include <dlfcn.h>

#include "kernels/cuda/product.h"
#include "kernels/module.h"
#include "tests/simt/runtime.h"
#include "tests/test.h"

#define LARGE 8192 /* rows of the largest products */

static struct {
    int (*find)(struct device *device, const struct product_shape *shape, int max_rows,
                struct product **out, struct err *err);
    void (*algorithms)(const struct simt_algorithm *algorithms, int n);
    void (*fail)(int n, cudaError_t error);
    int (*calls_after_failure)(void);
} module;

static const struct backend_ops *ops;
static struct device *device;
static struct err err;

static void find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);

    CHECK(symbol != NULL);
    memcpy(function, &symbol, sizeof(symbol));
}

/* Opens a device whose library proposes these; the last has id 0. */
static void open_device(const struct simt_algorithm *proposals)
{
    void *handle;
    int n = 0;

    CHECK_OK(backend_find(MODULE, &ops, &err), err);
    handle = dlopen(MODULE, RTLD_NOW | RTLD_NOLOAD);
    find(handle, "product_find", &module.find);
    find(handle, "simt_algorithms", &module.algorithms);
    find(handle, "simt_fail", &module.fail);
    find(handle, "simt_calls_after_failure", &module.calls_after_failure);
    CHECK_OK(ops->device_open("", &device, &err), err);
    while (proposals[n].id)
        n++;
    module.algorithms(proposals, n);
}

static int find_product(int max_rows, struct product **out)
{
    const struct product_shape shape = {
        .type = CUDA_TYPE_F32, .in = 40, .out = 8, .epilogue = CUBLASLT_EPILOGUE_DEFAULT};
    const int rc = module.find(device, &shape, max_rows, out, &err);

    module.algorithms(NULL, 0);
    return rc;
}

static const struct product *choose(const struct simt_algorithm *proposals)
{
    struct product *product;

    open_device(proposals);
    CHECK_OK(find_product(LARGE, &product), err);
    return product;
}

static struct simt_algorithm chosen(const struct product *product, int rows)
{
    const struct ladder *ladder = &ops->device_caps(device)->ladder;
    struct simt_algorithm algorithm;
    int rung = 0;

    while (ladder->tokens[rung] < rows)
        rung++;
    CHECK(rung < product->n_rungs);
    memcpy(&algorithm, &product->algorithms[rung], sizeof(algorithm));
    return algorithm;
}

static void check_ids(const struct product *product, int small, int large)
{
    CHECK_INT(chosen(product, 256).id, small);
    CHECK_INT(chosen(product, 1024).id, small);
    CHECK_INT(chosen(product, 4096).id, large);
    CHECK_INT(chosen(product, LARGE).id, large);
    ops->device_close(device);
}

/* The fastest of all has other bits; of the majority one is fast for few rows, one for many. */
TEST(choosing__takes_the_fastest_of_the_majority)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 8, .us = 5},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 90},
        {.id = 3, .split_k = 1, .lanes = 16, .us = 20, .max_cols = 2048},
        {.id = 4, .split_k = 1, .lanes = 16, .us = 30},
        {.id = 5, .split_k = 1, .lanes = 16, .us = 70},
        {.id = 6, .split_k = 1, .lanes = 8, .us = 6},
        {0},
    };
    const struct product *product = choose(proposals);

    CHECK_INT(product->n_unlike, 0);
    CHECK_NEAR((double)product->us[0], 20, 1);
    check_ids(product, 3, 4);
}

/* Those that split K are refused even if the library proposes them unasked. */
TEST(choosing__refuses_what_splits)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 2, .lanes = 16, .us = 1, .insists = true},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 50},
        {.id = 3, .split_k = 1, .lanes = 16, .us = 40},
        {0},
    };

    check_ids(choose(proposals), 3, 3);
}

/* The bits of a row must not depend on its place: such a one is found when rows are shifted. */
TEST(choosing__refuses_what_depends_on_the_place)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 16, .us = 1, .by_place = true},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 50},
        {.id = 3, .split_k = 1, .lanes = 16, .us = 40},
        {0},
    };

    check_ids(choose(proposals), 3, 3);
}

/* Proposals that the library then does not take are no choice, and no error. */
TEST(choosing__passes_over_what_is_not_taken)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 16, .us = 1, .max_cols = 8, .insists = true},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 50},
        {.id = 3, .split_k = 1, .lanes = 16, .us = 40},
        {0},
    };

    check_ids(choose(proposals), 3, 3);
}

/* With as many classes as algorithms, the first is the reference and stays alone. */
TEST(choosing__survives_classes_of_one)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 16, .us = 50},
        {.id = 2, .split_k = 1, .lanes = 8, .us = 40},
        {.id = 3, .split_k = 1, .lanes = 4, .us = 30},
        {.id = 4, .split_k = 1, .lanes = 2, .us = 20},
        {.id = 5, .split_k = 1, .lanes = 1, .us = 10},
        {0},
    };
    const struct product *product = choose(proposals);

    CHECK_INT(product->n_unlike, 0);
    check_ids(product, 1, 1);
}

/* Where the reference's bits cannot be had, a rung has others: counted. */
TEST(choosing__counts_rungs_with_other_bits)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 16, .us = 50, .min_cols = 4096},
        {.id = 2, .split_k = 1, .lanes = 16, .us = 40, .min_cols = 4096},
        {.id = 3, .split_k = 1, .lanes = 8, .us = 30, .max_cols = 4095},
        {.id = 4, .split_k = 1, .lanes = 8, .us = 20, .max_cols = 4095},
        {0},
    };
    const struct product *product = choose(proposals);
    int n_small = 0;

    while (ops->device_caps(device)->ladder.tokens[n_small] < 4096)
        n_small++;
    CHECK_INT(product->n_unlike, n_small);
    CHECK_INT(chosen(product, 2048).id, 3); /* it runs there */
    CHECK_INT(chosen(product, LARGE).id, 2);
    ops->device_close(device);
}

TEST(choosing__says_that_there_is_none)
{
    static const struct {
        struct simt_algorithm proposals[3];
        const char *text;
    } rows[] = {
        {{{.id = 1, .split_k = 1, .lanes = 16, .max_cols = 8}, {0}},
         "cuda: cuBLASLt has no algorithm for 8 x 40"},
        {{{.id = 1, .split_k = 1, .lanes = 16, .max_cols = 8, .insists = true},
          {.id = 2, .split_k = 1, .lanes = 16, .max_cols = 8, .insists = true},
          {0}},
         "cuda: cuBLASLt computes no product of 8 x 40"},
        {{{.id = 1, .split_k = 1, .lanes = 16, .min_cols = 4096},
          {.id = 2, .split_k = 1, .lanes = 16, .min_cols = 4096},
          {0}},
         "cuda: cuBLASLt computes no product of 256 rows"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct product *product;
        test_row("%s", rows[i].text);
        open_device(rows[i].proposals);
        CHECK_ERR(find_product(256, &product), err, rows[i].text);
        ops->device_close(device);
    }
}

/* Calls further and further on fail, until the choice is made without one that does. A product that
 * fails looks like one that the library does not take, until the next call. */
TEST(choosing__that_fails_ends_all_calls)
{
    static const struct simt_algorithm proposals[] = {
        {.id = 1, .split_k = 1, .lanes = 16, .us = 50},
        {.id = 2, .split_k = 1, .lanes = 8, .us = 40},
        {0},
    };
    struct product *product;
    int rc, n_failed = 0;

    for (int n = 1, before = 1, sum; n_failed < 40; sum = n + before, before = n, n = sum) {
        test_row("call %d", n);
        open_device(proposals);
        module.fail(n, cudaErrorLaunchFailure);
        rc = find_product(256, &product);
        if (rc == 0)
            break;
        ops->device_close(device);
        CHECK(module.calls_after_failure() <= 1);
        module.fail(0, cudaSuccess); /* as in a new process */
        n_failed++;
    }
    CHECK(n_failed > 8);
    ops->device_close(device);
    module.fail(0, cudaSuccess);
}
