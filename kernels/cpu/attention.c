/*
 * Attention over packed segments with parents. Heads are the outer loop: a parent's keys and values
 * are packed once per head and used for all of its consecutive children.
 */
#include <math.h>
#include <string.h>

#include "base/bug.h"
#include "kernels/cpu/cpu.h"

/* The rows that a panel holds. */
struct source {
    const void *qkv; /* first row of the segment, (len, 3H) operands; NULL: none */
    int len;
};

/* Queries of one segment: rows [first, first + n) of it become rows [out, out + n) of the
 * result. */
struct queries {
    int segment, first, n, out;
};

static const void *slice_row(const struct lane *lane, const struct attention_args *args, int row)
{
    return (const char *)args->qkv + lane_operands(lane, (size_t)row * 3 * (size_t)args->hidden);
}

static struct source own_of(const struct lane *lane, const struct attention_args *args, int segment)
{
    const struct slice_segment *s = &lane->slice->segments[segment];

    return (struct source){slice_row(lane, args, s->start), s->len};
}

static struct source parent_of(const struct lane *lane, const struct attention_args *args,
                               int segment)
{
    const struct slice_segment *s = &lane->slice->segments[segment];

    if (s->parent >= 0)
        return own_of(lane, args, s->parent);
    if (s->outside_parent >= 0) {
        const struct outside_parent *outside = &args->outside[s->outside_parent];

        BUG_ON(outside->len > lane->max_tokens);
        return (struct source){outside->qkv, outside->len};
    }
    return (struct source){NULL, 0};
}

static void pack(const struct lane *lane, const struct attention_args *args,
                 struct simd_panel *panel, struct source from, int head)
{
    const int d = args->hidden / args->heads, stride = 3 * args->hidden;
    const size_t k_at = (size_t)(args->hidden + head * d), v_at = k_at + (size_t)args->hidden;
    const struct simd *simd = lane->session->simd;

    if (lane->session->caps.precision == PRECISION_F32) {
        const float *rows = from.qkv;

        simd->pack(panel, rows + k_at, rows + v_at, from.len, d, stride);
        return;
    }
    for (int j = 0; j < from.len; j++) {
        const bf16 *row = (const bf16 *)from.qkv + (size_t)j * (size_t)stride;

        simd->from_bf16(lane->gathered_k + (size_t)j * (size_t)d, row + k_at, d);
        simd->from_bf16(lane->gathered_v + (size_t)j * (size_t)d, row + v_at, d);
    }
    simd->pack(panel, lane->gathered_k, lane->gathered_v, from.len, d, d);
}

/* Up to SIMD_ROWS queries, from operands to operands. */
static void attend(const struct lane *lane, const struct attention_args *args,
                   struct attend_args *a, const void *first_row, int head, int out)
{
    const size_t rounded = (size_t)simd_round(a->head);
    const size_t hidden = (size_t)args->hidden, at = (size_t)head * (size_t)a->head;

    for (int i = 0; i < a->n_rows; i++) {
        const char *row =
            (const char *)first_row + lane_operands(lane, (size_t)i * 3 * hidden + at);
        float *room = lane->queries + (size_t)i * rounded;
        const float *q = lane_widen(lane, row, room, a->head);

        if (q != room)
            memcpy(room, q, (size_t)a->head * sizeof(*q));
    }
    lane->session->simd->attend(a);
    for (int i = 0; i < a->n_rows && a->lse; i++)
        args->lse[(size_t)(out + i) * (size_t)args->heads + (size_t)head] = a->lse[i];
    for (int i = 0; i < a->n_rows; i++)
        lane_narrow(lane, (char *)args->out + lane_operands(lane, (size_t)(out + i) * hidden + at),
                    a->out + (size_t)i * rounded, a->head);
}

static void attend_segment(const struct lane *lane, const struct attention_args *args,
                           struct queries queries, bool has_parent, int head)
{
    const int start = lane->slice->segments[queries.segment].start;
    float lse[SIMD_ROWS];
    struct attend_args a = {
        .parent = has_parent ? &lane->parent : NULL,
        .own = &lane->own,
        .head = args->hidden / args->heads,
        .causal = args->causal,
        .q = lane->queries,
        .scores = lane->scores,
        .out = lane->mixed,
        .lse = args->lse ? lse : NULL,
    };

    a.scale = 1.0F / sqrtf((float)a.head);
    for (int i = 0; i < queries.n; i += SIMD_ROWS) {
        a.n_rows = queries.n - i < SIMD_ROWS ? queries.n - i : SIMD_ROWS;
        a.visible = queries.first + i + 1;
        attend(lane, args, &a, slice_row(lane, args, start + queries.first + i), head,
               queries.out + i);
    }
}

static struct queries queries_at(const struct slice *slice, bool read_only, int i)
{
    if (read_only) {
        const int segment = slice->read_segments[i];

        return (struct queries){segment, slice->read[i] - slice->segments[segment].start, 1, i};
    }
    return (struct queries){i, 0, slice->segments[i].len, slice->segments[i].start};
}

int cpu_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    const int n = args->read_only ? slice->n_read : slice->n_segments;

    (void)err;
    BUG_ON(args->hidden % args->heads != 0 || args->hidden > lane->max_hidden);
    for (int head = 0; head < args->heads; head++) {
        const void *packed = NULL; /* the parent that lane->parent holds */

        for (int i = 0; i < n; i++) {
            const struct queries queries = queries_at(slice, args->read_only, i);
            const struct source parent = parent_of(lane, args, queries.segment);

            if (parent.qkv && parent.qkv != packed) {
                pack(lane, args, &lane->parent, parent, head);
                packed = parent.qkv;
            }
            pack(lane, args, &lane->own, own_of(lane, args, queries.segment), head);
            attend_segment(lane, args, queries, parent.qkv != NULL, head);
        }
    }
    return 0;
}
