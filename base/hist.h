/*
 * struct hist: log-linear histogram of non-negative integers (after HdrHistogram): 64 linear steps
 * per power of two, so a quantile is at most 1.6 % off. No allocation, recording is a handful of
 * instructions. One writer.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_MAX_BITS 40 /* values are clamped to 2^40 - 1: 12 days in microseconds */
#define HIST_BUCKETS ((HIST_MAX_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *hist);
void hist_record(struct hist *hist, uint64_t value);
/* Smallest bucket's upper edge with at least q (0..1) of the counts at or below it; 0 when
 * empty; max for 1. */
uint64_t hist_quantile(const struct hist *hist, double q);

#endif
