/* config.json of the BERT family: sizes, and what of it is served. */
#include <string.h>

#include "model/checkpoint/bert.h"
#include "model/files/config_json.h"
#include "model/files/key_rules.h"

/* ---- keys ------------------------------------------------------------------------------------ */

static const char *const read[] = {
    /* which model, and its sizes */
    "model_type", "architectures", "vocab_size", "hidden_size", "num_hidden_layers",
    "num_attention_heads", "intermediate_size", "hidden_act", "max_position_embeddings",
    "type_vocab_size", "layer_norm_eps",
    /* its head; the tokenizer's class */
    "num_labels", "id2label", "problem_type", "sentence_transformers",
    "sbert_ce_default_activation_function", "tokenizer_class", NULL};

static const struct key_rule rows[] = {
    {"position_embedding_type", "null \"absolute\"",
     "only absolute position embeddings are served"},
    {"is_decoder", "null false", "decoders are not served"},
    {"add_cross_attention", "null false", "decoders are not served"},
    {"is_encoder_decoder", "null false", "decoders are not served"},
    {"quantization_config", "null",
     "quantized weights are not served; save the model they were made from, or dequantize it"},
    {"compression_config", "null",
     "compressed weights are not served; save the model they were made from"},
    {"pruned_heads", "null {}",
     "pruned attention heads are not served; save the model before pruning"},
    {"auto_map", "null {}", "custom code is not served, only transformers' BERT"},
    {"adapters", "null {}",
     "adapters are not served; merge them into the weights and save the model"},
    {"adapter_fusion_config_map", "null {}",
     "adapters are not served; merge them into the weights and save the model"},
    {"per_layer_config", "null {}", "layers that differ from each other are not served"},
};

static const char *const harmless[] = {
    /* of training: dropout, initial values */
    "attention_probs_dropout_prob", "hidden_dropout_prob", "classifier_dropout",
    "initializer_range", "layerdrop", "gradient_checkpointing",
    /* the same sums in pieces, or by other code */
    "chunk_size_feed_forward", "attn_implementation", "_attn_implementation", "attention_type",
    "torchscript",
    /* of decoders and generated text */
    "use_cache", "decoder_start_token_id", "output_past", "max_length",
    /* the tokenizer has its own, and nothing is padded */
    "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "pad_token_id",
    /* the tensors state it themselves; of language models' heads */
    "dtype", "torch_dtype", "tie_word_embeddings",
    /* written by conversions of 2018, never read */
    "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
    "pooler_type", "directionality",
    /* what else is returned; notes */
    "output_attentions", "output_hidden_states", "return_dict", "label2id", "finetuning_task",
    "task_specific_params", "_name_or_path", "name_or_path", "transformers_version", NULL};

const struct key_rules bert_config_rules = {.file = "config.json",
                                            .read = read,
                                            .rows = rows,
                                            .n = sizeof(rows) / sizeof(rows[0]),
                                            .harmless = harmless};

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
static int read_labels(const struct config_object *in, int *out)
{
    const json_t *names = json_object_get(in->json, "id2label");

    if (json_is_object(names) && json_object_size(names) >= 1 && json_object_size(names) <= 1000) {
        *out = (int)json_object_size(names);
        return 0;
    }
    if (names && !json_is_null(names))
        return err_set(in->err, ERR_DATA, "%s: /id2label: want an object of 1 to 1000 names",
                       in->file);
    return config_int(in, "num_labels", 1, 1000, 2, out);
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
    const struct config_object in = {file, "", config, err};
    double eps;

    *out = (struct encoder_config){.mask = MASK_FULL};
    *head = (struct head){0};
    if (check_architecture(file, config, err) ||
        key_rules_check(&bert_config_rules, file, config, err) ||
        config_int(&in, "num_hidden_layers", 1, 200, 0, &out->layers) ||
        config_int(&in, "hidden_size", 1, 16384, 0, &out->hidden) ||
        config_int(&in, "num_attention_heads", 1, 256, 0, &out->heads) ||
        config_int(&in, "intermediate_size", 1, 65536, 0, &out->inner) ||
        config_int(&in, "vocab_size", 1, 4 << 20, 0, &out->vocab) ||
        config_int(&in, "max_position_embeddings", 4, 1 << 16, 0, &out->positions) ||
        config_int(&in, "type_vocab_size", 1, 1024, 2, &out->types) ||
        config_double(&in, "layer_norm_eps", 0, 1, 1e-12, &eps) ||
        read_activation(file, config, &out->activation, err) || read_labels(&in, &head->labels) ||
        read_problem(file, config, head, err))
        return -1;
    if (out->hidden % out->heads)
        return err_set(err, ERR_DATA, "%s: /num_attention_heads: %d does not divide hidden_size %d",
                       file, out->heads, out->hidden);
    out->eps = (float)eps;
    return 0;
}
