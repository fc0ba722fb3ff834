/* Tests of model/tokenizer/wordpiece_trie.c. */
#include "model/tokenizer/wordpiece_trie.h"

#include "base/rng.h"
#include "tests/test.h"

/* The definition itself. */
static int32_t naive_longest(const struct trie_string *strings, size_t n, struct view text,
                             size_t *len)
{
    int32_t found = TRIE_NONE;

    *len = 0;
    for (size_t i = 0; i < n; i++) {
        struct view s = strings[i].text;

        if (s.len && s.len >= *len && s.len <= text.len && memcmp(s.ptr, text.ptr, s.len) == 0 &&
            (s.len > *len || strings[i].value < found)) {
            *len = s.len;
            found = strings[i].value;
        }
    }
    return found;
}

static void random_bytes(struct rng *rng, char *out, size_t n, unsigned alphabet)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(rng_below(rng, alphabet) + (alphabet < 256 ? 'a' : 0));
}

static void check_alphabet(unsigned alphabet, size_t n)
{
    struct trie_string *strings = calloc(n + 1, sizeof(*strings));
    char *bytes = malloc(n * 16 + 1);
    struct trie trie;
    struct rng rng;
    struct err err;
    size_t n_found = 0;

    CHECK(strings && bytes);
    rng_init(&rng, alphabet);
    random_bytes(&rng, bytes, n * 16, alphabet);
    for (size_t i = 0; i < n; i++)
        strings[i] = (struct trie_string){{bytes + i * 16, rng_below(&rng, 9)}, (int32_t)i};
    CHECK_OK(trie_init(&trie, strings, n, &err), err);
    for (int i = 0; i < 3000; i++) {
        char text[12];
        struct view v = {text, rng_below(&rng, sizeof(text) + 1)};
        size_t len = 0, want_len;
        int32_t want, got;

        random_bytes(&rng, text, sizeof(text), alphabet);
        if (n && rng_below(&rng, 2) && v.len)
            v.ptr = bytes + rng_below(&rng, n) * 16;
        want = naive_longest(strings, n, v, &want_len);
        got = trie.n_nodes ? trie_longest(&trie, TRIE_ROOT, v, &len) : TRIE_NONE;
        CHECK_INT(got, want);
        CHECK_INT(len, want_len);
        n_found += got != TRIE_NONE;
    }
    CHECK(n < 2 || n_found > 100);
    trie_release(&trie);
    free(strings);
    free(bytes);
}

TEST(wordpiece_trie__finds_what_a_search_through_all_strings_finds)
{
    static const unsigned alphabets[] = {1, 2, 5, 26, 256};
    static const size_t counts[] = {0, 1, 2, 50, 2000};

    for (size_t a = 0; a < sizeof(alphabets) / sizeof(alphabets[0]); a++)
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            test_row("%u letters, %zu strings", alphabets[a], counts[c]);
            check_alphabet(alphabets[a], counts[c]);
        }
}

/* Every pair and triple of bytes: nodes with 256 children, hardest to place. */
TEST(wordpiece_trie__holds_nodes_with_every_byte)
{
    enum { N = 256 * 256 + 256 };
    struct trie_string *strings = calloc(N, sizeof(*strings));
    unsigned char *bytes = malloc(N * 2);
    struct trie trie;
    struct err err;
    size_t len = 0;

    CHECK(strings && bytes);
    for (int i = 0; i < N; i++) {
        bytes[i * 2] = (unsigned char)(i >> 8);
        bytes[i * 2 + 1] = (unsigned char)i;
        strings[i] = (struct trie_string){{(char *)bytes + i * 2, i < 65536 ? 2 : 1}, i};
    }
    for (int i = 0; i < 256; i++)
        bytes[(65536 + i) * 2] = (unsigned char)i;
    CHECK_OK(trie_init(&trie, strings, N, &err), err);
    CHECK(trie.n_nodes < 2 * N);
    for (int i = 0; i < 65536; i++) {
        CHECK_INT(trie_longest(&trie, TRIE_ROOT, (struct view){(char *)bytes + i * 2, 2}, &len), i);
        CHECK_INT(len, 2);
    }
    trie_release(&trie);
    free(strings);
    free(bytes);
}

TEST(wordpiece_trie__takes_strings_of_a_megabyte)
{
    enum { LEN = 1 << 20 };
    char *text = malloc(LEN);
    struct trie_string strings[] = {{{NULL, LEN}, 3}, {{NULL, LEN / 2}, 4}};
    struct trie trie;
    struct err err;
    size_t len = 0;

    CHECK(text);
    memset(text, 'x', LEN);
    strings[0].text.ptr = strings[1].text.ptr = text;
    CHECK_OK(trie_init(&trie, strings, 2, &err), err);
    CHECK_INT(trie_longest(&trie, TRIE_ROOT, (struct view){text, LEN}, &len), 3);
    CHECK_INT(trie_longest(&trie, TRIE_ROOT, (struct view){text, LEN - 1}, &len), 4);
    CHECK_INT(len, LEN / 2);
    trie_release(&trie);
    free(text);
}
