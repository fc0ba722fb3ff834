/* Lists an encoder's weights for the device. */
#include "model/engine/network.h"

#include <stdlib.h>

#define EMBEDDING_ITEMS 5
#define LAYER_ITEMS 9

static void list_layer(struct network *net, struct network_layer *to,
                       const struct layer_weights *from)
{
    struct upload *upload = &net->upload;
    const int h = net->config->hidden, f = net->config->inner;
    const bool fused = net->inner_activation == ACTIVATION_NONE;
    const bool late = net->caps->adds_qkv_bias && fused; /* not for training */

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
    upload_matrix(
        upload, &to->inner,
        (struct linear_spec){.in = h,
                             .out = f,
                             .weight = from->inner,
                             .bias = from->inner_bias,
                             .activation = fused ? net->config->activation : ACTIVATION_NONE});
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

int network_init(struct network *net, const struct network_args *args, struct err *err)
{
    const struct encoder_config *config = &args->encoder->config;

    *net = (struct network){.ops = args->ops,
                            .caps = args->ops->session_caps(args->session),
                            .config = config,
                            .inner_activation = args->saves ? config->activation : ACTIVATION_NONE};
    if (upload_init(&net->upload, args->ops, args->session, args->max_rows,
                    EMBEDDING_ITEMS + LAYER_ITEMS * config->layers, err))
        return -1;
    net->layers = calloc((size_t)config->layers, sizeof(*net->layers));
    if (!net->layers) {
        upload_release(&net->upload);
        return err_set(err, ERR_NOMEM, "network: out of memory");
    }
    list_all(net, &args->encoder->weights);
    return 0;
}

void network_release(struct network *net)
{
    upload_release(&net->upload);
    free(net->layers);
    *net = (struct network){0};
}
