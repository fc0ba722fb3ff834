/* Status line, fields and body, in pieces of any size. */
#include "client/response.h"

#include <string.h>

#include "base/number.h"

enum reader_state {
    STATUS_LINE,
    FIELDS,
    BODY_LENGTH,
    BODY_CHUNK_SIZE,
    BODY_CHUNK,
    BODY_CHUNK_END,
    BODY_TRAILERS,
    BODY_UNTIL_CLOSE,
    COMPLETE,
    BROKEN,
};

#define MAX_LINE_BYTES 65536
#define MAX_BODY_BYTES (1u << 30)

void response_reader_init(struct response_reader *reader, bool head_request)
{
    memset(reader, 0, sizeof(*reader));
    reader->head_request = head_request;
}

/* The line at reader->line without its end; false: not there yet, or too long (then BROKEN). */
static bool next_line(struct response_reader *r, const char *bytes, size_t len, struct view *line)
{
    const char *lf = memchr(bytes + r->pos, '\n', len - r->pos);

    if (!lf) {
        r->pos = len;
        if (len - r->line > MAX_LINE_BYTES)
            r->state = BROKEN;
        return false;
    }
    *line = (struct view){bytes + r->line, (size_t)(lf - bytes) - r->line};
    if (line->len == 0 || line->ptr[line->len - 1] != '\r') {
        r->state = BROKEN;
        return false;
    }
    line->len--;
    r->pos = r->line = (size_t)(lf - bytes) + 1;
    return true;
}

/* "HTTP/1.1 200 OK" */
static void read_status(struct response_reader *r, struct view line)
{
    int64_t status;

    if (line.len < 12 || memcmp(line.ptr, "HTTP/1.", 7) != 0 || line.ptr[8] != ' ' ||
        (line.len > 12 && line.ptr[12] != ' ') ||
        number_int((struct view){line.ptr + 9, 3}, 100, 599, &status)) {
        r->state = BROKEN;
        return;
    }
    r->status = (int)status;
    r->keep_alive = line.ptr[7] != '0';
    r->state = FIELDS;
}

static void read_field(struct response_reader *r, const char *bytes, struct view line)
{
    struct view value;
    const struct view name = view_cut(line, ':', &value);

    if (!value.ptr || !name.len || r->n_fields == RESPONSE_MAX_FIELDS) {
        r->state = BROKEN;
        return;
    }
    value = view_trim(value);
    r->fields[r->n_fields++] = (struct response_field){
        .name = (uint32_t)(name.ptr - bytes),
        .name_len = (uint32_t)name.len,
        .value = (uint32_t)(value.ptr - bytes),
        .value_len = (uint32_t)value.len,
    };
}

struct view response_header(const struct response_reader *reader, const char *bytes,
                            const char *name)
{
    for (int i = 0; i < reader->n_fields; i++) {
        const struct response_field *f = &reader->fields[i];

        if (view_is_nocase((struct view){bytes + f->name, f->name_len}, name))
            return (struct view){bytes + f->value, f->value_len};
    }
    return (struct view){NULL, 0};
}

/* The head is over: what body is to come (RFC 9112, 6.3)? */
static void end_head(struct response_reader *r, const char *bytes)
{
    struct view connection = response_header(r, bytes, "connection");
    struct view length = response_header(r, bytes, "content-length");
    struct view encoding = response_header(r, bytes, "transfer-encoding");
    int64_t n = 0;

    if (r->status < 200) { /* an interim answer: the real one follows */
        r->n_fields = 0;
        r->state = STATUS_LINE;
        return;
    }
    if (view_is_nocase(connection, "close"))
        r->keep_alive = false;
    else if (view_is_nocase(connection, "keep-alive"))
        r->keep_alive = true;
    r->body_start = r->pos;
    if (r->head_request || r->status == 204 || r->status == 304) {
        r->state = BODY_LENGTH;
    } else if (encoding.ptr) {
        r->chunked = view_is_nocase(encoding, "chunked");
        r->state = r->chunked && !length.ptr ? BODY_CHUNK_SIZE : BROKEN;
    } else if (length.ptr) {
        r->state = number_int(length, 0, MAX_BODY_BYTES, &n) ? BROKEN : BODY_LENGTH;
        r->left = (uint64_t)n;
    } else {
        r->keep_alive = false;
        r->state = BODY_UNTIL_CLOSE;
    }
}

static void read_chunk_size(struct response_reader *r, struct view line)
{
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < line.len && i < 8; i++) {
        char c = line.ptr[i];
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            break;
        size = size * 16 + (uint64_t)digit;
    }
    if (i == 0 || (i < line.len && line.ptr[i] != ';') || r->body_len + size > MAX_BODY_BYTES) {
        r->state = BROKEN;
        return;
    }
    r->left = size;
    r->state = size ? BODY_CHUNK : BODY_TRAILERS;
}

static void read_chunk(struct response_reader *r, char *bytes, size_t len)
{
    size_t n = len - r->pos < r->left ? len - r->pos : (size_t)r->left;

    memmove(bytes + r->body_start + r->body_len, bytes + r->pos, n);
    r->body_len += n;
    r->pos += n;
    r->left -= n;
    r->line = r->pos;
    if (r->left == 0)
        r->state = BODY_CHUNK_END;
}

static void on_line(struct response_reader *r, const char *bytes, struct view line)
{
    switch ((enum reader_state)r->state) {
    case STATUS_LINE:
        read_status(r, line);
        break;
    case FIELDS:
        if (line.len)
            read_field(r, bytes, line);
        else
            end_head(r, bytes);
        break;
    case BODY_CHUNK_SIZE:
        read_chunk_size(r, line);
        break;
    case BODY_CHUNK_END:
        r->state = line.len ? BROKEN : BODY_CHUNK_SIZE;
        break;
    default: /* trailers are not looked at */
        if (line.len == 0)
            r->state = COMPLETE;
        break;
    }
}

/* Closes the gap between the joined chunks and the line that is being read. */
static void close_up(struct response_reader *r, char *bytes, size_t *len)
{
    size_t end = r->body_start + r->body_len, gap = r->line - end;

    memmove(bytes + end, bytes + r->line, *len - r->line);
    *len -= gap;
    r->pos -= gap;
    r->line -= gap;
}

/* Takes what has arrived of the body; returns whether more bytes are needed or it is complete. */
static bool read_body(struct response_reader *r, char *bytes, size_t len)
{
    size_t held = len - r->body_start;

    if (r->state == BODY_CHUNK) {
        read_chunk(r, bytes, len);
        return r->state == BODY_CHUNK;
    }
    if (r->state == BODY_UNTIL_CLOSE) {
        r->body_len = held;
        r->pos = len;
        return true;
    }
    r->body_len = held < r->left ? held : (size_t)r->left;
    r->pos = r->body_start + r->body_len;
    if (r->body_len == r->left)
        r->state = COMPLETE;
    return true;
}

enum response_progress response_reader_run(struct response_reader *reader, char *bytes, size_t *len,
                                           bool eof)
{
    struct response_reader *r = reader;
    struct view line;

    while (r->state < COMPLETE) {
        if (r->state == BODY_LENGTH || r->state == BODY_CHUNK || r->state == BODY_UNTIL_CLOSE) {
            if (read_body(r, bytes, *len))
                break;
        } else if (*len > r->pos && next_line(r, bytes, *len, &line)) {
            on_line(r, bytes, line);
        } else {
            break;
        }
    }
    if (r->state == BROKEN)
        return RESPONSE_BAD;
    if (r->chunked)
        close_up(r, bytes, len);
    if (r->state == BODY_UNTIL_CLOSE && eof)
        r->state = COMPLETE;
    r->end = r->pos;
    if (r->state == COMPLETE)
        return RESPONSE_DONE;
    return eof ? RESPONSE_BAD : RESPONSE_MORE;
}
