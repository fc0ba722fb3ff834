/* Texts of one request as ids, each tokenised once, when first needed; see model_share_texts(). */
#ifndef MODEL_SHARED_TEXTS_H
#define MODEL_SHARED_TEXTS_H

#include "model/encode_text.h"
#include "model/model_struct.h"

struct behaviour_text {
    struct encoded_text encoded;
    size_t bytes; /* of the text that were examined */
};

struct shared_texts {
    const struct model *model;
    const struct input_args *args;
    struct arena *arena;
    struct id_run *ads; /* (n_ads); NULL until first needed */
    bool ads_cut;
    struct behaviour_text *behaviours; /* (n_behaviours), those from first_known on known */
    int first_known;
    size_t behaviour_bytes_left;
    size_t bytes; /* examined, texts used by one input only included */
};

/* (n_ads) runs in the order of ads; *cut: some ad has more text. NULL with err when out of
 * memory. */
const struct id_run *shared_ads(struct shared_texts *texts, bool *cut, struct err *err) MUST_CHECK;
/* NULL when out of memory. Behaviours must be requested from the last to the first; those for which
 * no bytes are left are not examined and count as cut. */
const struct behaviour_text *shared_behaviour(struct shared_texts *texts, int i) MUST_CHECK;

/* Ids available for context and behaviours. */
int model_context_room(const struct model *model);

#endif
