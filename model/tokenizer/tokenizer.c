/* From text to ids: added tokens, normaliser, words, pieces. */
#include "adrank/tokenizer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/tokenizer/added.h"
#include "model/tokenizer/normalizer.h"
#include "model/tokenizer/pretokenizer.h"
#include "model/tokenizer/spec.h"
#include "model/tokenizer/wordpiece.h"

struct tokenizer {
    struct normalizer normalizer;
    struct wordpiece wordpiece;
    struct added_tokens in_text;       /* matched in the original text */
    struct added_tokens in_normalized; /* matched in the normalised text */
    struct tokenizer_facts facts;
};

/* A longer text is normalised in chunks of about this, so that it is not read beyond the ids
 * that are wanted. */
#define CHUNK_BYTES 128

struct encoder {
    const struct tokenizer *tokenizer;
    struct arena *scratch;
    char *normalized;
    size_t room; /* bytes of text that normalized has room for */
    int32_t *ids;
    int n_ids;
    int max_ids; /* with more it stops */
};

static void encode_words(struct encoder *e, struct view text)
{
    const struct tokenizer *t = e->tokenizer;
    struct view word;

    while (e->n_ids <= e->max_ids && pretokenizer_next(t->normalizer.classes, &text, &word))
        e->n_ids += wordpiece_split(&t->wordpiece, word, e->ids + e->n_ids);
}

static struct view between(struct view text, size_t from, size_t to)
{
    return (struct view){text.ptr + from, to > from ? to - from : 0};
}

static void encode_normalized(struct encoder *e, struct view text)
{
    const struct tokenizer *t = e->tokenizer;
    struct added_search search = {0, 0};
    struct added_match match;
    size_t done = 0;

    while (t->in_normalized.n_tokens && e->n_ids <= e->max_ids &&
           added_tokens_next(&t->in_normalized, t->normalizer.classes, text, &search, &match)) {
        encode_words(e, between(text, done, match.start));
        if (e->n_ids > e->max_ids)
            return;
        e->ids[e->n_ids++] = match.id;
        done = match.end;
    }
    encode_words(e, between(text, done, text.len));
}

/* Takes a chunk off a text, whole where it is short. Chunks have the ids of the whole: they end
 * behind a character that breaks words wherever it stands, and that normalisation leaves alone
 * or puts spaces around. Tokens that are matched in normalised text may span anything. */
static struct view next_chunk(const struct tokenizer *t, struct view *text)
{
    const char *p = text->ptr + CHUNK_BYTES, *end = text->ptr + text->len;
    struct view chunk = *text;

    if (text->len > 2 * CHUNK_BYTES && t->in_normalized.n_tokens == 0) {
        while (((unsigned char)*p & 0xc0) == 0x80)
            p++;
        while (p < end && !normalizer_ends_chunk(&t->normalizer, char_next(&p)))
            ;
        chunk.len = (size_t)(p - text->ptr);
    }
    *text = (struct view){text->ptr + chunk.len, text->len - chunk.len};
    return chunk;
}

static int encode_chunk(struct encoder *e, struct view chunk)
{
    size_t len;

    if (chunk.len > e->room) {
        e->normalized = arena_array(e->scratch, chunk.len, NORMALIZER_GROWTH);
        if (!e->normalized)
            return -1;
        e->room = chunk.len;
    }
    if (normalizer_run(&e->tokenizer->normalizer, chunk, e->scratch, e->normalized, &len))
        return -1;
    encode_normalized(e, (struct view){e->normalized, len});
    return 0;
}

static int encode_piece(struct encoder *e, struct view text)
{
    while (text.len && e->n_ids <= e->max_ids)
        if (encode_chunk(e, next_chunk(e->tokenizer, &text)))
            return -1;
    return 0;
}

/* A text of valid UTF-8: itself, or a copy in scratch. ptr is NULL when that is out of memory. */
static struct view repaired(struct view text, struct arena *scratch)
{
    size_t valid = utf8_valid_len(text);
    char *out, *p;

    if (valid == text.len)
        return text;
    out = arena_array(scratch, text.len, 3); /* one bad byte becomes the three of U+FFFD */
    if (!out)
        return (struct view){NULL, 0};
    memcpy(out, text.ptr, valid);
    p = out + valid;
    while (valid < text.len) {
        uint32_t c;

        valid += utf8_decode(text.ptr + valid, text.len - valid, &c);
        p += utf8_encode(c, p);
    }
    return (struct view){out, (size_t)(p - out)};
}

int tokenizer_encode_first(const struct tokenizer *t, struct view text, int max_ids,
                           struct arena *scratch, int32_t *ids)
{
    struct encoder e = {.tokenizer = t, .scratch = scratch, .ids = ids, .max_ids = max_ids};
    struct added_search search = {0, 0};
    struct added_match match;
    size_t done = 0;

    if (text.len == 0)
        return 0;
    if (text.len > INT_MAX)
        return -1;
    text = repaired(text, scratch);
    if (!text.ptr)
        return -1;
    while (t->in_text.n_tokens && e.n_ids <= max_ids &&
           added_tokens_next(&t->in_text, t->normalizer.classes, text, &search, &match)) {
        if (encode_piece(&e, between(text, done, match.start)))
            return -1;
        if (e.n_ids > max_ids)
            break;
        e.ids[e.n_ids++] = match.id;
        done = match.end;
    }
    if (encode_piece(&e, between(text, done, text.len)))
        return -1;
    return e.n_ids;
}

int tokenizer_encode(const struct tokenizer *t, struct view text, struct arena *scratch,
                     int32_t *ids)
{
    return tokenizer_encode_first(t, text, INT_MAX, scratch, ids);
}

/* No character becomes more tokens than it has bytes, and no bad byte more than one: a letter that
 * decomposes into n others is at least n bytes long. */
size_t tokenizer_max_ids(const struct tokenizer *tokenizer, size_t len)
{
    (void)tokenizer;
    return len;
}

/* The word that goes beyond max_ids has at most max_chars pieces. */
size_t tokenizer_max_first_ids(const struct tokenizer *tokenizer, size_t len, int max_ids)
{
    const size_t all = tokenizer_max_ids(tokenizer, len);
    const size_t word = tokenizer->wordpiece.max_chars;
    const size_t first = (size_t)max_ids + 1;

    return word < SIZE_MAX - first && first + word < all ? first + word : all;
}

/* Contents of normalised tokens are matched in normalised form. */
static int normalize_added(const struct normalizer *normalizer, struct added_token *token,
                           struct arena *arena, struct err *err)
{
    char *out = arena_array(arena, token->content.len, NORMALIZER_GROWTH);
    size_t len;

    if (!out || normalizer_run(normalizer, token->content, arena, out, &len))
        return err_set(err, ERR_NOMEM, "tokenizer: out of memory");
    if (len == 0) /* it would be found everywhere */
        return err_set(err, ERR_DATA, "added token %d is empty once normalized", (int)token->id);
    token->content = (struct view){out, len};
    return 0;
}

/* The reference takes one or the other of two such tokens, by chance. */
static int refuse_equal(const struct added_token *tokens, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; tokens[i].normalized && k < i; k++)
            if (tokens[k].normalized && view_eq(tokens[i].content, tokens[k].content))
                return err_set(err, ERR_DATA, "added token %d is the same as %d once normalized",
                               (int)tokens[i].id, (int)tokens[k].id);
    return 0;
}

static int init_added(struct tokenizer *t, const struct tokenizer_spec *spec, struct err *err)
{
    struct arena arena;
    struct added_token *tokens;
    int rc = -1;

    arena_init(&arena, 4096, 0);
    tokens = arena_array(&arena, spec->n_added, sizeof(*tokens));
    if (!tokens) {
        err_set(err, ERR_NOMEM, "tokenizer: out of memory");
        goto out;
    }
    for (size_t i = 0; i < spec->n_added; i++) {
        tokens[i] = spec->added[i];
        if (tokens[i].normalized && normalize_added(&t->normalizer, &tokens[i], &arena, err))
            goto out;
    }
    if (refuse_equal(tokens, spec->n_added, err) ||
        added_tokens_init(&t->in_text, tokens, spec->n_added, false, err) ||
        added_tokens_init(&t->in_normalized, tokens, spec->n_added, true, err))
        goto out;
    rc = 0;
out:
    arena_release(&arena);
    return rc;
}

int tokenizer_new(const struct tokenizer_spec *spec, struct tokenizer **out, struct err *err)
{
    struct tokenizer *t = calloc(1, sizeof(*t));

    if (!t)
        return err_set(err, ERR_NOMEM, "tokenizer: out of memory");
    t->facts = spec->facts;
    t->facts.vocab_size = tokenizer_spec_size(spec);
    t->facts.lowercases = spec->normalizer.lowercase;
    normalizer_init(&t->normalizer, &spec->normalizer);
    if (wordpiece_init(&t->wordpiece, &spec->pieces, err) || init_added(t, spec, err)) {
        tokenizer_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    wordpiece_release(&t->wordpiece);
    added_tokens_release(&t->in_text);
    added_tokens_release(&t->in_normalized);
    free(t);
}

const struct tokenizer_facts *tokenizer_facts(const struct tokenizer *tokenizer)
{
    return &tokenizer->facts;
}
