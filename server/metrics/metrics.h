/*
 * struct metrics: the registry behind GET /metrics (Prometheus text format 0.0.4). Names, labels
 * and bounds of buckets are an interface (CONTRACT 2) and listed in one table, metrics/table.c.
 *
 * Counters and histograms live in shards. A shard has one writer, the thread it was made for, which
 * counts without locks (relaxed loads and stores of its own cells); metrics_write() adds the shards
 * up on the calling thread. Gauges, and counters kept elsewhere, come from a collector that
 * metrics_write() calls, or are set from any thread.
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
#include "server/metrics/table.h"

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
    _Atomic double values[METRICS];      /* metrics_set(); NAN: none */
    metrics_collect_fn collect[METRICS]; /* fixed before threads start, as what follows */
    void *collect_arg[METRICS];
    void (*refresh)(struct metrics *metrics, void *arg);
    void *refresh_arg;
};

void metrics_init(struct metrics *metrics);
/* Frees the shards too: their threads have ended. */
void metrics_release(struct metrics *metrics);

/* Any thread. One for each thread that counts; it lives as long as the registry. NULL and err
 * when out of memory or of shards. */
struct metrics_shard *metrics_shard_new(struct metrics *metrics, struct err *err) MUST_CHECK;

/* The shard's thread. label is 0 for a family without one. */
void metrics_count(struct metrics_shard *shard, enum metric metric, int label, uint64_t n);
/* value < 0 counts as 0; its unit is given in the enum. */
void metrics_observe(struct metrics_shard *shard, enum metric metric, int label, int64_t value);

/* Sum over shards of one cell of a label's cells: a counter's 0; of a histogram one for each bound,
 * +Inf, sum. */
uint64_t metrics_cell(const struct metrics *metrics, enum metric metric, int label, int cell);

/* Any thread. The only sample of a family without a label; NAN: it has none. */
void metrics_set(struct metrics *metrics, enum metric metric, double value);
/* collect runs in metrics_write() and emits one sample or more (or none). Before threads start. */
void metrics_collect(struct metrics *metrics, enum metric metric, metrics_collect_fn collect,
                     void *arg);
/* refresh runs at the beginning of metrics_write() and sets what is only read then. Before threads
 * start. */
void metrics_on_refresh(struct metrics *metrics,
                        void (*refresh)(struct metrics *metrics, void *arg), void *arg);
/* From within collect. */
void metrics_emit(struct metrics_out *out, const struct metrics_label *labels, int n_labels,
                  double value);

/* Sets process_* of this process, from /proc. */
void metrics_set_process(struct metrics *metrics);

/* Any one thread at a time. Appends the whole text. */
void metrics_write(struct metrics *metrics, struct buf *out);
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
