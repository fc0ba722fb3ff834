/*
 * The families of /metrics, one row each, in the order of enum metric, and the values of their
 * labels: what shards count and text.c writes.
 */
#ifndef SERVER_METRICS_TABLE_H
#define SERVER_METRICS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Label values, in the order of their names in table.c. */
enum metrics_stage {
    STAGE_PARSE,
    STAGE_FEATURES,
    STAGE_QUEUE,
    STAGE_INFER,
    STAGE_RANK,
    STAGE_TOTAL,
    STAGES
};
enum metrics_path {
    PATH_OTHER, /* none of them, or no head that names one */
    PATH_RANK,
    PATH_LIVEZ,
    PATH_READYZ,
    PATH_METRICS,
    PATH_ADMIN,
    PATHS
};
enum degraded_reason {
    DEGRADED_FEATURES,
    DEGRADED_PRIVACY,
    DEGRADED_CANDIDATES,
    DEGRADED_TRUNCATED,
    DEGRADED_MODEL,
    DEGRADED_DEADLINE,
    DEGRADED_REASONS
};
/* Why a request went without stored behaviour, or without some of it. */
enum features_reason {
    FEATURES_REASON_TIMEOUT,
    FEATURES_REASON_DOWN,
    FEATURES_REASON_BUSY,
    FEATURES_REASON_REFUSED,
    FEATURES_REASON_WRONG_TYPE,
    FEATURES_REASON_NONSENSE,
    FEATURES_REASON_CORRUPT,
    FEATURES_REASON_NO_MEMORY,
    FEATURES_REASONS
};
/* What holds the device's clocks down, in the order of READING_THROTTLED_... in kernels/backend.h.
 */
#define METRICS_THROTTLES 4
/* Values of the label of METRIC_REQUEST_PRIVACY, in the order of enum privacy_signal. */
#define METRICS_PRIVACY_SIGNALS 10
enum ignored_part {
    IGNORED_IMPS, /* after the first rank.max_imps */
    IGNORED_SITE, /* beside app */
    IGNORED_PARTS
};
extern const char *const metrics_stage_names[STAGES + 1]; /* NULL-terminated, as all of them */
extern const char *const metrics_path_names[PATHS + 1];
extern const char *const metrics_privacy_names[METRICS_PRIVACY_SIGNALS + 1];
extern const char *const metrics_throttle_names[METRICS_THROTTLES + 1];
extern const char *const ignored_part_names[IGNORED_PARTS + 1];
extern const char *const degraded_reason_names[DEGRADED_REASONS + 1];
extern const char *const features_reason_names[FEATURES_REASONS + 1];

enum metric {
    /* counters of shards: metrics_count() */
    METRIC_REQUESTS,        /* label: metrics_request_label() */
    METRIC_DEGRADED,        /* enum degraded_reason */
    METRIC_FILTERED,        /* enum filtered_reason (market/reasons.h) */
    METRIC_REQUEST_PRIVACY, /* enum privacy_signal */
    METRIC_REQUEST_IGNORED, /* enum ignored_part */
    METRIC_LATE,
    METRIC_LATE_CLIENT,
    METRIC_CLIENT_GONE,
    METRIC_CONNECTIONS_EVICTED,
    METRIC_FEATURES_FAILED, /* enum features_reason */
    METRIC_STORED_EVENTS_CORRUPT,
    METRIC_BATCH_RUNG_TOKENS,
    /* histograms of shards: metrics_observe() */
    METRIC_REQUEST_DURATION, /* us */
    METRIC_STAGE_DURATION,   /* us; enum metrics_stage */
    METRIC_BATCH_TOKENS,     /* tokens */
    METRIC_BATCH_REQUESTS,   /* requests */
    METRIC_BATCH_DURATION,   /* us */
    METRIC_COST_RATIO,       /* real over estimated cost, in thousandths */
    METRIC_LOOP_LAG,         /* us */
    METRIC_REDIS_DURATION,   /* us */
    /* set or collected */
    METRIC_CONNECTIONS,
    METRIC_MEMORY, /* collected, with its label */
    METRIC_MEMORY_LIMIT,
    METRIC_QUEUE_DEPTH,
    METRIC_BATCH_AGE,     /* s */
    METRIC_DEVICE_MEMORY, /* collected, with its label; the device's are absent where not known */
    METRIC_DEVICE_UTILIZATION,
    METRIC_DEVICE_POWER,
    METRIC_DEVICE_POWER_LIMIT,
    METRIC_DEVICE_TEMPERATURE,
    METRIC_DEVICE_CLOCK,
    METRIC_DEVICE_CLOCK_MAX,
    METRIC_DEVICE_THROTTLED,    /* collected, with its label */
    METRIC_REDIS_CONFIGURED,    /* 0, 1 */
    METRIC_REDIS_UP,            /* 0, 1; without a Redis none */
    METRIC_REDIS_BREAKER_STATE, /* 0 closed, 1 half open, 2 open */
    METRIC_CONFIG_GENERATION,
    METRIC_RELOAD_SUCCESS, /* 0, 1: the last one */
    METRIC_RELOAD_TIMESTAMP,
    METRIC_CATALOG_ADS,
    METRIC_CATALOG_ELIGIBLE_ADS,
    METRIC_CATALOG_AGE,   /* s */
    METRIC_DEVICE_FAILED, /* collected, with its label */
    METRIC_MODEL_INFO,    /* collected, with its labels */
    METRIC_BUILD_INFO,    /* collected, with its labels */
    METRIC_LOG_DROPPED,
    METRIC_LOG_IMPRESSIONS_FAILED,
    METRIC_PROCESS_CPU, /* the process figures are collected by metrics/process.c */
    METRIC_PROCESS_RESIDENT,
    METRIC_PROCESS_VIRTUAL,
    METRIC_PROCESS_FDS,
    METRIC_PROCESS_MAX_FDS,
    METRIC_PROCESS_THREADS,
    METRIC_PROCESS_START,
    METRICS
};

enum metric_type { METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_GAUGE };

struct metric_family {
    const char *name; /* whole, prefix included */
    enum metric_type type;
    bool sharded;
    const char *help;
    const char *label;         /* NULL: none */
    const char *const *values; /* of the label, NULL-terminated */
    /* Of a counter a second label: a sample's number is that of label's value times n_values2,
     * and its own. */
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

/* How many label values a counter or a histogram has: 1 without a label. */
int metrics_labels(const struct metric_family *family);
/* Label of an HTTP status and a path for METRIC_REQUESTS; statuses that the contract does not know
 * are "other". */
int metrics_request_label(int status, enum metrics_path path);

#endif
