/*
 * WordPiece tokenizer, the same ids as Hugging Face's BERT tokenizers (`tokenizers` 0.23:
 * BertNormalizer, BertPreTokenizer, WordPiece; Devlin et al. 2018): cased and uncased, accents,
 * Chinese characters, control characters, special and added tokens in text. Unicode is the
 * reference's, whatever the system's libraries know. Immutable after open: any number of threads.
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
    TRUNCATE_LONGEST_FIRST, /* as `tokenizers` does it: see tokenizer_truncate */
    TRUNCATE_ONLY_FIRST,
    TRUNCATE_ONLY_SECOND,
};

/*
 * Opens dir/tokenizer.json if there is one. Its post_processor must be BERT's ([CLS] A [SEP] B
 * [SEP], types 0 and 1), its normaliser and pre-tokenizer Bert*, its model WordPiece; padding and
 * the length of truncation in it are what the last call left behind and not obeyed, as transformers
 * does; truncation on the left is refused. What tokenizer_config.json (or its absence in a model's
 * directory), special_tokens_map.json or added_tokens.json beside it say otherwise of the
 * normaliser, of special or of added tokens is refused: readers disagree on which of them counts.
 * The keys of tokenizer_config.json and what each means here: model/tokenizer/class.c.
 *
 * Else dir/vocab.txt, with the options of dir/tokenizer_config.json where that exists
 * (do_lower_case, strip_accents, tokenize_chinese_chars, special and added tokens), and the special
 * tokens that older releases wrote to dir/special_tokens_map.json, as transformers' BertTokenizer
 * would; uncased without. Tokens in dir/added_tokens.json without flags beside them are refused.
 * [UNK], [SEP], [PAD] and [CLS], or what stands for them, must be in the vocabulary; [MASK] may be
 * missing and is then no token.
 *
 * Ids run from 0 without gap or duplicate, or the vocabulary is refused.
 */
int tokenizer_open(const char *dir, struct tokenizer **out, struct err *err) MUST_CHECK;

/* The same from bytes in memory, read during the call only. name is for errors; bytes.ptr NULL: no
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

/* One more than the largest id, added tokens included: what an embedding must have rows for. */
int32_t tokenizer_vocab_size(const struct tokenizer *tokenizer);
int32_t tokenizer_cls(const struct tokenizer *tokenizer);
int32_t tokenizer_sep(const struct tokenizer *tokenizer);
int32_t tokenizer_pad(const struct tokenizer *tokenizer);
/* model_max_length of tokenizer_config.json: tokens of a pair with its special tokens; 0: none is
 * stated. */
int tokenizer_max_tokens(const struct tokenizer *tokenizer);
/* Token type of the second text of a pair: 1, or 0 where the tokenizer's class or model_input_names
 * give none. */
int32_t tokenizer_pair_type(const struct tokenizer *tokenizer);
bool tokenizer_lowercases(const struct tokenizer *tokenizer);

/* Upper bound of the number of ids that a text of len bytes can give. */
size_t tokenizer_max_ids(const struct tokenizer *tokenizer, size_t len);

/*
 * Ids of text without [CLS] and [SEP]; bytes that are not UTF-8 count as U+FFFD as Python's
 * decode("utf-8", "replace") places them. ids has room for tokenizer_max_ids(text.len); scratch is
 * reset by nobody: the caller marks or resets it. It takes 3 bytes for a byte of text as a rule, 36
 * at worst (bad bytes, combining characters out of order). Returns the count, -1 when scratch is
 * out of memory or text.len is over INT_MAX.
 */
int tokenizer_encode(const struct tokenizer *tokenizer, struct view text, struct arena *scratch,
                     int32_t *ids) MUST_CHECK;

/*
 * The same of a text of which max_ids ids are enough: stops once there are more, so that what a
 * long text costs beyond them is little. Returns the count, over max_ids where the text has more;
 * the first max_ids are those that tokenizer_encode gives. ids has room for
 * tokenizer_max_first_ids(text.len, max_ids).
 */
int tokenizer_encode_first(const struct tokenizer *tokenizer, struct view text, int max_ids,
                           struct arena *scratch, int32_t *ids) MUST_CHECK;
size_t tokenizer_max_first_ids(const struct tokenizer *tokenizer, size_t len, int max_ids);

/*
 * Cuts a pair of lengths, without special tokens, so that *n_first + *n_second <= max, exactly as
 * `tokenizers` truncates on the right. Longest first: the shorter keeps what it has while the
 * longer can make room and stay the longer; else both are cut to max / 2, an odd token going to the
 * longer, on a tie to the second. Only first and only second leave at least one token of what they
 * cut. max 0: nothing is left, by any strategy. Returns 1 when something was cut, 0 when nothing
 * had to be, -1 when the strategy cannot reach max: lengths stay as they were. n_second may be 0
 * for a single text. Pure.
 */
int tokenizer_truncate(enum truncation truncation, int max, int *n_first, int *n_second) MUST_CHECK;

#endif
