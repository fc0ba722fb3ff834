/* Weights in shards, and weights of other formats. */
#include <sys/stat.h>

#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"
#define INDEX "model.safetensors.index.json"
#define FIRST "model-00001-of-00002.safetensors"
#define SECOND "model-00002-of-00002.safetensors"

/* Offsets of a part's tensors in the whole, moved to begin at 0. */
static void put_part(const struct model_dir *dir, const char *name, json_t *header,
                     struct view data, size_t begin)
{
    struct buf out AT_END(buf_release) = BUF_INIT;
    const char *tensor;
    json_t *entry;
    char *text;

    json_object_foreach(header, tensor, entry)
    {
        json_t *offsets = json_object_get(entry, "data_offsets");
        for (size_t i = 0; i < 2; i++)
            json_array_set_new(
                offsets, i,
                json_integer(json_integer_value(json_array_get(offsets, i)) - (json_int_t)begin));
    }
    text = json_dumps(header, JSON_COMPACT);
    buf_add(&out, &(uint64_t){strlen(text)}, 8);
    buf_add_str(&out, text);
    buf_add_view(&out, data);
    CHECK(!buf_failed(&out));
    model_dir_put(dir, name, buf_view(&out));
    free(text);
}

/* The whole weights become two files and an index. Tensors lie in the order of their bytes: the
 * first half goes to the first file. */
static void split_weights(const struct model_dir *dir)
{
    struct buf whole = model_dir_get(dir, "model.safetensors");
    json_t *parts[] = {json_object(), json_object()}, *map = json_object(), *header, *entry;
    struct view data;
    size_t cut = 0;
    const char *name;
    uint64_t len;

    memcpy(&len, whole.ptr, sizeof(len));
    header = json_loadb(whole.ptr + 8, len, 0, NULL);
    data = (struct view){whole.ptr + 8 + len, whole.len - 8 - len};
    json_object_del(header, "__metadata__");
    json_object_foreach(header, name, entry)
    {
        size_t begin =
            (size_t)json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
        if (begin <= data.len / 2 && begin > cut)
            cut = begin;
    }
    json_object_foreach(header, name, entry)
    {
        bool first = (size_t)json_integer_value(
                         json_array_get(json_object_get(entry, "data_offsets"), 0)) < cut;
        json_object_set(parts[!first], name, entry);
        json_object_set_new(map, name, json_string(first ? FIRST : SECOND));
    }
    put_part(dir, FIRST, parts[0], (struct view){data.ptr, cut}, 0);
    put_part(dir, SECOND, parts[1], (struct view){data.ptr + cut, data.len - cut}, cut);
    json_t *index = json_pack("{s:{s:I},s:o}", "metadata", "total_size", (json_int_t)data.len,
                              "weight_map", map);
    char *text = json_dumps(index, 0);
    model_dir_put(dir, INDEX, view_of(text));
    free(text);
    json_decref(index);
    json_decref(parts[0]);
    json_decref(parts[1]);
    json_decref(header);
    buf_release(&whole);
    CHECK_INT(unlink(model_dir_file(dir, "model.safetensors")), 0);
}

static void open_sharded(struct model_dir *dir)
{
    model_dir_copy(dir, PAIRS);
    split_weights(dir);
}

static void check_refused(const char *dir, enum err_code code, const char *error)
{
    struct model *m;
    struct err err = {0};

    CHECK_ERR(model_open(dir, &m, &err), err, error);
    CHECK_INT(err.code, code);
}

TEST(model_shards__are_the_same_weights)
{
    struct model *whole, *m;
    struct model_dir dir AT_END(model_dir_remove);
    struct err err;
    size_t n;

    open_sharded(&dir);
    CHECK_OK(model_open(PAIRS, &whole, &err), err);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK_INT(m->n_tensors, whole->n_tensors);
    CHECK_INT(m->head.labels, 1);
    n = (size_t)m->encoders[0].config.vocab * (size_t)m->encoders[0].config.hidden * sizeof(float);
    CHECK_INT(memcmp(m->encoders[0].weights.word, whole->encoders[0].weights.word, n), 0);
    n = (size_t)m->encoders[0].config.hidden * sizeof(float);
    CHECK_INT(memcmp(m->head.classifier, whole->head.classifier, n), 0);
    model_unref(m);
    model_unref(whole);
}

TEST(model_shards__are_in_digest_and_stamp)
{
    struct model_dir dir AT_END(model_dir_remove);
    char before[16];
    struct buf bytes;
    struct model *m;
    struct err err;
    uint64_t stamp;

    open_sharded(&dir);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    snprintf(before, sizeof(before), "%s", model_digest(m));
    model_unref(m);
    stamp = model_dir_stamp(dir.path);
    bytes = model_dir_get(&dir, SECOND);
    bytes.ptr[bytes.len - 2] ^= 1;
    model_dir_put(&dir, SECOND, buf_view(&bytes));
    CHECK(model_dir_stamp(dir.path) != stamp);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    CHECK(strcmp(model_digest(m), before) != 0);
    model_unref(m);
    buf_release(&bytes);
}

TEST(model_shards__whose_index_is_wrong_are_refused)
{
#define TENSOR "/weight_map/bert.embeddings.LayerNorm.bias"
    static const struct {
        const char *pointer, *value, *error;
        enum err_code code;
    } rows[] = {
        {"/weight_map", "{}", INDEX ": /weight_map: want an object of 1 to", ERR_DATA},
        {"/weight_map", "[]", INDEX ": /weight_map: want an object", ERR_DATA},
        {"/weight_map", NULL, INDEX ": /weight_map: want an object", ERR_DATA},
        {TENSOR, "7", INDEX ": " TENSOR ": want the name of a .safetensors file", ERR_DATA},
        {TENSOR, "\"../" FIRST "\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"/etc/passwd\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"sub/" FIRST "\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\".safetensors\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"a\\nb.safetensors\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"pytorch_model.bin\"", INDEX ": " TENSOR ": want the name", ERR_DATA},
        {TENSOR, "\"other.safetensors\"", "/other.safetensors: No such file", ERR_NOINPUT},
        {TENSOR, NULL,
         "tensor bert.embeddings.LayerNorm.bias: surplus, " INDEX " has it in no file", ERR_DATA},
        {"/weight_map/none", "\"" FIRST "\"", INDEX ": tensor none: missing in " FIRST, ERR_DATA},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        test_row("%s = %s", rows[i].pointer, rows[i].value ? rows[i].value : "none");
        open_sharded(&dir);
        model_dir_edit(&dir, INDEX, rows[i].pointer, rows[i].value);
        check_refused(dir.path, rows[i].code, rows[i].error);
        model_dir_remove(&dir);
    }
}

TEST(model_shards__a_tensor_lies_where_the_index_says)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf index;
    char *at;

    open_sharded(&dir);
    index = model_dir_get(&dir, INDEX);
    at = strstr(index.ptr, FIRST);
    CHECK(at);
    memcpy(at, SECOND, sizeof(SECOND) - 1);
    model_dir_put(&dir, INDEX, buf_view(&index));
    check_refused(dir.path, ERR_DATA, "surplus, " INDEX " has it in " SECOND);
    buf_release(&index);
}

TEST(model_shards__a_spoilt_shard_is_named)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf bytes;

    open_sharded(&dir);
    bytes = model_dir_get(&dir, SECOND);
    model_dir_put(&dir, SECOND, (struct view){bytes.ptr, bytes.len - 1});
    check_refused(dir.path, ERR_DATA, "/" SECOND ": tensor ");
    unlink(model_dir_file(&dir, SECOND));
    check_refused(dir.path, ERR_NOINPUT, "/" SECOND ": No such file");
    model_dir_put(&dir, INDEX, VIEW_LIT("{"));
    check_refused(dir.path, ERR_DATA, "/" INDEX ": line 1");
    buf_release(&bytes);
}

/* ---- other formats, other places ------------------------------------------------------------- */

static const struct {
    const char *name, *bytes, *error;
    enum err_code code;
} instead_rows[] = {
    {"pytorch_model.bin", "PK",
     "no model.safetensors, but pytorch_model.bin: PyTorch's pickled weights; convert them: "
     "python3 -c",
     ERR_NOINPUT},
    {"pytorch_model.bin.index.json", "{}", "pytorch_model.bin.index.json: the index of PyTorch's",
     ERR_NOINPUT},
    {"pytorch_model-00001-of-00002.bin", "PK", "PyTorch's pickled weights", ERR_NOINPUT},
    {"tf_model.h5", "", "tf_model.h5: TensorFlow's weights; convert them: python3 -c", ERR_NOINPUT},
    {"flax_model.msgpack", "", "flax_model.msgpack: Flax's weights", ERR_NOINPUT},
    {"model.gguf", "GGUF", "model.gguf: weights as llama.cpp stores them; take the checkpoint",
     ERR_NOINPUT},
    {"model.onnx", "", "model.onnx: a graph that was exported to ONNX", ERR_NOINPUT},
    {"openvino_model.xml", "", "openvino_model.xml: a graph", ERR_NOINPUT},
    {"model.fp16.safetensors", "", "model.fp16.safetensors: weights under another name; name that",
     ERR_NOINPUT},
    {"model.pt", "", "model.pt: pickled weights", ERR_NOINPUT},
    {"training_args.bin", "", "model.safetensors: No such file or directory", ERR_NOINPUT},
    {"README.md", "", "model.safetensors: No such file or directory", ERR_NOINPUT},
    {"adapter_config.json", "{}",
     "adapter_config.json: an adapter, which changes the weights; merge it", ERR_DATA},
    {"model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
     "/model.safetensors: a git-lfs pointer instead of the file; fetch it: git lfs pull",
     ERR_NOINPUT},
    {"config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
     "/config.json: a git-lfs pointer", ERR_NOINPUT},
};

TEST(model_missing__names_what_is_there_instead)
{
    for (size_t i = 0; i < sizeof(instead_rows) / sizeof(instead_rows[0]); i++) {
        struct model_dir dir;
        test_row("%s", instead_rows[i].name);
        model_dir_copy(&dir, PAIRS);
        unlink(model_dir_file(&dir, "model.safetensors"));
        model_dir_put(&dir, instead_rows[i].name, view_of(instead_rows[i].bytes));
        check_refused(dir.path, instead_rows[i].code, instead_rows[i].error);
        model_dir_remove(&dir);
    }
}

TEST(model_missing__an_adapter_beside_whole_weights_is_refused)
{
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, PAIRS);
    model_dir_put(&dir, "adapter_config.json", VIEW_LIT("{}"));
    check_refused(dir.path, ERR_DATA, "adapter_config.json: an adapter");
}

TEST(model_missing__names_the_vocabulary_that_is_there)
{
    static const struct {
        const char *name, *error;
    } rows[] = {
        {"vocab.json", "neither tokenizer.json nor vocab.txt, but vocab.json: byte pairs"},
        {"merges.txt", "but merges.txt: byte pairs"},
        {"sentencepiece.bpe.model", "but sentencepiece.bpe.model: SentencePiece; only BERT's"},
        {"spiece.model", "but spiece.model: SentencePiece"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        test_row("%s", rows[i].name);
        model_dir_copy(&dir, PAIRS);
        unlink(model_dir_file(&dir, "vocab.txt"));
        model_dir_put(&dir, rows[i].name, VIEW_LIT(""));
        check_refused(dir.path, ERR_NOINPUT, rows[i].error);
        model_dir_remove(&dir);
    }
}

/* The family is reported before missing files. */
TEST(model_missing__names_the_family_first)
{
    static const char *const types[] = {"distilbert", "roberta",    "xlm-roberta", "electra",
                                        "mpnet",      "deberta-v2", "modernbert",  "albert"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct model_dir dir;
        char config[200], error[200];
        test_row("%s", types[i]);
        model_dir_copy(&dir, PAIRS);
        unlink(model_dir_file(&dir, "vocab.txt"));
        unlink(model_dir_file(&dir, "model.safetensors"));
        snprintf(config, sizeof(config),
                 "{\"model_type\":\"%s\",\"architectures\":[\"XForSequenceClassification\"]}",
                 types[i]);
        model_dir_put(&dir, "config.json", view_of(config));
        snprintf(
            error, sizeof(error),
            "config.json: /model_type: is %s (XForSequenceClassification), only bert is served",
            types[i]);
        check_refused(dir.path, ERR_DATA, error);
        model_dir_remove(&dir);
    }
}

TEST(model_missing__names_the_directory_that_is_meant)
{
    struct model_dir dir AT_END(model_dir_remove);
    char inner[200];

    check_refused(PAIRS "/model.safetensors", ERR_NOINPUT,
                  "model.safetensors: not a directory; want the one with config.json");
    check_refused("/nonexistent", ERR_NOINPUT, "/nonexistent/config.json: No such file");
    check_refused("tests/golden/logits", ERR_NOINPUT, "no config.json here, but one in tests/");
    model_dir_copy(&dir, PAIRS);
    snprintf(inner, sizeof(inner), "%s/snapshots", dir.path);
    unlink(model_dir_file(&dir, "config.json"));
    CHECK_INT(mkdir(inner, 0777), 0);
    snprintf(inner, sizeof(inner), "%s/snapshots/0123abcd", dir.path);
    CHECK_INT(mkdir(inner, 0777), 0);
    check_refused(dir.path, ERR_NOINPUT, "a Hugging Face cache; the model is ");
    check_refused(dir.path, ERR_NOINPUT, "/snapshots/0123abcd");
    CHECK_INT(rmdir(inner), 0);
    *strrchr(inner, '/') = '\0';
    CHECK_INT(rmdir(inner), 0);
}
