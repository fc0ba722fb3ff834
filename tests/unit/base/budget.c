/* Tests of base/budget.c. */
#include "base/budget.h"

#include <pthread.h>

#include "tests/test.h"

#define MIB (INT64_C(1) << 20)

static struct budget budget;

static int64_t sum(void)
{
    int64_t bytes[BUDGET_KINDS], all = 0;

    budget_read(&budget, bytes);
    for (int kind = 0; kind < BUDGET_KINDS; kind++)
        all += bytes[kind];
    return all;
}

/* Charges steps to one holder until one is refused; how much that was. */
static int64_t fill(enum budget_kind kind, int64_t step_bytes, bool one_holder)
{
    int64_t bytes = 0;

    while (budget_charge(&budget, kind, step_bytes, one_holder ? bytes + step_bytes : step_bytes))
        bytes += step_bytes;
    return bytes;
}

TEST(budget__charges_and_returns)
{
    int64_t bytes[BUDGET_KINDS];

    budget_init(&budget, 64 * MIB, 0);
    CHECK_INT(budget_limit(&budget), 64 * MIB);
    CHECK(budget_charge(&budget, BUDGET_BODY, 1000, 1000));
    CHECK(budget_charge(&budget, BUDGET_REDIS, 20, 20));
    budget_read(&budget, bytes);
    CHECK_INT(bytes[BUDGET_BODY], 1000);
    CHECK_INT(bytes[BUDGET_REDIS], 20);
    CHECK_INT(bytes[BUDGET_ARENA], 0);
    budget_return(&budget, BUDGET_BODY, 1000);
    budget_return(&budget, BUDGET_REDIS, 20);
    CHECK_INT(sum(), 0);
    CHECK_INT(budget_take_peak(&budget), 1020);
    CHECK_INT(budget_take_peak(&budget), 0);
}

/* Whatever large holders do, the next stage and small ones find room. */
TEST(budget__leaves_room_for_later_stages_and_small_holders)
{
    budget_init(&budget, 64 * MIB, 0);
    CHECK_INT(fill(BUDGET_BODY, 4096, true), 32 * MIB);
    CHECK_INT(fill(BUDGET_ANSWER, 65536, false), 8 * MIB);
    CHECK_INT(fill(BUDGET_ARENA, 131072, false), 8 * MIB);
    CHECK_INT(fill(BUDGET_BODY, 4096, false), 8 * MIB); /* small ones */
    CHECK_INT(fill(BUDGET_REDIS, 4096, true), 0);
    CHECK_INT(fill(BUDGET_ANSWER, 4096, false), 0);
    CHECK_INT(fill(BUDGET_ARENA, 32768, false), 8 * MIB);
    CHECK_INT(sum(), 64 * MIB);
    CHECK(!budget_charge(&budget, BUDGET_ARENA, 1, 1));
    CHECK_INT(sum(), 64 * MIB);
}

/* The smallest limits still take one body of the largest size and the requests beside it, and no
 * two bodies. */
TEST(budget__the_largest_body_fits_in_any_limit)
{
    budget_init(&budget, 262144, 262144);
    CHECK_INT(budget_limit(&budget), 262144 + MIB);
    CHECK_INT(fill(BUDGET_BODY, 4096, true), 262144);
    CHECK(budget_charge(&budget, BUDGET_BODY, 4096, 4096));
    CHECK(!budget_charge(&budget, BUDGET_BODY, 4096, 65536));
    CHECK(budget_charge(&budget, BUDGET_ARENA, 32768, 32768));
}

TEST(budget__follows_a_new_limit)
{
    budget_init(&budget, 64 * MIB, 0);
    CHECK(budget_charge(&budget, BUDGET_ARENA, 40 * MIB, 40 * MIB));
    budget_set_limit(&budget, 32 * MIB, 0);
    CHECK(!budget_charge(&budget, BUDGET_ARENA, 1, 1));
    budget_return(&budget, BUDGET_ARENA, 30 * MIB);
    CHECK(budget_charge(&budget, BUDGET_ARENA, 1, 1));
}

static void *charge_and_return(void *arg)
{
    atomic_int *over = arg;

    for (int i = 0; i < 20000; i++) {
        enum budget_kind kind = (enum budget_kind)(i % BUDGET_KINDS);

        if (!budget_charge(&budget, kind, MIB, MIB))
            continue;
        if (sum() > budget_limit(&budget))
            atomic_fetch_add(over, 1);
        budget_return(&budget, kind, MIB);
    }
    return NULL;
}

TEST(budget__is_kept_by_many_threads)
{
    pthread_t threads[4];
    atomic_int over = 0;

    budget_init(&budget, 4 * MIB, 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, charge_and_return, &over), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(over, 0);
    CHECK_INT(sum(), 0);
    CHECK(budget_take_peak(&budget) <= 4 * MIB);
}
