/* server/store/owed.c: a growing ring compared with a list. */
#include "server/store/owed.h"

#include "base/rng.h"
#include "tests/test.h"

TEST(owed__keeps_its_order_while_it_grows)
{
    struct owed_queue queue = {0};
    uint64_t next = 0, oldest = 0;
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < 2000; i++) {
        uint32_t n = (uint32_t)rng_below(&rng, i < 1000 ? 8 : 4);

        CHECK_INT(owed_reserve(&queue, n), 0);
        for (uint32_t k = 0; k < n; k++)
            owed_push(&queue, &(struct owed){.token = next++});
        n = (uint32_t)rng_below(&rng, i < 1000 ? 7 : 6);
        n = n < queue.n ? n : queue.n;
        owed_pop(&queue, n);
        oldest += n;
        CHECK_INT(queue.n, next - oldest);
        for (uint32_t k = 0; k < queue.n; k++)
            CHECK_INT(owed_at(&queue, k)->token, oldest + k);
        CHECK(!owed_at(&queue, queue.n));
    }
    CHECK(queue.capacity > 64);
    owed_release(&queue);
}
