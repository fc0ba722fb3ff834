/*
 * Canonical decompositions of characters (Unicode Standard Annex 15), cached: a lookup in utf8proc
 * costs a hundred times as much as copying a character, which is noticeable in texts full of such
 * characters. normalizer_class.c remembers those of CHAR_DECOMPOSES.
 */
#ifndef MODEL_TOKENIZER_DECOMPOSITIONS_H
#define MODEL_TOKENIZER_DECOMPOSITIONS_H

#include <stdint.h>

#define DECOMPOSITION_MAX_PARTS 4

/* The full decomposition from utf8proc; 1 and the character itself if there is none. */
int decomposition_of(uint32_t code_point, int32_t parts[DECOMPOSITION_MAX_PARTS]);

/* Called by one thread, once for each character that has one; before any decomposition_recall(). */
void decomposition_remember(uint32_t code_point);
/* The decomposition in full of a remembered character; returns how many parts it has. Any number of
 * threads. */
int decomposition_recall(uint32_t code_point, int32_t parts[DECOMPOSITION_MAX_PARTS]);

#endif
