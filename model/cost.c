#include "model/cost.h"

#include <math.h>

#define TERMS 3

double cost_of(const struct engine_cost *cost, double tokens, double attention)
{
    return cost->fixed_us + cost->per_token_us * tokens + cost->per_attention_us * attention;
}

/* Gauss with pivots; false when the terms cannot be told apart. */
static bool solve(double a[TERMS][TERMS + 1], int n)
{
    for (int i = 0; i < n; i++) {
        int pivot = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(a[r][i]) > fabs(a[pivot][i]))
                pivot = r;
        if (!(fabs(a[pivot][i]) > 1e-12))
            return false;
        for (int c = 0; c <= n; c++) {
            double t = a[i][c];
            a[i][c] = a[pivot][c];
            a[pivot][c] = t;
        }
        for (int r = 0; r < n; r++) {
            double f = r == i ? 0 : a[r][i] / a[i][i];
            for (int c = i; c <= n; c++)
                a[r][c] -= f * a[i][c];
        }
    }
    for (int i = 0; i < n; i++)
        a[i][n] /= a[i][i];
    return true;
}

/* The terms in `subset` (a bit each), the others zero. False when that has no solution without a
 * negative. */
static bool fit_subset(const struct cost_sample *samples, int n, unsigned subset, double out[TERMS])
{
    double a[TERMS][TERMS + 1] = {{0}};
    int terms[TERMS], n_terms = 0;

    for (int t = 0; t < TERMS; t++) {
        out[t] = 0;
        if (subset & 1u << t)
            terms[n_terms++] = t;
    }
    for (int i = 0; i < n; i++) {
        /* Divided by the time: what counts is the relative error. Units near 1 keep the matrix
         * sane. */
        const double x[TERMS] = {1e3 / samples[i].us, 1e3 * samples[i].tokens / samples[i].us,
                                 1e3 * samples[i].attention / samples[i].us};
        for (int r = 0; r < n_terms; r++) {
            for (int c = 0; c < n_terms; c++)
                a[r][c] += x[terms[r]] * x[terms[c]];
            a[r][n_terms] += x[terms[r]] * 1e3;
        }
    }
    if (!solve(a, n_terms))
        return false;
    for (int t = 0; t < n_terms; t++) {
        out[terms[t]] = a[t][n_terms];
        if (!(out[terms[t]] >= 0) || !isfinite(out[terms[t]]))
            return false;
    }
    return true;
}

static double squares(const struct cost_sample *samples, int n, const struct engine_cost *cost)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double off = cost_of(cost, samples[i].tokens, samples[i].attention) / samples[i].us - 1;
        sum += off * off;
    }
    return sum;
}

void cost_fit(const struct cost_sample *samples, int n, struct engine_cost *out)
{
    double best = INFINITY;

    *out = (struct engine_cost){0};
    for (unsigned subset = 1; n && subset < 1u << TERMS; subset++) {
        double t[TERMS];
        struct engine_cost cost;
        if (!fit_subset(samples, n, subset, t))
            continue;
        cost = (struct engine_cost){t[0], t[1], t[2]};
        if (squares(samples, n, &cost) < best) {
            best = squares(samples, n, &cost);
            *out = cost;
        }
    }
}
