/*
 * WordPiece tokenizer, the same ids as Hugging Face's BERT tokenizers (BertNormalizer, BertPreTokenizer,
 * WordPiece): cased and uncased, accents, Chinese characters, control characters, special tokens in text.
 * Immutable after open: any number of threads. Memory comes from the caller.
 */
#ifndef ADRANK_TOKENIZER_H
#define ADRANK_TOKENIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

struct tokenizer;

enum truncation {
    TRUNCATE_LONGEST_FIRST, /* as `tokenizers` does it: see tokenizer_truncate */
    TRUNCATE_ONLY_FIRST,
    TRUNCATE_ONLY_SECOND,
};

/* Opens dir/tokenizer.json if there is one, else dir/vocab.txt with dir/tokenizer_config.json (do_lower_case,
 * strip_accents, tokenize_chinese_chars; special tokens) where that exists, else uncased. */
int tokenizer_open(const char *dir, struct tokenizer **out, struct err *err) MUST_CHECK;
/* From memory: vocab is vocab.txt's bytes, config is tokenizer_config.json's or empty. name is for errors. */
int tokenizer_from_vocab(const char *name, struct view vocab, struct view config,
                         struct tokenizer **out, struct err *err) MUST_CHECK;
int tokenizer_from_json(const char *name, struct view json, struct tokenizer **out,
                        struct err *err) MUST_CHECK;
void tokenizer_free(struct tokenizer *tokenizer);

int32_t tokenizer_vocab_size(const struct tokenizer *tokenizer);
int32_t tokenizer_cls(const struct tokenizer *tokenizer);
int32_t tokenizer_sep(const struct tokenizer *tokenizer);
int32_t tokenizer_pad(const struct tokenizer *tokenizer);

/* Upper bound of the number of ids that a text of len bytes can give. */
size_t tokenizer_max_ids(const struct tokenizer *tokenizer, size_t len);

/*
 * Ids of text without [CLS] and [SEP]; bytes that are not UTF-8 count as U+FFFD as Python's
 * decode("utf-8", "replace") places them. ids has room for tokenizer_max_ids(text.len); scratch is reset by
 * nobody: the caller marks or resets it. Returns the count, -1 when scratch is out of memory.
 */
int tokenizer_encode(const struct tokenizer *tokenizer, struct view text, struct arena *scratch,
                     int32_t *ids) MUST_CHECK;

/* Cuts a pair of lengths so that *n_first + *n_second <= max; exactly as `tokenizers` truncates. Returns
 * whether anything was cut, -1 when the strategy cannot reach max. n_second may be 0 for a single text. */
int tokenizer_truncate(enum truncation truncation, int max, int *n_first, int *n_second) MUST_CHECK;

#endif
