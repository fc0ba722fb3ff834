/* The longest match, piece by piece. */
#include "model/tokenizer/wordpiece.h"

#include <stdlib.h>

#include "base/utf8.h"

static int32_t walk(const struct trie *trie, struct view text)
{
    int32_t node = trie->n_nodes ? TRIE_ROOT : TRIE_NONE;

    for (size_t i = 0; i < text.len && node != TRIE_NONE; i++)
        node = trie_step(trie, node, (unsigned char)text.ptr[i]);
    return node;
}

int wordpiece_init(struct wordpiece *wordpiece, const struct wordpiece_args *args, struct err *err)
{
    size_t longest = args->max_chars * UTF8_MAX_BYTES + args->prefix.len;
    struct trie_string *strings = malloc((args->n_tokens + 1) * sizeof(*strings));
    size_t n = 0;
    int rc;

    *wordpiece = (struct wordpiece){.unknown = args->unknown, .max_chars = args->max_chars};
    if (!strings)
        return err_set(err, ERR_NOMEM, "tokenizer: out of memory");
    for (size_t i = 0; i < args->n_tokens; i++) /* no word reaches what is longer */
        if (args->tokens[i].len <= longest)
            strings[n++] = (struct trie_string){args->tokens[i], (int32_t)i};
    rc = trie_init(&wordpiece->trie, strings, n, err);
    free(strings);
    if (rc == 0)
        wordpiece->continuation = walk(&wordpiece->trie, args->prefix);
    return rc;
}

void wordpiece_release(struct wordpiece *wordpiece)
{
    trie_release(&wordpiece->trie);
}

static size_t count_chars(struct view word)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len; i++)
        n += ((unsigned char)word.ptr[i] & 0xc0) != 0x80;
    return n;
}

int wordpiece_split(const struct wordpiece *wordpiece, struct view word, int32_t *ids)
{
    int32_t node = TRIE_ROOT;
    int n = 0;

    if (word.len > wordpiece->max_chars && count_chars(word) > wordpiece->max_chars)
        goto unknown;
    while (word.len) {
        size_t len = 0;

        if (node == TRIE_NONE)
            goto unknown;
        ids[n] = trie_longest(&wordpiece->trie, node, word, &len);
        if (ids[n] == TRIE_NONE)
            goto unknown;
        n++;
        word.ptr += len;
        word.len -= len;
        node = wordpiece->continuation;
    }
    return n;
unknown:
    ids[0] = wordpiece->unknown;
    return 1;
}
