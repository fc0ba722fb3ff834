/* The forward pass: which operations in which order, and where their rows live. */
#include "model/engine/forward.h"

#include <stdlib.h>

#include "base/carve.h"

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t larger(size_t a, int b)
{
    return a > (size_t)b ? a : (size_t)b;
}

int forward_scratch_init(struct forward_scratch *scratch, const struct forward_scratch_args *args,
                         struct err *err)
{
    const struct network *net = args->networks;
    size_t t = (size_t)args->max_tokens, h = 0, f = 0;
    size_t stream = net->caps->stream_bytes, operand = net->caps->operand_bytes;
    bool shared = stream == operand;

    for (int i = 0; i < args->n_networks; i++) {
        h = larger(h, net[i].config->hidden);
        f = larger(f, net[i].config->inner);
    }
    const struct carve_part parts[] = {
        {&scratch->stream, t * h * stream},
        {&scratch->qkv, t * 3 * h * operand},
        {&scratch->attention, t * h * operand},
        {&scratch->delta, t * h * stream},
        {&scratch->inner, t * f * operand},
        {&scratch->read_stream, t * h * stream},
        {&scratch->pooled, t * h * operand},
        {&scratch->out, t * (size_t)args->out_width * sizeof(float)},
        {&scratch->operand, shared ? 0 : t * h * operand},
        {&scratch->read_operand, shared ? 0 : t * h * operand},
    };
    const size_t n = sizeof(parts) / sizeof(parts[0]);

    scratch->outside = calloc(t, sizeof(*scratch->outside));
    if (!scratch->outside)
        return err_set(err, ERR_NOMEM, "forward: out of memory");
    scratch->memory = net->ops->alloc(net->upload.session, carve(parts, n, NULL), err);
    if (!scratch->memory) {
        free(scratch->outside);
        return -1;
    }
    carve(parts, n, scratch->memory);
    if (shared) {
        scratch->operand = scratch->stream;
        scratch->read_operand = scratch->read_stream;
    }
    return 0;
}

void forward_scratch_release(struct forward_scratch *scratch, const struct network *networks)
{
    networks->ops->free(networks->upload.session, scratch->memory);
    free(scratch->outside);
    *scratch = (struct forward_scratch){0};
}

size_t forward_qkv_bytes(const struct network *net, int max_tokens, size_t *layer_bytes)
{
    *layer_bytes = (size_t)max_tokens * 3 * (size_t)net->config->hidden * net->caps->operand_bytes;
    *layer_bytes = (*layer_bytes + 63) & ~(size_t)63; /* layers are as aligned as the block */
    return *layer_bytes * (size_t)net->config->layers;
}

/* Layer l's place in a block, or `otherwise`. */
static void *place(const struct layer_block *block, int l, void *otherwise)
{
    return block->memory ? block->memory + (size_t)l * block->layer_bytes : otherwise;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The rows that a stage of a layer works on: all of the slice, or those that are read. */
struct rows {
    int n;
    void *stream;
    void *operand; /* what the layer ends in */
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
        .operand = place(&a->rows.operand, a->layers.first, a->scratch->operand),
        .mean = a->rows.embed_mean,
        .rstd = a->rows.embed_rstd,
    };

    return net->ops->embed(a->lane, &args, err);
}

static int qkv(const struct network *net, const struct forward_args *a, int l, struct err *err)
{
    const struct linear_args args = {
        .weight = net->layers[l].qkv,
        .n_rows = a->slice->n_tokens,
        .in = place(&a->rows.operand, l, a->scratch->operand),
        .out = place(&a->rows.qkv, l, a->scratch->qkv),
    };

    return net->ops->linear(a->lane, &args, err);
}

static int attend(const struct network *net, const struct forward_args *a, int l, bool read_only,
                  struct err *err)
{
    size_t row_bytes = 3 * (size_t)net->config->hidden * net->caps->operand_bytes;
    const struct attention_args args = {
        .hidden = net->config->hidden,
        .heads = net->config->heads,
        .qkv = place(&a->rows.qkv, l, a->scratch->qkv),
        .qkv_bias = net->layers[l].qkv_bias,
        .outside = a->scratch->outside,
        .causal = net->config->mask == MASK_CAUSAL,
        .read_only = read_only,
        .out = place(&a->rows.attention, l, a->scratch->attention),
        .lse = place(&a->rows.lse, l, NULL),
    };

    for (int i = 0; i < a->slice->n_outside; i++)
        a->scratch->outside[i] = (struct outside_parent){
            .len = a->outside[i].len,
            .qkv = (char *)place(a->parents, l, NULL) + (size_t)a->outside[i].start * row_bytes,
        };
    return net->ops->attention(a->lane, &args, err);
}

static int pool(const struct network *net, const struct forward_args *a, void *operand_out,
                struct err *err)
{
    const struct pool_args args = {
        .kind = a->read_out,
        .hidden = net->config->hidden,
        .stream = a->scratch->stream,
        .stream_out = a->scratch->read_stream,
        .operand_out = operand_out,
    };

    return net->ops->pool(a->lane, &args, err);
}

/* What follows attention: its projection and the norm after it. */
static int project(const struct network *net, const struct forward_args *a, int l,
                   const struct rows *rows, struct err *err)
{
    const struct network_layer *layer = &net->layers[l];
    const struct linear_args linear = {
        .weight = layer->attention_out,
        .n_rows = rows->n,
        .in = place(&a->rows.attention, l, a->scratch->attention),
        .out = place(&a->rows.delta1, l, a->scratch->delta),
    };
    const struct residual_norm_args norm = {
        .n_rows = rows->n,
        .hidden = net->config->hidden,
        .stream = rows->stream,
        .delta = linear.out,
        .gamma = layer->norm1_gamma,
        .beta = layer->norm1_beta,
        .eps = net->config->eps,
        .operand = place(&a->rows.middle, l, rows->operand),
        .mean = place(&a->rows.mean1, l, NULL),
        .rstd = place(&a->rows.rstd1, l, NULL),
    };

    return net->ops->linear(a->lane, &linear, err) || net->ops->residual_norm(a->lane, &norm, err)
               ? -1
               : 0;
}

/* The inner layer and the norm after it. */
static int feed_forward(const struct network *net, const struct forward_args *a, int l,
                        const struct rows *rows, struct err *err)
{
    const struct network_layer *layer = &net->layers[l];
    const struct linear_args inner = {
        .weight = layer->inner,
        .n_rows = rows->n,
        .in = place(&a->rows.middle, l, rows->operand),
        .out = place(&a->rows.inner, l, a->scratch->inner),
        .activation = net->inner_activation,
        .pre_activation = place(&a->rows.pre_activation, l, NULL),
    };
    const struct linear_args outer = {
        .weight = layer->outer,
        .n_rows = rows->n,
        .in = inner.out,
        .out = place(&a->rows.delta2, l, a->scratch->delta),
    };
    const struct residual_norm_args norm = {
        .n_rows = rows->n,
        .hidden = net->config->hidden,
        .stream = rows->stream,
        .delta = outer.out,
        .gamma = layer->norm2_gamma,
        .beta = layer->norm2_beta,
        .eps = net->config->eps,
        .operand = rows->operand,
        .mean = place(&a->rows.mean2, l, NULL),
        .rstd = place(&a->rows.rstd2, l, NULL),
    };

    return net->ops->linear(a->lane, &inner, err) || net->ops->linear(a->lane, &outer, err) ||
                   net->ops->residual_norm(a->lane, &norm, err)
               ? -1
               : 0;
}

static int whole_layer(const struct network *net, const struct forward_args *a, int l,
                       struct err *err)
{
    const struct rows all = {
        .n = a->slice->n_tokens,
        .stream = a->scratch->stream,
        .operand = place(&a->rows.operand, l + 1, a->scratch->operand),
    };

    return qkv(net, a, l, err) || attend(net, a, l, false, err) || project(net, a, l, &all, err) ||
                   feed_forward(net, a, l, &all, err)
               ? -1
               : 0;
}

/* Only for the rows that are read. */
static int read_layer(const struct network *net, const struct forward_args *a, int l,
                      struct err *err)
{
    const struct rows read = {
        .n = a->slice->n_read,
        .stream = a->scratch->read_stream,
        .operand = a->scratch->read_operand,
    };

    if (qkv(net, a, l, err))
        return -1;
    if (read.n == 0)
        return 0; /* only parents: just their keys and values are needed */
    return attend(net, a, l, true, err) || pool(net, a, NULL, err) ||
                   project(net, a, l, &read, err) || feed_forward(net, a, l, &read, err)
               ? -1
               : 0;
}

static int last_layer(const struct network *net, const struct forward_args *a, int l,
                      struct err *err)
{
    if (!a->reads)
        return whole_layer(net, a, l, err);
    if (a->read_out == POOL_ROWS)
        return read_layer(net, a, l, err);
    return whole_layer(net, a, l, err) || pool(net, a, a->scratch->read_operand, err) ? -1 : 0;
}

int forward(const struct network *net, const struct forward_args *args, struct err *err)
{
    int last = args->layers.end - 1;

    if (!args->has_rows && embed(net, args, err))
        return -1;
    for (int l = args->layers.first; l < last; l++)
        if (whole_layer(net, args, l, err))
            return -1;
    return last_layer(net, args, last, err);
}
