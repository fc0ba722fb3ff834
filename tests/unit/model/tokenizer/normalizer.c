/* Tests of model/tokenizer/normalizer.c. */
#include "model/tokenizer/normalizer.h"

#include "base/utf8.h"
#include "model/tokenizer/pretokenizer.h"
#include "tests/unit/model/tokenizer/golden.h"

static struct normalizer_options options_of(const char *mode)
{
    return (struct normalizer_options){mode[0] == '1', mode[1] == '1', mode[2] == '1',
                                       mode[3] == '1'};
}

/* Digest, continued, of the words of a text as a normaliser leaves them, a newline after each. */
static uint32_t words_crc(const struct normalizer *normalizer, struct view text,
                          struct arena *arena, uint32_t crc)
{
    char *out = arena_array(arena, text.len, NORMALIZER_GROWTH);
    struct view rest, word;
    size_t len;

    CHECK(out);
    CHECK_INT(normalizer_run(normalizer, text, arena, out, &len), 0);
    CHECK(len <= text.len * NORMALIZER_GROWTH);
    rest = (struct view){out, len};
    CHECK(utf8_valid(rest));
    while (pretokenizer_next(normalizer->classes, &rest, &word)) {
        crc = golden_crc(crc, word.ptr, word.len);
        crc = golden_crc(crc, "\n", 1);
    }
    return crc;
}

static uint32_t block_crc(const struct normalizer *normalizer, uint32_t block, struct arena *arena)
{
    uint32_t crc = 0;

    for (uint32_t c = block * 256; c < block * 256 + 256; c++) {
        char text[8] = "a";
        size_t n = 1;

        if (c >= 0xd800 && c < 0xe000)
            continue;
        n += utf8_encode(c, text + n);
        text[n++] = 'b';
        crc = words_crc(normalizer, (struct view){text, n}, arena, crc);
        arena_reset(arena, 65536);
    }
    return crc;
}

TEST(normalizer__treats_every_code_point_as_the_reference)
{
    struct golden_file golden AT_END(golden_close);
    struct arena arena AT_END(arena_release);
    struct view line;
    int n_modes = 0;

    arena_init(&arena, 65536, 0);
    golden_open(&golden, GOLDEN "blocks.txt");
    while (golden_line(&golden, &line)) {
        struct view mode = golden_field(&line, ' ');
        struct normalizer_options options = options_of(mode.ptr);
        struct normalizer normalizer;

        test_row("every code point, options %.*s", VIEW_ARG(mode));
        normalizer_init(&normalizer, &options);
        CHECK_INT(line.len, CHAR_PAGES * 6);
        for (uint32_t block = 0; block < CHAR_PAGES; block++)
            if (!golden_same(block_crc(&normalizer, block, &arena), line.ptr + block * 6))
                FAIL("block U+%04X differs from the reference", block * 256);
        n_modes++;
    }
    CHECK_INT(n_modes, 5);
}

TEST(normalizer__knows_letters_and_digits_as_the_reference)
{
    struct buf golden AT_END(buf_release) = BUF_INIT;

    golden_read(GOLDEN "word_blocks.txt", &golden);
    CHECK_INT(golden.len, CHAR_PAGES * 6 + 1);
    for (uint32_t block = 0; block < CHAR_PAGES; block++) {
        uint32_t crc = 0;

        for (uint32_t c = block * 256; c < block * 256 + 256; c++)
            if (c < 0xd800 || c >= 0xe000)
                crc = golden_crc(crc, char_is_word(c) ? "1" : "0", 1);
        if (!golden_same(crc, golden.ptr + block * 6))
            FAIL("block U+%04X differs from the reference", block * 256);
    }
}

static struct view repair(struct view text, char *out)
{
    size_t n = 0, at = 0;

    while (at < text.len) {
        uint32_t c;

        at += utf8_decode(text.ptr + at, text.len - at, &c);
        n += utf8_encode(c, out + n);
    }
    return (struct view){out, n};
}

TEST(normalizer__finds_the_words_of_the_reference_in_every_string)
{
    static const char *const modes[] = {"1111", "1100"};
    struct normalizer normalizers[2];
    struct golden_file golden AT_END(golden_close);
    struct arena arena AT_END(arena_release);
    struct golden_string string;
    int n = 0;

    for (int m = 0; m < 2; m++) {
        struct normalizer_options options = options_of(modes[m]);

        normalizer_init(&normalizers[m], &options);
    }
    arena_init(&arena, 65536, 0);
    golden_open(&golden, GOLDEN "strings.tsv");
    for (; golden_string(&golden, &arena, &string); n++) {
        char *out = arena_array(&arena, string.text.len + 1, 3);
        struct view text;

        CHECK(out);
        text = repair(string.text, out);
        for (int m = 0; m < 2; m++)
            if (!golden_same(words_crc(&normalizers[m], text, &arena, 0),
                             string.digests.ptr + string.digests.len - 12 + m * 6))
                FAIL("string %d (%.*s), options %s: \"%s\"", n, VIEW_ARG(string.class), modes[m],
                     golden_show(text));
        arena_reset(&arena, 65536);
    }
    CHECK(n >= 10000);
}

/* Class 216 after 228 is brought forward, however long the run, and in time that is linear in it.
 */
TEST(normalizer__orders_long_runs_of_combining_characters)
{
    static const struct normalizer_options options = {true, true, true, true};
    enum { HALF = 200000 };
    struct normalizer normalizer;
    struct arena arena;
    char *text = malloc(HALF * 7 + 1);
    char *out = malloc((HALF * 7 + 1) * NORMALIZER_GROWTH);
    size_t n = 0, len;

    CHECK(text && out);
    normalizer_init(&normalizer, &options);
    arena_init(&arena, 65536, 0);
    text[n++] = 'a';
    for (int i = 0; i < HALF; i++) {
        n += utf8_encode(0x302e, text + n);  /* class 224 */
        n += utf8_encode(0x1d165, text + n); /* class 216 */
    }
    CHECK_INT(normalizer_run(&normalizer, (struct view){text, n}, &arena, out, &len), 0);
    CHECK_INT(len, n);
    for (int i = 0; i < HALF; i++) {
        uint32_t c;

        utf8_decode(out + 1 + i * 4, 4, &c);
        CHECK_INT(c, 0x1d165);
        utf8_decode(out + 1 + HALF * 4 + i * 3, 3, &c);
        CHECK_INT(c, 0x302e);
    }
    arena_release(&arena);
    free(text);
    free(out);
}

TEST(normalizer__reports_full_scratch)
{
    static const struct normalizer_options options = {true, true, true, true};
    struct normalizer normalizer;
    struct arena arena AT_END(arena_release);
    char out[64];
    size_t len;

    normalizer_init(&normalizer, &options);
    arena_init(&arena, 256, 1);
    CHECK_INT(normalizer_run(&normalizer, VIEW_LIT("a\u302e"), &arena, out, &len), -1);
    CHECK_INT(normalizer_run(&normalizer, VIEW_LIT("a\u0301"), &arena, out, &len), 0);
    CHECK_INT(len, 1);
}
