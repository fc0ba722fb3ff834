/* Whole directories, right and spoilt: each refusal names the file and what is wrong in it. */
#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"       /* one label, vocab.txt */
#define REQUESTS "tests/golden/requests/two-layers" /* kind prefix, adrank.json */
#define CONFIG "config.json"
#define WEIGHTS "model.safetensors"
#define BERT "/bert.encoder.layer.0."

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
    n_pieces = tokenizer_encode(m->tokenizer, text, &arena, ids[0]);
    model_unref(m);
    model_dir_put(&dir, "special_tokens_map.json",
                  VIEW_LIT("{\"additional_special_tokens\":[\"android\"]}"));
    CHECK_OK(tokenizer_open(dir.path, &t, &err), err);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_INT(tokenizer_encode(t, text, &arena, ids[0]), 3); /* the word cut out */
    CHECK(n_pieces != 3);
    CHECK_INT(tokenizer_encode(m->tokenizer, text, &arena, ids[1]), 3);
    CHECK_INT(memcmp(ids[0], ids[1], 3 * sizeof(int32_t)), 0);
    tokenizer_free(t);
    model_unref(m);
    model_dir_put(&dir, "added_tokens.json", VIEW_LIT("{\"zz\":7}"));
    check_refused(dir.path, ERR_DATA, "added_tokens.json: tokens of a release");
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
        check_refused(dir.path, ERR_NOINPUT, name);
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
        model_dir_edit(&dir, WEIGHTS, pointer, empty);
        if (rows[i].taken)
            CHECK_OK(model_open(dir.path, &m, &err), err);
        else
            check_refused(dir.path, ERR_DATA, error);
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
    model_dir_edit(&dir, WEIGHTS, "embeddings.LayerNorm.weight\"", "embeddings.LayerNorm.gamma\" ");
    model_dir_edit(&dir, WEIGHTS, "embeddings.LayerNorm.bias", "embeddings.LayerNorm.beta");
    CHECK_OK(model_open(dir.path, &m, &err), err);
    model_unref(m);
}

static const struct spoilt spoilt[] = {
    {WEIGHTS, BERT "output.dense.bias/dtype", "'F16'",
     "tensor bert.encoder.layer.0.output.dense.bias: its shape and its bytes"},
    {WEIGHTS, BERT "output.dense.bias/dtype", "'I32'",
     "tensor bert.encoder.layer.0.output.dense.bias: dtype I32, want F32, F16 or BF16"},
    {WEIGHTS, BERT "intermediate.dense.weight/shape", "[32,64]",
     "tensor bert.encoder.layer.0.intermediate.dense.weight: shape (32, 64), want (64, 32)"},
    {WEIGHTS, BERT "output.dense.bias/shape", "[1,32]",
     "tensor bert.encoder.layer.0.output.dense.bias: shape (1, 32), want (32)"},
    {WEIGHTS, "bert.encoder.layer.0.output.dense.bias", "bert.encoder.layer.1.output.dense.bias",
     "tensor bert.encoder.layer.0.output.dense.bias: missing"},
    {WEIGHTS, "bert.embeddings.LayerNorm.bias", "bert.embeddings.LayerNorm.bios",
     "tensor bert.embeddings.LayerNorm.bias: missing"},
    {WEIGHTS, "classifier.bias", "classifier.bios", "tensor classifier.bias: missing"},
    {WEIGHTS, "bert.pooler.dense.weight", "bert.pooler.dense.weihgt",
     "tensor bert.pooler.dense.weight: missing"},
    {WEIGHTS, "bert.embeddings.word_embeddings.weight", "bart.embeddings.word_embeddings.weight",
     "tensor embeddings.word_embeddings.weight: missing"},
    {CONFIG, "/model_type", "'gpt2'",
     ": is gpt2 (BertForSequenceClassification), only bert is served"},
    {CONFIG, "/model_type", NULL, ": is missing (BertForSequenceClassification), only bert"},
    {CONFIG, "/num_hidden_layers", "0", ": out of range"},
    {CONFIG, "/num_hidden_layers", "2", "tensor bert.encoder.layer.1."},
    {CONFIG, "/num_hidden_layers", "1.5", ": want an integer"},
    {CONFIG, "/hidden_size", "1000000", ": out of range"},
    {CONFIG, "/hidden_size", "34", "shape ("},
    {CONFIG, "/hidden_size", NULL, ": missing"},
    {CONFIG, "/num_attention_heads", "3", ": 3 does not divide hidden_size 32"},
    {CONFIG, "/num_attention_heads", "-1", ": out of range"},
    {CONFIG, "/intermediate_size", "63", "want (63, 32)"},
    {CONFIG, "/vocab_size", "4000000", "tensor bert.embeddings.word_embeddings.weight: shape"},
    {CONFIG, "/vocab_size", "2147483648", ": out of range"},
    {CONFIG, "/max_position_embeddings", "31", "want (31, 32)"},
    {CONFIG, "/max_position_embeddings", "3", ": out of range"},
    {CONFIG, "/type_vocab_size", "1",
     "tensor bert.embeddings.token_type_embeddings.weight: shape (2, 32)"},
    {CONFIG, "/layer_norm_eps", "-1", ": out of range"},
    {CONFIG, "/layer_norm_eps", "'x'", ": want a number"},
    {CONFIG, "/hidden_act", "'silu'", ": is silu, want gelu"},
    {CONFIG, "/hidden_act", "7", ": is no string, want gelu"},
    {CONFIG, "/architectures", "['BertForMultipleChoice']",
     ": is BertForMultipleChoice, only BertForSequenceClassification"},
    {CONFIG, "/architectures", "'BertModel'", ": is no list of names"},
    {CONFIG, "/problem_type", "'regression'", ": is regression, want"},
    {CONFIG, "/problem_type", "'multi_class'", ": is multi_class, want"},
    {CONFIG, "/problem_type", "7", ": is no string, want"},
    {CONFIG, "/problem_type", "'single_label_classification'",
     ": is single_label_classification of one label"},
    {CONFIG, "/id2label", "['a']", ": want an object"},
    {CONFIG, "/id2label", "{'0':'a','1':'b'}",
     "tensor classifier.weight: shape (1, 32), want (2, 32)"},
    {CONFIG, NULL, "{'model_type':'bert',", "config.json: line 1, column"},
    {CONFIG, NULL, "[]", "config.json: want a JSON object"},
    {CONFIG, NULL, "{'a':1,'a':2}", "duplicate key"},
    {"model.safetensors", NULL, "", "model.safetensors: shorter than"},
    {"vocab.txt", NULL, "[PAD]\n[UNK]\n", "[SEP] is not in the vocabulary"},
    {"adrank.json", NULL, "{}", "adrank.json: /format: missing"},
    {"vocab.txt", "[PAD]\n", "[PAD]\nonemore\n", "embeddings"},
};

static const struct spoilt missing[] = {
    {CONFIG, NULL, NULL, "config.json: No such file or directory"},
    {"model.safetensors", NULL, NULL, "model.safetensors: No such file"},
    {"vocab.txt", NULL, NULL, "neither tokenizer.json nor vocab.txt"},
};

TEST(model__refuses_spoilt_files)
{
    check_spoilt(PAIRS, ERR_DATA, spoilt, COUNT(spoilt));
    check_spoilt(PAIRS, ERR_NOINPUT, missing, COUNT(missing));
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
    model_dir_edit(&dir, WEIGHTS, "\"classifier.bias\"", "\"cls.fier.bias  \"");
    model_dir_edit(&dir, WEIGHTS, "\"classifier.weight\"", "\"cls.fier.weight  \"");
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_INT(model_out_width(m), 0);
    CHECK(m->head.pooler && !m->head.classifier);
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
    check_refused(dir.path, ERR_DATA, "model.safetensors: SHA-256 is ");
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
