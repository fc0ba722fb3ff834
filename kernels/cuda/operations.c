/* Operations other than products: arguments of kernels/backend.h turned into launches. */
#include "kernels/cuda/lane.h"

/* Of a launch; returns the operation's result. */
static int launched(const struct lane *lane, cudaError_t rc, const char *what, struct err *err)
{
    return rc == cudaSuccess ? 0 : device_failed(lane_device(lane), rc, what, err);
}

static int usable(const struct lane *lane, struct err *err)
{
    if (lane_device(lane)->broken)
        return err_set(err, ERR_UNAVAILABLE, "cuda: the device is broken: restart the process");
    return 0;
}

int cuda_op_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    const struct cuda_embed_launch launch = {
        .type = lane->session->type,
        .word = args->word,
        .position = args->position,
        .token_type = args->type,
        .gamma = args->gamma,
        .beta = args->beta,
        .eps = args->eps,
        .hidden = args->hidden,
        .stream = args->stream,
        .operand = args->operand,
        .mean = args->mean,
        .rstd = args->rstd,
    };

    if (usable(lane, err))
        return -1;
    recording_note(lane, OPERATION_EMBED, &launch, sizeof(launch));
    return launched(lane, cuda_embed(&lane->batch, &launch, lane_device(lane)->stream), "embed",
                    err);
}

int cuda_op_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    const struct cuda_attention_launch launch = {
        .type = lane->session->type,
        .hidden = args->hidden,
        .heads = args->heads,
        .qkv = args->qkv,
        .bias = args->qkv_bias,
        .causal = args->causal,
        .read_only = args->read_only,
        .out = args->out,
        .lse = args->lse,
    };

    if (usable(lane, err))
        return -1;
    recording_note(lane, OPERATION_ATTENTION, &launch, sizeof(launch));
    return launched(lane, cuda_attention(&lane->batch, &launch, lane_device(lane)->stream),
                    "attention", err);
}

int cuda_op_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err)
{
    const struct lane_rows rows = lane_rows(lane, args->n_rows);
    const struct cuda_norm_launch launch = {
        .type = lane->session->type,
        .hidden = args->hidden,
        .n_rows = rows.n,
        .rung_rows = rows.rung,
        .stream = args->stream,
        .delta = args->delta,
        .gamma = args->gamma,
        .beta = args->beta,
        .eps = args->eps,
        .operand = args->operand,
        .mean = args->mean,
        .rstd = args->rstd,
    };

    if (usable(lane, err))
        return -1;
    if (args->n_rows == 0)
        return 0;
    recording_note(lane, OPERATION_NORM, &launch, sizeof(launch));
    return launched(lane, cuda_residual_norm(&launch, lane_device(lane)->stream), "norm", err);
}

int cuda_op_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    const struct cuda_pool_launch launch = {
        .type = lane->session->type,
        .mean = args->kind == POOL_MEAN,
        .hidden = args->hidden,
        .stream_in = args->stream,
        .stream_out = args->stream_out,
        .operand_out = args->operand_out,
    };

    if (usable(lane, err))
        return -1;
    recording_note(lane, OPERATION_POOL, &launch, sizeof(launch));
    return launched(lane, cuda_pool(&lane->batch, &launch, lane_device(lane)->stream), "pool", err);
}

int cuda_op_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const struct lane_rows rows = lane_rows(lane, args->n_rows);
    const struct cuda_head_launch launch = {
        .type = lane->session->type,
        .hidden = args->hidden,
        .labels = args->labels,
        .rung_rows = rows.rung,
        .n_rows = rows.n,
        .operand = args->operand,
        .weight = args->weight,
        .bias = args->bias,
        .logits = args->logits,
    };

    if (usable(lane, err))
        return -1;
    if (args->n_rows == 0)
        return 0;
    recording_note(lane, OPERATION_HEAD, &launch, sizeof(launch));
    return launched(lane, cuda_head(&launch, lane_device(lane)->stream), "head", err);
}
