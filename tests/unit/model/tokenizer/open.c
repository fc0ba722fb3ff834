/* Tests of model/tokenizer/open.c. */
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nA\n"

struct folder {
    char dir[64];
};

static const char *const names[] = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                    "special_tokens_map.json", "added_tokens.json"};

static struct err err;

static void put(const struct folder *folder, const char *name, struct view text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder->dir, name);
    CHECK_OK(file_write(path, text, &err), err);
}

static void folder_init(struct folder *folder)
{
    snprintf(folder->dir, sizeof(folder->dir), "/tmp/adrank-tokenizer-XXXXXX");
    CHECK(mkdtemp(folder->dir));
}

static void folder_release(struct folder *folder)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder->dir, names[i]);
        unlink(path);
    }
    CHECK_INT(rmdir(folder->dir), 0);
}

static int encode(const struct tokenizer *t, const char *text, int32_t *ids)
{
    struct arena arena;
    int n;

    arena_init(&arena, 4096, 0);
    n = tokenizer_encode(t, view_of(text), &arena, ids);
    arena_release(&arena);
    return n;
}

TEST(tokenizer_open__prefers_tokenizer_json)
{
    struct buf json AT_END(buf_release) = BUF_INIT;
    struct folder folder AT_END(folder_release);
    struct tokenizer *t;

    folder_init(&folder);
    golden_read(GOLDEN "tokenizer.json", &json);
    put(&folder, "tokenizer.json", buf_view(&json));
    put(&folder, "vocab.txt", VIEW_LIT("broken"));
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"tokenizer_class\":\"TokenizersBackend\"}"));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 527);
    CHECK_INT(tokenizer_facts(t)->pair_type, 0);
    tokenizer_free(t);
}

/* The golden tokenizer's words end at 12 characters, which transformers' BERT classes do not know
 * of. The caller frees. */
static char *with_bert_limit(struct view json)
{
    json_t *doc = json_loadb(json.ptr, json.len, 0, NULL);
    char *text;

    CHECK(doc);
    json_object_set_new(json_object_get(doc, "model"), "max_input_chars_per_word",
                        json_integer(100));
    text = json_dumps(doc, JSON_COMPACT);
    CHECK(text);
    json_decref(doc);
    return text;
}

/* Where transformers takes tokenizer_config.json's word, or its absence, against tokenizer.json's.
 */
TEST(tokenizer_open__refuses_what_the_two_files_say_differently)
{
#define CASED "\"do_lower_case\":false,\"strip_accents\":true"
    static const struct {
        const char *config, *error; /* error NULL: it opens */
    } rows[] = {
        {"{" CASED "}", NULL},
        {"{" CASED ",\"cls_token\":\"[CLS]\",\"mask_token\":{\"content\":\"[MASK]\"}}", NULL},
        {"{" CASED ",\"tokenizer_class\":\"TokenizersBackend\",\"cls_token\":\"a\"}", NULL},
        {"{\"do_lower_case\":true}", "/tokenizer_config.json: /do_lower_case: differs from"},
        {"{\"do_lower_case\":false,\"strip_accents\":false}", "/strip_accents: differs from"},
        {"{" CASED ",\"tokenize_chinese_chars\":false}", "/tokenize_chinese_chars: differs from"},
        {"{\"do_lower_case\":false}",
         "/tokenizer.json: /normalizer/strip_accents: is true, but tokenizer_config.json lacks "},
        {"{}",
         "/tokenizer.json: /normalizer/lowercase: is false, but tokenizer_config.json lacks "},
        {"{" CASED ",\"unk_token\":\"[MASK]\"}",
         "/tokenizer_config.json: /unk_token: [MASK] is not"},
        {"{" CASED ",\"cls_token\":\"[SEP]\"}", "/tokenizer_config.json: /cls_token: [SEP] is not"},
        {"{" CASED ",\"sep_token\":\"none\"}", "/tokenizer_config.json: /sep_token: none is not"},
        {"{" CASED ",\"additional_special_tokens\":[\"qqq\"]}",
         "/additional_special_tokens/0: qqq is not among tokenizer.json's added_tokens"},
        {"{" CASED ",\"extra_special_tokens\":{\"image\":\"qqq\"}}",
         "/extra_special_tokens/image: qqq is not among"},
        {"{" CASED ",\"added_tokens_decoder\":{\"4\":{\"content\":\"[MASK]\",\"rstrip\":true}}}",
         "/added_tokens_decoder/4: id or flags of [MASK] differ"},
        {"{" CASED ",\"added_tokens_decoder\":{\"3\":{\"content\":\"[MASK]\"}}}",
         "/added_tokens_decoder/3: id or flags of [MASK] differ"},
        {"{" CASED ",\"truncation_side\":\"left\"}", "/truncation_side: \"left\": only texts"},
        {"{" CASED ",\"tokenizer_class\":\"PreTrainedTokenizerFast\"}",
         "/tokenizer_class: of PreTrainedTokenizerFast transformers 4 gives"},
        {"{" CASED ",\"tokenizer_class\":\"XLMRobertaTokenizer\"}", "is not one of BERT's"},
    };
    struct buf json AT_END(buf_release) = BUF_INIT;
    struct folder folder AT_END(folder_release);
    char *text;

    folder_init(&folder);
    golden_read(GOLDEN "tokenizer.json", &json);
    text = with_bert_limit(buf_view(&json));
    put(&folder, "tokenizer.json", view_of(text));
    free(text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tokenizer *t = NULL;
        test_row("%s", rows[i].config);
        put(&folder, "tokenizer_config.json", view_of(rows[i].config));
        if (rows[i].error)
            CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, rows[i].error);
        else
            CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
        tokenizer_free(t);
    }
}

TEST(tokenizer_open__reads_vocab_txt_with_its_options)
{
    struct folder folder AT_END(folder_release);
    struct tokenizer *t;
    int32_t ids[64];

    folder_init(&folder);
    put(&folder, "vocab.txt", VIEW_LIT(VOCAB));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    CHECK_INT(encode(t, "A", ids), 1);
    CHECK_INT(ids[0], 5);
    tokenizer_free(t);
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"do_lower_case\":false}"));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    CHECK_INT(encode(t, "A", ids), 1);
    CHECK_INT(ids[0], 6);
    tokenizer_free(t);
    put(&folder, "special_tokens_map.json", VIEW_LIT("{\"mask_token\":\"a\"}"));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    CHECK_INT(encode(t, "Aa", ids), 2); /* cut out of the word */
    tokenizer_free(t);
    put(&folder, "added_tokens.json", VIEW_LIT("{\"zz\":7}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "added_tokens.json: tokens of a release");
}

TEST(tokenizer_open__names_the_file_that_is_bad)
{
    struct folder folder AT_END(folder_release);
    struct tokenizer *t;

    folder_init(&folder);
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "neither tokenizer.json nor vocab.txt");
    CHECK_INT(err.code, ERR_NOINPUT);
    CHECK_ERR(tokenizer_open("/nowhere", &t, &err), err, "/nowhere: neither");
    put(&folder, "vocab.txt", VIEW_LIT("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "/vocab.txt: line 6: duplicate of line 5");
    put(&folder, "vocab.txt", VIEW_LIT(VOCAB));
    put(&folder, "tokenizer_config.json", VIEW_LIT("{"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "/tokenizer_config.json: line 1");
    put(&folder, "tokenizer_config.json", VIEW_LIT("{}"));
    put(&folder, "tokenizer.json", VIEW_LIT("{}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err,
              "/tokenizer.json: /pre_tokenizer: must be");
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
    CHECK_OK(tokenizer_from_vocab("vocab.txt", buf_view(&vocab), VIEW_LIT(""), &other, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 30522);
    CHECK_INT(tokenizer_facts(t)->cls, 101);
    CHECK_INT(tokenizer_facts(t)->sep, 102);
    CHECK_INT(tokenizer_facts(t)->pad, 0);
    CHECK_INT(encode(t, text, ids[0]), encode(other, text, ids[1]));
    CHECK(memcmp(ids[0], ids[1], 8 * sizeof(int32_t)) == 0);
    CHECK_INT(ids[0][0], 4895); /* "un" */
    tokenizer_free(t);
    tokenizer_free(other);
}
