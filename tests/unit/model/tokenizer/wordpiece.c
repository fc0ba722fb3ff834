/* Tests of model/tokenizer/wordpiece.c. */
#include "model/tokenizer/wordpiece.h"

#include "tests/test.h"

static int split(const struct wordpiece *w, const char *word, int32_t *ids)
{
    memset(ids, 0xff, 16 * sizeof(*ids));
    return wordpiece_split(w, view_of(word), ids);
}

TEST(wordpiece__takes_the_longest_piece_and_never_goes_back)
{
    /* "unable": "un" "##able"; "unabl": "##abl" is found nowhere though "##a" "##b" "##l" would do.
     */
    static const struct view tokens[] = {
        VIEW_LIT("[UNK]"), VIEW_LIT("un"),   VIEW_LIT("##able"), VIEW_LIT("##ab"),
        VIEW_LIT("##a"),   VIEW_LIT("##bl"), VIEW_LIT("u"),      VIEW_LIT("##n\u00e9"),
        VIEW_LIT(""),      VIEW_LIT("##"),   VIEW_LIT("able"),
    };
    struct wordpiece_args args = {tokens, sizeof(tokens) / sizeof(tokens[0]), VIEW_LIT("##"), 0, 6};
    struct wordpiece w AT_END(wordpiece_release);
    struct err err;
    int32_t ids[64];

    CHECK_OK(wordpiece_init(&w, &args, &err), err);
    CHECK_INT(split(&w, "unable", ids), 2);
    CHECK_INT(ids[0], 1);
    CHECK_INT(ids[1], 2);
    CHECK_INT(split(&w, "unabl", ids), 1);
    CHECK_INT(ids[0], 0);
    /* "un" is longer than "u", and "##\u00e9" there is none. */
    CHECK_INT(split(&w, "un\u00e9", ids), 1);
    CHECK_INT(ids[0], 0);
    CHECK_INT(split(&w, "able", ids), 1);
    CHECK_INT(ids[0], 10);
    CHECK_INT(split(&w, "unabab", ids), 3);
    CHECK_INT(split(&w, "unababa", ids), 1); /* seven characters */
    CHECK_INT(ids[0], 0);
    CHECK_INT(split(&w, "z", ids), 1);
    CHECK_INT(ids[0], 0);
}

TEST(wordpiece__counts_characters_not_bytes)
{
    static const struct view tokens[] = {VIEW_LIT("[UNK]"), VIEW_LIT("\u4e2d"),
                                         VIEW_LIT("##\u4e2d")};
    struct wordpiece_args args = {tokens, 3, VIEW_LIT("##"), 0, 3};
    struct wordpiece w AT_END(wordpiece_release);
    struct err err;
    int32_t ids[64];

    CHECK_OK(wordpiece_init(&w, &args, &err), err);
    CHECK_INT(split(&w, "\u4e2d\u4e2d\u4e2d", ids), 3);
    CHECK_INT(split(&w, "\u4e2d\u4e2d\u4e2d\u4e2d", ids), 1);
    CHECK_INT(ids[0], 0);
}

TEST(wordpiece__works_with_another_prefix_and_with_none)
{
    static const struct view tokens[] = {VIEW_LIT("[UNK]"), VIEW_LIT("ab"), VIEW_LIT("_ab"),
                                         VIEW_LIT("c")};
    struct wordpiece_args args = {tokens, 4, VIEW_LIT("_"), 0, 100};
    struct wordpiece w;
    struct err err;
    int32_t ids[64];

    CHECK_OK(wordpiece_init(&w, &args, &err), err);
    CHECK_INT(split(&w, "abab", ids), 2);
    CHECK_INT(ids[1], 2);
    CHECK_INT(split(&w, "abc", ids), 1);
    wordpiece_release(&w);
    args.prefix = VIEW_LIT("");
    CHECK_OK(wordpiece_init(&w, &args, &err), err);
    CHECK_INT(split(&w, "abcab", ids), 3);
    CHECK_INT(ids[2], 1);
    wordpiece_release(&w);
    args.prefix = VIEW_LIT("@@");
    CHECK_OK(wordpiece_init(&w, &args, &err), err);
    CHECK_INT(split(&w, "abab", ids), 1);
    CHECK_INT(ids[0], 0);
    wordpiece_release(&w);
}
