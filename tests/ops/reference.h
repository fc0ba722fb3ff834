/*
 * The operations of kernels/backend.h, written to be read: plain loops, sums in double, f32
 * everywhere else. The reference for every backend. Not fast, not for production.
 */
#ifndef TESTS_OPS_REFERENCE_H
#define TESTS_OPS_REFERENCE_H

#include "kernels/backend.h"

extern const struct backend_ops backend_reference;

double reference_activation(enum activation activation, double x);

#endif
