/* A catalog's ads, encoded in the form of the model's kind. */
#include "model/kinds/ad_encoding.h"
#include "model/model_struct.h"

bool encoded_ads_need_engine(const struct model *model)
{
    return model->adrank.kind->ads->needs_engine;
}

int encoded_ads_begin(const struct model *model, const struct catalog *catalog,
                      struct encoded_ads **out, struct err *err)
{
    return model->adrank.kind->ads->begin(model, catalog, out, err);
}

int encoded_ads_step(struct encoded_ads *ads, struct engine *engine, struct err *err)
{
    return ads->encoding->step(ads, engine, err);
}

void encoded_ads_free(struct encoded_ads *ads)
{
    if (ads)
        ads->encoding->free(ads);
}
