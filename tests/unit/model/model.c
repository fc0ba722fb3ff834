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

static const struct {
    const char *name, *pointer, *value, *error;
} tensor_rows[] = {
    {"dtype of half the size", BERT "output.dense.bias/dtype", "\"F16\"",
     "tensor bert.encoder.layer.0.output.dense.bias: its shape and its bytes"},
    {"dtype of other numbers", BERT "output.dense.bias/dtype", "\"I32\"",
     "tensor bert.encoder.layer.0.output.dense.bias: dtype I32, want F32, F16 or BF16"},
    {"other shape, same bytes", BERT "intermediate.dense.weight/shape", "[32,64]",
     "tensor bert.encoder.layer.0.intermediate.dense.weight: shape (32, 64), want (64, 32)"},
    {"two dimensions for one", BERT "output.dense.bias/shape", "[1,32]",
     "tensor bert.encoder.layer.0.output.dense.bias: shape (1, 32), want (32)"},
};

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

TEST(model__refuses_spoilt_tensors)
{
    for (size_t i = 0; i < sizeof(tensor_rows) / sizeof(tensor_rows[0]); i++) {
        struct model_dir dir;
        test_row("%s", tensor_rows[i].name);
        model_dir_copy(&dir, PAIRS);
        model_dir_edit_tensors(&dir, tensor_rows[i].pointer, tensor_rows[i].value);
        check_refused(dir.path, tensor_rows[i].error);
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

static const struct {
    const char *from, *to, *error;
} rename_rows[] = {
    {"\"bert.encoder.layer.0.output.dense.bias\"", "\"bert.encoder.layer.1.output.dense.bias\"",
     "tensor bert.encoder.layer.0.output.dense.bias: missing"},
    {"\"bert.embeddings.LayerNorm.bias\"", "\"bert.embeddings.LayerNorm.bios\"",
     "tensor bert.embeddings.LayerNorm.bias: missing"},
    {"\"classifier.bias\"", "\"classifier.bios\"", "tensor classifier.bias: missing"},
    {"\"bert.pooler.dense.weight\"", "\"bert.pooler.dense.weihgt\"",
     "tensor bert.pooler.dense.weight: missing"},
    {"\"bert.embeddings.word_embeddings.weight\"", "\"bart.embeddings.word_embeddings.weight\"",
     "tensor embeddings.word_embeddings.weight: missing"},
};

TEST(model__names_missing_tensors)
{
    for (size_t i = 0; i < sizeof(rename_rows) / sizeof(rename_rows[0]); i++) {
        struct model_dir dir;
        test_row("%s", rename_rows[i].from);
        model_dir_copy(&dir, PAIRS);
        rename_tensor(&dir, rename_rows[i].from, rename_rows[i].to);
        check_refused(dir.path, rename_rows[i].error);
        model_dir_remove(&dir);
    }
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

static const struct {
    const char *pointer, *value, *error;
} config_rows[] = {
    {"/model_type", "\"gpt2\"",
     "config.json: /model_type: is gpt2 (BertForSequenceClassification), only bert is served"},
    {"/model_type", NULL,
     "config.json: /model_type: is missing (BertForSequenceClassification), only bert"},
    {"/num_hidden_layers", "0", "config.json: /num_hidden_layers: out of range"},
    {"/num_hidden_layers", "2", "tensor bert.encoder.layer.1."},
    {"/num_hidden_layers", "1.5", "config.json: /num_hidden_layers: want an integer"},
    {"/hidden_size", "1000000", "config.json: /hidden_size: out of range"},
    {"/hidden_size", "34", "shape ("},
    {"/hidden_size", NULL, "config.json: /hidden_size: missing"},
    {"/num_attention_heads", "3",
     "config.json: /num_attention_heads: 3 does not divide hidden_size 32"},
    {"/num_attention_heads", "-1", "config.json: /num_attention_heads: out of range"},
    {"/intermediate_size", "63", "want (63, 32)"},
    {"/vocab_size", "4000000", "tensor bert.embeddings.word_embeddings.weight: shape"},
    {"/vocab_size", "2147483648", "config.json: /vocab_size: out of range"},
    {"/max_position_embeddings", "31", "want (31, 32)"},
    {"/max_position_embeddings", "3", "config.json: /max_position_embeddings: out of range"},
    {"/type_vocab_size", "1", "tensor bert.embeddings.token_type_embeddings.weight: shape (2, 32)"},
    {"/layer_norm_eps", "-1", "config.json: /layer_norm_eps: out of range"},
    {"/layer_norm_eps", "\"x\"", "config.json: /layer_norm_eps: want a number"},
    {"/hidden_act", "\"silu\"", "config.json: /hidden_act: is silu, want gelu"},
    {"/hidden_act", "7", "config.json: /hidden_act: is no string, want gelu"},
    {"/architectures", "[\"BertForMultipleChoice\"]",
     "config.json: /architectures: is BertForMultipleChoice, only BertForSequenceClassification"},
    {"/architectures", "\"BertModel\"", "config.json: /architectures: is no list of names"},
    {"/problem_type", "\"regression\"", "config.json: /problem_type: is regression, want"},
    {"/problem_type", "\"multi_class\"", "config.json: /problem_type: is multi_class, want"},
    {"/problem_type", "7", "config.json: /problem_type: is no string, want"},
    {"/problem_type", "\"single_label_classification\"",
     "config.json: /problem_type: is single_label_classification of one label"},
    {"/id2label", "[\"a\"]", "config.json: /id2label: want an object"},
    {"/id2label", "{\"0\":\"a\",\"1\":\"b\"}",
     "tensor classifier.weight: shape (1, 32), want (2, 32)"},
};

TEST(model__refuses_spoilt_config)
{
    for (size_t i = 0; i < sizeof(config_rows) / sizeof(config_rows[0]); i++) {
        struct model_dir dir;
        test_row("%s = %s", config_rows[i].pointer,
                 config_rows[i].value ? config_rows[i].value : "none");
        model_dir_copy(&dir, PAIRS);
        model_dir_edit(&dir, "config.json", config_rows[i].pointer, config_rows[i].value);
        check_refused(dir.path, config_rows[i].error);
        model_dir_remove(&dir);
    }
}

TEST(model__refuses_missing_and_broken_files)
{
    static const struct {
        const char *file, *bytes, *error; /* bytes NULL: removed */
    } rows[] = {
        {"config.json", NULL, "config.json: No such file or directory"},
        {"config.json", "{\"model_type\":\"bert\",", "config.json: line 1, column"},
        {"config.json", "[]", "config.json: want a JSON object"},
        {"config.json", "{\"a\":1,\"a\":2}", "duplicate key"},
        {"model.safetensors", NULL, "model.safetensors: No such file"},
        {"model.safetensors", "", "model.safetensors: shorter than"},
        {"vocab.txt", NULL, "neither tokenizer.json nor vocab.txt"},
        {"vocab.txt", "[PAD]\n[UNK]\n", "[SEP] is not in the vocabulary"},
        {"adrank.json", "{}", "adrank.json: /format: missing"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        test_row("%s: %s", rows[i].file, rows[i].bytes ? rows[i].bytes : "none");
        model_dir_copy(&dir, PAIRS);
        if (rows[i].bytes)
            model_dir_put(&dir, rows[i].file, view_of(rows[i].bytes));
        else
            CHECK_INT(unlink(model_dir_file(&dir, rows[i].file)), 0);
        check_refused(dir.path, rows[i].error);
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
