/* The activations of enum activation, one element at a time, as PyTorch defines them. */
#ifndef KERNELS_CPU_ACTIVATION_H
#define KERNELS_CPU_ACTIVATION_H

#include <math.h>

#include "kernels/backend.h"

static inline float activation_apply(enum activation activation, float x)
{
    switch (activation) {
    case ACTIVATION_GELU_ERF:
        return 0.5F * x * (1.0F + erff(x * 0x1.6a09e6p-1F)); /* 1 / sqrt 2 */
    case ACTIVATION_GELU_TANH:
        return 0.5F * x *
               (1.0F + tanhf(0x1.988454p-1F * (x + 0.044715F * x * x * x))); /* sqrt(2 / pi) */
    case ACTIVATION_RELU:
        return x > 0 ? x : x == x ? 0.0F : x;
    case ACTIVATION_TANH:
        return tanhf(x);
    default:
        return x;
    }
}

#endif
