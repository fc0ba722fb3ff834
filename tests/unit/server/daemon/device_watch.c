/* Tests of server/daemon/device_watch.c. */
#include "server/daemon/device_watch.h"

#include <stdatomic.h>
#include <unistd.h>

#include "tests/test.h"

static struct device_caps caps;
static atomic_int n_read;
static _Atomic int64_t now_us;

/* ---- what the watch calls -------------------------------------------------------------------- */

const struct device_caps *executor_caps(const struct executor *executor)
{
    (void)executor;
    return &caps;
}

void executor_readings(struct executor *executor, struct device_readings *out)
{
    (void)executor;
    device_readings_none(out);
    out->values[READING_POWER] = 350;
    n_read++;
}

int64_t __wrap_clock_now_us(void);
int64_t __wrap_clock_now_us(void)
{
    return now_us;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static struct device_watch watch;

static void start(bool sensors)
{
    struct err err;

    caps.sensors = sensors;
    n_read = 0;
    now_us = 1000000;
    CHECK_OK(device_watch_start(&watch, NULL, &err), err);
}

static double power(void)
{
    return device_watch_read(&watch).values[READING_POWER];
}

TEST(device_watch__without_sensors_knows_nothing)
{
    start(false);
    CHECK(isnan(power()));
    device_watch_stop(&watch);
    CHECK_INT(n_read, 0);
}

TEST(device_watch__drops_readings_that_are_not_renewed)
{
    start(true);
    while (isnan(power()))
        usleep(1000);
    CHECK(power() == 350);
    CHECK(isnan(device_watch_read(&watch).values[READING_CLOCK]));
    now_us += 29000000;
    CHECK(power() == 350);
    now_us += 1000000;
    CHECK(isnan(power()));
    device_watch_stop(&watch);
    CHECK_INT(n_read, 1);
    CHECK(isnan(power()));
}
