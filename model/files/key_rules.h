/*
 * What each key of a checkpoint's JSON files means here, as data: every key that could change
 * scores is either read, harmless, or refused by name. Keys without a row are not read by
 * transformers for these models either.
 */
#ifndef MODEL_FILES_KEY_RULES_H
#define MODEL_FILES_KEY_RULES_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum key_verdict {
    KEY_READ,     /* handled where it is read, whatever the value */
    KEY_HARMLESS, /* changes no score */
    KEY_ONLY,     /* refused unless it is one of the values of `only` */
};

struct key_rule {
    const char *key; /* of the document's object, or "key/inner" */
    enum key_verdict verdict;
    const char *only; /* KEY_ONLY: JSON texts, compact, separated by spaces */
    const char *why;  /* KEY_ONLY: text of the message after the value */
};

/* Rows of the tables. */
#define KEY_ROW_READ(key_)                                                                         \
    {                                                                                              \
        .key = key_, .verdict = KEY_READ                                                           \
    }
#define KEY_ROW_HARMLESS(key_)                                                                     \
    {                                                                                              \
        .key = key_, .verdict = KEY_HARMLESS                                                       \
    }
#define KEY_ROW_ONLY(key_, only_, why_)                                                            \
    {                                                                                              \
        .key = key_, .verdict = KEY_ONLY, .only = only_, .why = why_                               \
    }

struct key_rules {
    const char *file; /* "config.json", ... */
    const struct key_rule *rows;
    size_t n;
};

extern const struct key_rules bert_config_rules;           /* config.json of model_type bert */
extern const struct key_rules tokenizer_config_rules;      /* tokenizer_config.json */
extern const struct key_rules sentence_bert_rules;         /* sentence_bert_config.json */
extern const struct key_rules sentence_transformers_rules; /* config_sentence_transformers.json */

/* ERR_DATA as "file: /key: value: why"; file is the path for messages. */
int key_rules_check(const struct key_rules *rules, const char *file, const json_t *doc,
                    struct err *err) MUST_CHECK;

#endif
