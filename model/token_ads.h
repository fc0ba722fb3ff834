/* Ads as token ids, and the encoded_ads (adrank/model.h) that keeps those of a catalog. */
#ifndef MODEL_TOKEN_ADS_H
#define MODEL_TOKEN_ADS_H

#include "model/encode_text.h"
#include "model/model_struct.h"

/* Renders and tokenises one ad, cut to max_ad_tokens. The ids are in the arena. */
int encode_ad(const struct model *model, const struct ad *ad, struct view own_text,
              struct arena *arena, struct encoded_text *out, struct err *err) MUST_CHECK;

/* The ad of that index; ads are complete, and of a kind with ads_as_tokens. */
const struct encoded_text *token_ads_at(const struct encoded_ads *ads, int index);

#endif
