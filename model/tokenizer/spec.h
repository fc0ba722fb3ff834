/*
 * The description of a tokenizer, independent of its file format: filled by the readers, and used
 * to build the tokenizer.
 */
#ifndef MODEL_TOKENIZER_SPEC_H
#define MODEL_TOKENIZER_SPEC_H

#include <jansson.h>

#include "adrank/tokenizer.h"
#include "model/tokenizer/added.h"
#include "model/tokenizer/normalizer.h"
#include "model/tokenizer/wordpiece.h"

#define TOKENIZER_MAX_FILE_BYTES ((size_t)64 << 20)
#define TOKENIZER_MAX_TOKENS (1 << 24)
#define TOKENIZER_MAX_WORD_CHARS 10000
#define TOKENIZER_MAX_ADDED 4096
#define TOKENIZER_MAX_STATED (1 << 24) /* a larger limit counts as none */

struct tokenizer_spec {
    struct normalizer_options normalizer;
    struct wordpiece_args pieces; /* tokens of the model, by id */
    /* (n_added) those that are not tokens of the model have ids from pieces.n_tokens. */
    struct added_token *added;
    size_t n_added;
    struct tokenizer_facts facts; /* but for vocab_size and lowercases: they follow from the rest */
    bool cut_left;                /* tokenizer.json's truncation cuts from the front */
    /* transformers follows tokenizer_config.json here, not tokenizer.json. */
    bool normalizer_of_config;
};

/* What a reader fills, and from which file. arena owns the arrays of spec, whose strings point into
 * the text or document that was read. Errors are "file: pointer: reason", for vocab.txt "file: line
 * N: ...". */
struct tokenizer_reader {
    const char *file;
    struct arena *arena;
    struct tokenizer_spec *spec;
    struct err *err;
};

/* Lines, without white space at their ends: line i is token i. */
int vocab_txt_read(const struct tokenizer_reader *r, struct view text) MUST_CHECK;
int vocab_json_read(const struct tokenizer_reader *r, const json_t *root) MUST_CHECK;
/* Fills in what vocab.txt does not specify; config is an object in the form of
 * tokenizer_config.json. */
int tokenizer_config_read(const struct tokenizer_reader *r, const json_t *config) MUST_CHECK;
/*
 * tokenizer.json together with tokenizer_config.json: the latter takes precedence in transformers,
 * the former in other readers, so contradictions are refused by name; special tokens missing from
 * tokenizer.json are added as in transformers. json is the path of tokenizer.json.
 */
int tokenizer_config_agrees(const struct tokenizer_reader *r, const char *json,
                            const json_t *config) MUST_CHECK;
/*
 * What both vocabularies need from tokenizer_config.json: the rules of its keys, its class
 * (model_config: config.json's object, which may also name one; NULL: none), the limit of tokens
 * and the type of a second text.
 */
int tokenizer_class_read(const struct tokenizer_reader *r, const json_t *config,
                         const char *model_file, const json_t *model_config,
                         bool has_json) MUST_CHECK;
/* do_lower_case, strip_accents, tokenize_chinese_chars from tokenizer_config.json, else
 * transformers' defaults. */
int tokenizer_config_normalizer(const struct tokenizer_reader *r, const json_t *config,
                                struct normalizer_options *out) MUST_CHECK;
/* One token of tokenizer_config.json: a string, or an object with flags. special: the default of
 * that flag. */
int tokenizer_config_token(const struct tokenizer_reader *r, const char *pointer, const json_t *v,
                           bool special, struct added_token *token) MUST_CHECK;
/* A boolean member; pointer is object's, absent its default (NULL: there must be one). */
int tokenizer_flag(const struct tokenizer_reader *r, const char *pointer, const json_t *object,
                   const char *key, const bool *absent, bool *out) MUST_CHECK;
/* One member of /added_tokens_decoder: key is the token's id. pointer: set in any case. */
enum { DECODER_POINTER_BYTES = 96 };
int tokenizer_config_decoder_token(const struct tokenizer_reader *r, const char *key,
                                   const json_t *v, char pointer[DECODER_POINTER_BYTES],
                                   struct added_token *token) MUST_CHECK;

/* What a message shows of a token. */
#define TOKEN_ARG(v) (int)((v).len > 64 ? 64 : (v).len), (v).ptr

/* The special tokens with a name; without a default where BERT has none. */
struct token_role {
    const char *key, *content;
};
#define TOKEN_ROLES                                                                                \
    7 /* unk, sep, pad, cls, mask, and bos and eos, which BERT only matches in texts */
extern const struct token_role token_roles[TOKEN_ROLES];

/* A JSON object from text; "file: line L column C: ..." */
int tokenizer_json_parse(const char *file, struct view text, json_t **out,
                         struct err *err) MUST_CHECK;
/* Id of a token of the model, -1: none; and the added token of that content, NULL: none. Slow: for
 * occasional use. */
int32_t tokenizer_spec_find(const struct tokenizer_spec *spec, struct view token);
struct added_token *tokenizer_spec_added(const struct tokenizer_spec *spec, struct view content);
/* One more than the largest id. */
int32_t tokenizer_spec_size(const struct tokenizer_spec *spec);

int tokenizer_new(const struct tokenizer_spec *spec, struct tokenizer **out,
                  struct err *err) MUST_CHECK;

#endif
