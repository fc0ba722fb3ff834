/* The CUDA backend's sensors, read from the stand-in for NVIDIA's management library. */
#include <stdlib.h>

#include "kernels/module.h"
#include "tests/test.h"

#define GIB (1024.0 * 1024 * 1024)

static struct device_readings readings_as(const char *words)
{
    const struct backend_ops *ops = NULL;
    struct device_readings readings, again;
    struct device *device = NULL;
    struct err err;

    setenv("ADRANK_SIMT_NVML", words, 1);
    CHECK_OK(backend_find(MODULE, &ops, &err), err);
    CHECK_OK(ops->device_open("", &device, &err), err);
    CHECK(ops->device_caps(device)->sensors);
    ops->device_readings(device, &readings);
    ops->device_readings(device, &again);
    CHECK(memcmp(&readings, &again, sizeof(readings)) == 0);
    ops->device_close(device);
    return readings;
}

/* NAN equals NAN here. */
static void check_readings(const char *words, const double want[DEVICE_READINGS])
{
    const struct device_readings readings = readings_as(words);

    for (int i = 0; i < DEVICE_READINGS; i++)
        if (isnan(want[i]) ? !isnan(readings.values[i]) : readings.values[i] != want[i])
            FAIL("\"%s\": reading %d is %g, not %g", words, i, readings.values[i], want[i]);
}

/* clang-format off */
#define SENSORS 689.5, 700, 64, 1410e6, 1980e6
/* clang-format on */

TEST(readings__of_a_card)
{
    check_readings("", (double[]){3 * GIB, 80 * GIB, .87, SENSORS, 1, 0, 0, 0});
    check_readings("hot full", (double[]){79.75 * GIB, 80 * GIB, .87, SENSORS, 0, 1, 0, 1});
}

/* A slice has memory of its own; power, temperature and clocks are the card's. */
TEST(readings__of_a_slice_of_a_card)
{
    check_readings("slice", (double[]){3 * GIB, 10 * GIB, .87, SENSORS, 1, 0, 0, 0});
    check_readings("part", (double[]){NAN, NAN, NAN, SENSORS, 1, 0, 0, 0});
}

TEST(readings__none_of_a_card_that_is_lost)
{
    check_readings("lost", (double[]){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN});
}

/* In a ctest of its own, without the library. */
TEST(unavailable__reads_nothing)
{
    if (!getenv("LD_LIBRARY_PATH"))
        check_readings("", (double[]){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN});
}
