/* Every width of the vector kernels that this processor can run; the backend itself only ever uses
 * the widest. */
#include "kernels/cpu/simd.h"

#include "base/rng.h"
#include "tests/test.h"

static int tables(const struct simd *out[3])
{
    struct cpuid cpu;
    int n = 0;

    cpuid_detect(&cpu);
    out[n++] = &simd_base;
#if defined(__x86_64__)
    if (cpu.avx2)
        out[n++] = &simd_avx2;
    if (cpu.avx512)
        out[n++] = &simd_avx512;
#endif
    return n;
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

enum { MAX_KEYS = 600, MAX_HEAD = 128 };

struct room {
    struct simd_panel parent, own;
    float *q, *scores, *out;
};

static float *floats(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);

    CHECK(p != NULL);
    return p;
}

static void room_init(struct room *room)
{
    const size_t panel = (size_t)simd_round(MAX_KEYS) * (size_t)simd_round(MAX_HEAD);

    room->parent = (struct simd_panel){0, floats(panel), floats(panel)};
    room->own = (struct simd_panel){0, floats(panel), floats(panel)};
    room->q = floats(SIMD_ROWS * (size_t)simd_round(MAX_HEAD));
    room->scores = floats(SIMD_ROWS * 2 * (size_t)simd_round(MAX_KEYS));
    room->out = floats(SIMD_ROWS * (size_t)simd_round(MAX_HEAD));
}

static void room_release(struct room *room)
{
    free(room->parent.keys);
    free(room->parent.values);
    free(room->own.keys);
    free(room->own.values);
    free(room->q);
    free(room->scores);
    free(room->out);
}

/* softmax(scale q k^T) v over both runs of keys, in double. */
static void expected(double *out, const float *q, const float *keys, const float *values, int n,
                     int head, double scale)
{
    double total = 0, top = -INFINITY, p[2 * MAX_KEYS];

    for (int j = 0; j < n; j++) {
        p[j] = 0;
        for (int d = 0; d < head; d++)
            p[j] += scale * (double)q[d] * (double)keys[j * head + d];
        top = fmax(top, p[j]);
    }
    for (int d = 0; d < head; d++)
        out[d] = 0;
    for (int j = 0; j < n; j++)
        total += p[j] = exp(p[j] - top);
    for (int j = 0; j < n; j++)
        for (int d = 0; d < head; d++)
            out[d] += p[j] / total * (double)values[j * head + d];
}

static void check_attend(const struct simd *simd, struct room *room, int n_parent, int n_own,
                         int n_rows, int head, bool causal)
{
    static float keys[2 * MAX_KEYS * MAX_HEAD], values[2 * MAX_KEYS * MAX_HEAD];
    const int rounded = simd_round(head);
    double want[MAX_HEAD];
    struct rng rng;

    test_row("%s: %d + %d keys, %d rows of %d%s", simd->name, n_parent, n_own, n_rows, head,
             causal ? ", causal" : "");
    rng_init(&rng, (uint64_t)(n_parent * 1000 + n_own));
    for (int i = 0; i < (n_parent + n_own) * head; i++) {
        keys[i] = (float)rng_normal(&rng);
        values[i] = (float)rng_normal(&rng);
    }
    for (int i = 0; i < SIMD_ROWS * rounded; i++)
        room->q[i] = (float)rng_normal(&rng);
    if (n_parent)
        simd->pack(&room->parent, keys, values, n_parent, head, head);
    simd->pack(&room->own, keys + n_parent * head, values + n_parent * head, n_own, head, head);
    const struct attend_args args = {.parent = n_parent ? &room->parent : NULL,
                                     .own = &room->own,
                                     .head = head,
                                     .scale = (float)(1 / sqrt(head)),
                                     .n_rows = n_rows,
                                     .visible = n_own - n_rows + 1,
                                     .causal = causal,
                                     .q = room->q,
                                     .scores = room->scores,
                                     .out = room->out};
    simd->attend(&args);
    for (int i = 0; i < n_rows; i++) {
        const int n = n_parent + (causal ? n_own - n_rows + 1 + i : n_own);

        expected(want, room->q + i * rounded, keys, values, n, head, 1 / sqrt(head));
        for (int d = 0; d < head; d++)
            CHECK_NEAR(room->out[i * rounded + d], want[d], 4e-6);
    }
}

TEST(simd__attends_at_every_width)
{
    static const int keys[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 511, 512};
    static const int heads[] = {1, 3, 8, 16, 24, 32, 37, 64, 128};
    const struct simd *simd[3];
    const int n = tables(simd);
    struct room room AT_END(room_release);

    room_init(&room);
    for (int t = 0; t < n; t++)
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++) {
                const int rows = 1 + (int)(k + h) % (keys[k] < 4 ? keys[k] : 4);

                check_attend(simd[t], &room, 0, keys[k], rows, heads[h], false);
                check_attend(simd[t], &room, (int)(k * 17 + h), keys[k], rows, heads[h], false);
                check_attend(simd[t], &room, (int)(k * 17 + h), keys[k], rows, heads[h], true);
            }
}

/* Two keys, scores 0 and x: the weight of the second is e^x / (1 + e^x). */
TEST(simd__exponential_is_right_to_the_last_places)
{
    const struct simd *simd[3];
    const int n = tables(simd);
    struct room room AT_END(room_release);

    room_init(&room);
    for (int t = 0; t < n; t++) {
        double worst = 0;

        for (double x = 0; x > -86; x -= 0.0173) {
            const float keys[2] = {0, (float)x}, values[2] = {0, 1}, q = 1;
            const double want = exp((double)(float)x) / (1 + exp((double)(float)x));
            struct attend_args args = {.own = &room.own,
                                       .head = 1,
                                       .scale = 1,
                                       .n_rows = 1,
                                       .q = room.q,
                                       .scores = room.scores,
                                       .out = room.out};

            room.q[0] = q;
            simd[t]->pack(&room.own, keys, values, 2, 1, 1);
            simd[t]->attend(&args);
            worst = fmax(worst, fabs((double)room.out[0] - want) / want);
        }
        printf("     %s: relative error %.1e\n", simd[t]->name, worst);
        CHECK(worst < 3e-7);
    }
}

/* Scores far below 0: what fills the panels up to whole vectors must not count as a score of 0. */
TEST(simd__attends_where_all_scores_are_low)
{
    const struct simd *simd[3];
    const int n_tables = tables(simd);
    struct room room AT_END(room_release);

    room_init(&room);
    for (int t = 0; t < n_tables; t++)
        for (int n = 1; n <= 40; n++) {
            float keys[40], values[40];
            struct attend_args args = {.parent = n > 1 ? &room.parent : NULL,
                                       .own = &room.own,
                                       .head = 1,
                                       .scale = 1,
                                       .n_rows = 1,
                                       .q = room.q,
                                       .scores = room.scores,
                                       .out = room.out};
            const float q = 1;
            double want;

            test_row("%s: %d keys", simd[t]->name, n);
            for (int i = 0; i < n; i++) {
                keys[i] = (float)(-300 - i % 5);
                values[i] = (float)i;
            }
            expected(&want, &q, keys, values, n, 1, 1);
            room.q[0] = q;
            if (n > 1)
                simd[t]->pack(&room.parent, keys, values, n / 2, 1, 1);
            simd[t]->pack(&room.own, keys + n / 2, values + n / 2, n - n / 2, 1, 1);
            simd[t]->attend(&args);
            CHECK_NEAR(room.out[0], want, 1e-5);
        }
}

TEST(simd__attention_shows_what_is_not_a_number)
{
    const struct simd *simd[3];
    const int n = tables(simd);
    struct room room AT_END(room_release);

    room_init(&room);
    for (int t = 0; t < n; t++)
        for (int bad = 0; bad < 40; bad++) {
            float keys[40] = {0}, values[40] = {0};
            struct attend_args args = {.own = &room.own,
                                       .head = 1,
                                       .scale = 1,
                                       .n_rows = 1,
                                       .q = room.q,
                                       .scores = room.scores,
                                       .out = room.out};

            test_row("%s: key %d", simd[t]->name, bad);
            keys[bad] = NAN;
            room.q[0] = 1;
            simd[t]->pack(&room.own, keys, values, 40, 1, 1);
            simd[t]->attend(&args);
            CHECK(isnan(room.out[0]));
        }
}

TEST(simd__norm_and_dot_at_every_size)
{
    const struct simd *simd[3];
    const int n_tables = tables(simd);

    for (int t = 0; t < n_tables; t++)
        for (int n = 1; n <= 70; n++) {
            float x[71], delta[70], gamma[70], beta[70];
            double sum[70], mean = 0, variance = 0, dot = 0;
            struct rng rng;

            test_row("%s: %d", simd[t]->name, n);
            rng_init(&rng, (uint64_t)n);
            for (int i = 0; i < n; i++) {
                x[i] = (float)rng_normal(&rng);
                delta[i] = (float)rng_normal(&rng);
                gamma[i] = (float)rng_normal(&rng);
                beta[i] = (float)rng_normal(&rng);
                sum[i] = (double)(x[i] + delta[i]);
                mean += sum[i] / n;
                dot += (double)gamma[i] * (double)beta[i];
            }
            for (int i = 0; i < n; i++)
                variance += (sum[i] - mean) * (sum[i] - mean) / n;
            x[n] = 42;
            simd[t]->add_norm(x, delta, gamma, beta, 1e-5F, n);
            for (int i = 0; i < n; i++)
                CHECK_NEAR(x[i],
                           (sum[i] - mean) / sqrt(variance + 1e-5) * (double)gamma[i] +
                               (double)beta[i],
                           1e-5);
            CHECK_NEAR(x[n], 42, 0);
            CHECK_NEAR(simd[t]->dot(gamma, beta, n), dot, 1e-5);
        }
}

TEST(simd__converts_bf16_like_the_scalar_code)
{
    const struct simd *simd[3];
    const int n_tables = tables(simd);

    for (int t = 0; t < n_tables; t++)
        for (int n = 0; n < 40; n++) {
            float from[40], back[41];
            bf16 to[41];
            struct rng rng;

            rng_init(&rng, (uint64_t)n);
            for (int i = 0; i < n; i++)
                from[i] = (float)(rng_normal(&rng) * pow(2, (double)rng_below(&rng, 200) - 100));
            to[n] = 7;
            back[n] = 7;
            simd[t]->to_bf16(to, from, n);
            simd[t]->from_bf16(back, to, n);
            for (int i = 0; i < n; i++) {
                CHECK_INT(to[i], bf16_from_f32(from[i]));
                CHECK_NEAR(back[i], bf16_to_f32(to[i]), 0);
            }
            CHECK_INT(to[n], 7);
            CHECK_NEAR(back[n], 7, 0);
        }
}
