/* The registry as text (Prometheus exposition format 0.0.4). */
#include <math.h>
#include <stdio.h>

#include "server/metrics/metrics.h"

struct metrics_out {
    struct buf *text;
    const struct metric_family *family;
};

static void add_value(struct buf *out, double value)
{
    if (isnan(value))
        buf_add_str(out, " NaN\n");
    else if (isinf(value))
        buf_add_str(out, value > 0 ? " +Inf\n" : " -Inf\n");
    else if (value == floor(value) && fabs(value) < 1e15)
        buf_printf(out, " %.0f\n", value);
    else
        buf_printf(out, " %.15g\n", value);
}

static void add_escaped(struct buf *out, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '\n') {
            buf_add_str(out, "\\n");
            continue;
        }
        if (v.ptr[i] == '"' || v.ptr[i] == '\\')
            buf_add(out, "\\", 1);
        buf_add(out, v.ptr + i, 1);
    }
}

void metrics_emit(struct metrics_out *out, const struct metrics_label *labels, int n_labels,
                  double value)
{
    buf_add_str(out->text, out->family->name);
    for (int i = 0; i < n_labels; i++) {
        buf_printf(out->text, "%s%s=\"", i ? "," : "{", labels[i].name);
        add_escaped(out->text, labels[i].value);
        buf_add(out->text, "\"", 1);
    }
    if (n_labels)
        buf_add(out->text, "}", 1);
    add_value(out->text, value);
}

/* name_suffix{label="value",le="bound"}; label and le may be absent. */
static void add_name(struct buf *out, const struct metric_family *family, const char *suffix,
                     int label, const char *le)
{
    buf_printf(out, "%s%s", family->name, suffix);
    if (!family->label && !le)
        return;
    buf_add(out, "{", 1);
    if (family->label2)
        buf_printf(out, "%s=\"%s\",%s=\"%s\"", family->label,
                   family->values[label / family->n_values2], family->label2,
                   family->values2[label % family->n_values2]);
    else if (family->label)
        buf_printf(out, "%s=\"%s\"%s", family->label, family->values[label], le ? "," : "");
    if (le)
        buf_printf(out, "le=\"%s\"", le);
    buf_add(out, "}", 1);
}

static void write_histogram(const struct metrics *metrics, enum metric metric, int label,
                            struct buf *out)
{
    const struct metric_family *family = &metric_families[metric];
    uint64_t count = 0;
    char le[32];

    for (int i = 0; i <= family->n_bounds; i++) {
        count += metrics_cell(metrics, metric, label, i);
        if (i < family->n_bounds)
            snprintf(le, sizeof(le), "%.10g", (double)family->bounds[i] * family->scale);
        else
            snprintf(le, sizeof(le), "+Inf");
        add_name(out, family, "_bucket", label, le);
        add_value(out, (double)count);
    }
    add_name(out, family, "_sum", label, NULL);
    add_value(out,
              (double)metrics_cell(metrics, metric, label, family->n_bounds + 1) * family->scale);
    /* of the same reads as the buckets, so that the two agree while others count */
    add_name(out, family, "_count", label, NULL);
    add_value(out, (double)count);
}

static void write_sharded(const struct metrics *metrics, enum metric metric, struct buf *out)
{
    const struct metric_family *family = &metric_families[metric];

    for (int label = 0; label < metrics_labels(family); label++) {
        if (family->type == METRIC_HISTOGRAM) {
            write_histogram(metrics, metric, label, out);
            continue;
        }
        add_name(out, family, "", label, NULL);
        add_value(out, (double)metrics_cell(metrics, metric, label, 0));
    }
}

static void write_family(struct metrics *metrics, enum metric metric, struct buf *out)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram", [METRIC_GAUGE] = "gauge"};
    const struct metric_family *family = &metric_families[metric];
    struct metrics_out sample = {out, family};
    const double value = atomic_load_explicit(&metrics->values[metric], memory_order_relaxed);

    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
               types[family->type]);
    if (family->sharded)
        write_sharded(metrics, metric, out);
    else if (metrics->collect[metric])
        metrics->collect[metric](&sample, metrics->collect_arg[metric]);
    else if (!isnan(value))
        metrics_emit(&sample, NULL, 0, value);
}

void metrics_write(struct metrics *metrics, struct buf *out)
{
    if (metrics->refresh)
        metrics->refresh(metrics, metrics->refresh_arg);
    for (int metric = 0; metric < METRICS; metric++)
        write_family(metrics, (enum metric)metric, out);
}
