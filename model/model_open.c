/* Opens a model directory: reads every file, checks each against the others. */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "model/checkpoint/family.h"
#include "model/checkpoint/sentence_transformers.h"
#include "model/files/config_json.h"
#include "model/model_struct.h"

struct opening {
    struct model *model;
    struct model_files files;
    json_t *config; /* config.json's object */
    const struct family *family;
    struct sentence_transformers st;
    struct model_open_args args;
};

static const char *last_part(const char *dir, struct arena *arena)
{
    struct view v = view_of(dir);
    size_t from;

    while (v.len > 1 && v.ptr[v.len - 1] == '/')
        v.len--;
    from = v.len;
    while (from > 0 && v.ptr[from - 1] != '/')
        from--;
    return arena_copy(arena, (struct view){v.ptr + from, v.len - from}).ptr;
}

static int read_config(struct opening *o, struct err *err)
{
    const char *file = o->files.paths[FILE_CONFIG];
    struct model *m = o->model;
    const char *name;

    if (config_parse(file, buf_view(&o->files.bytes[FILE_CONFIG]), &o->config, err))
        return -1;
    o->family = family_find(file, o->config, err);
    if (!o->family)
        return -1;
    m->family = o->family->model_type;
    name = json_string_value(json_array_get(json_object_get(o->config, "architectures"), 0));
    m->architecture = arena_copy(&m->arena, view_of(name ? name : "none stated")).ptr;
    if (!m->architecture)
        return err_set(err, ERR_NOMEM, "%s: out of memory", m->dir);
    return o->family->config(file, o->config, &m->encoders[0].config, &m->head, err);
}

/* The dtype of most elements: usually called the file's precision. */
static const char *main_dtype(const struct safetensors *tensors)
{
    const struct safetensor *largest = &tensors->items[0];

    for (int i = 1; i < tensors->n; i++)
        if (tensors->items[i].end - tensors->items[i].begin > largest->end - largest->begin)
            largest = &tensors->items[i];
    return safetensors_dtype_name(largest);
}

/* Every tensor is in the shard that the index names, and the shards hold no others. */
static int check_shard(const struct model_files *files, const struct model_shard *shard,
                       const struct safetensors *part, struct err *err)
{
    for (int i = 0; i < part->n; i++) {
        const char *name =
            json_string_value(json_object_get(files->weight_map, part->items[i].name));
        if (!name || strcmp(name, shard->name) != 0)
            return err_set(err, ERR_DATA, "%s: tensor %s: surplus, %s has it in %s", shard->path,
                           part->items[i].name, model_file_names[FILE_INDEX],
                           name ? name : "no file");
    }
    return 0;
}

static int join_shards(const struct model_files *files, struct safetensors *tensors,
                       struct err *err)
{
    const char *name;
    json_t *file;

    *tensors = (struct safetensors){.file = files->paths[FILE_INDEX]};
    for (int i = 0; i < files->n_shards; i++) {
        const struct model_shard *shard = &files->shards[i];
        struct safetensors part;
        if (safetensors_init(&part, shard->path, buf_view(&shard->bytes), err))
            return -1;
        if (check_shard(files, shard, &part, err)) {
            safetensors_release(&part);
            return -1;
        }
        if (safetensors_join(tensors, &part, err))
            return -1;
    }
    /* None is surplus or duplicate, so an equal count means all are present. */
    if ((size_t)tensors->n == json_object_size(files->weight_map))
        return 0;
    json_object_foreach(files->weight_map, name, file)
    {
        if (!safetensors_find(tensors, name))
            return err_set(err, ERR_DATA, "%s: tensor %.200s: missing in %s", tensors->file, name,
                           json_string_value(file));
    }
    return 0;
}

static int open_tensors(const struct model_files *files, struct safetensors *tensors,
                        struct err *err)
{
    if (files->present[FILE_WEIGHTS])
        return safetensors_init(tensors, files->paths[FILE_WEIGHTS],
                                buf_view(&files->bytes[FILE_WEIGHTS]), err);
    if (join_shards(files, tensors, err)) {
        safetensors_release(tensors);
        return -1;
    }
    return 0;
}

static int read_weights(struct opening *o, struct err *err)
{
    struct model *m = o->model;
    struct safetensors tensors;
    int rc;

    if (open_tensors(&o->files, &tensors, err))
        return -1;
    rc = o->family->weights(&tensors, &m->arena, &m->encoders[0], &m->head, err);
    m->n_tensors = tensors.n;
    if (rc == 0)
        m->weights_dtype = main_dtype(&tensors);
    safetensors_release(&tensors);
    return rc;
}

static struct tokenizer_file tokenizer_file(const struct model_files *files, enum model_file i)
{
    struct tokenizer_file file = {.name = files->paths[i]};

    if (files->present[i])
        file.bytes = buf_view(&files->bytes[i]);
    return file;
}

/* How labels become a probability, once the weights show that there is a classifier. */
static int check_scores(struct opening *o, struct err *err)
{
    struct model *m = o->model;

    if (m->head.labels == 0)
        return 0;
    return sentence_transformers_modules(&o->files, err) ||
                   sentence_transformers_labels(o->files.paths[FILE_CONFIG], &o->st, &m->head, err)
               ? -1
               : 0;
}

/* The smallest limit in the files, and no more than the number of positions. */
static int limit_tokens(struct opening *o, struct err *err)
{
    struct model *m = o->model;
    const int stated[] = {tokenizer_facts(m->tokenizer)->max_tokens, o->st.max_tokens};

    m->max_tokens = m->encoders[0].config.positions;
    for (size_t i = 0; i < 2; i++)
        if (stated[i] && stated[i] < m->max_tokens)
            m->max_tokens = stated[i];
    if (o->st.lower_case && !tokenizer_facts(m->tokenizer)->lowercases)
        return err_set(err, ERR_DATA,
                       "%s: /do_lower_case: the tokenizer keeps capitals; lower-case texts before, "
                       "or state it in tokenizer_config.json",
                       o->files.paths[FILE_SENTENCE_BERT]);
    return 0;
}

static int read_tokenizer(struct opening *o, struct err *err)
{
    const struct model_files *files = &o->files;
    struct model *m = o->model;
    const struct tokenizer_files from = {.json = tokenizer_file(files, FILE_TOKENIZER),
                                         .vocab = tokenizer_file(files, FILE_VOCAB),
                                         .config = tokenizer_file(files, FILE_TOKENIZER_CONFIG),
                                         .special_map = tokenizer_file(files, FILE_SPECIAL_MAP),
                                         .added = tokenizer_file(files, FILE_ADDED_TOKENS),
                                         .model_config = tokenizer_file(files, FILE_CONFIG)};

    if (tokenizer_from_files(&from, &m->tokenizer, err))
        return -1;
    if (tokenizer_facts(m->tokenizer)->vocab_size > m->encoders[0].config.vocab)
        return err_set(err, ERR_DATA, "%s: the vocabulary has %d words, the embeddings %d rows",
                       m->dir, tokenizer_facts(m->tokenizer)->vocab_size,
                       m->encoders[0].config.vocab);
    return limit_tokens(o, err);
}

/* With more than two labels there is no probability of a click. */
static int check_kind(struct model *m, const struct model_files *files, struct err *err)
{
    BUG_ON(m->adrank.kind->n_networks > MODEL_MAX_ENCODERS);
    m->n_encoders = m->adrank.kind->n_networks;
    if (m->head.labels > 2)
        return err_set(err, ERR_DATA, "%s: %d labels, a click-through model has one or two",
                       files->paths[FILE_CONFIG], m->head.labels);
    if (m->encoders[0].config.types < m->adrank.kind->min_types)
        return err_set(err, ERR_DATA, "%s: /type_vocab_size: kind %s needs at least %d",
                       files->paths[FILE_CONFIG], m->adrank.kind->name, m->adrank.kind->min_types);
    if (m->has_adrank_json && m->head.labels != m->adrank.labels)
        return err_set(err, ERR_DATA, "%s: /heads/ctr/labels: %d, the classifier has %d",
                       files->paths[FILE_ADRANK], m->adrank.labels, m->head.labels);
    return 0;
}

static int check_sha256(const struct model *m, const struct model_files *files, struct err *err)
{
    char sha256[SHA256_HEX + 1];

    if (!m->adrank.weights_sha256)
        return 0;
    if (model_files_weights_sha256(files, sha256, err))
        return -1;
    if (strcmp(sha256, m->adrank.weights_sha256) != 0)
        return err_set(err, ERR_DATA, "%s: SHA-256 is %s, adrank.json has %s",
                       files->paths[files->present[FILE_WEIGHTS] ? FILE_WEIGHTS : FILE_INDEX],
                       sha256, m->adrank.weights_sha256);
    return 0;
}

/* A directory without adrank.json has the defaults. */
static int read_adrank(struct opening *o, struct err *err)
{
    struct model *m = o->model;
    const struct model_files *files = &o->files;
    const struct view *instead = o->args.adrank;
    const char *name = last_part(m->dir, &m->arena);
    const struct view text = instead ? *instead : buf_view(&files->bytes[FILE_ADRANK]);

    m->has_adrank_json = instead ? text.len > 0 : files->present[FILE_ADRANK];
    if (!name)
        return err_set(err, ERR_NOMEM, "%s: out of memory", m->dir);
    if (o->args.draft && model_files_weights_sha256(files, m->weights_sha256, err))
        return -1;
    if (!m->has_adrank_json)
        return adrank_json_default(&m->adrank, name, m->max_tokens, m->head.labels, &m->arena, err);
    return adrank_json_parse(&m->adrank,
                             &(struct adrank_json_args){.file = files->paths[FILE_ADRANK],
                                                        .text = text,
                                                        .positions = m->max_tokens,
                                                        .draft = o->args.draft},
                             &m->arena, err);
}

static int fill(struct opening *o, const char *dir, struct err *err)
{
    struct model *m = o->model;

    m->dir = arena_copy(&m->arena, view_of(dir)).ptr;
    if (!m->dir)
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    return model_files_read_config(&o->files, dir, err) || read_config(o, err) ||
                   model_files_read_rest(&o->files, dir, err) ||
                   sentence_transformers_read(&o->files, o->config, &o->st, err) ||
                   read_tokenizer(o, err) || read_adrank(o, err) ||
                   check_sha256(m, &o->files, err) || read_weights(o, err) ||
                   check_scores(o, err) || check_kind(m, &o->files, err) ||
                   model_files_digest(&o->files, m->digest, err)
               ? -1
               : 0;
}

int model_open_with(const char *dir, const struct model_open_args *args, struct model **out,
                    struct err *err)
{
    struct opening o = {.model = calloc(1, sizeof(*o.model)), .args = *args};
    int rc;

    if (!o.model)
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    atomic_init(&o.model->refs, 1);
    arena_init(&o.model->arena, 64 << 10, 0);
    rc = fill(&o, dir, err);
    json_decref(o.config);
    model_files_release(&o.files);
    if (rc) {
        model_unref(o.model);
        return -1;
    }
    *out = o.model;
    return 0;
}

int model_open(const char *dir, struct model **out, struct err *err)
{
    return model_open_with(dir, &(struct model_open_args){0}, out, err);
}
