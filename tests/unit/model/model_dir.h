/* Model directories to spoil: a copy of a golden one in a temporary folder, and edits of its
 * files. */
#ifndef TESTS_UNIT_MODEL_MODEL_DIR_H
#define TESTS_UNIT_MODEL_MODEL_DIR_H

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <unistd.h>

#include "adrank/model.h"
#include "base/file.h"
#include "model/files/json_load.h"
#include "tests/js.h"

struct model_dir {
    char path[64];
};

static inline const char *model_dir_file(const struct model_dir *dir, const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    return path;
}

/* Never into the file that is there, which may be the original. */
static inline void model_dir_put(const struct model_dir *dir, const char *name, struct view bytes)
{
    char fresh[520];
    FILE *file;

    snprintf(fresh, sizeof(fresh), "%s.new", model_dir_file(dir, name));
    file = fopen(fresh, "w");
    CHECK(file && fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len);
    CHECK(fclose(file) == 0 && rename(fresh, model_dir_file(dir, name)) == 0);
}

/* The caller releases. */
static inline struct buf model_dir_get(const struct model_dir *dir, const char *name)
{
    struct buf bytes = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(model_dir_file(dir, name), 64 << 20, &bytes, &err), err);
    return bytes;
}

static inline void model_dir_empty(struct model_dir *dir)
{
    snprintf(dir->path, sizeof(dir->path), "/tmp/adrank-test-XXXXXX");
    CHECK(mkdtemp(dir->path));
}

/* Its files are links to the original's. */
static inline void model_dir_copy(struct model_dir *dir, const char *from)
{
    char whole[PATH_MAX], target[PATH_MAX + 300];
    DIR *files = opendir(from);

    CHECK(files && realpath(from, whole));
    model_dir_empty(dir);
    for (const struct dirent *file; (file = readdir(files)) != NULL;) {
        if (file->d_name[0] == '.')
            continue;
        snprintf(target, sizeof(target), "%s/%s", whole, file->d_name);
        CHECK_INT(symlink(target, model_dir_file(dir, file->d_name)), 0);
    }
    closedir(files);
}

static inline void model_dir_remove(const struct model_dir *dir)
{
    DIR *files = opendir(dir->path);

    for (const struct dirent *file; files && (file = readdir(files)) != NULL;)
        unlink(model_dir_file(dir, file->d_name));
    if (files)
        closedir(files);
    rmdir(dir->path);
}

/* Sets what the pointer names to the JSON text; NULL removes it. */
static inline void json_edit(json_t *doc, const char *pointer, const char *value)
{
    char key[256];
    const char *slash;
    json_error_t at;
    json_t *new_value = value ? json_load(view_of(value), JSON_DECODE_ANY, &at) : NULL;

    CHECK(!value || new_value);
    while ((slash = strchr(++pointer, '/')) != NULL) {
        snprintf(key, sizeof(key), "%.*s", (int)(slash - pointer), pointer);
        doc =
            json_is_array(doc) ? json_array_get(doc, (size_t)atoi(key)) : json_object_get(doc, key);
        pointer = slash;
        CHECK(doc);
    }
    if (json_is_array(doc) && value)
        CHECK_INT(json_array_set_new(doc, (size_t)atoi(pointer), new_value), 0);
    else if (json_is_array(doc))
        CHECK_INT(json_array_remove(doc, (size_t)atoi(pointer)), 0);
    else if (value)
        CHECK_INT(json_object_set_new(doc, pointer, new_value), 0);
    else
        CHECK_INT(json_object_del(doc, pointer), 0);
}

/* Of model.safetensors its header; the tensors' bytes stay. A file that is not there begins as
 * {}. */
static inline void model_dir_edit_json(const struct model_dir *dir, const char *name,
                                       const char *pointer, const char *value)
{
    struct buf bytes AT_END(buf_release), out AT_END(buf_release) = BUF_INIT;
    const bool tensors = strcmp(name, "model.safetensors") == 0;
    struct view json;
    json_error_t at;
    json_t *doc;
    char *text;

    if (access(model_dir_file(dir, name), F_OK) != 0)
        model_dir_put(dir, name, VIEW_LIT("{}"));
    bytes = model_dir_get(dir, name);
    json = buf_view(&bytes);
    if (tensors) {
        memcpy(&json.len, bytes.ptr, 8);
        json.ptr += 8;
    }
    doc = json_load(json, 0, &at);
    CHECK(doc);
    json_edit(doc, pointer, value);
    text = json_dumps(doc, JSON_COMPACT);
    if (tensors)
        buf_add(&out, &(uint64_t){strlen(text)}, 8);
    buf_add_str(&out, text);
    buf_add(&out, json.ptr + json.len, (size_t)(bytes.ptr + bytes.len - json.ptr) - json.len);
    CHECK(!buf_failed(&out));
    model_dir_put(dir, name, buf_view(&out));
    free(text);
    json_decref(doc);
}

/* In model.safetensors only by a text of the same length. */
static inline void model_dir_edit_text(const struct model_dir *dir, const char *name,
                                       const char *from, const char *to)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, name);
    struct buf out AT_END(buf_release) = BUF_INIT;
    const char *at = memmem(bytes.ptr, bytes.len, from, strlen(from));

    CHECK(at);
    buf_add(&out, bytes.ptr, (size_t)(at - bytes.ptr));
    buf_add_str(&out, to);
    buf_add(&out, at + strlen(from), (size_t)(bytes.ptr + bytes.len - at) - strlen(from));
    CHECK(!buf_failed(&out));
    model_dir_put(dir, name, buf_view(&out));
}

/*
 * where is a JSON pointer: what it names becomes the JSON value, or goes where value is NULL. Else
 * it is a text of the file, which value replaces. NULL: the whole file becomes value, or goes.
 */
static inline void model_dir_edit(const struct model_dir *dir, const char *name, const char *where,
                                  const char *value)
{
    if (where && *where == '/')
        model_dir_edit_json(dir, name, where, value);
    else if (where)
        model_dir_edit_text(dir, name, where, value);
    else if (value)
        model_dir_put(dir, name, view_of(value));
    else
        CHECK_INT(unlink(model_dir_file(dir, name)), 0);
}

static inline void check_refused(const char *dir, enum err_code code, const char *error)
{
    struct model *m;
    struct err err = {0};

    CHECK_ERR(model_open(dir, &m, &err), err, error);
    CHECK_INT(err.code, code);
}

/* One edit of a file (' is "), and the error that the directory is refused with: from ": " on where
 * "file: pointer" comes before. */
struct spoilt {
    const char *file, *where, *value, *error;
};

static inline void check_spoilt(const char *from, enum err_code code, const struct spoilt *rows,
                                int n)
{
    for (const struct spoilt *row = rows; row < rows + n; row++) {
        const char *value = row->value ? js("%s", row->value) : NULL;
        const char *where = row->where ? js("%s", row->where) : NULL;
        const bool prefix = row->error[0] == ':';
        struct model_dir dir AT_END(model_dir_remove);
        char error[400];

        test_row("%s: %s = %s", row->file, where ? where : "all", value ? value : "none");
        snprintf(error, sizeof(error), "%s%s%s%s", prefix ? row->file : "", prefix ? ": " : "",
                 prefix ? where : "", row->error);
        model_dir_copy(&dir, from);
        model_dir_edit(&dir, row->file, where, value);
        check_refused(dir.path, code, error);
    }
}

#endif
