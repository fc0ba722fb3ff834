/*
 * How a kind stores the ads of a catalog: in the form its inputs are built from, created once per
 * (catalog, model). One const table each; an encoded_ads begins with the pointer to its own. See
 * encoded_ads of adrank/model.h for the calling sequence.
 */
#ifndef MODEL_KINDS_AD_ENCODING_H
#define MODEL_KINDS_AD_ENCODING_H

#include <stdbool.h>

#include "base/err.h"

struct model;
struct catalog;
struct engine;
struct encoded_ads;

struct ad_encoding {
    bool needs_engine; /* steps are passed the model's open engine, on the thread that may use it */
    int (*begin)(const struct model *model, const struct catalog *catalog, struct encoded_ads **out,
                 struct err *err);
    /* A few milliseconds of work. 1: more to do, 0: complete, -1: failed. engine is NULL unless
     * needs_engine. */
    int (*step)(struct encoded_ads *ads, struct engine *engine, struct err *err);
    void (*free)(struct encoded_ads *ads);
};

struct encoded_ads {
    const struct ad_encoding *encoding;
};

/* Token ids, cut to max_ad_tokens: for kinds that run ads through the encoder in each request. */
extern const struct ad_encoding ads_as_tokens;

#endif
