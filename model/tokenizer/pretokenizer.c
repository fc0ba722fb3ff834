/* Splits normalised text into words. */
#include "model/tokenizer/pretokenizer.h"

#define BREAKS (CHAR_WHITE | CHAR_PUNCTUATION)

/* Advances *p past the character. */
static inline unsigned next_class(const struct char_classes *classes, const char **p)
{
    unsigned char byte = (unsigned char)**p;

    if (byte < 128) {
        *p += 1;
        return classes->pages[classes->page[0]][byte];
    }
    return char_class(classes, char_next(p));
}

bool pretokenizer_next(const struct char_classes *classes, struct view *rest, struct view *word)
{
    const char *p = rest->ptr;
    const char *end = rest->ptr + rest->len;
    const char *start = NULL;
    bool found = false;

    while (p < end && !found) {
        const char *here = p;
        unsigned class = next_class(classes, &p) & BREAKS;

        if (!class) {
            start = start ? start : here;
        } else if (start) {
            p = here;
            found = true;
        } else if (!(class & CHAR_WHITE)) {
            start = here;
            found = true;
        }
    }
    rest->len = (size_t)(end - p);
    rest->ptr = p;
    if (!start)
        return false;
    *word = (struct view){start, (size_t)(p - start)};
    return true;
}
