/* From a logit to the probability of a click: Platt scaling (Platt 1999), pctr = sigmoid(a logit
 * + b). */
#ifndef MODEL_CALIBRATION_H
#define MODEL_CALIBRATION_H

#define CALIBRATION_MIN_PCTR 1e-7

struct calibration {
    double a, b; /* 1, 0: no calibration needed */
};

/* Within [CALIBRATION_MIN_PCTR, 1 - CALIBRATION_MIN_PCTR]; NaN gives NaN. */
double calibration_pctr(const struct calibration *calibration, double logit);

#endif
