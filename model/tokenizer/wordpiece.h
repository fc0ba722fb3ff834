/*
 * WordPiece (Schuster and Nakajima 2012; greedy as in Devlin et al. 2018): the longest vocabulary
 * entry that the word begins with, then the longest with the continuing prefix, and so on; a word
 * that cannot be covered, or with more than max_chars characters, is the unknown token. Read-only
 * once made.
 */
#ifndef MODEL_TOKENIZER_WORDPIECE_H
#define MODEL_TOKENIZER_WORDPIECE_H

#include "model/tokenizer/wordpiece_trie.h"

struct wordpiece {
    struct trie trie;     /* all entries, with their prefix */
    int32_t continuation; /* node after the prefix, TRIE_NONE: no entry has it */
    int32_t unknown;      /* id */
    size_t max_chars;
};

struct wordpiece_args {
    const struct view *tokens; /* entry i has id i */
    size_t n_tokens;
    struct view prefix; /* of a piece that continues a word */
    int32_t unknown;
    size_t max_chars;
};

/* Strings are copied. ERR_NOMEM is the only failure. */
int wordpiece_init(struct wordpiece *wordpiece, const struct wordpiece_args *args,
                   struct err *err) MUST_CHECK;
void wordpiece_release(struct wordpiece *wordpiece);

/* word is valid UTF-8 and not empty. ids has room for word.len. Returns the count, at least 1. */
int wordpiece_split(const struct wordpiece *wordpiece, struct view word, int32_t *ids);

#endif
