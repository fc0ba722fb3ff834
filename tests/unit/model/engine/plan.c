/* Tests of model/engine/plan.c. */
#include "model/engine/plan.h"

#include "base/rng.h"
#include "tests/test.h"

#define MAX_TOKENS 4096
#define MAX_JOBS 8

/* A batch, and its plan. */
struct made {
    struct input inputs[MAX_JOBS];
    struct engine_job jobs[MAX_JOBS], *list[MAX_JOBS];
    float logits[MAX_JOBS][MAX_TOKENS];
    int n, n_tokens, n_read;
    struct plan plan;
    void *memory;
};

static void drop_jobs(struct made *m)
{
    for (int i = 0; i < m->n; i++)
        input_release(&m->inputs[i]);
    m->n = m->n_tokens = m->n_read = 0;
}

static void made_release(struct made *m)
{
    drop_jobs(m);
    free(m->memory);
}

static struct input *add_job(struct made *m, int n_tokens, int n_segments)
{
    struct err err;
    struct input *in = &m->inputs[m->n];

    *in = (struct input){0};
    CHECK_OK(input_reserve(in, n_tokens, n_segments, &err), err);
    m->jobs[m->n] = (struct engine_job){.input = in, .out = m->logits[m->n]};
    m->list[m->n] = &m->jobs[m->n];
    m->n++;
    return in;
}

static void add_segment(struct made *m, struct input *in, int len, int parent, bool read)
{
    in->segments[in->n_segments++] =
        (struct segment){.start = in->n_tokens,
                         .len = len,
                         .parent = parent,
                         .position = parent >= 0 ? in->segments[parent].len : 0,
                         .read = read};
    for (int i = 0; i < len; i++) {
        in->ids[in->n_tokens] = m->n_tokens++; /* of the whole batch: each once */
        in->types[in->n_tokens++] = parent >= 0;
    }
    in->n_read += read;
    m->n_read += read;
}

static void add_family(struct made *m, int parent, int n, int len)
{
    struct input *in = add_job(m, parent + n * len, n + 1);

    add_segment(m, in, parent, -1, false);
    for (int i = 0; i < n; i++)
        add_segment(m, in, len, 0, true);
}

static void add_lone(struct made *m, int n, int len)
{
    struct input *in = add_job(m, n * len, n);

    for (int i = 0; i < n; i++)
        add_segment(m, in, len, -1, true);
}

static struct plan_limits limits_of(int slice_tokens, int threads)
{
    return (struct plan_limits){.max_batch_tokens = MAX_TOKENS,
                                .max_rows = MAX_TOKENS,
                                .max_segment_tokens = 512,
                                .slice_tokens = slice_tokens,
                                .max_slice_tokens = slice_tokens ? 512 : MAX_TOKENS,
                                .max_parent_tokens = 512,
                                .threads = threads,
                                .outside_parents = true};
}

/* The row of the batch's input that a planned row came from is its id; where it is read, its
 * job's float. */
static void check_segment(const struct made *m, const struct plan *plan, const struct plan_slice *s,
                          int i, bool *seen)
{
    const struct slice_segment *seg = &s->slice.segments[i];
    const int32_t *ids = s->slice.ids + seg->start;
    int job = 0, at = ids[0];
    const struct segment *from = NULL;
    int parent_id = -1;

    while (at >= m->inputs[job].n_tokens)
        at -= m->inputs[job++].n_tokens;
    for (int k = 0; k < m->inputs[job].n_segments; k++)
        if (m->inputs[job].segments[k].start == at)
            from = &m->inputs[job].segments[k];
    CHECK(from && from->len == seg->len);
    for (int t = 0; t < seg->len; t++) {
        CHECK_INT(ids[t], ids[0] + t);
        CHECK(!seen[ids[t]]);
        seen[ids[t]] = true;
        CHECK_INT(s->slice.positions[seg->start + t], from->position + t);
        CHECK_INT(s->slice.types[seg->start + t], from->parent >= 0);
    }
    CHECK(seg->parent < 0 || seg->outside_parent < 0);
    CHECK_INT(seg->parent >= 0 || seg->outside_parent >= 0, from->parent >= 0);
    if (seg->parent >= 0) {
        CHECK(seg->parent < i);
        parent_id = s->slice.ids[s->slice.segments[seg->parent].start];
    } else if (seg->outside_parent >= 0) {
        const struct outside_rows *rows = &s->outside[seg->outside_parent];
        CHECK(seg->outside_parent < s->slice.n_outside && s->parent >= 0);
        parent_id = plan->slices[s->parent].slice.ids[rows->start];
        CHECK_INT(rows->len, from->position);
    }
    if (from->parent >= 0)
        CHECK_INT(parent_id, ids[0] - from->start + m->inputs[job].segments[from->parent].start);
}

static void check_reads(const struct made *m, const struct plan *plan, const struct plan_slice *s)
{
    for (int r = 0; r < s->slice.n_read; r++) {
        int segment = s->slice.read_segments[r], job = 0, read = 0;
        int at = s->slice.ids[s->slice.read[r]];
        CHECK_INT(s->slice.read[r], s->slice.segments[segment].start);
        CHECK(r == 0 || s->slice.read[r] > s->slice.read[r - 1]);
        while (at >= m->inputs[job].n_tokens)
            at -= m->inputs[job++].n_tokens;
        for (int k = 0; m->inputs[job].segments[k].start != at; k++)
            read += m->inputs[job].segments[k].read;
        CHECK(plan->targets[s->first_read + r] == &m->logits[job][read]);
    }
}

static void check_plan(const struct made *m, const struct plan *plan)
{
    static bool seen[MAX_TOKENS];
    int n_read = 0, children[64] = {0};

    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < plan->n_slices; i++) {
        const struct plan_slice *s = &plan->slices[i];
        int at = 0;
        CHECK(s->slice.n_tokens >= 1 && s->slice.n_tokens <= plan->limits.max_slice_tokens);
        CHECK(s->parent < i);
        if (s->parent >= 0 && s->parent < 64)
            children[s->parent]++;
        for (int k = 0; k < s->slice.n_segments; k++) {
            CHECK_INT(s->slice.segments[k].start, at);
            at += s->slice.segments[k].len;
            check_segment(m, plan, s, k, seen);
        }
        CHECK_INT(at, s->slice.n_tokens);
        CHECK_INT(s->first_read, n_read);
        check_reads(m, plan, s);
        n_read += s->slice.n_read;
    }
    for (int i = 0; i < plan->n_slices && i < 64; i++)
        CHECK_INT(plan->slices[i].n_children, children[i]);
    CHECK_INT(n_read, m->n_read);
    CHECK_INT(plan->n_read, m->n_read);
}

static void build(struct made *m, struct plan_limits limits)
{
    free(m->memory);
    m->memory = aligned_alloc(64, plan_bytes(&limits));
    CHECK(m->memory != NULL);
    plan_init(&m->plan, &limits, m->memory);
    plan_build(&m->plan, m->list, m->n, 1);
    check_plan(m, &m->plan);
}

static int largest(const struct plan *plan)
{
    int most = 0;

    for (int i = 0; i < plan->n_slices; i++)
        if (plan->slices[i].slice.n_tokens > most)
            most = plan->slices[i].slice.n_tokens;
    return most;
}

/* Lone segments of 20 tokens; 256 rows a slice. */
TEST(plan__cuts_lone_segments_evenly_among_threads)
{
    static const struct {
        const char *name;
        int segments, threads, slices, largest;
    } rows[] = {
        {"8 slices of 250, in steps of 20", 100, 1, 8, 260},
        {"every thread of a small batch has a share", 10, 2, 2, 100},
        {"but none that is too small to be worth it", 10, 8, 4, 60},
        {"5 slices of one thread", 64, 1, 5, 260},
        {"of two: the fifth would run alone", 64, 2, 6, 260},
        {"of three", 64, 3, 6, 260},
        {"of four", 64, 4, 8, 260},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct made m AT_END(made_release) = {0};
        test_row("%s", rows[i].name);
        add_lone(&m, rows[i].segments, 20);
        build(&m, limits_of(256, rows[i].threads));
        CHECK_INT(m.plan.n_slices, rows[i].slices);
        CHECK(largest(&m.plan) <= rows[i].largest);
    }
}

TEST(plan__keeps_a_small_family_together)
{
    struct made m AT_END(made_release) = {0};

    add_family(&m, 60, 10, 16);
    add_family(&m, 30, 10, 16);
    build(&m, limits_of(256, 1));
    CHECK_INT(m.plan.n_slices, 2);
    CHECK_INT(m.plan.slices[0].parent, -1);
    CHECK_INT(m.plan.slices[0].slice.n_segments, 11);
    CHECK_INT(m.plan.slices[0].slice.n_outside, 0);
}

TEST(plan__cuts_a_large_family_from_its_parent)
{
    struct made m AT_END(made_release) = {0};
    const struct plan_slice *slices;

    add_family(&m, 64, 100, 16);
    build(&m, limits_of(256, 2));
    slices = m.plan.slices;
    CHECK_INT(slices[0].slice.n_tokens, 64);
    CHECK_INT(slices[0].slice.n_read, 0);
    CHECK_INT(slices[0].n_children, 8); /* 7 would do: one thread would wait for the other */
    CHECK_INT(m.plan.n_slices, 9);
    CHECK(largest(&m.plan) <= 256);
    for (int i = 1; i < m.plan.n_slices; i++) {
        CHECK_INT(slices[i].parent, 0);
        CHECK_INT(slices[i].slice.n_outside, 1);
    }
}

TEST(plan__puts_small_parents_into_one_slice)
{
    struct made m AT_END(made_release) = {0};

    for (int i = 0; i < 5; i++)
        add_family(&m, 20, 30, 16);
    build(&m, limits_of(256, 2));
    CHECK_INT(m.plan.slices[0].slice.n_segments, 3); /* 60 rows; a fourth would make 80 */
    CHECK(m.plan.slices[1].slice.n_outside >= 1);
}

TEST(plan__leaves_out_what_nobody_reads)
{
    struct made m AT_END(made_release) = {0};

    add_family(&m, 64, 0, 1);
    build(&m, limits_of(256, 1));
    CHECK_INT(m.plan.n_slices, 0);
}

TEST(plan__is_one_slice_where_the_backend_takes_the_whole)
{
    struct made m AT_END(made_release) = {0};

    add_family(&m, 64, 50, 16);
    add_lone(&m, 50, 20);
    build(&m, limits_of(0, 4));
    CHECK_INT(m.plan.n_slices, 1);
    CHECK_INT(m.plan.slices[0].slice.n_tokens, 64 + 50 * 16 + 50 * 20);
}

TEST(plan__keeps_families_whole_without_outside_parents)
{
    struct plan_limits limits = limits_of(256, 2);
    struct made m AT_END(made_release) = {0};

    limits.outside_parents = false;
    limits.max_slice_tokens = MAX_TOKENS;
    add_family(&m, 64, 50, 16);
    add_lone(&m, 20, 20);
    build(&m, limits);
    for (int i = 0; i < m.plan.n_slices; i++)
        CHECK_INT(m.plan.slices[i].slice.n_outside, 0);
}

/* Segments of 1 to 512 tokens, one token each, parents of all sizes: the checks of check_plan
 * hold for all. */
TEST(plan__holds_for_random_batches)
{
    static struct made m;
    struct rng rng;

    rng_init(&rng, 1);
    for (int round = 0; round < 300; round++) {
        while (m.n < MAX_JOBS) {
            int len = 1 + (int)rng_below(&rng, rng_below(&rng, 4) ? 24 : 400);
            int parent = 1 + (int)rng_below(&rng, 512 - (uint64_t)len);
            int room = MAX_TOKENS - m.n_tokens;
            int n = (int)rng_below(&rng, 60);
            if (rng_below(&rng, 2) && parent + n * len <= room)
                add_family(&m, parent, n, len);
            else if (n && n * len <= room)
                add_lone(&m, n, len);
            else if (room < 600)
                break;
        }
        if (round == 0)
            build(&m, limits_of(256, 3));
        plan_build(&m.plan, m.list, m.n, 1); /* again, over what is left of the last */
        check_plan(&m, &m.plan);
        drop_jobs(&m);
    }
    made_release(&m);
}
