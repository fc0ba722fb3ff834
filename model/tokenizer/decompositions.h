/*
 * Canonical decompositions of characters (Unicode Standard Annex 15), cached: asking utf8proc for
 * one costs a hundred times what copying a character does, which shows in a text of nothing else.
 * For normalizer_class.c alone.
 */
#ifndef MODEL_TOKENIZER_DECOMPOSITIONS_H
#define MODEL_TOKENIZER_DECOMPOSITIONS_H

#include <stdint.h>

#define DECOMPOSITION_MAX_PARTS 4

/* In full, as utf8proc has it; 1 and the character itself where there is none. */
int decomposition_of(uint32_t code_point, int32_t parts[DECOMPOSITION_MAX_PARTS]);

/* One thread, once for each character that has one; before any decomposition_recall(). */
void decomposition_remember(uint32_t code_point);
/* Of a character that was remembered. Any number of threads. */
int decomposition_recall(uint32_t code_point, int32_t parts[DECOMPOSITION_MAX_PARTS]);

#endif
