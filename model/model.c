/* Accessors of an open model. */
#include <stdlib.h>

#include "model/model_struct.h"

struct model *model_ref(struct model *model)
{
    atomic_fetch_add_explicit(&model->refs, 1, memory_order_relaxed);
    return model;
}

void model_unref(struct model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->refs, 1, memory_order_acq_rel) != 1)
        return;
    tokenizer_free(model->tokenizer);
    arena_release(&model->arena);
    free(model);
}

const char *model_kind(const struct model *model)
{
    return model->adrank.kind->name;
}

const char *model_name(const struct model *model)
{
    return model->adrank.name;
}

const char *model_version(const struct model *model)
{
    return model->adrank.version;
}

const char *model_digest(const struct model *model)
{
    return model->digest;
}

int model_out_width(const struct model *model)
{
    const int width = model->adrank.kind->out_width;

    return width ? width : model->head.labels;
}

int model_max_tokens(const struct model *model)
{
    return model->encoders[0].config.positions;
}

double model_base_rate(const struct model *model)
{
    return model->adrank.base_rate;
}

/* With two mutually exclusive labels, softmax of the second is sigmoid of the difference. */
double model_logit(const struct model *model, const float *out)
{
    const int labels = model->head.labels;

    if (model->head.independent_labels)
        return (double)out[labels - 1];
    return labels == 2 ? (double)out[1] - (double)out[0] : (double)out[0];
}

double model_pctr(const struct model *model, const float *out)
{
    return calibration_pctr(&model->adrank.calibration, model_logit(model, out));
}
