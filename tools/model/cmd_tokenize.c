/* adrank-model tokenize: prints the token ids of texts. */
#include <jansson.h>

#include "json/writer.h"
#include "tools/model/command.h"

struct tokenizing {
    const struct tokenizer *tokenizer;
    int max_tokens; /* 0: as many as there are */
    struct arena arena;
    struct buf out;
};

struct text_ids {
    int32_t *ids;
    int n;
};

static int encode(struct tokenizing *t, const json_t *text, struct text_ids *out, struct err *err)
{
    struct view v = json_view(text);

    if (!json_is_string(text))
        return err_set(err, ERR_DATA, "want a string, or an array of two; this is %s",
                       json_kind(text));
    out->ids =
        arena_array(&t->arena, tokenizer_max_ids(t->tokenizer, v.len) + 1, sizeof(*out->ids));
    out->n = out->ids ? tokenizer_encode(t->tokenizer, v, &t->arena, out->ids) : -1;
    return out->n < 0 ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static void put_ids(struct json_writer *w, const struct text_ids *text)
{
    for (int i = 0; i < text->n; i++)
        jw_int(w, text->ids[i]);
}

static int put(struct tokenizing *t, const json_t *doc, struct err *err)
{
    bool pair = json_is_array(doc);
    struct text_ids first, second = {0};
    struct json_writer w;

    if (pair && json_array_size(doc) != 2)
        return err_set(err, ERR_DATA, "want a string, or an array of two");
    if (encode(t, pair ? json_array_get(doc, 0) : doc, &first, err) ||
        (pair && encode(t, json_array_get(doc, 1), &second, err)))
        return -1;
    if (t->max_tokens && tokenizer_truncate(TRUNCATE_LONGEST_FIRST, t->max_tokens - (pair ? 3 : 2),
                                            &first.n, &second.n) < 0)
        return err_set(err, ERR_DATA, "cannot be cut to %d tokens", t->max_tokens);
    json_writer_init(&w, &t->out);
    jw_array_begin(&w);
    jw_int(&w, tokenizer_facts(t->tokenizer)->cls);
    put_ids(&w, &first);
    jw_int(&w, tokenizer_facts(t->tokenizer)->sep);
    if (pair) {
        put_ids(&w, &second);
        jw_int(&w, tokenizer_facts(t->tokenizer)->sep);
    }
    jw_array_end(&w);
    buf_add_str(&t->out, "\n");
    return t->out.len > 1 << 16 ? lines_write(&t->out, err) : 0;
}

static int on_line(void *arg, struct view line, struct err *err)
{
    struct tokenizing *t = arg;
    json_t *doc;
    int rc;

    if (line_parse(line, &doc, err))
        return -1;
    arena_reset(&t->arena, SIZE_MAX);
    rc = put(t, doc, err);
    json_decref(doc);
    return rc;
}

static int run(const struct options *options, struct model *none, struct err *err)
{
    struct tokenizing t = {.max_tokens = options->max_tokens};
    struct tokenizer *tokenizer;
    struct err ignored;
    int rc;

    (void)none;
    if (tokenizer_open(options->dir, &tokenizer, err))
        return -1;
    t.tokenizer = tokenizer;
    arena_init(&t.arena, 64 << 10, 0);
    rc = lines_read(NULL, on_line, &t, err);
    /* Lines before a bad one are still reported. */
    if (lines_write(&t.out, rc ? &ignored : err))
        rc = -1;
    buf_release(&t.out);
    arena_release(&t.arena);
    tokenizer_free(tokenizer);
    return rc;
}

const struct command command_tokenize = {
    .name = "tokenize",
    .bit = COMMAND_TOKENIZE,
    .help = "JSON strings, or arrays of two, to arrays of token ids with special tokens",
    .run = run,
};
