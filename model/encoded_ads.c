#include "model/encoded_ads.h"

#include <stdlib.h>

#define STOP_EVERY 1024 /* ads, some milliseconds */

struct encoded_ads {
    struct arena arena; /* ids and list */
    struct encoded_text *items;
    int n;
};

int encode_ad(const struct model *model, const struct ad *ad, struct view own_text,
              struct arena *arena, struct encoded_text *out, struct err *err)
{
    /* An ad's own text stands for title and description. */
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

/* The rendered text and the tokenizer's scratch are much larger than the ids that stay. */
static int encode_and_keep(const struct model *model, const struct ad *ad, struct arena *scratch,
                           struct arena *keep, struct encoded_text *out, struct err *err)
{
    int32_t *ids;

    arena_reset(scratch, SIZE_MAX);
    if (encode_ad(model, ad, (struct view){0}, scratch, out, err))
        return -1;
    ids = arena_array(keep, (size_t)out->run.n + 1, sizeof(*ids));
    if (!ids)
        return err_set(err, ERR_NOMEM, "encoding the catalog: out of memory");
    if (out->run.n)
        memcpy(ids, out->run.ids, (size_t)out->run.n * sizeof(*ids));
    out->run.ids = ids;
    return 0;
}

int encoded_ads_new(const struct model *model, const struct catalog *catalog,
                    const atomic_bool *stop, struct encoded_ads **out, struct err *err)
{
    struct encoded_ads *ads = calloc(1, sizeof(*ads));
    struct arena scratch;
    const struct ad *list;
    int n, rc = -1;

    if (!ads)
        return err_set(err, ERR_NOMEM, "encoding the catalog: out of memory");
    arena_init(&ads->arena, 256 << 10, 0);
    arena_init(&scratch, 64 << 10, 0);
    list = catalog_ads(catalog, &n);
    ads->n = n;
    ads->items = arena_calloc(&ads->arena, (size_t)n + 1, sizeof(*ads->items));
    if (!ads->items) {
        err_set(err, ERR_NOMEM, "encoding the catalog: out of memory");
        goto out;
    }
    for (int i = 0; i < n; i++) {
        if (stop && i % STOP_EVERY == 0 && atomic_load(stop)) {
            err_set(err, ERR_UNAVAILABLE, "encoding the catalog: stopping");
            goto out;
        }
        if (encode_and_keep(model, &list[i], &scratch, &ads->arena, &ads->items[i], err))
            goto out;
    }
    *out = ads;
    rc = 0;
out:
    arena_release(&scratch);
    if (rc)
        encoded_ads_free(ads);
    return rc;
}

void encoded_ads_free(struct encoded_ads *ads)
{
    if (!ads)
        return;
    arena_release(&ads->arena);
    free(ads);
}

const struct encoded_text *encoded_ads_at(const struct encoded_ads *ads, int index)
{
    return &ads->items[index];
}
