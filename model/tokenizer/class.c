/* tokenizer_config.json's keys: which count, which class reads them, how many tokens it lets
 * through, and whether it gives token types. */
#include <math.h>
#include <string.h>

#include "model/files/key_rules.h"
#include "model/tokenizer/spec.h"

/* transformers' "no limit" is int(1e30); whatever is beyond this counts as that (its
 * LARGE_INTEGER). */
#define NO_LIMIT 1e20
#define MIN_LIMIT 5 /* [CLS] a [SEP] b [SEP] */

static const char *const read[] = {
    /* class, limit, token types, normaliser */
    "tokenizer_class", "model_max_length", "max_len", "model_input_names", "do_lower_case",
    "strip_accents", "tokenize_chinese_chars",
    /* tokens */
    "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "bos_token", "eos_token",
    "added_tokens_decoder", "additional_special_tokens", "extra_special_tokens", NULL};

static const struct key_rule rows[] = {
    {"truncation_side", "null \"right\"", "only texts truncated at the end are served"},
    {"split_special_tokens", "null false", "special tokens in a text are not split here"},
    {"add_bos_token", "null false", "only [CLS] and [SEP] are added around texts"},
    {"add_eos_token", "null false", "only [CLS] and [SEP] are added around texts"},
    {"add_special_tokens", "null true", "[CLS] and [SEP] are always added around texts"},
    {"do_basic_tokenize", "null true",
     "texts are split at blanks and punctuation; whether this is honoured depends on the "
     "reader"},
    {"never_split", "null []",
     "whether this is honoured depends on the reader; added tokens are never split"},
    {"wordpieces_prefix", "null \"##\"",
     "pieces continue with ##; whether this is honoured depends on the reader"},
    {"auto_map", "null {}", "custom code is not served, only transformers' tokenizers"},
};

static const char *const harmless[] = {
    /* nothing is padded */
    "padding_side", "padding", "pad_to_multiple_of", "pad_token_type_id",
    /* left over from a call; each call states its own */
    "max_length", "stride", "truncation_strategy",
    /* no options of these classes; of decoding */
    "clean_text", "handle_chinese_chars", "add_prefix_space", "clean_up_tokenization_spaces",
    "chat_template",
    /* where it came from, and which code reads it */
    "from_slow", "use_fast", "vocab_file", "tokenizer_file", "special_tokens_map_file",
    "name_or_path", "processor_class", "backend", "is_local", "local_files_only", NULL};

const struct key_rules tokenizer_config_rules = {.file = "tokenizer_config.json",
                                                 .read = read,
                                                 .rows = rows,
                                                 .n = sizeof(rows) / sizeof(rows[0]),
                                                 .harmless = harmless};

/* ---- class ----------------------------------------------------------------------------------- */

enum types { TYPES_NONE, TYPES_OF_PAIRS, TYPES_BY_VERSION };

static const struct {
    const char *name; /* optionally followed by "Fast" */
    enum types types; /* where model_input_names is not stated */
    /* uses tokenizer.json; the others build their own from its vocabulary. */
    bool reads_the_file;
} classes[] = {
    {"BertTokenizer", TYPES_OF_PAIRS, false},    {"DistilBertTokenizer", TYPES_NONE, false},
    {"ElectraTokenizer", TYPES_OF_PAIRS, false}, {"MobileBertTokenizer", TYPES_OF_PAIRS, false},
    {"TokenizersBackend", TYPES_NONE, true},     {"PreTrainedTokenizer", TYPES_BY_VERSION, true},
};

static bool is_class(const char *name, const char *row)
{
    size_t n = strlen(row);

    return strncmp(name, row, n) == 0 && (!name[n] || strcmp(name + n, "Fast") == 0);
}

/* model_input_names, where it is stated, decides. */
static int read_input_names(const struct tokenizer_reader *r, const json_t *config,
                            enum types *types)
{
    const json_t *names = json_object_get(config, "model_input_names");

    if (!names || json_is_null(names))
        return 0;
    if (!json_is_array(names))
        return err_set(r->err, ERR_DATA, "%s: /model_input_names: must be an array", r->file);
    *types = TYPES_NONE;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && strcmp(name, "token_type_ids") == 0)
            *types = TYPES_OF_PAIRS;
    }
    return 0;
}

static int read_class(const struct tokenizer_reader *r, const char *file, const char *name,
                      const json_t *config, bool has_json)
{
    enum types types;
    size_t i = 0, n = sizeof(classes) / sizeof(classes[0]);

    if (!name)
        name = classes[0].name;
    while (i < n && !is_class(name, classes[i].name))
        i++;
    if (i == n || (classes[i].reads_the_file && !has_json))
        return err_set(r->err, ERR_DATA, "%s: /tokenizer_class: %.64s is not one of BERT's%s", file,
                       name, has_json ? "" : "; a tokenizer.json would define what it does");
    types = classes[i].types;
    if (read_input_names(r, config, &types))
        return -1;
    if (types == TYPES_BY_VERSION)
        return err_set(
            r->err, ERR_DATA,
            "%s: /tokenizer_class: of %.64s transformers 4 gives a second text token type 1, "
            "transformers 5 type 0; state /model_input_names, with or without "
            "token_type_ids",
            file, name);
    r->spec->facts.pair_type = types == TYPES_OF_PAIRS;
    r->spec->normalizer_of_config = !classes[i].reads_the_file;
    return 0;
}

/* ---- limit ----------------------------------------------------------------------------------- */

static int read_limit(const struct tokenizer_reader *r, const json_t *config)
{
    const char *key = json_object_get(config, "model_max_length") ? "model_max_length" : "max_len";
    const json_t *value = json_object_get(config, key);
    double v = json_number_value(value);

    r->spec->facts.max_tokens = 0;
    if (!value || json_is_null(value) || (json_is_number(value) && v > NO_LIMIT))
        return 0;
    if (!json_is_number(value) || v != floor(v) || v < MIN_LIMIT)
        return err_set(r->err, ERR_DATA, "%s: /%s: want an integer of at least %d", r->file, key,
                       MIN_LIMIT);
    r->spec->facts.max_tokens = v > TOKENIZER_MAX_STATED ? 0 : (int)v;
    return 0;
}

int tokenizer_class_read(const struct tokenizer_reader *r, const json_t *config,
                         const char *model_file, const json_t *model_config, bool has_json)
{
    const char *own = json_string_value(json_object_get(config, "tokenizer_class"));
    const char *of_model = json_string_value(json_object_get(model_config, "tokenizer_class"));
    bool from_model = !own && of_model;

    if (key_rules_check(&tokenizer_config_rules, r->file, config, r->err) ||
        read_class(r, from_model ? model_file : r->file, own ? own : of_model, config, has_json) ||
        read_limit(r, config))
        return -1;
    if (r->spec->cut_left && !json_is_string(json_object_get(config, "truncation_side")))
        return err_set(r->err, ERR_DATA,
                       "%s: /truncation_side: tokenizer.json's /truncation/direction is Left: only "
                       "texts truncated at the end are served",
                       r->file);
    return 0;
}
