/*
 * prefix: the context is one parent, [CLS] context [SEP] of type 0; every ad is a child, [CLS] ad
 * [SEP] of type 1, whose positions continue after the parent's and whose first token is read.
 */
#include "model/kinds/kind.h"

static void size(const struct input_parts *parts, int *n_tokens, int *n_segments)
{
    *n_tokens = parts->context.n + 2;
    *n_segments = parts->n_ads + 1;
    for (int i = 0; i < parts->n_ads; i++)
        *n_tokens += parts->ads[i].n + 2;
}

static void build(const struct input_parts *parts, struct input *out)
{
    int parent = kind_segment_begin(out, -1, 0, false);

    kind_put(out, parts->cls, 0);
    kind_put_run(out, parts->context, 0);
    kind_put(out, parts->sep, 0);
    kind_segment_end(out);
    for (int i = 0; i < parts->n_ads; i++) {
        kind_segment_begin(out, parent, parts->context.n + 2, true);
        kind_put(out, parts->cls, 1);
        kind_put_run(out, parts->ads[i], 1);
        kind_put(out, parts->sep, 1);
        kind_segment_end(out);
    }
}

const struct kind kind_prefix = {
    .name = "prefix",
    .context_specials = 2,
    .ad_specials = 2,
    .min_types = 2,
    .n_networks = 1,
    .read_out = POOL_ROWS,
    .ads = &ads_as_tokens,
    .size = size,
    .build = build,
};
