/* Lists a head's weights for the device, and runs it. */
#include "model/engine/packed_head.h"

#define ITEMS 3

int packed_head_init(struct packed_head *packed, const struct network *net, const struct head *head,
                     struct err *err)
{
    const int h = net->config->hidden;

    *packed = (struct packed_head){.ops = net->ops, .hidden = h, .labels = head->labels};
    if (upload_init(&packed->upload, net->ops, net->upload.session, net->upload.max_rows, ITEMS,
                    err))
        return -1;
    upload_matrix(&packed->upload, &packed->pooler,
                  (struct linear_spec){.in = h,
                                       .out = h,
                                       .weight = head->pooler,
                                       .bias = head->pooler_bias,
                                       .activation = ACTIVATION_TANH});
    upload_array(&packed->upload, &packed->classifier, head->classifier, head->labels, h);
    upload_array(&packed->upload, &packed->classifier_bias, head->classifier_bias, 1, head->labels);
    return 0;
}

void packed_head_release(struct packed_head *packed)
{
    upload_release(&packed->upload);
    *packed = (struct packed_head){0};
}

int packed_head_run(const struct packed_head *packed, const struct forward_args *a, float *out,
                    struct err *err)
{
    const struct backend_ops *ops = packed->ops;
    const struct forward_scratch *s = a->scratch;
    const int n = a->slice->n_read;
    const struct linear_args pooler = {
        .weight = packed->pooler, .n_rows = n, .in = s->read_operand, .out = s->pooled};
    const struct head_args classifier = {.n_rows = n,
                                         .hidden = packed->hidden,
                                         .labels = packed->labels,
                                         .operand = s->pooled,
                                         .weight = packed->classifier,
                                         .bias = packed->classifier_bias,
                                         .logits = s->out};

    return ops->linear(a->lane, &pooler, err) || ops->head(a->lane, &classifier, err) ||
                   ops->download(a->lane, out, s->out,
                                 (size_t)n * (size_t)packed->labels * sizeof(*out), err)
               ? -1
               : 0;
}
