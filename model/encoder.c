#include "model/encoder.h"

#include <string.h>

#include "adrank/input.h"

static const struct family *const families[] = {&family_bert};

const struct family *family_find(const char *file, const json_t *config, struct err *err)
{
    const char *type = json_string_value(json_object_get(config, "model_type"));
    const json_t *names = json_object_get(config, "architectures");
    const char *architecture = json_string_value(json_array_get(names, 0));

    for (size_t i = 0; type && i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(type, families[i]->model_type) == 0)
            return families[i];
    err_set(err, ERR_DATA, "%s: /model_type: is %.60s%s%.60s%s, only bert is served", file,
            type ? type : "missing", architecture ? " (" : "", architecture ? architecture : "",
            architecture ? ")" : "");
    return NULL;
}

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
