/*
 * What the reference, Hugging Face `tokenizers` 0.23.3, takes for which kind of character; found by
 * asking it for every code point. Its tables are of different ages: categories of Unicode 8,
 * decompositions of Unicode 12, lower case and words of Unicode 17, so no release of utf8proc
 * agrees with all. Where a table differs a lot it stands here in whole; else only its exceptions
 * do.
 */
#ifndef MODEL_TOKENIZER_NORMALIZER_RANGES_H
#define MODEL_TOKENIZER_NORMALIZER_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct char_range {
    uint32_t first, last;
};

struct char_ranges {
    const struct char_range *items; /* ascending */
    size_t n;
};

extern const struct char_ranges char_removed;
extern const struct char_ranges char_white;
extern const struct char_ranges char_chinese;
extern const struct char_ranges char_marks;
extern const struct char_ranges char_punctuation;
/* Kept although Mn is stripped (Mc, or a mark younger than Unicode 8), with a combining class. */
extern const struct char_ranges char_reordered;
/* Decompositions younger than the reference's; canonical ones of older characters never change. */
extern const struct char_ranges char_undecomposed;
/* \w beyond L*, M*, Nd, Nl and Pc of Unicode 15: Other_Alphabetic symbols, and younger letters. */
extern const struct char_ranges char_more_words;

#endif
