/*
 * Platt scaling (Platt 1999) by maximum likelihood, fitted with Newton's method and a line search
 * as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs for support vector machines"
 * (2007). Pure.
 */
#ifndef MODEL_PLATT_H
#define MODEL_PLATT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/calibration.h"

struct labelled {
    double logit;
    bool click;
};

#define PLATT_MIN_EXAMPLES 40 /* at least PLATT_MIN_EACH with and without a click */
#define PLATT_MIN_EACH 5

size_t labelled_clicks(const struct labelled *examples, size_t n);

/* ERR_DATA when there are too few of either kind, logits do not increase with clicks, or the fit
 * does not converge. */
int platt_fit(const struct labelled *examples, size_t n, struct calibration *out,
              struct err *err) MUST_CHECK;

/* Normalised entropy (He et al. 2014): log loss over that of the mean rate of the same examples;
 * below 1 is better than predicting the mean rate. Both kinds must occur. */
double normalized_entropy(const struct labelled *examples, size_t n,
                          const struct calibration *calibration);

#endif
