/* Tests of model/tokenizer/added.c. */
#include "model/tokenizer/added.h"

#include "base/number.h"
#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

static struct tokenizer *open_line(struct view json)
{
    struct tokenizer *t;
    struct err err;

    CHECK_OK(tokenizer_from_json("json", json, &t, &err), err);
    return t;
}

static void check_text(const struct tokenizer *t, struct view escaped, struct view want)
{
    char bytes[256];
    int32_t ids[256];
    struct view text;
    struct arena arena AT_END(arena_release);
    int n, i = 0;

    CHECK(escaped.len <= sizeof(bytes));
    text = golden_unescape(escaped, bytes);
    arena_init(&arena, 4096, 0);
    n = tokenizer_encode(t, text, &arena, ids);
    for (; want.len && i < n; i++) {
        int64_t id;

        CHECK_INT(number_int(golden_field(&want, ' '), 0, INT32_MAX, &id), 0);
        if (ids[i] != id)
            break;
    }
    if (i != n || want.len)
        FAIL("\"%s\" is%s", golden_show(text), golden_show_ids(ids, n));
}

/* Sets of tokens that overlap and differ by flags, each with texts made of their pieces. */
TEST(tokenizer_added__finds_what_the_reference_finds)
{
    struct buf golden AT_END(buf_release) = BUF_INIT;
    struct tokenizer *t = NULL;
    struct view rest, line;
    int n_sets = 0, n_texts = 0;

    golden_read(GOLDEN "added.tsv", &golden);
    rest = buf_view(&golden);
    while (golden_line(&rest, &line)) {
        struct view first = golden_field(&line, '\t');

        if (view_is(first, "=")) {
            test_row("set %d", n_sets++);
            tokenizer_free(t);
            t = open_line(line);
            continue;
        }
        check_text(t, first, line);
        n_texts++;
    }
    CHECK(n_sets >= 40);
    CHECK(n_texts >= 50 * n_sets);
    tokenizer_free(t);
}
