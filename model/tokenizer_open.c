#include <sys/stat.h>

#include "base/file.h"
#include "model/tokenizer_spec.h"

static bool exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* Sets err from what was made of the spec: its reasons know no file. */
static int make(const char *name, const struct tokenizer_spec *spec, struct tokenizer **out,
                struct err *err)
{
    if (tokenizer_new(spec, out, err) == 0)
        return 0;
    return err_prefix(err, "%s", name);
}

static int from_vocab(const char *name, struct view vocab, const char *config_name,
                      const json_t *config, struct tokenizer **out, struct err *err)
{
    struct tokenizer_spec spec = {0};
    struct arena arena;
    int rc = -1;

    arena_init(&arena, 64 * 1024, 0);
    if (vocab_txt_read(name, vocab, &arena, &spec, err) == 0 &&
        tokenizer_config_read(config_name, config, &arena, &spec, err) == 0)
        rc = make(name, &spec, out, err);
    arena_release(&arena);
    return rc;
}

int tokenizer_from_vocab(const char *name, struct view vocab, struct view config,
                         struct tokenizer **out, struct err *err)
{
    json_t *root = NULL;
    int rc;

    if (config.len == 0)
        config = VIEW_LIT("{}");
    if (tokenizer_json_parse("tokenizer_config.json", config, &root, err))
        return -1;
    rc = from_vocab(name, vocab, "tokenizer_config.json", root, out, err);
    json_decref(root);
    return rc;
}

static int from_json(const char *name, struct view json, const char *config_name,
                     const json_t *config, struct tokenizer **out, struct err *err)
{
    struct tokenizer_spec spec = {0};
    struct arena arena;
    json_t *root = NULL;
    int rc = -1;

    arena_init(&arena, 64 * 1024, 0);
    if (tokenizer_json_parse(name, json, &root, err) == 0 &&
        vocab_json_read(name, root, &arena, &spec, err) == 0 &&
        (!config || tokenizer_config_agrees(config_name, config, &spec, err) == 0))
        rc = make(name, &spec, out, err);
    json_decref(root);
    arena_release(&arena);
    return rc;
}

int tokenizer_from_json(const char *name, struct view json, struct tokenizer **out, struct err *err)
{
    return from_json(name, json, NULL, NULL, out, err);
}

/* The object in a file, an empty one where there is no such file. */
static int read_json(const char *path, json_t **out, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc = -1;

    if (!exists(path)) {
        *out = json_object();
        return *out ? 0 : err_set(err, ERR_NOMEM, "%s: out of memory", path);
    }
    if (file_read(path, TOKENIZER_MAX_FILE_BYTES, &text, err) == 0)
        rc = tokenizer_json_parse(path, buf_view(&text), out, err);
    buf_release(&text);
    return rc;
}

struct paths {
    char *json, *vocab, *config, *map, *added;
};

static int join_all(struct arena *arena, const char *dir, struct paths *paths, struct err *err)
{
    paths->json = file_join(arena, dir, "tokenizer.json");
    paths->vocab = file_join(arena, dir, "vocab.txt");
    paths->config = file_join(arena, dir, "tokenizer_config.json");
    paths->map = file_join(arena, dir, "special_tokens_map.json");
    paths->added = file_join(arena, dir, "added_tokens.json");
    if (!paths->json || !paths->vocab || !paths->config || !paths->map || !paths->added)
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    return 0;
}

/* Older releases wrote special tokens beside tokenizer_config.json, which wins; a list of added tokens in
 * a file of its own leaves their flags open. */
static int read_old_files(const struct paths *paths, json_t *config, struct err *err)
{
    json_t *map = NULL, *added = NULL;
    int rc = -1;

    if (read_json(paths->map, &map, err) || read_json(paths->added, &added, err))
        goto out;
    if (json_object_size(added) && !json_object_get(config, "added_tokens_decoder")) {
        err_set(err, ERR_DATA,
                "%s: tokens of a release that kept no flags; a tokenizer.json would have "
                "them",
                paths->added);
        goto out;
    }
    if (json_object_update_missing(config, map)) {
        err_set(err, ERR_NOMEM, "%s: out of memory", paths->map);
        goto out;
    }
    rc = 0;
out:
    json_decref(map);
    json_decref(added);
    return rc;
}

int tokenizer_open(const char *dir, struct tokenizer **out, struct err *err)
{
    struct buf text = BUF_INIT;
    struct arena arena;
    struct paths paths;
    json_t *config = NULL;
    int rc = -1;

    arena_init(&arena, 4096, 0);
    if (join_all(&arena, dir, &paths, err) || read_json(paths.config, &config, err))
        goto out;
    if (exists(paths.json)) {
        if (file_read(paths.json, TOKENIZER_MAX_FILE_BYTES, &text, err) == 0)
            rc = from_json(paths.json, buf_view(&text), paths.config, config, out, err);
        goto out;
    }
    if (!exists(paths.vocab)) {
        err_set(err, ERR_NOINPUT, "%s: neither tokenizer.json nor vocab.txt", dir);
        goto out;
    }
    if (read_old_files(&paths, config, err) ||
        file_read(paths.vocab, TOKENIZER_MAX_FILE_BYTES, &text, err))
        goto out;
    rc = from_vocab(paths.vocab, buf_view(&text), paths.config, config, out, err);
out:
    json_decref(config);
    buf_release(&text);
    arena_release(&arena);
    return rc;
}
