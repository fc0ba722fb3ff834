/*
 * Slices of random batches, by several threads: every child's logit is, to the bit, the one it gets
 * when it and its parent are all there is. New tokens every round, so that what an earlier batch
 * left behind is wrong.
 */
#include "base/rng.h"
#include "tests/unit/model/engine/engine_fixture.h"

#define MAX_JOBS 12
#define MAX_CHILDREN 80

static void add_segment(struct input *in, struct rng *rng, int len, int parent)
{
    in->segments[in->n_segments++] =
        (struct segment){.start = in->n_tokens,
                         .len = len,
                         .parent = parent,
                         .position = parent >= 0 ? in->segments[parent].len : 0,
                         .read = parent >= 0};
    for (int i = 0; i < len; i++) {
        in->ids[in->n_tokens] = (int32_t)rng_below(rng, 200);
        in->types[in->n_tokens++] = parent >= 0;
    }
    in->n_read += parent >= 0;
}

/* Small parents share a slice of parents, large ones have their own; some families fit one
 * slice. */
static void random_family(struct input *in, struct rng *rng)
{
    int parent = 1 + (int)rng_below(rng, rng_below(rng, 2) ? 30 : 100);
    int n = 1 + (int)rng_below(rng, rng_below(rng, 3) ? MAX_CHILDREN : 4);
    struct err err;

    CHECK_OK(input_reserve(in, parent + n * 20, n + 1, &err), err);
    add_segment(in, rng, parent, -1);
    for (int i = 0; i < n; i++)
        add_segment(in, rng, 1 + (int)rng_below(rng, 20), 0);
}

static void score(struct opened *o, struct input *inputs, float (*logits)[MAX_CHILDREN], int n)
{
    struct engine_job jobs[MAX_JOBS], *list[MAX_JOBS];
    struct engine_batch batch = {.jobs = list, .n_jobs = n};
    struct err err;

    for (int i = 0; i < n; i++) {
        jobs[i] = (struct engine_job){.input = &inputs[i], .out = logits[i]};
        list[i] = &jobs[i];
    }
    CHECK_OK(engine_run(o->engine, &batch, &err), err);
    CHECK_INT(batch.status, BATCH_OK);
}

/* Child c of the family and its parent, nothing else. */
static float score_alone(struct opened *o, const struct input *family, int c)
{
    const struct segment *parent = &family->segments[0], *child = &family->segments[c + 1];
    struct input in = {0};
    float logits[1][MAX_CHILDREN];
    struct err err;

    CHECK_OK(input_reserve(&in, parent->len + child->len, 2, &err), err);
    memcpy(in.ids, family->ids, (size_t)parent->len * sizeof(int32_t));
    memcpy(in.types, family->types, (size_t)parent->len * sizeof(int32_t));
    memcpy(in.ids + parent->len, family->ids + child->start, (size_t)child->len * sizeof(int32_t));
    memcpy(in.types + parent->len, family->types + child->start,
           (size_t)child->len * sizeof(int32_t));
    in.segments[0] = *parent;
    in.segments[1] = *child;
    in.segments[1].start = parent->len;
    in.n_tokens = parent->len + child->len;
    in.n_segments = 2;
    in.n_read = 1;
    score(o, &in, logits, 1);
    input_release(&in);
    return logits[0][0];
}

TEST(launch__children_see_their_own_parent_wherever_it_is_computed)
{
    static struct input inputs[MAX_JOBS];
    static float logits[MAX_JOBS][MAX_CHILDREN];
    struct opened alone;
    struct rng rng;

    opened_init(&alone, "cpu", "", 1);
    for (int threads = 1; threads <= 4; threads++) {
        struct opened o;
        opened_init(&o, "cpu", "", threads);
        rng_init(&rng, (uint64_t)threads);
        for (int round = 0; round < 8; round++) {
            int n = 1 + (int)rng_below(&rng, MAX_JOBS), tokens = 0, used = 0;
            test_row("%d threads, round %d", threads, round);
            for (int i = 0; i < n && tokens < 6000; i++, used++) {
                random_family(&inputs[i], &rng);
                tokens += inputs[i].n_tokens;
            }
            score(&o, inputs, logits, used);
            for (int i = 0; i < used; i++)
                for (int c = 0; c < inputs[i].n_read; c += 7)
                    CHECK(logits[i][c] == score_alone(&alone, &inputs[i], c));
        }
        opened_release(&o);
    }
    for (int i = 0; i < MAX_JOBS; i++)
        input_release(&inputs[i]);
    opened_release(&alone);
}
