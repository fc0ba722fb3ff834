/* Reads the files that sentence-transformers adds. */
#include "model/checkpoint/sentence_transformers.h"

#include <string.h>

#include "model/files/config_json.h"
#include "model/files/json_load.h"
#include "model/files/key_rules.h"

static const struct key_rule bert_rows[] = {
    {"query_length", "null", "a separate length for one side is not served"},
    {"document_length", "null", "a separate length for one side is not served"},
    {"query_expansion", "null", "expanded queries are not served"},
    {"processing_kwargs", "null {}",
     "arguments of the tokenizer's call are not served; tokenizer_config.json has its options"},
    {"tokenizer_args", "null {}",
     "arguments of the tokenizer are not served; tokenizer_config.json has its options"},
    {"config_args", "null {}", "arguments of config.json are not served; state them there"},
};

const struct key_rules sentence_bert_rules = {
    .file = "sentence_bert_config.json",
    .read = (const char *const[]){"max_seq_length", "do_lower_case", NULL},
    .rows = bert_rows,
    .n = sizeof(bert_rows) / sizeof(bert_rows[0]),
    .harmless =
        (const char *const[]){"transformer_task", "modality_config", "module_output_name",
                              "unpad_inputs", "model_args" /* precision, attention's code */, NULL},
};

static const struct key_rule config_rows[] = {
    {"default_prompt_name", "null",
     "a prompt before every text is not served; put it into adrank.json's templates"},
};

const struct key_rules sentence_transformers_rules = {
    .file = "config_sentence_transformers.json",
    .read = (const char *const[]){"activation_fn", NULL},
    .rows = config_rows,
    .n = sizeof(config_rows) / sizeof(config_rows[0]),
    .harmless = (const char *const[]){"prompts" /* taken by name only */, "model_type",
                                      "similarity_fn_name" /* of embeddings */, "truncate_dim",
                                      "keep_in_fp32_modules", "__version__", NULL},
};

/* The object in a file, or an empty one if there is no such file. */
static int parse(const struct model_files *files, enum model_file i, json_t **out, struct err *err)
{
    if (files->present[i])
        return config_parse(files->paths[i], buf_view(&files->bytes[i]), out, err);
    *out = json_object();
    return *out ? 0 : err_set(err, ERR_NOMEM, "%s: out of memory", files->paths[i]);
}

static int read_bert_config(const struct model_files *files, struct sentence_transformers *out,
                            struct err *err)
{
    struct config_object in = {.file = files->paths[FILE_SENTENCE_BERT], .pointer = "", .err = err};
    const json_t *max, *lower;
    json_t *doc;
    int rc = 0;

    if (parse(files, FILE_SENTENCE_BERT, &doc, err))
        return -1;
    in.json = doc;
    max = json_object_get(doc, "max_seq_length");
    lower = json_object_get(doc, "do_lower_case");
    if (key_rules_check(&sentence_bert_rules, in.file, doc, err) ||
        (max && !json_is_null(max) &&
         config_int(&in, "max_seq_length", 5, 1 << 24, 0, &out->max_tokens)))
        rc = -1;
    else if (lower && !json_is_null(lower) && !json_is_boolean(lower))
        rc = err_set(err, ERR_DATA, "%s: /do_lower_case: must be true or false", in.file);
    out->lower_case = json_is_true(lower);
    json_decref(doc);
    return rc;
}

/* ---- activation ------------------------------------------------------------------------------ */

static const struct {
    const char *name; /* after the last dot of the class's path */
    enum score_activation activation;
} activations[] = {
    {"Identity", SCORE_IDENTITY},
    {"Sigmoid", SCORE_SIGMOID},
    {"Softmax", SCORE_SOFTMAX},
};

static int read_activation(const char *file, const char *pointer, const json_t *value,
                           struct sentence_transformers *out, struct err *err)
{
    const char *path = json_string_value(value);
    const char *point = path ? strrchr(path, '.') : NULL;

    if (!value || json_is_null(value))
        return 0;
    for (size_t i = 0; point && i < sizeof(activations) / sizeof(activations[0]); i++) {
        if (strncmp(path, "torch.", 6) != 0 || strcmp(point + 1, activations[i].name) != 0)
            continue;
        if (out->activation != SCORE_UNSTATED && out->activation != activations[i].activation)
            return err_set(err, ERR_DATA,
                           "%s: %s: is %.60s, config.json differs; which one counts "
                           "depends on the reader",
                           file, pointer, path);
        out->activation = activations[i].activation;
        return 0;
    }
    return err_set(err, ERR_DATA, "%s: %s: is %.80s, want torch's Identity, Sigmoid or Softmax",
                   file, pointer, path ? path : "no name of a class");
}

static int read_activations(const struct model_files *files, const json_t *config,
                            struct sentence_transformers *out, struct err *err)
{
    const char *file = files->paths[FILE_SENTENCE_TRANSFORMERS];
    const json_t *own = json_object_get(config, "sentence_transformers");
    const json_t *old = json_object_get(config, "sbert_ce_default_activation_function");
    json_t *doc;
    int rc = -1;

    if (parse(files, FILE_SENTENCE_TRANSFORMERS, &doc, err))
        return -1;
    /* The older key is used if the newer is absent. */
    if (json_object_get(own, "activation_fn"))
        old = NULL;
    if (key_rules_check(&sentence_transformers_rules, file, doc, err) == 0 &&
        read_activation(files->paths[FILE_CONFIG], "/sentence_transformers/activation_fn",
                        json_object_get(own, "activation_fn"), out, err) == 0 &&
        read_activation(files->paths[FILE_CONFIG], "/sbert_ce_default_activation_function", old,
                        out, err) == 0 &&
        read_activation(file, "/activation_fn", json_object_get(doc, "activation_fn"), out, err) ==
            0)
        rc = 0;
    json_decref(doc);
    return rc;
}

/* ---- modules --------------------------------------------------------------------------------- */

/* A list of {"idx", "name", "path", "type"}: after the Transformer nothing may change the
 * logits. */
int sentence_transformers_modules(const struct model_files *files, struct err *err)
{
    const char *file = files->paths[FILE_MODULES];
    struct view text = buf_view(&files->bytes[FILE_MODULES]);
    json_error_t at;
    json_t *list;
    int rc = 0;

    if (!files->present[FILE_MODULES])
        return 0;
    list = json_load(text, JSON_REJECT_DUPLICATES, &at);
    if (!list && json_load_no_memory(&at))
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    if (!json_is_array(list))
        rc = err_set(err, ERR_DATA, "%s: want a list of modules", file);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *module = json_array_get(list, i);
        const char *type = json_string_value(json_object_get(module, "type"));
        const char *path = json_string_value(json_object_get(module, "path"));
        const char *name = type && strrchr(type, '.') ? strrchr(type, '.') + 1 : type;
        if (!name || strcmp(name, "Transformer") != 0 || i > 0)
            rc = err_set(
                err, ERR_DATA,
                "%s: /%zu/type: is %.80s: only a Transformer with its classifier is served, no "
                "modules after it",
                file, i, type ? type : "missing");
        else if (path && *path)
            rc = err_set(err, ERR_DATA, "%s: /%zu/path: the model is in %.60s; name that directory",
                         file, i, path);
    }
    json_decref(list);
    return rc;
}

int sentence_transformers_read(const struct model_files *files, const json_t *config,
                               struct sentence_transformers *out, struct err *err)
{
    *out = (struct sentence_transformers){0};
    return read_bert_config(files, out, err) || read_activations(files, config, out, err) ? -1 : 0;
}

int sentence_transformers_labels(const char *file, const struct sentence_transformers *st,
                                 struct head *head, struct err *err)
{
    const bool sigmoid = st->activation == SCORE_SIGMOID, softmax = st->activation == SCORE_SOFTMAX;

    head->independent_labels =
        head->problem == PROBLEM_MULTI_LABEL || (sigmoid && head->labels > 1);
    if (head->labels == 1 && softmax)
        return err_set(err, ERR_DATA,
                       "%s: /sentence_transformers/activation_fn: Softmax of one label is always 1",
                       file);
    if ((sigmoid && head->problem == PROBLEM_SINGLE_LABEL) ||
        (softmax && head->problem == PROBLEM_MULTI_LABEL))
        return err_set(err, ERR_DATA,
                       "%s: /problem_type: contradicts the activation of sentence-transformers, %s",
                       file, sigmoid ? "Sigmoid" : "Softmax");
    return 0;
}
