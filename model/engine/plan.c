/* A batch cut into slices. */
#include "model/engine/plan.h"

#include <string.h>

#include "base/bug.h"
#include "base/carve.h"

/* A segment of the batch, with its children as a list. */
struct plan_unit {
    const struct input *input;
    const struct segment *segment;
    float *target;                             /* its outputs, NULL when it is not read */
    int first_child, last_child, next_sibling; /* units, -1: none */
    int child_tokens;
    int place;  /* its segment in its slice */
    int start;  /* its first row there */
    bool apart; /* its children are in other slices */
};

/* Bytes of the arrays. Places them in memory unless that is NULL. */
static size_t place(struct plan *plan, void *memory)
{
    size_t n = (size_t)plan->limits.max_rows;
    const struct carve_part parts[] = {
        {&plan->ids, n * sizeof(*plan->ids)},
        {&plan->types, n * sizeof(*plan->types)},
        {&plan->positions, n * sizeof(*plan->positions)},
        {&plan->segments, n * sizeof(*plan->segments)},
        {&plan->read, n * sizeof(*plan->read)},
        {&plan->read_segments, n * sizeof(*plan->read_segments)},
        {&plan->slices, n * sizeof(*plan->slices)},
        {&plan->targets, n * sizeof(*plan->targets)},
        {&plan->outside, n * sizeof(*plan->outside)},
        {&plan->units, n * sizeof(*plan->units)},
    };

    return carve(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

size_t plan_bytes(const struct plan_limits *limits)
{
    struct plan plan = {.limits = *limits};

    return place(&plan, NULL);
}

void plan_init(struct plan *plan, const struct plan_limits *limits, void *memory)
{
    *plan = (struct plan){.limits = *limits};
    place(plan, memory);
}

/* ---- units ----------------------------------------------------------------------------------- */

static void adopt(struct plan *plan, int parent, int child)
{
    struct plan_unit *p = &plan->units[parent];

    if (p->first_child < 0)
        p->first_child = child;
    else
        plan->units[p->last_child].next_sibling = child;
    p->last_child = child;
    p->child_tokens += plan->units[child].segment->len;
}

static void add_units(struct plan *plan, const struct engine_job *job, int width)
{
    const struct input *input = job->input;
    int base = plan->n_units, n_read = 0;

    BUG_ON(plan->n_units + input->n_segments > plan->limits.max_batch_tokens);
    for (int i = 0; i < input->n_segments; i++) {
        const struct segment *s = &input->segments[i];
        BUG_ON(s->len < 1 || s->parent >= i ||
               s->position + s->len > plan->limits.max_segment_tokens);
        plan->units[plan->n_units] = (struct plan_unit){
            .input = input,
            .segment = s,
            .target = s->read ? job->out + (ptrdiff_t)width * n_read++ : NULL,
            .first_child = -1,
            .last_child = -1,
            .next_sibling = -1,
        };
        if (s->parent >= 0)
            adopt(plan, base + s->parent, plan->n_units);
        plan->n_units++;
    }
}

static bool is_root(const struct plan_unit *u)
{
    return u->segment->parent < 0 && (u->target || u->first_child >= 0);
}

static int family_tokens(const struct plan_unit *u)
{
    return u->segment->len + u->child_tokens;
}

/* ---- writing slices -------------------------------------------------------------------------- */

static struct plan_slice *slice_begin(struct plan *plan, int parent)
{
    struct plan_slice *s = &plan->slices[plan->n_slices++];

    *s = (struct plan_slice){
        .slice = {.ids = plan->ids + plan->n_tokens,
                  .types = plan->types + plan->n_tokens,
                  .positions = plan->positions + plan->n_tokens,
                  .segments = plan->segments + plan->n_segments,
                  .read = plan->read + plan->n_read,
                  .read_segments = plan->read_segments + plan->n_read},
        .outside = plan->outside + plan->n_outside,
        .parent = parent,
        .first_read = plan->n_read,
    };
    if (parent >= 0)
        plan->slices[parent].n_children++;
    return s;
}

static void add_tokens(struct plan *plan, const struct plan_unit *u)
{
    const struct segment *from = u->segment;
    size_t bytes = (size_t)from->len * sizeof(int32_t);

    BUG_ON(plan->n_tokens + from->len > plan->limits.max_batch_tokens);
    memcpy(plan->ids + plan->n_tokens, u->input->ids + from->start, bytes);
    memcpy(plan->types + plan->n_tokens, u->input->types + from->start, bytes);
    for (int i = 0; i < from->len; i++)
        plan->positions[plan->n_tokens + i] = from->position + i;
    plan->n_tokens += from->len;
}

static void add_read(struct plan *plan, struct plan_slice *s, float *target)
{
    plan->read[plan->n_read] = s->slice.n_tokens;
    plan->read_segments[plan->n_read] = s->slice.n_segments;
    plan->targets[plan->n_read++] = target;
    s->slice.n_read++;
}

/* parent: a segment of this slice; outside: an entry of s->outside; -1 where there is none. */
static void add_segment(struct plan *plan, struct plan_slice *s, struct plan_unit *u, int parent,
                        int outside)
{
    u->place = s->slice.n_segments;
    u->start = s->slice.n_tokens;
    plan->segments[plan->n_segments++] = (struct slice_segment){.start = s->slice.n_tokens,
                                                                .len = u->segment->len,
                                                                .parent = parent,
                                                                .outside_parent = outside};
    if (u->target)
        add_read(plan, s, u->target);
    add_tokens(plan, u);
    s->slice.n_segments++;
    s->slice.n_tokens += u->segment->len;
}

static void add_family(struct plan *plan, struct plan_slice *s, struct plan_unit *u)
{
    add_segment(plan, s, u, -1, -1);
    for (int c = u->first_child; c >= 0; c = plan->units[c].next_sibling)
        add_segment(plan, s, &plan->units[c], u->place, -1);
}

/* ---- cutting --------------------------------------------------------------------------------- */

/* A total cut into n slices as evenly as whole segments allow. */
struct cut {
    int total, n;             /* rows, slices */
    int done;                 /* rows that are placed */
    struct plan_slice *slice; /* the one that is being filled */
    int nth;
};

static struct cut cut_into(int total, int target)
{
    return (struct cut){.total = total, .n = (total + target - 1) / target, .nth = -1};
}

/* The slice that the next rows go to: a new one when the old is nearer to its share without
 * them. */
static struct plan_slice *cut_next(struct plan *plan, struct cut *cut, int parent, int rows)
{
    int64_t share = (int64_t)(cut->nth + 1) * cut->total; /* of all slices so far, times n */
    bool full =
        cut->slice && cut->nth + 1 < cut->n && (2 * (int64_t)cut->done + rows) * cut->n > 2 * share;

    if (!cut->slice || full || cut->slice->slice.n_tokens + rows > plan->limits.max_slice_tokens) {
        cut->slice = slice_begin(plan, parent);
        cut->nth++;
    }
    cut->done += rows;
    return cut->slice;
}

/* Families that stay together, and single segments. */
static void cut_together(struct plan *plan, int target)
{
    struct cut cut;
    int total = 0;

    for (int i = 0; i < plan->n_units; i++)
        if (is_root(&plan->units[i]) && !plan->units[i].apart)
            total += family_tokens(&plan->units[i]);
    cut = cut_into(total, target);
    for (int i = 0; i < plan->n_units; i++) {
        struct plan_unit *u = &plan->units[i];
        struct plan_slice *s;
        if (!is_root(u) || u->apart)
            continue;
        s = cut_next(plan, &cut, -1, family_tokens(u));
        add_family(plan, s, u);
        BUG_ON(s->slice.n_tokens > plan->limits.max_slice_tokens);
    }
}

/* The slices of one group of parents' children: units [from, to) that are apart, whose parents
 * are in slice parent. A slice names each parent that it needs once. */
static void cut_children(struct plan *plan, int from, int to, int parent, int target)
{
    struct plan_slice *s = NULL;
    struct cut cut;
    int total = 0;

    for (int i = from; i < to; i++)
        total += plan->units[i].apart ? plan->units[i].child_tokens : 0;
    cut = cut_into(total, target);
    for (int i = from; i < to; i++) {
        const struct plan_unit *u = &plan->units[i];
        bool named = false;
        for (int c = u->apart ? u->first_child : -1; c >= 0; c = plan->units[c].next_sibling) {
            struct plan_unit *child = &plan->units[c];
            struct plan_slice *last = s;
            s = cut_next(plan, &cut, parent, child->segment->len);
            if (s != last || !named) {
                plan->outside[plan->n_outside++] = (struct outside_rows){u->start, u->segment->len};
                s->slice.n_outside++;
                named = true;
            }
            add_segment(plan, s, child, -1, s->slice.n_outside - 1);
        }
    }
}

/* Families that are cut apart, in groups: parents of together PLAN_MIN_TOKENS rows share a
 * slice. */
static void cut_apart(struct plan *plan, int target)
{
    int i = 0;

    while (i < plan->n_units) {
        struct plan_slice *s = NULL;
        int from = i, parent = plan->n_slices;
        for (; i < plan->n_units; i++) {
            struct plan_unit *u = &plan->units[i];
            if (!u->apart)
                continue;
            if (s && s->slice.n_tokens + u->segment->len > PLAN_MIN_TOKENS)
                break;
            if (!s)
                s = slice_begin(plan, -1);
            add_segment(plan, s, u, -1, -1);
        }
        if (s)
            cut_children(plan, from, i, parent, target);
    }
}

/* Rows per slice: fewer than slice_tokens where the number of slices would not be a multiple of the
 * threads, which would leave some idle. */
static int choose_target(const struct plan *plan, int tokens)
{
    int target = plan->limits.slice_tokens, threads = plan->limits.threads;
    int n, share;

    if (!target)
        return plan->limits.max_batch_tokens;
    n = (tokens + target - 1) / target;
    if (n > threads && n % threads == 0)
        return target;
    n = (n + threads - 1) / threads * threads;
    share = n ? (tokens + n - 1) / n : 0;
    return share < PLAN_MIN_TOKENS ? PLAN_MIN_TOKENS : share;
}

void plan_build(struct plan *plan, struct engine_job *const *jobs, int n_jobs, int width)
{
    int tokens = 0, target;

    plan->n_slices = plan->n_read = plan->n_tokens = plan->n_segments = 0;
    plan->n_outside = plan->n_units = 0;
    for (int j = 0; j < n_jobs; j++) {
        add_units(plan, jobs[j], width);
        tokens += jobs[j]->input->n_tokens;
    }
    BUG_ON(tokens > plan->limits.max_batch_tokens);
    target = choose_target(plan, tokens);
    for (int i = 0; i < plan->n_units; i++) {
        struct plan_unit *u = &plan->units[i];
        u->apart = is_root(u) && u->first_child >= 0 && plan->limits.slice_tokens &&
                   plan->limits.outside_parents && family_tokens(u) > target &&
                   u->segment->len <= plan->limits.max_parent_tokens;
    }
    cut_apart(plan, target);
    cut_together(plan, target);
}
