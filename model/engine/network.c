#include "model/engine/network.h"

#include <stdlib.h>

#define UPLOAD_BYTES ((size_t)1 << 20)

/* One matrix to pack, or one array to copy. */
struct network_piece {
    struct linear_weight **weight; /* where the packed matrix goes; NULL: a copy */
    struct linear_spec spec;
    void **memory; /* where the copy goes */
    const float *from;
    size_t bytes;
};

static void add_copy(struct network *net, void **memory, const float *from, int rows, int cols)
{
    net->pieces[net->n_pieces++] = (struct network_piece){
        .memory = memory, .from = from, .bytes = (size_t)rows * (size_t)cols * sizeof(float)};
}

static void add_weight(struct network *net, struct linear_weight **weight, struct linear_spec spec)
{
    net->pieces[net->n_pieces++] = (struct network_piece){.weight = weight, .spec = spec};
}

static void add_layer(struct network *net, struct network_layer *to,
                      const struct layer_weights *from)
{
    int h = net->config->hidden, f = net->config->inner;

    add_weight(
        net, &to->qkv,
        (struct linear_spec){.in = h, .out = 3 * h, .weight = from->qkv, .bias = from->qkv_bias});
    add_weight(net, &to->attention_out,
               (struct linear_spec){.in = h,
                                    .out = h,
                                    .weight = from->attention_out,
                                    .bias = from->attention_out_bias,
                                    .to_stream = true});
    add_weight(net, &to->inner,
               (struct linear_spec){.in = h,
                                    .out = f,
                                    .weight = from->inner,
                                    .bias = from->inner_bias,
                                    .activation = net->config->activation});
    add_weight(
        net, &to->outer,
        (struct linear_spec){
            .in = f, .out = h, .weight = from->outer, .bias = from->outer_bias, .to_stream = true});
    add_copy(net, &to->norm1_gamma, from->norm1_gamma, 1, h);
    add_copy(net, &to->norm1_beta, from->norm1_beta, 1, h);
    add_copy(net, &to->norm2_gamma, from->norm2_gamma, 1, h);
    add_copy(net, &to->norm2_beta, from->norm2_beta, 1, h);
}

static void list_pieces(struct network *net)
{
    const struct encoder_config *c = net->config;
    const struct encoder_weights *w = net->weights;

    add_copy(net, &net->word, w->word, c->vocab, c->hidden);
    add_copy(net, &net->position, w->position, c->positions, c->hidden);
    add_copy(net, &net->type, w->type, c->types, c->hidden);
    add_copy(net, &net->embed_gamma, w->embed_gamma, 1, c->hidden);
    add_copy(net, &net->embed_beta, w->embed_beta, 1, c->hidden);
    for (int l = 0; l < c->layers; l++)
        add_layer(net, &net->layers[l], &w->layers[l]);
    add_weight(net, &net->pooler,
               (struct linear_spec){.in = c->hidden,
                                    .out = c->hidden,
                                    .weight = w->pooler,
                                    .bias = w->pooler_bias,
                                    .activation = ACTIVATION_TANH});
    add_copy(net, &net->classifier, w->classifier, c->labels, c->hidden);
    add_copy(net, &net->classifier_bias, w->classifier_bias, 1, c->labels);
}

int network_init(struct network *net, const struct network_args *args, struct err *err)
{
    *net = (struct network){.ops = args->ops,
                            .session = args->session,
                            .caps = args->ops->session_caps(args->session),
                            .config = args->config,
                            .weights = args->weights,
                            .max_rows = args->max_rows};
    net->layers = calloc((size_t)args->config->layers, sizeof(*net->layers));
    net->pieces = calloc(8 + 8 * (size_t)args->config->layers, sizeof(*net->pieces));
    if (!net->layers || !net->pieces) {
        free(net->layers);
        free(net->pieces);
        *net = (struct network){0};
        return err_set(err, ERR_NOMEM, "network: out of memory");
    }
    list_pieces(net);
    return 0;
}

static int copy_some(struct network *net, const struct network_piece *piece, struct err *err)
{
    size_t n = piece->bytes - net->piece_at;

    if (!*piece->memory) {
        *piece->memory = net->ops->alloc(net->session, piece->bytes, err);
        if (!*piece->memory)
            return -1;
    }
    if (n > UPLOAD_BYTES)
        n = UPLOAD_BYTES;
    if (net->ops->upload(net->session, (char *)*piece->memory + net->piece_at,
                         (const char *)piece->from + net->piece_at, n, err))
        return -1;
    net->piece_at += n;
    return 0;
}

int network_step(struct network *net, struct err *err)
{
    const struct network_piece *piece = &net->pieces[net->next_piece];

    if (net->next_piece == net->n_pieces)
        return 0;
    if (piece->weight) {
        if (net->ops->weight_new(net->session, &piece->spec, net->max_rows, piece->weight, err))
            return -1;
    } else {
        if (copy_some(net, piece, err))
            return -1;
        if (net->piece_at < piece->bytes)
            return 1;
    }
    net->piece_at = 0;
    net->next_piece++;
    return net->next_piece < net->n_pieces;
}

void network_release(struct network *net)
{
    for (int i = 0; i < net->n_pieces; i++) {
        const struct network_piece *piece = &net->pieces[i];
        if (piece->weight && *piece->weight)
            net->ops->weight_free(net->session, *piece->weight);
        else if (piece->memory && *piece->memory)
            net->ops->free(net->session, *piece->memory);
    }
    free(net->layers);
    free(net->pieces);
    *net = (struct network){0};
}
