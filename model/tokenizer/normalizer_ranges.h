/*
 * How the reference, Hugging Face `tokenizers` 0.23.3, classifies characters, found by querying it
 * for every code point. Its tables come from different Unicode versions: categories of Unicode 8,
 * decompositions of Unicode 12, lower case and words of Unicode 17, so no release of utf8proc
 * agrees with all. A table that differs a lot is listed here in full; for others only the
 * exceptions are.
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
