#include "model/model_struct.h"
#include "tools/model/command.h"
#include "json/writer.h"

static const char *const activation_names[ACTIVATIONS] = {
    [ACTIVATION_NONE] = "none",           [ACTIVATION_GELU_ERF] = "gelu",
    [ACTIVATION_GELU_TANH] = "gelu_tanh", [ACTIVATION_RELU] = "relu",
    [ACTIVATION_TANH] = "tanh",
};

static void put_int(struct json_writer *w, const char *key, int64_t value)
{
    jw_key(w, key);
    jw_int(w, value);
}

static void put_str(struct json_writer *w, const char *key, const char *value)
{
    jw_key(w, key);
    jw_str(w, value);
}

static int64_t parameters(const struct model *m)
{
    const struct encoder_config *c = &m->encoders[0].config;
    const int labels = m->head.labels;
    int64_t h = c->hidden, f = c->inner;
    int64_t embeddings = (c->vocab + c->positions + c->types + 2) * h;
    int64_t layer = 4 * (h * h + h) + 2 * h * f + f + h + 4 * h;

    return embeddings + c->layers * layer + (labels ? h * h + h + labels * (h + 1) : 0);
}

static void put_encoder(struct json_writer *w, const struct model *m)
{
    const struct encoder_config *c = &m->encoders[0].config;

    jw_key(w, "encoder");
    jw_object_begin(w);
    put_str(w, "family", m->family);
    put_int(w, "layers", c->layers);
    put_int(w, "hidden", c->hidden);
    put_int(w, "heads", c->heads);
    put_int(w, "inner", c->inner);
    put_int(w, "vocab", c->vocab);
    put_int(w, "positions", c->positions);
    put_int(w, "types", c->types);
    put_str(w, "activation", activation_names[c->activation]);
    put_str(w, "norm", "post"); /* no family has another */
    put_int(w, "parameters", parameters(m));
    jw_object_end(w);
}

static void put_template(struct json_writer *w, const char *key, const struct template *t)
{
    struct buf text = BUF_INIT;

    template_source(t, &text);
    jw_key(w, key);
    jw_view(w, buf_view(&text));
    buf_release(&text);
}

static void put_input(struct json_writer *w, const struct adrank_json *a)
{
    jw_key(w, "input");
    jw_object_begin(w);
    put_template(w, "context", &a->context);
    put_template(w, "behaviour", &a->behaviour);
    put_template(w, "ad", &a->ad);
    put_int(w, "max_context_tokens", a->max_context_tokens);
    put_int(w, "max_ad_tokens", a->max_ad_tokens);
    jw_object_end(w);
}

static void put_calibration(struct json_writer *w, const struct adrank_json *a)
{
    jw_key(w, "calibration");
    jw_object_begin(w);
    put_str(w, "type", "platt");
    jw_key(w, "a");
    jw_double(w, a->calibration.a);
    jw_key(w, "b");
    jw_double(w, a->calibration.b);
    jw_object_end(w);
    jw_key(w, "base_rate");
    jw_double(w, a->base_rate);
}

static void put_golden(struct json_writer *w, const struct golden *golden)
{
    jw_key(w, "golden");
    jw_object_begin(w);
    put_int(w, "requests", golden->n_requests);
    jw_key(w, "spread");
    jw_number(w, golden->spread, 6);
    jw_key(w, "max_error");
    jw_object_begin(w);
    for (int p = 0; p < PRECISIONS; p++) {
        if (!golden->max_error[p])
            continue;
        jw_key(w, precision_names[p]);
        jw_double(w, golden->max_error[p]);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void put_model(struct json_writer *w, const struct model *m)
{
    jw_object_begin(w);
    put_str(w, "kind", model_kind(m));
    put_str(w, "name", model_name(m));
    put_str(w, "version", model_version(m));
    put_str(w, "digest", model_digest(m));
    put_str(w, "precision", m->weights_dtype);
    put_int(w, "tensors", m->n_tensors);
    put_int(w, "labels", m->head.labels);
    if (m->head.labels == 2)
        put_str(w, "labels_are", m->head.independent_labels ? "independent" : "exclusive");
    put_int(w, "max_tokens", m->max_tokens);
    put_int(w, "pair_type", tokenizer_pair_type(m->tokenizer));
    put_encoder(w, m);
    put_input(w, &m->adrank);
    put_calibration(w, &m->adrank);
    if (m->has_adrank_json)
        put_golden(w, &m->adrank.golden);
    jw_object_end(w);
}

static int run(const struct options *options, struct err *err)
{
    struct buf out = BUF_INIT;
    struct json_writer w;
    struct model *m;
    int rc;

    if (model_open(options->dir, &m, err))
        return -1;
    json_writer_init(&w, &out);
    put_model(&w, m);
    buf_add_str(&out, "\n");
    rc = lines_write(&out, err);
    buf_release(&out);
    model_unref(m);
    return rc;
}

const struct command command_inspect = {
    .name = "inspect",
    .help = "prints kind, sizes, tensors, template, calibration and digest",
    .run = run,
};
