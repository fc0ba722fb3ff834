/*
 * Classes of characters, frozen as in the reference: WordPiece ids must not change with the version
 * of Unicode that an operating system ships. A two-stage table, built at first use and constant
 * from then on: any number of threads.
 */
#ifndef MODEL_TOKENIZER_NORMALIZER_CLASS_H
#define MODEL_TOKENIZER_NORMALIZER_CLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/tokenizer/decompositions.h"

enum char_class {
    CHAR_REMOVED = 1 << 0,     /* clean_text drops it: NUL, U+FFFD, Cc, Cf, Co but \t \n \r */
    CHAR_WHITE = 1 << 1,       /* White_Space */
    CHAR_CHINESE = 1 << 2,     /* a word by itself */
    CHAR_MARK = 1 << 3,        /* Mn: strip_accents drops it */
    CHAR_PUNCTUATION = 1 << 4, /* P*, and every ASCII symbol */
    CHAR_DECOMPOSES = 1 << 5,  /* decomposition_recall() has its parts */
    CHAR_REORDERS = 1 << 6,    /* not CHAR_MARK, but combining class above 0 */
    CHAR_CASED = 1 << 7,       /* lower case differs from it */
};

#define CHAR_PAGES (0x110000u >> 8)
#define CHAR_MAX_DISTINCT_PAGES 255

struct char_classes {
    uint8_t page[CHAR_PAGES]; /* of code point >> 8 */
    uint8_t n_pages;
    uint8_t pages[CHAR_MAX_DISTINCT_PAGES][256]; /* bits of enum char_class */
};

const struct char_classes *char_classes(void);

static inline unsigned char_class(const struct char_classes *classes, uint32_t code_point)
{
    return classes->pages[classes->page[code_point >> 8]][code_point & 255];
}

/* Canonical combining class; correct for marks and reordered characters, the only ones it is used
 * for. */
int char_combining(uint32_t code_point);
/* Lower case, one or two characters, regardless of context. Returns how many. */
int char_lower(uint32_t code_point, uint32_t lower[2]);
/* \w of Unicode regular expressions: what an added token with single_word may not touch. */
bool char_is_word(uint32_t code_point);

/* One character of text that is known to be valid UTF-8; advances *p. */
static inline uint32_t char_next(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;

    if (s[0] < 0x80) {
        *p += 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *p += 2;
        return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    }
    if (s[0] < 0xf0) {
        *p += 3;
        return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    }
    *p += 4;
    return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
           (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

#endif
