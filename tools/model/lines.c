/* Reads JSON Lines from files or stdin. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/lines.h"
#include "base/utf8.h"
#include "model/files/json_load.h"
#include "tools/model/command.h"

#define MAX_LINE_BYTES ((size_t)16 << 20)

int lines_read(const char *path, on_line_fn on_line, void *arg, struct err *err)
{
    FILE *file = path ? fopen(path, "re") : stdin;
    struct buf line = BUF_INIT;
    int rc = 1, reason = 0;

    if (!file)
        return err_set_errno(err, ERR_NOINPUT, "%s", path);
    for (int number = 1; rc > 0 && (rc = line_read(file, MAX_LINE_BYTES, &line, err)) != 0;
         number++) {
        reason = errno;
        if (rc > 0 && !view_is_blank(buf_view(&line)) && on_line(arg, buf_view(&line), err))
            rc = -1;
        if (rc < 0)
            err_prefix(err, "line %d", number);
    }
    if (rc < 0 && ferror(file))
        err_set(err, ERR_NOINPUT, "%s: %s", path ? path : "stdin", strerror(reason));
    else if (rc < 0 && path)
        err_prefix(err, "%s", path);
    if (path)
        fclose(file);
    buf_release(&line);
    return rc;
}

int line_parse(struct view line, json_t **out, struct err *err)
{
    const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_error_t at;

    *out = json_load(line, flags, &at);
    if (*out)
        return 0;
    if (json_load_no_memory(&at))
        return err_set(err, ERR_NOMEM, "out of memory");
    switch (json_error_code(&at)) {
    case json_error_duplicate_key:
        return err_set(err, ERR_DATA, "column %d: duplicate key", at.column);
    case json_error_numeric_overflow:
        return err_set(err, ERR_DATA, "column %d: a number out of range", at.column);
    default:
        return err_set(err, ERR_DATA, "column %d: %s", at.column,
                       utf8_has_bom(line) ? UTF8_BOM_REASON : "not JSON");
    }
}

const char *json_kind(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    return names[json_typeof(value)];
}

struct view json_view(const json_t *value)
{
    return (struct view){json_string_value(value), json_string_length(value)};
}

int lines_write(struct buf *out, struct err *err)
{
    bool failed = buf_failed(out);

    if (!failed && out->len &&
        (fwrite(out->ptr, 1, out->len, stdout) != out->len || fflush(stdout) != 0))
        return err_set(err, ERR_UNAVAILABLE, "stdout does not accept more output");
    buf_clear(out);
    return failed ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

int document_write(const char *path, struct buf *out, struct err *err)
{
    int rc;

    buf_add_str(out, "\n");
    if (!path)
        rc = lines_write(out, err);
    else
        rc = buf_failed(out) ? err_set(err, ERR_NOMEM, "%s: out of memory", path)
                             : file_write(path, buf_view(out), err);
    buf_release(out);
    return rc;
}
