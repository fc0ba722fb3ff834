/* Reads JSON Lines from files or stdin. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/lines.h"
#include "base/utf8.h"
#include "model/files/json_load.h"
#include "tools/model/command.h"

#define MAX_LINE_BYTES ((size_t)16 << 20)

static bool is_blank(struct view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!isspace((unsigned char)line.ptr[i]))
            return false;
    return true;
}

/* name: of what is read, for the error; NULL where the caller puts it before. */
static int read_from(FILE *file, const char *name, on_line_fn on_line, void *arg, struct err *err)
{
    struct buf line = BUF_INIT;
    int rc = 1, reason = 0;

    for (int number = 1; rc > 0 && (rc = line_read(file, MAX_LINE_BYTES, &line, err)) != 0;
         number++) {
        reason = errno;
        if (rc > 0 && !is_blank(buf_view(&line)) && on_line(arg, buf_view(&line), err))
            rc = -1;
        if (rc < 0)
            err_prefix(err, "line %d", number);
    }
    if (rc < 0 && ferror(file))
        err_set(err, ERR_NOINPUT, "%s%s%s", name ? name : "", name ? ": " : "", strerror(reason));
    buf_release(&line);
    return rc;
}

int lines_read(on_line_fn on_line, void *arg, struct err *err)
{
    return read_from(stdin, "stdin", on_line, arg, err);
}

int lines_read_file(const char *path, on_line_fn on_line, void *arg, struct err *err)
{
    FILE *file = fopen(path, "re");
    int rc;

    if (!file)
        return err_set(err, ERR_NOINPUT, "%s", strerror(errno));
    rc = read_from(file, NULL, on_line, arg, err);
    fclose(file);
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
