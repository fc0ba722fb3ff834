/* Text with exactly the padding that readers are promised behind it, so that a sanitizer sees one
 * byte more. */
#ifndef TESTS_UNIT_JSON_PADDED_H
#define TESTS_UNIT_JSON_PADDED_H

#include <stdlib.h>

#include "adrank/decode.h"

struct padded {
    char *memory;
    struct view text;
};

/* The padding is full of what could mislead a reader that goes too far. */
static inline struct padded padded_new(struct view text)
{
    char *memory = malloc(text.len + DECODE_PADDING);

    if (!memory)
        abort();
    if (text.len)
        memcpy(memory, text.ptr, text.len);
    for (int i = 0; i < DECODE_PADDING; i++)
        memory[text.len + (size_t)i] = "\"9}]\\"[i % 5];
    return (struct padded){memory, {memory, text.len}};
}

static inline void padded_free(struct padded *padded)
{
    free(padded->memory);
}

#endif
