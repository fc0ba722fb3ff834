#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/tokenizer_spec.h"

/* The object in a file, an empty one where there is no such file. */
static int parse(const struct tokenizer_file *file, json_t **out, struct err *err)
{
    if (file->bytes.ptr)
        return tokenizer_json_parse(file->name, file->bytes, out, err);
    *out = json_object();
    return *out ? 0 : err_set(err, ERR_NOMEM, "%s: out of memory", file->name);
}

/* Sets err from what was made of the spec: its reasons know no file. */
static int make(const char *name, const struct tokenizer_spec *spec, struct tokenizer **out,
                struct err *err)
{
    if (tokenizer_new(spec, out, err) == 0)
        return 0;
    return err_prefix(err, "%s", name);
}

/* Older releases wrote special tokens beside tokenizer_config.json, which wins; a list of added tokens in
 * a file of its own leaves their flags open. */
static int add_old_files(const struct tokenizer_files *files, json_t *config, struct err *err)
{
    json_t *map = NULL, *added = NULL;
    int rc = -1;

    if (parse(&files->special_map, &map, err) || parse(&files->added, &added, err))
        goto out;
    if (json_object_size(added) && !json_object_get(config, "added_tokens_decoder")) {
        err_set(err, ERR_DATA,
                "%s: tokens of a release that kept no flags; a tokenizer.json would have "
                "them",
                files->added.name);
        goto out;
    }
    if (json_object_update_missing(config, map)) {
        err_set(err, ERR_NOMEM, "%s: out of memory", files->special_map.name);
        goto out;
    }
    rc = 0;
out:
    json_decref(map);
    json_decref(added);
    return rc;
}

static int from_vocab(const struct tokenizer_files *files, json_t *config, struct arena *arena,
                      struct tokenizer **out, struct err *err)
{
    struct tokenizer_spec spec = {0};

    if (add_old_files(files, config, err) ||
        vocab_txt_read(files->vocab.name, files->vocab.bytes, arena, &spec, err) ||
        tokenizer_config_read(files->config.name, config, arena, &spec, err))
        return -1;
    return make(files->vocab.name, &spec, out, err);
}

static int from_json(const struct tokenizer_files *files, json_t *config, struct arena *arena,
                     struct tokenizer **out, struct err *err)
{
    struct tokenizer_spec spec = {0};
    json_t *root = NULL;
    int rc = -1;

    if (parse(&files->json, &root, err) == 0 &&
        vocab_json_read(files->json.name, root, arena, &spec, err) == 0 &&
        tokenizer_config_agrees(files->config.name, config, &spec, err) == 0)
        rc = make(files->json.name, &spec, out, err);
    json_decref(root);
    return rc;
}

int tokenizer_from_files(const struct tokenizer_files *files, struct tokenizer **out,
                         struct err *err)
{
    struct arena arena;
    json_t *config = NULL;
    int rc;

    arena_init(&arena, 64 * 1024, 0);
    rc = parse(&files->config, &config, err);
    if (rc == 0)
        rc = (files->json.bytes.ptr ? from_json : from_vocab)(files, config, &arena, out, err);
    json_decref(config);
    arena_release(&arena);
    return rc;
}

/* ---- from a directory ---------------------------------------------------------------------------- */

/* Only a file that does not exist may be absent: one that cannot be read is an error. */
static int read_file(struct arena *arena, const char *dir, const char *name,
                     struct tokenizer_file *file, struct buf *bytes, struct err *err)
{
    struct stat st;

    file->name = file_join(arena, dir, name);
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
        {"added_tokens.json", &files.added},
    };
    enum { N = sizeof(rows) / sizeof(rows[0]) };
    struct buf bytes[N] = {BUF_INIT};
    struct arena arena;
    int rc = 0;

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
