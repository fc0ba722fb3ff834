/* A device without a model's cost: for tests of everything above it, and for measuring the host path alone. */
#include "tests/backends/null_ops.h"

static const struct backend_ops null_ops = {
    .name = "null",
    .open = null_open,
    .close = null_close,
    .caps = null_caps,
    .alloc = null_alloc,
    .free = null_free,
    .upload = null_upload,
    .weight_new = null_weight_new,
    .weight_free = null_weight_free,
    .lane_open = null_lane_open,
    .lane_close = null_lane_close,
    .begin = null_begin,
    .embed = null_embed,
    .linear = null_linear,
    .attention = null_attention,
    .residual_norm = null_residual_norm,
    .pool = null_pool,
    .head = null_head,
    .download = null_download,
    .finish = null_finish,
    .query = null_query,
};

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &null_ops};
