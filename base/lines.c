/* Reads a line of bounded length from a stream. */
#include "base/lines.h"

static int end_line(struct buf *line, struct err *err)
{
    buf_str(line);
    return buf_failed(line) ? err_set(err, ERR_NOMEM, "out of memory") : 1;
}

/* The caller holds the stream's lock. */
static int read_unlocked(FILE *in, size_t max_bytes, struct buf *line, struct err *err)
{
    char piece[4096];
    size_t n = 0;
    int c = 0;

    while (c != '\n' && (c = getc_unlocked(in)) != EOF) {
        if (c != '\n')
            piece[n++] = (char)c;
        if (c != '\n' && n < sizeof(piece))
            continue;
        buf_add(line, piece, n);
        n = 0;
        if (line->len > max_bytes)
            return err_set(err, ERR_DATA, "longer than %zu bytes", max_bytes);
    }
    buf_add(line, piece, n);
    if (c == EOF && ferror(in))
        return err_set_errno(err, ERR_NOINPUT, "input");
    if (line->len > max_bytes)
        return err_set(err, ERR_DATA, "longer than %zu bytes", max_bytes);
    return c == EOF && line->len == 0 ? 0 : end_line(line, err);
}

int line_read(FILE *in, size_t max_bytes, struct buf *line, struct err *err)
{
    int rc;

    buf_clear(line);
    flockfile(in);
    rc = read_unlocked(in, max_bytes, line, err);
    funlockfile(in);
    return rc;
}
