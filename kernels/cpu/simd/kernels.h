/* The bodies of struct simd, compiled once for each width: see kernels/cpu/simd.h for the
 * contract. */
#include <math.h>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd/vec.h"

#define STRIP (2 * SIMD_WIDTH)

/* Transposes W keys by W dimensions to W dimensions by W keys. `to` is the half of the strip that
 * holds these keys. */
ALWAYS void pack_square(float *to, const float *k, int n_keys, int n_dims, int stride)
{
    vec square[SIMD_WIDTH];

    for (int i = 0; i < SIMD_WIDTH; i++)
        square[i] = i < n_keys ? vec_load_part(k + (long)i * stride, n_dims) : (vec){0};
    vec_transpose(square);
    for (int i = 0; i < SIMD_WIDTH && i < n_dims; i++)
        vec_store(to + (long)i * STRIP, square[i]);
}

static void pack(struct simd_panel *to, const float *k, const float *v, int n, int head, int stride)
{
    const int values_stride = simd_round(head);

    to->n = n;
    for (int j = 0; j < n; j += STRIP)
        for (int half = 0; half < STRIP; half += SIMD_WIDTH)
            for (int d = 0; d < head; d += SIMD_WIDTH)
                pack_square(to->keys + (long)j * head + (long)d * STRIP + half,
                            k + (long)(j + half) * stride + d, n - j - half, head - d, stride);
    for (int j = 0; j < n; j++)
        for (int d = 0; d < head; d += SIMD_WIDTH)
            vec_store(to->values + (long)j * values_stride + d,
                      vec_load_part(v + (long)j * stride + d, head - d));
    if (head % STRIP != 0 && (head + SIMD_WIDTH - 1) / SIMD_WIDTH % 2 == 1)
        for (int j = 0; j < n; j++)
            vec_store(to->values + (long)j * values_stride +
                          (head + SIMD_WIDTH - 1) / SIMD_WIDTH * SIMD_WIDTH,
                      (vec){0});
}

/* scores[i][j] = q_i . k_j for the first n keys; entries that round n up to a strip hold a product
 * with zeros or with a later key. */
ALWAYS void score(const float *const q[SIMD_ROWS], const struct simd_panel *panel, int n, int head,
                  float *scores, int stride)
{
    for (int j = 0; j < n; j += STRIP) {
        const float *keys = panel->keys + (long)j * head;
        vec sum[SIMD_ROWS][2] = {0};

        for (int d = 0; d < head; d++) {
            const vec k0 = vec_load(keys + (long)d * STRIP);
            const vec k1 = vec_load(keys + (long)d * STRIP + SIMD_WIDTH);

            for (int i = 0; i < SIMD_ROWS; i++) {
                sum[i][0] += vec_all(q[i][d]) * k0;
                sum[i][1] += vec_all(q[i][d]) * k1;
            }
        }
        for (int i = 0; i < SIMD_ROWS; i++) {
            vec_store(scores + (long)i * stride + j, sum[i][0]);
            vec_store(scores + (long)i * stride + j + SIMD_WIDTH, sum[i][1]);
        }
    }
}

ALWAYS void fill(float *scores, int from, int to, float with)
{
    for (int j = from; j < to; j++)
        scores[j] = with;
}

ALWAYS int whole_vectors(int n)
{
    return (n + SIMD_WIDTH - 1) / SIMD_WIDTH * SIMD_WIDTH;
}

ALWAYS vec highest(vec so_far, const float *scores, int n)
{
    for (int j = 0; j < n; j += SIMD_WIDTH)
        so_far = vec_max(vec_load(scores + j), so_far);
    return so_far;
}

/* scores become e^(scale (score - top)), zero from `visible` on; sums them. */
ALWAYS vec weigh(vec sum, float *scores, int visible, int n, float scale, float top)
{
    for (int j = 0; j < n; j += SIMD_WIDTH)
        vec_store(scores + j, vec_exp((vec_load(scores + j) - vec_all(top)) * vec_all(scale)));
    fill(scores, visible, n, 0.0F);
    for (int j = 0; j < n; j += SIMD_WIDTH)
        sum += vec_load(scores + j);
    return sum;
}

/* sum[i] += scores[i] V for two vectors of V's columns. */
ALWAYS void mix(vec sum[SIMD_ROWS][2], const float *scores, int stride, const float *values,
                int values_stride, int n)
{
    for (int j = 0; j < n; j++) {
        const vec v0 = vec_load(values + (long)j * values_stride);
        const vec v1 = vec_load(values + (long)j * values_stride + SIMD_WIDTH);

        for (int i = 0; i < SIMD_ROWS; i++) {
            sum[i][0] += vec_all(scores[(long)i * stride + j]) * v0;
            sum[i][1] += vec_all(scores[(long)i * stride + j]) * v1;
        }
    }
}

/* saves: args->lse is wanted, too. Always SIMD_ROWS rows, repeating the last where there are fewer:
 * a single code path gives the same bits, and takes no longer than one row, which would wait for
 * its own sums. */
ALWAYS void attend_rows(const struct attend_args *args, bool saves)
{
    const int head = args->head, values_stride = simd_round(head), last = args->n_rows - 1;
    const int n_parent = args->parent ? args->parent->n : 0, own_at = simd_round(n_parent);
    const int n_own = args->causal ? args->visible + last : args->own->n;
    const int stride = own_at + simd_round(args->own->n);
    float *own_scores = args->scores + own_at;
    const float *q[SIMD_ROWS];
    float total[SIMD_ROWS];

    for (int i = 0; i < SIMD_ROWS; i++)
        q[i] = args->q + (long)(i < last ? i : last) * values_stride;
    if (n_parent)
        score(q, args->parent, n_parent, head, args->scores, stride);
    score(q, args->own, n_own, head, own_scores, stride);

    for (int i = 0; i < SIMD_ROWS; i++) {
        float *of_parent = args->scores + (long)i * stride, *of_own = own_scores + (long)i * stride;
        const int visible = args->causal ? args->visible + (i < last ? i : last) : n_own;
        vec v = vec_all(-INFINITY);
        float top;

        fill(of_parent, n_parent, whole_vectors(n_parent), -INFINITY);
        fill(of_own, visible, whole_vectors(n_own), -INFINITY);
        v = highest(v, of_parent, whole_vectors(n_parent));
        top = vec_highest(highest(v, of_own, whole_vectors(n_own)));
        v = weigh((vec){0}, of_parent, n_parent, whole_vectors(n_parent), args->scale, top);
        total[i] = vec_sum(weigh(v, of_own, visible, whole_vectors(n_own), args->scale, top));
        if (saves && i <= last)
            args->lse[i] = args->scale * top + logf(total[i]);
    }
    for (int d = 0; d < head; d += STRIP) {
        vec sum[SIMD_ROWS][2] = {0};

        if (n_parent)
            mix(sum, args->scores, stride, args->parent->values + d, values_stride, n_parent);
        mix(sum, own_scores, stride, args->own->values + d, values_stride, n_own);
        for (int i = 0; i <= last; i++) {
            vec_store(args->out + (long)i * values_stride + d, sum[i][0] / vec_all(total[i]));
            vec_store(args->out + (long)i * values_stride + d + SIMD_WIDTH,
                      sum[i][1] / vec_all(total[i]));
        }
    }
}

/* Compiled twice, so that serving does not test for lse at each row. */
static void attend(const struct attend_args *args)
{
    if (args->lse)
        attend_rows(args, true);
    else
        attend_rows(args, false);
}

/* Two passes over the row for mean and variance: a single pass suffers from cancellation. */
ALWAYS float row_mean(const float *x, int n)
{
    vec sum = {0};

    for (int i = 0; i < n; i += SIMD_WIDTH)
        sum += vec_load_part(x + i, n - i);
    return vec_sum(sum) / (float)n;
}

ALWAYS float row_variance(const float *x, float mean, int n)
{
    const int whole = n / SIMD_WIDTH * SIMD_WIDTH;
    vec sum = {0};
    float rest = 0;

    for (int i = 0; i < whole; i += SIMD_WIDTH) {
        const vec off = vec_load(x + i) - vec_all(mean);

        sum += off * off;
    }
    for (int i = whole; i < n; i++)
        rest += (x[i] - mean) * (x[i] - mean);
    return (vec_sum(sum) + rest) / (float)n;
}

static struct simd_norm add_norm(float *x, const float *delta, const float *gamma,
                                 const float *beta, float eps, int n)
{
    float mean, scale;

    if (delta)
        for (int i = 0; i < n; i += SIMD_WIDTH)
            vec_store_part(x + i, vec_load_part(x + i, n - i) + vec_load_part(delta + i, n - i),
                           n - i);
    if (!gamma)
        return (struct simd_norm){0};
    mean = row_mean(x, n);
    scale = 1.0F / sqrtf(row_variance(x, mean, n) + eps);
    for (int i = 0; i < n; i += SIMD_WIDTH) {
        const vec normal = (vec_load_part(x + i, n - i) - vec_all(mean)) * vec_all(scale);

        vec_store_part(x + i,
                       normal * vec_load_part(gamma + i, n - i) + vec_load_part(beta + i, n - i),
                       n - i);
    }
    return (struct simd_norm){mean, scale};
}

static float dot(const float *a, const float *b, int n)
{
    vec sum = {0};

    for (int i = 0; i < n; i += SIMD_WIDTH)
        sum += vec_load_part(a + i, n - i) * vec_load_part(b + i, n - i);
    return vec_sum(sum);
}

/* Plain loops: the compiler vectorises them. */
static void from_bf16(float *to, const bf16 *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = bf16_to_f32(from[i]);
}

static void to_bf16(bf16 *to, const float *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = bf16_from_f32(from[i]);
}

const struct simd SIMD_TABLE = {
    .name = SIMD_NAME,
    .pack = pack,
    .attend = attend,
    .add_norm = add_norm,
    .dot = dot,
    .from_bf16 = from_bf16,
    .to_bf16 = to_bf16,
};
