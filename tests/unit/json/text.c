/* Tests of json/text.c. */
#include "json/text.h"

#include "base/buf.h"
#include "base/rng.h"
#include "tests/test.h"
#include "tests/unit/json/padded.h"

/* jansson's names begin with json_ too, so it stays behind these two. */
extern void *json_loadb(const char *buffer, size_t len, size_t flags, void *error);
extern void json_delete(void *json);

/* The head of json_error_t. */
struct jansson_error {
    int line, column, position;
    char source[80], text[160];
};

#define JANSSON_ANY 0x4u         /* JSON_DECODE_ANY */
#define JANSSON_INT_AS_REAL 0x8u /* JSON_DECODE_INT_AS_REAL */
#define JANSSON_ALLOW_NUL 0x10u  /* JSON_ALLOW_NUL */

/* *overflow: it stops at a number that does not fit a double, which is none of our reasons. */
static bool jansson_takes(struct view text, bool *overflow)
{
    struct jansson_error error = {.line = 0};
    void *root = json_loadb(text.ptr, text.len,
                            JANSSON_ANY | JANSSON_INT_AS_REAL | JANSSON_ALLOW_NUL, &error);

    if (root)
        json_delete(root);
    *overflow = !root && strstr(error.text, "number overflow");
    return root != NULL;
}

/* NULL: taken. */
static const char *wrong_with(struct view bytes, struct arena *arena)
{
    struct padded padded = padded_new(bytes);
    struct json_text text;

    json_text_init(&text, padded.text, arena);
    json_skip(&text);
    json_finish(&text);
    arena_reset(arena, SIZE_MAX);
    padded_free(&padded);
    return text.wrong;
}

static void compare(struct view bytes, struct arena *arena)
{
    const char *wrong = wrong_with(bytes, arena);
    bool overflow, taken = jansson_takes(bytes, &overflow);

    if (overflow || (wrong && strstr(wrong, "nested"))) /* refused on purpose by one of the two */
        return;
    if (taken != !wrong)
        FAIL("%.*s: %s, jansson disagrees", VIEW_ARG(bytes), wrong ? wrong : "taken");
}

static const char *const documents[] = {
    "{\"a\":[1,-2.5e+3,true,false,null,{}],\"b\":\"x\\n\\u8dd1\\ud83d\\ude00\"}",
    "[0,-0,0.0,1e5,1E-5,1.25,\"\",[],[[]],{\"\":{\"\":[]}}]",
    "  \"\xe8\xb7\x91\xe9\x9e\x8b \xf0\x9f\x98\x80 \xc3\xa9 \\\\ \\/ \\\" \\b\\f\\r\\t\"  ",
    "{\"id\":\"r-1\",\"tmax\":50,\"imp\":[{\"id\":\"1\",\"bidfloor\":0.30}]}",
    "-12345678901234567890.5",
    "true",
};
#define N_DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

TEST(json_text__agrees_with_jansson_on_every_changed_byte)
{
    struct buf bytes AT_END(buf_release) = BUF_INIT;
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        test_row("%zu", i);
        for (size_t at = 0; at < strlen(documents[i]); at++)
            for (int value = 1; value < 256; value++) { /* jansson loses a NUL behind a number */
                buf_clear(&bytes);
                buf_add_str(&bytes, documents[i]);
                bytes.ptr[at] = (char)value;
                compare(buf_view(&bytes), &arena);
            }
    }
}

static void mutate(struct buf *bytes, struct rng *rng)
{
    static const char alphabet[] = "{}[],:\"\\0123456789eE+-.truefalsn \t\n/u\xe8\xb7\x91\xf0\x80";
    size_t at = (size_t)rng_below(rng, bytes->len), n;

    switch (rng_below(rng, 4)) {
    case 0: /* another byte */
        bytes->ptr[at] = alphabet[rng_below(rng, sizeof(alphabet) - 1)];
        break;
    case 1: /* one byte less */
        memmove(bytes->ptr + at, bytes->ptr + at + 1, bytes->len - at - 1);
        bytes->len -= bytes->len > 1;
        break;
    case 2: /* a piece once more */
        n = 1 + (size_t)rng_below(rng, bytes->len - at);
        if (bytes->len + n > 300 || !buf_reserve(bytes, n))
            break;
        memmove(bytes->ptr + at + n, bytes->ptr + at, bytes->len - at);
        bytes->len += n;
        break;
    default: /* an end that comes early */
        bytes->len = at + 1;
    }
}

TEST(json_text__agrees_with_jansson_on_mutations)
{
    struct buf bytes AT_END(buf_release) = BUF_INIT;
    struct arena arena AT_END(arena_release);
    struct rng rng;
    int taken = 0;

    arena_init(&arena, 4096, 0);
    rng_init(&rng, 7);
    for (int i = 0; i < 200000; i++) {
        buf_clear(&bytes);
        buf_add_str(&bytes, documents[rng_below(&rng, N_DOCUMENTS)]);
        for (int k = (int)rng_below(&rng, 4); k >= 0; k--)
            mutate(&bytes, &rng);
        compare(buf_view(&bytes), &arena);
        taken += !wrong_with(buf_view(&bytes), &arena);
    }
    CHECK(taken > 10000); /* both sides of the question were met */
}

/* Each character alone, in front of an escape too, so that both ways through a string check it. */
TEST(json_text__takes_utf8_as_rfc_3629_has_it)
{
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    for (int a = 0x80; a < 0x100; a++)
        for (int b = 0x7f; b < 0x100; b++)
            for (int c = 0x7f; c < 0x100; c += 0x40 - (c == 0x7f) * 0x3f) {
                char two[] = {'"', (char)a, (char)b, '"'};
                char four[] = {'"', (char)a, (char)b, (char)c, (char)0x80, '\\', 'n', '"'};

                compare((struct view){two, sizeof(two)}, &arena);
                compare((struct view){four, sizeof(four)}, &arena);
                memmove(four + 4, four + 5, 3);
                compare((struct view){four, sizeof(four) - 1}, &arena);
            }
}

static struct json_number read_number(const char *word, struct arena *arena)
{
    struct padded padded AT_END(padded_free) = padded_new(view_of(word));
    struct json_text text;

    json_text_init(&text, padded.text, arena);
    return json_number_read(&text);
}

TEST(json_text__rounds_numbers_as_strtod)
{
    struct arena arena AT_END(arena_release);
    struct rng rng;
    char word[64];

    arena_init(&arena, 4096, 0);
    rng_init(&rng, 11);
    for (int i = 0; i < 200000; i++) {
        uint64_t digits = rng_u64(&rng) >> rng_below(&rng, 64);
        struct json_number got;
        double want;

        switch (rng_below(&rng, 4)) {
        case 0:
            snprintf(word, sizeof(word), "%llu", (unsigned long long)digits);
            break;
        case 1:
            snprintf(word, sizeof(word), "-%llu.%0*llu", (unsigned long long)(digits >> 32),
                     (int)rng_below(&rng, 15), (unsigned long long)(digits & 0xffffffff));
            break;
        case 2:
            snprintf(word, sizeof(word), "%llue%d", (unsigned long long)digits,
                     (int)rng_below(&rng, 600) - 330);
            break;
        default:
            snprintf(word, sizeof(word), "%.*g", 1 + (int)rng_below(&rng, 25),
                     rng_normal(&rng) * 1e3);
        }
        want = strtod(word, NULL);
        got = read_number(word, &arena);
        if (got.kind == JSON_NO_NUMBER || memcmp(&got.real, &want, sizeof(want)) != 0)
            FAIL("%s is %.17g, want %.17g", word, got.real, want);
        arena_reset(&arena, SIZE_MAX);
    }
}

TEST(json_text__knows_integers_to_their_limits)
{
    static const struct {
        const char *word;
        enum json_number_kind kind;
        int64_t value;
    } rows[] = {
        {"0", JSON_INTEGER, 0},
        {"-0", JSON_INTEGER, 0},
        {"9007199254740993", JSON_INTEGER, 9007199254740993},
        {"999999999999999999", JSON_INTEGER, 999999999999999999},
        {"9223372036854775807", JSON_INTEGER, INT64_MAX},
        {"-9223372036854775808", JSON_INTEGER, INT64_MIN},
        {"9223372036854775808", JSON_BIG_INTEGER, 0},
        {"10000000000000000000", JSON_BIG_INTEGER, 0},
        {"18446744073709551615", JSON_BIG_INTEGER, 0},
        {"18446744073709551616", JSON_BIG_INTEGER, 0},
        {"20000000000000000000", JSON_BIG_INTEGER, 0},
        {"-9223372036854775809", JSON_BIG_INTEGER, 0},
        {"100000000000000000000", JSON_BIG_INTEGER, 0},
        {"123456789012345678901234567890", JSON_BIG_INTEGER, 0},
        {"1e999", JSON_REAL, 0},
        {"01", JSON_NO_NUMBER, 0},
    };
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct json_number number = read_number(rows[i].word, &arena);

        test_row("%s", rows[i].word);
        CHECK_INT(number.kind, rows[i].kind);
        if (number.kind == JSON_INTEGER)
            CHECK(number.integer == rows[i].value);
    }
}

TEST(json_text__knows_integers_by_value)
{
    static const struct {
        const char *number;
        bool is_one;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"0.0", true, 0},
        {"-0.0e-7", true, 0},
        {"0e999999999", true, 0},
        {"42", true, 42},
        {"100.0", true, 100},
        {"-100.00", true, -100},
        {"1e2", true, 100},
        {"1E+2", true, 100},
        {"1200e-2", true, 12},
        {"1.25e2", true, 125},
        {"0.00125e5", true, 125},
        {"9007199254740993.0", true, 9007199254740993},
        {"9223372036854775807.0", true, INT64_MAX},
        {"-9223372036854775808e0", true, INT64_MIN},
        {"10000000000000000000000000e-20", true, 100000},
        {"1e18", true, 1000000000000000000},
        {"9223372036854775808.0", false, 0},
        {"1e19", false, 0},
        {"1e999", false, 0},
        {"0.5", false, 0},
        {"1e-400", false, 0},
        {"1.25e1", false, 0},
        {"100.00000000000000000000001", false, 0},
        {"123456789012345678901234567890", false, 0},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        int64_t value = 0;

        test_row("%s", rows[i].number);
        CHECK_INT(json_number_integer(view_of(rows[i].number), &value), rows[i].is_one);
        if (rows[i].is_one)
            CHECK(value == rows[i].value);
    }
}

/* Strings with escapes and long numbers, too. */
TEST(json_text__takes_no_memory_for_what_is_passed_over)
{
    static const char document[] =
        "{\"a\\n\":\"\\u8dd1 \\ud83d\\ude00\",\"b\":[1e999,0.1000000000000000055511151231257827,"
        "123456789012345678901234567890],\"c\":{\"\\u0000\":\"\\u0000\"}}";
    struct padded padded AT_END(padded_free) = padded_new(VIEW_LIT(document));
    struct json_text text;
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    json_text_init(&text, padded.text, &arena);
    json_skip(&text);
    json_finish(&text);
    CHECK(!text.wrong);
    CHECK_INT(arena.used_bytes, 0);
}
