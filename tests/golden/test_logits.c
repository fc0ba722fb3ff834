/* Random-weight models of many shapes: logits equal transformers', and each other's to the bit. */
#include <dirent.h>

#include "tests/golden/golden_pairs.h"
#include "tests/test.h"

#define FOLDER "tests/golden/logits"

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void for_each_model(void (*check)(const char *name, const char *dir, const char *golden))
{
    struct dirent **list;
    int n = scandir(FOLDER, &list, visible, alphasort);

    CHECK(n >= 8);
    for (int i = 0; i < n; i++) {
        char dir[512], golden[600];
        snprintf(dir, sizeof(dir), "%s/%s", FOLDER, list[i]->d_name);
        snprintf(golden, sizeof(golden), "%s/golden.json", dir);
        check(list[i]->d_name, dir, golden);
        free(list[i]);
    }
    free(list);
}

static void check_f32(const char *name, const char *dir, const char *golden)
{
    struct golden_engine g AT_END(golden_engine_close);
    struct golden_pairs pairs;
    double error;

    golden_engine_open(&g, &(struct golden_engine_args){.dir = dir});
    golden_pairs_open(&pairs, golden, g.model);
    error = golden_pairs_score(&pairs, &g, 1);
    test_row("f32 %s: error over spread %.2g", name, error);
    printf("     %-14s f32 error over spread %.1e\n", name, error);
    CHECK(error <= 1e-4);
    golden_pairs_close(&pairs);
}

TEST(logits__f32_equal_transformers)
{
    for_each_model(check_f32);
}

static void check_bf16(const char *name, const char *dir, const char *golden, const char *linear)
{
    struct golden_engine g AT_END(golden_engine_close);
    struct golden_pairs pairs;
    double error;

    golden_engine_open(&g, &(struct golden_engine_args){
                               .dir = dir, .linear = linear, .precision = PRECISION_BF16});
    golden_pairs_open(&pairs, golden, g.model);
    error = golden_pairs_score(&pairs, &g, 16);
    test_row("bf16 %s: error over spread %.3g, PyTorch's %.3g", name, error, pairs.bf16_error);
    printf("     %-14s bf16 error over spread %.4f, PyTorch's %.4f\n", name, error,
           pairs.bf16_error);
    CHECK(error > 0 && error <= 1.2 * pairs.bf16_error);
    golden_pairs_close(&pairs);
}

/* The portable provider always has bf16, whatever the processor. */
static void check_bf16_plain(const char *name, const char *dir, const char *golden)
{
    check_bf16(name, dir, golden, "plain");
}

static void check_bf16_by_processor(const char *name, const char *dir, const char *golden)
{
    check_bf16(name, dir, golden, NULL);
}

TEST(logits__bf16_lose_no_more_than_pytorch)
{
    for_each_model(check_bf16_plain);
}

/* What a daemon computes with. */
TEST(logits__bf16_of_the_processor_lose_no_more_than_pytorch)
{
    golden_engine_need_bf16();
    for_each_model(check_bf16_by_processor);
}

/* Alone, in batches of 7 and of all, by 1, 2 and 3 threads, by slices of other sizes. */
static void check_bits(const char *name, const char *dir, const char *golden)
{
    float alone[256][GOLDEN_MAX_LABELS];
    struct golden_pairs pairs;

    test_row("bits of %s", name);
    for (int threads = 1; threads <= 3; threads++) {
        struct golden_engine g;
        golden_engine_open(&g, &(struct golden_engine_args){
                                   .dir = dir, .threads = threads, .max_batch_tokens = 8192});
        golden_pairs_open(&pairs, golden, g.model);
        for (int per_batch = 1; per_batch <= 49; per_batch += 6) {
            golden_pairs_score(&pairs, &g, per_batch);
            if (threads == 1 && per_batch == 1)
                memcpy(alone, pairs.got, (size_t)pairs.n * sizeof(alone[0]));
            CHECK(memcmp(alone, pairs.got, (size_t)pairs.n * sizeof(alone[0])) == 0);
        }
        golden_pairs_close(&pairs);
        golden_engine_close(&g);
    }
}

TEST(logits__are_bit_equal_in_any_batch_and_by_any_threads)
{
    for_each_model(check_bits);
}
