/*
 * Any bytes as a vocabulary: vocab.txt, vocab.txt with tokenizer_config.json behind a NUL, or
 * tokenizer.json, as the first byte chooses. What opens must encode, with ids of its own
 * vocabulary; what does not must say why.
 */

#include "base/bug.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/model/tokenizer/memory.h"

#define SPECIAL "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

static void encode(const struct tokenizer *t)
{
    static const char text[] =
        "Running  SHOES [MASK] caf\u00e9 \u8dd1\u6b65\u978b zz, ab\xff\u0301 [SEP]";
    struct arena arena;
    int32_t ids[sizeof(text)];
    int n;

    arena_init(&arena, 4096, 0);
    n = tokenizer_encode(t, VIEW_LIT(text), &arena, ids);
    if (n < 0 || (size_t)n > tokenizer_max_ids(t, sizeof(text) - 1))
        BUG("%d ids", n);
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= tokenizer_facts(t)->vocab_size)
            BUG("id %d of %d", (int)ids[i], (int)tokenizer_facts(t)->vocab_size);
    arena_release(&arena);
}

static int open_any(char which, struct view text, struct tokenizer **t, struct err *err)
{
    const char *nul = text.len ? memchr(text.ptr, 0, text.len) : NULL;
    size_t vocab_len = nul ? (size_t)(nul - text.ptr) : text.len;
    struct view config = {nul ? nul + 1 : NULL, nul ? text.len - vocab_len - 1 : 0};

    if (which == 'v')
        return tokenizer_from_views("vocab.txt", text, (struct view){NULL, 0}, t, err);
    if (which == 'c')
        return tokenizer_from_views("vocab.txt", (struct view){text.ptr, vocab_len}, config, t,
                                    err);
    if (which == 'o')
        return tokenizer_from_views("vocab.txt", VIEW_LIT(SPECIAL "a\n##b\nzz\n"), text, t, err);
    return tokenizer_from_json("tokenizer.json", text, t, err);
}

static void fuzz(struct view input)
{
    const struct tokenizer_facts *facts;
    struct tokenizer *t = NULL;
    struct err err = {ERR_NONE, ""};

    if (input.len == 0)
        return;
    if (open_any(*input.ptr, (struct view){input.ptr + 1, input.len - 1}, &t, &err)) {
        check(err.code != ERR_NONE && err.text[0]); /* not refused without a reason */
        return;
    }
    facts = tokenizer_facts(t);
    check(facts->cls < facts->vocab_size && facts->sep < facts->vocab_size &&
          facts->pad < facts->vocab_size);
    encode(t);
    tokenizer_free(t);
}
