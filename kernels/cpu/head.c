/* The classifier in f32. */
#include "kernels/cpu/cpu.h"

int cpu_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const size_t hidden = (size_t)args->hidden;
    const float *weight = args->weight, *bias = args->bias;
    float *logits = args->logits;

    (void)err;
    for (int r = 0; r < args->n_rows; r++) {
        const char *operands =
            (const char *)args->operand + lane_operands(lane, (size_t)r * hidden);
        const float *x = lane_widen(lane, operands, lane->row, args->hidden);

        for (int l = 0; l < args->labels; l++)
            logits[(size_t)r * (size_t)args->labels + (size_t)l] =
                lane->session->simd->dot(x, weight + (size_t)l * hidden, args->hidden) + bias[l];
    }
    return 0;
}
