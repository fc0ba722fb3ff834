/*
 * Vectors of SIMD_WIDTH floats on the compilers' vector extension, with intrinsics only where the
 * extension has no equivalent. Everything is static inline: the including file's flags choose the
 * instructions.
 */
#ifndef KERNELS_CPU_SIMD_VEC_H
#define KERNELS_CPU_SIMD_VEC_H

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef float vec __attribute__((vector_size(4 * SIMD_WIDTH)));
typedef int32_t veci __attribute__((vector_size(4 * SIMD_WIDTH)));
typedef uint32_t vecu __attribute__((vector_size(4 * SIMD_WIDTH)));

#define ALWAYS static inline __attribute__((always_inline))

#if SIMD_WIDTH == 4
#define VEC_EACH(x)                                                                                \
    {                                                                                              \
        x, x, x, x                                                                                 \
    }
#elif SIMD_WIDTH == 8
#define VEC_EACH(x)                                                                                \
    {                                                                                              \
        x, x, x, x, x, x, x, x                                                                     \
    }
#else
#define VEC_EACH(x)                                                                                \
    {                                                                                              \
        x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x                                             \
    }
#endif

ALWAYS vec vec_all(float x)
{
    return (vec)VEC_EACH(x);
}

ALWAYS vec vec_load(const float *p)
{
    vec v;

    memcpy(&v, p, sizeof(v));
    return v;
}

ALWAYS void vec_store(float *p, vec v)
{
    memcpy(p, &v, sizeof(v));
}

/* The first n lanes, followed by zeros. */
ALWAYS vec vec_load_part(const float *p, int n)
{
    vec v = {0};

    if (n >= SIMD_WIDTH)
        return vec_load(p);
    memcpy(&v, p, (size_t)n * sizeof(float));
    return v;
}

ALWAYS void vec_store_part(float *p, vec v, int n)
{
    memcpy(p, &v, (size_t)(n < SIMD_WIDTH ? n : SIMD_WIDTH) * sizeof(float));
}

ALWAYS vec vec_max(vec a, vec b)
{
#if defined(__AVX512F__) && SIMD_WIDTH == 16
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__) && SIMD_WIDTH == 8
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__) && SIMD_WIDTH == 4
    return (vec)_mm_max_ps((__m128)a, (__m128)b);
#else
    veci take = a > b;

    return (vec)((take & (veci)a) | (~take & (veci)b));
#endif
}

/* Lanes are added by halves, always in the same order. */
ALWAYS float vec_sum(vec v)
{
    float lanes[SIMD_WIDTH];

    vec_store(lanes, v);
    for (int half = SIMD_WIDTH / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

ALWAYS float vec_highest(vec v)
{
    float lanes[SIMD_WIDTH];

    vec_store(lanes, v);
    for (int i = 1; i < SIMD_WIDTH; i++)
        lanes[0] = lanes[i] > lanes[0] ? lanes[i] : lanes[0];
    return lanes[0];
}

/*
 * e^x for x <= 0, relative error under 1.2e-7; below -87 it stays at e^-87 (Cody and Waite's
 * reduction: x = n ln 2
 * + r, |r| <= ln 2 / 2; e^r = 1 + r + r^2 p(r), p of degree 4 by weighted minimax fit, error 3e-9).
 */
ALWAYS vec vec_exp(vec x)
{
    /* Adding it rounds to an integer, which is then in the low bits. */
    const vec shift = vec_all(0x1.8p23F);
    vec t, n, r, p;

    x = vec_max(vec_all(-87.0F), x); /* in this order a NaN in x is kept */
    t = x * vec_all(0x1.715476p0F) + shift;
    n = t - shift;
    r = x - n * vec_all(0x1.62e4p-1F);
    r = r - n * vec_all(0x1.7f7d1cp-20F);
    p = vec_all(0x1.6a21acp-10F);
    p = p * r + vec_all(0x1.123b6ap-7F);
    p = p * r + vec_all(0x1.5558fap-5F);
    p = p * r + vec_all(0x1.55549p-3F);
    p = p * r + vec_all(0x1.fffffcp-2F);
    p = p * (r * r) + r;
    p = p + vec_all(1.0F);
    return (vec)((vecu)p + ((vecu)t << 23));
}

/* Interleaves the lanes of a and b, from their low halves and from their high halves. */
#if SIMD_WIDTH == 4
#define VEC_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define VEC_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif SIMD_WIDTH == 8
#define VEC_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define VEC_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define VEC_LOW(a, b)                                                                              \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define VEC_HIGH(a, b)                                                                             \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/* Transposes a square in place: log2(width) rounds of perfect shuffles. */
ALWAYS void vec_transpose(vec square[SIMD_WIDTH])
{
    for (int round = 1; round < SIMD_WIDTH; round *= 2) {
        vec next[SIMD_WIDTH];

        for (int i = 0; i < SIMD_WIDTH / 2; i++) {
            next[2 * i] = VEC_LOW(square[i], square[i + SIMD_WIDTH / 2]);
            next[2 * i + 1] = VEC_HIGH(square[i], square[i + SIMD_WIDTH / 2]);
        }
        for (int i = 0; i < SIMD_WIDTH; i++)
            square[i] = next[i];
    }
}

#endif
