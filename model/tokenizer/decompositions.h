/*
 * Canonical decompositions of characters (Unicode Standard Annex 15), remembered: to ask utf8proc for one takes some
 * hundred times what copying a character does, which a text of nothing else makes felt. Private to normalizer_class.c.
 */
#ifndef MODEL_TOKENIZER_DECOMPOSITIONS_H
#define MODEL_TOKENIZER_DECOMPOSITIONS_H

#include "model/tokenizer/normalizer_class.h"

/* In full, as utf8proc has it; 1 and the character itself where there is none. */
int decomposition_of(uint32_t code_point, int32_t parts[CHAR_MAX_PARTS]);

/* One thread, once for each character that has one; before any decomposition_recall(). */
void decomposition_remember(uint32_t code_point);
/* Of a character that was remembered. Any number of threads. */
int decomposition_recall(uint32_t code_point, int32_t parts[CHAR_MAX_PARTS]);

#endif
