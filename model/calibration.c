/* Applies Platt scaling. */
#include "model/calibration.h"

#include <math.h>

double calibration_pctr(const struct calibration *calibration, double logit)
{
    double p = 1 / (1 + exp(-(calibration->a * logit + calibration->b)));

    if (p < CALIBRATION_MIN_PCTR)
        return CALIBRATION_MIN_PCTR;
    if (p > 1 - CALIBRATION_MIN_PCTR)
        return 1 - CALIBRATION_MIN_PCTR;
    return p;
}
