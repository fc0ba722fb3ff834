/* Reads tokenizer_config.json. */
#include <stdlib.h>

#include "base/number.h"
#include "model/tokenizer/spec.h"

const struct token_role token_roles[TOKEN_ROLES] = {
    {"unk_token", "[UNK]"}, {"sep_token", "[SEP]"},   {"pad_token", "[PAD]"},
    {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}, {"bos_token", NULL},
    {"eos_token", NULL},
};

int32_t tokenizer_spec_find(const struct tokenizer_spec *spec, struct view token)
{
    for (size_t i = 0; i < spec->pieces.n_tokens; i++)
        if (view_eq(spec->pieces.tokens[i], token))
            return (int32_t)i;
    return -1;
}

struct added_token *tokenizer_spec_added(const struct tokenizer_spec *spec, struct view content)
{
    for (size_t i = 0; i < spec->n_added; i++)
        if (view_eq(spec->added[i].content, content))
            return &spec->added[i];
    return NULL;
}

int32_t tokenizer_spec_size(const struct tokenizer_spec *spec)
{
    int32_t size = (int32_t)spec->pieces.n_tokens;

    for (size_t i = 0; i < spec->n_added; i++)
        if (spec->added[i].id >= size)
            size = spec->added[i].id + 1;
    return size;
}

/* Replaces what is there with the same content: later places know better. id -1: wherever it
 * belongs. There is room: tokenizer_config_read() counted. */
static int add(const struct tokenizer_reader *r, const char *pointer, struct added_token token)
{
    struct tokenizer_spec *spec = r->spec;
    struct added_token *have = tokenizer_spec_added(spec, token.content);
    int32_t id = tokenizer_spec_find(spec, token.content);

    if (id < 0)
        id = have ? have->id : tokenizer_spec_size(spec);
    if (token.content.len == 0)
        return err_set(r->err, ERR_DATA, "%s: %s: an empty token", r->file, pointer);
    if (token.id >= 0 && token.id != id)
        return err_set(r->err, ERR_DATA, "%s: %s: id %d, the vocabulary has %d", r->file, pointer,
                       (int)token.id, (int)id);
    token.id = id;
    *(have ? have : &spec->added[spec->n_added++]) = token;
    return 0;
}

int tokenizer_flag(const struct tokenizer_reader *r, const char *pointer, const json_t *object,
                   const char *key, const bool *absent, bool *out)
{
    const json_t *v = json_object_get(object, key);

    if (v ? !json_is_boolean(v) : !absent)
        return err_set(r->err, ERR_DATA, "%s: %s/%s: must be true or false", r->file, pointer, key);
    *out = v ? json_is_true(v) : *absent;
    return 0;
}

int tokenizer_config_token(const struct tokenizer_reader *r, const char *pointer, const json_t *v,
                           bool special, struct added_token *token)
{
    const json_t *content = json_is_object(v) ? json_object_get(v, "content") : v;

    *token = (struct added_token){.id = -1, .special = special};
    if (!json_is_string(content))
        return err_set(r->err, ERR_DATA, "%s: %s: must be a string, or an object with content",
                       r->file, pointer);
    token->content = (struct view){json_string_value(content), json_string_length(content)};
    if (!json_is_object(v))
        return 0;
    if (tokenizer_flag(r, pointer, v, "lstrip", &(bool){false}, &token->lstrip) ||
        tokenizer_flag(r, pointer, v, "rstrip", &(bool){false}, &token->rstrip) ||
        tokenizer_flag(r, pointer, v, "single_word", &(bool){false}, &token->single_word) ||
        tokenizer_flag(r, pointer, v, "special", &(bool){special}, &token->special) ||
        tokenizer_flag(r, pointer, v, "normalized", &(bool){!token->special}, &token->normalized))
        return -1;
    return 0;
}

int tokenizer_config_decoder_token(const struct tokenizer_reader *r, const char *key,
                                   const json_t *v, char pointer[DECODER_POINTER_BYTES],
                                   struct added_token *token)
{
    int64_t id;

    snprintf(pointer, DECODER_POINTER_BYTES, "/added_tokens_decoder/%.32s", key);
    if (number_int(view_of(key), 0, INT32_MAX, &id))
        return err_set(r->err, ERR_DATA, "%s: %s: not an id", r->file, pointer);
    if (tokenizer_config_token(r, pointer, v, false, token))
        return -1;
    token->id = (int32_t)id;
    return 0;
}

/* Members are written by id, the ids that the vocabulary lacks in ascending order. */
static int read_decoder(const struct tokenizer_reader *r, const json_t *config)
{
    json_t *decoder = json_object_get(config, "added_tokens_decoder");
    const char *key;
    json_t *v;

    if (decoder && !json_is_object(decoder))
        return err_set(r->err, ERR_DATA, "%s: /added_tokens_decoder: must be an object", r->file);
    json_object_foreach(decoder, key, v)
    {
        struct added_token token;
        char pointer[DECODER_POINTER_BYTES];

        if (tokenizer_config_decoder_token(r, key, v, pointer, &token) || add(r, pointer, token))
            return -1;
    }
    return 0;
}

/* The token of one role: the file's, else the class's. False: neither has one. */
static bool role_token(const struct token_role *role, const json_t *v, struct added_token *token)
{
    *token = (struct added_token){.content = view_of(role->content), .id = -1, .special = true};
    return (v && !json_is_null(v)) || role->content;
}

static int read_roles(const struct tokenizer_reader *r, const json_t *config)
{
    int32_t ids[TOKEN_ROLES] = {0};

    for (size_t i = 0; i < TOKEN_ROLES; i++) {
        const json_t *v = json_object_get(config, token_roles[i].key);
        struct added_token token;
        char pointer[32];

        if (!role_token(&token_roles[i], v, &token))
            continue;
        snprintf(pointer, sizeof(pointer), "/%s", token_roles[i].key);
        if (v && !json_is_null(v) && tokenizer_config_token(r, pointer, v, true, &token))
            return -1;
        token.special = true;
        ids[i] = tokenizer_spec_find(r->spec, token.content);
        if (ids[i] < 0 && strcmp(token_roles[i].key, "mask_token") == 0)
            continue; /* ranking masks nothing; the text then has an ordinary word */
        if (ids[i] < 0)
            return err_set(r->err, ERR_DATA, "%s: %s: %.*s is not in the vocabulary", r->file,
                           pointer, TOKEN_ARG(token.content));
        /* A string has no flags: those of added_tokens_decoder stay. */
        if (!json_is_object(v) && tokenizer_spec_added(r->spec, token.content))
            continue;
        if (add(r, pointer, token))
            return -1;
    }
    r->spec->pieces.unknown = ids[0];
    r->spec->facts.sep = ids[1];
    r->spec->facts.pad = ids[2];
    r->spec->facts.cls = ids[3];
    return 0;
}

static int read_list(const struct tokenizer_reader *r, const json_t *config, const char *key)
{
    const json_t *list = json_object_get(config, key);

    if (!list || json_is_null(list) || (json_is_object(list) && json_object_size(list) == 0))
        return 0;
    if (!json_is_array(list))
        return err_set(r->err, ERR_DATA, "%s: /%s: must be an array", r->file, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct added_token token;
        char pointer[64];

        snprintf(pointer, sizeof(pointer), "/%s/%zu", key, i);
        if (tokenizer_config_token(r, pointer, json_array_get(list, i), true, &token))
            return -1;
        token.special = true;
        if (add(r, pointer, token))
            return -1;
    }
    return 0;
}

static size_t list_size(const json_t *config, const char *key)
{
    const json_t *v = json_object_get(config, key);

    return json_is_object(v) ? json_object_size(v) : json_array_size(v);
}

/* What the file does not say: BertTokenizer's defaults, cleaning is not for the file to choose. */
int tokenizer_config_normalizer(const struct tokenizer_reader *r, const json_t *config,
                                struct normalizer_options *out)
{
    const json_t *strip = json_object_get(config, "strip_accents");

    out->clean_text = true;
    if (tokenizer_flag(r, "", config, "do_lower_case", &(bool){true}, &out->lowercase) ||
        tokenizer_flag(r, "", config, "tokenize_chinese_chars", &(bool){true}, &out->chinese_chars))
        return -1;
    out->strip_accents = out->lowercase;
    if (json_is_null(strip))
        return 0;
    return tokenizer_flag(r, "", config, "strip_accents", &(bool){out->lowercase},
                          &out->strip_accents);
}

int tokenizer_config_read(const struct tokenizer_reader *r, const json_t *config)
{
    size_t room = TOKEN_ROLES + list_size(config, "added_tokens_decoder") +
                  list_size(config, "additional_special_tokens") +
                  list_size(config, "extra_special_tokens");

    if (room > TOKENIZER_MAX_ADDED)
        return err_set(r->err, ERR_DATA, "%s: more than %d added tokens", r->file,
                       TOKENIZER_MAX_ADDED);
    r->spec->added = arena_array(r->arena, room, sizeof(*r->spec->added));
    r->spec->n_added = 0;
    if (!r->spec->added)
        return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->file);
    if (tokenizer_config_normalizer(r, config, &r->spec->normalizer) || read_decoder(r, config) ||
        read_roles(r, config) || read_list(r, config, "additional_special_tokens") ||
        read_list(r, config, "extra_special_tokens"))
        return -1;
    return 0;
}
