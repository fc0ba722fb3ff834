/* Parses the header of safetensors and locates tensors. */
#include "model/files/safetensors.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "model/files/json_load.h"

#define MAX_DIM ((int64_t)1 << 40)

struct safetensors_dtype {
    const char *name;
    size_t bytes;
    float (*to_f32)(const char *element); /* NULL: known, but no weights */
};

static float f32_at(const char *p)
{
    float v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint16_t u16_at(const char *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static float f32_from_bits(uint32_t bits)
{
    float v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float bf16_at(const char *p)
{
    return f32_from_bits((uint32_t)u16_at(p) << 16);
}

/* IEEE 754 binary16. */
static float f16_at(const char *p)
{
    uint32_t h = u16_at(p);
    uint32_t sign = (h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1f;
    uint32_t fraction = h & 0x3ff;
    float subnormal;

    if (exponent == 0x1f)
        return f32_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent)
        return f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    subnormal = (float)fraction * 0x1p-24f;
    return sign ? -subnormal : subnormal;
}

static const struct safetensors_dtype dtypes[] = {
    {"F32", 4, f32_at}, {"F16", 2, f16_at},   {"BF16", 2, bf16_at}, {"F64", 8, NULL},
    {"I64", 8, NULL},   {"U64", 8, NULL},     {"I32", 4, NULL},     {"U32", 4, NULL},
    {"I16", 2, NULL},   {"U16", 2, NULL},     {"I8", 1, NULL},      {"U8", 1, NULL},
    {"BOOL", 1, NULL},  {"F8_E4M3", 1, NULL}, {"F8_E5M2", 1, NULL},
};

static const struct safetensors_dtype *dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

const char *safetensors_dtype_name(const struct safetensor *tensor)
{
    return tensor->dtype->name;
}

static int refuse(const struct safetensors *t, const char *tensor, const char *why, struct err *err)
{
    return err_set(err, ERR_DATA, "%s: tensor %s: %s", t->file, tensor, why);
}

/* A name goes into messages and logs, so it must be one line of reasonable length. */
static bool name_is_sane(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!isprint((unsigned char)name[i]))
            return false;
    return len > 0 && len <= 256;
}

/* An integer of the header within [0, max]. */
static bool header_int(const json_t *value, int64_t max, int64_t *out)
{
    if (!json_is_integer(value))
        return false;
    *out = json_integer_value(value);
    return *out >= 0 && *out <= max;
}

static int parse_shape(const struct safetensors *t, struct safetensor *tensor, const json_t *shape,
                       struct err *err)
{
    if (!json_is_array(shape))
        return refuse(t, tensor->name, "no shape", err);
    if (json_array_size(shape) > SAFETENSORS_MAX_DIMS)
        return refuse(t, tensor->name, "more than 8 dimensions", err);
    tensor->n_dims = (int)json_array_size(shape);
    for (int d = 0; d < tensor->n_dims; d++)
        if (!header_int(json_array_get(shape, (size_t)d), MAX_DIM, &tensor->dims[d]))
            return refuse(t, tensor->name, "a dimension is not an integer from 0 to 2^40", err);
    return 0;
}

static int parse_offsets(const struct safetensors *t, struct safetensor *tensor,
                         const json_t *offsets, struct err *err)
{
    int64_t begin, end;
    size_t bytes = tensor->dtype->bytes;

    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !header_int(json_array_get(offsets, 0), INT64_MAX, &begin) ||
        !header_int(json_array_get(offsets, 1), INT64_MAX, &end))
        return refuse(t, tensor->name, "data_offsets is not two integers >= 0", err);
    if (begin > end)
        return refuse(t, tensor->name, "it ends before it begins", err);
    if ((uint64_t)end > t->data.len)
        return refuse(t, tensor->name, "it reaches beyond the end of the file", err);
    for (int d = 0; d < tensor->n_dims; d++)
        if (__builtin_mul_overflow(bytes, (size_t)tensor->dims[d], &bytes))
            return refuse(t, tensor->name, "its shape is too large", err);
    if (bytes != (size_t)(end - begin))
        return refuse(t, tensor->name, "its shape and its bytes do not agree", err);
    tensor->file = t->file;
    tensor->data = t->data.ptr;
    tensor->begin = (size_t)begin;
    tensor->end = (size_t)end;
    return 0;
}

static int parse_tensor(const struct safetensors *t, struct safetensor *tensor, const char *name,
                        const json_t *entry, struct err *err)
{
    const char *dtype;
    const char *key;
    json_t *value;

    if (!name_is_sane(name))
        return err_set(err, ERR_DATA, "%s: a tensor's name is empty, too long or not printable",
                       t->file);
    tensor->name = strdup(name);
    if (!tensor->name)
        return err_set(err, ERR_NOMEM, "%s: out of memory", t->file);
    if (!json_is_object(entry))
        return refuse(t, name, "its entry is not an object", err);
    json_object_foreach((json_t *)entry, key,
                        value) if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
                                   strcmp(key, "data_offsets") !=
                                       0) return refuse(t, name, "its entry has an unknown key",
                                                        err);
    dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return refuse(t, name, "no dtype", err);
    tensor->dtype = dtype_find(dtype);
    if (!tensor->dtype)
        return refuse(t, name, "unknown dtype", err);
    return parse_shape(t, tensor, json_object_get(entry, "shape"), err) ||
                   parse_offsets(t, tensor, json_object_get(entry, "data_offsets"), err)
               ? -1
               : 0;
}

static int by_begin(const void *a, const void *b)
{
    const struct safetensor *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors must tile the data: no overlap, no hole, nothing after the last. */
static int check_tiling(const struct safetensors *t, struct err *err)
{
    size_t at = 0;

    for (int i = 0; i < t->n; i++) {
        if (t->items[i].begin < at)
            return refuse(t, t->items[i].name, "it overlaps another tensor", err);
        if (t->items[i].begin > at)
            return refuse(t, t->items[i].name, "there is a hole before it", err);
        at = t->items[i].end;
    }
    if (at != t->data.len)
        return err_set(err, ERR_DATA, "%s: %zu bytes after the last tensor", t->file,
                       t->data.len - at);
    return 0;
}

static int check_metadata(const struct safetensors *t, const json_t *metadata, struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return err_set(err, ERR_DATA, "%s: __metadata__ is not an object", t->file);
    json_object_foreach((json_t *)metadata, key, value) if (!json_is_string(value)) return err_set(
        err, ERR_DATA, "%s: __metadata__ holds more than strings", t->file);
    return 0;
}

static int parse_header(struct safetensors *t, const json_t *header, struct err *err)
{
    const char *name;
    json_t *entry;

    t->items = calloc(json_object_size(header) + 1, sizeof(*t->items));
    if (!t->items)
        return err_set(err, ERR_NOMEM, "%s: out of memory", t->file);
    json_object_foreach((json_t *)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (check_metadata(t, entry, err))
                return -1;
        } else if (parse_tensor(t, &t->items[t->n++], name, entry, err)) {
            return -1;
        }
    }
    qsort(t->items, (size_t)t->n, sizeof(*t->items), by_begin);
    return check_tiling(t, err);
}

static int split(struct safetensors *t, struct view bytes, struct view *header, struct err *err)
{
    uint64_t len = 0;

    if (bytes.len < 8)
        return err_set(err, ERR_DATA, "%s: shorter than its header length field", t->file);
    for (int i = 7; i >= 0; i--)
        len = len << 8 | (unsigned char)bytes.ptr[i];
    if (len > SAFETENSORS_MAX_HEADER)
        return err_set(err, ERR_DATA, "%s: the header has %llu bytes, the limit is %d", t->file,
                       (unsigned long long)len, SAFETENSORS_MAX_HEADER);
    if (len > bytes.len - 8)
        return err_set(err, ERR_DATA, "%s: the header extends past the end of the file", t->file);
    *header = (struct view){bytes.ptr + 8, (size_t)len};
    t->data = (struct view){bytes.ptr + 8 + len, bytes.len - 8 - (size_t)len};
    return 0;
}

int safetensors_init(struct safetensors *out, const char *file, struct view bytes, struct err *err)
{
    struct view text = {0};
    json_error_t at;
    json_t *header = NULL;
    int rc = -1;

    *out = (struct safetensors){.file = file};
    if (split(out, bytes, &text, err))
        return -1;
    header = json_load(text, JSON_REJECT_DUPLICATES, &at);
    if (!header || !json_is_object(header)) {
        if (header)
            err_set(err, ERR_DATA, "%s: header: not a JSON object", file);
        else if (json_load_no_memory(&at))
            err_set(err, ERR_NOMEM, "%s: out of memory", file);
        else
            err_set(err, ERR_DATA, "%s: header: not JSON or duplicate key, byte %d", file,
                    at.position);
        goto out;
    }
    rc = parse_header(out, header, err);
out:
    json_decref(header);
    if (rc)
        safetensors_release(out);
    return rc;
}

void safetensors_release(struct safetensors *tensors)
{
    for (int i = 0; i < tensors->n; i++)
        free(tensors->items[i].name);
    free(tensors->items);
    *tensors = (struct safetensors){0};
}

int safetensors_join(struct safetensors *into, struct safetensors *part, struct err *err)
{
    size_t n = (size_t)into->n + (size_t)part->n + 1;
    struct safetensor *items = realloc(into->items, n * sizeof(*items));

    if (!items) {
        safetensors_release(part);
        return err_set(err, ERR_NOMEM, "%s: out of memory", into->file);
    }
    if (part->n)
        memcpy(items + into->n, part->items, (size_t)part->n * sizeof(*items));
    into->items = items;
    into->n += part->n;
    part->n = 0;
    safetensors_release(part);
    return 0;
}

struct safetensor *safetensors_find(const struct safetensors *tensors, const char *name)
{
    for (int i = 0; i < tensors->n; i++)
        if (strcmp(tensors->items[i].name, name) == 0)
            return &tensors->items[i];
    return NULL;
}

int safetensors_check_shape(const struct safetensor *tensor, int64_t rows, int64_t cols,
                            struct err *err)
{
    const int64_t *dims = tensor->dims;
    char got[SAFETENSORS_MAX_DIMS * 24] = "";
    size_t at = 0;

    if (rows ? tensor->n_dims == 2 && dims[0] == rows && dims[1] == cols
             : tensor->n_dims == 1 && dims[0] == cols)
        return 0;
    for (int d = 0; d < tensor->n_dims; d++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%lld", d ? ", " : "",
                               (long long)dims[d]);
    if (rows)
        return err_set(err, ERR_DATA, "%s: tensor %s: shape (%s), want (%lld, %lld)", tensor->file,
                       tensor->name, got, (long long)rows, (long long)cols);
    return err_set(err, ERR_DATA, "%s: tensor %s: shape (%s), want (%lld)", tensor->file,
                   tensor->name, got, (long long)cols);
}

int safetensors_read_f32(const struct safetensor *tensor, float *out, struct err *err)
{
    const struct safetensors_dtype *dtype = tensor->dtype;
    const char *p = tensor->data + tensor->begin;
    size_t n = (tensor->end - tensor->begin) / dtype->bytes;
    bool finite = true;

    if (!dtype->to_f32)
        return err_set(err, ERR_DATA, "%s: tensor %s: dtype %s, want F32, F16 or BF16",
                       tensor->file, tensor->name, dtype->name);
    for (size_t i = 0; i < n; i++) {
        out[i] = dtype->to_f32(p + i * dtype->bytes);
        finite &= isfinite(out[i]) != 0;
    }
    return finite ? 0
                  : err_set(err, ERR_DATA, "%s: tensor %s: contains a NaN or an infinity",
                            tensor->file, tensor->name);
}
