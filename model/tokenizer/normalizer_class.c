/* Builds the table of classes from the ranges and utf8proc. */
#include "model/tokenizer/normalizer_class.h"

#include <pthread.h>
#include <string.h>
#include <utf8proc.h>

#include "base/bug.h"
#include "model/tokenizer/normalizer_ranges.h"

/* Nothing above has a case or a decomposition: saves a million calls of utf8proc. */
#define LAST_INTERESTING 0x2fa1fu

struct lower_range {
    uint32_t first, last, step, to; /* first + i * step becomes to + i * step */
};

/* Newer than utf8proc 2.8's Unicode 15; later releases agree. */
static const struct lower_range newer_lower[] = {
    {0x1C89, 0x1C89, 1, 0x1C8A},    {0xA7CB, 0xA7CB, 1, 0x0264},    {0xA7CC, 0xA7CE, 2, 0xA7CD},
    {0xA7D2, 0xA7D4, 2, 0xA7D3},    {0xA7DA, 0xA7DA, 1, 0xA7DB},    {0xA7DC, 0xA7DC, 1, 0x019B},
    {0x10D50, 0x10D65, 1, 0x10D70}, {0x16EA0, 0x16EB8, 1, 0x16EBB},
};

static bool in_ranges(const struct char_ranges *ranges, uint32_t c)
{
    size_t low = 0, high = ranges->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > ranges->items[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ranges->n && c >= ranges->items[low].first;
}

int char_combining(uint32_t c)
{
    return utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

int char_lower(uint32_t c, uint32_t lower[2])
{
    if (c == 0x130) { /* the one whose lower case is two characters: i and a dot above */
        lower[0] = 'i';
        lower[1] = 0x307;
        return 2;
    }
    for (size_t i = 0; c >= 0x1C89 && i < sizeof(newer_lower) / sizeof(newer_lower[0]); i++) {
        const struct lower_range *r = &newer_lower[i];

        if (c >= r->first && c <= r->last && (c - r->first) % r->step == 0) {
            lower[0] = r->to + (c - r->first);
            return 1;
        }
    }
    lower[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    return 1;
}

bool char_is_word(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default: /* zero width non-joiner and joiner count too */
        return c == 0x200c || c == 0x200d || in_ranges(&char_more_words, c);
    }
}

static void mark(uint8_t page[256], uint32_t first, const struct char_ranges *ranges,
                 enum char_class bit)
{
    for (size_t i = 0; i < ranges->n; i++) {
        uint32_t from = ranges->items[i].first, to = ranges->items[i].last;

        for (uint32_t c = from > first ? from : first; c <= to && c < first + 256; c++)
            page[c - first] |= (uint8_t)bit;
    }
}

static void mark_page(uint8_t page[256], uint32_t first)
{
    mark(page, first, &char_removed, CHAR_REMOVED);
    mark(page, first, &char_white, CHAR_WHITE);
    mark(page, first, &char_chinese, CHAR_CHINESE);
    mark(page, first, &char_marks, CHAR_MARK);
    mark(page, first, &char_punctuation, CHAR_PUNCTUATION);
    mark(page, first, &char_reordered, CHAR_REORDERS);
    for (uint32_t c = first; c < first + 256 && c <= LAST_INTERESTING; c++) {
        int32_t parts[DECOMPOSITION_MAX_PARTS];
        uint32_t lower[2];

        if (char_lower(c, lower) != 1 || lower[0] != c)
            page[c - first] |= CHAR_CASED;
        if ((decomposition_of(c, parts) != 1 || (uint32_t)parts[0] != c) &&
            !in_ranges(&char_undecomposed, c)) {
            page[c - first] |= CHAR_DECOMPOSES;
            decomposition_remember(c);
        }
    }
}

static struct char_classes classes;

/* Pages that are equal are stored once. */
static void make_classes(void)
{
    for (uint32_t p = 0; p < CHAR_PAGES; p++) {
        uint8_t page[256] = {0};
        int i = 0;

        mark_page(page, p * 256);
        while (i < classes.n_pages && memcmp(classes.pages[i], page, sizeof(page)) != 0)
            i++;
        BUG_ON(i == CHAR_MAX_DISTINCT_PAGES);
        if (i == classes.n_pages)
            memcpy(classes.pages[classes.n_pages++], page, sizeof(page));
        classes.page[p] = (uint8_t)i;
    }
}

const struct char_classes *char_classes(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    BUG_ON(pthread_once(&once, make_classes) != 0);
    return &classes;
}
