/* What the lines of a head mean. */
#include "server/net/http_head.h"

#include "server/net/http_grammar.h"

static struct http_span span_of(struct view v, const char *bytes)
{
    return (struct http_span){(uint32_t)(v.ptr - bytes), (uint32_t)v.len};
}

static int bad(struct http_refusal *refusal, const char *detail)
{
    return http_refuse(refusal, PROBLEM_BAD_REQUEST, detail);
}

int http_head_request_line(struct http_head *head, const char *bytes, struct view line,
                           struct http_refusal *refusal)
{
    struct view method, target_text, version;
    struct http_target target;

    method = view_cut(line, ' ', &version);
    target_text = view_cut(version, ' ', &version);
    if (!version.ptr)
        return bad(refusal, "the request line is not method, target, version");
    if (!http_is_token(method))
        return bad(refusal, "the method is not a token");
    if (version.len != 8 || memcmp(version.ptr, "HTTP/1.", 7) != 0 || version.ptr[7] < '0' ||
        version.ptr[7] > '9')
        return bad(refusal, "the version is not HTTP/1.x");
    head->method = span_of(method, bytes);
    head->minor = (uint8_t)(version.ptr[7] - '0');
    if (!http_target_parse(method, target_text, &target))
        return bad(refusal, "the request target is malformed");
    head->path = span_of(target.path, bytes);
    head->query = span_of(target.query, bytes);
    head->authority = span_of(target.authority, bytes);
    return 0;
}

int http_head_field(struct http_head *head, const char *bytes, struct view line,
                    uint32_t max_fields, struct http_refusal *refusal)
{
    struct view name, value;

    if (head->n_fields == max_fields)
        return http_refuse(refusal, PROBLEM_HEAD_TOO_LARGE, "too many header fields");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return bad(refusal, "a header line begins with whitespace");
    name = view_cut(line, ':', &value);
    if (!value.ptr)
        return bad(refusal, "a header line has no colon");
    if (!http_is_token(name))
        return bad(refusal, "a header name is not a token");
    value = view_trim(value);
    head->fields[head->n_fields++] =
        (struct http_field){span_of(name, bytes), span_of(value, bytes)};
    return 0;
}

/* ---- what the fields mean together ----------------------------------------------------------- */

struct framing {
    int n_host, n_length, n_encoding;
    struct view host, length, encoding;
    bool close, keep_alive, expect;
};

static void read_connection(struct framing *f, struct view value)
{
    struct view element;

    while (http_list_next(&value, &element)) {
        f->close |= view_is_nocase(element, "close");
        f->keep_alive |= view_is_nocase(element, "keep-alive");
    }
}

static void read_field(struct framing *f, struct view name, struct view value)
{
    if (view_is_nocase(name, "host")) {
        f->n_host++;
        f->host = value;
    } else if (view_is_nocase(name, "content-length")) {
        f->n_length++;
        f->length = value;
    } else if (view_is_nocase(name, "transfer-encoding")) {
        f->n_encoding++;
        f->encoding = value;
    } else if (view_is_nocase(name, "connection")) {
        read_connection(f, value);
    } else if (view_is_nocase(name, "expect")) {
        f->expect |= view_is_nocase(value, "100-continue");
    }
}

/* Any number of digits; saturates at 64 bits. */
static bool read_length(struct view v, uint64_t *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
        if (n > (UINT64_MAX - 9) / 10)
            n = UINT64_MAX;
        else
            n = n * 10 + (uint64_t)(v.ptr[i] - '0');
    }
    *out = n;
    return v.len > 0;
}

static int check_host(const struct http_head *head, const struct framing *f,
                      struct http_refusal *refusal)
{
    if (f->n_host > 1)
        return http_refuse(refusal, PROBLEM_BAD_HOST, "more than one Host");
    if (f->n_host == 0 && head->minor >= 1)
        return http_refuse(refusal, PROBLEM_BAD_HOST, "Host is missing");
    if (f->n_host && !http_is_authority(f->host, false))
        return http_refuse(refusal, PROBLEM_BAD_HOST, "Host is malformed");
    return 0;
}

static int check_length(struct http_head *head, const struct framing *f, uint64_t max_body_bytes,
                        struct http_refusal *refusal)
{
    if (f->n_length > 1)
        return http_refuse(refusal, PROBLEM_BAD_LENGTH, "more than one Content-Length");
    if (f->n_length && !read_length(f->length, &head->length))
        return http_refuse(refusal, PROBLEM_BAD_LENGTH, "Content-Length is not a number");
    if (f->n_length && f->n_encoding)
        return http_refuse(refusal, PROBLEM_BAD_LENGTH,
                           "both Content-Length and Transfer-Encoding");
    if (f->n_encoding && head->minor == 0)
        return http_refuse(refusal, PROBLEM_BAD_LENGTH, "Transfer-Encoding in HTTP/1.0");
    if (f->n_encoding && (f->n_encoding > 1 || !view_is_nocase(f->encoding, "chunked")))
        return http_refuse(refusal, PROBLEM_TRANSFER_ENCODING, "Transfer-Encoding is not chunked");
    if (head->length > max_body_bytes)
        return http_refuse(refusal, PROBLEM_BODY_TOO_LARGE, "the body is too long");
    return 0;
}

int http_head_end(struct http_head *head, const char *bytes, uint64_t max_body_bytes,
                  struct http_refusal *refusal)
{
    struct framing f = {0};

    for (uint32_t i = 0; i < head->n_fields; i++)
        read_field(&f, http_span_view(head->fields[i].name, bytes),
                   http_span_view(head->fields[i].value, bytes));
    head->keep_alive = !f.close && (head->minor >= 1 || f.keep_alive);
    if (check_host(head, &f, refusal) || check_length(head, &f, max_body_bytes, refusal))
        return -1;
    head->chunked = f.n_encoding > 0;
    head->expect_continue = f.expect && head->minor >= 1 && (head->chunked || head->length > 0);
    return 0;
}

struct view http_head_next(const struct http_head *head, const char *bytes, const char *name,
                           uint32_t *at)
{
    const struct view wanted = view_of(name);

    while (*at < head->n_fields) {
        const struct http_field *field = &head->fields[(*at)++];

        if (view_eq_nocase(http_span_view(field->name, bytes), wanted))
            return http_span_view(field->value, bytes);
    }
    return (struct view){NULL, 0};
}

struct view http_head_find(const struct http_head *head, const char *bytes, const char *name)
{
    uint32_t at = 0;

    return http_head_next(head, bytes, name, &at);
}
