/* Tests of model/tokenizer/open.c. */
#include <sys/stat.h>

#include "tests/unit/model/model_dir.h"
#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nA\n"

static struct err err;

/* ' for ". */
static void put(const struct model_dir *dir, const char *name, const char *text)
{
    model_dir_put(dir, name, view_of(js("%s", text)));
}

TEST(tokenizer_open__prefers_tokenizer_json)
{
    struct buf json AT_END(buf_release) = BUF_INIT;
    struct model_dir dir AT_END(model_dir_remove);
    struct tokenizer *t;

    model_dir_empty(&dir);
    golden_read(GOLDEN "tokenizer.json", &json);
    model_dir_put(&dir, "tokenizer.json", buf_view(&json));
    put(&dir, "vocab.txt", "broken");
    put(&dir, "tokenizer_config.json", "{'tokenizer_class':'TokenizersBackend'}");
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 527);
    CHECK_INT(tokenizer_facts(t)->pair_type, 0);
    tokenizer_free(t);
}

/* Where transformers takes tokenizer_config.json's word, or its absence, against tokenizer.json's.
 */
TEST(tokenizer_open__refuses_what_the_two_files_say_differently)
{
#define CASED "'do_lower_case':false,'strip_accents':true"
    static const struct {
        const char *config, *error; /* error NULL: it opens */
    } rows[] = {
        {"{" CASED "}", NULL},
        {"{" CASED ",'cls_token':'[CLS]','mask_token':{'content':'[MASK]'}}", NULL},
        {"{" CASED ",'tokenizer_class':'TokenizersBackend','cls_token':'a'}", NULL},
        {"{'do_lower_case':true}", "/tokenizer_config.json: /do_lower_case: differs from"},
        {"{'do_lower_case':false,'strip_accents':false}", "/strip_accents: differs from"},
        {"{" CASED ",'tokenize_chinese_chars':false}", "/tokenize_chinese_chars: differs from"},
        {"{'do_lower_case':false}",
         "/tokenizer.json: /normalizer/strip_accents: is true, but tokenizer_config.json lacks "},
        {"{}",
         "/tokenizer.json: /normalizer/lowercase: is false, but tokenizer_config.json lacks "},
        {"{" CASED ",'unk_token':'[MASK]'}", "/tokenizer_config.json: /unk_token: [MASK] is not"},
        {"{" CASED ",'cls_token':'[SEP]'}", "/tokenizer_config.json: /cls_token: [SEP] is not"},
        {"{" CASED ",'sep_token':'none'}", "/tokenizer_config.json: /sep_token: none is not"},
        {"{" CASED ",'additional_special_tokens':['qqq']}",
         "/additional_special_tokens/0: qqq is not among tokenizer.json's added_tokens"},
        {"{" CASED ",'extra_special_tokens':{'image':'qqq'}}",
         "/extra_special_tokens/image: qqq is not among"},
        {"{" CASED ",'added_tokens_decoder':{'4':{'content':'[MASK]','rstrip':true}}}",
         "/added_tokens_decoder/4: id or flags of [MASK] differ"},
        {"{" CASED ",'added_tokens_decoder':{'3':{'content':'[MASK]','special':true}}}",
         "/added_tokens_decoder/3: id or flags of [MASK] differ"},
        {"{" CASED ",'truncation_side':'left'}", "/truncation_side: \"left\": only texts"},
        {"{" CASED ",'tokenizer_class':'PreTrainedTokenizerFast'}",
         "/tokenizer_class: of PreTrainedTokenizerFast transformers 4 gives"},
        {"{" CASED ",'tokenizer_class':'XLMRobertaTokenizer'}", "is not one of BERT's"},
    };
    struct buf json AT_END(buf_release) = BUF_INIT;
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_empty(&dir);
    golden_read(GOLDEN "tokenizer.json", &json);
    model_dir_put(&dir, "tokenizer.json", buf_view(&json));
    /* It ends words at 12 characters, which transformers' BERT classes do not know of. */
    model_dir_edit(&dir, "tokenizer.json", "/model/max_input_chars_per_word", "100");
    for (int i = 0; i < COUNT(rows); i++) {
        struct tokenizer *t = NULL;
        test_row("%s", rows[i].config);
        put(&dir, "tokenizer_config.json", rows[i].config);
        if (rows[i].error)
            CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, rows[i].error);
        else
            CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
        tokenizer_free(t);
    }
}

TEST(tokenizer_open__reads_vocab_txt_with_its_options)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct tokenizer *t;
    int32_t ids[64];

    model_dir_empty(&dir);
    put(&dir, "vocab.txt", VOCAB);
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_INT(ids_of(t, "A", ids), 1);
    CHECK_INT(ids[0], 5);
    tokenizer_free(t);
    put(&dir, "tokenizer_config.json", "{'do_lower_case':false}");
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_INT(ids_of(t, "A", ids), 1);
    CHECK_INT(ids[0], 6);
    tokenizer_free(t);
    put(&dir, "special_tokens_map.json", "{'mask_token':'a'}");
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_INT(ids_of(t, "Aa", ids), 2); /* cut out of the word */
    tokenizer_free(t);
    put(&dir, "added_tokens.json", "{'zz':7}");
    CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, "added_tokens.json: tokens of a release");
}

TEST(tokenizer_open__names_the_file_that_is_bad)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct tokenizer *t;

    model_dir_empty(&dir);
    CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, "neither tokenizer.json nor vocab.txt");
    CHECK_INT(err.code, ERR_NOINPUT);
    CHECK_ERR(tokenizer_open("/nowhere", &t, &err), err, "/nowhere: neither");
    put(&dir, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n");
    CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, "/vocab.txt: line 6: duplicate of line 5");
    put(&dir, "vocab.txt", VOCAB);
    put(&dir, "tokenizer_config.json", "{");
    CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, "/tokenizer_config.json: line 1");
    put(&dir, "tokenizer_config.json", "{}");
    put(&dir, "tokenizer.json", "{}");
    CHECK_ERR(tokenizer_open(dir.path, &t, &err), err, "/tokenizer.json: /pre_tokenizer: must be");
    CHECK_INT(err.code, ERR_DATA);
}

/* A real directory: its tokenizer.json and its vocab.txt mean the same. */
TEST(tokenizer_open__opens_a_real_model)
{
    const char *dir = "build/minilm";
    struct buf vocab AT_END(buf_release) = BUF_INIT;
    struct tokenizer *t, *other;
    char line[512];
    int32_t ids[2][64];
    static const char text[] = "Unbelievably CHEAP caf\u00e9 tables, \u8dd1\u6b65\u978b [MASK]!";

    if (!test_data())
        SKIP("no evaluation data, which has the script that fetches a model");
    (void)mkdir("build", 0777);
    snprintf(line, sizeof(line),
             "flock build/minilm.lock sh %s/models/get-minilm.sh %s 2>/dev/null", test_data(), dir);
    if (system(line) != 0)
        SKIP("all-MiniLM-L6-v2 cannot be fetched");
    CHECK_OK(tokenizer_open(dir, &t, &err), err);
    golden_read("build/minilm/vocab.txt", &vocab);
    CHECK_OK(tokenizer_from_vocab("vocab.txt", buf_view(&vocab), "", &other, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 30522);
    CHECK_INT(tokenizer_facts(t)->cls, 101);
    CHECK_INT(tokenizer_facts(t)->sep, 102);
    CHECK_INT(tokenizer_facts(t)->pad, 0);
    CHECK_INT(ids_of(t, text, ids[0]), ids_of(other, text, ids[1]));
    CHECK(memcmp(ids[0], ids[1], 8 * sizeof(int32_t)) == 0);
    CHECK_INT(ids[0][0], 4895); /* "un" */
    tokenizer_free(t);
    tokenizer_free(other);
}
