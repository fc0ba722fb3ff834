/* The engine's cost function: its evaluation and its fit. */
#include "model/engine/cost.h"

#include <math.h>

#include "model/engine/plan.h"

/* In order of preference where several explain the samples equally well. */
enum { TERM_TOKENS, TERM_ATTENTION, TERM_SEGMENTS, TERM_FIXED, TERMS };

/* ---- the function ---------------------------------------------------------------------------- */

/* Not fmax: that is a function call, and the gate computes the cost of every queued request. */
static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Tokens that a device computes for so many: each batch is a rung of its ladder. */
static int64_t paid_tokens(const struct engine_cost *cost, int64_t tokens, int batches)
{
    if (cost->ladder.n == 0)
        return tokens;
    return (int64_t)ladder_rung(&cost->ladder, (int)((tokens + batches - 1) / batches)) * batches;
}

/* The work of the thread that finishes last, of one batch out of `batches` alike. */
static void critical(const struct input_shape *s, double lanes, int batches, double out[TERMS])
{
    double one = batches == 1 ? 1 : 1.0 / batches, each = one / lanes;
    double share = (double)s->tokens * each, attention = (double)s->attention * each;
    double least = (double)s->tokens * one, slice = PLAN_MIN_TOKENS;

    out[TERM_FIXED] = 1;
    out[TERM_SEGMENTS] = (double)s->segments * each;
    if (s->parents) {
        double parent = (double)s->parent_tokens / (double)s->parents;
        /* Parents of fewer families than lanes: the other lanes wait while they are computed. */
        double idle = 1 - larger((double)s->parents * each, 1 / lanes);
        if (idle > 0) {
            share += parent * idle;
            attention += parent * idle * parent;
            slice += parent;
        }
    }
    /* No slice is smaller than that, unless the batch is. */
    if (least > slice)
        least = slice;
    if (share < least) {
        attention *= least / share;
        out[TERM_SEGMENTS] *= least / share;
        share = least;
    }
    out[TERM_TOKENS] = larger(share, (double)s->chain_tokens);
    out[TERM_ATTENTION] = larger(attention, (double)s->chain_attention);
}

double engine_cost_us(const struct engine_cost *cost, const struct input_shape *shape, int batches)
{
    double x[TERMS];

    if (cost->lanes <= 1)
        return cost->fixed_us * batches +
               cost->per_token_us * (double)paid_tokens(cost, shape->tokens, batches) +
               cost->per_attention_us * (double)shape->attention +
               cost->per_segment_us * (double)shape->segments;
    critical(shape, cost->lanes, batches, x);
    return batches *
           (cost->fixed_us * x[TERM_FIXED] + cost->per_token_us * x[TERM_TOKENS] +
            cost->per_attention_us * x[TERM_ATTENTION] + cost->per_segment_us * x[TERM_SEGMENTS]);
}

/* ---- fitting it ------------------------------------------------------------------------------ */

/* Gauss with pivots; false when the terms cannot be separated. The diagonal was 1. */
static bool solve(double a[TERMS][TERMS + 1], int n)
{
    for (int i = 0; i < n; i++) {
        int pivot = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(a[r][i]) > fabs(a[pivot][i]))
                pivot = r;
        if (!(fabs(a[pivot][i]) > 1e-9))
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

/* Samples as the lanes' work over the measured time: the relative error counts, less for small
 * batches. `size` of a column normalises units. */
struct equations {
    int n;
    double x[COST_MAX_SAMPLES][TERMS];
    double right[COST_MAX_SAMPLES]; /* the sample's weight */
    double size[TERMS];
};

#define FULL_WEIGHT_TOKENS 512.0

static void equations_of(const struct cost_sample *samples, int n, double lanes,
                         struct equations *out)
{
    *out = (struct equations){.n = n};
    for (int i = 0; i < n; i++) {
        critical(&samples[i].shape, lanes, 1, out->x[i]);
        double share = (double)samples[i].shape.tokens / FULL_WEIGHT_TOKENS;
        out->right[i] = sqrt(fmin(share, 1));
        for (int t = 0; t < TERMS; t++) {
            out->x[i][t] *= out->right[i] / samples[i].us;
            out->size[t] += out->x[i][t] * out->x[i][t];
        }
    }
    for (int t = 0; t < TERMS; t++)
        out->size[t] = sqrt(out->size[t]);
}

/* The terms in `subset` (a bit each), the others zero. False when that has no solution without a
 * negative. */
static bool fit_subset(const struct equations *e, unsigned subset, double out[TERMS])
{
    double a[TERMS][TERMS + 1] = {{0}};
    int terms[TERMS], n_terms = 0;

    for (int t = 0; t < TERMS; t++) {
        out[t] = 0;
        if (!(subset & 1u << t))
            continue;
        if (!(e->size[t] > 0))
            return false;
        terms[n_terms++] = t;
    }
    for (int i = 0; i < e->n; i++) {
        for (int r = 0; r < n_terms; r++) {
            double x = e->x[i][terms[r]] / e->size[terms[r]];
            for (int c = 0; c < n_terms; c++)
                a[r][c] += x * e->x[i][terms[c]] / e->size[terms[c]];
            a[r][n_terms] += x * e->right[i];
        }
    }
    if (!solve(a, n_terms))
        return false;
    for (int t = 0; t < n_terms; t++) {
        out[terms[t]] = a[t][n_terms] / e->size[terms[t]];
        if (!(out[terms[t]] >= 0) || !isfinite(out[terms[t]]))
            return false;
    }
    return true;
}

static double squares(const struct equations *e, const double terms[TERMS])
{
    double sum = 0;

    for (int i = 0; i < e->n; i++) {
        double off = -e->right[i];
        for (int t = 0; t < TERMS; t++)
            off += e->x[i][t] * terms[t];
        sum += off * off;
    }
    return sum;
}

/* Returns the sum of squares that is left. */
static double fit_terms(const struct equations *e, double out[TERMS])
{
    double best = INFINITY;

    for (unsigned subset = 1; subset < 1u << TERMS; subset++) {
        double terms[TERMS];
        if (!fit_subset(e, subset, terms))
            continue;
        double left = squares(e, terms);
        if (left < best - 1e-12) {
            best = left;
            for (int t = 0; t < TERMS; t++)
                out[t] = terms[t];
        }
    }
    return best;
}

#define LANE_STEPS 24   /* of equal ratio, from threads down to 1 */
#define LANE_GAIN 0.98  /* fewer lanes must fit this much better, or noise would decide */
#define LANE_NOISE 1e-9 /* a mean square below this is no better than another */

void cost_fit(const struct cost_sample *samples, int n, int threads, struct engine_cost *out)
{
    double best = INFINITY;
    int steps = threads > 1 ? LANE_STEPS : 0;

    *out = (struct engine_cost){.lanes = threads > 1 ? threads : 1};
    for (int i = 0; n > 0 && i <= steps; i++) {
        double lanes = i ? pow(threads, 1 - (double)i / LANE_STEPS) : out->lanes;
        struct equations equations;
        double terms[TERMS];
        equations_of(samples, n, lanes, &equations);
        double left = fit_terms(&equations, terms);
        if (!(left < LANE_GAIN * best - LANE_NOISE * n))
            continue;
        best = left;
        *out = (struct engine_cost){.fixed_us = terms[TERM_FIXED],
                                    .per_token_us = terms[TERM_TOKENS],
                                    .per_attention_us = terms[TERM_ATTENTION],
                                    .per_segment_us = terms[TERM_SEGMENTS],
                                    .lanes = lanes};
    }
}
