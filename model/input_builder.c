/* Impressions to inputs: texts by the model's templates, tokens by its tokenizer, segments by
 * its kind. */
#include "base/bug.h"
#include "model/encoded_ads.h"
#include "model/kind.h"
#include "model/model_struct.h"

struct building {
    const struct model *model;
    const struct input_args *args;
    struct arena *scratch;
    int32_t *ids; /* (room) context and behaviours */
    int n, room;
    bool truncated;
};

/* Ids of text, all of them; NULL when out of memory. */
static const int32_t *encode(struct building *b, struct view text, int *n)
{
    const struct tokenizer *tokenizer = b->model->tokenizer;
    int32_t *ids =
        arena_array(b->scratch, tokenizer_max_ids(tokenizer, text.len) + 1, sizeof(*ids));

    *n = text.ptr && ids ? tokenizer_encode(tokenizer, text, b->scratch, ids) : -1;
    return *n < 0 ? NULL : ids;
}

static void append(struct building *b, const int32_t *ids, int n)
{
    if (n)
        memcpy(b->ids + b->n, ids, (size_t)n * sizeof(*ids));
    b->n += n;
}

static int add_context(struct building *b)
{
    const struct template_values values = {
        .request = b->args->request, .imp = b->args->imp, .now_ms = b->args->now_ms};
    int n;
    const int32_t *ids =
        encode(b, template_render(&b->model->adrank.context, &values, b->scratch), &n);

    if (!ids)
        return -1;
    if (n > b->room) {
        n = b->room;
        b->truncated = true;
    }
    append(b, ids, n);
    return 0;
}

/* Newest first; the first that does not fit whole ends the list. */
static int add_behaviours(struct building *b)
{
    for (int i = b->args->n_behaviours - 1; i >= 0; i--) {
        const struct template_values values = {.behaviour = &b->args->behaviours[i]};
        const int32_t *ids;
        int n;
        if (!values.behaviour->text.len)
            continue;
        if (b->n == b->room) {
            b->truncated = true;
            return 0;
        }
        ids = encode(b, template_render(&b->model->adrank.behaviour, &values, b->scratch), &n);
        if (!ids)
            return -1;
        if (b->n + n > b->room) {
            b->truncated = true;
            return 0;
        }
        append(b, ids, n);
    }
    return 0;
}

static int add_ads(struct building *b, struct id_run *runs, struct err *err)
{
    for (int i = 0; i < b->args->n_ads; i++) {
        const struct input_ad *ad = &b->args->ads[i];
        struct encoded_ad encoded;
        if (b->args->encoded && ad->ad && !ad->text.len)
            encoded = *encoded_ads_at(b->args->encoded, ad->ad->index);
        else if (encode_ad(b->model, ad->ad, ad->text, b->scratch, &encoded, err))
            return -1;
        runs[i] = encoded.run;
        b->truncated |= encoded.cut;
    }
    return 0;
}

int model_input(const struct model *model, const struct input_args *args, struct arena *scratch,
                struct input *out, bool *truncated, struct err *err)
{
    const struct kind *kind = model->adrank.kind;
    struct building b = {.model = model,
                         .args = args,
                         .scratch = scratch,
                         .room = model->adrank.max_context_tokens - kind->context_specials};
    struct id_run *runs = arena_array(scratch, (size_t)args->n_ads + 1, sizeof(*runs));
    struct input_parts parts = {.ads = runs,
                                .n_ads = args->n_ads,
                                .cls = tokenizer_cls(model->tokenizer),
                                .sep = tokenizer_sep(model->tokenizer)};
    int n_tokens, n_segments;

    b.ids = arena_array(scratch, (size_t)b.room + 1, sizeof(*b.ids));
    if (!runs || !b.ids || add_context(&b) || add_behaviours(&b))
        return err_set(err, ERR_NOMEM, "building an input: out of memory");
    if (add_ads(&b, runs, err))
        return -1;
    parts.context = (struct id_run){b.ids, b.n};
    kind->size(&parts, &n_tokens, &n_segments);
    if (input_reserve(out, n_tokens, n_segments, err))
        return -1;
    kind->build(&parts, out);
    *truncated = b.truncated;
    return 0;
}

/* [CLS] text [SEP], and pair [SEP] where there is one. */
static int put_pair(const struct model *model, struct id_run first, const struct id_run *second,
                    struct input *out, struct err *err)
{
    int32_t sep = tokenizer_sep(model->tokenizer);

    if (input_reserve(out, first.n + (second ? second->n + 1 : 0) + 2, 1, err))
        return -1;
    kind_segment_begin(out, -1, 0, true);
    kind_put(out, tokenizer_cls(model->tokenizer), 0);
    kind_put_run(out, first, 0);
    kind_put(out, sep, 0);
    if (second) {
        kind_put_run(out, *second, 1);
        kind_put(out, sep, 1);
    }
    kind_segment_end(out);
    return 0;
}

int model_input_pair(const struct model *model, struct view text, struct view text_pair,
                     bool has_pair, int max_tokens, struct arena *scratch, struct input *out,
                     struct err *err)
{
    struct building b = {.model = model, .scratch = scratch};
    int specials = has_pair ? 3 : 2;
    struct id_run first, second = {0};

    if (!model->adrank.kind->pairs)
        return err_set(err, ERR_USAGE, "kind %s takes no bare pairs of texts",
                       model->adrank.kind->name);
    if (max_tokens == 0 || max_tokens > model->config.positions)
        max_tokens = model->config.positions;
    if (max_tokens < specials)
        return err_set(err, ERR_USAGE, "%d tokens hold not even the special ones", max_tokens);
    first.ids = encode(&b, text.ptr ? text : VIEW_LIT(""), &first.n);
    if (has_pair)
        second.ids = encode(&b, text_pair.ptr ? text_pair : VIEW_LIT(""), &second.n);
    if (!first.ids || (has_pair && !second.ids))
        return err_set(err, ERR_NOMEM, "building an input: out of memory");
    if (tokenizer_truncate(TRUNCATE_LONGEST_FIRST, max_tokens - specials, &first.n, &second.n) < 0)
        BUG("longest-first cannot reach %d tokens", max_tokens);
    return put_pair(model, first, has_pair ? &second : NULL, out, err);
}
