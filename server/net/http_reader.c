/* Finds the lines of a request and hands them on; counts or joins its body. */
#include "server/net/http_reader.h"

#include "base/bug.h"
#include "server/net/http_grammar.h"

enum reader_state {
    READER_START,   /* nothing yet; an empty line is skipped */
    READER_START_2, /* after that line */
    READER_REQUEST_LINE,
    READER_FIELDS,
    READER_LENGTH,
    READER_CHUNKED,
    READER_DONE,
    READER_REFUSED,
};

void http_reader_init(struct http_reader *reader, const struct http_reader_limits *limits)
{
    BUG_ON(limits->max_fields > HTTP_MAX_FIELDS);
    /* the table of fields is not cleared: n_fields bounds it */
    memset(reader, 0, offsetof(struct http_reader, head.fields));
    memset(&reader->head.n_fields, 0,
           sizeof(*reader) - offsetof(struct http_reader, head.n_fields));
    reader->limits = *limits;
}

bool http_reader_started(const struct http_reader *reader)
{
    return reader->state > READER_START_2;
}

/* An empty line before the request line: some clients end a body with one too many (RFC 9112, 2.2).
 * 1: more bytes are needed. */
static int skip_empty_line(struct http_reader *r, char *bytes, size_t *len)
{
    if (*len == 0)
        return 1;
    if (r->state == READER_START && bytes[0] == '\r') {
        if (*len < 2)
            return 1;
        if (bytes[1] == '\n') {
            *len -= 2;
            memmove(bytes, bytes + 2, *len);
            r->state = READER_START_2;
            return *len == 0;
        }
    }
    return 0;
}

/* Scans to the end of the line at r->line. 0: *line is that line and pos is after it; 1: more bytes
 * are needed; -1: refused. */
static int scan_line(struct http_reader *r, const char *bytes, size_t len, struct view *line)
{
    size_t max = r->limits.max_head_bytes;
    size_t end = len < max ? len : max;
    size_t pos = r->pos;

    while (pos < end && http_is(bytes[pos], HTTP_TEXT))
        pos++;
    r->pos = (uint32_t)pos;
    if (pos == end)
        return len > max ? http_refuse(&r->refusal, PROBLEM_HEAD_TOO_LARGE, "the head is too long")
                         : 1;
    if (bytes[pos] != '\r')
        return http_refuse(&r->refusal, PROBLEM_BAD_REQUEST,
                           bytes[pos] == '\n' ? "a line ends with a bare LF"
                                              : "control byte in the head");
    if (pos + 1 >= len)
        return 1;
    if (pos + 1 >= max)
        return http_refuse(&r->refusal, PROBLEM_HEAD_TOO_LARGE, "the head is too long");
    if (bytes[pos + 1] != '\n')
        return http_refuse(&r->refusal, PROBLEM_BAD_REQUEST, "bare CR in the head");
    *line = (struct view){bytes + r->line, pos - r->line};
    r->pos = (uint32_t)(pos + 2);
    r->line = r->pos;
    return 0;
}

static int read_head(struct http_reader *r, char *bytes, size_t *len)
{
    struct view line;
    int rc = skip_empty_line(r, bytes, len);

    if (rc == 0 && r->state < READER_REQUEST_LINE)
        r->state = READER_REQUEST_LINE;
    while (rc == 0) {
        rc = scan_line(r, bytes, *len, &line);
        if (rc != 0)
            break;
        if (r->state == READER_REQUEST_LINE) {
            rc = http_head_request_line(&r->head, bytes, line, &r->refusal);
            r->state = READER_FIELDS;
        } else if (line.len > 0) {
            rc = http_head_field(&r->head, bytes, line, r->limits.max_fields, &r->refusal);
        } else {
            rc = http_head_end(&r->head, bytes, r->limits.max_body_bytes, &r->refusal);
            r->body.start = r->body.pos = r->pos;
            break;
        }
    }
    return rc;
}

static enum http_progress finish(struct http_reader *r, uint32_t end)
{
    r->end = end;
    r->state = READER_DONE;
    return HTTP_DONE;
}

static enum http_progress read_length(struct http_reader *r, size_t len)
{
    size_t held = len - r->body.start;

    if (held < r->head.length) {
        r->body.len = (uint32_t)held;
        return HTTP_MORE;
    }
    r->body.len = (uint32_t)r->head.length;
    return finish(r, r->body.start + r->body.len);
}

static enum http_progress read_chunked(struct http_reader *r, char *bytes, size_t *len)
{
    int rc = http_body_chunks(&r->body, &r->limits, bytes, len, &r->refusal);

    if (rc > 0)
        return HTTP_MORE;
    if (rc == 0)
        return finish(r, r->body.pos);
    r->state = READER_REFUSED;
    return HTTP_REFUSED;
}

enum http_progress http_reader_run(struct http_reader *reader, char *bytes, size_t *len)
{
    int rc;

    BUG_ON(*len > UINT32_MAX);
    switch ((enum reader_state)reader->state) {
    case READER_START:
    case READER_START_2:
    case READER_REQUEST_LINE:
    case READER_FIELDS:
        rc = read_head(reader, bytes, len);
        if (rc > 0)
            return HTTP_MORE;
        if (rc == 0)
            reader->state = reader->head.chunked ? READER_CHUNKED : READER_LENGTH;
        else
            reader->state = READER_REFUSED;
        return rc < 0 ? HTTP_REFUSED : HTTP_HEAD;
    case READER_LENGTH:
        return read_length(reader, *len);
    case READER_CHUNKED:
        return read_chunked(reader, bytes, len);
    case READER_DONE:
        return HTTP_DONE;
    case READER_REFUSED:
        break;
    }
    return HTTP_REFUSED;
}
