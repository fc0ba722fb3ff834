/* A hash table of decompositions; Hangul is computed. */
#include "model/tokenizer/decompositions.h"

#include <string.h>
#include <utf8proc.h>

#include "base/bug.h"

#define MAX_DECOMPOSITIONS 4096 /* Unicode 15 has 2,061, and Hangul */
#define SLOTS_LOG2 13

/* Hangul syllables are computed (The Unicode Standard, 3.12). */
enum {
    FIRST_SYLLABLE = 0xac00,
    N_SYLLABLES = 11172,
    FIRST_LEADING = 0x1100,
    FIRST_VOWEL = 0x1161,
    BEFORE_TRAILING = 0x11a7,
    N_VOWELS = 21,
    N_TRAILING = 28, /* none included */
};

struct decomposition {
    uint32_t code_point;
    int n;
    int32_t parts[DECOMPOSITION_MAX_PARTS];
};

static struct decomposition known[MAX_DECOMPOSITIONS];
static int n_known;
static uint16_t slots[1 << SLOTS_LOG2]; /* open addressing; index + 1, 0: empty */

static int decompose_syllable(uint32_t index, int32_t parts[DECOMPOSITION_MAX_PARTS])
{
    const int32_t i = (int32_t)index;

    parts[0] = FIRST_LEADING + i / (N_VOWELS * N_TRAILING);
    parts[1] = FIRST_VOWEL + i / N_TRAILING % N_VOWELS;
    parts[2] = BEFORE_TRAILING + i % N_TRAILING;
    return parts[2] == BEFORE_TRAILING ? 2 : 3;
}

static uint16_t *find_slot(uint32_t c)
{
    uint32_t at = c * 2654435769u >> (32 - SLOTS_LOG2); /* Fibonacci hashing */

    while (slots[at] && known[slots[at] - 1].code_point != c)
        at = (at + 1) & ((1u << SLOTS_LOG2) - 1);
    return &slots[at];
}

int decomposition_of(uint32_t c, int32_t parts[DECOMPOSITION_MAX_PARTS])
{
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)c, parts, DECOMPOSITION_MAX_PARTS, UTF8PROC_DECOMPOSE, &boundary);

    if (n >= 1 && n <= DECOMPOSITION_MAX_PARTS)
        return (int)n;
    parts[0] = (int32_t)c;
    return 1;
}

void decomposition_remember(uint32_t c)
{
    struct decomposition *d = &known[n_known];

    if (c - FIRST_SYLLABLE < N_SYLLABLES)
        return;
    BUG_ON(n_known == MAX_DECOMPOSITIONS);
    d->code_point = c;
    d->n = decomposition_of(c, d->parts);
    *find_slot(c) = (uint16_t)++n_known;
}

int decomposition_recall(uint32_t c, int32_t parts[DECOMPOSITION_MAX_PARTS])
{
    const struct decomposition *d;

    if (c - FIRST_SYLLABLE < N_SYLLABLES)
        return decompose_syllable(c - FIRST_SYLLABLE, parts);
    d = &known[*find_slot(c) - 1];
    memcpy(parts, d->parts, sizeof(d->parts));
    return d->n;
}
