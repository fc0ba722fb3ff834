/* Residual addition and layer norm; the sum is in f32. */
#include "kernels/cuda/norm.cuh"

template <typename T> struct residual {
    const T *stream, *delta; /* (rows, H); delta NULL: nothing is added */
    int hidden;
};

template <typename T, int W>
SIMT_DEVICE void source_load(float (&x)[W], const struct residual<T> &source, int row, int at)
{
    const size_t from = (size_t)row * (size_t)source.hidden + (size_t)at;
    float delta[W];

    elements_load(x, source.stream + from);
    if (!source.delta)
        return;
    elements_load(delta, source.delta + from);
    SIMT_UNROLL
    for (int i = 0; i < W; i++)
        x[i] += delta[i];
}

cudaError_t cuda_residual_norm(const struct cuda_norm_launch *args, cudaStream_t stream)
{
    const bool all = args->rung_rows <= FEW_ROWS && !args->mean;
    const struct norm_to to = {all ? NULL : args->n_rows,
                               args->rung_rows,
                               args->hidden,
                               args->gamma,
                               args->beta,
                               args->eps,
                               args->stream,
                               args->operand,
                               args->mean,
                               args->rstd};

    return launch_by_type(args->type, [&](auto element) {
        using T = decltype(element);
        const struct residual<T> source = {
            (const T *)args->stream, (const T *)args->delta, args->hidden
        };

        return norm_launch<T>(source, to, stream);
    });
}
