/* Tokenizers from one or two files in memory. */
#ifndef TESTS_UNIT_MODEL_TOKENIZER_MEMORY_H
#define TESTS_UNIT_MODEL_TOKENIZER_MEMORY_H

#include "adrank/tokenizer.h"

/* config: of tokenizer_config.json; empty: there is none. */
static inline int tokenizer_from_vocab(const char *name, struct view vocab, struct view config,
                                       struct tokenizer **out, struct err *err)
{
    const struct tokenizer_files files = {
        .vocab = {name, vocab},
        .config = {"tokenizer_config.json", config.len ? config : (struct view){NULL, 0}}};

    return tokenizer_from_files(&files, out, err);
}

static inline int tokenizer_from_json(const char *name, struct view json, struct tokenizer **out,
                                      struct err *err)
{
    const struct tokenizer_files files = {.json = {name, json.ptr ? json : VIEW_LIT("")}};

    return tokenizer_from_files(&files, out, err);
}

#endif
