/* A text as token ids, as many as there is room for. */
#ifndef MODEL_ENCODE_TEXT_H
#define MODEL_ENCODE_TEXT_H

#include "adrank/tokenizer.h"
#include "model/kinds/kind.h"

/* Bytes that are looked at for each id that there is room for; real text needs 2 to 6. */
#define ENCODE_TEXT_BYTES_AN_ID 64

struct encoded_text {
    struct id_run run; /* ids are the arena's */
    bool cut;          /* the text has more */
};

/* Bytes of a text that say all of it to encode_text(): those it looks at, and one more. */
static inline size_t encode_text_max_bytes(int max_ids)
{
    return (size_t)max_ids * ENCODE_TEXT_BYTES_AN_ID + 1;
}

/*
 * The first max_ids ids of text, without special tokens. So that a text of a whole body costs no
 * more than one that fits, bytes beyond max_ids * ENCODE_TEXT_BYTES_AN_ID are not looked at: such a
 * text counts as cut. -1: the arena is full, or text.ptr is NULL, which is a rendering that found
 * it full.
 */
int encode_text(const struct tokenizer *tokenizer, struct view text, int max_ids,
                struct arena *arena, struct encoded_text *out) MUST_CHECK;

#endif
