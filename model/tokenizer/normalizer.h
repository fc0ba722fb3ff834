/*
 * BERT's text normalisation (Devlin et al. 2018), following the steps of the reference: clean_text,
 * spaces around Chinese characters, NFD without nonspacing marks (Unicode Standard Annex 15), lower
 * case.
 */
#ifndef MODEL_TOKENIZER_NORMALIZER_H
#define MODEL_TOKENIZER_NORMALIZER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"
#include "model/tokenizer/normalizer_class.h"

struct normalizer_options {
    bool clean_text;
    bool chinese_chars;
    bool strip_accents;
    bool lowercase;
};

struct normalizer {
    struct normalizer_options options;
    unsigned not_plain; /* classes that the options act on */
    uint8_t ascii[128]; /* its replacement; NORMALIZER_DROP: removed */
    const struct char_classes *classes;
};

#define NORMALIZER_DROP 0xff
/* Maximum growth in bytes: a Hangul syllable becomes three letters of the same size. */
#define NORMALIZER_GROWTH 3

/* Owns nothing. Read-only afterwards: any number of threads. */
void normalizer_init(struct normalizer *normalizer, const struct normalizer_options *options);

/* Whether a text may be cut after this character and its parts normalised separately: it breaks
 * words, and nothing after it is moved before it. */
static inline bool normalizer_ends_chunk(const struct normalizer *normalizer, uint32_t c)
{
    const unsigned class = char_class(normalizer->classes, c);

    if (class & (CHAR_REMOVED | CHAR_MARK | CHAR_DECOMPOSES | CHAR_REORDERS | CHAR_CASED))
        return false;
    return (class & (CHAR_WHITE | CHAR_PUNCTUATION)) ||
           (normalizer->options.chinese_chars && (class & CHAR_CHINESE));
}

/* text is valid UTF-8; out has room for NORMALIZER_GROWTH * text.len bytes. scratch serves rare
 * runs of combining characters. Returns 0 and *out_len, -1 when scratch is out of memory. */
int normalizer_run(const struct normalizer *normalizer, struct view text, struct arena *scratch,
                   char *out, size_t *out_len) MUST_CHECK;

#endif
