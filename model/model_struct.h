/* What a struct model holds: for model/ and the tools that inspect it. Immutable once model_open
 * has returned. */
#ifndef MODEL_MODEL_STRUCT_H
#define MODEL_MODEL_STRUCT_H

#include <stdatomic.h>

#include "adrank/model.h"
#include "model/adrank_json.h"
#include "model/checkpoint/encoder.h"
#include "model/checkpoint/head.h"
#include "model/files/model_files.h"

struct model {
    atomic_int refs;
    struct arena arena; /* owns everything below that is not a separate object */
    const char *dir;
    const char *family;       /* config.json's model_type */
    const char *architecture; /* the first of its architectures */
    char digest[MODEL_DIGEST_HEX + 1];
    const char *weights_dtype; /* of most elements: "F32", "F16", "BF16" */
    int n_tensors;
    int n_encoders; /* the kind's n_networks */
    struct encoder
        encoders[MODEL_MAX_ENCODERS]; /* in the order of the pass: the first reads tokens */
    struct head head;                 /* on the output rows of the last one */
    int max_tokens; /* of a pair: the least of positions and what the files state */
    struct adrank_json adrank;
    bool has_adrank_json;
    char weights_sha256[SHA256_HEX + 1]; /* "" but for drafts */
    struct tokenizer *tokenizer;
};

struct model_open_args {
    /* Text used instead of adrank.json; empty: as if there were none; NULL: the directory's. */
    const struct view *adrank;
    /* Golden requests may be missing, and weights_sha256 is computed: for callers that create
     * them. */
    bool draft;
};

int model_open_with(const char *dir, const struct model_open_args *args, struct model **out,
                    struct err *err) MUST_CHECK;

#endif
