/* Tests of server/batch/queue.c. */
#include "server/batch/queue.h"

#include "base/rng.h"
#include "tests/test.h"
#include "tests/unit/server/batch/work_rig.h"

enum { CAPACITY = 50 };

static struct cost cost;

TEST(queue__keeps_order_and_arrival_among_equals)
{
    struct queue queue;
    struct work work[CAPACITY] = {0};
    struct work *model[CAPACITY]; /* the same as a plainly sorted list */
    struct rng rng;
    struct err err;
    int n = 0;

    rng_init(&rng, 5);
    CHECK_OK(queue_init(&queue, CAPACITY, &err), err);
    for (int round = 0; round < 20000; round++) {
        bool insert = n == 0 || (n < CAPACITY && rng_below(&rng, 2) == 0);
        if (insert) {
            struct work *fresh = work;
            for (bool used = true; used; fresh += used) {
                used = false;
                for (int i = 0; i < n; i++)
                    used |= model[i] == fresh;
            }
            fresh->order_us = (int64_t)rng_below(&rng, 20);
            int place = n;
            while (place > 0 && model[place - 1]->order_us > fresh->order_us)
                place--;
            CHECK_INT(queue_place(&queue, fresh->order_us), place);
            memmove(model + place + 1, model + place, (size_t)(n - place) * sizeof(*model));
            model[place] = fresh;
            queue_insert(&queue, fresh);
            n++;
        } else {
            int at = (int)rng_below(&rng, (uint64_t)n) / (1 + (int)rng_below(&rng, 3));
            queue_remove(&queue, at);
            memmove(model + at, model + at + 1, (size_t)(n - at - 1) * sizeof(*model));
            n--;
        }
        CHECK_INT(queue.n, n);
        for (int i = 0; i < n; i++)
            CHECK(queue_at(&queue, i) == model[i]);
    }
    queue_release(&queue);
}

static struct work prepared(int64_t tokens, int parts, int64_t budget_us)
{
    struct input_shape shape = {.tokens = tokens, .attention = 7};
    struct batch_options options = {.max_tokens = 80, .min_us = 5000};
    struct work work = {.arrival_us = 1000, .deadline_us = 1000 + budget_us, .cost = &cost};

    rig_cost(&cost);
    work_prepare(&work, &shape, parts, &options);
    return work;
}

TEST(queue__order_has_a_floor)
{
    CHECK_INT(prepared(50, 1, 9000).order_us, 10000);
    CHECK_INT(prepared(50, 1, 2000).order_us, 6000);
    CHECK_INT(prepared(50, 1, -4000).order_us, 6000);
}

TEST(queue__charges_every_part_its_fixed_cost)
{
    struct work small = prepared(80, 1, 9000), large = prepared(280, 4, 9000);

    CHECK_NEAR(small.base_us, 100 + 80, 1e-9);
    CHECK_INT(large.parts, 4);
    CHECK_INT(large.shape.tokens, 280);
    CHECK_NEAR(large.base_us, 4 * 100 + 280, 1e-9);
}
