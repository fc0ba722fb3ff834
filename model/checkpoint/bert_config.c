/* config.json of the BERT family: sizes, and what of it is served. */
#include <stdio.h>
#include <string.h>

#include "model/checkpoint/bert.h"
#include "model/files/config_json.h"
#include "model/files/key_rules.h"

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct key_rule rows[] = {
    KEY_ROW_READ("model_type"),
    KEY_ROW_READ("architectures"),
    KEY_ROW_READ("vocab_size"),
    KEY_ROW_READ("hidden_size"),
    KEY_ROW_READ("num_hidden_layers"),
    KEY_ROW_READ("num_attention_heads"),
    KEY_ROW_READ("intermediate_size"),
    KEY_ROW_READ("hidden_act"),
    KEY_ROW_READ("max_position_embeddings"),
    KEY_ROW_READ("type_vocab_size"),
    KEY_ROW_READ("layer_norm_eps"),
    KEY_ROW_READ("num_labels"),
    KEY_ROW_READ("id2label"),
    KEY_ROW_READ("problem_type"),
    KEY_ROW_READ("tokenizer_class"),
    KEY_ROW_READ("sentence_transformers"),
    KEY_ROW_READ("sbert_ce_default_activation_function"),
    KEY_ROW_ONLY("position_embedding_type", "null \"absolute\"",
                 "only absolute position embeddings are served"),
    KEY_ROW_ONLY("is_decoder", "null false", "decoders are not served"),
    KEY_ROW_ONLY("add_cross_attention", "null false", "decoders are not served"),
    KEY_ROW_ONLY("is_encoder_decoder", "null false", "decoders are not served"),
    KEY_ROW_ONLY(
        "quantization_config", "null",
        "quantized weights are not served; save the model they were made from, or dequantize it"),
    KEY_ROW_ONLY("compression_config", "null",
                 "compressed weights are not served; save the model they were made from"),
    KEY_ROW_ONLY("pruned_heads", "null {}",
                 "pruned attention heads are not served; save the model before pruning"),
    KEY_ROW_ONLY("auto_map", "null {}", "custom code is not served, only transformers' BERT"),
    KEY_ROW_ONLY("adapters", "null {}",
                 "adapters are not served; merge them into the weights and save the model"),
    KEY_ROW_ONLY("adapter_fusion_config_map", "null {}",
                 "adapters are not served; merge them into the weights and save the model"),
    KEY_ROW_ONLY("per_layer_config", "null {}",
                 "layers that differ from each other are not served"),
    KEY_ROW_HARMLESS("attention_probs_dropout_prob"), /* dropout is for training only */
    KEY_ROW_HARMLESS("hidden_dropout_prob"),
    KEY_ROW_HARMLESS("classifier_dropout"),
    KEY_ROW_HARMLESS("initializer_range"),
    KEY_ROW_HARMLESS("layerdrop"),
    KEY_ROW_HARMLESS("gradient_checkpointing"),
    KEY_ROW_HARMLESS("chunk_size_feed_forward"), /* the same sums in pieces */
    KEY_ROW_HARMLESS("attn_implementation"),
    KEY_ROW_HARMLESS("_attn_implementation"),
    KEY_ROW_HARMLESS("attention_type"),
    KEY_ROW_HARMLESS("use_cache"), /* for decoders only */
    KEY_ROW_HARMLESS("bos_token_id"),
    KEY_ROW_HARMLESS("eos_token_id"),
    KEY_ROW_HARMLESS("sep_token_id"),
    KEY_ROW_HARMLESS("cls_token_id"),
    KEY_ROW_HARMLESS("decoder_start_token_id"),
    KEY_ROW_HARMLESS("pad_token_id"), /* nothing is padded */
    KEY_ROW_HARMLESS("dtype"),        /* the tensors state it themselves */
    KEY_ROW_HARMLESS("torch_dtype"),
    KEY_ROW_HARMLESS("torchscript"),
    KEY_ROW_HARMLESS("tie_word_embeddings"), /* of language models' heads */
    KEY_ROW_HARMLESS("pooler_fc_size"),      /* written by conversions of 2018, never read */
    KEY_ROW_HARMLESS("pooler_num_attention_heads"),
    KEY_ROW_HARMLESS("pooler_num_fc_layers"),
    KEY_ROW_HARMLESS("pooler_size_per_head"),
    KEY_ROW_HARMLESS("pooler_type"),
    KEY_ROW_HARMLESS("directionality"),
    KEY_ROW_HARMLESS("output_attentions"),
    KEY_ROW_HARMLESS("output_hidden_states"),
    KEY_ROW_HARMLESS("output_past"),
    KEY_ROW_HARMLESS("return_dict"),
    KEY_ROW_HARMLESS("label2id"),
    KEY_ROW_HARMLESS("finetuning_task"),
    KEY_ROW_HARMLESS("task_specific_params"),
    KEY_ROW_HARMLESS("_name_or_path"),
    KEY_ROW_HARMLESS("name_or_path"),
    KEY_ROW_HARMLESS("transformers_version"),
    KEY_ROW_HARMLESS("max_length"), /* of generated text */
};

const struct key_rules bert_config_rules = {
    .file = "config.json", .rows = rows, .n = sizeof(rows) / sizeof(rows[0])};

/* ---- activation ------------------------------------------------------------------------------ */

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

/* ---- head ------------------------------------------------------------------------------------ */

/* Heads that do not classify a text or a pair, although their tensors may be named like a
 * classifier's. Those without one open as encoders. */
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
static int read_problem(const char *file, const json_t *config, struct head *out, struct err *err)
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

/* ---- the whole ------------------------------------------------------------------------------- */

int bert_config(const char *file, const json_t *config, struct encoder_config *out,
                struct head *head, struct err *err)
{
    char where[4200];
    double eps;

    snprintf(where, sizeof(where), "%s: ", file);
    *out = (struct encoder_config){.mask = MASK_FULL};
    *head = (struct head){0};
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
        read_labels(where, config, &head->labels, err) || read_problem(file, config, head, err))
        return -1;
    if (out->hidden % out->heads)
        return err_set(err, ERR_DATA, "%s: /num_attention_heads: %d does not divide hidden_size %d",
                       file, out->heads, out->hidden);
    out->eps = (float)eps;
    return 0;
}
