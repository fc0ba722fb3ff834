/* Embedding lookup with its norm. */
#include "kernels/cpu/cpu.h"

int cpu_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    const int hidden = args->hidden;
    const float *word = args->word, *position = args->position, *type = args->type;

    (void)err;
    for (int t = 0; t < slice->n_tokens; t++) {
        const size_t at = (size_t)t * (size_t)hidden;
        const float *of_word = word + (size_t)slice->ids[t] * (size_t)hidden;
        const float *of_type = type + (size_t)slice->types[t] * (size_t)hidden;
        const float *of_position = position + (size_t)slice->positions[t] * (size_t)hidden;
        float *row = (float *)args->stream + at;
        struct simd_norm norm;

        for (int i = 0; i < hidden; i++)
            row[i] = of_word[i] + of_type[i];
        norm = lane->session->simd->add_norm(row, of_position, args->gamma, args->beta, args->eps,
                                             hidden);
        if (args->mean) {
            args->mean[t] = norm.mean;
            args->rstd[t] = norm.rstd;
        }
        lane_narrow(lane, (char *)args->operand + lane_operands(lane, at), row, hidden);
    }
    return 0;
}
