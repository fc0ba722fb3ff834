/*
 * Any bytes as a text, with tokenizers that differ in every option: ids stay within their bounds,
 * the same text gives the same ids, and a text cut at white space gives those of its parts. The
 * first byte chooses.
 */

#include "base/bug.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/model/tokenizer/memory.h"

#define VOCAB                                                                                      \
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\ne\n##a\n##b\n##e\nab\n##abc\nrun\n##ning\n"      \
    "\u8dd1\n\u6b65\n\u978b\n\u00e9\n##\u00e9\n\u1112\n##\u1161\n##\u11ab\n!\n.\n[\n]\n\uff0c\n"   \
    "\u03c3\n\u0131\n##\u0307\n"

static const char *const configs[] = {
    "{}",
    "{\"do_lower_case\":false}",
    "{\"strip_accents\":false}",
    "{\"do_lower_case\":false,\"strip_accents\":true,\"tokenize_chinese_chars\":false}",
    "{\"mask_token\":{\"content\":\"[MASK]\",\"lstrip\":true,\"rstrip\":true},"
    "\"added_tokens_decoder\":{\"32\":{\"content\":\"Ab \u8dd1\",\"normalized\":true},"
    "\"6\":{\"content\":\"b\",\"single_word\":true},\"33\":{\"content\":\" \",\"rstrip\":true}}}",
};
#define N_CONFIGS (sizeof(configs) / sizeof(configs[0]))

static struct tokenizer *tokenizers[N_CONFIGS];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct err err;

    (void)argc;
    (void)argv;
    for (size_t i = 0; i < N_CONFIGS; i++)
        if (tokenizer_from_views("vocab.txt", VIEW_LIT(VOCAB), view_of(configs[i]), &tokenizers[i],
                                 &err))
            BUG("%s", err.text);
    return 0;
}

/* ids are heap of exactly the size that is promised, so that a sanitizer sees one too many. */
static int encode(const struct tokenizer *t, struct view text, int32_t **ids)
{
    struct arena arena;
    int n;

    *ids = malloc(tokenizer_max_ids(t, text.len) * sizeof(**ids) + 1);
    if (!*ids)
        BUG("out of memory");
    arena_init(&arena, 4096, 0);
    n = tokenizer_encode(t, text, &arena, *ids);
    arena_release(&arena);
    if (n < 0 || (size_t)n > tokenizer_max_ids(t, text.len))
        BUG("%d ids of %zu bytes", n, text.len);
    for (int i = 0; i < n; i++)
        if ((*ids)[i] < 0 || (*ids)[i] >= tokenizer_facts(t)->vocab_size)
            BUG("id %d", (int)(*ids)[i]);
    return n;
}

/* Where no token takes white space, a newline parts a text in two. */
static void check_parts(const struct tokenizer *t, struct view text, const int32_t *ids, int n)
{
    const char *at = memchr(text.ptr, '\n', text.len);
    int32_t *first, *second;
    int n_first, n_second;

    if (!at)
        return;
    n_first = encode(t, (struct view){text.ptr, (size_t)(at - text.ptr)}, &first);
    n_second = encode(t, (struct view){at, text.len - (size_t)(at - text.ptr)}, &second);
    if (n_first + n_second != n || memcmp(first, ids, (size_t)n_first * sizeof(*ids)) != 0 ||
        memcmp(second, ids + n_first, (size_t)n_second * sizeof(*ids)) != 0)
        BUG("%d and %d ids are not the %d of both", n_first, n_second, n);
    free(first);
    free(second);
}

static void fuzz(struct view input)
{
    struct view text;
    size_t which;
    int32_t *ids;
    int n;

    if (input.len == 0)
        return;
    which = (unsigned char)*input.ptr % N_CONFIGS;
    text = (struct view){input.ptr + 1, input.len - 1};
    n = encode(tokenizers[which], text, &ids);
    if (which != N_CONFIGS - 1)
        check_parts(tokenizers[which], text, ids, n);
    free(ids);
}
