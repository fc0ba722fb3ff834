/*
 * What each key of a checkpoint's JSON files means here, as data: every key that could change
 * scores is either read, harmless, or refused by name. Keys that are not listed are not read by
 * transformers for these models either.
 */
#ifndef MODEL_FILES_KEY_RULES_H
#define MODEL_FILES_KEY_RULES_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* A key that is refused unless it has one of a few values. */
struct key_rule {
    const char *key;  /* of the document's object */
    const char *only; /* JSON texts, compact, separated by spaces */
    const char *why;  /* text of the message after the value */
};

struct key_rules {
    const char *file;        /* "config.json", ... */
    const char *const *read; /* NULL-terminated: handled where they are read, whatever the value */
    const struct key_rule *rows;
    size_t n;
    const char *const *harmless; /* NULL-terminated: they change no score */
};

extern const struct key_rules bert_config_rules;           /* config.json of model_type bert */
extern const struct key_rules tokenizer_config_rules;      /* tokenizer_config.json */
extern const struct key_rules sentence_bert_rules;         /* sentence_bert_config.json */
extern const struct key_rules sentence_transformers_rules; /* config_sentence_transformers.json */

/* ERR_DATA as "file: /key: value: why"; file is the path for messages. */
int key_rules_check(const struct key_rules *rules, const char *file, const json_t *doc,
                    struct err *err) MUST_CHECK;

#endif
