/* The cost function: what counts on several threads, and the fit, on made-up timings. */
#include "model/engine/cost.h"

#include "base/rng.h"
#include "tests/test.h"

/* n segments of len tokens, with a parent or none. */
static struct input_shape shape_of(int64_t n, int64_t len, int64_t parent)
{
    return (struct input_shape){
        .tokens = parent + n * len,
        .attention = parent * parent + n * len * (len + parent),
        .segments = n + (parent > 0),
        .parents = parent > 0,
        .parent_tokens = parent,
        .chain_tokens = parent + len,
        .chain_attention = parent * parent + len * (len + parent),
    };
}

static double us_of(const struct engine_cost *cost, struct input_shape shape)
{
    return engine_cost_us(cost, &shape, 1);
}

static const struct input_shape none = {0};

/* ---- the function ---------------------------------------------------------------------------- */

TEST(cost__adds_its_terms_on_one_thread)
{
    static const double lanes[] = {0, 1};

    for (int i = 0; i < 2; i++) {
        struct engine_cost cost = {100, 2, 0.5, 7, lanes[i], {0}};
        CHECK_NEAR(us_of(&cost, shape_of(3, 4, 10)),
                   100 + 2 * 22 + 0.5 * (10 * 10 + 3 * 4 * 14) + 7 * 4, 1e-9);
        CHECK_NEAR(us_of(&cost, none), 100, 1e-9);
    }
}

/* In tokens of the thread that finishes last. */
TEST(cost__follows_the_longest_way_through_the_threads)
{
    static const struct {
        const char *name;
        int n, len, parent;
        double lanes, tokens;
    } rows[] = {
        {"shared evenly", 100, 80, 0, 2, 4000},
        {"by four", 100, 80, 0, 4, 2000},
        {"one segment is not shared", 1, 200, 0, 2, 200},
        {"two of them are", 2, 200, 0, 2, 200},
        {"three: the even share", 3, 200, 0, 2, 300},
        {"too few rows to be shared", 3, 20, 0, 2, 60},
        {"by many threads: no slice is that small", 50, 4, 0, 8, 64},
        {"a parent comes first", 100, 16, 64, 2, 64 + 800},
        {"and all others wait for it", 100, 16, 64, 8, 64 + 200},
        {"few children: in one slice after it", 3, 20, 64, 4, 64 + 60},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct engine_cost cost = {.per_token_us = 1, .lanes = rows[i].lanes};
        test_row("%s", rows[i].name);
        CHECK_NEAR(us_of(&cost, shape_of(rows[i].n, rows[i].len, rows[i].parent)), rows[i].tokens,
                   1e-9);
    }
}

/* As many families as threads: none waits for a parent. */
TEST(cost__of_several_families_hides_their_parents)
{
    struct engine_cost cost = {.per_token_us = 1, .lanes = 4};
    struct input_shape one = shape_of(40, 16, 64), all = none;
    static const double waits[] = {64 * 0.75, 64 * 0.5, 64 * 0.25, 0, 0};

    for (int n = 1; n <= 5; n++) {
        input_shape_add(&all, &one);
        test_row("%d", n);
        CHECK_NEAR(us_of(&cost, all), n * 704 / 4.0 + waits[n - 1], 1e-9);
    }
}

TEST(cost__counts_the_attention_and_segments_of_the_longest_way)
{
    struct engine_cost attention = {.per_attention_us = 1, .lanes = 2};
    struct engine_cost segments = {.per_segment_us = 1, .lanes = 2};

    CHECK_NEAR(us_of(&attention, shape_of(1, 200, 0)), 200 * 200, 1e-6);
    CHECK_NEAR(us_of(&attention, shape_of(100, 80, 0)), 50 * 80 * 80, 1e-6);
    CHECK_NEAR(us_of(&attention, shape_of(100, 16, 64)), 64 * 64 + 50 * 16 * 80, 1e-6);
    CHECK_NEAR(us_of(&segments, shape_of(1000, 1, 0)), 500, 1e-9);
}

TEST(cost__of_more_batches_repeats_what_is_fixed)
{
    struct engine_cost cost = {.fixed_us = 100, .per_token_us = 1, .lanes = 2};
    struct input_shape shape = shape_of(200, 80, 0);

    CHECK_NEAR(engine_cost_us(&cost, &shape, 4), 4 * 100 + 8000, 1e-9);
}

/* A batch that has grown does not count less tokens. (Its segments may count for less: what was one
 * slice is now spread.) */
TEST(cost__grows_with_the_batch)
{
    struct engine_cost cost = {.fixed_us = 50, .per_token_us = 1};
    struct rng rng;

    rng_init(&rng, 5);
    for (int round = 0; round < 2000; round++) {
        struct input_shape all = none;
        double last = 0;
        cost.lanes = 1 + 15 * rng_double(&rng);
        for (int i = 0; i < 6; i++) {
            int parent = rng_below(&rng, 2) ? 64 : 0; /* of one model: about alike */
            struct input_shape more =
                shape_of(1 + (int)rng_below(&rng, 40), 1 + (int)rng_below(&rng, 60), parent);
            input_shape_add(&all, &more);
            double us = us_of(&cost, all);
            test_row("%d: %lld tokens on %g", round, (long long)all.tokens, cost.lanes);
            CHECK(us >= last);
            last = us;
        }
    }
}

/* ---- the fit --------------------------------------------------------------------------------- */

/* What an engine would measure: n of these. */
static int sample(struct cost_sample *out, int n, const struct engine_cost *cost, double noise)
{
    static const int shapes[COST_MAX_SAMPLES][3] = {
        {1, 19, 0},  {1, 37, 0},    {32, 1, 0},  {4, 16, 0},   {1, 75, 0},   {8, 16, 0},
        {1, 131, 0}, {128, 1, 0},   {16, 16, 0}, {1, 250, 0},  {24, 16, 60}, {500, 1, 0},
        {12, 80, 0}, {100, 16, 60}, {8, 215, 0}, {250, 16, 90}};
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < n; i++) {
        out[i].shape = shape_of(shapes[i][0], shapes[i][1], shapes[i][2]);
        out[i].us = us_of(cost, out[i].shape) * (1 + noise * (2 * rng_double(&rng) - 1));
    }
    return n;
}

static const struct engine_cost costs[] = {
    {50, 10, 0.02, 4, 1, {0}}, {0, 3, 0.1, 0, 1, {0}},    {200, 0, 0.5, 1, 1, {0}},
    {5000, 0, 0, 0, 1, {0}},   {0, 7, 0, 0, 1, {0}},      {30, 2.5, 0, 9, 1, {0}},
    {0, 0, 0, 3, 1, {0}},      {50, 10, 0.02, 4, 2, {0}}, {2000, 90, .05, 40, 2, {0}},
    {20, 2, 0, 3, 8, {0}},     {20, 2, 0.01, 0, 16, {0}}};
enum { COSTS = sizeof(costs) / sizeof(costs[0]) };

TEST(cost__finds_the_terms_again)
{
    for (int i = 0; i < COSTS; i++) {
        const struct engine_cost *want = &costs[i];
        struct cost_sample samples[COST_MAX_SAMPLES];
        struct engine_cost got;
        test_row("%g %g %g %g %g", want->fixed_us, want->per_token_us, want->per_attention_us,
                 want->per_segment_us, want->lanes);
        sample(samples, COST_MAX_SAMPLES, want, 0);
        cost_fit(samples, COST_MAX_SAMPLES, (int)want->lanes, &got);
        CHECK_NEAR(got.lanes, want->lanes, 1e-9);
        CHECK_NEAR(got.fixed_us, want->fixed_us, 1e-6 * (1 + want->fixed_us));
        CHECK_NEAR(got.per_token_us, want->per_token_us, 1e-6 * (1 + want->per_token_us));
        CHECK_NEAR(got.per_attention_us, want->per_attention_us, 1e-6);
        CHECK_NEAR(got.per_segment_us, want->per_segment_us, 1e-6 * (1 + want->per_segment_us));
    }
}

/* Two threads that share a core do less than twice the work of one. */
TEST(cost__finds_how_much_the_threads_do_together)
{
    struct engine_cost want = {300, 20, 0.02, 5, 1.5, {0}}, got;
    struct cost_sample samples[COST_MAX_SAMPLES];

    sample(samples, COST_MAX_SAMPLES, &want, 0);
    cost_fit(samples, COST_MAX_SAMPLES, 2, &got);
    CHECK_NEAR(got.lanes, 1.5, 0.03);
    for (int i = 0; i < COST_MAX_SAMPLES; i++)
        CHECK_NEAR(us_of(&got, samples[i].shape) / samples[i].us, 1, 0.03);
}

TEST(cost__a_batch_costs_its_rung)
{
    static const struct {
        int tokens, batches;
        double us;
    } rows[] = {
        {1, 1, 266},
        {256, 1, 266},
        {257, 1, 394},
        {384, 1, 394},
        {512, 2, 532},
        {513, 2, 2 * 394},
        {1000, 1, 1010} /* above the top */,
    };
    const struct engine_cost cost = {.fixed_us = 10,
                                     .per_token_us = 1,
                                     .lanes = 1,
                                     .ladder = {.n = 3, .tokens = {256, 384, 512}}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct input_shape shape = {.tokens = rows[i].tokens};
        test_row("%d tokens, %d batches", rows[i].tokens, rows[i].batches);
        CHECK_NEAR(engine_cost_us(&cost, &shape, rows[i].batches), rows[i].us, 1e-9);
    }
}

/* Each timing off by up to a tenth: every shape, and ones that are far from the samples, are still
 * predicted within that. */
TEST(cost__is_not_upset_by_noise)
{
    static const int others[][3] = {{100, 80, 0}, {1, 200, 0}, {1000, 1, 0}, {100, 16, 64}};

    for (int i = 0; i < COSTS; i++) {
        struct cost_sample samples[COST_MAX_SAMPLES];
        struct engine_cost got;
        sample(samples, COST_MAX_SAMPLES, &costs[i], 0.1);
        cost_fit(samples, COST_MAX_SAMPLES, (int)costs[i].lanes, &got);
        CHECK(got.fixed_us >= 0 && got.per_token_us >= 0);
        CHECK(got.per_attention_us >= 0 && got.per_segment_us >= 0);
        for (int o = 0; o < 4; o++) {
            struct input_shape shape = shape_of(others[o][0], others[o][1], others[o][2]);
            test_row("%d: %d of %d", i, others[o][0], others[o][1]);
            CHECK_NEAR(us_of(&got, shape) / us_of(&costs[i], shape), 1, 0.15);
        }
    }
}

/* Larger inputs that took no longer would give a negative term: it is zero instead, and the rest
 * still fits. */
TEST(cost__is_never_negative)
{
    struct cost_sample falling[4];
    struct engine_cost got;

    for (int i = 0; i < 4; i++)
        falling[i] = (struct cost_sample){shape_of(1 << 2 * i, 16, 0), 90 - 20 * i};
    cost_fit(falling, 4, 1, &got);
    CHECK(got.fixed_us > 20 && got.fixed_us < 100);
    CHECK(got.per_token_us == 0 && got.per_attention_us == 0 && got.per_segment_us == 0);
}

/* What the first samples do not determine is zero, or as many lanes as threads: tokens explain
 * first. */
TEST(cost__does_without_enough_samples)
{
    struct engine_cost want = {.per_token_us = 3, .lanes = 4}, got;
    struct cost_sample samples[COST_MAX_SAMPLES];

    cost_fit(NULL, 0, 4, &got);
    CHECK(us_of(&got, shape_of(10, 10, 0)) == 0);
    for (int n = 1; n <= 4; n++) {
        test_row("%d", n);
        sample(samples, n, &want, 0);
        cost_fit(samples, n, 4, &got);
        CHECK_NEAR(us_of(&got, samples[0].shape), samples[0].us, 1e-6);
        CHECK_NEAR(got.per_token_us, 3, 1e-6);
        CHECK_NEAR(got.lanes, 4, 1e-9);
        CHECK_NEAR(us_of(&got, shape_of(100, 80, 0)), 6000, 1e-3);
    }
}
