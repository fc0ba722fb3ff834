/* Sorts values for their quantiles. */
#include "base/quantile.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double quantile(double *values, int n, double q)
{
    int i = (int)(q * n);

    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[i < n ? i : n - 1];
}
