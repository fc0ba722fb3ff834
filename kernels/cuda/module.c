/* The CUDA backend as a module. */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/lane.h"

extern const struct backend_ops backend_cuda;
const struct backend_ops backend_cuda = {
    .name = "cuda",
    .device_open = cuda_device_open,
    .device_close = cuda_device_close,
    .device_caps = cuda_device_caps,
    .device_readings = cuda_device_readings,
    .host_alloc = cuda_host_alloc,
    .host_free = cuda_host_free,
    .session_open = cuda_session_open,
    .session_close = cuda_session_close,
    .session_caps = cuda_session_caps,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .upload = cuda_upload,
    .weight_new = cuda_weight_new,
    .weight_step = cuda_weight_step,
    .weight_free = cuda_weight_free,
    .lane_open = cuda_lane_open,
    .lane_close = cuda_lane_close,
    .begin = cuda_begin,
    .embed = cuda_op_embed,
    .linear = cuda_linear,
    .attention = cuda_op_attention,
    .residual_norm = cuda_op_residual_norm,
    .pool = cuda_op_pool,
    .head = cuda_op_head,
    .download = cuda_download,
    .finish = cuda_finish,
    .query = cuda_query,
};

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &backend_cuda};
