/* Reads vocab.txt. */
#include "base/utf8.h"
#include "model/tokenizer/normalizer_ranges.h"
#include "model/tokenizer/spec.h"

#include <stdlib.h>

static size_t count_lines(struct view text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n + (text.len && text.ptr[text.len - 1] != '\n');
}

static bool is_white(uint32_t c)
{
    for (size_t i = 0; i < char_white.n; i++)
        if (c >= char_white.items[i].first && c <= char_white.items[i].last)
            return true;
    return false;
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
        if (!is_white(c))
            break;
        line.len = at;
    }
    return line;
}

/* Equal tokens would make their ids depend on who reads the file. */
static int refuse_duplicates(const char *file, const struct tokenizer_spec *spec, struct err *err)
{
    struct trie_string *sorted = calloc(spec->n_tokens, sizeof(*sorted));
    int rc = 0;

    if (!sorted)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    for (size_t i = 0; i < spec->n_tokens; i++)
        sorted[i] = (struct trie_string){spec->tokens[i], (int32_t)i};
    trie_sort(sorted, spec->n_tokens);
    for (size_t i = 1; i < spec->n_tokens && rc == 0; i++)
        if (view_eq(sorted[i - 1].text, sorted[i].text))
            rc = err_set(err, ERR_DATA, "%s: line %d: duplicate of line %d", file,
                         (int)sorted[i].value + 1, (int)sorted[i - 1].value + 1);
    free(sorted);
    return rc;
}

int vocab_txt_read(const char *file, struct view text, struct arena *arena,
                   struct tokenizer_spec *spec, struct err *err)
{
    size_t n = count_lines(text);
    const char *p = text.ptr;

    if (n == 0)
        return err_set(err, ERR_DATA, "%s: no tokens", file);
    if (n > TOKENIZER_MAX_TOKENS)
        return err_set(err, ERR_DATA, "%s: more than %d tokens", file, TOKENIZER_MAX_TOKENS);
    spec->tokens = arena_array(arena, n, sizeof(*spec->tokens));
    if (!spec->tokens)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    for (size_t i = 0; i < n; i++) {
        const char *end = memchr(p, '\n', (size_t)(text.ptr + text.len - p));
        struct view line = {p, (size_t)((end ? end : text.ptr + text.len) - p)};

        if (!utf8_valid(line))
            return err_set(err, ERR_DATA, "%s: line %zu: not UTF-8", file, i + 1);
        spec->tokens[i] = trim_end(line);
        p = end ? end + 1 : p;
    }
    spec->n_tokens = n;
    spec->prefix = VIEW_LIT("##");
    spec->max_word_chars = 100;
    return refuse_duplicates(file, spec, err);
}
