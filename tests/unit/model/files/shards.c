/* Weights in shards, and weights of other formats. */
#include <sys/stat.h>

#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"
#define INDEX "model.safetensors.index.json"
#define FIRST "model-00001-of-00002.safetensors"
#define SECOND "model-00002-of-00002.safetensors"

/* Releases the header. */
static void put_part(const struct model_dir *dir, const char *name, json_t *header,
                     struct view data)
{
    struct buf out AT_END(buf_release) = BUF_INIT;
    char *text = json_dumps(header, JSON_COMPACT);

    buf_add(&out, &(uint64_t){strlen(text)}, 8);
    buf_add_str(&out, text);
    buf_add_view(&out, data);
    CHECK(!buf_failed(&out));
    model_dir_put(dir, name, buf_view(&out));
    free(text);
    json_decref(header);
}

/* A copy whose weights are two files and an index. Tensors lie in the order of their bytes: the
 * first half goes to the first file. */
static void open_sharded(struct model_dir *dir)
{
    json_t *parts[] = {json_object(), json_object()}, *map = json_object(), *header, *entry;
    struct buf whole AT_END(buf_release);
    json_int_t begin, end, half, cut = 0;
    const char *name, *data;
    uint64_t len;
    char *index;

    model_dir_copy(dir, PAIRS);
    whole = model_dir_get(dir, "model.safetensors");
    memcpy(&len, whole.ptr, sizeof(len));
    header = json_loadb(whole.ptr + 8, len, 0, NULL);
    data = whole.ptr + 8 + len;
    half = (json_int_t)(whole.len - 8 - len) / 2;
    json_object_del(header, "__metadata__");
    json_object_foreach(header, name, entry)
    {
        CHECK_INT(json_unpack(entry, "{s:[I,I]}", "data_offsets", &begin, &end), 0);
        if (begin <= half && begin > cut)
            cut = begin;
    }
    json_object_foreach(header, name, entry)
    {
        json_t *offsets = json_object_get(entry, "data_offsets");
        json_int_t from;
        CHECK_INT(json_unpack(offsets, "[I,I]", &begin, &end), 0);
        from = begin < cut ? 0 : cut;
        json_object_set(parts[from > 0], name, entry);
        json_object_set_new(map, name, json_string(from ? SECOND : FIRST));
        json_array_set_new(offsets, 0, json_integer(begin - from));
        json_array_set_new(offsets, 1, json_integer(end - from));
    }
    put_part(dir, FIRST, parts[0], (struct view){data, (size_t)cut});
    put_part(dir, SECOND, parts[1],
             (struct view){data + cut, (size_t)(whole.ptr + whole.len - data - cut)});
    index = json_dumps(map, 0);
    model_dir_put(dir, INDEX, view_of(js("{'metadata':{'total_size':7},'weight_map':%s}", index)));
    free(index);
    json_decref(map);
    json_decref(header);
    model_dir_edit(dir, "model.safetensors", NULL, NULL);
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
    static const struct spoilt rows[] = {
        {INDEX, "/weight_map", "{}", ": want an object of 1 to"},
        {INDEX, "/weight_map", "[]", ": want an object"},
        {INDEX, "/weight_map", NULL, ": want an object"},
        {INDEX, TENSOR, "7", ": want the name of a .safetensors file"},
        {INDEX, TENSOR, "'../" FIRST "'", ": want the name"},
        {INDEX, TENSOR, "'/etc/passwd'", ": want the name"},
        {INDEX, TENSOR, "'sub/" FIRST "'", ": want the name"},
        {INDEX, TENSOR, "'.safetensors'", ": want the name"},
        {INDEX, TENSOR, "''", ": want the name"},
        {INDEX, TENSOR, "'a\\nb.safetensors'", ": want the name"},
        {INDEX, TENSOR, "'pytorch_model.bin'", ": want the name"},
        {INDEX, TENSOR, NULL,
         "tensor bert.embeddings.LayerNorm.bias: surplus, " INDEX " has it in no file"},
        {INDEX, "/weight_map/none", "'" FIRST "'", INDEX ": tensor none: missing in " FIRST},
    };
    static const struct spoilt absent = {INDEX, TENSOR, "'other.safetensors'",
                                         "/other.safetensors: No such file"};
    struct model_dir dir AT_END(model_dir_remove);

    open_sharded(&dir);
    check_spoilt(dir.path, ERR_DATA, rows, COUNT(rows));
    check_spoilt(dir.path, ERR_NOINPUT, &absent, 1);
}

TEST(model_shards__a_tensor_lies_where_the_index_says)
{
    static const struct spoilt row = {INDEX, FIRST, SECOND, "surplus, " INDEX " has it in " SECOND};
    struct model_dir dir AT_END(model_dir_remove);

    open_sharded(&dir);
    check_spoilt(dir.path, ERR_DATA, &row, 1);
}

TEST(model_shards__a_spoilt_shard_is_named)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf bytes;

    open_sharded(&dir);
    bytes = model_dir_get(&dir, SECOND);
    model_dir_put(&dir, SECOND, (struct view){bytes.ptr, bytes.len - 1});
    check_refused(dir.path, ERR_DATA, "/" SECOND ": tensor ");
    model_dir_edit(&dir, SECOND, NULL, NULL);
    check_refused(dir.path, ERR_NOINPUT, "/" SECOND ": No such file");
    model_dir_put(&dir, INDEX, VIEW_LIT("{"));
    check_refused(dir.path, ERR_DATA, "/" INDEX ": line 1");
    buf_release(&bytes);
}

/* ---- other formats, other places ------------------------------------------------------------- */

static const struct spoilt instead[] = {
    {"pytorch_model.bin", NULL, "PK",
     "no model.safetensors, but pytorch_model.bin: PyTorch's pickled weights; convert them: "
     "python3 -c"},
    {"pytorch_model.bin.index.json", NULL, "{}",
     "pytorch_model.bin.index.json: the index of PyTorch's"},
    {"pytorch_model-00001-of-00002.bin", NULL, "PK", "PyTorch's pickled weights"},
    {"tf_model.h5", NULL, "", "tf_model.h5: TensorFlow's weights; convert them: python3 -c"},
    {"flax_model.msgpack", NULL, "", "flax_model.msgpack: Flax's weights"},
    {"model.gguf", NULL, "GGUF",
     "model.gguf: weights as llama.cpp stores them; take the checkpoint"},
    {"model.onnx", NULL, "", "model.onnx: a graph that was exported to ONNX"},
    {"openvino_model.xml", NULL, "", "openvino_model.xml: a graph"},
    {"model.fp16.safetensors", NULL, "",
     "model.fp16.safetensors: weights under another name; name that"},
    {"model.pt", NULL, "", "model.pt: pickled weights"},
    {"training_args.bin", NULL, "", "model.safetensors: No such file or directory"},
    {"README.md", NULL, "", "model.safetensors: No such file or directory"},
    {"model.safetensors", NULL,
     "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
     "/model.safetensors: a git-lfs pointer instead of the file; fetch it: git lfs pull"},
    {"config.json", NULL, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
     "/config.json: a git-lfs pointer"},
};
static const struct spoilt adapter = {
    "adapter_config.json", NULL, "{}",
    "adapter_config.json: an adapter, which changes the weights; merge it"};

TEST(model_missing__names_what_is_there_instead)
{
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, PAIRS);
    model_dir_edit(&dir, "model.safetensors", NULL, NULL);
    check_spoilt(dir.path, ERR_NOINPUT, instead, COUNT(instead));
    check_spoilt(dir.path, ERR_DATA, &adapter, 1);
    check_spoilt(PAIRS, ERR_DATA, &adapter, 1); /* beside whole weights */
}

TEST(model_missing__names_the_vocabulary_that_is_there)
{
    static const struct spoilt rows[] = {
        {"vocab.json", NULL, "",
         "neither tokenizer.json nor vocab.txt, but vocab.json: byte pairs"},
        {"merges.txt", NULL, "", "but merges.txt: byte pairs"},
        {"sentencepiece.bpe.model", NULL, "",
         "but sentencepiece.bpe.model: SentencePiece; only BERT's"},
        {"spiece.model", NULL, "", "but spiece.model: SentencePiece"},
    };
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, PAIRS);
    model_dir_edit(&dir, "vocab.txt", NULL, NULL);
    check_spoilt(dir.path, ERR_NOINPUT, rows, COUNT(rows));
}

/* The family is reported before missing files. */
TEST(model_missing__names_the_family_first)
{
    static const char *const types[] = {"distilbert", "roberta",    "xlm-roberta", "electra",
                                        "mpnet",      "deberta-v2", "modernbert",  "albert"};
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, PAIRS);
    model_dir_edit(&dir, "vocab.txt", NULL, NULL);
    model_dir_edit(&dir, "model.safetensors", NULL, NULL);
    for (int i = 0; i < COUNT(types); i++)
        check_spoilt(dir.path, ERR_DATA,
                     &(struct spoilt){
                         "config.json", NULL,
                         js("{'model_type':'%s','architectures':['X']}", types[i]),
                         js("config.json: /model_type: is %s (X), only bert is served", types[i])},
                     1);
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
    model_dir_edit(&dir, "config.json", NULL, NULL);
    CHECK_INT(mkdir(inner, 0777), 0);
    snprintf(inner, sizeof(inner), "%s/snapshots/0123abcd", dir.path);
    CHECK_INT(mkdir(inner, 0777), 0);
    check_refused(dir.path, ERR_NOINPUT, "a Hugging Face cache; the model is ");
    check_refused(dir.path, ERR_NOINPUT, "/snapshots/0123abcd");
    CHECK_INT(rmdir(inner), 0);
    *strrchr(inner, '/') = '\0';
    CHECK_INT(rmdir(inner), 0);
}
