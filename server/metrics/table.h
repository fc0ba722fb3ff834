/* The families of /metrics: what metrics.c writes and shards count. One row each, in the order of enum metric. */
#ifndef SERVER_METRICS_TABLE_H
#define SERVER_METRICS_TABLE_H

#include "server/metrics/metrics.h"

enum metric_type { METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_GAUGE };

struct metric_family {
    const char *name; /* whole, prefix included */
    enum metric_type type;
    bool sharded;
    const char *help;
    const char *label;         /* NULL: none */
    const char *const *values; /* of the label, NULL behind the last */
    /* Of a counter a second label: a sample's number is that of label's value times n_values2, and its own. */
    const char *label2;
    const char *const *values2;
    int n_values2;
    /* Of a histogram, in the unit of observations, ascending; +Inf is implied. */
    const int64_t *bounds;
    int n_bounds;
    double scale; /* of observations, for writing: 1e-6 makes seconds of microseconds */
};

extern const struct metric_family metric_families[METRICS];
extern const char *const metric_statuses[]; /* values of "code"; the last is "other", then NULL */

/* How many samples a counter has, or a histogram beside its bounds: 1 without a label. */
int metrics_labels(const struct metric_family *family);

/* Sum over shards of one cell of a label's cells: a counter's 0; of a histogram one for each bound, +Inf, sum. */
uint64_t metrics_cell(const struct metrics *metrics, enum metric metric, int label, int cell);

#endif
