/* Every width of the vector kernels that this processor can run; the backend itself only ever uses
 * the widest. */
#include "kernels/cpu/simd.h"

#include "base/rng.h"
#include "tests/test.h"

static void on_each_width(void (*check)(const struct simd *simd))
{
    struct cpuid cpu;

    cpuid_detect(&cpu);
    check(&simd_base);
#if defined(__x86_64__)
    if (cpu.avx2)
        check(&simd_avx2);
    if (cpu.avx512)
        check(&simd_avx512);
#endif
}

TEST(simd__chooses_the_widest)
{
    struct cpuid cpu = {.cores = 1};

    CHECK(simd_choose(&cpu) == &simd_base);
#if defined(__x86_64__)
    cpu.avx2 = true;
    CHECK(simd_choose(&cpu) == &simd_avx2);
    cpu.avx512 = true;
    CHECK(simd_choose(&cpu) == &simd_avx512);
#endif
}

enum { MAX_KEYS = 608, MAX_HEAD = 128, PANEL = MAX_KEYS * MAX_HEAD }; /* whole strips */

static float q[SIMD_ROWS * MAX_HEAD], out[SIMD_ROWS * MAX_HEAD];

/* Keys of a parent and then of the segment itself, as many queries as rows: q gives out. */
struct attention {
    int n_parent, n_own, head, n_rows;
    bool causal;
    const float *keys, *values; /* (n_parent + n_own, head) */
};

static void attend(const struct simd *simd, const struct attention *a)
{
    static float panels[4][PANEL], scores[SIMD_ROWS * 2 * MAX_KEYS];
    struct simd_panel parent = {0, panels[0], panels[1]}, own = {0, panels[2], panels[3]};
    const int own_at = a->n_parent * a->head;
    const struct attend_args args = {.parent = a->n_parent ? &parent : NULL,
                                     .own = &own,
                                     .head = a->head,
                                     .scale = (float)(1 / sqrt(a->head)),
                                     .n_rows = a->n_rows,
                                     .visible = a->n_own - a->n_rows + 1,
                                     .causal = a->causal,
                                     .q = q,
                                     .scores = scores,
                                     .out = out};

    if (a->n_parent)
        simd->pack(&parent, a->keys, a->values, a->n_parent, a->head, a->head);
    simd->pack(&own, a->keys + own_at, a->values + own_at, a->n_own, a->head, a->head);
    simd->attend(&args);
}

/* softmax(scale q k^T) v over both runs of keys, in double. */
static void expected(double *to, const float *query, const struct attention *a, int n)
{
    double total = 0, top = -INFINITY, p[2 * MAX_KEYS];

    for (int j = 0; j < n; j++) {
        p[j] = 0;
        for (int d = 0; d < a->head; d++)
            p[j] += (double)query[d] * (double)a->keys[j * a->head + d] / sqrt(a->head);
        top = fmax(top, p[j]);
    }
    for (int d = 0; d < a->head; d++)
        to[d] = 0;
    for (int j = 0; j < n; j++)
        total += p[j] = exp(p[j] - top);
    for (int j = 0; j < n; j++)
        for (int d = 0; d < a->head; d++)
            to[d] += p[j] / total * (double)a->values[j * a->head + d];
}

static void fill(struct rng *rng, float *to, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (float)rng_normal(rng);
}

static void check_attend(const struct simd *simd, struct attention a)
{
    static float keys[2 * PANEL], values[2 * PANEL];
    const int rounded = simd_round(a.head), n_keys = a.n_parent + a.n_own;
    double want[MAX_HEAD];
    struct rng rng;

    test_row("%s: %d + %d keys, %d rows of %d%s", simd->name, a.n_parent, a.n_own, a.n_rows, a.head,
             a.causal ? ", causal" : "");
    rng_init(&rng, (uint64_t)(a.n_parent * 1000 + a.n_own));
    fill(&rng, keys, n_keys * a.head);
    fill(&rng, values, n_keys * a.head);
    fill(&rng, q, SIMD_ROWS * rounded);
    a.keys = keys;
    a.values = values;
    attend(simd, &a);
    for (int i = 0; i < a.n_rows; i++) {
        expected(want, q + i * rounded, &a, a.causal ? n_keys - a.n_rows + 1 + i : n_keys);
        for (int d = 0; d < a.head; d++)
            CHECK_NEAR(out[i * rounded + d], want[d], 4e-6);
    }
}

static void attends_every_size(const struct simd *simd)
{
    static const int keys[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 511, 512};
    static const int heads[] = {1, 3, 8, 16, 24, 32, 37, 64, 128};

    for (int k = 0; k < COUNT(keys); k++)
        for (int h = 0; h < COUNT(heads); h++) {
            struct attention a = {.n_own = keys[k],
                                  .head = heads[h],
                                  .n_rows = 1 + (k + h) % (keys[k] < 4 ? keys[k] : 4)};

            check_attend(simd, a);
            a.n_parent = k * 17 + h;
            check_attend(simd, a);
            a.causal = true;
            check_attend(simd, a);
        }
}

TEST(simd__attends_at_every_width)
{
    on_each_width(attends_every_size);
}

/* Two keys, scores 0 and x: the weight of the second is e^x / (1 + e^x). */
static void exponential(const struct simd *simd)
{
    double worst = 0;

    q[0] = 1;
    for (double x = 0; x > -86; x -= 0.0173) {
        const float keys[2] = {0, (float)x}, values[2] = {0, 1};
        const double want = exp((double)(float)x) / (1 + exp((double)(float)x));

        attend(simd, &(struct attention){
                         .n_own = 2, .head = 1, .n_rows = 1, .keys = keys, .values = values});
        worst = fmax(worst, fabs((double)out[0] - want) / want);
    }
    printf("     %s: relative error %.1e\n", simd->name, worst);
    CHECK(worst < 3e-7);
}

TEST(simd__exponential_is_right_to_the_last_places)
{
    on_each_width(exponential);
}

/* Scores far below 0: what fills the panels up to whole vectors must not count as a score of 0. */
static void low_scores(const struct simd *simd)
{
    float keys[40], values[40];

    q[0] = 1;
    for (int i = 0; i < 40; i++) {
        keys[i] = (float)(-300 - i % 5);
        values[i] = (float)i;
    }
    for (int n = 1; n <= 40; n++) {
        const struct attention a = {.n_parent = n / 2,
                                    .n_own = n - n / 2,
                                    .head = 1,
                                    .n_rows = 1,
                                    .keys = keys,
                                    .values = values};
        double want;

        test_row("%s: %d keys", simd->name, n);
        expected(&want, q, &a, n);
        attend(simd, &a);
        CHECK_NEAR(out[0], want, 1e-5);
    }
}

TEST(simd__attends_where_all_scores_are_low)
{
    on_each_width(low_scores);
}

static void not_a_number(const struct simd *simd)
{
    q[0] = 1;
    for (int bad = 0; bad < 40; bad++) {
        float keys[40] = {0}, values[40] = {0};

        test_row("%s: key %d", simd->name, bad);
        keys[bad] = NAN;
        attend(simd, &(struct attention){
                         .n_own = 40, .head = 1, .n_rows = 1, .keys = keys, .values = values});
        CHECK(isnan(out[0]));
    }
}

TEST(simd__attention_shows_what_is_not_a_number)
{
    on_each_width(not_a_number);
}

static void norm_and_dot(const struct simd *simd)
{
    for (int n = 1; n <= 70; n++) {
        float x[71], delta[70], gamma[70], beta[70];
        double sum[70], mean = 0, variance = 0, dot = 0;
        struct rng rng;

        test_row("%s: %d", simd->name, n);
        rng_init(&rng, (uint64_t)n);
        fill(&rng, x, n);
        fill(&rng, delta, n);
        fill(&rng, gamma, n);
        fill(&rng, beta, n);
        for (int i = 0; i < n; i++) {
            sum[i] = (double)(x[i] + delta[i]);
            mean += sum[i] / n;
            dot += (double)gamma[i] * (double)beta[i];
        }
        for (int i = 0; i < n; i++)
            variance += (sum[i] - mean) * (sum[i] - mean) / n;
        x[n] = 42;
        simd->add_norm(x, delta, gamma, beta, 1e-5F, n);
        for (int i = 0; i < n; i++)
            CHECK_NEAR(x[i],
                       (sum[i] - mean) / sqrt(variance + 1e-5) * (double)gamma[i] + (double)beta[i],
                       1e-5);
        CHECK_NEAR(x[n], 42, 0);
        CHECK_NEAR(simd->dot(gamma, beta, n), dot, 1e-5);
    }
}

TEST(simd__norm_and_dot_at_every_size)
{
    on_each_width(norm_and_dot);
}

static void converts(const struct simd *simd)
{
    for (int n = 0; n < 40; n++) {
        float from[40], back[41];
        bf16 to[41];
        struct rng rng;

        rng_init(&rng, (uint64_t)n);
        for (int i = 0; i < n; i++)
            from[i] = (float)(rng_normal(&rng) * pow(2, (double)rng_below(&rng, 200) - 100));
        to[n] = 7;
        back[n] = 7;
        simd->to_bf16(to, from, n);
        simd->from_bf16(back, to, n);
        for (int i = 0; i < n; i++) {
            CHECK_INT(to[i], bf16_from_f32(from[i]));
            CHECK_NEAR(back[i], bf16_to_f32(to[i]), 0);
        }
        CHECK_INT(to[n], 7);
        CHECK_NEAR(back[n], 7, 0);
    }
}

TEST(simd__converts_bf16_like_the_scalar_code)
{
    on_each_width(converts);
}
