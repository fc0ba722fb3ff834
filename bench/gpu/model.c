/* Random weights. */
#include "bench/gpu/model.h"

#include <stdlib.h>

#include "base/rng.h"

#define DEVIATION 0.05

/* Uniform numbers of that deviation. */
static float *random_floats(size_t n)
{
    float *out = malloc(n * sizeof(*out));
    struct rng rng;

    rng_init(&rng, 7);
    for (size_t i = 0; out && i < n; i++)
        out[i] = (float)((2 * rng_double(&rng) - 1) * DEVIATION * 1.7320508);
    return out;
}

static float *same_floats(size_t n, float value)
{
    float *out = malloc(n * sizeof(*out));

    for (size_t i = 0; out && i < n; i++)
        out[i] = value;
    return out;
}

/* The next n of the random numbers. */
static float *take(float **at, size_t n)
{
    float *out = *at;

    *at += n;
    return out;
}

static void fill_layer(struct layer_weights *w, const struct bench_model *m)
{
    const size_t h = (size_t)m->encoder.config.hidden, f = (size_t)m->encoder.config.inner;
    float *at = m->random;

    *w = (struct layer_weights){
        .qkv = take(&at, 3 * h * h),
        .qkv_bias = take(&at, 3 * h),
        .attention_out = take(&at, h * h),
        .attention_out_bias = take(&at, h),
        .norm1_gamma = m->ones,
        .norm1_beta = m->zeros,
        .inner = take(&at, f * h),
        .inner_bias = take(&at, f),
        .outer = take(&at, f * h),
        .outer_bias = take(&at, h),
        .norm2_gamma = m->ones,
        .norm2_beta = m->zeros,
    };
}

int bench_model_init(struct bench_model *m, const char *name, const struct encoder_config *config,
                     struct err *err)
{
    const size_t h = (size_t)config->hidden, f = (size_t)config->inner;
    const size_t embedding = (size_t)config->vocab * h, layer = 4 * h * h + 2 * f * h + 5 * h + f;
    struct encoder_weights *w = &m->encoder.weights;

    *m = (struct bench_model){.name = name, .encoder.config = *config};
    m->random = random_floats(embedding > layer ? embedding : layer);
    m->ones = same_floats(h, 1);
    m->zeros = same_floats(h, 0);
    w->layers = calloc((size_t)config->layers, sizeof(*w->layers));
    if (!m->random || !m->ones || !m->zeros || !w->layers) {
        bench_model_release(m);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    w->word = w->position = w->type = m->random;
    w->embed_gamma = m->ones;
    w->embed_beta = m->zeros;
    for (int l = 0; l < config->layers; l++)
        fill_layer(&w->layers[l], m);
    m->head = (struct head){.labels = 1,
                            .pooler = m->random,
                            .pooler_bias = m->zeros,
                            .classifier = m->random,
                            .classifier_bias = m->zeros};
    return 0;
}

void bench_model_release(struct bench_model *m)
{
    free(m->encoder.weights.layers);
    free(m->random);
    free(m->ones);
    free(m->zeros);
    *m = (struct bench_model){0};
}
