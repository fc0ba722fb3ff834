/* A device without a model's cost: for tests of everything above it, and for measuring the host
 * path alone. */
#include "tests/backends/null_ops.h"

static const struct backend_ops null_ops =
    NULL_OPS("null", null_device_open, null_finish, null_query);

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &null_ops};
