/* Tests of model/tokenizer/added.c. */
#include "model/tokenizer/added.h"

#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

static void check_text(const struct tokenizer *t, struct view escaped, struct view want)
{
    char bytes[256];
    int32_t ids[256];
    struct view text;
    struct arena arena AT_END(arena_release);
    int n;

    CHECK(escaped.len <= sizeof(bytes));
    text = golden_unescape(escaped, bytes);
    arena_init(&arena, 4096, 0);
    n = tokenizer_encode(t, text, &arena, ids);
    if (!golden_ids_are(want, ids, n))
        FAIL("\"%s\" is%s", golden_show(text), golden_show_ids(ids, n));
}

/* Sets of tokens that overlap and differ by flags, each with texts made of their pieces. */
TEST(tokenizer_added__finds_what_the_reference_finds)
{
    struct golden_file golden AT_END(golden_close);
    struct tokenizer *t = NULL;
    int n_sets = 0, n_texts = 0;
    struct view line;
    struct err err;

    golden_open(&golden, GOLDEN "added.tsv");
    while (golden_line(&golden, &line)) {
        struct view first = golden_field(&line, '\t');

        if (view_is(first, "=")) {
            test_row("set %d", n_sets++);
            tokenizer_free(t);
            CHECK_OK(tokenizer_from_json("json", line, &t, &err), err);
            continue;
        }
        check_text(t, first, line);
        n_texts++;
    }
    CHECK(n_sets >= 40);
    CHECK(n_texts >= 50 * n_sets);
    tokenizer_free(t);
}
