/* Tests of server/net/buffers.c. */
#include "server/net/buffers.h"

#include "base/rng.h"
#include "tests/test.h"

TEST(buffers__gives_the_same_memory_again)
{
    struct buffers buffers AT_END(buffers_release);
    struct buffer first, second;

    buffers_init(&buffers, 1u << 20);
    first = buffers_take(&buffers, 10);
    CHECK_INT(first.capacity, BUFFERS_BASE_BYTES);
    memset(first.ptr, 1, first.capacity);
    buffers_put(&buffers, first);
    second = buffers_take(&buffers, BUFFERS_BASE_BYTES);
    CHECK(second.ptr == first.ptr);
    buffers_put(&buffers, second);
    CHECK_INT(buffers.spare_bytes, BUFFERS_BASE_BYTES);
}

TEST(buffers__keeps_no_more_than_its_limit)
{
    struct buffers buffers AT_END(buffers_release);
    struct buffer taken[8];

    buffers_init(&buffers, 100000);
    for (int i = 0; i < 8; i++) {
        taken[i] = buffers_take(&buffers, 30000);
        CHECK_INT(taken[i].capacity, 32768);
    }
    for (int i = 0; i < 8; i++)
        buffers_put(&buffers, taken[i]);
    CHECK_INT(buffers.spare_bytes, 3 * 32768);
}

TEST(buffers__takes_and_gives_at_random)
{
    struct buffers buffers AT_END(buffers_release);
    struct buffer taken[32] = {{NULL, 0}};
    struct rng rng;

    rng_init(&rng, 5);
    buffers_init(&buffers, 1u << 20);
    for (int step = 0; step < 5000; step++) {
        struct buffer *b = &taken[rng_below(&rng, 32)];
        size_t want = 1 + (size_t)rng_below(&rng, 300000);

        buffers_put(&buffers, *b); /* a no-op without a buffer */
        *b = buffers_take(&buffers, want);
        CHECK(b->ptr && b->capacity >= want);
        b->ptr[0] = b->ptr[b->capacity - 1] = 1;
        CHECK(buffers.spare_bytes <= buffers.keep_bytes);
    }
    for (int i = 0; i < 32; i++)
        buffers_put(&buffers, taken[i]);
}

TEST(buffers__refuses_what_is_too_large)
{
    struct buffers buffers AT_END(buffers_release);

    buffers_init(&buffers, 0);
    CHECK(buffers_take(&buffers, (size_t)1 << 40).ptr == NULL);
}
