/* Impressions to inputs: texts by the model's templates, tokens by its tokenizer, segments by
 * its kind. */
#include "base/bug.h"
#include "model/kinds/kind.h"
#include "model/shared_texts.h"

struct building {
    const struct model *model;
    const struct input_args *args;
    struct shared_texts *shared;
    struct arena *scratch;
    int32_t *ids; /* (room) context and behaviours */
    int n, room;
    bool truncated;
};

bool model_reads_placement(const struct model *model)
{
    return template_has(&model->adrank.context, "tagid");
}

static void append(struct building *b, struct id_run run)
{
    if (run.n)
        memcpy(b->ids + b->n, run.ids, (size_t)run.n * sizeof(*run.ids));
    b->n += run.n;
}

static int add_context(struct building *b)
{
    const struct template_values values = {.request = b->args->request,
                                           .imp = b->args->imp,
                                           .now_ms = b->args->now_ms,
                                           .max_bytes = encode_text_max_bytes(b->room)};
    const struct view text = template_render(&b->model->adrank.context, &values, b->scratch);
    struct encoded_text encoded;

    if (encode_text(b->model->tokenizer, text, b->room, b->scratch, &encoded))
        return -1;
    b->shared->bytes += text.len;
    b->truncated |= encoded.cut;
    append(b, encoded.run);
    return 0;
}

/* Within the remaining room: the same result as encode_text() gives with that limit. */
static bool fits(const struct building *b, const struct behaviour_text *text)
{
    const int left = b->room - b->n;

    return !text->encoded.cut && text->encoded.run.n <= left &&
           text->bytes < encode_text_max_bytes(left);
}

/* Newest first; stops at the first that does not fit as a whole. */
static int add_behaviours(struct building *b)
{
    for (int i = b->args->n_behaviours - 1; i >= 0; i--) {
        const struct behaviour_text *text;

        if (!b->args->behaviours[i].text.len)
            continue;
        if (b->n == b->room) {
            b->truncated = true;
            return 0;
        }
        text = shared_behaviour(b->shared, i);
        if (!text)
            return -1;
        if (!fits(b, text)) {
            b->truncated = true;
            return 0;
        }
        append(b, text->encoded.run);
    }
    return 0;
}

static struct input_parts parts_of(const struct model *model, const struct id_run *ads, int n_ads)
{
    const struct tokenizer_facts *facts = tokenizer_facts(model->tokenizer);

    return (struct input_parts){.ads = ads,
                                .n_ads = n_ads,
                                .cls = facts->cls,
                                .sep = facts->sep,
                                .pair_type = facts->pair_type};
}

int model_input(const struct model *model, const struct input_args *args, struct arena *scratch,
                struct input *out, bool *truncated, struct err *err)
{
    struct building b = {.model = model,
                         .args = args,
                         .shared =
                             args->shared ? args->shared : model_share_texts(model, args, scratch),
                         .scratch = scratch,
                         .room = model_context_room(model)};
    struct input_parts parts = parts_of(model, NULL, args->n_ads);
    bool ads_cut;

    b.ids = arena_array(scratch, (size_t)b.room + 1, sizeof(*b.ids));
    if (!b.shared || !b.ids || add_context(&b) || add_behaviours(&b))
        return err_set(err, ERR_NOMEM, "building an input: out of memory");
    parts.ads = shared_ads(b.shared, &ads_cut, err);
    if (!parts.ads)
        return -1;
    parts.context = (struct id_run){b.ids, b.n};
    *truncated = b.truncated || ads_cut;
    return kind_input(model->adrank.kind, &parts, out, err);
}

static int encode_all(const struct model *model, struct view text, struct arena *scratch,
                      struct id_run *out)
{
    int32_t *ids =
        arena_array(scratch, tokenizer_max_ids(model->tokenizer, text.len) + 1, sizeof(*ids));

    *out = (struct id_run){ids, -1};
    if (ids)
        out->n = tokenizer_encode(model->tokenizer, text.ptr ? text : VIEW_LIT(""), scratch, ids);
    return out->n < 0 ? -1 : 0;
}

/* [CLS] text [SEP], whatever the kind. */
static int put_single(const struct model *model, struct id_run text, struct input *out,
                      struct err *err)
{
    if (input_reserve(out, text.n + 2, 1, err))
        return -1;
    kind_segment_begin(out, -1, 0, true);
    kind_put(out, tokenizer_facts(model->tokenizer)->cls, 0);
    kind_put_run(out, text, 0);
    kind_put(out, tokenizer_facts(model->tokenizer)->sep, 0);
    kind_segment_end(out);
    return 0;
}

int model_input_pair(const struct model *model, struct view text, struct view text_pair,
                     bool has_pair, int max_tokens, struct arena *scratch, struct input *out,
                     struct err *err)
{
    const struct kind *kind = model->adrank.kind;
    int specials = has_pair ? kind->context_specials + kind->ad_specials : 2;
    struct id_run second = {0};
    struct input_parts parts = parts_of(model, &second, 1);

    if (!has_pair && !kind->single)
        return err_set(err, ERR_DATA, "kind %s also needs a text_pair: the ad", kind->name);
    if (max_tokens == 0)
        max_tokens = model->max_tokens;
    if (max_tokens > model->encoders[0].config.positions)
        max_tokens = model->encoders[0].config.positions;
    if (max_tokens < specials)
        return err_set(err, ERR_USAGE, "%d tokens hold not even the special ones", max_tokens);
    if (encode_all(model, text, scratch, &parts.context) ||
        (has_pair && encode_all(model, text_pair, scratch, &second)))
        return err_set(err, ERR_NOMEM, "building an input: out of memory");
    if (tokenizer_truncate(TRUNCATE_LONGEST_FIRST, max_tokens - specials, &parts.context.n,
                           &second.n) < 0)
        BUG("longest-first cannot reach %d tokens", max_tokens);
    if (!has_pair)
        return put_single(model, parts.context, out, err);
    return kind_input(kind, &parts, out, err);
}
