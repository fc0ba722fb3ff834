/* Tokenises each shared text of a request on first use. */
#include "model/shared_texts.h"

#include "model/token_ads.h"

int model_context_room(const struct model *model)
{
    return model->adrank.max_context_tokens - model->adrank.kind->context_specials;
}

struct shared_texts *model_share_texts(const struct model *model, const struct input_args *args,
                                       struct arena *arena)
{
    struct shared_texts *texts = arena_alloc(arena, sizeof(*texts));

    if (!texts)
        return NULL;
    *texts = (struct shared_texts){
        .model = model,
        .args = args,
        .arena = arena,
        .behaviours = arena_array(arena, (size_t)args->n_behaviours, sizeof(*texts->behaviours)),
        .first_known = args->n_behaviours,
        .behaviour_bytes_left = (size_t)model_context_room(model) * ENCODE_TEXT_BYTES_AN_ID,
    };
    return texts->behaviours ? texts : NULL;
}

size_t model_shared_bytes(const struct shared_texts *texts)
{
    return texts->bytes;
}

const struct id_run *shared_ads(struct shared_texts *texts, bool *cut, struct err *err)
{
    const struct input_args *args = texts->args;

    if (!texts->ads) {
        texts->ads = arena_array(texts->arena, (size_t)args->n_ads + 1, sizeof(*texts->ads));
        if (!texts->ads) {
            err_set(err, ERR_NOMEM, "building an input: out of memory");
            return NULL;
        }
        for (int i = 0; i < args->n_ads; i++) {
            const struct input_ad *ad = &args->ads[i];
            struct encoded_text encoded;

            if (args->encoded && ad->ad && !ad->text.len)
                encoded = *token_ads_at(args->encoded, ad->ad->index);
            else if (encode_ad(texts->model, ad->ad, ad->text, texts->arena, &encoded, err))
                return NULL;
            texts->ads[i] = encoded.run;
            texts->ads_cut |= encoded.cut;
        }
    }
    *cut = texts->ads_cut;
    return texts->ads;
}

static int encode_behaviour(struct shared_texts *texts, int i)
{
    const struct model *model = texts->model;
    const int room = model_context_room(model);
    const struct template_values values = {.behaviour = &texts->args->behaviours[i],
                                           .max_bytes = encode_text_max_bytes(room)};
    struct behaviour_text *out = &texts->behaviours[i];
    struct view text = template_render(&model->adrank.behaviour, &values, texts->arena);

    out->bytes = text.len;
    out->encoded = (struct encoded_text){.cut = true};
    if (text.ptr && text.len > texts->behaviour_bytes_left)
        return 0;
    texts->behaviour_bytes_left -= text.len;
    texts->bytes += text.len;
    return encode_text(model->tokenizer, text, room, texts->arena, &out->encoded);
}

const struct behaviour_text *shared_behaviour(struct shared_texts *texts, int i)
{
    if (i < texts->first_known) {
        if (encode_behaviour(texts, i))
            return NULL;
        texts->first_known = i;
    }
    return &texts->behaviours[i];
}
