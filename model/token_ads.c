/* A catalog's ads as token ids. */
#include "model/token_ads.h"

#include <stdlib.h>

#include "model/kinds/ad_encoding.h"

#define STEP_ADS 1024 /* some milliseconds */

struct token_ads {
    struct encoded_ads base;
    const struct model *model; /* until it is complete */
    const struct ad *list;     /* (n) the catalog's, as long */
    struct encoded_text *items;
    int n, done;
    struct arena keep, scratch; /* of items and their ids; of one ad */
};

int encode_ad(const struct model *model, const struct ad *ad, struct view own_text,
              struct arena *arena, struct encoded_text *out, struct err *err)
{
    /* An ad's own text replaces title and description. */
    struct template_values values = {.title = own_text, .text = own_text};
    const int room = model->adrank.max_ad_tokens - model->adrank.kind->ad_specials;

    if (!own_text.len && ad)
        values = (struct template_values){.title = ad->title, .desc = ad->desc, .text = ad->text};
    values.max_bytes = encode_text_max_bytes(room);
    if (encode_text(model->tokenizer, template_render(&model->adrank.ad, &values, arena), room,
                    arena, out))
        return err_set(err, ERR_NOMEM, "encoding an ad: out of memory");
    return 0;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "encoding the catalog: out of memory");
}

static void tokens_free(struct encoded_ads *base)
{
    struct token_ads *ads = (struct token_ads *)base;

    arena_release(&ads->keep);
    arena_release(&ads->scratch);
    free(ads);
}

static int tokens_begin(const struct model *model, const struct catalog *catalog,
                        struct encoded_ads **out, struct err *err)
{
    struct token_ads *ads = calloc(1, sizeof(*ads));

    if (!ads)
        return no_memory(err);
    ads->base.encoding = &ads_as_tokens;
    ads->model = model;
    ads->list = catalog_ads(catalog, &ads->n);
    arena_init(&ads->keep, 256 << 10, 0);
    arena_init(&ads->scratch, 64 << 10, 0);
    ads->items = arena_calloc(&ads->keep, (size_t)ads->n + 1, sizeof(*ads->items));
    if (!ads->items) {
        tokens_free(&ads->base);
        return no_memory(err);
    }
    *out = &ads->base;
    return 0;
}

/* The rendered text and the tokenizer's scratch are much larger than the ids that are kept. */
static int encode_and_keep(struct token_ads *ads, int i, struct err *err)
{
    struct encoded_text *out = &ads->items[i];
    int32_t *ids;

    arena_reset(&ads->scratch, SIZE_MAX);
    if (encode_ad(ads->model, &ads->list[i], (struct view){0}, &ads->scratch, out, err))
        return -1;
    ids = arena_array(&ads->keep, (size_t)out->run.n + 1, sizeof(*ids));
    if (!ids)
        return no_memory(err);
    if (out->run.n)
        memcpy(ids, out->run.ids, (size_t)out->run.n * sizeof(*ids));
    out->run.ids = ids;
    return 0;
}

static int tokens_step(struct encoded_ads *base, struct engine *engine, struct err *err)
{
    struct token_ads *ads = (struct token_ads *)base;

    (void)engine;
    for (int n = 0; n < STEP_ADS && ads->done < ads->n; n++)
        if (encode_and_keep(ads, ads->done++, err))
            return -1;
    if (ads->done < ads->n)
        return 1;
    arena_release(&ads->scratch);
    return 0;
}

const struct encoded_text *token_ads_at(const struct encoded_ads *ads, int index)
{
    return &((const struct token_ads *)ads)->items[index];
}

const struct ad_encoding ads_as_tokens = {
    .begin = tokens_begin,
    .step = tokens_step,
    .free = tokens_free,
};
