/*
 * Backends by name: "cpu" is linked in, "cuda" is the module libadrank-cuda.so beside the program
 * (../lib/adrank relative to its folder, or the folder itself in a build tree), anything with a
 * slash is the path of a module. A module stays loaded until the process ends.
 */
#ifndef KERNELS_MODULE_H
#define KERNELS_MODULE_H

#include "kernels/backend.h"

/* ERR_UNAVAILABLE, with advice, when it cannot be loaded; ERR_DATA when the file is not a module of
 * this ABI. */
int backend_find(const char *name, const struct backend_ops **out, struct err *err) MUST_CHECK;

#endif
