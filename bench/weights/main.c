/*
 * Writes a model directory with the shape of MiniLM-L6 and random weights: what a daemon is
 * measured with where no trained model of that size is at hand. Times do not depend on training.
 * Vocabulary and tokenizer are those of another directory, filled up to the size; adrank.json is
 * left to `adrank-model pack`.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/number.h"
#include "base/rng.h"
#include "bench/usage.h"
#include "json/writer.h"

#define USAGE                                                                                      \
    "usage: bench-weights DIR SEED [LIKE [LAYERS HIDDEN HEADS INNER VOCABULARY]]\n"                \
    "Writes a model with random weights to DIR. LIKE: a model directory with a vocabulary,\n"      \
    "default config/demo/model; default sizes: 6 384 12 1536 30522, MiniLM-L6's\n"

#define POSITIONS 512
#define MAX_LAYERS 48
#define MAX_VOCAB_BYTES (16 << 20)

enum { LAYERS, HIDDEN, HEADS, INNER, VOCABULARY, SIZES };

/* ---- tensors --------------------------------------------------------------------------------- */

/* How a tensor's numbers are distributed: deviations are relative to that which keeps a product's
 * outputs as large as its inputs. READ_OUT: so that logits spread well over 1. */
enum values { WEIGHT, BIAS, GAMMA, READ_OUT };
static const struct {
    double mean, deviation;
    bool of_product;
} distributions[] = {[WEIGHT] = {0, 1, true},
                     [BIAS] = {0, 0.03, false},
                     [GAMMA] = {1, 0.1, false},
                     [READ_OUT] = {0, 20, true}};

enum dim { ONE, V, P, Y, H, F, L };

struct tensor {
    const char *name;
    enum dim rows, cols; /* rows ONE: a vector */
    enum values values;
};

static const struct tensor embeddings[] = {
    {"bert.embeddings.word_embeddings.weight", V, H, WEIGHT},
    {"bert.embeddings.position_embeddings.weight", P, H, WEIGHT},
    {"bert.embeddings.token_type_embeddings.weight", Y, H, WEIGHT},
    {"bert.embeddings.LayerNorm.weight", ONE, H, GAMMA},
    {"bert.embeddings.LayerNorm.bias", ONE, H, BIAS},
};
static const struct tensor layer[] = {
    {"attention.self.query.weight", H, H, WEIGHT},
    {"attention.self.query.bias", ONE, H, BIAS},
    {"attention.self.key.weight", H, H, WEIGHT},
    {"attention.self.key.bias", ONE, H, BIAS},
    {"attention.self.value.weight", H, H, WEIGHT},
    {"attention.self.value.bias", ONE, H, BIAS},
    {"attention.output.dense.weight", H, H, WEIGHT},
    {"attention.output.dense.bias", ONE, H, BIAS},
    {"attention.output.LayerNorm.weight", ONE, H, GAMMA},
    {"attention.output.LayerNorm.bias", ONE, H, BIAS},
    {"intermediate.dense.weight", F, H, WEIGHT},
    {"intermediate.dense.bias", ONE, F, BIAS},
    {"output.dense.weight", H, F, WEIGHT},
    {"output.dense.bias", ONE, H, BIAS},
    {"output.LayerNorm.weight", ONE, H, GAMMA},
    {"output.LayerNorm.bias", ONE, H, BIAS},
};
static const struct tensor top[] = {
    {"bert.pooler.dense.weight", H, H, WEIGHT},
    {"bert.pooler.dense.bias", ONE, H, BIAS},
    {"classifier.weight", L, H, READ_OUT},
    {"classifier.bias", ONE, L, BIAS},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct writer {
    const int *sizes;
    struct rng rng;
    struct json_writer header;
    struct buf text, data;
};

static size_t dim_of(const int *sizes, enum dim dim)
{
    const int dims[] = {[ONE] = 1, [V] = sizes[VOCABULARY], [P] = POSITIONS,   [Y] = 2,
                        [L] = 1,   [H] = sizes[HIDDEN],     [F] = sizes[INNER]};

    return (size_t)dims[dim];
}

/* The upper half of an f32, rounded down: random numbers need no better. */
static uint16_t bf16_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return (uint16_t)(bits >> 16);
}

/* A sum of four uniform numbers is near enough to a normal one, and fast. */
static double random_value(struct rng *rng)
{
    const uint64_t bits = rng_u64(rng);
    double sum = 0;

    for (int i = 0; i < 4; i++)
        sum += (double)(bits >> (16 * i) & 0xffff) / 65536.0 - 0.5;
    return sum / 0.5773502691896258;
}

static void put_tensor(struct writer *w, const char *name, const struct tensor *t)
{
    const size_t rows = dim_of(w->sizes, t->rows), cols = dim_of(w->sizes, t->cols);
    const size_t begin = w->data.len;
    const double mean = distributions[t->values].mean;
    double deviation = distributions[t->values].deviation;

    if (distributions[t->values].of_product)
        deviation /= sqrt(w->sizes[HIDDEN]);
    for (size_t i = 0; i < rows * cols; i++) {
        const uint16_t half = bf16_of((float)(mean + deviation * random_value(&w->rng)));
        buf_add(&w->data, &half, sizeof(half));
    }
    jw_member_object(&w->header, name);
    jw_member_str(&w->header, "dtype", "BF16");
    jw_member_array(&w->header, "shape");
    if (t->rows != ONE)
        jw_int(&w->header, (int64_t)rows);
    jw_int(&w->header, (int64_t)cols);
    jw_array_end(&w->header);
    jw_member_array(&w->header, "data_offsets");
    jw_int(&w->header, (int64_t)begin);
    jw_int(&w->header, (int64_t)w->data.len);
    jw_array_end(&w->header);
    jw_object_end(&w->header);
}

static void put_tensors(struct writer *w)
{
    char name[128];

    for (size_t i = 0; i < COUNT(embeddings); i++)
        put_tensor(w, embeddings[i].name, &embeddings[i]);
    for (int l = 0; l < w->sizes[LAYERS]; l++)
        for (size_t i = 0; i < COUNT(layer); i++) {
            snprintf(name, sizeof(name), "bert.encoder.layer.%d.%s", l, layer[i].name);
            put_tensor(w, name, &layer[i]);
        }
    for (size_t i = 0; i < COUNT(top); i++)
        put_tensor(w, top[i].name, &top[i]);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int put_file(const char *folder, const char *name, const struct buf *bytes, struct err *err)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (buf_failed(bytes))
        return err_set(err, ERR_NOMEM, "%s: out of memory", path);
    return file_write(path, buf_view(bytes), err);
}

/* safetensors: the header's length, the header, the numbers. */
static int write_weights(const char *folder, const int *sizes, uint64_t seed, struct err *err)
{
    struct writer w = {.sizes = sizes, .text = BUF_INIT, .data = BUF_INIT};
    struct buf file = BUF_INIT;
    uint64_t len;
    int rc;

    rng_init(&w.rng, seed);
    json_writer_init(&w.header, &w.text);
    jw_object_begin(&w.header);
    put_tensors(&w);
    jw_object_end(&w.header);
    while (w.text.len % 8)
        buf_add_str(&w.text, " ");
    len = w.text.len;
    buf_add(&file, &len, sizeof(len));
    buf_add(&file, w.text.ptr, w.text.len);
    buf_add(&file, w.data.ptr, w.data.len);
    rc = buf_failed(&w.text) || buf_failed(&w.data)
             ? err_set(err, ERR_NOMEM, "%s: out of memory", folder)
             : put_file(folder, "model.safetensors", &file, err);
    buf_release(&w.text);
    buf_release(&w.data);
    buf_release(&file);
    return rc;
}

static int write_config(const char *folder, const int *sizes, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc;

    buf_printf(
        &text,
        "{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\",\n"
        " \"num_hidden_layers\": %d, \"hidden_size\": %d, \"num_attention_heads\": %d,\n"
        " \"intermediate_size\": %d, \"vocab_size\": %d, \"max_position_embeddings\": %d,\n"
        " \"type_vocab_size\": 2, \"hidden_act\": \"gelu\", \"layer_norm_eps\": 1e-12,\n"
        " \"pad_token_id\": 0, \"id2label\": {\"0\": \"click\"}}\n",
        sizes[LAYERS], sizes[HIDDEN], sizes[HEADS], sizes[INNER], sizes[VOCABULARY], POSITIONS);
    rc = put_file(folder, "config.json", &text, err);
    buf_release(&text);
    return rc;
}

/* LIKE's words, then ones that no text has. */
static int write_vocabulary(const char *folder, const char *like, int size, struct err *err)
{
    struct buf words = BUF_INIT;
    char path[4096];
    int n = 0, rc;

    snprintf(path, sizeof(path), "%s/vocab.txt", like);
    rc = file_read(path, MAX_VOCAB_BYTES, &words, err);
    for (size_t i = 0; rc == 0 && i < words.len; i++)
        n += words.ptr[i] == '\n';
    if (rc == 0 && n > size)
        rc = err_set(err, ERR_DATA, "%s: %d words, more than %d", path, n, size);
    for (; rc == 0 && n < size; n++)
        buf_printf(&words, "[unused%d]\n", n);
    if (rc == 0)
        rc = put_file(folder, "vocab.txt", &words, err);
    buf_release(&words);
    return rc;
}

static int write_tokenizer(const char *folder, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc;

    buf_printf(&text,
               "{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": true,\n"
               " \"model_max_length\": %d, \"strip_accents\": null}\n",
               POSITIONS);
    rc = put_file(folder, "tokenizer_config.json", &text, err);
    buf_release(&text);
    return rc;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int read_sizes(char **words, int n, int *sizes, struct err *err)
{
    static const int most[] = {MAX_LAYERS, 4096, 64, 16384, 1000000};

    for (int i = 0; i < n; i++) {
        int64_t value;
        if (number_int(view_of(words[i]), 1, most[i], &value))
            return err_set(err, ERR_USAGE, "\"%s\": want a number from 1 to %d", words[i], most[i]);
        sizes[i] = (int)value;
    }
    if (sizes[HIDDEN] % sizes[HEADS])
        return err_set(err, ERR_USAGE, "%d heads do not divide %d", sizes[HEADS], sizes[HIDDEN]);
    return 0;
}

static int run(int argc, char **argv, struct err *err)
{
    const char *folder = argv[1], *like = argc > 3 ? argv[3] : "config/demo/model";
    int sizes[SIZES] = {6, 384, 12, 1536, 30522};
    int64_t seed;

    if (number_int(view_of(argv[2]), 0, INT32_MAX, &seed))
        return err_set(err, ERR_USAGE, "\"%s\": want a seed", argv[2]);
    if (read_sizes(argv + 4, argc > 4 ? argc - 4 : 0, sizes, err))
        return -1;
    (void)mkdir(folder, 0755); /* writing into it says what is wrong */
    return write_config(folder, sizes, err) ||
                   write_vocabulary(folder, like, sizes[VOCABULARY], err) ||
                   write_tokenizer(folder, err) || write_weights(folder, sizes, (uint64_t)seed, err)
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    const int status = usage_status(argc, argv, 2, 3 + SIZES, USAGE);
    struct err err;

    if (status >= 0)
        return status;
    if (argc > 4 && argc < 4 + SIZES) {
        fputs(USAGE, stderr);
        return ERR_USAGE;
    }
    if (run(argc, argv, &err) == 0)
        return 0;
    fprintf(stderr, "bench-weights: %s\n", err.text);
    return err_exit_status(&err);
}
