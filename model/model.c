#include <stdlib.h>
#include <string.h>

#include "model/config_json.h"
#include "model/model_struct.h"

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

static int read_config(struct model *m, const struct model_files *files,
                       const struct family **family, struct err *err)
{
    const char *file = files->paths[FILE_CONFIG];
    json_t *doc;
    int rc = -1;

    if (config_parse(file, buf_view(&files->bytes[FILE_CONFIG]), &doc, err))
        return -1;
    *family = family_find(file, doc, err);
    if (*family) {
        m->family = (*family)->model_type;
        rc = (*family)->config(file, doc, &m->config, err);
    }
    json_decref(doc);
    return rc;
}

/* Which dtype most of the elements have: what a person calls the file's precision. */
static const char *main_dtype(const struct safetensors *tensors)
{
    const struct safetensor *largest = &tensors->items[0];

    for (int i = 1; i < tensors->n; i++)
        if (tensors->items[i].end - tensors->items[i].begin > largest->end - largest->begin)
            largest = &tensors->items[i];
    return safetensors_dtype_name(largest);
}

static int read_weights(struct model *m, const struct model_files *files,
                        const struct family *family, struct err *err)
{
    struct safetensors tensors;
    int rc;

    if (safetensors_init(&tensors, files->paths[FILE_WEIGHTS],
                         buf_view(&files->bytes[FILE_WEIGHTS]), err))
        return -1;
    rc = family->weights(&tensors, &m->config, &m->arena, &m->weights, err);
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

static int read_tokenizer(struct model *m, const struct model_files *files, struct err *err)
{
    const struct tokenizer_files from = {.json = tokenizer_file(files, FILE_TOKENIZER),
                                         .vocab = tokenizer_file(files, FILE_VOCAB),
                                         .config = tokenizer_file(files, FILE_TOKENIZER_CONFIG),
                                         .special_map = tokenizer_file(files, FILE_SPECIAL_MAP),
                                         .added = tokenizer_file(files, FILE_ADDED_TOKENS)};

    if (tokenizer_from_files(&from, &m->tokenizer, err))
        return -1;
    if (tokenizer_vocab_size(m->tokenizer) > m->config.vocab)
        return err_set(err, ERR_DATA, "%s: the vocabulary has %d words, the embeddings %d rows",
                       m->dir, tokenizer_vocab_size(m->tokenizer), m->config.vocab);
    return 0;
}

/* base_rate is needed by files that have a head only; labels beyond two have no probability of a
 * click. */
static int check_head(struct model *m, const struct model_files *files, struct err *err)
{
    if (m->config.labels > 2)
        return err_set(err, ERR_DATA, "%s: %d labels, a click-through model has one or two",
                       files->paths[FILE_CONFIG], m->config.labels);
    if (m->config.types < m->adrank.kind->min_types)
        return err_set(err, ERR_DATA, "%s: /type_vocab_size: kind %s wants at least %d",
                       files->paths[FILE_CONFIG], m->adrank.kind->name, m->adrank.kind->min_types);
    if (m->has_adrank_json && m->config.labels != m->adrank.labels)
        return err_set(err, ERR_DATA, "%s: /heads/ctr/labels: %d, the classifier has %d",
                       files->paths[FILE_ADRANK], m->adrank.labels, m->config.labels);
    return 0;
}

static int check_sha256(const struct model *m, const struct model_files *files, struct err *err)
{
    char sha256[SHA256_HEX + 1];

    if (!m->adrank.weights_sha256)
        return 0;
    if (model_files_sha256(files, FILE_WEIGHTS, sha256, err))
        return -1;
    if (strcmp(sha256, m->adrank.weights_sha256) != 0)
        return err_set(err, ERR_DATA, "%s: SHA-256 is %s, adrank.json says %s",
                       files->paths[FILE_WEIGHTS], sha256, m->adrank.weights_sha256);
    return 0;
}

static int read_adrank(struct model *m, const struct model_files *files, struct err *err)
{
    const char *name = last_part(m->dir, &m->arena);

    m->has_adrank_json = files->present[FILE_ADRANK];
    if (!name)
        return err_set(err, ERR_NOMEM, "%s: out of memory", m->dir);
    if (m->has_adrank_json)
        return adrank_json_parse(&m->adrank, files->paths[FILE_ADRANK],
                                 buf_view(&files->bytes[FILE_ADRANK]), m->config.positions,
                                 &m->arena, err);
    return adrank_json_default(&m->adrank, name, m->config.positions, m->config.labels, &m->arena,
                               err);
}

static int fill(struct model *m, const char *dir, const struct model_files *files, struct err *err)
{
    const struct family *family;

    m->dir = arena_copy(&m->arena, view_of(dir)).ptr;
    if (!m->dir)
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    return read_config(m, files, &family, err) || read_adrank(m, files, err) ||
                   check_sha256(m, files, err) || read_weights(m, files, family, err) ||
                   check_head(m, files, err) || read_tokenizer(m, files, err) ||
                   model_files_digest(files, m->digest, err)
               ? -1
               : 0;
}

int model_open(const char *dir, struct model **out, struct err *err)
{
    struct model_files files;
    struct model *m;
    int rc;

    if (model_files_read(&files, dir, err))
        return -1;
    m = calloc(1, sizeof(*m));
    if (!m) {
        model_files_release(&files);
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    }
    atomic_init(&m->refs, 1);
    arena_init(&m->arena, 64 << 10, 0);
    rc = fill(m, dir, &files, err);
    model_files_release(&files);
    if (rc) {
        model_unref(m);
        return -1;
    }
    *out = m;
    return 0;
}

struct model *model_ref(struct model *model)
{
    atomic_fetch_add_explicit(&model->refs, 1, memory_order_relaxed);
    return model;
}

void model_unref(struct model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->refs, 1, memory_order_acq_rel) != 1)
        return;
    tokenizer_free(model->tokenizer);
    arena_release(&model->arena);
    free(model);
}

const char *model_dir(const struct model *model)
{
    return model->dir;
}

const char *model_kind(const struct model *model)
{
    return model->adrank.kind->name;
}

const char *model_name(const struct model *model)
{
    return model->adrank.name;
}

const char *model_version(const struct model *model)
{
    return model->adrank.version;
}

const char *model_digest(const struct model *model)
{
    return model->digest;
}

uint64_t model_dir_stamp(const char *dir)
{
    return model_files_stamp(dir);
}

const struct tokenizer *model_tokenizer(const struct model *model)
{
    return model->tokenizer;
}

int model_labels(const struct model *model)
{
    return model->config.labels;
}

int model_max_tokens(const struct model *model)
{
    return model->config.positions;
}

double model_base_rate(const struct model *model)
{
    return model->adrank.base_rate;
}

/* Of two labels, softmax of the second is sigmoid of the difference. */
double model_logit(const struct model *model, const float *logits)
{
    return model->config.labels == 2 ? (double)logits[1] - (double)logits[0] : (double)logits[0];
}

double model_pctr(const struct model *model, const float *logits)
{
    return calibration_pctr(&model->adrank.calibration, model_logit(model, logits));
}
