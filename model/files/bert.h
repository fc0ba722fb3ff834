/* The parts of the BERT family that are in separate files. */
#ifndef MODEL_FILES_BERT_H
#define MODEL_FILES_BERT_H

#include "model/files/family.h"

/* struct family's config. */
int bert_config(const char *file, const json_t *config, struct encoder_config *out,
                struct head *head, struct err *err) MUST_CHECK;

#endif
