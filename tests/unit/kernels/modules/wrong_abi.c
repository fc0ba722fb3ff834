/* A module of another version of the interface. */
#include "kernels/backend.h"

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI + 1, NULL};
