/*
 * struct metrics: the registry behind GET /metrics (Prometheus text format 0.0.4). Names, labels and bounds of
 * buckets are an interface (CONTRACT 2) and stand in one table, metrics/table.c.
 *
 * Counters and histograms live in shards. A shard has one writer, the thread it was made for, which counts
 * without locks (relaxed loads and stores of its own cells); metrics_write() adds the shards up on whatever
 * thread asks. Gauges, and counters that somebody else keeps, come from a collector that metrics_write()
 * calls, or are set from any thread.
 *
 *     metrics_count(shard, METRIC_DEGRADED, DEGRADED_MODEL, 1);
 *     metrics_observe(shard, METRIC_STAGE_DURATION, STAGE_PARSE, us);
 */
#ifndef SERVER_METRICS_METRICS_H
#define SERVER_METRICS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

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
    /* histograms of shards: metrics_observe() */
    METRIC_REQUEST_DURATION, /* us */
    METRIC_STAGE_DURATION,   /* us; enum metrics_stage */
    METRIC_BATCH_TOKENS,     /* tokens */
    METRIC_BATCH_REQUESTS,   /* requests */
    METRIC_COST_RATIO,       /* real over estimated cost, in thousandths */
    METRIC_LOOP_LAG,         /* us */
    METRIC_REDIS_DURATION,   /* us */
    /* set or collected */
    METRIC_CONNECTIONS,
    METRIC_MEMORY, /* collected, with its label */
    METRIC_MEMORY_LIMIT,
    METRIC_QUEUE_DEPTH,
    METRIC_REDIS_CONFIGURED,    /* 0, 1 */
    METRIC_REDIS_UP,            /* 0, 1; without a Redis none */
    METRIC_REDIS_BREAKER_STATE, /* 0 closed, 1 half open, 2 open */
    METRIC_CONFIG_GENERATION,
    METRIC_RELOAD_SUCCESS, /* 0, 1: the last one */
    METRIC_RELOAD_TIMESTAMP,
    METRIC_CATALOG_ADS,
    METRIC_CATALOG_ELIGIBLE_ADS,
    METRIC_CATALOG_AGE, /* s */
    METRIC_MODEL_INFO,  /* collected, with its labels */
    METRIC_BUILD_INFO,  /* collected, with its labels */
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

#define METRICS_MAX_SHARDS 256

struct metrics;

struct metrics_shard {
    const struct metrics *metrics;
    _Atomic uint64_t cells[]; /* of all families, in the table's order */
};

struct metrics_label {
    const char *name;
    struct view value; /* escaped when written */
};

struct metrics_out; /* one family that is being written */
typedef void (*metrics_collect_fn)(struct metrics_out *out, void *arg);

struct metrics {
    _Atomic(struct metrics_shard *) shards[METRICS_MAX_SHARDS];
    atomic_int n_shards;
    uint32_t offsets[METRICS]; /* of a family's first cell in a shard */
    uint32_t n_cells;
    _Atomic double values[METRICS];      /* metrics_set() */
    atomic_bool has_value[METRICS];      /* a gauge that nobody set or collects is not written */
    metrics_collect_fn collect[METRICS]; /* fixed before threads start */
    void *collect_arg[METRICS];
};

void metrics_init(struct metrics *metrics);
/* Frees the shards too: their threads have ended. */
void metrics_release(struct metrics *metrics);

/* Any thread. One for each thread that counts; it lives as long as the registry. NULL and err when out of
 * memory or of shards. */
struct metrics_shard *metrics_shard_new(struct metrics *metrics, struct err *err) MUST_CHECK;

/* The shard's thread. label is 0 for a family without one. */
void metrics_count(struct metrics_shard *shard, enum metric metric, int label, uint64_t n);
/* value < 0 counts as 0; unit as the enum says. */
void metrics_observe(struct metrics_shard *shard, enum metric metric, int label, int64_t value);
/* Label of an HTTP status and a path for METRIC_REQUESTS; statuses that the contract does not know are "other". */
int metrics_request_label(int status, enum metrics_path path);

/* Any thread. */
void metrics_set(struct metrics *metrics, enum metric metric, double value);
/* collect runs in metrics_write() and emits one sample or more (or none). Before threads start. */
void metrics_collect(struct metrics *metrics, enum metric metric, metrics_collect_fn collect,
                     void *arg);
/* From within collect. */
void metrics_emit(struct metrics_out *out, const struct metrics_label *labels, int n_labels,
                  double value);

/* process_* of this process, from /proc. */
void metrics_collect_process(struct metrics *metrics);

/* Any one thread at a time. Appends the whole text. */
void metrics_write(struct metrics *metrics, struct buf *out);
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
