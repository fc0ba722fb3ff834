/* adrank-model inspect: prints what a model directory holds. */
#include "json/writer.h"
#include "model/model_struct.h"
#include "tools/model/command.h"

static const char *const activation_names[ACTIVATIONS] = {
    [ACTIVATION_NONE] = "none",           [ACTIVATION_GELU_ERF] = "gelu",
    [ACTIVATION_GELU_TANH] = "gelu_tanh", [ACTIVATION_RELU] = "relu",
    [ACTIVATION_TANH] = "tanh",
};

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

    jw_member_object(w, "encoder");
    jw_member_str(w, "family", m->family);
    jw_member_int(w, "layers", c->layers);
    jw_member_int(w, "hidden", c->hidden);
    jw_member_int(w, "heads", c->heads);
    jw_member_int(w, "inner", c->inner);
    jw_member_int(w, "vocab", c->vocab);
    jw_member_int(w, "positions", c->positions);
    jw_member_int(w, "types", c->types);
    jw_member_str(w, "activation", activation_names[c->activation]);
    jw_member_str(w, "norm", "post"); /* no family has another */
    jw_member_int(w, "parameters", parameters(m));
    jw_object_end(w);
}

static void put_template(struct json_writer *w, const char *key, const struct template *t)
{
    struct buf text = BUF_INIT;

    template_source(t, &text);
    jw_member_view(w, key, buf_view(&text));
    buf_release(&text);
}

static void put_input(struct json_writer *w, const struct adrank_json *a)
{
    jw_member_object(w, "input");
    put_template(w, "context", &a->context);
    put_template(w, "behaviour", &a->behaviour);
    put_template(w, "ad", &a->ad);
    jw_member_int(w, "max_context_tokens", a->max_context_tokens);
    jw_member_int(w, "max_ad_tokens", a->max_ad_tokens);
    jw_object_end(w);
}

static void put_calibration(struct json_writer *w, const struct adrank_json *a)
{
    jw_member_object(w, "calibration");
    jw_member_str(w, "type", "platt");
    jw_member_double(w, "a", a->calibration.a);
    jw_member_double(w, "b", a->calibration.b);
    jw_object_end(w);
    jw_member_double(w, "base_rate", a->base_rate);
}

static void put_golden(struct json_writer *w, const struct golden *golden)
{
    jw_member_object(w, "golden");
    jw_member_int(w, "requests", golden->n_requests);
    jw_member_number(w, "spread", golden->spread, 6);
    jw_member_object(w, "max_error");
    for (int p = 0; p < PRECISIONS; p++) {
        if (!golden->max_error[p])
            continue;
        jw_member_double(w, precision_names[p], golden->max_error[p]);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void put_model(struct json_writer *w, const struct model *m)
{
    jw_object_begin(w);
    jw_member_str(w, "kind", model_kind(m));
    jw_member_str(w, "name", model_name(m));
    jw_member_str(w, "version", model_version(m));
    jw_member_str(w, "digest", model_digest(m));
    jw_member_str(w, "precision", m->weights_dtype);
    jw_member_int(w, "tensors", m->n_tensors);
    jw_member_int(w, "labels", m->head.labels);
    if (m->head.labels == 2)
        jw_member_str(w, "labels_are", m->head.independent_labels ? "independent" : "exclusive");
    jw_member_int(w, "max_tokens", m->max_tokens);
    jw_member_int(w, "pair_type", tokenizer_facts(m->tokenizer)->pair_type);
    put_encoder(w, m);
    put_input(w, &m->adrank);
    put_calibration(w, &m->adrank);
    if (m->has_adrank_json)
        put_golden(w, &m->adrank.golden);
    jw_object_end(w);
}

static int run(const struct options *options, struct model *model, struct err *err)
{
    struct buf out = BUF_INIT;
    struct json_writer w;

    (void)options;
    json_writer_init(&w, &out);
    put_model(&w, model);
    return document_write(NULL, &out, err);
}

const struct command command_inspect = {
    .name = "inspect",
    .bit = COMMAND_INSPECT,
    .opens_model = true,
    .help = "prints kind, sizes, tensors, template, calibration and digest",
    .run = run,
};
