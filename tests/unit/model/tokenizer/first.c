/* Encoding only the first ids of a text: the same ids, and the rest of the text is not examined. */

#include "base/rng.h"
#include "model/tokenizer/normalizer.h"
#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

#define N_STRINGS 10000
#define MAX_STRING 256 /* bytes that are encoded in one piece */

/* The linker routes calls of normalizer_run here: counts the text examined. */
static size_t normalized_bytes;
int __real_normalizer_run(const struct normalizer *normalizer, struct view text,
                          struct arena *scratch, char *out, size_t *out_len);
int __wrap_normalizer_run(const struct normalizer *normalizer, struct view text,
                          struct arena *scratch, char *out, size_t *out_len);

int __wrap_normalizer_run(const struct normalizer *normalizer, struct view text,
                          struct arena *scratch, char *out, size_t *out_len)
{
    normalized_bytes += text.len;
    return __real_normalizer_run(normalizer, text, scratch, out, out_len);
}

static struct view strings[N_STRINGS];
static int n_strings;

static void read_strings(struct arena *arena)
{
    struct golden_file file AT_END(golden_close);
    struct golden_string string;

    golden_open(&file, GOLDEN "strings.tsv");
    for (n_strings = 0; n_strings < N_STRINGS && golden_string(&file, arena, &string);)
        if (string.text.len && string.text.len <= MAX_STRING)
            strings[n_strings++] = string.text;
    CHECK(n_strings > 1000);
}

static struct tokenizer *open_one(const char *config)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct tokenizer *t;
    struct err err;

    golden_read(GOLDEN "vocab.txt", &text);
    CHECK_OK(tokenizer_from_vocab("vocab.txt", buf_view(&text), config, &t, &err), err);
    return t;
}

static int encode(const struct tokenizer *t, struct view text, struct arena *arena, int32_t *ids)
{
    int n = tokenizer_encode(t, text, arena, ids);

    CHECK(n >= 0);
    return n;
}

/* ids (n) are those of all of it; room is as large as it has to be, and no larger. */
static void check_first(const struct tokenizer *t, struct view text, const int32_t *ids, int n,
                        int max, struct arena *arena)
{
    const size_t room = tokenizer_max_first_ids(t, text.len, max);
    int32_t *got = malloc((room + 1) * sizeof(*got));
    int n_got, n_want = n < max ? n : max;

    CHECK(got);
    n_got = tokenizer_encode_first(t, text, max, arena, got);
    CHECK((size_t)n_got <= room);
    if (n <= max)
        CHECK_INT(n_got, n);
    else
        CHECK(n_got > max);
    if (memcmp(got, ids, (size_t)n_want * sizeof(*ids)) != 0)
        FAIL("%d of %d ids of %s", max, n, golden_show(text));
    free(got);
}

/* Strings side by side have the ids of each, wherever the text is taken apart. */
static void check_texts(const struct tokenizer *t, uint64_t seed)
{
    int32_t *want = malloc(65536 * sizeof(*want)), *ids = malloc(65536 * sizeof(*ids));
    struct buf text = BUF_INIT;
    struct arena arena;
    struct rng rng;

    CHECK(want && ids);
    rng_init(&rng, seed);
    arena_init(&arena, 1 << 20, 0);
    for (int round = 0; round < 400; round++) {
        int n = 0, n_ids;

        buf_clear(&text);
        for (int k = (int)rng_below(&rng, 60); k >= 0; k--) {
            struct view string = strings[rng_below(&rng, (uint64_t)n_strings)];

            n += encode(t, string, &arena, want + n);
            buf_add_view(&text, string);
            buf_add_str(&text, " ");
        }
        n_ids = encode(t, buf_view(&text), &arena, ids);
        if (n_ids != n || memcmp(ids, want, (size_t)n * sizeof(*ids)) != 0)
            FAIL("%d ids, want %d: %s", n_ids, n, golden_show(buf_view(&text)));
        for (int k = 0; k < 8; k++)
            check_first(t, buf_view(&text), ids, n, (int)rng_below(&rng, (uint64_t)n + 3), &arena);
        arena_reset(&arena, 4 << 20);
    }
    arena_release(&arena);
    buf_release(&text);
    free(want);
    free(ids);
}

TEST(tokenizer_encode_first__gives_the_first_ids)
{
    static const char *const configs[] = {
        "",
        "{'do_lower_case': false}",
        "{'do_lower_case': false, 'strip_accents': true}",
        "{'tokenize_chinese_chars': false}",
    };
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 1 << 20, 0);
    read_strings(&arena);
    for (int i = 0; i < COUNT(configs); i++) {
        struct tokenizer *t = open_one(configs[i]);

        test_row("tokenizer_encode_first: %s", configs[i]);
        check_texts(t, (uint64_t)i + 1);
        tokenizer_free(t);
    }
}

/* A text far longer than its room costs no more than one that fits, with whatever gives an id. */
TEST(tokenizer_encode_first__does_not_examine_the_rest)
{
    static const char *const words[] = {"\xe8\xbd\xbb", "shoe ",     ".",
                                        "[MASK]",       "\xc3\xa9 ", "\xf0\x9f\x98\x80 "};
    struct tokenizer *t = open_one("");
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 1 << 20, 0);
    for (int i = 0; i < COUNT(words); i++) {
        struct buf text AT_END(buf_release) = BUF_INIT;
        int32_t ids[1024];

        test_row("%s", words[i]);
        while (text.len < 65536)
            buf_add_str(&text, words[i]);
        CHECK(tokenizer_max_first_ids(t, text.len, 20) < 1024);
        normalized_bytes = 0;
        CHECK(tokenizer_encode_first(t, buf_view(&text), 20, &arena, ids) > 20);
        if (normalized_bytes > 512)
            FAIL("%zu bytes examined", normalized_bytes);
        arena_reset(&arena, SIZE_MAX);
    }
    tokenizer_free(t);
}
