/* model.safetensors.index.json: which file holds each tensor. Treated as hostile input, like the
 * shards. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/files/config_json.h"
#include "model/files/model_files.h"

#define MAX_BYTES ((size_t)16 << 30) /* of all shards */

/* A file in this directory: no path elsewhere, one printable line. */
static bool is_file_name(const char *name)
{
    static const char ending[] = ".safetensors";
    size_t len = strlen(name);

    if (len < sizeof(ending) || len > 255 || name[0] == '.' ||
        strcmp(name + len - (sizeof(ending) - 1), ending) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isprint((unsigned char)name[i]) || name[i] == '/' || name[i] == '\\')
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct model_shard *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* One of a name, in order of their names. */
static void drop_repeated(struct model_files *files)
{
    int n = 0;

    qsort(files->shards, (size_t)files->n_shards, sizeof(*files->shards), by_name);
    for (int i = 0; i < files->n_shards; i++)
        if (n == 0 || strcmp(files->shards[n - 1].name, files->shards[i].name) != 0)
            files->shards[n++] = files->shards[i];
    files->n_shards = n;
}

static int list_shards(struct model_files *files, struct err *err)
{
    const char *file = files->paths[FILE_INDEX];
    size_t n = json_object_size(files->weight_map);
    const char *tensor;
    json_t *value;

    if (!json_is_object(files->weight_map) || n == 0 || n > MODEL_MAX_SHARDED_TENSORS)
        return err_set(err, ERR_DATA, "%s: /weight_map: want an object of 1 to %d tensors", file,
                       MODEL_MAX_SHARDED_TENSORS);
    files->shards = calloc(n, sizeof(*files->shards));
    if (!files->shards)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    json_object_foreach(files->weight_map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (!name || !is_file_name(name))
            return err_set(err, ERR_DATA,
                           "%s: /weight_map/%.100s: want the name of a .safetensors file of this "
                           "directory",
                           file, tensor);
        files->shards[files->n_shards++] = (struct model_shard){.name = name};
    }
    drop_repeated(files);
    if (files->n_shards > MODEL_MAX_SHARDS)
        return err_set(err, ERR_DATA, "%s: /weight_map: more than %d files", file,
                       MODEL_MAX_SHARDS);
    return 0;
}

static int read_shard(struct model_shard *shard, const char *dir, size_t max_bytes, struct err *err)
{
    if (asprintf(&shard->path, "%s/%s", dir, shard->name) < 0) {
        shard->path = NULL;
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    }
    if (file_read(shard->path, max_bytes, &shard->bytes, err))
        return -1;
    return model_refuse_pointer(shard->path, buf_view(&shard->bytes), err);
}

int model_shards_read(struct model_files *files, const char *dir, struct err *err)
{
    size_t room = MAX_BYTES;
    json_t *doc;
    int rc;

    if (config_parse(files->paths[FILE_INDEX], buf_view(&files->bytes[FILE_INDEX]), &doc, err))
        return -1;
    files->weight_map = json_incref(json_object_get(doc, "weight_map"));
    json_decref(doc);
    rc = list_shards(files, err);
    for (int i = 0; i < files->n_shards && rc == 0; i++) {
        rc = read_shard(&files->shards[i], dir, room, err);
        room -= rc == 0 ? files->shards[i].bytes.len : 0;
    }
    return rc;
}

void model_shards_release(struct model_files *files)
{
    for (int i = 0; i < files->n_shards; i++) {
        free(files->shards[i].path);
        buf_release(&files->shards[i].bytes);
    }
    free(files->shards);
    json_decref(files->weight_map);
}
