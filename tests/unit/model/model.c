/* Whole directories, right and spoilt: each refusal names the file and what is wrong in it. */
#include "adrank/model.h"

#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"       /* one label, vocab.txt */
#define REQUESTS "tests/golden/requests/two-layers" /* kind prefix, adrank.json */
#define BERT "/bert.encoder.layer.0."

static void check_refused(const char *dir, const char *error)
{
    struct model *m;
    struct err err = {0};

    CHECK_ERR(model_open(dir, &m, &err), err, error);
    CHECK(err.code == ERR_DATA || err.code == ERR_NOINPUT);
}

/* What the daemon encodes with is what tokenizer_open() gives, older files and their refusals
 * included. */
TEST(model__reads_the_tokenizer_as_tokenizer_open_does)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct tokenizer *t;
    struct model *m;
    struct arena arena AT_END(arena_release);
    struct err err;
    int32_t ids[2][64];
    const struct view text = VIEW_LIT("xandroidy");
    int n_pieces;

    model_dir_copy(&dir, PAIRS);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    arena_init(&arena, 4096, 0);
    n_pieces = tokenizer_encode(model_tokenizer(m), text, &arena, ids[0]);
    model_unref(m);
    model_dir_put(&dir, "special_tokens_map.json",
                  VIEW_LIT("{\"additional_special_tokens\":[\"android\"]}"));
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_INT(tokenizer_encode(t, text, &arena, ids[0]), 3); /* the word cut out */
    CHECK(n_pieces != 3);
    CHECK_INT(tokenizer_encode(model_tokenizer(m), text, &arena, ids[1]), 3);
    CHECK_INT(memcmp(ids[0], ids[1], 3 * sizeof(int32_t)), 0);
    tokenizer_free(t);
    model_unref(m);
    model_dir_put(&dir, "added_tokens.json", VIEW_LIT("{\"zz\":7}"));
    check_refused(dir.path, "added_tokens.json: tokens of a release");
}

TEST(model__refuses_a_file_that_is_there_but_cannot_be_read)
{
    static const enum model_file optional[] = {FILE_ADRANK, FILE_TOKENIZER_CONFIG,
                                               FILE_SPECIAL_MAP};

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        const char *name = model_file_names[optional[i]];
        struct model_dir dir;

        test_row("%s", name);
        model_dir_copy(&dir, REQUESTS);
        unlink(model_dir_file(&dir, name));
        CHECK_INT(symlink("nowhere", model_dir_file(&dir, name)), 0);
        check_refused(dir.path, name);
        model_dir_remove(&dir);
    }
}

/* A tensor under another name is one that is missing and one that is surplus. */
static void rename_tensor(const struct model_dir *dir, const char *from, const char *to)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");
    size_t len = strlen(from);
    char *at = memmem(bytes.ptr, bytes.len, from, len);

    CHECK(at && strlen(to) == len);
    memcpy(at, to, len);
    model_dir_put(dir, "model.safetensors", buf_view(&bytes));
}

TEST(model__names_surplus_tensors_but_those_it_knows)
{
    static const char empty[] = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
    static const struct {
        const char *name;
        bool taken;
    } rows[] = {
        {"bert.encoder.layer.1.output.dense.bias", false},
        {"embeddings.word_embeddings.weight", false},
        {"dropout", false},
        {"clsx", false},
        {"bert.embeddings.position_ids", true},
        {"embeddings.position_ids", true},
        {"cls.predictions.bias", true},
        {"cls.seq_relationship.weight", true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        struct model *m = NULL;
        struct err err;
        char pointer[128], error[200];
        test_row("%s", rows[i].name);
        snprintf(pointer, sizeof(pointer), "/%s", rows[i].name);
        snprintf(error, sizeof(error), "tensor %s: surplus", rows[i].name);
        model_dir_copy(&dir, PAIRS);
        model_dir_edit_tensors(&dir, pointer, empty);
        if (rows[i].taken)
            CHECK_OK(model_open(dir.path, &m, &err), err);
        else
            check_refused(dir.path, error);
        model_unref(m);
        model_dir_remove(&dir);
    }
}

TEST(model__takes_the_old_names_of_norms)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m;
    struct err err;

    model_dir_copy(&dir, PAIRS);
    rename_tensor(&dir, "\"bert.embeddings.LayerNorm.weight\"",
                  "\"bert.embeddings.LayerNorm.gamma\" ");
    rename_tensor(&dir, "\"bert.embeddings.LayerNorm.bias\"", "\"bert.embeddings.LayerNorm.beta\"");
    CHECK_OK(model_open(dir.path, &m, &err), err);
    model_unref(m);
}

/* WHOLE_FILE: where names the file, value its bytes, NULL removes it. */
enum spoil { TENSORS, RENAME, CONFIG, WHOLE_FILE };

static const struct {
    enum spoil spoil;
    const char *where, *value, *error;
} spoilt_rows[] = {
    {TENSORS, BERT "output.dense.bias/dtype", "\"F16\"",
     "tensor bert.encoder.layer.0.output.dense.bias: its shape and its bytes"},
    {TENSORS, BERT "output.dense.bias/dtype", "\"I32\"",
     "tensor bert.encoder.layer.0.output.dense.bias: dtype I32, want F32, F16 or BF16"},
    {TENSORS, BERT "intermediate.dense.weight/shape", "[32,64]",
     "tensor bert.encoder.layer.0.intermediate.dense.weight: shape (32, 64), want (64, 32)"},
    {TENSORS, BERT "output.dense.bias/shape", "[1,32]",
     "tensor bert.encoder.layer.0.output.dense.bias: shape (1, 32), want (32)"},
    {RENAME, "\"bert.encoder.layer.0.output.dense.bias\"",
     "\"bert.encoder.layer.1.output.dense.bias\"",
     "tensor bert.encoder.layer.0.output.dense.bias: missing"},
    {RENAME, "\"bert.embeddings.LayerNorm.bias\"", "\"bert.embeddings.LayerNorm.bios\"",
     "tensor bert.embeddings.LayerNorm.bias: missing"},
    {RENAME, "\"classifier.bias\"", "\"classifier.bios\"", "tensor classifier.bias: missing"},
    {RENAME, "\"bert.pooler.dense.weight\"", "\"bert.pooler.dense.weihgt\"",
     "tensor bert.pooler.dense.weight: missing"},
    {RENAME, "\"bert.embeddings.word_embeddings.weight\"",
     "\"bart.embeddings.word_embeddings.weight\"",
     "tensor embeddings.word_embeddings.weight: missing"},
    {CONFIG, "/model_type", "\"gpt2\"",
     "config.json: /model_type: is gpt2 (BertForSequenceClassification), only bert is served"},
    {CONFIG, "/model_type", NULL,
     "config.json: /model_type: is missing (BertForSequenceClassification), only bert"},
    {CONFIG, "/num_hidden_layers", "0", "config.json: /num_hidden_layers: out of range"},
    {CONFIG, "/num_hidden_layers", "2", "tensor bert.encoder.layer.1."},
    {CONFIG, "/num_hidden_layers", "1.5", "config.json: /num_hidden_layers: want an integer"},
    {CONFIG, "/hidden_size", "1000000", "config.json: /hidden_size: out of range"},
    {CONFIG, "/hidden_size", "34", "shape ("},
    {CONFIG, "/hidden_size", NULL, "config.json: /hidden_size: missing"},
    {CONFIG, "/num_attention_heads", "3",
     "config.json: /num_attention_heads: 3 does not divide hidden_size 32"},
    {CONFIG, "/num_attention_heads", "-1", "config.json: /num_attention_heads: out of range"},
    {CONFIG, "/intermediate_size", "63", "want (63, 32)"},
    {CONFIG, "/vocab_size", "4000000", "tensor bert.embeddings.word_embeddings.weight: shape"},
    {CONFIG, "/vocab_size", "2147483648", "config.json: /vocab_size: out of range"},
    {CONFIG, "/max_position_embeddings", "31", "want (31, 32)"},
    {CONFIG, "/max_position_embeddings", "3",
     "config.json: /max_position_embeddings: out of range"},
    {CONFIG, "/type_vocab_size", "1",
     "tensor bert.embeddings.token_type_embeddings.weight: shape (2, 32)"},
    {CONFIG, "/layer_norm_eps", "-1", "config.json: /layer_norm_eps: out of range"},
    {CONFIG, "/layer_norm_eps", "\"x\"", "config.json: /layer_norm_eps: want a number"},
    {CONFIG, "/hidden_act", "\"silu\"", "config.json: /hidden_act: is silu, want gelu"},
    {CONFIG, "/hidden_act", "7", "config.json: /hidden_act: is no string, want gelu"},
    {CONFIG, "/architectures", "[\"BertForMultipleChoice\"]",
     "config.json: /architectures: is BertForMultipleChoice, only BertForSequenceClassification"},
    {CONFIG, "/architectures", "\"BertModel\"", "config.json: /architectures: is no list of names"},
    {CONFIG, "/problem_type", "\"regression\"", "config.json: /problem_type: is regression, want"},
    {CONFIG, "/problem_type", "\"multi_class\"",
     "config.json: /problem_type: is multi_class, want"},
    {CONFIG, "/problem_type", "7", "config.json: /problem_type: is no string, want"},
    {CONFIG, "/problem_type", "\"single_label_classification\"",
     "config.json: /problem_type: is single_label_classification of one label"},
    {CONFIG, "/id2label", "[\"a\"]", "config.json: /id2label: want an object"},
    {CONFIG, "/id2label", "{\"0\":\"a\",\"1\":\"b\"}",
     "tensor classifier.weight: shape (1, 32), want (2, 32)"},
    {WHOLE_FILE, "config.json", NULL, "config.json: No such file or directory"},
    {WHOLE_FILE, "config.json", "{\"model_type\":\"bert\",", "config.json: line 1, column"},
    {WHOLE_FILE, "config.json", "[]", "config.json: want a JSON object"},
    {WHOLE_FILE, "config.json", "{\"a\":1,\"a\":2}", "duplicate key"},
    {WHOLE_FILE, "model.safetensors", NULL, "model.safetensors: No such file"},
    {WHOLE_FILE, "model.safetensors", "", "model.safetensors: shorter than"},
    {WHOLE_FILE, "vocab.txt", NULL, "neither tokenizer.json nor vocab.txt"},
    {WHOLE_FILE, "vocab.txt", "[PAD]\n[UNK]\n", "[SEP] is not in the vocabulary"},
    {WHOLE_FILE, "adrank.json", "{}", "adrank.json: /format: missing"},
};

static void spoil(const struct model_dir *dir, enum spoil how, const char *where, const char *value)
{
    if (how == TENSORS)
        model_dir_edit_tensors(dir, where, value);
    else if (how == RENAME)
        rename_tensor(dir, where, value);
    else if (how == CONFIG)
        model_dir_edit(dir, "config.json", where, value);
    else if (value)
        model_dir_put(dir, where, view_of(value));
    else
        CHECK_INT(unlink(model_dir_file(dir, where)), 0);
}

TEST(model__refuses_spoilt_files)
{
    for (size_t i = 0; i < sizeof(spoilt_rows) / sizeof(spoilt_rows[0]); i++) {
        struct model_dir dir;
        test_row("%s = %s", spoilt_rows[i].where,
                 spoilt_rows[i].value ? spoilt_rows[i].value : "none");
        model_dir_copy(&dir, PAIRS);
        spoil(&dir, spoilt_rows[i].spoil, spoilt_rows[i].where, spoilt_rows[i].value);
        check_refused(dir.path, spoilt_rows[i].error);
        model_dir_remove(&dir);
    }
}

TEST(model__refuses_a_vocabulary_beyond_the_embeddings)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf vocab AT_END(buf_release);

    model_dir_copy(&dir, PAIRS);
    vocab = model_dir_get(&dir, "vocab.txt");
    buf_add_str(&vocab, "onemore\n");
    model_dir_put(&dir, "vocab.txt", buf_view(&vocab));
    check_refused(dir.path, "embeddings");
}

TEST(model__opens_a_hugging_face_directory_as_cross)
{
    struct model *m;
    struct err err;

    CHECK_OK(model_open(PAIRS "/", &m, &err), err);
    CHECK_STR(model_kind(m), "cross");
    CHECK_STR(model_name(m), "one-layer");
    CHECK_STR(model_version(m), "0");
    CHECK_INT(model_out_width(m), 1);
    CHECK_INT(model_max_tokens(m), 32);
    CHECK_INT(m->adrank.max_context_tokens, 24);
    CHECK_INT(m->adrank.max_ad_tokens, 8);
    CHECK_INT(strlen(model_digest(m)), 12);
    CHECK_NEAR(model_pctr(m, (const float[]){0}), 0.5, 1e-12);
    model_unref(m);
}

/* BertModel alone, its names with the prefix or without. */
TEST(model__opens_an_encoder_without_classifier)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m;
    struct err err;

    model_dir_copy(&dir, PAIRS);
    rename_tensor(&dir, "\"classifier.bias\"", "\"cls.fier.bias  \"");
    rename_tensor(&dir, "\"classifier.weight\"", "\"cls.fier.weight  \"");
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_INT(model_out_width(m), 0);
    CHECK(m->head.pooler && !m->head.classifier);
    model_unref(m);
}

TEST(model__two_labels_are_one_logit)
{
    struct model *m;
    struct err err;
    const float logits[] = {-0.5F, 1.25F};

    CHECK_OK(model_open("tests/golden/logits/one-head", &m, &err), err);
    CHECK_INT(model_out_width(m), 2);
    CHECK_NEAR(model_logit(m, logits), 1.75, 1e-12);
    /* softmax of the second */
    CHECK_NEAR(model_pctr(m, logits), exp(1.25) / (exp(-0.5) + exp(1.25)), 1e-12);
    model_unref(m);
}

TEST(model__checks_the_stated_sha256)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m;
    struct err err;
    char value[SHA256_HEX + 3];

    model_dir_copy(&dir, REQUESTS);
    CHECK_OK(model_open_with(dir.path, &(struct model_open_args){.draft = true}, &m, &err), err);
    snprintf(value, sizeof(value), "\"%s\"", m->weights_sha256);
    model_unref(m);
    model_dir_edit(&dir, "adrank.json", "/weights_sha256", value);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    model_unref(m);
    value[1] = value[1] == '0' ? '1' : '0';
    model_dir_edit(&dir, "adrank.json", "/weights_sha256", value);
    check_refused(dir.path, "model.safetensors: SHA-256 is ");
}

TEST(model__digest_and_stamp_follow_its_files_alone)
{
    struct model_dir dir;
    char first[16];
    struct model *m;
    struct err err;
    uint64_t stamp;

    model_dir_copy(&dir, REQUESTS);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    snprintf(first, sizeof(first), "%s", model_digest(m));
    model_unref(m);
    stamp = model_dir_stamp(dir.path);
    CHECK(stamp != 0);
    model_dir_put(&dir, "README.md", VIEW_LIT("not the model's"));
    CHECK(model_dir_stamp(dir.path) == stamp);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_STR(model_digest(m), first);
    model_unref(m);
    unlink(model_dir_file(&dir, "README.md"));
    model_dir_edit(&dir, "adrank.json", "/version", "\"2\"");
    CHECK(model_dir_stamp(dir.path) != stamp);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK(strcmp(model_digest(m), first) != 0);
    CHECK_STR(model_version(m), "2");
    model_unref(m);
    model_dir_remove(&dir);
    CHECK(model_dir_stamp(dir.path) == 0);
}
