/* Reads vocab.txt. */
#include "base/utf8.h"
#include "model/tokenizer/spec.h"

#include <stdlib.h>

static size_t count_lines(struct view text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n + (text.len && text.ptr[text.len - 1] != '\n');
}

static struct view trim_end(struct view line)
{
    while (line.len) {
        size_t at = line.len;
        uint32_t c;

        do
            at--;
        while (at && ((unsigned char)line.ptr[at] & 0xc0) == 0x80);
        utf8_decode(line.ptr + at, line.len - at, &c);
        if (!(char_class(char_classes(), c) & CHAR_WHITE))
            break;
        line.len = at;
    }
    return line;
}

/* Equal tokens would make their ids depend on who reads the file. */
static int refuse_duplicates(const struct tokenizer_reader *r)
{
    const struct wordpiece_args *words = &r->spec->pieces;
    struct trie_string *sorted = calloc(words->n_tokens, sizeof(*sorted));
    int rc = 0;

    if (!sorted)
        return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->file);
    for (size_t i = 0; i < words->n_tokens; i++)
        sorted[i] = (struct trie_string){words->tokens[i], (int32_t)i};
    trie_sort(sorted, words->n_tokens);
    for (size_t i = 1; i < words->n_tokens && rc == 0; i++)
        if (view_eq(sorted[i - 1].text, sorted[i].text))
            rc = err_set(r->err, ERR_DATA, "%s: line %d: duplicate of line %d", r->file,
                         (int)sorted[i].value + 1, (int)sorted[i - 1].value + 1);
    free(sorted);
    return rc;
}

int vocab_txt_read(const struct tokenizer_reader *r, struct view text)
{
    size_t n = count_lines(text);
    struct view *tokens;
    const char *p = text.ptr;

    if (n == 0)
        return err_set(r->err, ERR_DATA, "%s: no tokens", r->file);
    if (n > TOKENIZER_MAX_TOKENS)
        return err_set(r->err, ERR_DATA, "%s: more than %d tokens", r->file, TOKENIZER_MAX_TOKENS);
    tokens = arena_array(r->arena, n, sizeof(*tokens));
    if (!tokens)
        return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->file);
    for (size_t i = 0; i < n; i++) {
        const char *end = memchr(p, '\n', (size_t)(text.ptr + text.len - p));
        struct view line = {p, (size_t)((end ? end : text.ptr + text.len) - p)};

        if (!utf8_valid(line))
            return err_set(r->err, ERR_DATA, "%s: line %zu: not UTF-8", r->file, i + 1);
        tokens[i] = trim_end(line);
        p = end ? end + 1 : p;
    }
    r->spec->pieces = (struct wordpiece_args){
        .tokens = tokens, .n_tokens = n, .prefix = VIEW_LIT("##"), .max_chars = 100};
    return refuse_duplicates(r);
}
