#include "model/engine/forward.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ memory */

struct room {
    void **where;
    size_t bytes;
};

static size_t align64(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

int forward_scratch_init(struct forward_scratch *scratch, const struct network *net, int max_tokens,
                         struct err *err)
{
    const struct encoder_config *c = net->config;
    size_t t = (size_t)max_tokens, h = (size_t)c->hidden;
    size_t stream = net->caps->stream_bytes, operand = net->caps->operand_bytes;
    bool shared = stream == operand && c->norm == NORM_POST;
    struct room rooms[] = {
        {&scratch->stream, t * h * stream},
        {&scratch->qkv, t * 3 * h * operand},
        {&scratch->attention, t * h * operand},
        {&scratch->delta, t * h * stream},
        {&scratch->inner, t * (size_t)c->inner * operand},
        {&scratch->read_stream, t * h * stream},
        {&scratch->pooled, t * h * operand},
        {&scratch->logits, t * (size_t)c->labels * sizeof(float)},
        {&scratch->operand, shared ? 0 : t * h * operand},
        {&scratch->read_operand, shared ? 0 : t * h * operand},
    };
    size_t n_rooms = sizeof(rooms) / sizeof(rooms[0]), bytes = 0;

    for (size_t i = 0; i < n_rooms; i++)
        bytes += align64(rooms[i].bytes);
    scratch->outside = calloc(t, sizeof(*scratch->outside));
    if (!scratch->outside)
        return err_set(err, ERR_NOMEM, "forward: out of memory");
    scratch->memory = net->ops->alloc(net->session, bytes, err);
    if (!scratch->memory) {
        free(scratch->outside);
        return -1;
    }
    bytes = 0;
    for (size_t i = 0; i < n_rooms; i++) {
        *rooms[i].where = (char *)scratch->memory + bytes;
        bytes += align64(rooms[i].bytes);
    }
    if (shared) {
        scratch->operand = scratch->stream;
        scratch->read_operand = scratch->read_stream;
    }
    return 0;
}

void forward_scratch_release(struct forward_scratch *scratch, const struct network *net)
{
    net->ops->free(net->session, scratch->memory);
    free(scratch->outside);
    *scratch = (struct forward_scratch){0};
}

size_t forward_kept_bytes(const struct network *net, int max_tokens, size_t *layer_bytes)
{
    *layer_bytes =
        align64((size_t)max_tokens * 3 * (size_t)net->config->hidden * net->caps->operand_bytes);
    return *layer_bytes * (size_t)net->config->layers;
}

/* ------------------------------------------------------------------ steps */

/* The rows that a stage of a layer works on: all of the slice, or those that are read. */
struct rows {
    int n;
    void *stream, *operand;
};

static int embed(const struct network *net, const struct forward_args *a, struct err *err)
{
    const struct embed_args args = {
        .word = net->word,
        .position = net->position,
        .type = net->type,
        .gamma = net->embed_gamma,
        .beta = net->embed_beta,
        .eps = net->config->eps,
        .hidden = net->config->hidden,
        .stream = a->scratch->stream,
        .operand = a->scratch->operand,
    };

    return net->ops->embed(a->lane, &args, err);
}

static int linear(const struct network *net, const struct forward_args *a,
                  const struct linear_weight *weight, int n_rows, const void *in, void *out,
                  struct err *err)
{
    const struct linear_args args = {.weight = weight, .n_rows = n_rows, .in = in, .out = out};

    return net->ops->linear(a->lane, &args, err);
}

/* Where this layer's q, k and v go: to the scratch, or to where the children will look for them. */
static void *layer_qkv(const struct forward_args *a, int l)
{
    return a->keep ? a->keep->memory + (size_t)l * a->keep->layer_bytes : a->scratch->qkv;
}

static int attend(const struct network *net, const struct forward_args *a, int l, bool read_only,
                  struct err *err)
{
    size_t row_bytes = 3 * (size_t)net->config->hidden * net->caps->operand_bytes;
    const struct attention_args args = {
        .hidden = net->config->hidden,
        .heads = net->config->heads,
        .qkv = layer_qkv(a, l),
        .outside = a->scratch->outside,
        .causal = net->config->mask == MASK_CAUSAL,
        .read_only = read_only,
        .out = a->scratch->attention,
    };

    for (int i = 0; i < a->slice->n_outside; i++)
        a->scratch->outside[i] = (struct outside_parent){
            .len = a->outside[i].len,
            .qkv = a->parents->memory + (size_t)l * a->parents->layer_bytes +
                   (size_t)a->outside[i].start * row_bytes,
        };
    return net->ops->attention(a->lane, &args, err);
}

static int residual_norm(const struct network *net, const struct forward_args *a,
                         const struct rows *rows, const void *gamma, const void *beta,
                         struct err *err)
{
    const struct residual_norm_args args = {
        .kind = NORM_POST,
        .n_rows = rows->n,
        .hidden = net->config->hidden,
        .stream = rows->stream,
        .delta = a->scratch->delta,
        .gamma = gamma,
        .beta = beta,
        .eps = net->config->eps,
        .operand = rows->operand,
    };

    return net->ops->residual_norm(a->lane, &args, err);
}

static int gather_read(const struct network *net, const struct forward_args *a, struct err *err)
{
    const struct pool_args args = {
        .kind = POOL_ROWS,
        .hidden = net->config->hidden,
        .stream = a->scratch->stream,
        .stream_out = a->scratch->read_stream,
    };

    return net->ops->pool(a->lane, &args, err);
}

/* What follows attention: its projection, the inner layer, and the norm behind each. */
static int finish_layer(const struct network *net, const struct forward_args *a,
                        const struct network_layer *layer, const struct rows *rows, struct err *err)
{
    struct forward_scratch *s = a->scratch;

    return linear(net, a, layer->attention_out, rows->n, s->attention, s->delta, err) ||
                   residual_norm(net, a, rows, layer->norm1_gamma, layer->norm1_beta, err) ||
                   linear(net, a, layer->inner, rows->n, rows->operand, s->inner, err) ||
                   linear(net, a, layer->outer, rows->n, s->inner, s->delta, err) ||
                   residual_norm(net, a, rows, layer->norm2_gamma, layer->norm2_beta, err)
               ? -1
               : 0;
}

static int whole_layer(const struct network *net, const struct forward_args *a, int l,
                       struct err *err)
{
    const struct rows all = {a->slice->n_tokens, a->scratch->stream, a->scratch->operand};

    return linear(net, a, net->layers[l].qkv, all.n, all.operand, layer_qkv(a, l), err) ||
                   attend(net, a, l, false, err) || finish_layer(net, a, &net->layers[l], &all, err)
               ? -1
               : 0;
}

static int last_layer(const struct network *net, const struct forward_args *a, int l,
                      struct err *err)
{
    const struct rows read = {a->slice->n_read, a->scratch->read_stream, a->scratch->read_operand};

    if (linear(net, a, net->layers[l].qkv, a->slice->n_tokens, a->scratch->operand, layer_qkv(a, l),
               err))
        return -1;
    if (read.n == 0)
        return 0; /* nothing but parents: their keys and values are all that is wanted */
    return attend(net, a, l, true, err) || gather_read(net, a, err) ||
                   finish_layer(net, a, &net->layers[l], &read, err)
               ? -1
               : 0;
}

static int read_out(const struct network *net, const struct forward_args *a, struct err *err)
{
    struct forward_scratch *s = a->scratch;
    const struct head_args args = {
        .n_rows = a->slice->n_read,
        .hidden = net->config->hidden,
        .labels = net->config->labels,
        .operand = s->pooled,
        .weight = net->classifier,
        .bias = net->classifier_bias,
        .logits = s->logits,
    };

    return linear(net, a, net->pooler, args.n_rows, s->read_operand, s->pooled, err) ||
                   net->ops->head(a->lane, &args, err) ||
                   net->ops->download(a->lane, a->logits, s->logits,
                                      (size_t)args.n_rows * (size_t)args.labels * sizeof(float),
                                      err)
               ? -1
               : 0;
}

int forward(const struct network *net, const struct forward_args *args, struct err *err)
{
    const struct pass pass = {.network = net->layers, .n_layers = net->config->layers};
    int last = net->config->layers - 1;
    int replayed = net->ops->begin(args->lane, args->slice, &pass, err);

    if (replayed)
        return replayed < 0 ? -1 : 0;
    if (embed(net, args, err))
        return -1;
    for (int l = 0; l < last; l++)
        if (whole_layer(net, args, l, err))
            return -1;
    if (last_layer(net, args, last, err))
        return -1;
    return args->slice->n_read ? read_out(net, args, err) : 0;
}
