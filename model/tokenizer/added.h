/*
 * Tokens that are cut out of a text before it is split into words: [MASK] and those added by the
 * model's authors. The leftmost match is taken, and of several that start there the longest;
 * matches do not overlap. Read-only once made, any number of threads.
 */
#ifndef MODEL_TOKENIZER_ADDED_H
#define MODEL_TOKENIZER_ADDED_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/tokenizer/normalizer_class.h"
#include "model/tokenizer/wordpiece_trie.h"

struct added_token {
    struct view content; /* as it appears in the text; normalised if `normalized` is set */
    int32_t id;
    bool single_word; /* not next to a letter, digit or mark */
    bool lstrip;      /* white space before it belongs to it */
    bool rstrip;      /* white space after it too */
    bool normalized;  /* matched in the normalised text; else in the raw text */
    bool special;
};

struct added_tokens {
    struct trie trie;           /* value: index into tokens */
    struct added_token *tokens; /* heap, ours; content is gone */
    size_t n_tokens;
    bool first[256]; /* bytes that a token begins with */
    int only_first;  /* the byte that all begin with; -1: several bytes, or no token */
};

struct added_match {
    int32_t id;
    size_t start, end; /* the range it takes from the text */
};

/* Progress of a search; starts as {0}. */
struct added_search {
    size_t from;  /* first byte that may begin a match */
    size_t taken; /* end of what the last match took */
};

/* Builds from the tokens whose `normalized` is as given; no two of them have the same content. */
int added_tokens_init(struct added_tokens *added, const struct added_token *tokens, size_t n_tokens,
                      bool normalized, struct err *err) MUST_CHECK;
void added_tokens_release(struct added_tokens *added);

/* The next match in text (valid UTF-8); false: none. match->start may be before the previous
 * search->taken, where two matches claim the same white space: the text between them is then
 * empty. */
bool added_tokens_next(const struct added_tokens *added, const struct char_classes *classes,
                       struct view text, struct added_search *search, struct added_match *match);

#endif
