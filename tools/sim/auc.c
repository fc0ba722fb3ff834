/* Areas and entropies from scores. */
#include "tools/sim/auc.h"

#include <math.h>
#include <stdlib.h>

static int by_score(const void *a, const void *b)
{
    double x = ((const struct sim_scored *)a)->score, y = ((const struct sim_scored *)b)->score;
    return (x > y) - (x < y);
}

double sim_auc(struct sim_scored *rows, size_t n)
{
    double negatives = 0, positives = 0, above = 0;

    qsort(rows, n, sizeof(*rows), by_score);
    for (size_t i = 0; i < n;) {
        double tied_p = 0, tied_not = 0;
        size_t j = i;
        for (; j < n && rows[j].score == rows[i].score; j++) {
            tied_p += rows[j].p;
            tied_not += 1 - rows[j].p;
        }
        above += tied_p * (negatives + tied_not / 2);
        negatives += tied_not;
        positives += tied_p;
        i = j;
    }
    return positives > 0 && negatives > 0 ? above / (positives * negatives) : NAN;
}

double sim_entropy(const struct sim_scored *rows, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double p = rows[i].p;
        if (p > 0 && p < 1)
            sum -= p * log(p) + (1 - p) * log(1 - p);
    }
    return n > 0 ? sum / (double)n : 0;
}
