/* Splits text into words as BERT does: at white space, with every punctuation character a separate
 * word. */
#ifndef MODEL_TOKENIZER_PRETOKENIZER_H
#define MODEL_TOKENIZER_PRETOKENIZER_H

#include <stdbool.h>

#include "base/view.h"
#include "model/tokenizer/normalizer_class.h"

/* The next word of *rest, which is valid UTF-8; false when there is none. *rest is advanced past
 * it. */
bool pretokenizer_next(const struct char_classes *classes, struct view *rest, struct view *word);

#endif
