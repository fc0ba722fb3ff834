/* cross: [CLS] context [SEP] ad [SEP], one segment a pair, as BertForSequenceClassification
 * reads pairs. */
#include "model/kinds/kind.h"

static void size(const struct input_parts *parts, int *n_tokens, int *n_segments)
{
    *n_tokens = 0;
    *n_segments = parts->n_ads;
    for (int i = 0; i < parts->n_ads; i++)
        *n_tokens += parts->context.n + parts->ads[i].n + 3;
}

static void build(const struct input_parts *parts, struct input *out)
{
    for (int i = 0; i < parts->n_ads; i++) {
        kind_segment_begin(out, -1, 0, true);
        kind_put(out, parts->cls, 0);
        kind_put_run(out, parts->context, 0);
        kind_put(out, parts->sep, 0);
        kind_put_run(out, parts->ads[i], parts->pair_type);
        kind_put(out, parts->sep, parts->pair_type);
        kind_segment_end(out);
    }
}

const struct kind kind_cross = {
    .name = "cross",
    .context_specials = 2,
    .ad_specials = 1,
    .min_types = 2,
    .single = true,
    .n_networks = 1,
    .read_out = POOL_ROWS,
    .ads = &ads_as_tokens,
    .size = size,
    .build = build,
};
