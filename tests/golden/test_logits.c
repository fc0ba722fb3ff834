/* Random-weight models of many shapes: logits equal transformers', and each other's to the bit. */
#include "tests/golden/golden_pairs.h"
#include "tests/test.h"

#define FOLDER "tests/golden/logits"

static void check_error(const char *name, const struct golden_engine_args *args)
{
    struct golden_engine g AT_END(golden_engine_close);
    struct golden_pairs pairs AT_END(golden_pairs_close);

    golden_engine_open(&g, args);
    golden_pairs_open(&pairs, args->dir, g.model);
    golden_pairs_check(&pairs, &g, name, args->precision == PRECISION_F32 ? 1 : 16);
}

TEST(logits__f32_equal_transformers)
{
    golden_engine_each(FOLDER, (struct golden_engine_args){0}, check_error);
}

/* The portable provider always has bf16, whatever the processor. */
TEST(logits__bf16_lose_no_more_than_pytorch)
{
    golden_engine_each(FOLDER,
                       (struct golden_engine_args){.linear = "plain", .precision = PRECISION_BF16},
                       check_error);
}

/* What a daemon computes with. */
TEST(logits__bf16_of_the_processor_lose_no_more_than_pytorch)
{
    golden_engine_need_bf16();
    golden_engine_each(FOLDER, (struct golden_engine_args){.precision = PRECISION_BF16},
                       check_error);
}

/* Alone, in batches of 7 and of all, by 1, 2 and 3 threads, by slices of other sizes. */
static void check_bits(const char *name, const struct golden_engine_args *any)
{
    float alone[256][GOLDEN_MAX_LABELS];
    struct golden_engine_args args = *any;

    test_row("bits of %s", name);
    for (args.threads = 1; args.threads <= 3; args.threads++) {
        struct golden_engine g AT_END(golden_engine_close);
        struct golden_pairs pairs AT_END(golden_pairs_close);
        golden_engine_open(&g, &args);
        golden_pairs_open(&pairs, args.dir, g.model);
        for (int per_batch = 1; per_batch <= 49; per_batch += 6) {
            golden_pairs_score(&pairs, &g, per_batch);
            if (args.threads == 1 && per_batch == 1)
                memcpy(alone, pairs.got, (size_t)pairs.n * sizeof(alone[0]));
            CHECK(memcmp(alone, pairs.got, (size_t)pairs.n * sizeof(alone[0])) == 0);
        }
    }
}

TEST(logits__are_bit_equal_in_any_batch_and_by_any_threads)
{
    golden_engine_each(FOLDER, (struct golden_engine_args){.max_batch_tokens = 8192}, check_bits);
}
