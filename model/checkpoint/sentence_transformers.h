/*
 * Files that sentence-transformers adds to a model: config_sentence_transformers.json,
 * sentence_bert_config.json, modules.json, and a CrossEncoder's keys in config.json. Settings that
 * change scores are honoured or refused by name.
 */
#ifndef MODEL_CHECKPOINT_SENTENCE_TRANSFORMERS_H
#define MODEL_CHECKPOINT_SENTENCE_TRANSFORMERS_H

#include "model/checkpoint/head.h"
#include "model/files/model_files.h"

/* The function that turns a CrossEncoder's logits into scores. */
enum score_activation { SCORE_UNSTATED, SCORE_IDENTITY, SCORE_SIGMOID, SCORE_SOFTMAX };

struct sentence_transformers {
    int max_tokens;  /* max_seq_length; 0: not stated */
    bool lower_case; /* texts are lower-cased before tokenisation */
    enum score_activation activation;
};

/* config is config.json's object. */
int sentence_transformers_read(const struct model_files *files, const json_t *config,
                               struct sentence_transformers *out, struct err *err) MUST_CHECK;

/* modules.json of a model with a classifier: there must be none after it. */
int sentence_transformers_modules(const struct model_files *files, struct err *err) MUST_CHECK;

/* Whether two labels are independent (sigmoid of the second) or exclude each other (softmax): by
 * problem_type and activation, which must not contradict each other. file is config.json. */
int sentence_transformers_labels(const char *file, const struct sentence_transformers *st,
                                 struct head *head, struct err *err) MUST_CHECK;

#endif
