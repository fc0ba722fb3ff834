/*
 * WordPiece tokenizer, producing the same ids as Hugging Face's BERT tokenizers (`tokenizers` 0.23:
 * BertNormalizer, BertPreTokenizer, WordPiece; Devlin et al. 2018): cased and uncased, accents,
 * Chinese characters, control characters, special and added tokens in text. Unicode tables match
 * the reference, regardless of the system's libraries. Immutable after open: any number of threads.
 * Encoding allocates from the caller's arena only.
 *
 * Errors read "file: pointer: what is wrong" ("vocab.txt: line 7: ..."): ERR_DATA for content,
 * ERR_NOINPUT for files that are missing, ERR_NOMEM.
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
    TRUNCATE_LONGEST_FIRST, /* as in `tokenizers`: see tokenizer_truncate */
    TRUNCATE_ONLY_FIRST,
    TRUNCATE_ONLY_SECOND,
};

/*
 * Opens dir/tokenizer.json if there is one. Its post_processor must be BERT's ([CLS] A [SEP] B
 * [SEP], types 0 and 1), its normaliser and pre-tokenizer Bert*, its model WordPiece; its padding
 * and truncation length are leftovers of the last call and ignored, as in transformers; truncation
 * on the left is refused. If tokenizer_config.json (or its absence in a model's directory),
 * special_tokens_map.json or added_tokens.json contradicts it on the normaliser, special or added
 * tokens, the model is refused: readers disagree on which of them takes precedence. For the keys of
 * tokenizer_config.json see model/tokenizer/class.c.
 *
 * Else dir/vocab.txt, with the options of dir/tokenizer_config.json where that exists
 * (do_lower_case, strip_accents, tokenize_chinese_chars, special and added tokens), and the special
 * tokens that older releases wrote to dir/special_tokens_map.json, as transformers' BertTokenizer
 * would; uncased without. Tokens in dir/added_tokens.json that have no flags elsewhere are refused.
 * [UNK], [SEP], [PAD] and [CLS], or their replacements, must be in the vocabulary; [MASK] may be
 * missing and is then not a token.
 *
 * Ids must run from 0 without gaps or duplicates.
 */
int tokenizer_open(const char *dir, struct tokenizer **out, struct err *err) MUST_CHECK;

/* Same, from bytes in memory, read during the call only. name is for errors; bytes.ptr NULL: no
 * such file. */
struct tokenizer_file {
    const char *name;
    struct view bytes;
};

struct tokenizer_files {
    struct tokenizer_file json;         /* tokenizer.json */
    struct tokenizer_file vocab;        /* vocab.txt */
    struct tokenizer_file config;       /* tokenizer_config.json */
    struct tokenizer_file special_map;  /* special_tokens_map.json */
    struct tokenizer_file added;        /* added_tokens.json */
    struct tokenizer_file model_config; /* config.json, which may name the tokenizer's class */
};

int tokenizer_from_files(const struct tokenizer_files *files, struct tokenizer **out,
                         struct err *err) MUST_CHECK;
void tokenizer_free(struct tokenizer *tokenizer);

/* Constant; lives as long as the tokenizer. */
struct tokenizer_facts {
    /* One more than the largest id, added tokens included: the number of rows an embedding must
     * have. */
    int32_t vocab_size;
    int32_t cls, sep, pad;
    /* Token type of the second text of a pair: 1, or 0 where the tokenizer's class or
     * model_input_names leaves none. */
    int32_t pair_type;
    /* model_max_length of tokenizer_config.json: tokens of a pair including special tokens; 0: not
     * stated. */
    int max_tokens;
    bool lowercases;
};

const struct tokenizer_facts *tokenizer_facts(const struct tokenizer *tokenizer);

/* Upper bound on the number of ids for a text of len bytes. */
size_t tokenizer_max_ids(const struct tokenizer *tokenizer, size_t len);

/*
 * Ids of text without [CLS] and [SEP]; bytes that are not UTF-8 count as U+FFFD as Python's
 * decode("utf-8", "replace") places them. ids has room for tokenizer_max_ids(text.len); scratch is
 * not reset here: the caller marks or resets it. It usually takes 3 bytes per byte of text, at
 * worst 36 (bad bytes, combining characters out of order). Returns the count, -1 when scratch is
 * out of memory or text.len is over INT_MAX.
 */
int tokenizer_encode(const struct tokenizer *tokenizer, struct view text, struct arena *scratch,
                     int32_t *ids) MUST_CHECK;

/*
 * Same, where the first max_ids ids are enough: stops soon after them, so that a long text costs
 * little more. Returns the count, which is over max_ids if the text has more; the first max_ids are
 * those of tokenizer_encode. ids has room for tokenizer_max_first_ids(text.len, max_ids).
 */
int tokenizer_encode_first(const struct tokenizer *tokenizer, struct view text, int max_ids,
                           struct arena *scratch, int32_t *ids) MUST_CHECK;
size_t tokenizer_max_first_ids(const struct tokenizer *tokenizer, size_t len, int max_ids);

/*
 * Cuts a pair of lengths, without special tokens, so that *n_first + *n_second <= max, exactly as
 * `tokenizers` truncates on the right. Longest first: the shorter stays whole as long as cutting
 * the longer leaves it the longer; otherwise both are cut to max / 2, an odd token going to the
 * longer, on a tie to the second. Only-first and only-second leave at least one token of the text
 * they cut. With max 0 nothing is left, whatever the strategy. Returns 1 when something was cut, 0
 * when nothing had to be, -1 when the strategy cannot reach max; lengths are then unchanged.
 * n_second may be 0 for a single text. Pure.
 */
int tokenizer_truncate(enum truncation truncation, int max, int *n_first, int *n_second) MUST_CHECK;

#endif
