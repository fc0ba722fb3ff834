/* Cells in shards: counting and adding up. */
#include "server/metrics/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

/* Cells of one label value: a counter's count; of a histogram one for each bucket (+Inf the
 * last) and the sum. */
static uint32_t cells_of(const struct metric_family *family)
{
    return family->type == METRIC_HISTOGRAM ? (uint32_t)family->n_bounds + 2 : 1;
}

void metrics_init(struct metrics *metrics)
{
    memset(metrics, 0, sizeof(*metrics));
    for (int m = 0; m < METRICS; m++) {
        const struct metric_family *family = &metric_families[m];

        atomic_init(&metrics->values[m], NAN);
        metrics->offsets[m] = metrics->n_cells;
        if (family->sharded)
            metrics->n_cells += cells_of(family) * (uint32_t)metrics_labels(family);
    }
}

void metrics_release(struct metrics *metrics)
{
    int n = atomic_load(&metrics->n_shards);

    for (int i = 0; i < n && i < METRICS_MAX_SHARDS; i++)
        free(atomic_load(&metrics->shards[i]));
    memset(metrics, 0, sizeof(*metrics));
}

struct metrics_shard *metrics_shard_new(struct metrics *metrics, struct err *err)
{
    struct metrics_shard *shard;
    int index;

    shard = calloc(1, sizeof(*shard) + metrics->n_cells * sizeof(shard->cells[0]));
    if (!shard) {
        err_set(err, ERR_NOMEM, "metrics: out of memory");
        return NULL;
    }
    shard->metrics = metrics;
    index = atomic_fetch_add(&metrics->n_shards, 1);
    if (index >= METRICS_MAX_SHARDS) {
        free(shard);
        err_set(err, ERR_INTERNAL, "metrics: more than %d threads", METRICS_MAX_SHARDS);
        return NULL;
    }
    atomic_store_explicit(&metrics->shards[index], shard, memory_order_release);
    return shard;
}

static uint32_t first_cell(const struct metrics *metrics, enum metric metric, int label)
{
    const struct metric_family *family = &metric_families[metric];

    return metrics->offsets[metric] + cells_of(family) * (uint32_t)label;
}

/* One writer: a load and a store do what a locked addition would. */
static void add(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);

    atomic_store_explicit(cell, old + n, memory_order_relaxed);
}

void metrics_count(struct metrics_shard *shard, enum metric metric, int label, uint64_t n)
{
    BUG_ON(metric_families[metric].type != METRIC_COUNTER || !metric_families[metric].sharded);
    add(&shard->cells[first_cell(shard->metrics, metric, label)], n);
}

void metrics_observe(struct metrics_shard *shard, enum metric metric, int label, int64_t value)
{
    const struct metric_family *family = &metric_families[metric];
    _Atomic uint64_t *cells = &shard->cells[first_cell(shard->metrics, metric, label)];
    int i = 0;

    BUG_ON(family->type != METRIC_HISTOGRAM);
    if (value < 0)
        value = 0;
    while (i < family->n_bounds && value > family->bounds[i])
        i++;
    add(&cells[i], 1);
    add(&cells[family->n_bounds + 1], (uint64_t)value);
}

void metrics_set(struct metrics *metrics, enum metric metric, double value)
{
    BUG_ON(metric_families[metric].sharded);
    atomic_store_explicit(&metrics->values[metric], value, memory_order_relaxed);
}

void metrics_collect(struct metrics *metrics, enum metric metric, metrics_collect_fn collect,
                     void *arg)
{
    BUG_ON(metric_families[metric].sharded);
    metrics->collect[metric] = collect;
    metrics->collect_arg[metric] = arg;
}

void metrics_on_refresh(struct metrics *metrics,
                        void (*refresh)(struct metrics *metrics, void *arg), void *arg)
{
    metrics->refresh = refresh;
    metrics->refresh_arg = arg;
}

uint64_t metrics_cell(const struct metrics *metrics, enum metric metric, int label, int cell)
{
    uint32_t index = first_cell(metrics, metric, label) + (uint32_t)cell;
    uint64_t sum = 0;

    for (int i = 0; i < METRICS_MAX_SHARDS; i++) {
        struct metrics_shard *shard =
            atomic_load_explicit(&metrics->shards[i], memory_order_acquire);

        if (shard)
            sum += atomic_load_explicit(&shard->cells[index], memory_order_relaxed);
    }
    return sum;
}
