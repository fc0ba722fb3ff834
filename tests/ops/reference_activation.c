/* The activations in double precision, for tests of whole backends and of single kernels. */
#include <math.h>

#include "tests/ops/reference.h"

double reference_activation(enum activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_GELU_ERF:
        return x * 0.5 * (1 + erf(x / sqrt(2)));
    case ACTIVATION_GELU_TANH:
        return x * 0.5 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_TANH:
        return tanh(x);
    default:
        return x;
    }
}
