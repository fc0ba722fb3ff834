/* adrank.json, format 1 (config/adrank.schema.json): what adrank needs in addition to Hugging
 * Face's files. */
#ifndef MODEL_ADRANK_JSON_H
#define MODEL_ADRANK_JSON_H

#include "base/arena.h"
#include "kernels/backend.h"
#include "model/calibration.h"
#include "model/golden.h"
#include "model/kinds/kind.h"
#include "model/template.h"

#define ADRANK_JSON_FORMAT 1

struct adrank_json {
    const struct kind *kind;
    const char *name, *version; /* in the arena */
    struct template context, behaviour, ad;
    int max_context_tokens, max_ad_tokens; /* special tokens of that side included */
    int labels;                            /* of the head "ctr" */
    struct calibration calibration;
    double base_rate;
    const char *weights_sha256; /* NULL: not stated */
    struct golden golden;
};

struct adrank_json_args {
    const char *file; /* for messages */
    struct view text;
    /* What the model takes: the encoder's max_position_embeddings, or less where the tokenizer
     * states less. */
    int positions;
    bool draft; /* /golden may be missing: for callers that create its requests */
};

/*
 * Reads and checks the text. Everything is allocated from the arena. ERR_DATA as "file: /pointer:
 * reason". Unknown keys are errors, so that misspellings are noticed.
 */
int adrank_json_parse(struct adrank_json *out, const struct adrank_json_args *args,
                      struct arena *arena, struct err *err) MUST_CHECK;

/* Defaults for a directory without adrank.json: kind cross, the default templates. name is
 * copied. */
int adrank_json_default(struct adrank_json *out, const char *name, int positions, int labels,
                        struct arena *arena, struct err *err) MUST_CHECK;

#endif
