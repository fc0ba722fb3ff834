/* What a struct model holds: for model/ and the tools that inspect it. Immutable once model_open
 * returned. */
#ifndef MODEL_MODEL_STRUCT_H
#define MODEL_MODEL_STRUCT_H

#include <stdatomic.h>

#include "adrank/model.h"
#include "model/adrank_json.h"
#include "model/encoder.h"
#include "model/model_files.h"

struct model {
    atomic_int refs;
    struct arena arena; /* owns everything below that is no object of its own */
    const char *dir;
    const char *family; /* config.json's model_type */
    char digest[MODEL_DIGEST_HEX + 1];
    const char *weights_dtype; /* of most elements: "F32", "F16", "BF16" */
    int n_tensors;
    struct encoder_config config;
    struct encoder_weights weights;
    struct adrank_json adrank;
    bool has_adrank_json;
    struct tokenizer *tokenizer;
};

#endif
