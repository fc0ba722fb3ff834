/*
 * A tokenizer as its files describe it, whichever files those are: what they are read into, and what a
 * tokenizer is made from.
 */
#ifndef MODEL_TOKENIZER_SPEC_H
#define MODEL_TOKENIZER_SPEC_H

#include <jansson.h>

#include "adrank/tokenizer.h"
#include "model/normalizer.h"
#include "model/tokenizer_added.h"

#define TOKENIZER_MAX_FILE_BYTES ((size_t)64 << 20)
#define TOKENIZER_MAX_TOKENS (1 << 24)
#define TOKENIZER_MAX_WORD_CHARS 10000
#define TOKENIZER_MAX_ADDED 4096

struct tokenizer_spec {
    struct normalizer_options normalizer;
    struct view *tokens; /* (n_tokens) of the model, by id */
    size_t n_tokens;
    /* (n_added) those that are no token of the model have ids from n_tokens. */
    struct added_token *added;
    size_t n_added;
    struct view prefix; /* of a piece that continues a word */
    size_t max_word_chars;
    int32_t unknown, cls, sep, pad;
};

/* The readers fill spec; arena owns its arrays, its strings lie in the text or the document that was read.
 * Errors are "file: pointer: what is wrong", for vocab.txt "file: line N: ...". */

/* Lines, without white space at their ends: line i is token i. */
int vocab_txt_read(const char *file, struct view text, struct arena *arena,
                   struct tokenizer_spec *spec, struct err *err) MUST_CHECK;
/* The rest of what vocab.txt leaves open; config is an object as tokenizer_config.json has it. */
int tokenizer_config_read(const char *file, const json_t *config, struct arena *arena,
                          struct tokenizer_spec *spec, struct err *err) MUST_CHECK;
/* Whether what tokenizer_config.json says of the normaliser is what spec says. */
int tokenizer_config_agrees(const char *file, const json_t *config,
                            const struct tokenizer_spec *spec, struct err *err) MUST_CHECK;
int vocab_json_read(const char *file, const json_t *root, struct arena *arena,
                    struct tokenizer_spec *spec, struct err *err) MUST_CHECK;

/* A JSON object from text; "file: line L column C: ..." */
int tokenizer_json_parse(const char *file, struct view text, json_t **out,
                         struct err *err) MUST_CHECK;
/* Id of a token of the model, -1: none. Slow, for few. */
int32_t tokenizer_spec_find(const struct tokenizer_spec *spec, struct view token);
/* One more than the largest id. */
int32_t tokenizer_spec_size(const struct tokenizer_spec *spec);

int tokenizer_new(const struct tokenizer_spec *spec, struct tokenizer **out,
                  struct err *err) MUST_CHECK;

#endif
