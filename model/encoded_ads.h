/* Ads as token ids; see adrank/model.h for encoded_ads_new and encoded_ads_free. */
#ifndef MODEL_ENCODED_ADS_H
#define MODEL_ENCODED_ADS_H

#include "model/encode_text.h"
#include "model/model_struct.h"

/* Renders and tokenises one ad, cut to max_ad_tokens. The ids are the arena's. */
int encode_ad(const struct model *model, const struct ad *ad, struct view own_text,
              struct arena *arena, struct encoded_text *out, struct err *err) MUST_CHECK;

const struct encoded_text *encoded_ads_at(const struct encoded_ads *ads, int index);

#endif
