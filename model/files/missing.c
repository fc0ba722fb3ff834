/* Explains what is missing from a directory: reports what is there instead, and how to convert
 * it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/files/model_files.h"

enum remedy {
    REMEDY_SAVE,
    REMEDY_SAVE_TF,
    REMEDY_SAVE_FLAX,
    REMEDY_NAME,
    REMEDY_MERGE,
    REMEDY_SOURCE
};

/* Weights of other formats, the likeliest first: names begin and end with these. */
static const struct format {
    const char *begin, *end, *what;
    enum remedy remedy;
} formats[] = {
    {"adapter_model", "", "an adapter without its model", REMEDY_MERGE},
    {"pytorch_model", ".bin", "PyTorch's pickled weights", REMEDY_SAVE},
    {"pytorch_model", ".index.json", "the index of PyTorch's pickled weights", REMEDY_SAVE},
    {"tf_model", ".h5", "TensorFlow's weights", REMEDY_SAVE_TF},
    {"", ".ckpt.index", "a TensorFlow 1 checkpoint", REMEDY_SAVE_TF},
    {"flax_model", ".msgpack", "Flax's weights", REMEDY_SAVE_FLAX},
    {"", ".safetensors", "weights under another name", REMEDY_NAME},
    {"", ".gguf", "weights as llama.cpp stores them", REMEDY_SOURCE},
    {"", ".onnx", "a graph that was exported to ONNX", REMEDY_SOURCE},
    {"onnx", "", "a graph that was exported to ONNX", REMEDY_SOURCE},
    {"openvino", "", "a graph that was exported to OpenVINO", REMEDY_SOURCE},
    {"", ".mlpackage", "a graph that was exported to Core ML", REMEDY_SOURCE},
    {"", ".tflite", "a graph that was exported to TensorFlow Lite", REMEDY_SOURCE},
    {"rust_model", ".ot", "weights of rust-bert", REMEDY_SOURCE},
    {"", ".bin", "pickled weights", REMEDY_SAVE},
    {"", ".pt", "pickled weights", REMEDY_SAVE},
    {"", ".pth", "pickled weights", REMEDY_SAVE},
    {"", ".ckpt", "a pickled checkpoint", REMEDY_SAVE},
};

static const struct format vocabularies[] = {
    {"vocab.json", "", "byte pairs", REMEDY_SOURCE},
    {"merges.txt", "", "byte pairs", REMEDY_SOURCE},
    {"", ".model", "SentencePiece", REMEDY_SOURCE},
    {"tekken.json", "", "byte pairs", REMEDY_SOURCE},
};

static bool matches(const struct format *f, const char *name)
{
    size_t len = strlen(name), begin = strlen(f->begin), end = strlen(f->end);

    return len >= begin + end && strncmp(name, f->begin, begin) == 0 &&
           strcmp(name + len - end, f->end) == 0;
}

/* The first of the formats that a file of dir has; its name, the first by the alphabet, goes to
 * name. */
static const struct format *find(const char *dir, const struct format *from, size_t n, char *name,
                                 size_t size)
{
    size_t best = n;
    const struct dirent *entry;
    DIR *list = opendir(dir);

    while (list && (entry = readdir(list)) != NULL)
        for (size_t i = 0; i < n && i <= best; i++) {
            if (entry->d_name[0] == '.' || strcmp(entry->d_name, "training_args.bin") == 0 ||
                !matches(&from[i], entry->d_name) || (i == best && strcmp(entry->d_name, name) > 0))
                continue;
            best = i;
            snprintf(name, size, "%.*s", (int)(size - 1), entry->d_name);
            break;
        }
    if (list)
        closedir(list);
    return best < n ? &from[best] : NULL;
}

/* A folder in dir that has that file; "" any. */
static bool find_folder(const char *dir, const char *file, char *name, size_t size)
{
    DIR *list = opendir(dir);
    const struct dirent *entry;
    bool found = false;

    while (list && !found && (entry = readdir(list)) != NULL) {
        char path[4600];
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/%s", dir, entry->d_name, file);
        found = stat(path, &st) == 0;
        if (found)
            snprintf(name, size, "%.*s", (int)(size - 1), entry->d_name);
    }
    if (list)
        closedir(list);
    return found;
}

static bool exists(const char *dir, const char *name)
{
    char path[4600];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

#define SAVE                                                                                       \
    "convert them: python3 -c \"from transformers import AutoModelForSequenceClassification as "   \
    "M; M.from_pretrained('"
#define SAFELY "', safe_serialization=True)\""

/* What to do; between its parts stands the directory. */
static const struct {
    const char *first, *second, *third; /* NULL: no more */
} remedies[] = {
    [REMEDY_SAVE] = {SAVE, "').save_pretrained('", SAFELY},
    [REMEDY_SAVE_TF] = {SAVE, "', from_tf=True).save_pretrained('", SAFELY " (transformers 4)"},
    [REMEDY_SAVE_FLAX] = {SAVE, "', from_flax=True).save_pretrained('", SAFELY " (transformers 4)"},
    [REMEDY_NAME] = {"name that file model.safetensors", NULL, NULL},
    [REMEDY_MERGE] = {"merge it into its model: python3 -c \"from peft import "
                      "AutoPeftModelForSequenceClassification as P; P.from_pretrained('",
                      "').merge_and_unload().save_pretrained('OUT')\"", NULL},
    [REMEDY_SOURCE] = {"take the checkpoint that it was made from, as save_pretrained writes it",
                       NULL, NULL},
};

/* For a command to be copied into a shell: a name that is not a single shell word, or is too long,
 * is replaced by a placeholder. */
static const char *as_argument(const char *dir)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=@:,";
    const size_t len = strspn(dir, plain);

    return dir[len] || len > 200 ? "DIR" : dir;
}

static int refuse_format(const char *dir, const char *missing, const struct format *f,
                         const char *name, struct err *err)
{
    const char *argument = as_argument(dir);
    const char *second = remedies[f->remedy].second, *third = remedies[f->remedy].third;

    return err_set(err, ERR_NOINPUT, "%s: no %s, but %s: %s; %s%s%s%s%s", dir, missing, name,
                   f->what, remedies[f->remedy].first, second ? argument : "", second ? second : "",
                   third ? argument : "", third ? third : "");
}

int model_missing_weights(const char *dir, struct err *err)
{
    char name[256] = "";
    const struct format *f =
        find(dir, formats, sizeof(formats) / sizeof(formats[0]), name, sizeof(name));

    if (f)
        return refuse_format(dir, "model.safetensors", f, name, err);
    return err_set(err, ERR_NOINPUT, "%s/model.safetensors: No such file or directory", dir);
}

int model_missing_vocabulary(const char *dir, struct err *err)
{
    char name[256] = "";
    const struct format *f =
        find(dir, vocabularies, sizeof(vocabularies) / sizeof(vocabularies[0]), name, sizeof(name));

    if (f)
        return err_set(
            err, ERR_NOINPUT,
            "%s: neither tokenizer.json nor vocab.txt, but %s: %s; only BERT's WordPiece "
            "is served",
            dir, name, f->what);
    return err_set(err, ERR_NOINPUT, "%s: neither tokenizer.json nor vocab.txt", dir);
}

int model_missing_config(const char *dir, struct err *err)
{
    char name[256] = "", inner[256] = "", path[4600];
    const struct format *f;

    if (model_refuse_beside(dir, err))
        return -1;
    snprintf(path, sizeof(path), "%s/snapshots", dir);
    if (find_folder(path, "", inner, sizeof(inner)))
        return err_set(err, ERR_NOINPUT,
                       "%s: no config.json: a Hugging Face cache; the model is %s/snapshots/%s",
                       dir, dir, inner);
    if (find_folder(dir, "config.json", name, sizeof(name)))
        return err_set(err, ERR_NOINPUT, "%s: no config.json here, but one in %s/%s", dir, dir,
                       name);
    f = find(dir, formats, sizeof(formats) / sizeof(formats[0]), name, sizeof(name));
    if (f && f->remedy == REMEDY_SOURCE)
        return refuse_format(dir, "config.json", f, name, err);
    return err_set(err, ERR_NOINPUT, "%s/config.json: No such file or directory", dir);
}

int model_refuse_beside(const char *dir, struct err *err)
{
    static const struct format adapter = {.what = "an adapter, which changes the weights",
                                          .remedy = REMEDY_MERGE};

    if (!exists(dir, "adapter_config.json"))
        return 0;
    refuse_format(dir, "whole model", &adapter, "adapter_config.json", err);
    err->code = ERR_DATA;
    return -1;
}

int model_refuse_pointer(const char *path, struct view bytes, struct err *err)
{
    static const char begin[] = "version https://git-lfs.github.com/spec/";

    if (bytes.len < sizeof(begin) || memcmp(bytes.ptr, begin, sizeof(begin) - 1) != 0)
        return 0;
    return err_set(err, ERR_NOINPUT,
                   "%s: a git-lfs pointer instead of the file; fetch it: git lfs pull", path);
}
