/* Tokenises a text up to a bound of ids. */
#include "model/encode_text.h"

int encode_text(const struct tokenizer *tokenizer, struct view text, int max_ids,
                struct arena *arena, struct encoded_text *out)
{
    const size_t max_bytes = (size_t)max_ids * ENCODE_TEXT_BYTES_AN_ID;
    const bool too_long = text.len > max_bytes;
    int32_t *ids;
    int n;

    if (!text.ptr)
        return -1;
    if (too_long) { /* no partial character at the end */
        text.len = max_bytes;
        while (text.len && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    ids =
        arena_array(arena, tokenizer_max_first_ids(tokenizer, text.len, max_ids) + 1, sizeof(*ids));
    n = ids ? tokenizer_encode_first(tokenizer, text, max_ids, arena, ids) : -1;
    if (n < 0)
        return -1;
    *out = (struct encoded_text){.run = {ids, n < max_ids ? n : max_ids},
                                 .cut = n > max_ids || too_long};
    return 0;
}
