/* Lists an encoder's weights for the device. */
#include "model/engine/network.h"

#include <stdlib.h>

#define EMBEDDING_ITEMS 5
#define LAYER_ITEMS 9

static void list_inner(struct network *net, struct network_layer *to,
                       const struct layer_weights *from)
{
    const bool fused = net->inner_activation == ACTIVATION_NONE;

    upload_matrix(&net->upload, &to->inner,
                  (struct linear_spec){.in = net->config->hidden,
                                       .out = net->config->inner,
                                       .weight = from->inner,
                                       .bias = from->inner_bias,
                                       .activation = fused ? net->activation : ACTIVATION_NONE});
}

static void list_layer(struct network *net, struct network_layer *to,
                       const struct layer_weights *from)
{
    struct upload *upload = &net->upload;
    const int h = net->config->hidden, f = net->config->inner;
    const bool late = net->caps->adds_qkv_bias && net->inner_activation == ACTIVATION_NONE;

    upload_matrix(
        upload, &to->qkv,
        (struct linear_spec){
            .in = h, .out = 3 * h, .weight = from->qkv, .bias = late ? NULL : from->qkv_bias});
    if (late)
        upload_array(upload, &to->qkv_bias, from->qkv_bias, 1, 3 * h);
    upload_matrix(upload, &to->attention_out,
                  (struct linear_spec){.in = h,
                                       .out = h,
                                       .weight = from->attention_out,
                                       .bias = from->attention_out_bias,
                                       .to_stream = true});
    list_inner(net, to, from);
    upload_matrix(
        upload, &to->outer,
        (struct linear_spec){
            .in = f, .out = h, .weight = from->outer, .bias = from->outer_bias, .to_stream = true});
    upload_array(upload, &to->norm1_gamma, from->norm1_gamma, 1, h);
    upload_array(upload, &to->norm1_beta, from->norm1_beta, 1, h);
    upload_array(upload, &to->norm2_gamma, from->norm2_gamma, 1, h);
    upload_array(upload, &to->norm2_beta, from->norm2_beta, 1, h);
}

static void list_all(struct network *net, const struct encoder_weights *w)
{
    const struct encoder_config *c = net->config;

    upload_array(&net->upload, &net->word, w->word, c->vocab, c->hidden);
    upload_array(&net->upload, &net->position, w->position, c->positions, c->hidden);
    upload_array(&net->upload, &net->type, w->type, c->types, c->hidden);
    upload_array(&net->upload, &net->embed_gamma, w->embed_gamma, 1, c->hidden);
    upload_array(&net->upload, &net->embed_beta, w->embed_beta, 1, c->hidden);
    for (int l = 0; l < c->layers; l++)
        list_layer(net, &net->layers[l], &w->layers[l]);
}

/* Without any weight listed. */
static int prepare(struct network *net, const struct network_args *args, int max_items,
                   struct err *err)
{
    const struct encoder_config *config = &args->encoder->config;
    const enum activation activation = args->activation ? args->activation : config->activation;

    *net = (struct network){.ops = args->ops,
                            .caps = args->ops->session_caps(args->session),
                            .config = config,
                            .activation = activation,
                            .inner_activation = args->saves ? activation : ACTIVATION_NONE};
    if (upload_init(&net->upload, args->ops, args->session, args->max_rows, max_items, err))
        return -1;
    net->layers = calloc((size_t)config->layers, sizeof(*net->layers));
    if (net->layers)
        return 0;
    upload_release(&net->upload);
    return err_set(err, ERR_NOMEM, "network: out of memory");
}

int network_init(struct network *net, const struct network_args *args, struct err *err)
{
    const int layers = args->encoder->config.layers;

    if (prepare(net, args, EMBEDDING_ITEMS + LAYER_ITEMS * layers, err))
        return -1;
    list_all(net, &args->encoder->weights);
    return 0;
}

int network_twin_init(struct network *twin, const struct network_args *args, struct err *err)
{
    const int layers = args->encoder->config.layers;

    if (prepare(twin, args, layers, err))
        return -1;
    for (int l = 0; l < layers; l++)
        list_inner(twin, &twin->layers[l], &args->encoder->weights.layers[l]);
    return 0;
}

/* Each list of uploads frees what its slots hold then. */
void network_swap_inner(struct network *net, struct network *twin)
{
    for (int l = 0; l < net->config->layers; l++) {
        struct linear_weight *inner = net->layers[l].inner;

        net->layers[l].inner = twin->layers[l].inner;
        twin->layers[l].inner = inner;
    }
}

void network_release(struct network *net)
{
    upload_release(&net->upload);
    free(net->layers);
    *net = (struct network){0};
}
