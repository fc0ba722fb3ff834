/* The erf GELU, x Phi(x) (Hendrycks and Gimpel 2016). */
#ifndef KERNELS_CUDA_GELU_CUH
#define KERNELS_CUDA_GELU_CUH

#include "kernels/cuda/simt.cuh"

SIMT_DEVICE float gelu_erf(float x)
{
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

/*
 * For results of 16 bits: half of erfc(|x| / sqrt(2)) by formula 7.1.26 of Abramowitz and Stegun,
 * to 1.5e-7 of 1, in half the instructions of erff. NaN and infinities come out as something that
 * is not finite, or 0 for -infinity.
 */
SIMT_DEVICE float gelu_erf_16(float x)
{
    const float t = simt_reciprocal(fmaf(fabsf(x), 0.3275911f * 0.70710678f, 1.0f));
    const float e = simt_exp2(x * x * -0.72134752f); /* e^(-x^2 / 2) */
    float tail = fmaf(t, 0.5f * 1.061405429f, 0.5f * -1.453152027f);

    tail = fmaf(t, tail, 0.5f * 1.421413741f);
    tail = fmaf(t, tail, 0.5f * -0.284496736f);
    tail = fmaf(t, tail, 0.5f * 0.254829592f);
    return fmaf(-fabsf(x), tail * t * e, fmaxf(x, 0.0f));
}

#endif
