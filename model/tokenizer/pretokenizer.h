/* Words as BERT has them: white space parts, every punctuation character is a word of its own. */
#ifndef MODEL_TOKENIZER_PRETOKENIZER_H
#define MODEL_TOKENIZER_PRETOKENIZER_H

#include <stdbool.h>

#include "base/view.h"
#include "model/tokenizer/normalizer_class.h"

/* The next word of *rest, which is valid UTF-8; false when there is none. *rest loses what was
 * read. */
bool pretokenizer_next(const struct char_classes *classes, struct view *rest, struct view *word);

#endif
