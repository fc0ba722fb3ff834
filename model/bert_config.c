/* config.json of the BERT family: sizes, and what of it is served. */
#include <stdio.h>
#include <string.h>

#include "model/bert.h"
#include "model/config_json.h"
#include "model/key_rules.h"

/* ------------------------------------------------------------------ keys */

#define READ(key_)                                                                                 \
    {                                                                                              \
        .key = key_, .verdict = KEY_READ                                                           \
    }
#define HARMLESS(key_)                                                                             \
    {                                                                                              \
        .key = key_, .verdict = KEY_HARMLESS                                                       \
    }
#define ONLY(key_, only_, why_)                                                                    \
    {                                                                                              \
        .key = key_, .verdict = KEY_ONLY, .only = only_, .why = why_                               \
    }

static const struct key_rule rows[] = {
    READ("model_type"),
    READ("architectures"),
    READ("vocab_size"),
    READ("hidden_size"),
    READ("num_hidden_layers"),
    READ("num_attention_heads"),
    READ("intermediate_size"),
    READ("hidden_act"),
    READ("max_position_embeddings"),
    READ("type_vocab_size"),
    READ("layer_norm_eps"),
    READ("num_labels"),
    READ("id2label"),
    READ("problem_type"),
    READ("tokenizer_class"),
    READ("sentence_transformers"),
    READ("sbert_ce_default_activation_function"),
    ONLY("position_embedding_type", "null \"absolute\"",
         "only absolute position embeddings are served"),
    ONLY("is_decoder", "null false", "decoders are not served"),
    ONLY("add_cross_attention", "null false", "decoders are not served"),
    ONLY("is_encoder_decoder", "null false", "decoders are not served"),
    ONLY("quantization_config", "null",
         "quantized weights are not served; save the model they were made from, or dequantize it"),
    ONLY("compression_config", "null",
         "compressed weights are not served; save the model they were made from"),
    ONLY("pruned_heads", "null {}",
         "pruned attention heads are not served; save the model before pruning"),
    ONLY("auto_map", "null {}", "custom code is not served, only transformers' BERT"),
    ONLY("adapters", "null {}",
         "adapters are not served; merge them into the weights and save the model"),
    ONLY("adapter_fusion_config_map", "null {}",
         "adapters are not served; merge them into the weights and save the model"),
    ONLY("per_layer_config", "null {}", "layers that differ from each other are not served"),
    HARMLESS("attention_probs_dropout_prob"), /* dropout is training's */
    HARMLESS("hidden_dropout_prob"),
    HARMLESS("classifier_dropout"),
    HARMLESS("initializer_range"),
    HARMLESS("layerdrop"),
    HARMLESS("gradient_checkpointing"),
    HARMLESS("chunk_size_feed_forward"), /* the same sums in pieces */
    HARMLESS("attn_implementation"),
    HARMLESS("_attn_implementation"),
    HARMLESS("attention_type"),
    HARMLESS("use_cache"), /* decoders' */
    HARMLESS("bos_token_id"),
    HARMLESS("eos_token_id"),
    HARMLESS("sep_token_id"),
    HARMLESS("cls_token_id"),
    HARMLESS("decoder_start_token_id"),
    HARMLESS("pad_token_id"), /* nothing is padded */
    HARMLESS("dtype"),        /* the tensors say it themselves */
    HARMLESS("torch_dtype"),
    HARMLESS("torchscript"),
    HARMLESS("tie_word_embeddings"), /* of language models' heads */
    HARMLESS("pooler_fc_size"),      /* written by conversions of 2018, never read */
    HARMLESS("pooler_num_attention_heads"),
    HARMLESS("pooler_num_fc_layers"),
    HARMLESS("pooler_size_per_head"),
    HARMLESS("pooler_type"),
    HARMLESS("directionality"),
    HARMLESS("output_attentions"),
    HARMLESS("output_hidden_states"),
    HARMLESS("output_past"),
    HARMLESS("return_dict"),
    HARMLESS("label2id"),
    HARMLESS("finetuning_task"),
    HARMLESS("task_specific_params"),
    HARMLESS("_name_or_path"),
    HARMLESS("name_or_path"),
    HARMLESS("transformers_version"),
    HARMLESS("max_length"), /* of generated text */
};

const struct key_rules bert_config_rules = {
    .file = "config.json", .rows = rows, .n = sizeof(rows) / sizeof(rows[0])};

/* ------------------------------------------------------------------ activation */

static const struct {
    const char *name;
    enum activation activation;
} activations[] = {
    {"gelu", ACTIVATION_GELU_ERF},
    {"gelu_python", ACTIVATION_GELU_ERF},
    {"gelu_new", ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
    {"gelu_python_tanh", ACTIVATION_GELU_TANH},
    {"gelu_fast", ACTIVATION_GELU_TANH},
    {"gelu_accurate", ACTIVATION_GELU_TANH},
    {"relu", ACTIVATION_RELU},
};

static int read_activation(const char *file, const json_t *config, enum activation *out,
                           struct err *err)
{
    const json_t *value = json_object_get(config, "hidden_act");
    const char *name = value ? json_string_value(value) : "gelu";

    for (size_t i = 0; name && i < sizeof(activations) / sizeof(activations[0]); i++) {
        if (strcmp(name, activations[i].name) == 0) {
            *out = activations[i].activation;
            return 0;
        }
    }
    return err_set(err, ERR_DATA,
                   "%s: /hidden_act: is %.40s, want gelu, gelu_new, gelu_pytorch_tanh or relu",
                   file, name ? name : "no string");
}

/* ------------------------------------------------------------------ head */

/* Heads that are no classifier of a text or a pair, though their tensors may have a classifier's names. Those without
 * one open as encoders. */
static int check_architecture(const char *file, const json_t *config, struct err *err)
{
    static const char *const opened[] = {
        "BertForSequenceClassification",
        "BertModel",
        "BertForMaskedLM",
        "BertForPreTraining",
        "BertLMHeadModel",
        "BertForNextSentencePrediction",
    };
    const json_t *list = json_object_get(config, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));

    if (!list || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0))
        return 0;
    for (size_t i = 0; name && i < sizeof(opened) / sizeof(opened[0]); i++)
        if (strcmp(name, opened[i]) == 0)
            return 0;
    return err_set(err, ERR_DATA,
                   "%s: /architectures: is %.60s, only BertForSequenceClassification is served",
                   file, name ? name : "no list of names");
}

/* transformers writes id2label (and num_labels only where it is needed); without either there
 * are two. */
static int read_labels(const char *where, const json_t *config, int *out, struct err *err)
{
    const json_t *names = json_object_get(config, "id2label");

    if (json_is_object(names) && json_object_size(names) >= 1 && json_object_size(names) <= 1000) {
        *out = (int)json_object_size(names);
        return 0;
    }
    if (names && !json_is_null(names))
        return err_set(err, ERR_DATA, "%s/id2label: want an object of 1 to 1000 names", where);
    return config_int(where, config, "num_labels", 1, 1000, 2, out, err);
}

/* What turns logits into probabilities where a text classification pipeline computes them. */
static int read_problem(const char *file, const json_t *config, struct encoder_config *out,
                        struct err *err)
{
    const json_t *value = json_object_get(config, "problem_type");
    const char *name = json_string_value(value);

    out->problem = PROBLEM_UNSTATED;
    if (!value || json_is_null(value))
        return 0;
    if (name && strcmp(name, "multi_label_classification") == 0) {
        out->problem = PROBLEM_MULTI_LABEL;
        return 0;
    }
    if (name && strcmp(name, "single_label_classification") == 0 && out->labels > 1) {
        out->problem = PROBLEM_SINGLE_LABEL;
        return 0;
    }
    return err_set(
        err, ERR_DATA,
        "%s: /problem_type: is %.60s%s, want single_label_classification (two labels) or "
        "multi_label_classification; other outputs are not a click probability",
        file, name ? name : "no string",
        name && strcmp(name, "single_label_classification") == 0 ? " of one label" : "");
}

/* ------------------------------------------------------------------ the whole */

int bert_config(const char *file, const json_t *config, struct encoder_config *out, struct err *err)
{
    char where[4200];
    double eps;

    snprintf(where, sizeof(where), "%s: ", file);
    *out =
        (struct encoder_config){.norm = NORM_POST, .mask = MASK_FULL, .position = POSITION_LEARNED};
    if (check_architecture(file, config, err) ||
        key_rules_check(&bert_config_rules, file, config, err) ||
        config_int(where, config, "num_hidden_layers", 1, 200, 0, &out->layers, err) ||
        config_int(where, config, "hidden_size", 1, 16384, 0, &out->hidden, err) ||
        config_int(where, config, "num_attention_heads", 1, 256, 0, &out->heads, err) ||
        config_int(where, config, "intermediate_size", 1, 65536, 0, &out->inner, err) ||
        config_int(where, config, "vocab_size", 1, 4 << 20, 0, &out->vocab, err) ||
        config_int(where, config, "max_position_embeddings", 4, 1 << 16, 0, &out->positions, err) ||
        config_int(where, config, "type_vocab_size", 1, 1024, 2, &out->types, err) ||
        config_double(where, config, "layer_norm_eps", 0, 1, 1e-12, &eps, err) ||
        read_activation(file, config, &out->activation, err) ||
        read_labels(where, config, &out->labels, err) || read_problem(file, config, out, err))
        return -1;
    if (out->hidden % out->heads)
        return err_set(err, ERR_DATA, "%s: /num_attention_heads: %d does not divide hidden_size %d",
                       file, out->heads, out->hidden);
    out->eps = (float)eps;
    return 0;
}
