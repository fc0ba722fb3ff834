/* Tests of model/tokenizer/vocab_txt.c. */
#include "tests/unit/model/tokenizer/memory.h"

#define SPECIAL "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

static int32_t one_id(const struct tokenizer *t, const char *text)
{
    int32_t ids[64];
    int n = ids_of(t, text, ids);

    return n == 1 ? ids[0] : -n;
}

TEST(vocab_txt__takes_lines_as_the_reference_does)
{
    /* White space at the ends goes, be it \r or U+3000; U+2028 and a lone \r end no line; no
     * newline at the end is needed; one empty line is a token that nothing matches. */
    static const char vocab[] = SPECIAL "a\r\nb \t\n\nc\u3000\nx\u2028y\nq\rz\nd";
    struct tokenizer *t;
    struct err err;

    CHECK_OK(tokenizer_from_vocab("vocab.txt", VIEW_LIT(vocab), "", &t, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 12);
    CHECK_INT(one_id(t, "a"), 5);
    CHECK_INT(one_id(t, "B"), 6);
    CHECK_INT(one_id(t, "c"), 8);
    CHECK_INT(one_id(t, "d"), 11);
    CHECK_INT(tokenizer_facts(t)->cls, 2);
    CHECK_INT(tokenizer_facts(t)->sep, 3);
    CHECK_INT(tokenizer_facts(t)->pad, 0);
    tokenizer_free(t);
}

TEST(vocab_txt__refuses_bad_files_by_line)
{
    static const struct {
        const char *name, *vocab, *error;
    } cases[] = {
        {"empty", "", "v.txt: no tokens"},
        {"duplicate", SPECIAL "a\nb\na\n", "v.txt: line 8: duplicate of line 6"},
        {"duplicate after trimming", SPECIAL "a\na \n", "v.txt: line 7: duplicate of line 6"},
        {"not UTF-8", SPECIAL "a\xe4\xb8\n", "v.txt: line 6: not UTF-8"},
        {"no [UNK]", "[PAD]\n[CLS]\n[SEP]\n[MASK]\na\n",
         "/unk_token: [UNK] is not in the vocabulary"},
        {"no [CLS]", "[PAD]\n[UNK]\n[SEP]\n[MASK]\na\n",
         "/cls_token: [CLS] is not in the vocabulary"},
        {"no [SEP]", "[PAD]\n[UNK]\n[CLS]\n[MASK]\na\n",
         "/sep_token: [SEP] is not in the vocabulary"},
        {"no [PAD]", "[UNK]\n[SEP]\n[CLS]\n[MASK]\na\n",
         "/pad_token: [PAD] is not in the vocabulary"},
        {"byte order mark", "\ufeff" SPECIAL, "/pad_token: [PAD] is not in the vocabulary"},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        struct tokenizer *t;
        struct err err;

        test_row("%s", cases[i].name);
        CHECK_ERR(tokenizer_from_vocab("v.txt", view_of(cases[i].vocab), "", &t, &err), err,
                  cases[i].error);
        CHECK_INT(err.code, ERR_DATA);
    }
}

TEST(vocab_txt__does_without_a_mask)
{
    struct tokenizer *t;
    struct err err;

    CHECK_OK(
        tokenizer_from_vocab("v.txt", VIEW_LIT("[PAD]\n[UNK]\n[CLS]\n[SEP]\n"), "{}", &t, &err),
        err);
    CHECK_INT(one_id(t, "[SEP]"), 3);
    CHECK_INT(one_id(t, "[MASK]"), -3); /* a bracket, a word, a bracket */
    tokenizer_free(t);
}
