/* What both 16-bit types have: rounding under CUDA's shorter name, and pairs of them. */
#ifndef TESTS_SIMT_16BIT_H
#define TESTS_SIMT_16BIT_H

#include <cuda_runtime_api.h>

/* Defines, for a type with conversions `widen` and `round`, CUDA's other names of them. */
#define SIMT_16BIT(type, pair, widen, round, rounds, round_pair, widen_pair)                       \
    struct alignas(4) pair {                                                                       \
        type x, y;                                                                                 \
    };                                                                                             \
    static inline type rounds(float x)                                                             \
    {                                                                                              \
        return round(x);                                                                           \
    }                                                                                              \
    static inline pair round_pair(float x, float y)                                                \
    {                                                                                              \
        return {round(x), round(y)};                                                               \
    }                                                                                              \
    static inline float2 widen_pair(pair both)                                                     \
    {                                                                                              \
        return {widen(both.x), widen(both.y)};                                                     \
    }

#endif
