/* Ads as token ids; see adrank/model.h for encoded_ads_new and encoded_ads_free. */
#ifndef MODEL_ENCODED_ADS_H
#define MODEL_ENCODED_ADS_H

#include "model/kind.h"
#include "model/model_struct.h"

struct encoded_ad {
    struct id_run run; /* cut to max_ad_tokens */
    bool cut;
};

/* Renders and tokenises one ad. The ids are the arena's. */
int encode_ad(const struct model *model, const struct ad *ad, struct view own_text,
              struct arena *arena, struct encoded_ad *out, struct err *err) MUST_CHECK;

const struct encoded_ad *encoded_ads_at(const struct encoded_ads *ads, int index);

#endif
