/* Tests of model/calibration.c. */
#include "model/calibration.h"

#include "tests/test.h"

TEST(calibration__is_a_sigmoid_of_a_line)
{
    const struct calibration none = {1, 0}, platt = {0.8, -1.5};

    CHECK_NEAR(calibration_pctr(&none, 0), 0.5, 1e-15);
    CHECK_NEAR(calibration_pctr(&none, 2), 0.8807970779778823, 1e-15);
    CHECK_NEAR(calibration_pctr(&platt, 2), 1 / (1 + exp(-0.1)), 1e-15);
    CHECK(calibration_pctr(&platt, 1) < calibration_pctr(&platt, 1.0001));
}

TEST(calibration__stays_within_its_bounds)
{
    const struct calibration steep = {1e6, 0};

    CHECK_NEAR(calibration_pctr(&steep, -1e30), 1e-7, 0);
    CHECK_NEAR(calibration_pctr(&steep, 1e30), 1 - 1e-7, 0);
    CHECK_NEAR(calibration_pctr(&steep, -INFINITY), 1e-7, 0);
    CHECK(isnan(calibration_pctr(&steep, (double)NAN)));
}
