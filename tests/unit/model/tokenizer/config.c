/* Tests of model/tokenizer/config.c. */
#include "tests/unit/model/tokenizer/memory.h"

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n<s>\nA\na\n\u00c0\n\u00e0\n\u4e2d\u6587\n\u4e2d\nb\n";
enum { MASK = 4, S = 5, CAPITAL, SMALL, CAPITAL_GRAVE, SMALL_GRAVE, TWO, ONE, B, SIZE };

/* Opens, encodes, and closes: the ids, at most 8, as a number in base 32 with the first highest. */
static long encoded(const char *config, const char *text, int32_t *size)
{
    struct tokenizer *t;
    struct err err;
    int32_t ids[256];
    long all = 0;
    int n;

    CHECK_OK(tokenizer_from_vocab("vocab.txt", VIEW_LIT(vocab), config, &t, &err), err);
    n = ids_of(t, text, ids);
    CHECK(n >= 0 && n <= 8);
    for (int i = 0; i < n; i++)
        all = all * 32 + ids[i];
    *size = tokenizer_facts(t)->vocab_size;
    tokenizer_free(t);
    return all;
}

#define IDS2(a, b) ((a)*32L + (b))
#define IDS3(a, b, c) (IDS2(a, b) * 32L + (c))

TEST(tokenizer_config__chooses_what_the_normalizer_does)
{
    static const struct {
        const char *config, *text;
        long ids;
        int32_t size;
    } cases[] = {
        {"{}", "A \u00c0", IDS2(SMALL, SMALL), SIZE},
        {"{'do_lower_case':true}", "\u00c0", SMALL, SIZE},
        {"{'do_lower_case':false}", "A \u00c0 \u00e0", IDS3(CAPITAL, CAPITAL_GRAVE, SMALL_GRAVE),
         SIZE},
        {"{'do_lower_case':false,'strip_accents':true}", "\u00c0 \u00e0", IDS2(CAPITAL, SMALL),
         SIZE},
        {"{'strip_accents':false}", "\u00c0", SMALL_GRAVE, SIZE},
        {"{'strip_accents':null}", "\u00c0", SMALL, SIZE},
        {"{'tokenize_chinese_chars':false}", "\u4e2d\u6587", TWO, SIZE},
        {"{'tokenize_chinese_chars':true}", "\u4e2d\u6587", IDS2(ONE, 1), SIZE},
        {"{'tokenizer_class':'BertTokenizerFast'}", "a", SMALL, SIZE},
        {"{'tokenizer_class':'DistilBertTokenizer'}", "a", SMALL, SIZE},
        {"{'cls_token':'<s>'}", "<s>A", IDS2(S, SMALL), SIZE},
        {"{'mask_token':{'content':'[MASK]','single_word':true}}", "[MASK] [MASK]. [MASK]",
         IDS2(IDS3(MASK, MASK, 1), MASK), SIZE},
        {"{'mask_token':{'content':'a','single_word':true},'do_lower_case':false}", "a A b",
         IDS3(SMALL, CAPITAL, B), SIZE},
        {"{'mask_token':{'content':'b'}}", "bb", IDS2(B, B), SIZE},
        {"{'mask_token':{'content':'b','single_word':true}}", "bb", 1, SIZE},
        {"{'additional_special_tokens':['b','zz']}", "abzz", IDS3(SMALL, B, SIZE), SIZE + 1},
        {"{'extra_special_tokens':{},'additional_special_tokens':null}", "a", SMALL, SIZE},
        {"{'added_tokens_decoder':{'4':{'content':'[MASK]','special':true},"
         "'13':{'content':'ZZ','normalized':true,'special':false}}}",
         "azz[MASK]", IDS3(SMALL, SIZE, MASK), SIZE + 1},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        int32_t size;

        test_row("%s", cases[i].config);
        CHECK_INT(encoded(cases[i].config, cases[i].text, &size), cases[i].ids);
        CHECK_INT(size, cases[i].size);
    }
}

TEST(tokenizer_config__refuses_by_pointer)
{
    static const struct {
        const char *config, *error;
    } cases[] = {
        {"{'do_lower_case':", "tokenizer_config.json: line 1"},
        {"[]", "tokenizer_config.json: must be a JSON object"},
        {"{'do_lower_case':1}", "tokenizer_config.json: /do_lower_case: must be true or false"},
        {"{'strip_accents':'x'}", "tokenizer_config.json: /strip_accents: must be true or false"},
        {"{'tokenize_chinese_chars':null}", "/tokenize_chinese_chars: must be true or false"},
        {"{'tokenizer_class':'MPNetTokenizer'}",
         "/tokenizer_class: MPNetTokenizer is not one of BERT's"},
        {"{'tokenizer_class':'BertJapaneseTokenizer'}",
         "/tokenizer_class: BertJapaneseTokenizer is"},
        {"{'cls_token':'<cls>'}", "/cls_token: <cls> is not in the vocabulary"},
        {"{'cls_token':7}", "/cls_token: must be a string"},
        {"{'sep_token':{'content':'[SEP]','lstrip':0}}", "/sep_token/lstrip: must be true or"},
        {"{'added_tokens_decoder':[]}", "/added_tokens_decoder: must be an object"},
        {"{'added_tokens_decoder':{'x':{'content':'q'}}}", "/added_tokens_decoder/x: not an id"},
        {"{'added_tokens_decoder':{'5':{'content':'[MASK]'}}}",
         "/added_tokens_decoder/5: id 5, the vocabulary has 4"},
        {"{'added_tokens_decoder':{'99':{'content':'q'}}}",
         "/added_tokens_decoder/99: id 99, the vocabulary has 13"},
        {"{'added_tokens_decoder':{'13':{'content':''}}}", "/added_tokens_decoder/13: an empty"},
        {"{'added_tokens_decoder':{'13':{'content':'\\u0301','normalized':true}}}",
         "vocab.txt: added token 13 is empty once normalized"},
        {"{'additional_special_tokens':[3]}", "/additional_special_tokens/0: must be a string"},
        {"{'additional_special_tokens':'b'}", "/additional_special_tokens: must be an array"},
        {"{'extra_special_tokens':{'x':'b'}}", "/extra_special_tokens: must be an array"},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        struct tokenizer *t;
        struct err err;

        test_row("%s", cases[i].config);
        CHECK_ERR(tokenizer_from_vocab("vocab.txt", VIEW_LIT(vocab), cases[i].config, &t, &err),
                  err, cases[i].error);
        CHECK_INT(err.code, ERR_DATA);
    }
}
