/* Finds added tokens in a text. */
#include "model/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#define NO_BYTE 256

static void note_first(struct added_tokens *added, unsigned char byte)
{
    if (!added->first[byte])
        added->only_first = added->only_first == NO_BYTE ? byte : -1;
    added->first[byte] = true;
}

int added_tokens_init(struct added_tokens *added, const struct added_token *tokens, size_t n_tokens,
                      bool normalized, struct err *err)
{
    struct trie_string *strings = calloc(n_tokens + 1, sizeof(*strings));
    size_t n = 0;
    int rc = -1;

    memset(added, 0, sizeof(*added));
    added->only_first = NO_BYTE;
    added->tokens = calloc(n_tokens + 1, sizeof(*added->tokens));
    if (!strings || !added->tokens) {
        err_set(err, ERR_NOMEM, "tokenizer: out of memory");
        goto out;
    }
    for (size_t i = 0; i < n_tokens; i++) {
        if (tokens[i].normalized != normalized || tokens[i].content.len == 0)
            continue;
        note_first(added, (unsigned char)tokens[i].content.ptr[0]);
        strings[n] = (struct trie_string){tokens[i].content, (int32_t)n};
        added->tokens[n] = tokens[i];
        added->tokens[n++].content = (struct view){NULL, 0};
    }
    added->n_tokens = n;
    if (n == 0)
        added->only_first = -1;
    rc = trie_init(&added->trie, strings, n, err);
out:
    free(strings);
    if (rc)
        added_tokens_release(added);
    return rc;
}

void added_tokens_release(struct added_tokens *added)
{
    trie_release(&added->trie);
    free(added->tokens);
    memset(added, 0, sizeof(*added));
}

/* First byte of the character that ends before `at`, which is above 0. */
static size_t char_before(struct view text, size_t at)
{
    do
        at--;
    while (((unsigned char)text.ptr[at] & 0xc0) == 0x80);
    return at;
}

static bool stands_alone(struct view text, size_t start, size_t end)
{
    if (start > 0) {
        const char *p = text.ptr + char_before(text, start);

        if (char_is_word(char_next(&p)))
            return false;
    }
    if (end < text.len) {
        const char *p = text.ptr + end;

        if (char_is_word(char_next(&p)))
            return false;
    }
    return true;
}

static bool is_white(const struct char_classes *classes, struct view text, size_t at, size_t *next)
{
    const char *p = text.ptr + at;
    uint32_t c = char_next(&p);

    *next = (size_t)(p - text.ptr);
    return char_class(classes, c) & CHAR_WHITE;
}

/* Not before `taken`, where the last match ends. */
static size_t strip_left(const struct char_classes *classes, struct view text, size_t start,
                         size_t taken)
{
    size_t next;

    while (start > taken) {
        size_t before = char_before(text, start);

        if (!is_white(classes, text, before, &next))
            break;
        start = before;
    }
    return start > taken ? start : taken;
}

/* Up to `taken` the last match has found nothing but white space. */
static size_t strip_right(const struct char_classes *classes, struct view text, size_t end,
                          size_t taken)
{
    size_t next = end > taken ? end : taken;

    do
        end = next;
    while (end < text.len && is_white(classes, text, end, &next));
    return end;
}

/* The next byte from `at` on that a token begins with; text.len: none. */
static size_t next_first(const struct added_tokens *added, struct view text, size_t at)
{
    if (added->only_first >= 0) {
        const char *p = memchr(text.ptr + at, added->only_first, text.len - at);

        return p ? (size_t)(p - text.ptr) : text.len;
    }
    while (at < text.len && !added->first[(unsigned char)text.ptr[at]])
        at++;
    return at;
}

bool added_tokens_next(const struct added_tokens *added, const struct char_classes *classes,
                       struct view text, struct added_search *search, struct added_match *match)
{
    size_t at = search->from;

    while (at < text.len) {
        const struct added_token *token;
        size_t start, len = 0;
        int32_t i;

        at = next_first(added, text, at);
        if (at == text.len)
            break;
        i = trie_longest(&added->trie, TRIE_ROOT, (struct view){text.ptr + at, text.len - at},
                         &len);
        if (i == TRIE_NONE) {
            at++;
            continue;
        }
        start = at;
        at += len; /* nothing in a match is looked at again, refused or not */
        token = &added->tokens[i];
        if (token->single_word && !stands_alone(text, start, at))
            continue;
        match->id = token->id;
        match->start = token->lstrip ? strip_left(classes, text, start, search->taken) : start;
        match->end = token->rstrip ? strip_right(classes, text, at, search->taken) : at;
        if (match->start >= match->end) /* all of it is white space that the last one took */
            continue;
        search->from = at;
        search->taken = match->end;
        return true;
    }
    search->from = text.len;
    return false;
}
