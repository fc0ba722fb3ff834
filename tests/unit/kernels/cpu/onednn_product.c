/* Tests of kernels/cpu/onednn_product.c. */
#include "kernels/cpu/onednn_product.h"

#include <dirent.h>

#include "base/rng.h"
#include "kernels/cpu/onednn_trial.h"
#include "tests/test.h"

TEST(onednn_product__takes_the_highest_rung_that_agrees)
{
    struct onednn_product product = {.lowest = 0};

    product.usable[0] = product.usable[2] = product.usable[15] = true;
    CHECK_INT(onednn_product_rung(&product, 16), 0);
    CHECK_INT(onednn_product_rung(&product, 31), 0);
    CHECK_INT(onednn_product_rung(&product, 32), 0); /* rung 1 does not agree */
    CHECK_INT(onednn_product_rung(&product, 48), 2);
    CHECK_INT(onednn_product_rung(&product, 255), 2);
    CHECK_INT(onednn_product_rung(&product, 256), 15);
    CHECK_INT(onednn_product_rung(&product, 100000), 15);
}

TEST(onednn_product__keeps_the_rungs_that_agree_and_have_most_rows)
{
    static const struct {
        const char *name, *classes, *usable; /* a letter a rung, '-': none */
    } rows[] = {
        {"all agree", "aaaaaaaaaaaaaaaa", "uuuuuuuuuuuuuuuu"},
        {"the lowest stands alone", "abbbbbbbbbbbbbbb", "-uuuuuuuuuuuuuuu"},
        {"one in the middle does", "abaaaaaaaaaaaaaa", "u-uuuuuuuuuuuuuu"},
        {"many small ones, few large ones", "aaaaaaaabbbbbbbb", "--------uuuuuuuu"},
        {"the highest alone is not most", "aaaaaaaaaaaaaaab", "uuuuuuuuuuuuuuu-"},
        {"every one its own", "abcdefghijklmnop", "---------------u"},
        {"some cannot run", "--aa----b-------", "--------u-------"},
        {"none can", "----------------", "----------------"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct onednn_product product;
        int classes[ONEDNN_RUNGS], lowest = -1;

        test_row("%s", rows[i].name);
        for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
            classes[rung] = rows[i].classes[rung] == '-' ? -1 : rows[i].classes[rung] - 'a';
        onednn_product_choose(&product, classes);
        for (int rung = ONEDNN_RUNGS - 1; rung >= 0; rung--) {
            CHECK_INT(product.usable[rung], rows[i].usable[rung] == 'u');
            lowest = product.usable[rung] ? rung : lowest;
        }
        CHECK_INT(product.lowest, lowest);
    }
}

/* The first row of x times w by one rung, with the rows behind it of x. */
static void run_rung(const struct onednn_product *product, int rung, dnnl_engine_t engine,
                     dnnl_stream_t stream, dnnl_memory_t weights, float *x, float *y)
{
    char *scratch =
        aligned_alloc(64, product->rungs.scratch_bytes + 64 - product->rungs.scratch_bytes % 64);
    dnnl_memory_t xm, ym, sm;

    CHECK(scratch != NULL);
    CHECK_INT(
        onednn_matrix_new(engine, onednn_rows(rung), product->rungs.shape.in, dnnl_f32, x, &xm), 0);
    CHECK_INT(
        onednn_matrix_new(engine, onednn_rows(rung), product->rungs.shape.out, dnnl_f32, y, &ym),
        0);
    CHECK_INT(onednn_scratch_new(engine, scratch, product->rungs.matmuls[rung].scratch_bytes, &sm),
              0);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, xm},
                                    {DNNL_ARG_WEIGHTS, weights},
                                    {DNNL_ARG_DST, ym},
                                    {DNNL_ARG_SCRATCHPAD, sm}};
    CHECK_INT(dnnl_primitive_execute(product->rungs.matmuls[rung].primitive, stream, 4, args), 0);
    CHECK_INT(dnnl_stream_wait(stream), 0);
    dnnl_memory_destroy(sm);
    dnnl_memory_destroy(ym);
    dnnl_memory_destroy(xm);
    free(scratch);
}

/*
 * Rungs that the trial gave one class give random rows the same bits, and those of other classes do
 * not: the trial is neither too lenient nor too strict. Prints the classes: on AVX2 oneDNN 2.6 has
 * 32 rows in one of their own.
 */
static void check_classes(int in, int out)
{
    const struct onednn_shape shape = {
        .in = in, .out = out, .operand = dnnl_f32, .result = dnnl_f32};
    const size_t n_x = 256 * (size_t)in, n_y = 256 * (size_t)out, n_w = (size_t)in * (size_t)out;
    float *x = malloc(n_x * sizeof(*x)), *w = malloc(n_w * sizeof(*w));
    float *y = malloc(n_y * sizeof(*y)),
          *first = malloc(ONEDNN_RUNGS * (size_t)out * sizeof(*first));
    int classes[ONEDNN_RUNGS];
    struct onednn_product *product;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t weights;
    struct rng rng;
    struct err err;
    char *packed;

    CHECK(x && w && y && first);
    rng_init(&rng, 5);
    for (size_t i = 0; i < n_x; i++)
        x[i] = (float)rng_normal(&rng);
    for (size_t i = 0; i < n_w; i++)
        w[i] = (float)rng_normal(&rng);
    CHECK_INT(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
    CHECK_INT(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), dnnl_success);
    CHECK_OK(onednn_product_new(engine, stream, &shape, &product, &err), err);
    CHECK_INT(onednn_trial(&product->rungs, engine, stream, classes), dnnl_success);
    packed = aligned_alloc(64, (onednn_layout_bytes(product->rungs.layout) + 63) / 64 * 64);
    CHECK(packed != NULL);
    CHECK_INT(onednn_packed_new(engine, product->rungs.layout, packed, &weights), 0);
    CHECK_INT(onednn_pack(engine, stream, w, in, out, weights, product->rungs.layout), 0);
    printf("     %d x %d, %s: ", in, out, product->rungs.matmuls[ONEDNN_RUNGS - 1].implementation);
    for (int a = 0; a < ONEDNN_RUNGS; a++) {
        printf("%c", classes[a] < 0 ? '-' : 'a' + classes[a]);
        if (classes[a] < 0)
            continue;
        run_rung(product, a, engine, stream, weights, x, y);
        memcpy(first + (size_t)a * (size_t)out, y, (size_t)out * sizeof(*y));
        for (int b = 0; b < a; b++)
            if (classes[b] >= 0)
                CHECK_INT(memcmp(first + (size_t)b * (size_t)out, y, (size_t)out * sizeof(*y)) == 0,
                          classes[a] == classes[b]);
    }
    printf("\n");
    dnnl_memory_destroy(weights);
    free(packed);
    onednn_product_free(product);
    onednn_product_free(NULL);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    free(x);
    free(w);
    free(y);
    free(first);
}

TEST(onednn_trial__sees_what_random_rows_see)
{
    check_classes(384, 384);
    check_classes(1536, 384);
    check_classes(53, 37);
}

/* OpenMP's answer is ours: products that are large enough for a team were made and run by now,
 * on this thread alone. */
TEST(onednn__starts_no_threads)
{
    struct dirent *entry;
    DIR *tasks;
    int n = 0;

    check_classes(1024, 1024);
    tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    while ((entry = readdir(tasks)))
        n += entry->d_name[0] != '.';
    closedir(tasks);
    CHECK_INT(n, 1);
}
