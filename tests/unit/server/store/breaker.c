/* server/store/breaker.c, in virtual time. */
#include "server/store/breaker.h"

#include "tests/test.h"

TEST(breaker__opens_after_failures_in_a_row)
{
    struct breaker b;
    struct rng rng;

    rng_init(&rng, 1);
    breaker_init(&b);
    for (int i = 0; i < BREAKER_FAILURES - 1; i++)
        breaker_failure(&b, 0, &rng);
    CHECK_INT(b.state, BREAKER_CLOSED);
    breaker_success(&b); /* one answer resets the count */
    for (int i = 0; i < BREAKER_FAILURES - 1; i++)
        breaker_failure(&b, 0, &rng);
    CHECK_INT(b.state, BREAKER_CLOSED);
    breaker_failure(&b, 0, &rng);
    CHECK_INT(b.state, BREAKER_OPEN);
}

TEST(breaker__probes_once_then_backs_off_to_a_quarter_second)
{
    struct breaker b;
    struct rng rng;
    int64_t now_us = 1000000, longest_us = 0;

    rng_init(&rng, 2);
    breaker_init(&b);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        breaker_failure(&b, now_us, &rng);
    for (int i = 0; i < 50; i++) {
        int64_t wait_us = b.probe_us - now_us;

        CHECK(wait_us >= BREAKER_MIN_US / 2 && wait_us <= BREAKER_MAX_US);
        longest_us = wait_us > longest_us ? wait_us : longest_us;
        CHECK(!breaker_probe(&b, b.probe_us - 1));
        now_us = b.probe_us;
        CHECK(breaker_probe(&b, now_us));
        CHECK_INT(b.state, BREAKER_HALF_OPEN);
        CHECK(!breaker_probe(&b, now_us)); /* one at a time */
        breaker_failure(&b, now_us, &rng);
        CHECK_INT(b.state, BREAKER_OPEN);
    }
    CHECK(longest_us > BREAKER_MAX_US / 2);
    now_us = b.probe_us;
    CHECK(breaker_probe(&b, now_us));
    breaker_success(&b);
    CHECK_INT(b.state, BREAKER_CLOSED);
}
