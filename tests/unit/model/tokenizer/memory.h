/* Tokenizers from one or two files in memory. */
#ifndef TESTS_UNIT_MODEL_TOKENIZER_MEMORY_H
#define TESTS_UNIT_MODEL_TOKENIZER_MEMORY_H

#include "adrank/tokenizer.h"
#include "tests/js.h"

/* config: the bytes of tokenizer_config.json; ptr NULL: there is none. */
static inline int tokenizer_from_views(const char *name, struct view vocab, struct view config,
                                       struct tokenizer **out, struct err *err)
{
    const struct tokenizer_files files = {.vocab = {name, vocab},
                                          .config = {"tokenizer_config.json", config}};

    return tokenizer_from_files(&files, out, err);
}

/* config: the same as a text with ' for "; "": there is none. */
static inline int tokenizer_from_vocab(const char *name, struct view vocab, const char *config,
                                       struct tokenizer **out, struct err *err)
{
    const struct view text = *config ? view_of(js("%s", config)) : (struct view){0};

    return tokenizer_from_views(name, vocab, text, out, err);
}

static inline int tokenizer_from_json(const char *name, struct view json, struct tokenizer **out,
                                      struct err *err)
{
    const struct tokenizer_files files = {.json = {name, json.ptr ? json : VIEW_LIT("")}};

    return tokenizer_from_files(&files, out, err);
}

/* The count; ids has room for the text's bytes. */
static inline int ids_of(const struct tokenizer *t, const char *text, int32_t *ids)
{
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    return tokenizer_encode(t, view_of(text), &arena, ids);
}

#endif
