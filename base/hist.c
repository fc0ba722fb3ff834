/* Buckets of the histogram, and quantiles from them. */
#include "base/hist.h"

#include <math.h>
#include <string.h>

#define SUB_COUNT (1u << HIST_SUB_BITS)
#define MAX_VALUE ((UINT64_C(1) << HIST_MAX_BITS) - 1)

void hist_init(struct hist *hist)
{
    memset(hist, 0, sizeof(*hist));
}

/* Values under 64 have a bucket each; above, the top seven bits select it, the first of which is
 * always 1. */
static unsigned bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < SUB_COUNT)
        return (unsigned)value;
    shift = 63 - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
    return ((shift + 1) << HIST_SUB_BITS) + ((unsigned)(value >> shift) - SUB_COUNT);
}

static uint64_t upper_edge(unsigned bucket)
{
    unsigned shift;

    if (bucket < SUB_COUNT)
        return bucket;
    shift = (bucket >> HIST_SUB_BITS) - 1;
    return ((uint64_t)(SUB_COUNT + (bucket & (SUB_COUNT - 1)) + 1) << shift) - 1;
}

void hist_record(struct hist *hist, uint64_t value)
{
    if (value > MAX_VALUE)
        value = MAX_VALUE;
    hist->count++;
    hist->sum += value;
    if (value > hist->max)
        hist->max = value;
    hist->buckets[bucket_of(value)]++;
}

uint64_t hist_quantile(const struct hist *hist, double q)
{
    double rank = ceil(q * (double)hist->count);
    uint64_t seen = 0;

    if (hist->count == 0)
        return 0;
    if (q >= 1)
        return hist->max;
    if (rank < 1)
        rank = 1;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += hist->buckets[i];
        if ((double)seen >= rank) {
            uint64_t edge = upper_edge(i);

            return edge < hist->max ? edge : hist->max;
        }
    }
    return hist->max;
}
