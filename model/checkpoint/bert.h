/* The parts of the BERT family that are in separate files. */
#ifndef MODEL_CHECKPOINT_BERT_H
#define MODEL_CHECKPOINT_BERT_H

#include "model/checkpoint/family.h"

/* struct family's config. */
int bert_config(const char *file, const json_t *config, struct encoder_config *out,
                struct head *head, struct err *err) MUST_CHECK;

#endif
