#include "adrank/tokenizer.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/model/tokenizer_golden.h"
#include "tests/unit/model/tokenizer_memory.h"

#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nA\n"

struct folder {
    char dir[64];
};

static const char *const names[] = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                    "special_tokens_map.json", "added_tokens.json"};

static void put(const struct folder *folder, const char *name, struct view text)
{
    struct err err;
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
    struct buf json = BUF_INIT;
    struct folder folder;
    struct tokenizer *t;
    struct err err;

    folder_init(&folder);
    golden_read(GOLDEN "tokenizer.json", &json);
    put(&folder, "tokenizer.json", buf_view(&json));
    put(&folder, "vocab.txt", VIEW_LIT("broken"));
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"do_lower_case\":false}"));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    CHECK_INT(tokenizer_vocab_size(t), 527);
    tokenizer_free(t);
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"do_lower_case\":true}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err,
              "tokenizer_config.json: /do_lower_case: differs from tokenizer.json");
    put(&folder, "tokenizer_config.json",
        VIEW_LIT("{\"do_lower_case\":false,\"strip_accents\":false}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "/strip_accents: differs from");
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"tokenize_chinese_chars\":false}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "/tokenize_chinese_chars: differs from");
    put(&folder, "tokenizer_config.json", VIEW_LIT("{\"strip_accents\":null}"));
    CHECK_OK(tokenizer_open(folder.dir, &t, &err), err);
    tokenizer_free(t);
    folder_release(&folder);
    buf_release(&json);
}

TEST(tokenizer_open__reads_vocab_txt_with_its_options)
{
    struct folder folder;
    struct tokenizer *t;
    struct err err;
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
    folder_release(&folder);
}

TEST(tokenizer_open__names_the_file_that_is_bad)
{
    struct folder folder;
    struct tokenizer *t;
    struct err err;

    folder_init(&folder);
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "neither tokenizer.json nor vocab.txt");
    CHECK_INT(err.code, ERR_NOINPUT);
    CHECK_ERR(tokenizer_open("/nowhere", &t, &err), err, "/nowhere: neither");
    put(&folder, "vocab.txt", VIEW_LIT("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err,
              "/vocab.txt: line 6: the token of line 5 again");
    put(&folder, "vocab.txt", VIEW_LIT(VOCAB));
    put(&folder, "tokenizer_config.json", VIEW_LIT("{"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err, "/tokenizer_config.json: line 1");
    put(&folder, "tokenizer_config.json", VIEW_LIT("{}"));
    put(&folder, "tokenizer.json", VIEW_LIT("{}"));
    CHECK_ERR(tokenizer_open(folder.dir, &t, &err), err,
              "/tokenizer.json: /pre_tokenizer: must be");
    CHECK_INT(err.code, ERR_DATA);
    folder_release(&folder);
}

/* A real directory: its tokenizer.json and its vocab.txt mean the same. */
TEST(tokenizer_open__opens_a_real_model)
{
    const char *dir = "build/minilm";
    struct buf vocab = BUF_INIT;
    struct tokenizer *t, *other;
    struct err err;
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
    CHECK_INT(tokenizer_vocab_size(t), 30522);
    CHECK_INT(tokenizer_cls(t), 101);
    CHECK_INT(tokenizer_sep(t), 102);
    CHECK_INT(tokenizer_pad(t), 0);
    CHECK_INT(encode(t, text, ids[0]), encode(other, text, ids[1]));
    CHECK(memcmp(ids[0], ids[1], 8 * sizeof(int32_t)) == 0);
    CHECK_INT(ids[0][0], 4895); /* "un" */
    tokenizer_free(t);
    tokenizer_free(other);
    buf_release(&vocab);
}

TEST_MAIN
