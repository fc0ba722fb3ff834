/* Tests of server/net/holders.c. */
#include "server/net/holders.h"

#include "tests/test.h"

#define SMALL 16384
#define N 64

static struct holders holders;
static struct holder all[N];

static void reset(void)
{
    memset(&holders, 0, sizeof(holders));
    memset(all, 0, sizeof(all));
    for (int i = 0; i < N; i++)
        all[i].serial = (uint64_t)i + 1;
}

static int any(const struct holder *holder, void *arg)
{
    (void)holder;
    (void)arg;
    return 1;
}

static int not_that(const struct holder *holder, void *arg)
{
    return holder != arg;
}

/* Index of the holder to evict for `asking`; -1: none. */
static int victim_of(int asking, int64_t bytes)
{
    const struct holder *victim = holders_victim(&holders, &all[asking], bytes, SMALL, any, NULL);

    return victim ? (int)(victim - all) : -1;
}

TEST(holders__small_ones_cost_the_largest_and_newest)
{
    reset();
    CHECK_INT(victim_of(0, 100), -1);
    holders_set(&holders, &all[1], 200000);
    holders_set(&holders, &all[2], 220000); /* about as large, and newer */
    holders_set(&holders, &all[3], 50000);
    holders_set(&holders, &all[4], 4096); /* too small to help */
    CHECK_INT(victim_of(5, 1000), 2);
    holders_set(&holders, &all[2], 0);
    CHECK_INT(victim_of(5, 1000), 1);
    holders_set(&holders, &all[1], 0);
    CHECK_INT(victim_of(5, 1000), 3);
    holders_set(&holders, &all[3], 9000);
    CHECK_INT(victim_of(5, 8999), 3);
    CHECK_INT(victim_of(5, 9000), -1); /* not for a holder of the same size */
    CHECK_INT(victim_of(3, 100), -1);  /* a holder never evicts itself */
}

/* Otherwise none of them would ever complete. */
TEST(holders__among_large_ones_the_newest_goes)
{
    reset();
    holders_set(&holders, &all[1], 100000);
    holders_set(&holders, &all[2], 100000);
    holders_set(&holders, &all[3], 30000);
    CHECK_INT(victim_of(1, 104096), 2);
    CHECK_INT(victim_of(2, 104096), -1);
    CHECK_INT(victim_of(3, 34096), -1); /* the newest of all */
    holders_set(&holders, &all[2], 0);
    CHECK_INT(victim_of(1, 104096), -1); /* smaller ones are too small to help */
}

TEST(holders__some_may_not_go)
{
    reset();
    holders_set(&holders, &all[1], 100000);
    holders_set(&holders, &all[2], 100000);
    CHECK(holders_victim(&holders, &all[0], 10, SMALL, not_that, &all[2]) == &all[1]);
}

/* The lists stay consistent in any order of growing, shrinking and leaving. */
TEST(holders__lists_stay_whole)
{
    uint64_t seed = 1;

    reset();
    for (int i = 0; i < 100000; i++) {
        int64_t bytes;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes = (int64_t)1 << (seed >> 59);
        holders_set(&holders, &all[seed >> 40 & (N - 1)], seed & 1 ? bytes : 0);
    }
    for (int list = 0; list < HOLDERS_LISTS; list++)
        for (struct holder *at = holders.first[list], *before = NULL; at;
             before = at, at = at->next)
            CHECK(at->list == list + 1 && at->before == before);
    for (int i = 0; i < N; i++)
        holders_set(&holders, &all[i], 0);
    for (int list = 0; list < HOLDERS_LISTS; list++)
        CHECK(!holders.first[list]);
}
