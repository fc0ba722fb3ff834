/* Model directories to spoil: a copy of a golden one in a temporary folder, and edits of its
 * JSON by pointer. */
#ifndef TESTS_UNIT_MODEL_MODEL_DIR_H
#define TESTS_UNIT_MODEL_MODEL_DIR_H

#include <dirent.h>
#include <jansson.h>
#include <unistd.h>

#include "base/file.h"
#include "model/files/json_load.h"
#include "model/files/model_files.h"
#include "tests/test.h"

struct model_dir {
    char path[64];
};

static inline const char *model_dir_file(const struct model_dir *dir, const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    return path;
}

static inline void model_dir_put(const struct model_dir *dir, const char *name, struct view bytes)
{
    struct err err;

    CHECK_OK(file_write(model_dir_file(dir, name), bytes, &err), err);
}

/* The caller releases. */
static inline struct buf model_dir_get(const struct model_dir *dir, const char *name)
{
    struct buf bytes = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(model_dir_file(dir, name), 64 << 20, &bytes, &err), err);
    return bytes;
}

static inline void model_dir_copy(struct model_dir *dir, const char *from)
{
    snprintf(dir->path, sizeof(dir->path), "/tmp/adrank-test-XXXXXX");
    CHECK(mkdtemp(dir->path));
    for (int i = 0; i < MODEL_FILES; i++) {
        struct buf bytes = BUF_INIT;
        struct err err;
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", from, model_file_names[i]);
        if (file_read(path, 64 << 20, &bytes, &err) == 0)
            model_dir_put(dir, model_file_names[i], buf_view(&bytes));
        buf_release(&bytes);
    }
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
    else if (value)
        CHECK_INT(json_object_set_new(doc, pointer, new_value), 0);
    else
        CHECK_INT(json_object_del(doc, pointer), 0);
}

static inline void model_dir_edit(const struct model_dir *dir, const char *name,
                                  const char *pointer, const char *value)
{
    struct buf bytes = model_dir_get(dir, name);
    json_error_t at;
    json_t *doc = json_load(buf_view(&bytes), 0, &at);
    char *text;

    CHECK(doc);
    json_edit(doc, pointer, value);
    text = json_dumps(doc, 0);
    model_dir_put(dir, name, view_of(text));
    free(text);
    json_decref(doc);
    buf_release(&bytes);
}

/* The same of the header of model.safetensors; the tensors' bytes stay. */
static inline void model_dir_edit_tensors(const struct model_dir *dir, const char *pointer,
                                          const char *value)
{
    struct buf bytes = model_dir_get(dir, "model.safetensors"), out = BUF_INIT;
    uint64_t len;
    json_t *header;
    char *text;

    memcpy(&len, bytes.ptr, sizeof(len));
    header = json_loadb(bytes.ptr + 8, len, 0, NULL);
    CHECK(header);
    json_edit(header, pointer, value);
    text = json_dumps(header, JSON_COMPACT);
    buf_add(&out, &(uint64_t){strlen(text)}, 8);
    buf_add_str(&out, text);
    buf_add(&out, bytes.ptr + 8 + len, bytes.len - 8 - len);
    CHECK(!buf_failed(&out));
    model_dir_put(dir, "model.safetensors", buf_view(&out));
    free(text);
    json_decref(header);
    buf_release(&bytes);
    buf_release(&out);
}

#endif
