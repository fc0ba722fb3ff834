/* Exact quantiles of measured values; base/hist.h has those of a stream. */
#ifndef BASE_QUANTILE_H
#define BASE_QUANTILE_H

/* Quantile q (0..1) of n > 0 values, which it sorts. */
double quantile(double *values, int n, double q);

#endif
