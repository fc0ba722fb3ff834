/* Encodes a text as token ids, up to a limit. */
#ifndef MODEL_ENCODE_TEXT_H
#define MODEL_ENCODE_TEXT_H

#include "adrank/tokenizer.h"
#include "model/kinds/kind.h"

/* Bytes examined per id of the limit; real text needs 2 to 6. */
#define ENCODE_TEXT_BYTES_AN_ID 64

struct encoded_text {
    struct id_run run; /* ids are the arena's */
    bool cut;          /* the text has more ids */
};

/* Bytes of a text that encode_text() needs: those it examines, and one more. */
static inline size_t encode_text_max_bytes(int max_ids)
{
    return (size_t)max_ids * ENCODE_TEXT_BYTES_AN_ID + 1;
}

/*
 * The first max_ids ids of text, without special tokens. So that a text as large as the body costs
 * no more than one that fits, bytes beyond max_ids * ENCODE_TEXT_BYTES_AN_ID are ignored, and such
 * a text counts as cut. -1: the arena is full, or text.ptr is NULL because rendering it found the
 * arena full.
 */
int encode_text(const struct tokenizer *tokenizer, struct view text, int max_ids,
                struct arena *arena, struct encoded_text *out) MUST_CHECK;

#endif
