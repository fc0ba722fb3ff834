/* Embedding lookup with its norm. */
#include "kernels/cuda/norm.cuh"

struct embedding {
    const int32_t *ids, *positions, *types;
    const float *word, *position, *token_type; /* (V, H), (P, H), (types, H) */
    int hidden;
};

template <int W>
SIMT_DEVICE void source_load(float (&x)[W], const struct embedding &source, int row, int at)
{
    const size_t hidden = (size_t)source.hidden;
    float position[W], type[W];

    elements_load(x, source.word + (size_t)source.ids[row] * hidden + at);
    elements_load(position, source.position + (size_t)source.positions[row] * hidden + at);
    elements_load(type, source.token_type + (size_t)source.types[row] * hidden + at);
    SIMT_UNROLL
    for (int i = 0; i < W; i++)
        x[i] = x[i] + type[i] + position[i];
}

cudaError_t cuda_embed(const struct cuda_batch *batch, const struct cuda_embed_launch *args,
                       cudaStream_t stream)
{
    const struct embedding source = {batch->ids,     batch->positions, batch->types, args->word,
                                     args->position, args->token_type, args->hidden};
    const struct norm_to to = {&batch->counts->n_tokens,
                               batch->rung,
                               args->hidden,
                               args->gamma,
                               args->beta,
                               args->eps,
                               args->stream,
                               args->operand,
                               args->mean,
                               args->rstd};

    return launch_by_type(args->type, [&](auto element) {
        return norm_launch<decltype(element)>(source, to, stream);
    });
}
