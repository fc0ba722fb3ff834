/* Tests of base/arena.c. */
#include "base/arena.h"

#include <stdint.h>

#include "base/rng.h"
#include "tests/test.h"

TEST(arena__aligns)
{
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 100, 1000, 5000};
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 512, 0);
    for (int i = 0; i < COUNT(sizes); i++) {
        char *p = arena_alloc(&arena, sizes[i]);

        CHECK(p);
        CHECK_INT((uintptr_t)p % (sizes[i] >= 64 ? 64 : 16), 0);
        memset(p, 0xee, sizes[i]);
    }
}

/* Every block keeps its own bytes whatever comes after: nothing overlaps, over several rounds. */
TEST(arena__blocks_do_not_overlap)
{
    enum { N = 400 };
    struct arena arena;
    struct rng rng;
    unsigned char *blocks[N];
    size_t sizes[N];

    rng_init(&rng, 1);
    arena_init(&arena, 1024, 0);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < N; i++) {
            sizes[i] = rng_below(&rng, 20) ? rng_below(&rng, 200) : rng_below(&rng, 9000);
            blocks[i] = arena_alloc(&arena, sizes[i]);
            CHECK(blocks[i]);
            memset(blocks[i], i & 0xff, sizes[i]);
        }
        for (int i = 0; i < N; i++)
            for (size_t at = 0; at < sizes[i]; at++)
                if (blocks[i][at] != (i & 0xff))
                    FAIL("round %d block %d byte %zu", round, i, at);
        arena_reset(&arena, 64 * 1024);
        CHECK_INT(arena.used_bytes, 0);
        CHECK(arena.held_bytes <= 64 * 1024);
    }
    arena_release(&arena);
    CHECK_INT(arena.held_bytes, 0);
}

TEST(arena__the_same_work_again_takes_no_more_memory)
{
    struct arena arena AT_END(arena_release);
    size_t held = 0;

    arena_init(&arena, 1024, 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++)
            CHECK(arena_alloc(&arena, (size_t)(i * 37 % 1500)));
        if (round == 0)
            held = arena.held_bytes;
        CHECK_INT(arena.held_bytes, held);
        arena_reset(&arena, SIZE_MAX);
    }
}

/* Two kinds of work by turns: kept chunks are found again in either order. */
TEST(arena__changing_work_takes_no_more_memory_for_ever)
{
    struct arena arena AT_END(arena_release);
    size_t held = 0;

    arena_init(&arena, 1024, 0);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 6; i++)
            CHECK(arena_alloc(&arena, (i + round) % 2 ? 5000 : 900));
        if (round == 20)
            held = arena.held_bytes;
        arena_reset(&arena, SIZE_MAX);
    }
    CHECK_INT(arena.held_bytes, held);
}

TEST(arena__limit_holds)
{
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 256, 1000);
    CHECK(arena_alloc(&arena, 600));
    CHECK(!arena_alloc(&arena, 600));
    CHECK(arena_alloc(&arena, 300));
    CHECK(arena.used_bytes <= 1000);
    arena_reset(&arena, SIZE_MAX);
    CHECK(arena_alloc(&arena, 1000));
    CHECK(!arena_alloc(&arena, 16));
}

TEST(arena__sizes_that_overflow_are_refused)
{
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 256, 0);
    CHECK(!arena_array(&arena, SIZE_MAX / 2, 3));
    CHECK(!arena_calloc(&arena, (size_t)1 << 33, (size_t)1 << 33));
    CHECK(!arena_alloc(&arena, SIZE_MAX));
    CHECK(arena_alloc(&arena, 0));
}

TEST(arena__calloc_clears_dirty_memory)
{
    struct arena arena AT_END(arena_release);
    char *p;

    arena_init(&arena, 4096, 0);
    p = arena_alloc(&arena, 2000);
    memset(p, 0xff, 2000);
    arena_reset(&arena, SIZE_MAX);
    p = arena_calloc(&arena, 500, 4);
    for (int i = 0; i < 2000; i++)
        CHECK_INT(p[i], 0);
}

TEST(arena__copy_and_printf)
{
    struct arena arena AT_END(arena_release);
    struct view v;

    arena_init(&arena, 256, 0);
    v = arena_copy(&arena, VIEW_LIT("a\0b"));
    CHECK_INT(v.len, 3);
    CHECK_INT(memcmp(v.ptr, "a\0b", 4), 0);
    v = arena_copy(&arena, (struct view){NULL, 0});
    CHECK(v.ptr && v.len == 0 && *v.ptr == 0);
    CHECK_STR(arena_printf(&arena, "%d-%s", 12, "x"), "12-x");
}

/* Chunks are charged, one that waits with little in it with little; over the budget nothing is
 * handed out. */
TEST(arena__charges_its_budget)
{
    struct budget budget;
    struct arena arena;

    budget_init(&budget, 1 << 20, 0);
    arena_init(&arena, 32 << 10, 0);
    arena_set_budget(&arena, &budget, 4 << 10);
    CHECK(arena_alloc(&arena, 100));
    CHECK_INT(atomic_load(&budget.held_bytes), 4 << 10);
    CHECK(arena_alloc(&arena, 5000));
    CHECK_INT(atomic_load(&budget.held_bytes), 36 << 10);
    CHECK(arena_alloc(&arena, 700000));
    CHECK(!arena_alloc(&arena, 100000)); /* large arenas may fill three quarters */
    CHECK(arena_alloc(&arena, 1000));    /* what is there is there */
    CHECK_INT(atomic_load(&budget.held_bytes), (int64_t)arena.held_bytes);
    arena_reset(&arena, 40 << 10);
    CHECK_INT(atomic_load(&budget.held_bytes), 36 << 10);
    arena_release(&arena);
    CHECK_INT(atomic_load(&budget.held_bytes), 0);
}
