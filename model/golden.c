/* Reads golden requests and compares logits with theirs. */
#include "model/golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int read_max_error(struct golden *out, const char *file, const json_t *object,
                          struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object) || json_object_size(object) == 0)
        return err_set(err, ERR_DATA, "%s: /golden/max_error: want an object of precisions", file);
    json_object_foreach((json_t *)object, key, value)
    {
        int p = 0;
        while (p < PRECISIONS && strcmp(key, precision_names[p]) != 0)
            p++;
        if (p == PRECISIONS)
            return err_set(err, ERR_DATA, "%s: /golden/max_error: unknown precision", file);
        if (!json_is_number(value) || !(json_number_value(value) > 0) ||
            !(json_number_value(value) <= GOLDEN_MAX_ERROR))
            return err_set(err, ERR_DATA,
                           "%s: /golden/max_error/%s: want a number over 0 and at most %g", file,
                           key, GOLDEN_MAX_ERROR);
        out->max_error[p] = json_number_value(value);
    }
    return 0;
}

static int read_logits(struct golden_request *out, const char *file, size_t i, const json_t *array,
                       struct arena *arena, struct err *err)
{
    size_t n = json_array_size(array);
    double *logits = arena_array(arena, n + 1, sizeof(*logits));

    if (!logits)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    for (size_t k = 0; k < n; k++) {
        const json_t *value = json_array_get(array, k);
        logits[k] = json_is_number(value) ? json_number_value(value) : (double)NAN;
        if (!isfinite(logits[k]))
            return err_set(err, ERR_DATA,
                           "%s: /golden/requests/%zu/logits/%zu: want a finite number", file, i, k);
    }
    out->logits = logits;
    out->n_logits = (int)n;
    return 0;
}

static int read_request(struct golden_request *out, const char *file, size_t i, const json_t *entry,
                        struct arena *arena, struct err *err)
{
    const json_t *now = json_object_get(entry, "now_ms");
    const json_t *request = json_object_get(entry, "request");
    const json_t *logits = json_object_get(entry, "logits");
    const json_t *candidates = json_object_get(json_object_get(request, "rank"), "candidates");
    char *text;

    if (!json_is_integer(now) || json_integer_value(now) < 0)
        return err_set(err, ERR_DATA, "%s: /golden/requests/%zu/now_ms: want unix milliseconds",
                       file, i);
    if (!json_is_object(request))
        return err_set(err, ERR_DATA, "%s: /golden/requests/%zu/request: want an object", file, i);
    if (!json_is_array(logits) || json_array_size(logits) < 1 ||
        json_array_size(logits) != json_array_size(candidates))
        return err_set(err, ERR_DATA,
                       "%s: /golden/requests/%zu/logits: want one number per candidate", file, i);
    text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    out->now_ms = json_integer_value(now);
    out->body = arena_copy(arena, view_of(text));
    free(text);
    if (!out->body.ptr)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    return read_logits(out, file, i, logits, arena, err);
}

/* Over all requests together: the spread a reader of the scores sees. */
static int judge_spread(struct golden *golden, const char *file, struct err *err)
{
    double sum = 0, squares = 0, mean;
    int n = 0;

    for (int i = 0; i < golden->n_requests; i++)
        for (int k = 0; k < golden->requests[i].n_logits; k++, n++)
            sum += golden->requests[i].logits[k];
    if (n < GOLDEN_MIN_PAIRS)
        return err_set(err, ERR_DATA,
                       "%s: /golden/requests: %d (request, ad) pairs, want at least %d", file, n,
                       GOLDEN_MIN_PAIRS);
    mean = sum / n;
    for (int i = 0; i < golden->n_requests; i++)
        for (int k = 0; k < golden->requests[i].n_logits; k++)
            squares += pow(golden->requests[i].logits[k] - mean, 2);
    golden->spread = sqrt(squares / n);
    if (!(golden->spread >= GOLDEN_MIN_SPREAD))
        return err_set(
            err, ERR_DATA,
            "%s: /golden/requests: logits have a standard deviation of %.3g, want at least %g",
            file, golden->spread, GOLDEN_MIN_SPREAD);
    return 0;
}

int golden_parse(struct golden *out, const char *file, const json_t *object, struct arena *arena,
                 struct err *err)
{
    const json_t *list = json_object_get(object, "requests");
    size_t n = json_array_size(list);
    struct golden_request *requests = arena_calloc(arena, n + 1, sizeof(*requests));

    *out = (struct golden){.requests = requests, .n_requests = (int)n};
    if (!requests)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    if (!json_is_object(object))
        return err_set(err, ERR_DATA, "%s: /golden: want an object", file);
    if (!json_is_array(list) || n > 100000)
        return err_set(err, ERR_DATA, "%s: /golden/requests: want an array", file);
    if (read_max_error(out, file, json_object_get(object, "max_error"), err))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (read_request(&requests[i], file, i, json_array_get(list, i), arena, err))
            return -1;
    return judge_spread(out, file, err);
}

int golden_limit(const struct golden *golden, enum precision precision, double *out,
                 struct err *err)
{
    *out = golden->max_error[precision];
    if (*out <= 0 && precision == PRECISION_F16)
        *out = golden->max_error[PRECISION_BF16]; /* f16 keeps three bits more */
    if (*out <= 0)
        return err_set(err, ERR_DATA, "/golden/max_error: %s is not stated",
                       precision_names[precision]);
    return 0;
}
