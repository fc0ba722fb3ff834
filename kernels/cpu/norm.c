/* Residual addition and layer norm. */
#include "kernels/cpu/cpu.h"

int cpu_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err)
{
    const int hidden = args->hidden;

    (void)err;
    for (int r = 0; r < args->n_rows; r++) {
        const size_t at = (size_t)r * (size_t)hidden;
        float *stream = (float *)args->stream + at;
        const float *delta = args->delta ? (const float *)args->delta + at : NULL;
        struct simd_norm norm;

        norm = lane->session->simd->add_norm(stream, delta, args->gamma, args->beta, args->eps,
                                             hidden);
        if (args->mean) {
            args->mean[r] = norm.mean;
            args->rstd[r] = norm.rstd;
        }
        lane_narrow(lane, (char *)args->operand + lane_operands(lane, at), stream, hidden);
    }
    return 0;
}
