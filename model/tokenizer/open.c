/* Opens a model's tokenizer from whichever files it has. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/files/model_files.h"
#include "model/tokenizer/spec.h"

/* The object in a file, an empty one where there is no such file. */
static int parse(const struct tokenizer_file *file, json_t **out, struct err *err)
{
    if (file->bytes.ptr)
        return tokenizer_json_parse(file->name, file->bytes, out, err);
    *out = json_object();
    return *out ? 0 : err_set(err, ERR_NOMEM, "%s: out of memory", file->name);
}

/* The reasons do not name the file. */
static int make(const char *name, const struct tokenizer_spec *spec, struct tokenizer **out,
                struct err *err)
{
    return tokenizer_new(spec, out, err) ? err_prefix(err, "%s", name) : 0;
}

static struct view content_of(const json_t *token)
{
    const json_t *content = json_is_object(token) ? json_object_get(token, "content") : token;

    return (struct view){json_string_value(content), json_string_length(content)};
}

/* Older releases wrote special tokens to special_tokens_map.json, too: what
 * tokenizer_config.json leaves out counts; where they differ it depends on the reader which of
 * them does. */
static int add_special_map(const struct tokenizer_files *files, json_t *config, struct err *err)
{
    json_t *map = NULL, *v;
    const char *key;
    int rc = -1;

    if (parse(&files->special_map, &map, err))
        return -1;
    json_object_foreach(map, key, v)
    {
        const json_t *have = json_object_get(config, key);

        if (have && !json_is_array(have) && !json_is_null(have) &&
            !view_eq(content_of(have), content_of(v))) {
            err_set(err, ERR_DATA,
                    "%s: /%.40s: differs from tokenizer_config.json's; which one counts "
                    "depends on the reader",
                    files->special_map.name, key);
            goto out;
        }
    }
    if (json_object_update_missing(config, map)) {
        err_set(err, ERR_NOMEM, "%s: out of memory", files->special_map.name);
        goto out;
    }
    rc = 0;
out:
    json_decref(map);
    return rc;
}

/* A separate file of added tokens does not state their flags. */
static int refuse_added(const struct tokenizer_files *files, const json_t *config, struct err *err)
{
    json_t *added = NULL;
    int rc = 0;

    if (parse(&files->added, &added, err))
        return -1;
    if (json_object_size(added) && !json_object_get(config, "added_tokens_decoder"))
        rc = err_set(err, ERR_DATA,
                     "%s: tokens of a release that kept no flags; a tokenizer.json would have "
                     "them",
                     files->added.name);
    json_decref(added);
    return rc;
}

/* Beside tokenizer.json it may repeat that file's tokens. */
static int agree_added(const struct tokenizer_files *files, const struct tokenizer_spec *spec,
                       struct err *err)
{
    json_t *added = NULL, *id;
    const char *key;
    int rc = 0;

    if (parse(&files->added, &added, err))
        return -1;
    json_object_foreach(added, key, id)
    {
        const struct added_token *have = tokenizer_spec_added(spec, view_of(key));

        if (!have || json_integer_value(id) != have->id) {
            rc = err_set(err, ERR_DATA, "%s: /%.64s: is not among tokenizer.json's added_tokens",
                         files->added.name, key);
            break;
        }
    }
    json_decref(added);
    return rc;
}

/* What both vocabularies need beside the class's own part. */
struct parsed {
    json_t *config, *model_config; /* the latter NULL: there is no config.json */
};

static int from_vocab(const struct tokenizer_files *files, struct parsed *p, struct arena *arena,
                      struct tokenizer **out, struct err *err)
{
    struct tokenizer_spec spec = {0};
    const struct tokenizer_reader vocab = {files->vocab.name, arena, &spec, err};
    const struct tokenizer_reader config = {files->config.name, arena, &spec, err};

    if (refuse_added(files, p->config, err) || vocab_txt_read(&vocab, files->vocab.bytes) ||
        tokenizer_class_read(&config, p->config, files->model_config.name, p->model_config,
                             false) ||
        tokenizer_config_read(&config, p->config))
        return -1;
    return make(vocab.file, &spec, out, err);
}

/* A tokenizer.json alone means what it says; one in a model's directory what transformers makes
 * of it. */
static int from_json(const struct tokenizer_files *files, struct parsed *p, struct arena *arena,
                     struct tokenizer **out, struct err *err)
{
    const bool alone =
        !files->config.bytes.ptr && !p->model_config && !files->special_map.bytes.ptr;
    struct tokenizer_spec spec = {0};
    const struct tokenizer_reader json = {files->json.name, arena, &spec, err};
    const struct tokenizer_reader config = {
        files->config.name ? files->config.name : "tokenizer_config.json", arena, &spec, err};
    json_t *root = NULL;
    int rc = -1;

    if (parse(&files->json, &root, err) == 0 && vocab_json_read(&json, root) == 0 &&
        tokenizer_class_read(&config, p->config, files->model_config.name, p->model_config, true) ==
            0 &&
        agree_added(files, &spec, err) == 0 &&
        (alone || tokenizer_config_agrees(&config, json.file, p->config) == 0))
        rc = make(json.file, &spec, out, err);
    json_decref(root);
    return rc;
}

int tokenizer_from_files(const struct tokenizer_files *files, struct tokenizer **out,
                         struct err *err)
{
    struct parsed p = {0};
    struct arena arena;
    int rc;

    arena_init(&arena, 64 * 1024, 0);
    rc = parse(&files->config, &p.config, err);
    if (rc == 0 && files->model_config.bytes.ptr)
        rc = parse(&files->model_config, &p.model_config, err);
    if (rc == 0)
        rc = add_special_map(files, p.config, err);
    if (rc == 0)
        rc = (files->json.bytes.ptr ? from_json : from_vocab)(files, &p, &arena, out, err);
    json_decref(p.config);
    json_decref(p.model_config);
    arena_release(&arena);
    return rc;
}

/* ---- from a directory ------------------------------------------------------------------------ */

/* Only a file that does not exist may be absent: one that cannot be read is an error. */
static int read_file(struct arena *arena, const char *dir, const char *name,
                     struct tokenizer_file *file, struct buf *bytes, struct err *err)
{
    struct stat st;

    file->name = arena_printf(arena, "%s/%s", dir, name);
    if (!file->name)
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    if (lstat(file->name, &st) != 0 && errno == ENOENT)
        return 0;
    if (file_read(file->name, TOKENIZER_MAX_FILE_BYTES, bytes, err))
        return -1;
    file->bytes = buf_view(bytes);
    return 0;
}

int tokenizer_open(const char *dir, struct tokenizer **out, struct err *err)
{
    struct tokenizer_files files = {0};
    const struct {
        const char *name;
        struct tokenizer_file *file;
    } rows[] = {
        {"tokenizer.json", &files.json},          {"vocab.txt", &files.vocab},
        {"tokenizer_config.json", &files.config}, {"special_tokens_map.json", &files.special_map},
        {"added_tokens.json", &files.added},      {"config.json", &files.model_config},
    };
    enum { N = sizeof(rows) / sizeof(rows[0]) };
    struct buf bytes[N] = {BUF_INIT};
    struct arena arena;
    int rc = 0;

    if (model_require_dir(dir, err))
        return -1;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; rc == 0 && i < N; i++)
        rc = read_file(&arena, dir, rows[i].name, rows[i].file, &bytes[i], err);
    if (rc == 0 && !files.json.bytes.ptr && !files.vocab.bytes.ptr)
        rc = err_set(err, ERR_NOINPUT, "%s: neither tokenizer.json nor vocab.txt", dir);
    if (rc == 0)
        rc = tokenizer_from_files(&files, out, err);
    for (size_t i = 0; i < N; i++)
        buf_release(&bytes[i]);
    arena_release(&arena);
    return rc;
}
