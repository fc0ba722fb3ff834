/* Tests of base/clock.c. */
#include "base/clock.h"

#include <time.h>

#include "tests/test.h"

TEST(clock__monotonic_never_goes_back)
{
    int64_t last = clock_now_us();

    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_now_us();

        CHECK(now >= last);
        last = now;
    }
    CHECK(last > 0);
}

TEST(clock__units)
{
    struct timespec pause = {.tv_nsec = 20000000};
    int64_t start_us = clock_now_us();
    int64_t wall_ms = clock_wall_ms();

    CHECK(llabs(wall_ms / 1000 - (int64_t)time(NULL)) <= 2);
    nanosleep(&pause, NULL);
    CHECK(clock_now_us() - start_us >= 20000);
    CHECK(clock_now_us() - start_us < 60000000);
}
