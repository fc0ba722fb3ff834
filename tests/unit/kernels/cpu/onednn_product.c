/* Tests of kernels/cpu/onednn_product.c. */
#include "kernels/cpu/onednn_product.h"

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

    for (int i = 0; i < COUNT(rows); i++) {
        struct onednn_product product;
        const char *lowest = strchr(rows[i].usable, 'u');
        int classes[ONEDNN_RUNGS];

        test_row("%s", rows[i].name);
        for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
            classes[rung] = rows[i].classes[rung] == '-' ? -1 : rows[i].classes[rung] - 'a';
        onednn_product_choose(&product, classes);
        for (int rung = 0; rung < ONEDNN_RUNGS; rung++)
            CHECK_INT(product.usable[rung], rows[i].usable[rung] == 'u');
        CHECK_INT(product.lowest, lowest ? lowest - rows[i].usable : -1);
    }
}

static float *normal(struct rng *rng, size_t n)
{
    float *out = malloc(n * sizeof(*out));

    CHECK(out != NULL);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)rng_normal(rng);
    return out;
}

static void run_rung(const struct onednn_matmul *matmul, dnnl_engine_t engine, dnnl_stream_t stream,
                     const struct onednn_weight *weight, const struct onednn_arrays *arrays)
{
    struct onednn_runner runner = {0};

    CHECK_INT(onednn_runner_init(&runner, engine, matmul), dnnl_success);
    CHECK_INT(onednn_run(&runner, stream, weight, arrays), dnnl_success);
    CHECK_INT(dnnl_stream_wait(stream), dnnl_success);
    onednn_runner_release(&runner);
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
    const size_t row = (size_t)out * sizeof(float);
    char *first = malloc(ONEDNN_RUNGS * row); /* of each rung's rows */
    struct linear_spec spec = {.in = in, .out = out};
    struct onednn_weight weight = {0};
    struct onednn_product product = {0};
    int classes[ONEDNN_RUNGS];
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct rng rng;
    float *x, *w;

    CHECK(first != NULL);
    rng_init(&rng, 5);
    x = normal(&rng, 256 * (size_t)in);
    w = normal(&rng, (size_t)in * (size_t)out);
    spec.weight = w;
    CHECK_INT(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
    CHECK_INT(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), dnnl_success);
    CHECK_INT(onednn_product_init(&product, engine, &shape), dnnl_success);
    CHECK_INT(onednn_trial(&product, engine, stream, classes), dnnl_success);
    CHECK_INT(onednn_weight_init(&weight, engine, stream, product.layout, &spec), dnnl_success);
    const struct onednn_arrays arrays = {x, onednn_aligned(256 * row),
                                         onednn_aligned(product.scratch_bytes)};
    CHECK(arrays.y && arrays.scratch);
    printf("     %d x %d, %s: ", in, out, product.matmuls[ONEDNN_RUNGS - 1].implementation);
    for (int a = 0; a < ONEDNN_RUNGS; a++) {
        printf("%c", classes[a] < 0 ? '-' : 'a' + classes[a]);
        if (classes[a] < 0)
            continue;
        run_rung(&product.matmuls[a], engine, stream, &weight, &arrays);
        memcpy(first + (size_t)a * row, arrays.y, row);
        for (int b = 0; b < a; b++)
            if (classes[b] >= 0)
                CHECK_INT(memcmp(first + (size_t)b * row, arrays.y, row) == 0,
                          classes[a] == classes[b]);
    }
    printf("\n");
    onednn_weight_release(&weight);
    onednn_product_release(&product);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    free(arrays.scratch);
    free(arrays.y);
    free(first);
    free(x);
    free(w);
}

TEST(onednn_trial__sees_what_random_rows_see)
{
    check_classes(384, 384);
    check_classes(1536, 384);
    check_classes(53, 37);
    check_classes(1024, 1024);
}
