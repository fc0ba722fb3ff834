/* Counts operations as a batch without padding needs them. */
#include "model/engine/flop.h"

double encoder_linear_flop(const struct encoder_config *config, const struct input *input)
{
    double h = config->hidden, f = config->inner;
    double tokens = input->n_tokens, read = input->n_read;
    double qkv = 2 * 3 * h * h, rest = 2 * (h * h + 2 * h * f);

    return tokens * (config->layers * qkv + (config->layers - 1) * rest) +
           read * (rest + 2 * h * h);
}

double encoder_attention_flop(const struct encoder_config *config, const struct input *input)
{
    double whole = 0, last = 0;

    for (int i = 0; i < input->n_segments; i++) {
        const struct segment *s = &input->segments[i];
        double keys = s->len + (s->parent >= 0 ? input->segments[s->parent].len : 0);
        whole += s->len * keys;
        last += s->read ? keys : 0;
    }
    return 4.0 * config->hidden * (whole * (config->layers - 1) + last);
}
