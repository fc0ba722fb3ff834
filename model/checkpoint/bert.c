/* The BERT family (Devlin et al. 2018) in the format of transformers: BertModel,
 * BertForSequenceClassification. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "model/checkpoint/bert.h"

enum size { SIZE_NONE, SIZE_V, SIZE_P, SIZE_Y, SIZE_H, SIZE_F, SIZE_L };

enum owner { OWNER_ENCODER, OWNER_LAYER, OWNER_POOLER, OWNER_CLASSIFIER };

struct tensor_row {
    const char *name; /* after the layer's prefix for OWNER_LAYER */
    enum owner owner;
    size_t slot;          /* of the float * in encoder_weights, layer_weights or head */
    enum size rows, cols; /* rows SIZE_NONE: one dimension */
    int part, parts;      /* where several tensors lie in one buffer, rows joined */
};

#define ENCODER(slot_) OWNER_ENCODER, offsetof(struct encoder_weights, slot_)
#define LAYER(slot_) OWNER_LAYER, offsetof(struct layer_weights, slot_)
#define POOLER(slot_) OWNER_POOLER, offsetof(struct head, slot_)
#define CLASSIFIER(slot_) OWNER_CLASSIFIER, offsetof(struct head, slot_)

static const struct tensor_row tensor_rows[] = {
    {"embeddings.word_embeddings.weight", ENCODER(word), SIZE_V, SIZE_H, 0, 1},
    {"embeddings.position_embeddings.weight", ENCODER(position), SIZE_P, SIZE_H, 0, 1},
    {"embeddings.token_type_embeddings.weight", ENCODER(type), SIZE_Y, SIZE_H, 0, 1},
    {"embeddings.LayerNorm.weight", ENCODER(embed_gamma), SIZE_NONE, SIZE_H, 0, 1},
    {"embeddings.LayerNorm.bias", ENCODER(embed_beta), SIZE_NONE, SIZE_H, 0, 1},
    {"attention.self.query.weight", LAYER(qkv), SIZE_H, SIZE_H, 0, 3},
    {"attention.self.key.weight", LAYER(qkv), SIZE_H, SIZE_H, 1, 3},
    {"attention.self.value.weight", LAYER(qkv), SIZE_H, SIZE_H, 2, 3},
    {"attention.self.query.bias", LAYER(qkv_bias), SIZE_NONE, SIZE_H, 0, 3},
    {"attention.self.key.bias", LAYER(qkv_bias), SIZE_NONE, SIZE_H, 1, 3},
    {"attention.self.value.bias", LAYER(qkv_bias), SIZE_NONE, SIZE_H, 2, 3},
    {"attention.output.dense.weight", LAYER(attention_out), SIZE_H, SIZE_H, 0, 1},
    {"attention.output.dense.bias", LAYER(attention_out_bias), SIZE_NONE, SIZE_H, 0, 1},
    {"attention.output.LayerNorm.weight", LAYER(norm1_gamma), SIZE_NONE, SIZE_H, 0, 1},
    {"attention.output.LayerNorm.bias", LAYER(norm1_beta), SIZE_NONE, SIZE_H, 0, 1},
    {"intermediate.dense.weight", LAYER(inner), SIZE_F, SIZE_H, 0, 1},
    {"intermediate.dense.bias", LAYER(inner_bias), SIZE_NONE, SIZE_F, 0, 1},
    {"output.dense.weight", LAYER(outer), SIZE_H, SIZE_F, 0, 1},
    {"output.dense.bias", LAYER(outer_bias), SIZE_NONE, SIZE_H, 0, 1},
    {"output.LayerNorm.weight", LAYER(norm2_gamma), SIZE_NONE, SIZE_H, 0, 1},
    {"output.LayerNorm.bias", LAYER(norm2_beta), SIZE_NONE, SIZE_H, 0, 1},
    {"pooler.dense.weight", POOLER(pooler), SIZE_H, SIZE_H, 0, 1},
    {"pooler.dense.bias", POOLER(pooler_bias), SIZE_NONE, SIZE_H, 0, 1},
    {"classifier.weight", CLASSIFIER(classifier), SIZE_L, SIZE_H, 0, 1},
    {"classifier.bias", CLASSIFIER(classifier_bias), SIZE_NONE, SIZE_L, 0, 1},
};

/* Tensors that checkpoints carry and inference does not need: buffers that only count, and the
 * heads of pretraining. A name ends in '*' where anything may follow. */
static const char *const ignorable[] = {
    "embeddings.position_ids",
    "bert.embeddings.position_ids",
    "embeddings.token_type_ids",
    "bert.embeddings.token_type_ids",
    "cls.*",
};

static bool is_ignorable(const char *name)
{
    for (size_t i = 0; i < sizeof(ignorable) / sizeof(ignorable[0]); i++) {
        size_t len = strlen(ignorable[i]);
        if (ignorable[i][len - 1] == '*' ? strncmp(name, ignorable[i], len - 1) == 0
                                         : strcmp(name, ignorable[i]) == 0)
            return true;
    }
    return false;
}

/* The classifier never has the prefix: transformers puts it next to the encoder. */
static void full_name(const struct tensor_row *row, const char *prefix, int layer, char *out,
                      size_t size)
{
    if (row->owner == OWNER_LAYER)
        snprintf(out, size, "%sencoder.layer.%d.%s", prefix, layer, row->name);
    else
        snprintf(out, size, "%s%s", row->owner == OWNER_CLASSIFIER ? "" : prefix, row->name);
}

/* Checkpoints of 2018 and 2019 call the norms' tensors gamma and beta. */
static struct safetensor *find_by_either_name(const struct safetensors *tensors, const char *name)
{
    static const char *const endings[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                             {"LayerNorm.bias", "LayerNorm.beta"}};
    struct safetensor *tensor = safetensors_find(tensors, name);
    size_t len = strlen(name);

    for (size_t i = 0; !tensor && i < 2; i++) {
        size_t ending = strlen(endings[i][0]);
        char old[256];
        if (len < ending || strcmp(name + len - ending, endings[i][0]) != 0)
            continue;
        snprintf(old, sizeof(old), "%.*s%s", (int)(len - ending), name, endings[i][1]);
        tensor = safetensors_find(tensors, old);
    }
    return tensor;
}

struct reading {
    struct safetensors *tensors;
    const struct encoder_config *config;
    const struct head *head;
    struct arena *arena;
    const char *prefix;
};

static int64_t size_of(const struct reading *r, enum size size)
{
    const struct encoder_config *c = r->config;
    const int64_t sizes[] = {
        [SIZE_NONE] = 0,      [SIZE_V] = c->vocab, [SIZE_P] = c->positions,   [SIZE_Y] = c->types,
        [SIZE_H] = c->hidden, [SIZE_F] = c->inner, [SIZE_L] = r->head->labels};

    return sizes[size];
}

/* base is the struct that holds the row's slot. */
static int read_tensor(const struct reading *r, const struct tensor_row *row, int layer, void *base,
                       struct err *err)
{
    int64_t rows = size_of(r, row->rows), cols = size_of(r, row->cols);
    size_t n = (size_t)((rows ? rows : 1) * cols);
    float **slot = (float **)(void *)((char *)base + row->slot);
    struct safetensor *tensor;
    char name[256];

    full_name(row, r->prefix, layer, name, sizeof(name));
    tensor = find_by_either_name(r->tensors, name);
    if (!tensor)
        return err_set(err, ERR_DATA, "%s: tensor %s: missing", r->tensors->file, name);
    if (safetensors_check_shape(tensor, rows, cols, err))
        return -1;
    if (row->part == 0)
        *slot = arena_array(r->arena, n * (size_t)row->parts, sizeof(float));
    if (!*slot)
        return err_set(err, ERR_NOMEM, "%s: out of memory", r->tensors->file);
    tensor->used = true;
    return safetensors_read_f32(tensor, *slot + n * (size_t)row->part, err);
}

static int read_owner(const struct reading *r, enum owner owner, int layer, void *base,
                      struct err *err)
{
    for (size_t i = 0; i < sizeof(tensor_rows) / sizeof(tensor_rows[0]); i++)
        if (tensor_rows[i].owner == owner && read_tensor(r, &tensor_rows[i], layer, base, err))
            return -1;
    return 0;
}

static bool has(const struct reading *r, const char *prefix, const char *name)
{
    char full[256];

    snprintf(full, sizeof(full), "%s%s", prefix, name);
    return safetensors_find(r->tensors, full);
}

static int refuse_surplus(const struct safetensors *tensors, struct err *err)
{
    for (int i = 0; i < tensors->n; i++)
        if (!tensors->items[i].used && !is_ignorable(tensors->items[i].name))
            return err_set(err, ERR_DATA,
                           "%s: tensor %s: surplus, this configuration has no such tensor",
                           tensors->items[i].file, tensors->items[i].name);
    return 0;
}

static int bert_weights(struct safetensors *tensors, struct arena *arena, struct encoder *encoder,
                        struct head *head, struct err *err)
{
    struct encoder_weights *out = &encoder->weights;
    const int layers = encoder->config.layers;
    struct reading r = {
        .tensors = tensors, .config = &encoder->config, .head = head, .arena = arena};

    *out = (struct encoder_weights){0};
    r.prefix = has(&r, "bert.", "embeddings.word_embeddings.weight") ? "bert." : "";
    if (!has(&r, "", "classifier.weight") && !has(&r, "", "classifier.bias"))
        head->labels = 0;
    if (read_owner(&r, OWNER_ENCODER, 0, out, err))
        return -1;
    out->layers = arena_calloc(arena, (size_t)layers, sizeof(*out->layers));
    if (!out->layers)
        return err_set(err, ERR_NOMEM, "%s: out of memory", tensors->file);
    for (int l = 0; l < layers; l++)
        if (read_owner(&r, OWNER_LAYER, l, &out->layers[l], err))
            return -1;
    if ((head->labels || has(&r, r.prefix, "pooler.dense.weight")) &&
        read_owner(&r, OWNER_POOLER, 0, head, err))
        return -1;
    if (head->labels && read_owner(&r, OWNER_CLASSIFIER, 0, head, err))
        return -1;
    return refuse_surplus(tensors, err);
}

const struct family family_bert = {
    .model_type = "bert",
    .config = bert_config,
    .weights = bert_weights,
};
