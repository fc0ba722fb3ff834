/* Reads tokenizer.json. */
#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "model/files/json_load.h"
#include "model/tokenizer/spec.h"

static int no_memory(const struct tokenizer_reader *r)
{
    return err_set(r->err, ERR_NOMEM, "%s: out of memory", r->file);
}

int tokenizer_json_parse(const char *file, struct view text, json_t **out, struct err *err)
{
    json_error_t at;
    json_t *root = json_load(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);

    if (!root && json_load_no_memory(&at))
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    if (!root)
        return err_set(err, ERR_DATA, "%s: line %d column %d: %s", file, at.line, at.column,
                       utf8_has_bom(text) ? UTF8_BOM_REASON : at.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_DATA, "%s: must be a JSON object", file);
    }
    *out = root;
    return 0;
}

static struct view view_of_string(const json_t *v)
{
    return (struct view){json_string_value(v), json_string_length(v)};
}

/* The part at /key must be an object of the one type that is served. */
static int part(const struct tokenizer_reader *r, const json_t *root, const char *key,
                const char *type, const json_t **out)
{
    const json_t *v = json_object_get(root, key);
    const char *have = json_string_value(json_object_get(v, "type"));

    if (!json_is_object(v))
        return err_set(r->err, ERR_DATA, "%s: /%s: must be an object of type %s", r->file, key,
                       type);
    if (!have || strcmp(have, type) != 0)
        return err_set(r->err, ERR_DATA, "%s: /%s/type: is %.64s, only %s is served", r->file, key,
                       have ? have : "missing", type);
    *out = v;
    return 0;
}

static int read_normalizer(const struct tokenizer_reader *r, const json_t *root)
{
    struct normalizer_options *options = &r->spec->normalizer;
    const json_t *v = NULL, *strip;

    if (part(r, root, "normalizer", "BertNormalizer", &v) ||
        tokenizer_flag(r, "/normalizer", v, "clean_text", NULL, &options->clean_text) ||
        tokenizer_flag(r, "/normalizer", v, "handle_chinese_chars", NULL,
                       &options->chinese_chars) ||
        tokenizer_flag(r, "/normalizer", v, "lowercase", NULL, &options->lowercase))
        return -1;
    strip = json_object_get(v, "strip_accents");
    options->strip_accents = options->lowercase;
    if (!strip || json_is_null(strip))
        return 0;
    return tokenizer_flag(r, "/normalizer", v, "strip_accents", NULL, &options->strip_accents);
}

static int string(const struct tokenizer_reader *r, const json_t *object, const char *pointer,
                  const char *key, struct view *out)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_string(v))
        return err_set(r->err, ERR_DATA, "%s: %s/%s: must be a string", r->file, pointer, key);
    *out = view_of_string(v);
    return 0;
}

static int read_vocab(const struct tokenizer_reader *r, json_t *vocab)
{
    size_t n = json_object_size(vocab);
    const char *key;
    size_t key_len;
    struct view *tokens;
    json_t *v;

    if (!json_is_object(vocab) || n == 0)
        return err_set(r->err, ERR_DATA, "%s: /model/vocab: must be an object with tokens",
                       r->file);
    if (n > TOKENIZER_MAX_TOKENS)
        return err_set(r->err, ERR_DATA, "%s: /model/vocab: more than %d tokens", r->file,
                       TOKENIZER_MAX_TOKENS);
    tokens = arena_calloc(r->arena, n, sizeof(*tokens));
    if (!tokens)
        return no_memory(r);
    json_object_keylen_foreach(vocab, key, key_len, v)
    {
        struct view token = {key, key_len};
        json_int_t id = json_integer_value(v);

        if (!json_is_integer(v) || id < 0)
            return err_set(r->err, ERR_DATA, "%s: /model/vocab/%.*s: must be an id", r->file,
                           TOKEN_ARG(token));
        if ((uint64_t)id >= n)
            return err_set(r->err, ERR_DATA,
                           "%s: /model/vocab/%.*s: id %" PRId64
                           " of %zu tokens, so another is missing",
                           r->file, TOKEN_ARG(token), (int64_t)id, n);
        if (tokens[id].ptr)
            return err_set(r->err, ERR_DATA,
                           "%s: /model/vocab/%.*s: id %" PRId64 " is that of %.*s too", r->file,
                           TOKEN_ARG(token), (int64_t)id, TOKEN_ARG(tokens[id]));
        tokens[id] = token;
    }
    r->spec->pieces.tokens = tokens;
    r->spec->pieces.n_tokens = n;
    return 0;
}

static int read_model(const struct tokenizer_reader *r, const json_t *root)
{
    struct tokenizer_spec *spec = r->spec;
    const json_t *model = NULL, *max;
    struct view unknown = {0};

    if (part(r, root, "model", "WordPiece", &model) ||
        string(r, model, "/model", "unk_token", &unknown) ||
        string(r, model, "/model", "continuing_subword_prefix", &spec->pieces.prefix))
        return -1;
    max = json_object_get(model, "max_input_chars_per_word");
    if (!json_is_integer(max) || json_integer_value(max) < 1 ||
        json_integer_value(max) > TOKENIZER_MAX_WORD_CHARS)
        return err_set(r->err, ERR_DATA, "%s: /model/max_input_chars_per_word: must be 1 to %d",
                       r->file, TOKENIZER_MAX_WORD_CHARS);
    spec->pieces.max_chars = (size_t)json_integer_value(max);
    if (read_vocab(r, json_object_get(model, "vocab")))
        return -1;
    spec->pieces.unknown = tokenizer_spec_find(spec, unknown);
    if (spec->pieces.unknown < 0)
        return err_set(r->err, ERR_DATA, "%s: /model/unk_token: %.*s is not in the vocabulary",
                       r->file, TOKEN_ARG(unknown));
    return 0;
}

static int read_added_one(const struct tokenizer_reader *r, size_t i, const json_t *v)
{
    struct tokenizer_spec *spec = r->spec;
    struct added_token *token = &spec->added[i];
    const json_t *id = json_object_get(v, "id");
    int32_t want;
    char pointer[40];

    snprintf(pointer, sizeof(pointer), "/added_tokens/%zu", i);
    *token = (struct added_token){.id = -1};
    if (string(r, v, pointer, "content", &token->content) ||
        tokenizer_flag(r, pointer, v, "single_word", NULL, &token->single_word) ||
        tokenizer_flag(r, pointer, v, "lstrip", NULL, &token->lstrip) ||
        tokenizer_flag(r, pointer, v, "rstrip", NULL, &token->rstrip) ||
        tokenizer_flag(r, pointer, v, "normalized", NULL, &token->normalized) ||
        tokenizer_flag(r, pointer, v, "special", NULL, &token->special))
        return -1;
    if (token->content.len == 0)
        return err_set(r->err, ERR_DATA, "%s: %s/content: is empty", r->file, pointer);
    for (size_t k = 0; k < i; k++)
        if (view_eq(spec->added[k].content, token->content))
            return err_set(r->err, ERR_DATA, "%s: %s/content: duplicate of /added_tokens/%zu",
                           r->file, pointer, k);
    want = tokenizer_spec_find(spec, token->content);
    if (want < 0) {
        want = (int32_t)spec->pieces.n_tokens;
        for (size_t k = 0; k < i; k++)
            want += spec->added[k].id >= (int32_t)spec->pieces.n_tokens;
    }
    if (!json_is_integer(id) || json_integer_value(id) != want)
        return err_set(r->err, ERR_DATA,
                       "%s: %s/id: must be %d after the vocabulary and the tokens before", r->file,
                       pointer, (int)want);
    token->id = want;
    return 0;
}

static int read_added(const struct tokenizer_reader *r, const json_t *root)
{
    const json_t *list = json_object_get(root, "added_tokens");
    size_t n = json_array_size(list);

    r->spec->n_added = 0;
    if (list && !json_is_array(list))
        return err_set(r->err, ERR_DATA, "%s: /added_tokens: must be an array", r->file);
    if (n > TOKENIZER_MAX_ADDED)
        return err_set(r->err, ERR_DATA, "%s: /added_tokens: more than %d", r->file,
                       TOKENIZER_MAX_ADDED);
    r->spec->added = arena_array(r->arena, n, sizeof(*r->spec->added));
    if (!r->spec->added)
        return no_memory(r);
    for (size_t i = 0; i < n; i++)
        if (read_added_one(r, i, json_array_get(list, i)))
            return -1;
    r->spec->n_added = n;
    return 0;
}

/* Id of a token of the model or an added one, by content. */
static int32_t find(const struct tokenizer_spec *spec, struct view content)
{
    const struct added_token *added = tokenizer_spec_added(spec, content);

    return added ? added->id : tokenizer_spec_find(spec, content);
}

/* Item i of a template: a special token when id is wanted, else the sequence of that name. */
static int template_item(const struct tokenizer_reader *r, const json_t *list, const char *name,
                         size_t i, const char *sequence, int type, struct view *special)
{
    const json_t *item =
        json_object_get(json_array_get(list, i), sequence ? "Sequence" : "SpecialToken");
    const json_t *id = json_object_get(item, "id");
    const json_t *type_id = json_object_get(item, "type_id");

    if (!json_is_string(id) || !json_is_integer(type_id) || json_integer_value(type_id) != type ||
        (sequence && strcmp(json_string_value(id), sequence) != 0) ||
        (special && special->ptr && !view_eq(*special, view_of_string(id))))
        return err_set(r->err, ERR_DATA, "%s: /post_processor/%s/%zu: is not BERT's", r->file, name,
                       i);
    if (special)
        *special = view_of_string(id);
    return 0;
}

static int template_id(const struct tokenizer_reader *r, const json_t *post, struct view name,
                       int32_t *out)
{
    const json_t *tokens = json_object_get(post, "special_tokens");
    const json_t *ids = json_object_get(json_object_getn(tokens, name.ptr, name.len), "ids");
    json_int_t id = json_integer_value(json_array_get(ids, 0));

    if (json_array_size(ids) != 1 || !json_is_integer(json_array_get(ids, 0)) || id < 0 ||
        id >= tokenizer_spec_size(r->spec))
        return err_set(r->err, ERR_DATA,
                       "%s: /post_processor/special_tokens/%.*s/ids: must be one id "
                       "of the vocabulary",
                       r->file, TOKEN_ARG(name));
    *out = (int32_t)id;
    return 0;
}

/* [CLS] A [SEP] and [CLS] A [SEP] B [SEP] with types 0 and 0 0 0 1 1: inputs are built like
 * that. */
static int read_template(const struct tokenizer_reader *r, const json_t *post)
{
    const json_t *single = json_object_get(post, "single");
    const json_t *pair = json_object_get(post, "pair");
    struct view cls = {0}, sep = {0};

    if (json_array_size(single) != 3 || json_array_size(pair) != 5)
        return err_set(r->err, ERR_DATA, "%s: /post_processor: single and pair are not BERT's",
                       r->file);
    if (template_item(r, single, "single", 0, NULL, 0, &cls) ||
        template_item(r, single, "single", 1, "A", 0, NULL) ||
        template_item(r, single, "single", 2, NULL, 0, &sep) ||
        template_item(r, pair, "pair", 0, NULL, 0, &cls) ||
        template_item(r, pair, "pair", 1, "A", 0, NULL) ||
        template_item(r, pair, "pair", 2, NULL, 0, &sep) ||
        template_item(r, pair, "pair", 3, "B", 1, NULL) ||
        template_item(r, pair, "pair", 4, NULL, 1, &sep))
        return -1;
    return template_id(r, post, cls, &r->spec->facts.cls) ||
                   template_id(r, post, sep, &r->spec->facts.sep)
               ? -1
               : 0;
}

/* {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]} */
static int read_bert_post(const struct tokenizer_reader *r, const json_t *post)
{
    static const char *const keys[] = {"cls", "sep"};

    for (int i = 0; i < 2; i++) {
        const json_t *v = json_object_get(post, keys[i]);
        const json_t *id = json_array_get(v, 1);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= tokenizer_spec_size(r->spec))
            return err_set(r->err, ERR_DATA, "%s: /post_processor/%s: must be a token and its id",
                           r->file, keys[i]);
        *(i ? &r->spec->facts.sep : &r->spec->facts.cls) = (int32_t)json_integer_value(id);
    }
    return 0;
}

static int read_post_processor(const struct tokenizer_reader *r, const json_t *root)
{
    const json_t *post = json_object_get(root, "post_processor");
    const char *type = json_string_value(json_object_get(post, "type"));

    if (type && strcmp(type, "TemplateProcessing") == 0)
        return read_template(r, post);
    if (type && strcmp(type, "BertProcessing") == 0)
        return read_bert_post(r, post);
    return err_set(r->err, ERR_DATA,
                   "%s: /post_processor/type: is %.64s, only TemplateProcessing and "
                   "BertProcessing are served",
                   r->file, type ? type : "missing");
}

static int read_pad(const struct tokenizer_reader *r, const json_t *root)
{
    const json_t *id = json_object_get(json_object_get(root, "padding"), "pad_id");
    struct tokenizer_spec *spec = r->spec;

    if (json_is_integer(id)) {
        json_int_t pad = json_integer_value(id);

        if (pad < 0 || pad >= tokenizer_spec_size(spec))
            return err_set(r->err, ERR_DATA, "%s: /padding/pad_id: not an id of the vocabulary",
                           r->file);
        spec->facts.pad = (int32_t)pad;
        return 0;
    }
    spec->facts.pad = find(spec, VIEW_LIT("[PAD]"));
    if (spec->facts.pad < 0)
        spec->facts.pad = find(spec, VIEW_LIT("<pad>"));
    if (spec->facts.pad < 0)
        return err_set(r->err, ERR_DATA, "%s: /model/vocab: neither [PAD] nor <pad> is in it",
                       r->file);
    return 0;
}

int vocab_json_read(const struct tokenizer_reader *r, const json_t *root)
{
    const json_t *side = json_object_get(json_object_get(root, "truncation"), "direction");
    const json_t *pre = NULL;

    /* The length is left over from the last call; the side belongs to the tokenizer. */
    r->spec->cut_left =
        side && strcmp(json_is_string(side) ? json_string_value(side) : "", "Right");
    return part(r, root, "pre_tokenizer", "BertPreTokenizer", &pre) || read_normalizer(r, root) ||
                   read_model(r, root) || read_added(r, root) || read_post_processor(r, root) ||
                   read_pad(r, root)
               ? -1
               : 0;
}
