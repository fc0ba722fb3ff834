/* tokenizer.json and tokenizer_config.json beside each other: transformers builds its BERT
 * tokenizers from the latter and the vocabulary, other readers take tokenizer.json as it is.
 * What both say alike is served. */
#include <string.h>

#include "model/tokenizer/spec.h"

struct agreeing {
    const struct tokenizer_reader *r; /* of tokenizer_config.json */
    const char *json;                 /* tokenizer.json */
    const json_t *config;
};

static int agree_normalizer(const struct agreeing *a)
{
    const struct normalizer_options *have = &a->r->spec->normalizer;
    struct normalizer_options said;
    const struct {
        const char *key, *in_json;
        const bool *said, *have;
    } keys[] = {
        {"do_lower_case", "lowercase", &said.lowercase, &have->lowercase},
        {"strip_accents", "strip_accents", &said.strip_accents, &have->strip_accents},
        {"tokenize_chinese_chars", "handle_chinese_chars", &said.chinese_chars,
         &have->chinese_chars},
    };

    if (tokenizer_config_normalizer(a->r, a->config, &said))
        return -1;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (*keys[i].said == *keys[i].have)
            continue;
        if (json_is_boolean(json_object_get(a->config, keys[i].key)))
            return err_set(a->r->err, ERR_DATA,
                           "%s: /%s: differs from tokenizer.json's normalizer; which one "
                           "counts depends on the reader",
                           a->r->file, keys[i].key);
        return err_set(a->r->err, ERR_DATA,
                       "%s: /normalizer/%s: is %s, but tokenizer_config.json lacks /%s, which "
                       "transformers takes as %s; state it there",
                       a->json, keys[i].in_json, *keys[i].have ? "true" : "false", keys[i].key,
                       *keys[i].said ? "true" : "false");
    }
    return 0;
}

/* What tokenizer_config.json has no keys for. */
static int agree_model(const struct agreeing *a)
{
    const char *pointer = NULL;

    if (!a->r->spec->normalizer.clean_text)
        pointer = "/normalizer/clean_text";
    else if (!view_is(a->r->spec->pieces.prefix, "##"))
        pointer = "/model/continuing_subword_prefix";
    else if (a->r->spec->pieces.max_chars != 100)
        pointer = "/model/max_input_chars_per_word";
    if (!pointer)
        return 0;
    return err_set(a->r->err, ERR_DATA,
                   "%s: %s: is not BERT's (true, ##, 100), which transformers uses whatever this "
                   "says; other readers follow it",
                   a->json, pointer);
}

static int add_special(const struct agreeing *a, struct added_token token)
{
    struct tokenizer_spec *spec = a->r->spec;
    struct added_token *more = arena_array(a->r->arena, spec->n_added + 1, sizeof(*more));

    if (!more)
        return err_set(a->r->err, ERR_NOMEM, "%s: out of memory", a->r->file);
    if (spec->n_added)
        memcpy(more, spec->added, spec->n_added * sizeof(*more));
    more[spec->n_added++] = token;
    spec->added = more;
    return 0;
}

/* unk, sep and cls have to be those of tokenizer.json where transformers takes
 * tokenizer_config.json's. */
static int agree_role(const struct agreeing *a, const struct token_role *role,
                      struct added_token *token)
{
    const struct {
        const char *key, *where;
        int32_t id;
    } fixed[] = {
        {"unk_token", "model", a->r->spec->pieces.unknown},
        {"sep_token", "post_processor", a->r->spec->facts.sep},
        {"cls_token", "post_processor", a->r->spec->facts.cls},
    };
    const struct added_token *have = tokenizer_spec_added(a->r->spec, token->content);

    token->id = have ? have->id : tokenizer_spec_find(a->r->spec, token->content);
    for (size_t i = 0; a->r->spec->normalizer_of_config && i < 3; i++)
        if (strcmp(role->key, fixed[i].key) == 0 && token->id != fixed[i].id)
            return err_set(a->r->err, ERR_DATA,
                           "%s: /%s: %.*s is not that of tokenizer.json's %s; which one counts "
                           "depends on the reader",
                           a->r->file, role->key, TOKEN_ARG(token->content), fixed[i].where);
    /* Special tokens are split out of texts, whether or not tokenizer.json lists them. */
    return have || token->id < 0 ? 0 : add_special(a, *token);
}

static int agree_roles(const struct agreeing *a)
{
    for (size_t i = 0; i < TOKEN_ROLES; i++) {
        const json_t *v = json_object_get(a->config, token_roles[i].key);
        struct added_token token = {
            .content = view_of(token_roles[i].content), .id = -1, .special = true};
        char pointer[32];

        snprintf(pointer, sizeof(pointer), "/%s", token_roles[i].key);
        if (v && !json_is_null(v)) {
            if (tokenizer_config_token(a->r, pointer, v, true, &token))
                return -1;
        } else if (!token_roles[i].content || !a->r->spec->normalizer_of_config) {
            continue;
        }
        token.special = true;
        token.normalized = false;
        if (agree_role(a, &token_roles[i], &token))
            return -1;
    }
    return 0;
}

static int agree_added(const struct agreeing *a, const char *pointer, const struct added_token *t,
                       bool flags)
{
    const struct added_token *have = tokenizer_spec_added(a->r->spec, t->content);

    if (!have)
        return err_set(a->r->err, ERR_DATA,
                       "%s: %s: %.*s is not among tokenizer.json's added_tokens", a->r->file,
                       pointer, TOKEN_ARG(t->content));
    if ((t->id >= 0 && t->id != have->id) ||
        (flags && (t->lstrip != have->lstrip || t->rstrip != have->rstrip ||
                   t->single_word != have->single_word || t->normalized != have->normalized)))
        return err_set(a->r->err, ERR_DATA,
                       "%s: %s: id or flags of %.*s differ from tokenizer.json's added_tokens; "
                       "which one counts depends on the reader",
                       a->r->file, pointer, TOKEN_ARG(t->content));
    return 0;
}

static int agree_decoder(const struct agreeing *a)
{
    json_t *decoder = json_object_get(a->config, "added_tokens_decoder");
    const char *key;
    json_t *v;

    if (decoder && !json_is_null(decoder) && !json_is_object(decoder))
        return err_set(a->r->err, ERR_DATA, "%s: /added_tokens_decoder: must be an object",
                       a->r->file);
    json_object_foreach(decoder, key, v)
    {
        struct added_token token;
        char pointer[DECODER_POINTER_BYTES];

        if (tokenizer_config_decoder_token(a->r, key, v, pointer, &token) ||
            agree_added(a, pointer, &token, true))
            return -1;
    }
    return 0;
}

static int agree_one(const struct agreeing *a, const char *pointer, const json_t *v)
{
    struct added_token token;

    return tokenizer_config_token(a->r, pointer, v, true, &token) ||
                   agree_added(a, pointer, &token, false)
               ? -1
               : 0;
}

/* A list, or an object of names and tokens. */
static int agree_list(const struct agreeing *a, const char *key)
{
    json_t *list = json_object_get(a->config, key);
    const char *name;
    char pointer[96];
    json_t *v;

    if (list && !json_is_null(list) && !json_is_array(list) && !json_is_object(list))
        return err_set(a->r->err, ERR_DATA, "%s: /%s: must be an array", a->r->file, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(pointer, sizeof(pointer), "/%s/%zu", key, i);
        if (agree_one(a, pointer, json_array_get(list, i)))
            return -1;
    }
    json_object_foreach(list, name, v)
    {
        snprintf(pointer, sizeof(pointer), "/%s/%.32s", key, name);
        if (agree_one(a, pointer, v))
            return -1;
    }
    return 0;
}

int tokenizer_config_agrees(const struct tokenizer_reader *r, const char *json,
                            const json_t *config)
{
    const struct agreeing a = {r, json, config};

    if (r->spec->normalizer_of_config && (agree_normalizer(&a) || agree_model(&a)))
        return -1;
    /* Lists before roles: these add tokens that tokenizer.json lacks. */
    if (agree_decoder(&a) || agree_list(&a, "additional_special_tokens") ||
        agree_list(&a, "extra_special_tokens") || agree_roles(&a))
        return -1;
    return 0;
}
