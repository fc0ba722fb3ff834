/* Naive operations in double precision, written to be read. */
#include "tests/ops/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_ops.h"

struct linear_weight {
    int in, out;
    enum activation activation;
    double *weight, *bias; /* (out, in), (out) */
};

static void *must(void *memory)
{
    BUG_ON(!memory);
    return memory;
}

static int ref_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                          struct linear_weight **out, struct err *err)
{
    struct linear_weight *w = must(calloc(1, sizeof(*w)));
    const size_t n = (size_t)spec->out * (size_t)spec->in;

    (void)session;
    (void)max_rows;
    (void)err;
    w->in = spec->in;
    w->out = spec->out;
    w->activation = spec->activation;
    w->weight = must(calloc(n, sizeof(double)));
    w->bias = must(calloc((size_t)spec->out, sizeof(double)));
    for (size_t i = 0; i < n; i++)
        w->weight[i] = (double)spec->weight[i];
    for (int i = 0; i < spec->out && spec->bias; i++)
        w->bias[i] = (double)spec->bias[i];
    *out = w;
    return 0;
}

static void ref_weight_free(struct session *session, struct linear_weight *weight)
{
    (void)session;
    if (!weight)
        return;
    free(weight->weight);
    free(weight->bias);
    free(weight);
}

struct row_norm {
    double mean, rstd;
};

/* out = (x - mean) / sqrt(variance + eps) * gamma + beta */
static struct row_norm norm_row(float *out, const double *x, const float *gamma, const float *beta,
                                double eps, int n)
{
    double mean = 0, variance = 0;

    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / n;
    for (int i = 0; i < n; i++)
        out[i] = (float)((x[i] - mean) / sqrt(variance + eps) * (double)gamma[i] + (double)beta[i]);
    return (struct row_norm){mean, 1 / sqrt(variance + eps)};
}

static void save_norm(struct row_norm norm, float *mean, float *rstd, int row)
{
    if (!mean)
        return;
    mean[row] = (float)norm.mean;
    rstd[row] = (float)norm.rstd;
}

static int ref_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    const int h = args->hidden;
    double *x = must(malloc((size_t)h * sizeof(*x)));

    (void)err;
    for (int t = 0; t < slice->n_tokens; t++) {
        float *stream = (float *)args->stream + t * h, *operand = (float *)args->operand + t * h;

        for (int i = 0; i < h; i++)
            x[i] = (double)((const float *)args->word)[slice->ids[t] * h + i] +
                   (double)((const float *)args->position)[slice->positions[t] * h + i] +
                   (double)((const float *)args->type)[slice->types[t] * h + i];
        if (args->gamma)
            save_norm(norm_row(stream, x, args->gamma, args->beta, (double)args->eps, h),
                      args->mean, args->rstd, t);
        else
            for (int i = 0; i < h; i++)
                stream[i] = (float)x[i];
        memmove(operand, stream, (size_t)h * sizeof(float));
    }
    free(x);
    return 0;
}

static int ref_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    const struct linear_weight *w = args->weight;

    (void)lane;
    (void)err;
    for (int r = 0; r < args->n_rows; r++)
        for (int n = 0; n < w->out; n++) {
            double sum = w->bias[n];

            for (int k = 0; k < w->in; k++)
                sum += (double)((const float *)args->in)[r * w->in + k] * w->weight[n * w->in + k];
            sum = reference_activation(w->activation, sum);
            if (args->pre_activation)
                ((float *)args->pre_activation)[r * w->out + n] = (float)sum;
            ((float *)args->out)[r * w->out + n] =
                (float)reference_activation(args->activation, sum);
        }
    return 0;
}

/* All keys that one query sees: rows of (3H), the parent's first. Returns how many. */
static int visible_rows(const struct lane *lane, const struct attention_args *args, int segment,
                        int query, const float **rows)
{
    const struct slice_segment *own = &lane->slice->segments[segment];
    const int n_own = args->causal ? query - own->start + 1 : own->len;
    const int width = 3 * args->hidden;
    int n = 0;

    if (own->parent >= 0) {
        const struct slice_segment *parent = &lane->slice->segments[own->parent];

        for (int j = 0; j < parent->len; j++)
            rows[n++] = (const float *)args->qkv + (parent->start + j) * width;
    } else if (own->outside_parent >= 0) {
        const struct outside_parent *parent = &args->outside[own->outside_parent];

        for (int j = 0; j < parent->len; j++)
            rows[n++] = (const float *)parent->qkv + j * width;
    }
    for (int j = 0; j < n_own; j++)
        rows[n++] = (const float *)args->qkv + (own->start + j) * width;
    return n;
}

/* An element of a row of qkv, with its bias. */
static double biased(const struct attention_args *args, const float *row, int at)
{
    return (double)row[at] + (args->qkv_bias ? (double)((const float *)args->qkv_bias)[at] : 0);
}

/* Returns the log of the sum of e^score. */
static double attend(const struct attention_args *args, const float *query, const float **rows,
                     int n, int head, double *p, float *out)
{
    const int h = args->hidden, d = h / args->heads, at = head * d;
    double top = -INFINITY, total = 0;

    for (int j = 0; j < n; j++) {
        p[j] = 0;
        for (int i = 0; i < d; i++)
            p[j] += biased(args, query, at + i) * biased(args, rows[j], h + at + i) / sqrt(d);
        top = fmax(top, p[j]);
    }
    for (int j = 0; j < n; j++) {
        p[j] = exp(p[j] - top);
        total += p[j];
    }
    for (int i = 0; i < d; i++) {
        double sum = 0;

        for (int j = 0; j < n; j++)
            sum += p[j] / total * biased(args, rows[j], 2 * h + at + i);
        out[at + i] = (float)sum;
    }
    return top + log(total);
}

/* row: of the result. */
static void attend_heads(const struct lane *lane, const struct attention_args *args, int segment,
                         int query, int row)
{
    enum { MAX_KEYS = 4096 };
    const float **rows = must(malloc(MAX_KEYS * sizeof(*rows)));
    double *p = must(malloc(MAX_KEYS * sizeof(*p)));
    const int n = visible_rows(lane, args, segment, query, rows);

    for (int head = 0; head < args->heads; head++) {
        const double lse = attend(args, (const float *)args->qkv + query * 3 * args->hidden, rows,
                                  n, head, p, (float *)args->out + row * args->hidden);

        if (args->lse)
            args->lse[row * args->heads + head] = (float)lse;
    }
    free(p);
    free(rows);
}

static int ref_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;

    (void)err;
    if (args->read_only) {
        for (int r = 0; r < slice->n_read; r++)
            attend_heads(lane, args, slice->read_segments[r], slice->read[r], r);
        return 0;
    }
    for (int s = 0; s < slice->n_segments; s++)
        for (int j = 0; j < slice->segments[s].len; j++) {
            const int row = slice->segments[s].start + j;

            attend_heads(lane, args, s, row, row);
        }
    return 0;
}

static int ref_residual_norm(struct lane *lane, const struct residual_norm_args *args,
                             struct err *err)
{
    const int h = args->hidden;
    double *x = must(malloc((size_t)h * sizeof(*x)));

    (void)lane;
    (void)err;
    for (int r = 0; r < args->n_rows; r++) {
        float *stream = (float *)args->stream + r * h, *operand = (float *)args->operand + r * h;

        for (int i = 0; i < h; i++) {
            x[i] = (double)stream[i];
            if (args->delta)
                x[i] += (double)((const float *)args->delta)[r * h + i];
            stream[i] = (float)x[i];
        }
        save_norm(norm_row(operand, x, args->gamma, args->beta, (double)args->eps, h), args->mean,
                  args->rstd, r);
        memmove(stream, operand, (size_t)h * sizeof(float));
    }
    free(x);
    return 0;
}

static int ref_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    const int h = args->hidden;
    const float *x = args->stream;

    (void)err;
    for (int r = 0; r < slice->n_read; r++) {
        const struct slice_segment *segment = &slice->segments[slice->read_segments[r]];

        for (int i = 0; i < h; i++) {
            double value = (double)x[slice->read[r] * h + i];

            if (args->kind == POOL_MEAN) {
                value = 0;
                for (int j = 0; j < segment->len; j++)
                    value += (double)x[(segment->start + j) * h + i] / segment->len;
            }
            if (args->stream_out)
                ((float *)args->stream_out)[r * h + i] = (float)value;
            if (args->operand_out)
                ((float *)args->operand_out)[r * h + i] = (float)value;
        }
    }
    return 0;
}

static int ref_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const int h = args->hidden;

    (void)lane;
    (void)err;
    for (int r = 0; r < args->n_rows; r++)
        for (int l = 0; l < args->labels; l++) {
            double sum = (double)((const float *)args->bias)[l];

            for (int i = 0; i < h; i++)
                sum += (double)((const float *)args->operand)[r * h + i] *
                       (double)((const float *)args->weight)[l * h + i];
            ((float *)args->logits)[r * args->labels + l] = (float)sum;
        }
    return 0;
}

/* The functions that compute nothing are the null device's. */
const struct backend_ops backend_reference = {
    NULL_FACTS("reference"),
    OWNERS(null),
    OPERATIONS(ref),
    .device_open = null_device_open,
    .weight_new = ref_weight_new,
    .weight_step = null_weight_step,
    .weight_free = ref_weight_free,
    .begin = null_begin,
    .download = null_download,
    .finish = null_finish,
    .query = null_query,
};
